//! The address of a server's events, as people write it.
//!
//! Knows: schemes, the path that is meant where none is said.
//! Must not know: filters, sockets.

use crate::cli::url::{self, Url};
use std::fmt;

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

/// Reads `[http://]host[:port][/path][?query]`, `:port`, or the port alone.
pub(super) fn parse(text: &str) -> Result<Url, Fault> {
    let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
    let is_port = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let here = match rest {
        _ if rest == text && is_port(rest) => &format!("localhost:{rest}"),
        _ if rest == text && rest.starts_with(':') => &format!("localhost{rest}"),
        _ => rest,
    };
    let mut url = Url::behind_scheme(here).map_err(Fault::Place)?;
    match scheme.to_ascii_lowercase().as_str() {
        "http" => {}
        "https" => return Err(Fault::Tls(url.host)),
        "ws" | "wss" => {
            let host = if url.host.contains(':') { format!("[{}]", url.host) } else { url.host };
            return Err(Fault::WebSocket(format!("http://{host}:8082{PATH}")));
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
                "asks for TLS, which is not there yet; use http:// to a port without it, or a \
                 tunnel: ssh -L 8082:localhost:8082 {host}, and then {USUAL}"
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
            ("example.org", "example.org", "/events"),
            (":9000", "localhost:9000", "/events"),
            ("9000", "localhost:9000", "/events"),
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
            ("https://example.org/events", ["TLS", "ssh -L 8082:localhost:8082 example.org"]),
            ("ftp://a", ["not known", USUAL]),
            ("", ["no host", USUAL]),
            ("http:///events", ["no host", USUAL]),
            ("/events", ["no host", USUAL]),
            ("::1", ["no brackets", "http://[::1]:8082"]),
            ("http://a:0", ["a port", "1 to 65535"]),
            ("99999", ["a port", "1 to 65535"]),
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
