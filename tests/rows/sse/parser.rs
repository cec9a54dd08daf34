//! Event streams as the HTML standard has them read (§9.2.5, §9.2.6), and lines of JSON.

/// What an EventSource dispatches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Dispatched {
    pub(super) name: String,
    pub(super) data: String,
    pub(super) last_id: String,
}

/// Reads a whole stream. What is not ended by an empty line is discarded, as the standard says.
pub(super) fn read(stream: &[u8]) -> Vec<Dispatched> {
    let text = String::from_utf8_lossy(stream);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let (mut events, mut buffers) = (Vec::new(), Buffers::default());
    for line in lines(text) {
        if line.is_empty() {
            events.extend(buffers.dispatch());
        } else if let Some((field, value)) = line.split_once(':') {
            buffers.process(field, value.strip_prefix(' ').unwrap_or(value));
        } else {
            buffers.process(line, "");
        }
    }
    events
}

/// Lines end with CR LF, LF or CR; one without an end is no line.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.find(['\r', '\n'])?;
        let (line, behind) = rest.split_at(end);
        rest = behind.strip_prefix("\r\n").unwrap_or(&behind[1..]);
        Some(line)
    })
}

#[derive(Debug, Default)]
struct Buffers {
    name: String,
    data: String,
    last_id: String,
}

impl Buffers {
    fn process(&mut self, field: &str, value: &str) {
        match field {
            "event" => self.name = value.to_owned(),
            "data" => self.data += &format!("{value}\n"),
            "id" if !value.contains('\0') => self.last_id = value.to_owned(),
            _ => {}
        }
    }

    fn dispatch(&mut self) -> Option<Dispatched> {
        let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
        let data = data.strip_suffix('\n')?.to_owned();
        let name = if name.is_empty() { "message".to_owned() } else { name };
        Some(Dispatched { name, data, last_id: self.last_id.clone() })
    }
}

/// Reads lines of JSON: LF ends a line and nothing else does; empty ones are heartbeats.
pub(super) fn read_lines(body: &[u8]) -> Vec<String> {
    let text = std::str::from_utf8(body).expect("UTF-8");
    let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    whole.filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

#[test]
fn the_parser_is_that_of_the_standard() {
    let named = |name: &str, data: &str, last_id: &str| Dispatched {
        name: name.to_owned(),
        data: data.to_owned(),
        last_id: last_id.to_owned(),
    };
    // The examples of §9.2.6.
    let events = read(b"data: YHOO\ndata: +2\ndata: 10\n\n");
    assert_eq!(events, [named("message", "YHOO\n+2\n10", "")]);
    let stream = b": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\n\
          data:  third event\n";
    let first = named("message", "first event", "1");
    assert_eq!(read(stream), [first, named("message", "second event", "")]);
    assert_eq!(
        read(b"data\n\ndata\ndata\n\ndata:"),
        [named("message", "", ""), named("message", "\n", "")]
    );
    assert_eq!(read(b"data:test\n\ndata: test\n\n").len(), 2);
    let odd = "\u{feff}event: a\rid: x\0\rdata: 1\r\rid: 7\r\n\r\n\u{feff}data: 2\n\ndata: 3\n\n";
    assert_eq!(read(odd.as_bytes()), [named("a", "1", ""), named("message", "3", "7")]);
}
