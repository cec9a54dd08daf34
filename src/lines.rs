//! One record of the log as one line: text for people, or JSON for their machines.
//!
//! Knows: how lines are written, what must not stand in one.
//! Must not know: what they say, where they go.
//!
//! A field may hold what a client said: a name, a path. Nothing of it may begin a line, end a
//! field, or do anything to the terminal that shows it.

use env_logger::fmt::Formatter;
use log::Record;
use log::kv::{self, Key, VisitSource};
use std::fmt::{Display, Write as _};
use std::io::{self, Write};

/// How lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Format {
    /// Time, level and message, then `name=value`.
    #[default]
    Text,
    /// An object each.
    Json,
}

/// Targets that are told in text, too: the others are places in our code.
const TOLD_TARGETS: [&str; 2] = ["access", "connection"];

impl Format {
    /// The format of that name.
    pub(crate) fn of(name: &str) -> Option<Format> {
        match name {
            "text" => Some(Format::Text),
            "json" => Some(Format::Json),
            _ => None,
        }
    }

    /// Writes a record, with the end of its line.
    pub(crate) fn write(self, out: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
        let time = out.timestamp_millis().to_string();
        let line = match self {
            Format::Text => {
                let style = out.default_level_style(record.level());
                text(record, &time, (style.render(), style.render_reset()))
            }
            Format::Json => json(record, &time),
        };
        out.write_all(line.as_bytes())
    }

    /// What stands where lines are missing.
    pub(crate) fn missing(self, lines: u64) -> String {
        let text = match lines {
            1 => "1 line of the log is missing here".to_owned(),
            _ => format!("{lines} lines of the log are missing here"),
        };
        match self {
            Format::Text => format!("[{text}]\n"),
            Format::Json => {
                let fields = "\"level\":\"warn\",\"target\":\"tidegate\"";
                format!("{{{fields},\"message\":\"{text}\",\"count\":{lines}}}\n")
            }
        }
    }
}

fn text(record: &Record<'_>, time: &str, (begin, end): (impl Display, impl Display)) -> String {
    let (level, mut line) = (record.level(), String::new());
    let target = record.target();
    let target = if TOLD_TARGETS.contains(&target) { format!(" {target}") } else { String::new() };
    // Writing to a String cannot fail.
    let _ = write!(line, "[{time} {begin}{level:<5}{end}{target}] ");
    // A backtrace has several lines.
    push_shown(&mut line, &record.args().to_string(), |character| character == '\n');
    let _ = record.key_values().visit(&mut Pairs(&mut line));
    line.push('\n');
    line
}

/// Fields as `name=value` behind the message.
struct Pairs<'l>(&'l mut String);

impl<'kvs> VisitSource<'kvs> for Pairs<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        self.0.push(' ');
        self.0.push_str(key.as_str());
        self.0.push('=');
        let text = value.to_string();
        if is_plain(&text) {
            self.0.push_str(&text);
        } else {
            push_quoted(self.0, &text);
        }
        Ok(())
    }
}

/// Whether it can stand there without quotes.
fn is_plain(text: &str) -> bool {
    let is_odd = |c: char| !(c.is_ascii_graphic() || c.is_alphanumeric()) || "\"=\\".contains(c);
    !text.is_empty() && !text.contains(is_odd)
}

fn json(record: &Record<'_>, time: &str) -> String {
    let level = record.level().as_str().to_ascii_lowercase();
    let mut line = format!("{{\"time\":\"{time}\",\"level\":\"{level}\",\"target\":");
    push_quoted(&mut line, record.target());
    line.push_str(",\"message\":");
    push_quoted(&mut line, &record.args().to_string());
    let _ = record.key_values().visit(&mut Members(&mut line));
    line.push_str("}\n");
    line
}

/// Fields as members of an object, behind others.
struct Members<'l>(&'l mut String);

impl<'kvs> VisitSource<'kvs> for Members<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: kv::Value<'kvs>) -> Result<(), kv::Error> {
        self.0.push(',');
        push_quoted(self.0, key.as_str());
        self.0.push(':');
        let is_number = value.to_u64().is_some() || value.to_f64().is_some_and(f64::is_finite);
        match (value.to_borrowed_str(), is_number) {
            (None, true) => self.0.push_str(&value.to_string()),
            (Some(text), _) => push_quoted(self.0, text),
            (None, false) => push_quoted(self.0, &value.to_string()),
        }
        Ok(())
    }
}

