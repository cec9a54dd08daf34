//! A reader of event streams that follows the HTML standard, section 9.2.6, word for word.
//!
//! Knows: the standard.
//! Must not know: what Tidegate writes.

/// An event as a browser would dispatch it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dispatched {
    pub(super) kind: String,
    pub(super) data: String,
    pub(super) last_event_id: String,
}

/// The lines of a stream, which end with CRLF, LF or CR.
fn lines(stream: &str) -> Vec<&str> {
    let (mut lines, mut rest) = (Vec::new(), stream);
    while let Some(end) = rest.find(['\r', '\n']) {
        lines.push(&rest[..end]);
        let ending = if rest[end..].starts_with("\r\n") { 2 } else { 1 };
        rest = &rest[end + ending..];
    }
    // An incomplete line at the end of the stream is discarded.
    lines
}

/// All events of a stream.
pub(super) fn parse(stream: &[u8]) -> Vec<Dispatched> {
    let stream = String::from_utf8_lossy(stream);
    let stream = stream.strip_prefix('\u{feff}').unwrap_or(&stream);
    let (mut data, mut kind, mut id) = (String::new(), String::new(), String::new());
    let mut dispatched = Vec::new();
    for line in lines(stream) {
        if line.is_empty() {
            if let Some(data) = data.strip_suffix('\n') {
                let kind = if kind.is_empty() { "message" } else { &kind };
                let (kind, data) = (kind.to_owned(), data.to_owned());
                dispatched.push(Dispatched { kind, data, last_event_id: id.clone() });
            }
            data.clear();
            kind.clear();
            continue;
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut kind),
            "data" => data.extend([value, "\n"]),
            "id" if !value.contains('\0') => value.clone_into(&mut id),
            _ => {}
        }
    }
    dispatched
}

#[test]
fn the_examples_of_the_standard_are_read() {
    let event = |kind: &str, data: &str, id: &str| Dispatched {
        kind: kind.into(),
        data: data.into(),
        last_event_id: id.into(),
    };
    let cases = [
        ("data: YHOO\ndata: +2\ndata: 10\n\n", vec![event("message", "YHOO\n+2\n10", "")]),
        (
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third",
            vec![event("message", "first event", "1"), event("message", "second event", "")],
        ),
        ("data\n\ndata\ndata\n\ndata:", vec![event("message", "", ""), event("message", "\n", "")]),
        ("data:test\n\ndata: test\n\n", vec![event("message", "test", ""); 2]),
        ("event: add\rdata: 7\r\n\r\n", vec![event("add", "7", "")]),
    ];
    for (stream, expected) in cases {
        assert_eq!(parse(stream.as_bytes()), expected, "{stream:?}");
    }
}
