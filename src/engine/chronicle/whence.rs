//! Where a connection comes from.
//!
//! Knows: addresses, and how proxies say for whom they ask.
//! Must not know: who is believed what.

use crate::http::Request;
use core::net::{IpAddr, SocketAddr};
use std::fmt;

/// The address of a peer, and its port, if that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whence {
    address: IpAddr,
    port: Option<u16>,
}

impl From<IpAddr> for Whence {
    fn from(address: IpAddr) -> Whence {
        Whence { address: address.to_canonical(), port: None }
    }
}

impl From<SocketAddr> for Whence {
    fn from(peer: SocketAddr) -> Whence {
        Whence { port: Some(peer.port()), ..Whence::from(peer.ip()) }
    }
}

impl fmt::Display for Whence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            Some(port) => SocketAddr::new(self.address, port).fmt(out),
            None => self.address.fmt(out),
        }
    }
}

impl Whence {
    pub(in crate::engine) fn address(self) -> IpAddr {
        self.address
    }

    /// For whom a proxy on this machine says that it asks: the nearest address that it names. What
    /// others say of whom they ask for is not listened to.
    pub(super) fn claimed(self, request: &Request<'_>) -> Option<IpAddr> {
        if !self.address.is_loopback() {
            return None;
        }
        let value = request.texts("x-forwarded-for").last()?;
        address_of(value.rsplit(',').next()?.trim())
    }
}

/// An address, with or without a port.
fn address_of(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let whole = bare.parse().ok();
    whole.or_else(|| text.parse::<SocketAddr>().ok().map(|peer| peer.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn claimed(peer: &str, fields: &str) -> Option<String> {
        let head = format!("GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
        let request = Request::parse(head.as_bytes(), &Limits::default()).expect("a request");
        let claimed = Whence::from(peer.parse::<SocketAddr>().unwrap()).claimed(&request);
        claimed.map(|address| address.to_string())
    }

    #[test]
    fn a_peer_is_told_with_its_port_and_as_it_is_known() {
        for (peer, told) in [
            ("127.0.0.1:80", "127.0.0.1:80"),
            ("[::1]:80", "[::1]:80"),
            ("[::ffff:10.0.0.1]:80", "10.0.0.1:80"),
        ] {
            assert_eq!(Whence::from(peer.parse::<SocketAddr>().unwrap()).to_string(), told);
        }
        assert_eq!(Whence::from(IpAddr::from([10, 0, 0, 1])).to_string(), "10.0.0.1");
    }

    #[test]
    fn a_proxy_on_this_machine_says_for_whom_it_asks() {
        for (value, told) in [
            ("203.0.113.7", "203.0.113.7"),
            ("2001:DB8::1", "2001:db8::1"),
            ("203.0.113.7:51123", "203.0.113.7"),
            ("::1, [2001:db8::1]:443", "2001:db8::1"),
            ("unknown,203.0.113.7 , [2001:db8::1]", "2001:db8::1"),
        ] {
            let field = format!("X-Forwarded-For: {value}\r\n");
            assert_eq!(claimed("127.0.0.1:1", &field).as_deref(), Some(told), "{value}");
            assert_eq!(claimed("[::1]:1", &field).as_deref(), Some(told), "{value}");
            assert_eq!(claimed("192.0.2.1:1", &field), None, "{value}");
        }
        let two = "X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\n";
        assert_eq!(claimed("127.0.0.1:1", two).as_deref(), Some("10.0.0.2"));
    }

    #[test]
    fn what_is_no_address_is_not_repeated() {
        for value in ["", ",", "unknown", "5ecre7", "10.0.0.1, <script>", "10.0.0.1:x", "999.1.1.1"]
        {
            let field = format!("X-Forwarded-For: {value}\r\n");
            assert_eq!(claimed("127.0.0.1:1", &field), None, "{value}");
        }
    }
}
