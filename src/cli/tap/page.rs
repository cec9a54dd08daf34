//! Events as lines for people, and for what stands behind a pipe.
//!
//! Knows: columns, colours, what must not reach a terminal.
//! Must not know: where events come from, which of them are wanted.

use super::event::{Event, Says};
use crate::cli::escape::{escape, escape_for_pipe};
use serde_json::Value;
use std::borrow::Cow;
use std::io::{self, Write};

/// How wide a column may become for the longest name so far. A longer one, such as a UUID, is not
/// cut short: it moves what stands behind it, in its own line only, so that others keep their room.
const ROOM_WIDTH_MAX: usize = 16;
const WHO_WIDTH_MAX: usize = 24;

/// Codes of connections that ended as they should (RFC 6455 §7.4.1).
const GOOD_CODES: [u64; 3] = [1000, 1001, 1005];

/// SGR (ECMA-48 §8.3.117).
const DIM: &str = "2";
const CYAN: &str = "36";
const YELLOW: &str = "33";

/// How lines look.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Look {
    /// As the server sends them.
    pub(super) is_json: bool,
    /// People look at it, and it obeys control characters.
    pub(super) is_terminal: bool,
    pub(super) has_colours: bool,
}

/// Standard output, or what stands for it in a test.
pub(super) struct Page<W: Write> {
    pub(super) out: W,
    look: Look,
    /// How wide the columns of names are by now.
    room_width: usize,
    who_width: usize,
}

impl<W: Write> Page<W> {
    pub(super) fn new(out: W, look: Look) -> Page<W> {
        Page { out, look, room_width: "main".len(), who_width: 0 }
    }

    /// Shows what a `line` says.
    pub(super) fn show(&mut self, line: &[u8], says: &Says<'_>) -> io::Result<()> {
        let text = match says {
            Says::Nothing => return Ok(()),
            _ if self.look.is_json => {
                self.out.write_all(self.shown(&String::from_utf8_lossy(line)).as_bytes())?;
                return self.out.write_all(b"\n");
            }
            // Whoever started us is told elsewhere.
            Says::Expired(_) => return Ok(()),
            Says::Gap(missed) => self.painted(YELLOW, &gap(*missed)),
            Says::Event(event) => self.event(event),
        };
        self.out.write_all(text.as_bytes())?;
        self.out.write_all(b"\n")
    }

    pub(super) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    fn event(&mut self, event: &Event<'_>) -> String {
        let room = self.shown(&name(&event.room)).into_owned();
        let who = event.connection_id.as_deref().map_or(Cow::Borrowed("-"), name);
        let who = self.shown(&who).into_owned();
        if self.look.is_terminal {
            let width = |text: &str, most: usize| text.chars().count().min(most);
            self.room_width = self.room_width.max(width(&room, ROOM_WIDTH_MAX));
            self.who_width = self.who_width.max(width(&who, WHO_WIDTH_MAX));
        }
        let (room_width, who_width) = match self.look.is_terminal {
            true => (self.room_width, self.who_width),
            false => (0, 0),
        };
        let time = self.painted(DIM, &time(event.at));
        let who = self.painted(CYAN, &format!("{who:who_width$}"));
        let (what, colour) = what(event);
        let what = self.shown(&what);
        let what = colour.map_or(what.to_string(), |colour| self.painted(colour, &what));
        format!("{time}  {room:room_width$}  {who}  {what}")
    }