/// In quotes, as JSON has it: logfmt's readers take the same.
fn push_quoted(line: &mut String, text: &str) {
    line.push('"');
    for part in text.split_inclusive(is_special) {
        let (shown, special) = match part.char_indices().next_back() {
            Some((at, last)) if is_special(last) => (&part[..at], Some(last)),
            _ => (part, None),
        };
        push_shown(line, shown, |_| false);
        line.extend(special.into_iter().flat_map(|special| ['\\', special]));
    }
    line.push('"');
}

fn is_special(character: char) -> bool {
    matches!(character, '"' | '\\')
}

/// Appends `text`, with what has an effect in place of a shape written as JSON does, but for what
/// is `allowed`.
fn push_shown(line: &mut String, text: &str, allowed: impl Fn(char) -> bool) {
    for character in text.chars() {
        match character {
            _ if allowed(character) => line.push(character),
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            _ if character.is_control() || is_hidden(character) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    let _ = write!(line, "\\u{unit:04x}");
                }
            }
            _ => line.push(character),
        }
    }
}

/// Whether it has no shape of its own, but an effect on how others are shown.
fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    const TIME: &str = "2026-11-21T23:14:39.123Z";

    /// The record that says `message` with one field.
    fn with_record<T>(message: &str, value: &str, work: impl Fn(&Record<'_>) -> T) -> T {
        let fields: [(&str, kv::Value<'_>); 3] =
            [("path", value.into()), ("status", 404_u64.into()), ("seconds", 0.00125.into())];
        let mut record = Record::builder();
        record.target("access").level(log::Level::Info).key_values(&fields);
        work(&record.args(format_args!("{message}")).build())
    }

    fn as_text(message: &str, value: &str) -> String {
        with_record(message, value, |record| text(record, TIME, ("", "")))
    }

    fn as_json(message: &str, value: &str) -> String {
        with_record(message, value, |record| json(record, TIME))
    }

    #[test]
    fn a_line_has_its_fields_behind_its_message() {
        let line = "[2026-11-21T23:14:39.123Z INFO  access] request refused path=/nothing \
                    status=404 seconds=0.00125\n";
        assert_eq!(as_text("request refused", "/nothing"), line);
        let line = "{\"time\":\"2026-11-21T23:14:39.123Z\",\"level\":\"info\",\
                    \"target\":\"access\",\"message\":\"request refused\",\"path\":\"/nothing\",\
                    \"status\":404,\"seconds\":0.00125}\n";
        assert_eq!(as_json("request refused", "/nothing"), line);
    }

    #[test]
    fn what_is_odd_stands_in_quotes() {
        for (value, told) in [
            ("plain-1.2/{room}", "plain-1.2/{room}"),
            ("grød", "grød"),
            ("", "\"\""),
            ("two words", "\"two words\""),
            ("a=b", "\"a=b\""),
            ("a\"b\\", "\"a\\\"b\\\\\""),
            ("\"\"\\\\", "\"\\\"\\\"\\\\\\\\\""),
            ("a\r\nb\t", "\"a\\r\\nb\\t\""),
            ("\u{1b}[2J\u{9b}\u{7f}", "\"\\u001b[2J\\u009b\\u007f\""),
            ("\u{2028}\u{202e}\u{2066}\u{feff}", "\"\\u2028\\u202e\\u2066\\ufeff\""),
            ("\u{e0041}", "\"\\udb40\\udc41\""),
            ("🫐", "\"🫐\""),
        ] {
            let line = as_text("m", value);
            let expected =
                format!("[{TIME} INFO  access] m path={told} status=404 seconds=0.00125\n");
            assert_eq!(line, expected);
            let read: Value = serde_json::from_str(&as_json("m", value)).expect("JSON");
            assert_eq!(read["path"], value);
        }
    }

    #[test]
    fn what_is_missing_is_told_as_everything_else_is() {
        assert_eq!(Format::Text.missing(1), "[1 line of the log is missing here]\n");
        let read: Value = serde_json::from_str(&Format::Json.missing(312)).expect("JSON");
        assert_eq!(read["message"], "312 lines of the log are missing here");
        assert_eq!((&read["count"], &read["level"]), (&312.into(), &"warn".into()));
    }

    proptest! {
        #[test]
        fn a_line_is_one_line_and_says_what_it_was_given(message: String, value: String) {
            for line in [as_text("m", &value), as_json(&message, &value)] {
                let inside = line.strip_suffix('\n').expect("it ends");
                let does = |character: char| character.is_control() || is_hidden(character);
                prop_assert!(!inside.contains(does), "{line}");
            }
            let read: Value = serde_json::from_str(&as_json(&message, &value)).expect("JSON");
            prop_assert_eq!((&read["message"], &read["path"]), (&message.into(), &value.into()));
        }
    }
}
