//! The address of a server's events, as people write it.
//!
//! Knows: schemes, the path that is meant where none is said.
//! Must not know: filters, sockets.

use crate::cli::url::{self, Url};
use std::fmt;

/// Where our own server is, unless it is said to be elsewhere.
const OWN_PORT: u16 = 8082;

/// Where events are.
const PATH: &str = "/events";

/// Where they are on a server that was told nothing.
const USUAL: &str = "http://localhost:8082/events";

/// Why a text is no address of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// `ws:`; where events of that host are, if it was told nothing.
    WebSocket(String),
    /// There is no TLS here yet.
    Tls(String),
    /// Any other.
    UnknownScheme,
    /// What stands behind the scheme.
    Place(url::Fault),
}

/// Reads `http://host[:port][/path][?query]`, or what is left of it without `http://` and without
/// what our own server has: `host:port/path`, `host/path`, `:port`, `/path`.
pub(super) fn parse(text: &str) -> Result<Url, Fault> {
    let Some((scheme, rest)) = url::split_scheme(text) else {
        return parse(&url::complete(text, "http", OWN_PORT).map_err(Fault::Place)?);
    };
    let mut url = Url::behind_scheme(rest).map_err(Fault::Place)?;
    match scheme.to_ascii_lowercase().as_str() {
        "http" => {}
        "https" => return Err(Fault::Tls(url.host)),
        "ws" | "wss" => {
            let host = if url.host.contains(':') { format!("[{}]", url.host) } else { url.host };
            return Err(Fault::WebSocket(format!("http://{host}:{OWN_PORT}{PATH}")));
        }
        _ => return Err(Fault::UnknownScheme),
    }
    let query =
        url.target.strip_prefix('/').filter(|rest| rest.is_empty() || rest.starts_with('?'));
    if let Some(query) = query {
        url.target = format!("{PATH}{query}");
    }
    Ok(url)
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::WebSocket(meant) => {
                write!(out, "is where WebSockets connect; events are read elsewhere, as at {meant}")
            }
            Fault::Tls(host) => write!(
                out,
                "asks for TLS, which is not there yet; read from a port without it, or from a \
                 proxy that speaks it for you: socat TCP-LISTEN:8443,bind=localhost,fork \
                 OPENSSL:{host}:443 and http://localhost:8443{PATH}, with --header 'Host: {host}'"
            ),
            Fault::UnknownScheme => {
                write!(out, "has a scheme that is not known here; write it like {USUAL}")
            }
            Fault::Place(url::Fault::NoHost) => write!(out, "has no host; write it like {USUAL}"),
            Fault::Place(url::Fault::NoBrackets) => {
                out.write_str("has no brackets around its host; write it like http://[::1]:8082")
            }
            Fault::Place(fault) => fault.fmt(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write() {
        for (text, authority, target) in [
            (USUAL, "localhost:8082", "/events"),
            ("http://localhost:8082", "localhost:8082", "/events"),
            ("http://localhost:8082/", "localhost:8082", "/events"),
            ("http://localhost:8082?room=a b", "localhost:8082", "/events?room=a%20b"),
            ("http://localhost:8082/?room=a", "localhost:8082", "/events?room=a"),
            ("HTTP://h/tide/events?_=1", "h", "/tide/events?_=1"),
            ("http://h//", "h", "//"),
            ("localhost:8082", "localhost:8082", "/events"),
            ("[::1]:8082/x", "[::1]:8082", "/x"),
            ("example.org", "example.org:8082", "/events"),
            (":9000", "localhost:9000", "/events"),
            ("/events?room=a", "localhost:8082", "/events?room=a"),
            ("?room=a", "localhost:8082", "/events?room=a"),
            ("", "localhost:8082", "/events"),
        ] {
            let url = parse(text).expect(text);
            assert_eq!((&*url.authority, &*url.target), (authority, target), "{text}");
        }
    }

    #[test]
    fn what_is_refused_and_what_to_write_instead() {
        for (text, parts) in [
            ("ws://localhost:8080/echo", ["WebSockets connect", "http://localhost:8082/events"]),
            ("wss://[::1]/", ["WebSockets connect", "http://[::1]:8082/events"]),
            ("https://example.org/events", ["TLS", "OPENSSL:example.org:443"]),
            ("ftp://a", ["not known", USUAL]),
            ("http:///events", ["no host", USUAL]),
            ("::1", ["no brackets", "http://[::1]:8082"]),
            ("http://a:0", ["a port", "1 to 65535"]),
            (":99999", ["a port", "1 to 65535"]),
            ("http://me:secret@a/", ["names a user", "--header"]),
            ("http://a/b#c", ["fragment", "%23"]),
            ("a b", ["neither a name", "nor an address"]),
        ] {
            let said = parse(text).expect_err(text).to_string();
            assert!(parts.iter().all(|part| said.contains(part)), "{text}: {said}");
            assert!(!said.contains("secret"), "{said}");
        }
    }
}