    /// As it may be shown here. Lines of JSON are passed on as they came where they can be.
    fn shown<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.look {
            Look { is_terminal: true, .. } => escape(text).into(),
            Look { is_json: true, .. } => text.into(),
            Look { .. } => escape_for_pipe(text),
        }
    }

    fn painted(&self, colour: &str, text: &str) -> String {
        match self.look.has_colours {
            true => format!("\x1b[{colour}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

/// `12:01:07.031`, in UTC: the zone of whoever looks is not known without a table of zones.
fn time(at: Option<u64>) -> String {
    let Some(at) = at else { return "--:--:--.---".to_owned() };
    let (seconds, ms) = (at / 1000, at % 1000);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02}.{ms:03}")
}

/// A name in one piece: one that has a space in it, or could be taken for something else, in JSON.
fn name(name: &str) -> Cow<'_, str> {
    let is_plain =
        |character: char| !character.is_whitespace() && !character.is_control() && character != '"';
    match name {
        "" | "-" => Value::from(name).to_string().into(),
        _ if name.chars().all(is_plain) => name.into(),
        _ => Value::from(name).to_string().into(),
    }
}

fn gap(missed: Option<u64>) -> String {
    match missed {
        None => "-- an unknown number of events missed --".to_owned(),
        Some(1) => "-- 1 event missed --".to_owned(),
        Some(missed) => format!("-- {missed} events missed --"),
    }
}

/// What happened, and its colour if it has one.
fn what(event: &Event<'_>) -> (String, Option<&'static str>) {
    let read = || serde_json::from_str::<Value>(event.data).unwrap_or_default();
    match event.kind.as_str() {
        "message" => (event.data.to_owned(), None),
        "binary" => (binary(&read()["base64"]), None),
        "join" => ("joined".to_owned(), Some(DIM)),
        "leave" => ("left".to_owned(), Some(DIM)),
        "close" => {
            let close = &read()["close"];
            let code = close["code"].as_u64().unwrap_or_default();
            let by = name(close["by"].as_str().unwrap_or("nobody"));
            // In JSON, as it may hold anything.
            let reason = match &close["reason"] {
                Value::String(reason) if !reason.is_empty() => format!(" {}", close["reason"]),
                _ => String::new(),
            };
            let colour = if GOOD_CODES.contains(&code) { DIM } else { YELLOW };
            (format!("closed {code} by {by}{reason}"), Some(colour))
        }
        other => (format!("({}) {}", name(other), event.data), None),
    }
}

fn binary(base64: &Value) -> String {
    let base64 = base64.as_str().unwrap_or_default();
    let padding = base64.len() - base64.trim_end_matches('=').len();
    let length = (base64.len() / 4 * 3).saturating_sub(padding);
    let unit = if length == 1 { "byte" } else { "bytes" };
    format!("(binary, {length} {unit}) {base64}")
}

#[cfg(test)]
mod tests {
    use super::super::event::read;
    use super::*;
    use proptest::prelude::*;

    const PIPE: Look = Look { is_json: false, is_terminal: false, has_colours: false };
    const TERMINAL: Look = Look { is_json: false, is_terminal: true, has_colours: false };

    fn shown(look: Look, lines: &[String]) -> String {
        let mut page = Page::new(Vec::new(), look);
        for line in lines {
            page.show(line.as_bytes(), &read(line.as_bytes()).expect(line).says).unwrap();
        }
        String::from_utf8(page.out).unwrap()
    }

    /// A line of an event at 12:01:07.031.
    fn line(kind: &str, who: &str, data: &str) -> String {
        format!(r#"{{"id":"e-1","room":"lab","connectionId":{who},"type":"{kind}","#)
            + &format!(r#""session":1,"at":1795262467031,"data":{data}}}"#)
    }

    #[test]
    fn each_kind_of_event_is_one_line() {
        let close =
            |rest: &str| format!(r#"{{"close":{{"connectionId":"a","session":1,{rest}}}}}"#);
        for (kind, who, data, expected) in [
            (
                "message",
                r#""a""#,
                r#"{"connectionId":"a","t":2}"#,
                r#"a  {"connectionId":"a","t":2}"#,
            ),
            ("message", "null", r#"{"message":"hi"}"#, r#"-  {"message":"hi"}"#),
            ("message", r#""-""#, "{}", r#""-"  {}"#),
            ("message", r#""a  b""#, "{}", r#""a  b"  {}"#),
            ("message", r#""a\"b""#, "{}", r#""a\"b"  {}"#),
            (
                "binary",
                r#""a""#,
                r#"{"connectionId":"a","base64":"AP/+"}"#,
                "a  (binary, 3 bytes) AP/+",
            ),
            ("binary", r#""a""#, r#"{"base64":"AA=="}"#, "a  (binary, 1 byte) AA=="),
            ("binary", r#""a""#, r#"{"base64":""}"#, "a  (binary, 0 bytes) "),
            ("join", r#""a""#, r#"{"join":{}}"#, "a  joined"),
            ("leave", r#""a""#, r#"{"leave":{}}"#, "a  left"),
            (
                "close",
                r#""a""#,
                &close(r#""code":1000,"reason":"bye","by":"client""#),
                r#"a  closed 1000 by client "bye""#,
            ),
            (
                "close",
                r#""a""#,
                &close(r#""code":1006,"reason":"","by":"network""#),
                "a  closed 1006 by network",
            ),
            (
                "close",
                r#""a""#,
                &close(r#""code":4000,"reason":"\n\u001b\"","by":"server""#),
                r#"a  closed 4000 by server "\n\u001b\"""#,
            ),
            ("later", r#""a""#, r#"{"x":1}"#, r#"a  (later) {"x":1}"#),
        ] {
            let expected = format!("12:01:07.031  lab  {expected}\n");
            assert_eq!(shown(PIPE, &[line(kind, who, data)]), expected);
        }
    }

    #[test]
    fn what_a_server_invents_stands_in_its_place() {
        let evil = r#""x) \n\u001b[1m\u009b""#;
        let close = format!(r#"{{"close":{{"code":1000,"reason":{evil},"by":{evil}}}}}"#);
        let binary = format!(r#"{{"base64":{evil}}}"#);
        let (shy, bare) = (r#""x) \n\u001b[1m\u009b""#, r"x) \n\u001b[1m\u009b");
        for (kind, data, expected) in [
            (r"x) \n\u001b[1m\u009b", "{}", format!("({shy}) {{}}")),
            ("close", &*close, format!("closed 1000 by {shy} {shy}")),
            ("binary", &*binary, format!("(binary, 6 bytes) {bare}")),
        ] {
            let expected = format!("12:01:07.031  lab  a  {expected}\n");
            assert_eq!(shown(PIPE, &[line(kind, "\"a\"", data)]), expected);
        }
        // Half a character is no text. It stands there as it was written.
        let half = r#"{"room":"\ud800","connectionId":"a\udc00","type":"join","at":0}"#;
        let expected = "00:00:00.000  \\ud800  a\\udc00  joined\n";
        assert_eq!(shown(PIPE, &[half.to_owned()]), expected);
    }

    #[test]
    fn a_gap_stands_where_something_is_missing() {
        let gap = |missed: &str| format!(r#"{{"id":"e-1","type":"gap","missed":{missed}}}"#);
        let lines = ["1", "12", "null"].map(gap);
        let expected = "-- 1 event missed --\n-- 12 events missed --\n\
                        -- an unknown number of events missed --\n";
        assert_eq!(shown(PIPE, &lines), expected);
        let painted = shown(Look { has_colours: true, ..TERMINAL }, &lines[..1]);
        assert_eq!(painted, "\x1b[33m-- 1 event missed --\x1b[0m\n");
    }

    #[test]
    fn names_of_a_terminal_stand_under_one_another() {
        let lines = ["\"a\"", "\"abc\"", "null"].map(|who| line("message", who, "{}"));
        let [a, b, c] =
            ["a  {}", "abc  {}", "-    {}"].map(|it| format!("12:01:07.031  lab   {it}\n"));
        assert_eq!(shown(TERMINAL, &lines), [a, b, c].concat());
        let long = line("message", &format!("\"{}\"", "x".repeat(99)), "{}");
        let last = shown(TERMINAL, &[long, line("join", "\"a\"", "{}")]);
        let last = last.lines().last().unwrap();
        assert_eq!(last.len(), "12:01:07.031  lab     joined".len() + WHO_WIDTH_MAX);
    }

    #[test]
    fn colours_are_around_the_text_and_not_in_it() {
        let close = r#"{"close":{"code":1006,"reason":"","by":"network"}}"#;
        let lines = [line("message", "\"a\"", "{}"), line("close", "\"a\"", close)];
        let seen = shown(Look { has_colours: true, ..TERMINAL }, &lines);
        let start = "\x1b[2m12:01:07.031\x1b[0m  lab   \x1b[36ma\x1b[0m  ";
        let expected = format!("{start}{{}}\n{start}\x1b[33mclosed 1006 by network\x1b[0m\n");
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_line_of_json_is_passed_on_as_it_came() {
        let json = Look { is_json: true, ..PIPE };
        let lines = [
            line("message", "\"a\"", "{\"b\": \"\u{202e}\u{9b}\" }"),
            r#"{"id":"e-1","type":"gap","missed":null}"#.to_owned(),
            r#"{"type":"expired","reason":"revoked"}"#.to_owned(),
        ];
        let expected: String = lines.iter().map(|line| format!("{line}\n")).collect();
        assert_eq!(shown(json, &lines), expected);
        // On a terminal it means the same.
        let seen = shown(Look { is_terminal: true, ..json }, &lines);
        assert!(seen.contains(r#"{"b": "\u202e\u009b" }"#), "{seen}");
        assert!(shown(json, &[String::new()]).is_empty());
        assert!(shown(json, &[r#"{"id":"e-1","type":"position"}"#.to_owned()]).is_empty());
    }

    proptest! {
        #[test]
        fn nothing_that_is_shown_controls_a_terminal_or_breaks_a_line(
            room: String, who: String, kind: String, text: String, is_json: bool,
        ) {
            let [room, who, kind, text] = [room, who, kind, text].map(Value::from);
            let data = format!(r#"{{"close":{{"by":{text},"reason":{text}}},"base64":{text}}}"#);
            let look = Look { is_json, ..TERMINAL };
            for kind in [kind.to_string(), "\"close\"".into(), "\"binary\"".into()] {
                let line = format!(
                    r#"{{"room":{room},"connectionId":{who},"type":{kind},"data":{data}}}"#
                );
                let seen = shown(look, &[line]);
                let seen = seen.strip_suffix('\n').unwrap_or(&seen);
                prop_assert_eq!(escape(seen), seen);
            }
        }

        #[test]
        fn one_event_is_one_line_in_a_pipe(
            room: String, who: String, kind: String, text: String,
        ) {
            let [room, who, kind, text] = [room, who, kind, text].map(Value::from);
            let data = format!(r#"{{"close":{{"by":{text},"reason":{text}}},"base64":{text}}}"#);
            for kind in [kind.to_string(), "\"close\"".into(), "\"binary\"".into()] {
                let line = format!(
                    r#"{{"room":{room},"connectionId":{who},"type":{kind},"data":{data}}}"#
                );
                let seen = shown(PIPE, &[line]);
                let seen = seen.strip_suffix('\n').unwrap_or(&seen);
                prop_assert_eq!(escape_for_pipe(seen), seen);
            }
        }
    }
}
