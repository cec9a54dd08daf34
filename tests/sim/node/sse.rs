//! An event stream as a browser reads it, written from the HTML standard, section 9.2.6.
//!
//! Knows: lines, fields, dispatch; the lines of JSON that a stream can be asked for instead.
//! Must not know: the server's own encoder.

use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What a reader is given.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// An event: its type, its data, and the last event id as of then.
    Event { name: String, data: String, id: String },
    /// The last event id moved without an event.
    Position(String),
    /// The reconnection time.
    Retry,
    /// A comment, or an empty line of JSON lines.
    Heartbeat,
}

/// The state between two lines.
#[derive(Debug, Default)]
pub(crate) struct EventSource {
    data: String,
    name: String,
    id: String,
    told_id: String,
    /// Some field of a block was read, its empty line was not.
    pub(crate) in_block: bool,
}

impl EventSource {
    /// Takes in one line without its end.
    pub(crate) fn line(&mut self, line: &str) -> Option<Heard> {
        if line.is_empty() {
            return self.dispatch();
        }
        if line.starts_with(':') {
            return Some(Heard::Heartbeat);
        }
        self.in_block = true;
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            "retry" if value.bytes().all(|b| b.is_ascii_digit()) => return Some(Heard::Retry),
            _ => panic!("a field that means nothing: {line:?}"),
        }
        None
    }

    fn dispatch(&mut self) -> Option<Heard> {
        assert!(self.in_block, "an empty line that ends nothing");
        self.in_block = false;
        let name = std::mem::take(&mut self.name);
        let mut data = std::mem::take(&mut self.data);
        let is_moved = self.id != self.told_id;
        self.told_id.clone_from(&self.id);
        if data.is_empty() {
            assert!(name.is_empty(), "a type without data");
            return is_moved.then(|| Heard::Position(self.id.clone()));
        }
        data.pop();
        Some(Heard::Event { name, data, id: self.id.clone() })
    }
}

/// Takes the next whole line off `bytes`. We never send a CR, so a line ends with LF.
pub(crate) fn take_line(bytes: &mut Vec<u8>) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == b'\n')?;
    let line: Vec<u8> = bytes.drain(..=end).take(end).collect();
    assert!(!line.contains(&b'\r'), "a CR in a line");
    Some(String::from_utf8(line).expect("a line is UTF-8"))
}

/// What a line of JSON lines says: the same as an event with all that is known about it as data.
pub(crate) fn json_line(line: &str) -> Heard {
    if line.is_empty() {
        return Heard::Heartbeat;
    }
    // Not as one `Value`: of what clients say only the grammar was looked at.
    let value: BTreeMap<String, &RawValue> = serde_json::from_str(line).expect("a line is JSON");
    let text = |key: &str| {
        let text: String = serde_json::from_str(value[key].get()).expect("a string");
        text
    };
    if text("type") == "expired" {
        let (name, data) = ("expired".to_owned(), line.to_owned());
        return Heard::Event { name, data, id: String::new() };
    }
    let id = text("id");
    match text("type").as_str() {
        "position" => Heard::Position(id),
        "gap" => {
            let data = format!("{{\"missed\":{}}}", value["missed"]);
            Heard::Event { name: "gap".to_owned(), data, id }
        }
        _ => Heard::Event { name: String::new(), data: line.to_owned(), id },
    }
}
