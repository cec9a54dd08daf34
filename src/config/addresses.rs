//! The addresses of listeners, as people write them.
//!
//! Knows: IP addresses, ports, `localhost`.
//! Must not know: options, name resolution, sockets.
//!
//! No name but `localhost` is accepted: what a name means can change between two starts, and with
//! it who can reach the server.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Why a text is no address of a listener.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Neither an address nor anything near one, or a name.
    Malformed,
    /// An IPv4 address, or `localhost`, and no more.
    NoPort,
    /// An IPv6 address and no more. In `::1:8080`, too, all is address.
    NoPortV6,
    /// `*:8080`.
    Asterisk,
    /// The host is fine.
    BadPort,
}

/// Both loopback addresses, as tutorials say `localhost` and systems differ in what comes first.
pub(super) fn loopback(port: u16) -> [SocketAddr; 2] {
    [
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port),
        SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), port),
    ]
}

/// Whether only this machine can reach an address.
pub(super) fn is_loopback(address: &SocketAddr) -> bool {
    address.ip().to_canonical().is_loopback()
}

/// Reads `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, `:8080` or `8080`.
pub(super) fn parse(text: &str) -> Result<Vec<SocketAddr>, Fault> {
    if let Ok(address) = text.parse() {
        return Ok(vec![address]);
    }
    if let Some(fault) = lacks_port(text) {
        return Err(fault);
    }
    let (host, port) = text.rsplit_once(':').unwrap_or(("", text));
    if host == "*" {
        return Err(Fault::Asterisk);
    }
    if host.is_empty() || host.eq_ignore_ascii_case("localhost") {
        return match parse_port(port) {
            Some(port) => Ok(loopback(port).to_vec()),
            None if host.is_empty() && !text.starts_with(':') => Err(Fault::Malformed),
            None => Err(Fault::BadPort),
        };
    }
    Err(if is_ip(host) { Fault::BadPort } else { Fault::Malformed })
}

/// Digits only: `u16::from_str` would take a sign too.
pub(super) fn parse_port(text: &str) -> Option<u16> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

fn lacks_port(text: &str) -> Option<Fault> {
    if text.eq_ignore_ascii_case("localhost") || text.parse::<Ipv4Addr>().is_ok() {
        return Some(Fault::NoPort);
    }
    let bare = unbracket(text).unwrap_or(text);
    bare.parse::<Ipv6Addr>().is_ok().then_some(Fault::NoPortV6)
}

fn is_ip(host: &str) -> bool {
    match unbracket(host) {
        Some(inside) => inside.parse::<Ipv6Addr>().is_ok(),
        None => host.parse::<Ipv4Addr>().is_ok(),
    }
}

/// What stands between square brackets.
pub(super) fn unbracket(host: &str) -> Option<&str> {
    host.strip_prefix('[')?.strip_suffix(']')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_people_write() {
        let both = ["127.0.0.1:9000", "[::1]:9000"];
        let cases: [(&str, &[&str]); 9] = [
            ("127.0.0.1:8080", &["127.0.0.1:8080"]),
            ("[::1]:8080", &["[::1]:8080"]),
            ("0.0.0.0:1", &["0.0.0.0:1"]),
            ("[::]:0", &["[::]:0"]),
            ("localhost:9000", &both),
            ("LocalHost:9000", &both),
            (":9000", &both),
            ("9000", &both),
            ("09000", &both),
        ];
        for (text, expected) in cases {
            let addresses = parse(text).unwrap();
            let written: Vec<_> = addresses.iter().map(SocketAddr::to_string).collect();
            assert_eq!(written, expected, "{text}");
        }
    }

    #[test]
    fn what_is_refused() {
        let cases = [
            ("", Fault::Malformed),
            (":", Fault::BadPort),
            ("localhost", Fault::NoPort),
            ("localhost:", Fault::BadPort),
            ("127.0.0.1", Fault::NoPort),
            ("::1", Fault::NoPortV6),
            ("[::1]", Fault::NoPortV6),
            ("::1:8080", Fault::NoPortV6),
            ("127.0.0.1:99999", Fault::BadPort),
            ("127.0.0.1:+80", Fault::BadPort),
            ("[::1]:http", Fault::BadPort),
            ("localhost:-1", Fault::BadPort),
            ("*:8080", Fault::Asterisk),
            ("example.org:8080", Fault::Malformed),
            ("http://localhost:8080", Fault::Malformed),
            ("99999", Fault::Malformed),
            ("127.0.0.1:8080/", Fault::BadPort),
        ];
        for (text, expected) in cases {
            assert_eq!(parse(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn loopback_has_three_faces() {
        for address in ["127.0.0.1:1", "127.8.8.8:1", "[::1]:1", "[::ffff:127.0.0.1]:1"] {
            assert!(is_loopback(&address.parse().unwrap()), "{address}");
        }
        for address in ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "[::ffff:10.0.0.1]:1"] {
            assert!(!is_loopback(&address.parse().unwrap()), "{address}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(ip: IpAddr, port: u16) {
            let address = SocketAddr::new(ip, port);
            prop_assert_eq!(parse(&address.to_string()), Ok(vec![address]));
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = parse(&text);
        }
    }
}
