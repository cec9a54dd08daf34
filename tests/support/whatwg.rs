//! An event stream as a browser reads it: the HTML standard, section 9.2.6, step by step.
//!
//! Knows: the standard.
//! Must not know: what Tidegate writes.

/// An event that a page would get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dispatched {
    pub(super) kind: String,
    pub(super) data: String,
    pub(super) last_event_id: String,
}

/// What a stream did to an `EventSource`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Source {
    pub(super) events: Vec<Dispatched>,
    /// What it would resume with: it is set by a blank line, whether or not an event is dispatched.
    pub(super) last_event_id: String,
    /// Its reconnection time, in milliseconds, if the stream set one.
    pub(super) retry: Option<String>,
}

/// The three buffers of the standard.
#[derive(Default)]
struct Buffers {
    data: String,
    kind: String,
    id: String,
}

/// Reads a stream that is all there.
pub(super) fn read(stream: &[u8]) -> Source {
    // "UTF-8 decode" takes one byte order mark away.
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let (mut source, mut buffers) = (Source::default(), Buffers::default());
    for line in lines(text) {
        if line.is_empty() {
            dispatch(&mut source, &mut buffers);
        } else if let Some(at) = line.find(':') {
            let value = &line[at + 1..];
            // One space, if there is one.
            let value = value.strip_prefix(' ').unwrap_or(value);
            // A line that begins with a colon is a comment.
            if at > 0 {
                process(&mut source, &mut buffers, &line[..at], value);
            }
        } else {
            process(&mut source, &mut buffers, &line, "");
        }
    }
    source
}

/// Lines end with CRLF, LF or CR. What follows the last line end is no line: at the end of the
/// stream an unfinished block is thrown away.
fn lines(text: &str) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    let mut after_cr = false;
    for letter in text.chars() {
        match letter {
            '\n' if after_cr => {}
            '\r' | '\n' => lines.push(std::mem::take(&mut line)),
            _ => line.push(letter),
        }
        after_cr = letter == '\r';
    }
    lines
}

/// "Process the field".
fn process(source: &mut Source, buffers: &mut Buffers, field: &str, value: &str) {
    match field {
        "event" => buffers.kind = value.to_owned(),
        "data" => {
            buffers.data.push_str(value);
            buffers.data.push('\n');
        }
        "id" if !value.contains('\0') => buffers.id = value.to_owned(),
        "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
            source.retry = Some(value.to_owned());
        }
        _ => {}
    }
}

/// "Dispatch the event".
fn dispatch(source: &mut Source, buffers: &mut Buffers) {
    source.last_event_id.clone_from(&buffers.id);
    let kind = std::mem::take(&mut buffers.kind);
    let mut data = std::mem::take(&mut buffers.data);
    if data.is_empty() {
        return;
    }
    data.pop();
    let kind = if kind.is_empty() { "message".to_owned() } else { kind };
    source.events.push(Dispatched { kind, data, last_event_id: source.last_event_id.clone() });
}

#[test]
fn streams_are_read_as_the_standard_has_it() {
    let event = |kind: &str, data: &str, id: &str| Dispatched {
        kind: kind.to_owned(),
        data: data.to_owned(),
        last_event_id: id.to_owned(),
    };
    let odd = "\u{feff}event: a\rid: x\0\rdata: 1\r\rid: 7\r\n\r\n\u{feff}data: 2\n\ndata: 3\n\n";
    let cases = [
        // The examples of section 9.2.6.
        ("data: YHOO\ndata: +2\ndata: 10\n\n", vec![event("message", "YHOO\n+2\n10", "")]),
        (
            ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third",
            vec![event("message", "first event", "1"), event("message", "second event", "")],
        ),
        ("data\n\ndata\ndata\n\ndata:", vec![event("message", "", ""), event("message", "\n", "")]),
        ("data:test\n\ndata: test\n\n", vec![event("message", "test", ""); 2]),
        // Every line end, a byte order mark that counts and one that does not, an id with a NUL.
        ("event: add\rdata: 7\r\n\r\n", vec![event("add", "7", "")]),
        (odd, vec![event("a", "1", ""), event("message", "3", "7")]),
    ];
    for (stream, expected) in cases {
        assert_eq!(read(stream.as_bytes()).events, expected, "{stream:?}");
    }
    let source = read(b"id: 4\nretry: 10\nretry: 1s\nretry:\n\nid: 5\n");
    let (last_event_id, retry) = ("4".to_owned(), Some("10".to_owned()));
    assert_eq!(source, Source { events: Vec::new(), last_event_id, retry });
}
