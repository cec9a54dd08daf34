//! The header fields of one request (RFC 9110 §5): names, values, lists.
//!
//! Knows: field lines, and which fields may stand once only.
//! Must not know: what their values mean.

use super::{Fault, token};
use crate::limits::{HEADERS_CAPACITY, Limits};

/// The fields whose values decide something. A proxy that takes the first of two and a server that
/// takes the last do different things with one request, so a second is refused (RFC 9110 §5.3, RFC
/// 9112 §3.2).
const ONCE: [&str; 9] = [
    "host",
    "content-length",
    "transfer-encoding",
    "authorization",
    "origin",
    "content-type",
    "sec-websocket-key",
    "sec-websocket-version",
    LAST_EVENT_ID,
];

/// Lists that decide something: they may span several lines, but must be readable.
const LISTS: [&str; 5] =
    ["connection", "upgrade", "expect", "sec-websocket-protocol", "sec-websocket-extensions"];

/// An `EventSource` sends it in UTF-8, and whatever it sends must not be refused for its content: a
/// status other than 200 would end it for good.
const LAST_EVENT_ID: &str = "last-event-id";

/// The field lines of one head, on the stack.
pub(super) struct Fields<'a> {
    lines: [httparse::Header<'a>; HEADERS_CAPACITY],
    count: usize,
}

/// The first line of a head, in its three parts.
pub(super) struct Line<'a> {
    pub(super) method: &'a str,
    pub(super) target: &'a str,
    /// The digit behind `HTTP/1.`: 0 or 1.
    pub(super) minor: u8,
}

impl<'a> Fields<'a> {
    pub(super) fn parse(head: &'a [u8], limits: &Limits) -> Result<(Line<'a>, Fields<'a>), Fault> {
        let mut lines = [httparse::EMPTY_HEADER; HEADERS_CAPACITY];
        let room = match lines.split_at_mut_checked(limits.headers_max) {
            Some((room, _)) => room,
            None => &mut lines,
        };
        let mut request = httparse::Request::new(room);
        request.parse(head).map_err(|error| fault_of(error, head))?;
        let (Some(method), Some(target), Some(minor)) =
            (request.method, request.path, request.version)
        else {
            return Err(Fault::BadRequestLine);
        };
        let count = request.headers.len();
        let fields = Fields { lines, count };
        fields.check()?;
        Ok((Line { method, target, minor }, fields))
    }

    fn check(&self) -> Result<(), Fault> {
        let mut seen = [false; ONCE.len()];
        for line in self.lines() {
            let is_line = |name: &str| line.name.eq_ignore_ascii_case(name);
            let place = ONCE.iter().position(|name| is_line(name));
            if let Some(seen) = place.and_then(|place| seen.get_mut(place)) {
                if std::mem::replace(seen, true) {
                    return Err(Fault::DuplicateHeader);
                }
            } else if !LISTS.iter().any(|name| is_line(name)) {
                continue;
            }
            let readable = line.value.iter().all(|byte| token::is_ascii_field_byte(*byte));
            if !readable && !is_line(LAST_EVENT_ID) {
                return Err(Fault::BadHeader);
            }
        }
        Ok(())
    }

    fn lines(&self) -> &[httparse::Header<'a>] {
        self.lines.get(..self.count).unwrap_or_default()
    }

    /// The values of all fields of that name, whatever their bytes are.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.lines()
            .iter()
            .filter(move |line| line.name.eq_ignore_ascii_case(name))
            .map(|line| line.value)
    }

    /// The value of the first field of that name.
    pub(super) fn bytes(&self, name: &str) -> Option<&'a [u8]> {
        self.all(name).next()
    }

    /// The same where it is UTF-8.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        self.bytes(name).and_then(|value| str::from_utf8(value).ok())
    }

    /// The values of all fields of that name, where they are UTF-8.
    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.all(name).filter_map(|value| str::from_utf8(value).ok())
    }

    /// RFC 9110 §5.6.1: the elements of all fields of that name together, empty ones left out.
    pub(super) fn list(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.texts(name)
            .flat_map(|value| value.split(','))
            .map(token::trim)
            .filter(|element| !element.is_empty())
    }

    /// Whether a list has that element, in upper or lower case.
    pub(super) fn lists(&self, name: &str, element: &str) -> bool {
        self.list(name).any(|listed| listed.eq_ignore_ascii_case(element))
    }
}

fn fault_of(error: httparse::Error, head: &[u8]) -> Fault {
    match error {
        httparse::Error::HeaderName | httparse::Error::HeaderValue => Fault::BadHeader,
        httparse::Error::TooManyHeaders => Fault::TooManyHeaders,
        httparse::Error::Version => version_fault(head),
        httparse::Error::NewLine | httparse::Error::Token | httparse::Error::Status => {
            Fault::BadRequestLine
        }
    }
}

