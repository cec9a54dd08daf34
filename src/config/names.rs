//! Origins and host names, as people write them, made into what browsers send.
//!
//! Knows: RFC 6454 serialised origins, RFC 9110 §7.2 hosts.
//! Must not know: options, requests, who is allowed what.
//!
//! Whoever compares may compare bytes: names come out in lower case, without a default port or a
//! last dot, IPv6 addresses in brackets.

use std::net::Ipv6Addr;

use super::addresses::{parse_port, unbracket};

/// RFC 1035 §2.3.4.
const HOST_BYTES_MAX: usize = 253;

/// Why a text is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OriginFault {
    /// `example.org`.
    NoScheme,
    /// Pages are never loaded by `ws:` or `wss:`.
    WebSocketScheme,
    /// All files share one origin, and it is called `null`.
    File,
    /// Something behind host and port, even a single slash.
    Path,
    /// `*` as a part of it.
    Pattern,
    /// Anything else.
    Malformed,
}

/// Why a text is no host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostFault {
    /// With a port behind it.
    Port,
    /// A whole URL, or one's path.
    Url,
    /// `*` as a part of it.
    Pattern,
    /// Anything else.
    Malformed,
}

/// Reads `*`, `null`, or `scheme://host[:port]`.
pub(super) fn parse_origin(text: &str) -> Result<String, OriginFault> {
    let text = text.to_ascii_lowercase();
    if text == "*" || text == "null" {
        return Ok(text);
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        let is_host = host(&text).is_some() || host_and_port(&text).is_some();
        return Err(if is_host { OriginFault::NoScheme } else { OriginFault::Malformed });
    };
    match scheme {
        "ws" | "wss" => return Err(OriginFault::WebSocketScheme),
        "file" => return Err(OriginFault::File),
        _ if rest.contains(['/', '?', '#']) => return Err(OriginFault::Path),
        _ if rest.contains('*') => return Err(OriginFault::Pattern),
        _ if !is_scheme(scheme) => return Err(OriginFault::Malformed),
        _ => {}
    }
    let (host, port) = match host(rest) {
        Some(host) => (host, None),
        None => host_and_port(rest).ok_or(OriginFault::Malformed)?,
    };
    // RFC 6454 §6.1: browsers leave a scheme's own port out.
    Ok(match (scheme, port) {
        ("http", Some(80)) | ("https", Some(443)) | (_, None) => format!("{scheme}://{host}"),
        (_, Some(port)) => format!("{scheme}://{host}:{port}"),
    })
}

/// Reads `*`, a name, or an IP address.
pub(super) fn parse_host(text: &str) -> Result<String, HostFault> {
    if text == "*" {
        return Ok(text.to_string());
    }
    let text = text.to_ascii_lowercase();
    if let Some(host) = host(&text) {
        return Ok(host);
    }
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Ok(format!("[{address}]"));
    }
    Err(match text {
        _ if text.contains('/') => HostFault::Url,
        _ if text.contains('*') => HostFault::Pattern,
        _ if host_and_port(&text).is_some() => HostFault::Port,
        _ => HostFault::Malformed,
    })
}

fn host_and_port(text: &str) -> Option<(String, Option<u16>)> {
    let (name, port) = text.rsplit_once(':')?;
    Some((host(name)?, Some(parse_port(port)?)))
}

/// A name, an IPv4 address, or an IPv6 address in brackets. Names beyond ASCII must be given as
/// browsers send them (`xn--…`).
fn host(text: &str) -> Option<String> {
    if let Some(inside) = unbracket(text) {
        return inside.parse::<Ipv6Addr>().ok().map(|address| format!("[{address}]"));
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    let is_label = |label: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        !label.is_empty() && label.bytes().all(allowed)
    };
    (name.len() <= HOST_BYTES_MAX && name.split('.').all(is_label)).then(|| name.to_string())
}

/// RFC 3986 §3.1.
fn is_scheme(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    text.starts_with(|first: char| first.is_ascii_alphabetic()) && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn origins() {
        use OriginFault as Fault;
        let cases = [
            ("*", Ok("*")),
            ("null", Ok("null")),
            ("NULL", Ok("null")),
            ("https://example.org", Ok("https://example.org")),
            ("HTTPS://Example.ORG", Ok("https://example.org")),
            ("https://example.org:443", Ok("https://example.org")),
            ("https://example.org:80", Ok("https://example.org:80")),
            ("http://localhost:5173", Ok("http://localhost:5173")),
            ("http://[0:0::1]:80", Ok("http://[::1]")),
            ("chrome-extension://abcdef", Ok("chrome-extension://abcdef")),
            ("https://example.org/", Err(Fault::Path)),
            ("https://example.org/page", Err(Fault::Path)),
            ("https://example.org?q", Err(Fault::Path)),
            ("example.org", Err(Fault::NoScheme)),
            ("localhost:5173", Err(Fault::NoScheme)),
            ("ws://example.org", Err(Fault::WebSocketScheme)),
            ("wss://example.org/x", Err(Fault::WebSocketScheme)),
            ("file:///home/me/page.html", Err(Fault::File)),
            ("https://*.example.org", Err(Fault::Pattern)),
            ("https://", Err(Fault::Malformed)),
            ("://example.org", Err(Fault::Malformed)),
            ("https://me@example.org", Err(Fault::Malformed)),
            ("https://example.org:", Err(Fault::Malformed)),
            ("https://example.org:99999", Err(Fault::Malformed)),
            ("https://bücher.example", Err(Fault::Malformed)),
            ("https://a b", Err(Fault::Malformed)),
            ("", Err(Fault::Malformed)),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_origin(text).as_deref(), expected.as_ref().copied(), "{text}");
        }
    }

    #[test]
    fn hosts() {
        use HostFault as Fault;
        let cases = [
            ("*", Ok("*")),
            ("Example.org", Ok("example.org")),
            ("example.org.", Ok("example.org")),
            ("my_pod", Ok("my_pod")),
            ("10.0.0.1", Ok("10.0.0.1")),
            ("[2001:DB8::1]", Ok("[2001:db8::1]")),
            ("2001:db8::1", Ok("[2001:db8::1]")),
            ("example.org:80", Err(Fault::Port)),
            ("[::1]:80", Err(Fault::Port)),
            ("https://example.org", Err(Fault::Url)),
            ("*.example.org", Err(Fault::Pattern)),
            ("", Err(Fault::Malformed)),
            (".", Err(Fault::Malformed)),
            ("a..b", Err(Fault::Malformed)),
            ("a b", Err(Fault::Malformed)),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_host(text).as_deref(), expected.as_ref().copied(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_comes_out_is_taken_as_it_is(text in "[a-z*]{0,5}(://)?[a-z0-9.:\\[\\]*/]{0,12}") {
            if let Ok(origin) = parse_origin(&text) {
                prop_assert_eq!(parse_origin(&origin), Ok(origin));
            }
            if let Ok(host) = parse_host(&text) {
                prop_assert_eq!(parse_host(&host), Ok(host));
            }
        }

        #[test]
        fn no_text_panics(text: String) {
            let _ = parse_origin(&text);
            let _ = parse_host(&text);
        }
    }
}
