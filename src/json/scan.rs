//! The top level of a message: its keys, and the value of one of them.
//!
//! Knows: `connectionId`, `close`, and what each of them may be.
//! Must not know: how a token is read (see `tokens`), what a name is used for.

use super::string::spells;
use super::tokens::Tokens;
use super::{Envelope, Fault, Place};

const CONNECTION_ID: &str = "connectionId";
const CLOSE: &str = "close";

/// Says whether `text`, which should be UTF-8, is exactly one JSON object that may be published,
/// and where its `connectionId` stands.
///
/// One pass, no recursion, no allocation. Nothing is asked of numbers and escapes but the grammar:
/// `1e999` and `"\ud800"` are JSON (RFC 8259 §6 and §8.2), and what a reader makes of them is its
/// own affair. A key that appears twice is ours to judge only if we read it.
pub fn scan(text: &[u8]) -> Result<Envelope, Fault> {
    let mut tokens = Tokens::new(text);
    tokens.skip_space();
    if !tokens.take(b'{') {
        return Err(tokens.instead_of(Fault::NotAnObject));
    }
    let connection_id = members(&mut tokens, text)?;
    tokens.skip_space();
    tokens.expect_end()?;
    Ok(Envelope { connection_id, line_breaks: tokens.line_breaks() })
}

/// Reads the members of the outermost object, whose brace was read, and its closing brace.
fn members(tokens: &mut Tokens<'_>, text: &[u8]) -> Result<Option<Place>, Fault> {
    let mut id = None;
    tokens.skip_space();
    if tokens.take(b'}') {
        return Ok(id);
    }
    loop {
        match key(tokens, text)? {
            Key::ConnectionId if id.is_some() => return Err(Fault::DuplicateKey),
            Key::ConnectionId => {
                tokens.colon()?;
                if !tokens.is_next(b'"') {
                    return Err(tokens.instead_of(Fault::IdNotAString));
                }
                id = Some(tokens.string()?);
            }
            Key::Close => return Err(Fault::ReservedKey),
            Key::Other => {
                tokens.colon()?;
                tokens.value()?;
            }
        }
        if !tokens.take(b',') {
            tokens.skip_space();
            if tokens.take(b'}') {
                return Ok(id);
            }
            tokens.expect(b',')?;
        }
        tokens.skip_space();
    }
}

/// What a top-level key means to us.
enum Key {
    ConnectionId,
    Close,
    Other,
}

#[inline(always)]
fn key(tokens: &mut Tokens<'_>, text: &[u8]) -> Result<Key, Fault> {
    // Nearly every message has this key: one comparison saves 4 to 13 % of the scan.
    if tokens.take_all(b"\"connectionId\"") {
        return Ok(Key::ConnectionId);
    }
    let place = tokens.string()?;
    let inside = place.of(text);
    Ok(match inside {
        b"close" => Key::Close,
        _ if !place.escaped => Key::Other,
        _ if spells(inside, CLOSE) => Key::Close,
        _ if spells(inside, CONNECTION_ID) => Key::ConnectionId,
        _ => Key::Other,
    })
}

#[cfg(test)]
mod tests {
    use std::fmt;

    use proptest::prelude::*;
    use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
    use serde_json::value::RawValue;

    use super::*;
    use crate::limits::JSON_DEPTH_MAX;

    /// The inside of the id, if the text is accepted and has one.
    fn id(text: &str) -> Result<Option<&str>, Fault> {
        let envelope = scan(text.as_bytes())?;
        Ok(envelope.connection_id.map(|place| {
            let inside = &text[place.start..place.end];
            assert_eq!(place.escaped, inside.contains('\\'));
            inside
        }))
    }

