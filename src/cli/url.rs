//! The address of a WebSocket, as people write it (RFC 6455 §3).
//!
//! Knows: schemes, hosts, ports, paths.
//! Must not know: name resolution, sockets, requests beyond their target.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use std::net::Ipv6Addr;

/// RFC 6455 §3: where no port is said.
const PORT: u16 = 80;

/// Where our own server is, unless it is said to be elsewhere: what is short of a URL is meant so.
const OWN_HOST: &str = "localhost";
const OWN_PORT: u16 = 8080;

/// What a browser, too, would encode in a path or a query. A percent sign stays: it may be the
/// beginning of an escape.
const NOT_IN_TARGET: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// What is asked for where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    /// A name or an address, without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// As the `Host` field has it.
    pub(super) authority: String,
    /// Path and query.
    pub(super) target: String,
}

/// Why a text is no address of a WebSocket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// There is no TLS here yet.
    Tls,
    /// `http:`; this is what was probably meant.
    Http(String),
    /// Any other.
    UnknownScheme,
    /// Nothing before the path.
    NoHost,
    /// Not a name, nor an address.
    BadHost,
    /// `::1` without brackets.
    NoBrackets,
    /// Not a number from 1 to 65535.
    BadPort,
    /// `user:password@`.
    User,
    /// `#…`, which no server would ever see.
    Fragment,
}

impl Url {
    /// Reads `ws://host[:port][/path][?query]`, or what is left of it without `ws://` and without
    /// what our own server has: `host:port/path`, `host/path`, `:port/path`, `/path`.
    pub(super) fn parse(text: &str) -> Result<Url, Fault> {
        let Some((scheme, rest)) = split_scheme(text) else {
            return Url::parse(&complete(text, "ws", OWN_PORT)?);
        };
        match scheme.to_ascii_lowercase().as_str() {
            "ws" => {}
            "wss" | "https" => return Err(Fault::Tls),
            "http" => return Err(Fault::Http(format!("ws://{rest}"))),
            _ => return Err(Fault::UnknownScheme),
        }
        Url::behind_scheme(rest)
    }

    /// Reads `host[:port][/path][?query]`: so far `http:` is the same as `ws:`.
    pub(super) fn behind_scheme(rest: &str) -> Result<Url, Fault> {
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, target) = rest.split_at(end);
        if target.contains('#') {
            return Err(Fault::Fragment);
        }
        let (host, port) = host_and_port(authority)?;
        let slash = if target.starts_with('/') { "" } else { "/" };
        let target = format!("{slash}{}", utf8_percent_encode(target, NOT_IN_TARGET));
        let in_brackets = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let authority = match port {
            PORT => in_brackets,
            _ => format!("{in_brackets}:{port}"),
        };
        Ok(Url { host: host.to_owned(), port, authority, target })
    }

    /// As it can be shown: a query may hold a credential.
    pub(super) fn without_query(&self, scheme: &str) -> String {
        let path = self.target.split('?').next().unwrap_or_default();
        format!("{scheme}://{}{path}", self.authority)
    }

    /// The same with one parameter more.
    #[must_use]
    pub(super) fn with_parameter(mut self, name: &str, value: &str) -> Url {
        let sign = if self.target.contains('?') { '&' } else { '?' };
        let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
        self.target.push_str(&format!("{sign}{name}={value}"));
        self
    }
}

/// A scheme ends before any path begins.
pub(super) fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let is_scheme = |scheme: &str| !scheme.contains(['/', '?', '#']);
    text.split_once("://").filter(|(scheme, _)| is_scheme(scheme))
}

/// With all that a URL has; without a port it is at `own_port`.
pub(super) fn complete(text: &str, scheme: &str, own_port: u16) -> Result<String, Fault> {
    let (authority, target) = text.split_at(text.find(['/', '?', '#']).unwrap_or(text.len()));
    let is_port = |rest: &&str| !rest.contains(':');
    let (host, port) = match authority.strip_prefix(':').filter(is_port) {
        Some(port) => (OWN_HOST, parse_port(port)?),
        None if authority.is_empty() => (OWN_HOST, own_port),
        None => (authority, own_port),
    };
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
    Ok(match has_port {
        true => format!("{scheme}://{host}{target}"),
        false => format!("{scheme}://{host}:{port}{target}"),
    })
}

fn host_and_port(authority: &str) -> Result<(&str, u16), Fault> {
    if authority.contains('@') {
        return Err(Fault::User);
    }
    if authority.parse::<Ipv6Addr>().is_ok() {
        return Err(Fault::NoBrackets);
    }
    if let Some((inside, behind)) = authority.strip_prefix('[').and_then(|it| it.split_once(']')) {
        let port = match behind.strip_prefix(':') {
            Some(port) => parse_port(port)?,
            None if behind.is_empty() => PORT,
            None => return Err(Fault::BadHost),
        };
        return inside.parse::<Ipv6Addr>().map(|_| (inside, port)).map_err(|_| Fault::BadHost);
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, parse_port(port)?),
        None => (authority, PORT),
    };
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    match host {
        "" => Err(Fault::NoHost),
        _ if host.bytes().all(is_allowed) => Ok((host, port)),
        _ => Err(Fault::BadHost),
    }
}

