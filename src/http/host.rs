//! Host and port, as they stand in `Host`, in a target's authority, or behind an origin's scheme
//! (RFC 9110 §7.2, RFC 3986 §3.2.2).
//!
//! Knows: names, addresses, ports.
//! Must not know: which hosts are ours.

use core::fmt;
use core::net::Ipv6Addr;

use super::Fault;

/// A host and, where it was named, its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host<'a> {
    name: &'a str,
    port: Option<u16>,
}

impl<'a> Host<'a> {
    /// Reads `name`, `name:port`, `[IPv6]` or `[IPv6]:port`.
    ///
    /// Stricter than RFC 3986, whose names may also hold `%41`, commas and the like: no name of DNS
    /// does, and `a,b` is what some proxies make of two `Host` headers.
    pub fn parse(text: &'a str) -> Result<Host<'a>, Fault> {
        let (name, rest) = match text.strip_prefix('[') {
            Some(inner) => inner.split_once(']').filter(|(name, _)| is_ipv6(name)),
            None => {
                let end = text.find(':').unwrap_or(text.len());
                text.split_at_checked(end).filter(|(name, _)| is_name(name))
            }
        }
        .ok_or(Fault::BadHost)?;
        Ok(Host { name, port: parse_port(rest)? })
    }

    /// The name or address, without brackets, spelt as it was sent; compare it ignoring case.
    pub fn name(&self) -> &'a str {
        self.name
    }

    /// The port, where one was named.
    pub fn port(&self) -> Option<u16> {
        self.port
    }
}

/// As it stands in a `Host` field.
impl fmt::Display for Host<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name.contains(':') {
            true => write!(out, "[{}]", self.name)?,
            false => out.write_str(self.name)?,
        }
        self.port.map_or(Ok(()), |port| write!(out, ":{port}"))
    }
}

fn is_ipv6(text: &str) -> bool {
    text.parse::<Ipv6Addr>().is_ok()
}

fn is_name(text: &str) -> bool {
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_name_byte)
}

/// RFC 3986 §3.2.3: the port may be absent behind its colon.
fn parse_port(text: &str) -> Result<Option<u16>, Fault> {
    if text.is_empty() {
        return Ok(None);
    }
    let digits = text.strip_prefix(':').ok_or(Fault::BadHost)?;
    if digits.is_empty() {
        return Ok(None);
    }
    // `parse` alone would take a sign.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::BadHost);
    }
    digits.parse().map(Some).map_err(|_| Fault::BadHost)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hosts_that_are_hosts() {
        for (text, name, port) in [
            ("localhost", "localhost", None),
            ("example.com:8080", "example.com", Some(8080)),
            ("127.0.0.1:65535", "127.0.0.1", Some(65535)),
            ("a_b-c.d~", "a_b-c.d~", None),
            ("example.com:", "example.com", None),
            ("example.com:0", "example.com", Some(0)),
            ("example.com:00080", "example.com", Some(80)),
            ("[::1]", "::1", None),
            ("[::1]:80", "::1", Some(80)),
            ("[2001:db8::7]:", "2001:db8::7", None),
            ("[::ffff:192.0.2.1]:1", "::ffff:192.0.2.1", Some(1)),
        ] {
            assert_eq!(Host::parse(text), Ok(Host { name, port }), "{text}");
        }
    }

    #[test]
    fn hosts_that_are_none() {
        for text in [
            "",
            ":80",
            "a:65536",
            "a:+80",
            "a:-1",
            "a:8o",
            "a:80:80",
            "a b",
            "a/b",
            "a?b",
            "a#b",
            "a@b",
            "user:pw@a",
            "a,b",
            "a%41",
            "ü",
            "::1",
            "[::1",
            "::1]",
            "[]",
            "[::1]80",
            "[::1]x",
            "[a]",
            "[127.0.0.1]",
            "[fe80::1%25eth0]",
            "[v1.a]",
            "http://a",
            "a\\b",
            "a:99999999999999999999",
        ] {
            assert_eq!(Host::parse(text), Err(Fault::BadHost), "{text}");
        }
    }

    proptest! {
        #[test]
        fn name_and_port_come_back(name in "[a-z0-9._-]{1,20}", port in any::<u16>()) {
            let text = format!("{name}:{port}");
            prop_assert_eq!(Host::parse(&text), Ok(Host { name: &name, port: Some(port) }));
        }

        #[test]
        fn nothing_panics(text in "[\\[\\]:a0.%é]{0,12}") {
            let _ = Host::parse(&text);
        }
    }
}
