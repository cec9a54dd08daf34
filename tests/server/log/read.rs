//! Lines of the log, read as logfmt and as JSON.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) level: String,
    /// In text only of what engines tell.
    pub(super) target: Option<String>,
    pub(super) message: String,
    pub(super) fields: BTreeMap<String, String>,
}

impl Line {
    pub(super) fn field(&self, name: &str) -> &str {
        self.fields.get(name).unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    /// `[time LEVEL target] message name=value name="va lue"`; `None`: it is no line of the log.
    pub(super) fn of_text(line: &str) -> Option<Line> {
        let (head, rest) = line.strip_prefix('[')?.split_once("] ")?;
        let mut head = head.split_whitespace();
        let (_time, level, target) = (head.next()?, head.next()?.to_lowercase(), head.next());
        let begins_field = |at: &usize| {
            let name = rest[at + 1..].split('=').next().unwrap_or_default();
            let is_name = |byte: u8| byte.is_ascii_alphabetic() || byte == b'-';
            name.len() < rest.len() - at - 1 && name.bytes().all(is_name) && !name.is_empty()
        };
        let first = rest.match_indices(' ').map(|(at, _)| at).find(begins_field);
        let (message, mut rest) = rest.split_at(first.unwrap_or(rest.len()));
        let mut fields = BTreeMap::new();
        while let Some((name, value)) = rest.strip_prefix(' ').and_then(|it| it.split_once('=')) {
            let (value, left) = value_of(value);
            assert!(fields.insert(name.to_owned(), value).is_none(), "{name} twice: {line}");
            rest = left;
        }
        assert_eq!(rest, "", "{line}");
        let (target, message) = (target.map(str::to_owned), message.to_owned());
        Some(Line { level, target, message, fields })
    }

    pub(super) fn of_json(line: &str) -> Line {
        let mut object: Map<String, Value> = serde_json::from_str(line).expect(line);
        let mut text = |name: &str| match object.remove(name) {
            Some(Value::String(text)) => text,
            other => panic!("{name} is {other:?} in {line}"),
        };
        let (level, target, message) = (text("level"), text("target"), text("message"));
        assert!(text("time").ends_with('Z'), "{line}");
        let shown = |value: Value| match value {
            Value::String(text) => text,
            number => number.to_string(),
        };
        let fields = object.into_iter().map(|(name, value)| (name, shown(value))).collect();
        Line { level, target: Some(target), message, fields }
    }
}

/// A value, and what is behind it.
fn value_of(text: &str) -> (String, &str) {
    if text.starts_with('"') {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
        let value = values.next().expect(text).expect(text);
        return (value, &text[values.byte_offset()..]);
    }
    let end = text.find(' ').unwrap_or(text.len());
    (text[..end].to_owned(), &text[end..])
}
