//! What a line of events says.
//!
//! Knows: the members of its object (PROTOCOL.md, "Lines of JSON").
//! Must not know: how it is shown.

use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A line, and the id that it brings the stream to, if any.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) id: Option<String>,
    pub(super) says: Says<'a>,
}

/// What there is to tell.
#[derive(Debug)]
pub(super) enum Says<'a> {
    /// A heartbeat, or a position.
    Nothing,
    /// Something is gone: how much, if that is known.
    Gap(Option<u64>),
    /// Why what let the stream in holds no more.
    Expired(String),
    Event(Event<'a>),
}

#[derive(Debug)]
pub(super) struct Event<'a> {
    /// Milliseconds since 1970.
    pub(super) at: Option<u64>,
    pub(super) room: String,
    /// `None`: the API published it.
    pub(super) connection_id: Option<String>,
    pub(super) kind: String,
    /// One line of JSON, as it came.
    pub(super) data: &'a str,
}

/// Why a line cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// No line of a server looks like this.
    NoEvent,
    /// Its id cannot be sent back. To ask for what is behind it would bring it again and again.
    BadId,
}

/// Reads a line without its end.
pub(super) fn read(line: &[u8]) -> Result<Line<'_>, Fault> {
    if line.trim_ascii().is_empty() {
        return Ok(Line { id: None, says: Says::Nothing });
    }
    // What is inside `data` is passed on as it is.
    let members: BTreeMap<&str, &RawValue> =
        serde_json::from_slice(line).map_err(|_| Fault::NoEvent)?;
    let value = |name: &str| serde_json::from_str::<Value>(members.get(name)?.get()).ok();
    let text = |name: &str| value(name)?.as_str().map(str::to_owned);
    // With half a character in it it is no text, but may be shown as it was written.
    let name = |name: &str| {
        let written = || members.get(name)?.get().strip_prefix('"')?.strip_suffix('"');
        text(name).or_else(|| written().map(str::to_owned))
    };
    let number = |name: &str| value(name)?.as_u64();
    let kind = text("type").ok_or(Fault::NoEvent)?;
    let says = match kind.as_str() {
        "position" => Says::Nothing,
        "gap" => Says::Gap(number("missed")),
        "expired" => Says::Expired(text("reason").unwrap_or_default()),
        _ => Says::Event(Event {
            at: number("at"),
            room: name("room").unwrap_or_default(),
            connection_id: name("connectionId"),
            kind,
            data: members.get("data").map_or("null", |data| data.get()),
        }),
    };
    let id = text("id");
    let is_usable = id.as_deref().map_or(!members.contains_key("id"), is_id);
    if is_usable { Ok(Line { id, says }) } else { Err(Fault::BadId) }
}

/// Whether it can be sent back: it goes into a header field.
pub(super) fn is_id(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    (1..=128).contains(&text.len()) && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_its_members_and_its_data_as_they_came() {
        let line = concat!(
            r#"{"id":"e-01","room":"lab","connectionId":"a \"b\"","session":7,"type":"message","#,
            r#""at":12,"data":{ "x":1e400,"y":"\ud800" }}"#
        );
        let Line { id, says: Says::Event(event) } = read(line.as_bytes()).unwrap() else {
            panic!("{line}");
        };
        assert_eq!((id.as_deref(), event.at), (Some("e-01"), Some(12)));
        assert_eq!((&*event.room, event.connection_id.as_deref()), ("lab", Some("a \"b\"")));
        assert_eq!((&*event.kind, event.data), ("message", r#"{ "x":1e400,"y":"\ud800" }"#));
    }

    #[test]
    fn a_level_of_nesting_that_would_fill_a_stack_is_data_like_any_other() {
        let data = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        let line = format!(r#"{{"type":"message","connectionId":null,"data":{data}}}"#);
        let line = read(line.as_bytes()).unwrap();
        assert!(matches!(line.says, Says::Event(event) if event.data == data));
    }

    #[test]
    fn what_is_no_event() {
        for (line, id, expected) in [
            ("", None, "Nothing"),
            (r#"{"id":"e-1","type":"position"}"#, Some("e-1"), "Nothing"),
            (r#"{"id":"e-1","type":"gap","missed":12}"#, Some("e-1"), "Gap(Some(12))"),
            (r#"{"id":"e-1","type":"gap","missed":null}"#, Some("e-1"), "Gap(None)"),
            (r#"{"type":"expired","reason":"revoked"}"#, None, "Expired(\"revoked\")"),
        ] {
            let read = read(line.as_bytes()).unwrap();
            assert_eq!((read.id.as_deref(), &*format!("{:?}", read.says)), (id, expected));
        }
    }

    #[test]
    fn what_no_server_sends() {
        for line in
            ["data: {}", "[]", "{}", "{\"type\":1}", "<html>", "{\"type\":\"gap\"", "\u{7f}"]
        {
            assert_eq!(read(line.as_bytes()).unwrap_err(), Fault::NoEvent, "{line}");
        }
        assert_eq!(read(b"{\"type\":\"\xff\"}").unwrap_err(), Fault::NoEvent);
    }

    #[test]
    fn an_id_that_would_break_a_request_is_none() {
        let long = format!("\"{}\"", "x".repeat(129));
        for id in ["\"\"", "\"a b\"", "\"a\\r\\nb\"", "\"\\ud800\"", "\"ø\"", &long, "1", "null"] {
            let line = format!(r#"{{"type":"position","id":{id}}}"#);
            assert_eq!(read(line.as_bytes()).unwrap_err(), Fault::BadId, "{id}");
        }
    }
}