/// Another version of HTTP is worth another answer than what is none at all.
fn version_fault(head: &[u8]) -> Fault {
    let line = head.trim_ascii_start().split(|byte| *byte == b'\r').next().unwrap_or_default();
    let version = line.splitn(3, |byte| *byte == b' ').nth(2).unwrap_or_default();
    // RFC 9113 §3.4: the preface of a client that knows beforehand that we speak HTTP/2.
    if line == b"PRI * HTTP/2.0" {
        return Fault::Http2;
    }
    match version.strip_prefix(b"HTTP/") {
        Some([major]) if major.is_ascii_digit() => Fault::UnsupportedVersion,
        Some([major, b'.', minor]) if major.is_ascii_digit() && minor.is_ascii_digit() => {
            Fault::UnsupportedVersion
        }
        _ => Fault::BadRequestLine,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(lines: &str) -> Result<Fields<'static>, Fault> {
        let head = format!("GET / HTTP/1.1\r\n{lines}\r\n").leak();
        Fields::parse(head.as_bytes(), &Limits::default()).map(|(_, fields)| fields)
    }

    fn fault_of_line(line: &str) -> Option<Fault> {
        let head = format!("{line}\r\n\r\n").leak();
        Fields::parse(head.as_bytes(), &Limits::default()).err()
    }

    #[test]
    fn names_ignore_case_and_values_are_trimmed() {
        let fields = fields("X-One: \t a b \t\r\nEMPTY:\r\nx-one: second\r\n").expect("fields");
        assert_eq!(fields.text("x-ONE"), Some("a b"));
        assert_eq!(fields.text("empty"), Some(""));
        assert_eq!(fields.text("absent"), None);
    }

    #[test]
    fn lists_span_lines_and_skip_what_is_empty() {
        let fields = fields("Upgrade: ,a ,\tb,,\r\nX: y\r\nupgrade: C\r\nUpgrade:\r\n");
        let fields = fields.expect("fields");
        assert_eq!(fields.list("UPGRADE").collect::<Vec<_>>(), ["a", "b", "C"]);
        assert!(fields.lists("upgrade", "c") && !fields.lists("upgrade", ""));
    }

    #[test]
    fn what_decides_something_stands_once_and_is_ascii() {
        for name in ONCE {
            let upper = name.to_ascii_uppercase();
            let twice = format!("{name}: 1\r\nX: y\r\n{upper}: 1\r\n");
            assert_eq!(fields(&twice).err(), Some(Fault::DuplicateHeader), "{name}");
            let expected = (name != LAST_EVENT_ID).then_some(Fault::BadHeader);
            assert_eq!(fields(&format!("{name}: ü\r\n")).err(), expected, "{name}");
        }
        for name in LISTS {
            assert_eq!(fields(&format!("{name}: a\r\n{name}: b\r\n")).err(), None, "{name}");
            assert_eq!(fields(&format!("{name}: ü\r\n")).err(), Some(Fault::BadHeader), "{name}");
        }
        assert_eq!(fields("X-Free: ü\r\nX-Free: b\r\n").err(), None);
    }

    #[test]
    fn lines_that_are_none_are_refused() {
        for lines in [
            "Host : x\r\n",
            "Host\t: x\r\n",
            "Host\r\n",
            ": x\r\n",
            " Host: x\r\n",
            "\tHost: x\r\n",
            "A: b\r\n c\r\n",
            "A: b\r\n\tc\r\n",
            "A: b\r\n \r\n",
            "A: b\0c\r\n",
            "A\0: b\r\n",
            "A: \x01\r\n",
            "A: \x7f\r\n",
            "A\x7f: b\r\n",
            "A(b): c\r\n",
            "A b: c\r\n",
            "Ä: b\r\n",
            "\u{b}Transfer-Encoding: chunked\r\n",
            "Transfer-Encoding: \u{b}chunked\r\n",
            "Content-Length\u{c}: 1\r\n",
            "\"A\": b\r\n",
        ] {
            assert_eq!(fields(lines).err(), Some(Fault::BadHeader), "{}", lines.escape_debug());
        }
    }

    #[test]
    fn versions_and_other_protocols_are_told_apart() {
        for (line, fault) in [
            ("PRI * HTTP/2.0", Fault::Http2),
            ("GET / HTTP/2.0", Fault::UnsupportedVersion),
            ("GET / HTTP/1.2", Fault::UnsupportedVersion),
            ("GET / HTTP/0.9", Fault::UnsupportedVersion),
            ("GET / HTTP/3", Fault::UnsupportedVersion),
            ("GET / HTTP/1.10", Fault::BadRequestLine),
            ("GET / HTTP/1.1 ", Fault::BadRequestLine),
            ("GET / HTTP/1", Fault::UnsupportedVersion),
            ("GET / HTTP/x.y", Fault::BadRequestLine),
            ("GET / HTTP/", Fault::BadRequestLine),
            ("GET / http/1.1", Fault::BadRequestLine),
            ("GET / RTSP/1.0", Fault::BadRequestLine),
            ("GET / ICY/1.1", Fault::BadRequestLine),
            ("GET  / HTTP/1.1", Fault::BadRequestLine),
            ("GET /  HTTP/1.1", Fault::BadRequestLine),
            ("GET / a HTTP/1.1", Fault::BadRequestLine),
            ("GET\t/ HTTP/1.1", Fault::BadRequestLine),
            ("GET / HTTP/1.1\0", Fault::BadRequestLine),
            ("GET /\0 HTTP/1.1", Fault::BadRequestLine),
        ] {
            assert_eq!(fault_of_line(line), Some(fault), "{line}");
        }
    }

    #[test]
    fn the_number_of_fields_is_limited_exactly() {
        let limits = Limits { headers_max: 3, ..Limits::default() };
        for (count, expected) in [(2, None), (3, None), (4, Some(Fault::TooManyHeaders))] {
            let head = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(count));
            assert_eq!(Fields::parse(head.as_bytes(), &limits).err(), expected, "{count}");
        }
        let limits = Limits { headers_max: usize::MAX, ..Limits::default() };
        for (more, expected) in [(0, None), (1, Some(Fault::TooManyHeaders))] {
            let lines = "A: b\r\n".repeat(HEADERS_CAPACITY + more);
            let head = format!("GET / HTTP/1.1\r\n{lines}\r\n");
            assert_eq!(Fields::parse(head.as_bytes(), &limits).err(), expected);
        }
    }
}