    #[test]
    fn objects_are_accepted_and_their_id_is_found() {
        let cases = [
            (r#"{}"#, None),
            (" \t\r\n{ \t\r\n} \t\r\n", None),
            (r#"{"connectionId":"a"}"#, Some("a")),
            (r#"{"connectionId":""}"#, Some("")),
            (r#"{"\u0063onnectionId":"a"}"#, Some("a")),
            (r#"{"connection\u0049\u0064":"a"}"#, Some("a")),
            (r#"{"connectionId" : "a\"b" , "x" : [ ] }"#, Some(r#"a\"b"#)),
            (r#"{"x":{"connectionId":"inner","close":1},"connectionId":"outer"}"#, Some("outer")),
            (r#"{"x":[{"connectionId":1},{"connectionId":"b","connectionId":"c"}]}"#, None),
            (r#"{"ConnectionId":1,"connectionid":2,"connectionId ":3,"Close":4,"closed":5}"#, None),
            (r#"{"x":1,"x":2,"":3,"":4}"#, None),
            (r#"{"x":1e999,"y":-0.0E-00,"z":-0,"t":true,"f":false,"n":null,"a":[[],{}]}"#, None),
            (r#"{"\ud800":"\udc00\ud800","\uD83d\uDE00":"\/\b\f\n\r\t\\\""}"#, None),
            (r#"{"connectionId":"\ud800"}"#, Some(r"\ud800")),
            ("{\"connectionId\":\"grød 🫐 \u{7f}\u{2028}\"}", Some("grød 🫐 \u{7f}\u{2028}")),
        ];
        for (text, expected) in cases {
            assert_eq!(id(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn faults_are_those_that_a_reader_stumbles_on_first() {
        use Fault::*;
        let not_json = |at| NotJson { at };
        let cases = [
            ("", not_json(0)),
            (" ", not_json(1)),
            ("hello", not_json(0)),
            ("test", not_json(1)),
            ("{", not_json(1)),
            ("\u{feff}{}", not_json(0)),
            ("{}x", not_json(2)),
            ("{}{}", not_json(2)),
            ("{},", not_json(2)),
            (r#"{"a"}"#, not_json(4)),
            (r#"{"a":}"#, not_json(5)),
            (r#"{"a":1,}"#, not_json(7)),
            (r#"{,"a":1}"#, not_json(1)),
            (r#"{"a":1 "b":2}"#, not_json(7)),
            (r#"{"a":01}"#, not_json(6)),
            (r#"{"a":+1}"#, not_json(5)),
            (r#"{"a":.5}"#, not_json(5)),
            (r#"{"a":1.}"#, not_json(7)),
            (r#"{"a":1e}"#, not_json(7)),
            (r#"{"a":-}"#, not_json(6)),
            (r#"{"a":tru}"#, not_json(8)),
            (r#"{"a":NaN}"#, not_json(5)),
            (r#"{'a':1}"#, not_json(1)),
            (r#"{"a":"\x"}"#, not_json(7)),
            (r#"{"a":"\u12g4"}"#, not_json(10)),
            ("{\"a\":\"\n\"}", not_json(6)),
            ("{\"a\":\"\0\"}", not_json(6)),
            ("{\"a\"\u{a0}:1}", not_json(4)),
            (r#"{"a":"b"#, not_json(7)),
            (r#"{"a":[1}"#, not_json(7)),
            (r#"{"a":{"b":1]}"#, not_json(11)),
            (r#"{"a":[1,]}"#, not_json(8)),
            (r#"{"a":[,1]}"#, not_json(6)),
            (r#"{"a":{"b"}}"#, not_json(9)),
            (r#"{"a":{1:2}}"#, not_json(6)),
            ("[]", NotAnObject),
            (" [broken", NotAnObject),
            (r#""text""#, NotAnObject),
            ("17", NotAnObject),
            ("-1", NotAnObject),
            ("-x", not_json(1)),
            ("true", NotAnObject),
            ("null", NotAnObject),
            (r#"{"connectionId":"a","connectionId":"a"}"#, DuplicateKey),
            (r#"{"connectionId":"a","connection\u0049d":1}"#, DuplicateKey),
            (r#"{"\u0063onnectionId":"a","connectionId""#, DuplicateKey),
            (r#"{"close":1}"#, ReservedKey),
            (r#"{"a":1,"\u0063\u006C\u006f\u0073\u0065":1}"#, ReservedKey),
            (r#"{"connectionId":1}"#, IdNotAString),
            (r#"{"connectionId":null,"close":1}"#, IdNotAString),
            (r#"{"connectionId":{"#, IdNotAString),
            (r#"{"connectionId":[]}"#, IdNotAString),
            (r#"{"connectionId":-}"#, not_json(17)),
            (r#"{"connectionId":x}"#, not_json(16)),
            (r#"{"connectionId"}"#, not_json(15)),
            (r#"{"connectionId":"a","b":}"#, not_json(24)),
            (r#"{"close":1,"b":}"#, ReservedKey),
        ];
        for (text, fault) in cases {
            assert_eq!(id(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn line_breaks_between_tokens_are_noticed_and_others_cannot_be() {
        for (text, expected) in [
            (r#"{"a": "\n\r", "b": [1, 2]}"#, false),
            (" \t {}  \t", false),
            ("{}\n", true),
            ("\r{}", true),
            ("{\n}", true),
            ("{\"a\"\n:1}", true),
            ("{\"a\":  \n1}", true),
            ("{\"a\":1\r\n}", true),
            ("{\"a\":1, \n\"b\":2}", true),
            ("{\"a\":[1,\n2]}", true),
            ("{\"a\":[\n]}", true),
            ("{\"a\":{\"b\" \t\n:1}}", true),
        ] {
            let envelope = scan(text.as_bytes()).expect(text);
            assert_eq!(envelope.line_breaks, expected, "{text:?}");
        }
    }

    #[test]
    fn the_depth_is_limited_and_the_limit_is_exact() {
        let nested = |open: &str, inside: &str, close: &str, times: usize| {
            format!(
                r#"{{"a":{}{inside}{},"connectionId":"x"}}"#,
                open.repeat(times),
                close.repeat(times)
            )
        };
        for (open, inside, close, levels) in [
            ("[", "", "]", 1),
            ("[", "1", "]", 1),
            ("[1,", "{}", "]", 1),
            (r#"{"a":"#, "[]", "}", 1),
            (r#"[{"a":"#, "1", "}]", 2),
            (r#"{"a":[0, "#, "[[]]", "]}", 2),
        ] {
            let inside_levels = inside.matches(['[', '{']).count();
            for times in 0..=JSON_DEPTH_MAX {
                let text = nested(open, inside, close, times);
                let is_deep = 1 + times * levels + inside_levels > JSON_DEPTH_MAX;
                let expected = if is_deep { Err(Fault::TooDeep) } else { Ok(Some("x")) };
                // Nothing but an open object or array is a place: `[` times 0 with nothing inside.
                if times > 0 || !inside.is_empty() {
                    assert_eq!(id(&text), expected, "{text}");
                }
            }
        }
        let endless = format!(r#"{{"a":{}"#, "[".repeat(1_000_000));
        assert_eq!(id(&endless), Err(Fault::TooDeep));
        // Closed again and again, it is not deep.
        let wide = format!(r#"{{"a":[{}0]}}"#, r#"[{"b":[]}],"#.repeat(1000));
        assert_eq!(id(&wide), Ok(None));
    }

    #[test]
    fn strings_end_where_they_end_wherever_they_stand() {
        for length in 0..40 {
            for space in 0..9 {
                let plain = "é".repeat(length / 2) + &"x".repeat(length % 2);
                let text = format!(r#"{}{{"connectionId":"{plain}"}}"#, " ".repeat(space));
                assert_eq!(id(&text), Ok(Some(plain.as_str())));
                for at in 0..=length {
                    let text = |special| {
                        format!(r#"{{"a":"{:x<at$}{special}{:y<2$}"}}"#, "", "", length - at)
                    };
                    for control in ["\0", "\x01", "\t", "\n", "\x1f"] {
                        assert_eq!(id(&text(control)), Err(Fault::NotJson { at: 6 + at }));
                    }
                    for fine in
                        [r"\\", r#"\""#, r"\u0000", "\x20", "\x21", "\x23", "\x7f", "\u{80}"]
                    {
                        assert_eq!(id(&text(fine)), Ok(None));
                    }
                }
            }
        }
    }

    /// A key as serde_json reads it; half a surrogate pair becomes three bytes that are not UTF-8.
    struct KeyBytes(Vec<u8>);

    impl<'de> Deserialize<'de> for KeyBytes {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Bytes;
            impl Visitor<'_> for Bytes {
                type Value = KeyBytes;
                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a key")
                }
                fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<KeyBytes, E> {
                    Ok(KeyBytes(bytes.to_vec()))
                }
            }
            deserializer.deserialize_bytes(Bytes)
        }
    }

    /// All members of an object in their order, duplicates too.
    struct Members<'a>(Vec<(Vec<u8>, &'a str)>);

    impl<'de> Deserialize<'de> for Members<'de> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct All;
            impl<'de> Visitor<'de> for All {
                type Value = Members<'de>;
                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("an object")
                }
                fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                    let mut members = Vec::new();
                    while let Some((KeyBytes(key), value)) = map.next_entry::<_, &RawValue>()? {
                        members.push((key, value.get()));
                    }
                    Ok(Members(members))
                }
            }
            deserializer.deserialize_map(All)
        }
    }

    /// How deep a valid value is nested.
    fn depth(value: &str) -> usize {
        let (mut depth, mut deepest, mut in_string, mut escaped) = (0, 0, false, false);
        for byte in value.bytes() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = !in_string,
                b'{' | b'[' if !in_string => {
                    depth += 1;
                    deepest = deepest.max(depth);
                }
                b'}' | b']' if !in_string => depth -= 1,
                _ => {}
            }
        }
        deepest
    }

    /// The verdict by way of serde_json. `None`: not JSON; which fault we find first is our own
    /// affair.
    fn naive(text: &str) -> Option<Result<Option<&str>, Fault>> {
        serde_json::from_str::<IgnoredAny>(text).ok()?;
        if !text.trim_start().starts_with('{') {
            return Some(Err(Fault::NotAnObject));
        }
        let members: Members<'_> = serde_json::from_str(text).expect("it is an object");
        let mut id = None;
        for (key, value) in members.0 {
            match key.as_slice() {
                b"connectionId" if id.is_some() => return Some(Err(Fault::DuplicateKey)),
                b"connectionId" => match value.strip_prefix('"') {
                    Some(value) => id = value.strip_suffix('"'),
                    None => return Some(Err(Fault::IdNotAString)),
                },
                b"close" => return Some(Err(Fault::ReservedKey)),
                _ if 1 + depth(value) > JSON_DEPTH_MAX => return Some(Err(Fault::TooDeep)),
                _ => {}
            }
        }
        Some(Ok(id))
    }

    fn check(text: &str) -> Result<(), TestCaseError> {
        let verdict = id(text);
        match naive(text) {
            Some(expected) => prop_assert_eq!(verdict, expected, "{}", text),
            None => prop_assert!(verdict.is_err(), "accepted: {}", text),
        }
        if let Err(Fault::NotJson { at }) = verdict {
            // All that stands before is fine, and either complete or wants more.
            let before = id(&text[..at]);
            prop_assert!(
                before.is_ok() || before == Err(Fault::NotJson { at }),
                "{} at {}",
                text,
                at
            );
        }
        Ok(())
    }

    fn space() -> impl Strategy<Value = &'static str> {
        prop_oneof![8 => Just(""), 2 => Just(" "), 1 => Just("\r\n\t  "), 1 => Just("\n")]
    }

    fn string() -> impl Strategy<Value = String> {
        const PIECES: &[&str] = &[
            "a",
            "connectionId",
            "close",
            "xxxxxxxxxxxxxxxxxxxxx",
            "é",
            "🫐",
            "{",
            "]",
            ",",
            ":",
            "\u{7f}",
            r"\\",
            r#"\""#,
            r"\/",
            r"\n",
            r"\u0041",
            r"\u0000",
            r"\ud83e\uded0",
            r"\ud800",
            r"\udc00",
        ];
        prop_oneof![
            3 => Just(r#""connectionId""#.to_owned()),
            1 => Just(r#""c\u006fnnectionI\u0064""#.to_owned()),
            1 => Just(r#""close""#.to_owned()),
            1 => Just(r#""clos\u0065""#.to_owned()),
            1 => Just(r#""a""#.to_owned()),
            6 => prop::collection::vec(prop::sample::select(PIECES), 0..6)
                .prop_map(|pieces| format!("\"{}\"", pieces.concat())),
        ]
    }

    fn list(item: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
        (prop::collection::vec((space(), item, space()), 0..5), space()).prop_map(
            |(items, space)| {
                let items: Vec<_> =
                    items.into_iter().map(|(a, item, b)| [a, &item, b].concat()).collect();
                if items.is_empty() { space.to_owned() } else { items.join(",") }
            },
        )
    }

    fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
        let member = (string(), space(), space(), value)
            .prop_map(|(key, a, b, value)| [&key, a, ":", b, &value].concat());
        list(member).prop_map(|members| format!("{{{members}}}"))
    }

    fn value() -> impl Strategy<Value = String> {
        const SCALARS: &[&str] = &[
            "true",
            "false",
            "null",
            "0",
            "-0",
            "17",
            "-1.5",
            "1e999",
            "0.1E+2",
            "2e-7",
            "123456789012",
        ];
        let leaf = prop_oneof![string(), prop::sample::select(SCALARS).prop_map(str::to_owned)];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                list(inner.clone()).prop_map(|items| format!("[{items}]")),
                object(inner.clone()),
                // Around the limit of the depth.
                (120usize..132, inner)
                    .prop_map(|(n, value)| { ["[".repeat(n), value, "]".repeat(n)].concat() }),
            ]
        })
    }

    fn text() -> impl Strategy<Value = String> {
        (space(), prop_oneof![9 => object(value()), 1 => value()], space())
            .prop_map(|(a, text, b)| [a, &text, b].concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        #[test]
        fn texts_are_judged_as_serde_json_does(text in text()) {
            prop_assert!(naive(&text).is_some(), "the generator makes JSON: {}", text);
            check(&text)?;
        }

        #[test]
        fn mutated_texts_are_judged_as_serde_json_does(
            text in text(),
            changes in prop::collection::vec(
                (any::<prop::sample::Index>(), prop::option::of(prop::sample::select(
                    "{}[]\",:\\ \n\t0019-+.eEtrufalsn\u{0}\u{1f}\u{7f}é"
                        .chars()
                        .collect::<Vec<_>>(),
                )), any::<bool>()),
                1..4,
            ),
        ) {
            let mut chars: Vec<char> = text.chars().collect();
            for (index, char, replace) in changes {
                let index = index.index(chars.len() + 1);
                chars.splice(index..(index + usize::from(replace)).min(chars.len()), char);
            }
            check(&chars.into_iter().collect::<String>())?;
        }

        #[test]
        fn token_soup_is_judged_as_serde_json_does(
            tokens in prop::collection::vec(prop::sample::select(&[
                "{", "}", "{", "}", "[", "]", ",", ":", "\"connectionId\":", "\"a\":", "\"close\"",
                "\"b\"", "\"", "\\", "\\u00", "0", "1", "-", ".", "e", "true", "nul", " ",
                "\n", "x",
            ][..]), 0..12),
        ) {
            check(&tokens.concat())?;
            check(&format!("{{{}}}", tokens.concat()))?;
        }

        #[test]
        fn no_bytes_make_it_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..40),
            text in text(),
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        ) {
            let _ = scan(&bytes);
            let mut text = text.into_bytes();
            for (index, byte) in changes {
                let index = index.index(text.len());
                text[index] = byte;
            }
            if let Ok(Envelope { connection_id: Some(place), .. }) = scan(&text) {
                let _ = super::super::unescape(place.of(&text));
            }
        }
    }
}