/// RFC 3986 §3.2.3: nothing behind the colon means the usual port.
fn parse_port(text: &str) -> Result<u16, Fault> {
    if text.is_empty() {
        return Ok(PORT);
    }
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|port| is_number && *port != 0);
    port.ok_or(Fault::BadPort)
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Fault::Tls => {
                "asks for TLS, which is not there yet; connect with ws:// to a port without it, or \
                 through a proxy: socat TCP-LISTEN:8443,bind=localhost,fork OPENSSL:HOST:443 and \
                 ws://localhost:8443/ --header 'Host: HOST'"
            }
            Fault::Http(meant) => {
                let meant = meant.escape_debug();
                return write!(out, "is not the address of a WebSocket; write {meant}");
            }
            Fault::UnknownScheme => {
                "has a scheme that is not known here; write it like ws://localhost:8080/echo"
            }
            Fault::NoHost => "has no host; write it like ws://localhost:8080/echo",
            Fault::BadHost => "has a host that is neither a name nor an address",
            Fault::NoBrackets => "has no brackets around its host; write it like ws://[::1]:8080/",
            Fault::BadPort => "has a port that is not a number from 1 to 65535",
            Fault::User => "names a user; write --header 'Authorization: …' instead",
            Fault::Fragment => "has a fragment, which is never sent; write %23 for the sign itself",
        };
        out.write_str(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_people_write() {
        let cases = [
            ("ws://localhost:8080/echo", ("localhost", 8080, "localhost:8080", "/echo")),
            ("WS://Example.org", ("Example.org", 80, "Example.org", "/")),
            ("ws://example.org:/", ("example.org", 80, "example.org", "/")),
            ("ws://example.org:80?a=b", ("example.org", 80, "example.org", "/?a=b")),
            ("ws://127.0.0.1:1/a//b/", ("127.0.0.1", 1, "127.0.0.1:1", "/a//b/")),
            ("ws://[::1]:8080/x", ("::1", 8080, "[::1]:8080", "/x")),
            ("ws://[::1]", ("::1", 80, "[::1]", "/")),
            ("ws://h/chat/a b?c=d e", ("h", 80, "h", "/chat/a%20b?c=d%20e")),
            ("ws://h/grød%2F?x=@:/?", ("h", 80, "h", "/gr%C3%B8d%2F?x=@:/?")),
            ("ws://h/a\r\nb", ("h", 80, "h", "/a%0D%0Ab")),
        ];
        for (text, (host, port, authority, target)) in cases {
            let url = Url::parse(text).expect(text);
            assert_eq!((url.host.as_str(), url.port), (host, port), "{text}");
            assert_eq!((url.authority.as_str(), url.target.as_str()), (authority, target));
        }
    }

    #[test]
    fn what_is_short_of_a_url_means_our_own_server() {
        for (text, url) in [
            ("", "ws://localhost:8080/"),
            ("localhost", "ws://localhost:8080/"),
            ("localhost:9000/echo?x=y", "ws://localhost:9000/echo?x=y"),
            ("localhost:80", "ws://localhost/"),
            (":9000", "ws://localhost:9000/"),
            (":9000/echo", "ws://localhost:9000/echo"),
            ("/ws/lab?to=ws://a", "ws://localhost:8080/ws/lab?to=ws://a"),
            ("?a=b", "ws://localhost:8080/?a=b"),
            ("example.org/echo", "ws://example.org:8080/echo"),
            ("[::1]", "ws://[::1]:8080/"),
            ("[::1]:9000/x", "ws://[::1]:9000/x"),
        ] {
            assert_eq!(Url::parse(text), Url::parse(url), "{text}");
            assert!(Url::parse(url).is_ok());
        }
    }

    #[test]
    fn what_is_shown_has_no_query() {
        let shown = |text| Url::parse(text).unwrap().without_query("ws");
        assert_eq!(shown("ws://a:1/b/c?ticket=5ecre7"), "ws://a:1/b/c");
    }

    #[test]
    fn what_is_refused() {
        let cases = [
            ("localhost:http", Fault::BadPort),
            ("ws:localhost", Fault::BadPort),
            (":0", Fault::BadPort),
            ("::1", Fault::NoBrackets),
            ("me@localhost", Fault::User),
            ("/echo#x", Fault::Fragment),
            ("wss://example.org", Fault::Tls),
            ("http://a:1/b?c", Fault::Http("ws://a:1/b?c".to_owned())),
            ("HTTPS://a", Fault::Tls),
            ("htp://a", Fault::UnknownScheme),
            ("ws://", Fault::NoHost),
            ("ws://:80/", Fault::NoHost),
            ("ws:///echo", Fault::NoHost),
            ("ws://a b/", Fault::BadHost),
            ("ws://bücher.example/", Fault::BadHost),
            ("ws://[::1]8080/", Fault::BadHost),
            ("ws://[localhost]/", Fault::BadHost),
            ("ws://::1/", Fault::NoBrackets),
            ("ws://a:0/", Fault::BadPort),
            ("ws://a:+80/", Fault::BadPort),
            ("ws://a:65536/", Fault::BadPort),
            ("ws://a:http/", Fault::BadPort),
            ("ws://me:secret@a/", Fault::User),
            ("ws://a/b#c", Fault::Fragment),
        ];
        for (text, fault) in cases {
            assert_eq!(Url::parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn a_parameter_goes_behind_those_that_are_there() {
        for (text, target) in [
            ("ws://a", "/?connectionId=a%26b%20%C3%B8"),
            ("ws://a/ws/lab?echo=1", "/ws/lab?echo=1&connectionId=a%26b%20%C3%B8"),
        ] {
            let url = Url::parse(text).unwrap().with_parameter("connectionId", "a&b ø");
            assert_eq!(url.target, target);
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_no_target_breaks_a_request(
            text in "(ws://)?[a-z\\[\\]:@0-9]{0,8}(\\PC|[\\x00-\\x20/?#%]){0,20}",
        ) {
            if let Ok(url) = Url::parse(&text) {
                prop_assert!(url.target.starts_with('/'));
                prop_assert!(url.target.bytes().all(|byte| byte.is_ascii_graphic()));
            }
        }
    }
}
