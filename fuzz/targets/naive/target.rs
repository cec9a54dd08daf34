//! A request target, decoded with nothing but loops (RFC 9112 §3.2, RFC 3986).
//!
//! Knows: forms of targets, hosts, percent signs.
//! Must not know: heads.

use std::net::Ipv6Addr;
use tidegate::http::Fault;

/// What a target means.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) authority: Option<Host>,
    pub(crate) segments: Vec<String>,
    pub(crate) query: Vec<(String, String)>,
}

/// A name and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Host {
    pub(crate) name: String,
    pub(crate) port: Option<u16>,
}

pub(crate) fn parse(raw: &[u8], is_options: bool) -> Result<Target, Fault> {
    let raw = str::from_utf8(raw).map_err(|_| Fault::BadTarget)?;
    if raw.chars().any(|letter| !('!'..='~').contains(&letter) || letter == '#') {
        return Err(Fault::BadTarget);
    }
    let escapes: Vec<&str> = raw.split('%').skip(1).collect();
    for behind in escapes {
        let digits: String = behind.chars().take(2).collect();
        let is_hex = digits.len() == 2 && digits.chars().all(|digit| digit.is_ascii_hexdigit());
        if !is_hex || digits == "00" {
            return Err(Fault::BadEscape);
        }
    }
    if raw == "*" && is_options {
        return Ok(Target { authority: None, segments: Vec::new(), query: Vec::new() });
    }
    let (authority, rest) = if raw.starts_with('/') { (None, raw) } else { absolute(raw)? };
    let (path, query) = match rest.find('?') {
        Some(place) => (&rest[..place], &rest[place + 1..]),
        None => (rest, ""),
    };
    let segments = segments(path)?;
    Ok(Target { authority, segments, query: pairs(query)? })
}

/// `http://host:port` and what follows.
fn absolute(raw: &str) -> Result<(Option<Host>, &str), Fault> {
    let scheme_end = raw.find("://").ok_or(Fault::BadTarget)?;
    if !["http", "https"].contains(&raw[..scheme_end].to_ascii_lowercase().as_str()) {
        return Err(Fault::BadTarget);
    }
    let rest = &raw[scheme_end + 3..];
    let end = rest.chars().position(|letter| letter == '/' || letter == '?');
    let (authority, rest) = rest.split_at(end.unwrap_or(rest.len()));
    Ok((Some(host(authority).ok_or(Fault::BadHost)?), rest))
}

fn segments(path: &str) -> Result<Vec<String>, Fault> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let decoded = path.split('/').map(|segment| decode(segment, false));
    let segments: Vec<String> = decoded.collect::<Option<_>>().ok_or(Fault::BadTargetUtf8)?;
    if segments.iter().any(|segment| [".", ".."].contains(&segment.as_str())) {
        return Err(Fault::DotSegment);
    }
    Ok(segments)
}

fn pairs(query: &str) -> Result<Vec<(String, String)>, Fault> {
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let end = pair.find('=').unwrap_or(pair.len());
        let (name, value) = (&pair[..end], pair.get(end + 1..).unwrap_or_default());
        let decoded = decode(name, true).zip(decode(value, true));
        pairs.push(decoded.ok_or(Fault::BadTargetUtf8)?);
    }
    Ok(pairs)
}

fn decode(raw: &str, is_form: bool) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = raw.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(str::from_utf8(&digits).ok()?, 16).ok()?
            }
            b'+' if is_form => b' ',
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// RFC 3986 §3.2.2 and §3.2.3, names of DNS only.
pub(crate) fn host(text: &str) -> Option<Host> {
    let (name, rest) = if text.starts_with('[') {
        let end = text.find(']')?;
        let name = &text[1..end];
        name.parse::<Ipv6Addr>().ok()?;
        (name, &text[end + 1..])
    } else {
        let end = text.find(':').unwrap_or(text.len());
        let name = &text[..end];
        let is_fine = |letter: char| letter.is_ascii_alphanumeric() || "-._~".contains(letter);
        (!name.is_empty() && name.chars().all(is_fine)).then_some(())?;
        (name, &text[end..])
    };
    let port = match rest {
        "" | ":" => None,
        _ => Some(number(rest.strip_prefix(':')?)?.try_into().ok()?),
    };
    Some(Host { name: name.to_owned(), port })
}

/// A decimal number, digits only, however many zeros it begins with.
pub(crate) fn number(digits: &str) -> Option<u64> {
    if digits.is_empty() || !digits.chars().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_start_matches('0');
    if significant.len() > 20 {
        return None;
    }
    let value = significant.chars().fold(0u128, |sum, digit| sum * 10 + (digit as u128 - 48));
    value.try_into().ok()
}
