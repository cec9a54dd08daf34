//! What a member says to the server itself: the top-level keys `join`, `leave`, `to` and `since`.
//!
//! Knows: those keys, however they are spelt; that a key may stand there twice.
//! Must not know: what a room may be called, what becomes of a message.

use super::string::spells;
use super::tokens::Tokens;
use super::{Fault, Place};

/// The value of a top-level key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Member {
    /// There is no such key.
    #[default]
    Absent,
    /// A string.
    Text(Place),
    /// A value of another kind, or the key stands there twice: which is meant cannot be known.
    Odd,
}

impl Member {
    /// Whether the key is there, whatever its value.
    pub fn is_there(self) -> bool {
        self != Member::Absent
    }
}

/// What [`control`] found in a text that is one JSON object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Control {
    /// The room that the sender wants to be a member of.
    pub join: Member,
    /// The room that it wants to be a member of no more.
    pub leave: Member,
    /// The room that the message is for.
    pub to: Member,
    /// After which event it wants those of the room that it joins.
    pub since: Member,
}

/// Says whether `text`, which should be UTF-8, is exactly one JSON object, and what the keys are in
/// it that a server may be told something with. All of them are read: behind the first may stand
/// another. Other keys are nobody's affair here, whatever they are and however often.
pub fn control(text: &[u8]) -> Result<Control, Fault> {
    let mut tokens = Tokens::new(text);
    tokens.skip_space();
    if !tokens.take(b'{') {
        return Err(tokens.instead_of(Fault::NotAnObject));
    }
    let found = members(&mut tokens, text)?;
    tokens.skip_space();
    tokens.expect_end()?;
    Ok(found)
}

/// Reads the members of the outermost object, whose brace was read, and its closing brace.
fn members(tokens: &mut Tokens<'_>, text: &[u8]) -> Result<Control, Fault> {
    let mut found = Control::default();
    tokens.skip_space();
    if tokens.take(b'}') {
        return Ok(found);
    }
    loop {
        let key = tokens.string()?;
        tokens.colon()?;
        match found.member(key, text) {
            Some(member) => {
                let value = match tokens.is_next(b'"') {
                    true => Member::Text(tokens.string()?),
                    false => tokens.value().map(|()| Member::Odd)?,
                };
                *member = if member.is_there() { Member::Odd } else { value };
            }
            None => tokens.value()?,
        }
        tokens.skip_space();
        if tokens.take(b'}') {
            return Ok(found);
        }
        tokens.expect(b',')?;
        tokens.skip_space();
    }
}

impl Control {
    /// Where the value of the key that stands at `key` belongs, if it is one of ours.
    fn member(&mut self, key: Place, text: &[u8]) -> Option<&mut Member> {
        let inside = key.of(text);
        let is = |name: &str| match key.escaped {
            true => spells(inside, name),
            false => inside == name.as_bytes(),
        };
        match () {
            () if is("join") => Some(&mut self.join),
            () if is("leave") => Some(&mut self.leave),
            () if is("to") => Some(&mut self.to),
            () if is("since") => Some(&mut self.since),
            () => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::unescape;
    use crate::limits::JSON_DEPTH_MAX;
    use proptest::prelude::*;

    /// What a key holds: nothing, a text, or anything else.
    #[derive(Clone, Debug, PartialEq)]
    enum Holds {
        Nothing,
        Text(String),
        Odd,
    }

    /// `join`, `leave`, `to` and `since`, as they are read.
    fn read(text: &str) -> Result<[Holds; 4], Fault> {
        let Control { join, leave, to, since } = control(text.as_bytes())?;
        Ok([join, leave, to, since].map(|member| match member {
            Member::Absent => Holds::Nothing,
            Member::Text(place) => {
                let inside = place.of(text.as_bytes());
                assert_eq!(place.escaped, inside.contains(&b'\\'));
                Holds::Text(unescape(inside).expect("a name").into_owned())
            }
            Member::Odd => Holds::Odd,
        }))
    }

    #[test]
    fn the_keys_are_found_at_the_top_and_nowhere_else() {
        use Holds::{Nothing, Odd, Text};
        let text = |text: &str| Text(text.to_owned());
        let none = [Nothing, Nothing, Nothing, Nothing];
        let join = [text("a"), Nothing, Nothing, Nothing];
        for (said, expected) in [
            ("{}", none.clone()),
            (" \r\n{ \t} ", none.clone()),
            (r#"{"join":"a"}"#, join.clone()),
            (" { \"x\" : [1, {}] , \"join\"\n:\t\"a\" } ", join.clone()),
            (r#"{"\u006aoin":"a"}"#, join.clone()),
            (r#"{"jo\u0069\u006E":"\u0061"}"#, join.clone()),
            (r#"{"join":"a","since":"x"}"#, [text("a"), Nothing, Nothing, text("x")]),
            (r#"{"leave":"a b"}"#, [Nothing, text("a b"), Nothing, Nothing]),
            (r#"{"t\u006f":"a","join":1}"#, [Odd, Nothing, text("a"), Nothing]),
            (r#"{"x":{"join":"a"},"y":[{"leave":"b"}]}"#, none.clone()),
            (r#"{"Join":"a","join ":"b","joi":"c","":"d","joinn":1}"#, none.clone()),
            (r#"{"x":1,"x":2,"close":3,"connectionId":4,"connectionId":5}"#, none),
            (r#"{"join":"a","join":"a"}"#, [Odd, Nothing, Nothing, Nothing]),
            (r#"{"join":"a","\u006aoin":"b"}"#, [Odd, Nothing, Nothing, Nothing]),
            (r#"{"join":"a","join":"b","join":"c"}"#, [Odd, Nothing, Nothing, Nothing]),
            (r#"{"join":{"join":"a"}}"#, [Odd, Nothing, Nothing, Nothing]),
            (r#"{"join":null,"leave":true,"to":[],"since":-1e9}"#, [Odd, Odd, Odd, Odd]),
            (r#"{"join":""}"#, [text(""), Nothing, Nothing, Nothing]),
        ] {
            assert_eq!(read(said).as_ref(), Ok(&expected), "{said}");
        }
    }

    #[test]
    fn what_is_no_object_says_nothing() {
        let deep = |depth: usize| {
            format!(r#"{{"join":"a","x":{}{}}}"#, "[".repeat(depth), "]".repeat(depth))
        };
        assert!(read(&deep(JSON_DEPTH_MAX - 1)).is_ok());
        assert_eq!(read(&deep(JSON_DEPTH_MAX)), Err(Fault::TooDeep));
        for (text, fault) in [
            ("", Fault::NotJson { at: 0 }),
            ("join", Fault::NotJson { at: 0 }),
            (r#"["join"]"#, Fault::NotAnObject),
            (r#""join""#, Fault::NotAnObject),
            (r#"{"join":"a""#, Fault::NotJson { at: 11 }),
            (r#"{"join":"a"}}"#, Fault::NotJson { at: 12 }),
            (r#"{"join":"a",}"#, Fault::NotJson { at: 12 }),
            (r#"{"join":}"#, Fault::NotJson { at: 8 }),
            (r#"{"join"}"#, Fault::NotJson { at: 7 }),
            (r#"{"join":"a" "to":"b"}"#, Fault::NotJson { at: 12 }),
            (r#"{"join":"a"} {}"#, Fault::NotJson { at: 13 }),
        ] {
            assert_eq!(read(text), Err(fault), "{text}");
        }
    }

    /// `name` with some of its characters as escapes.
    fn spelt(name: &'static str) -> impl Strategy<Value = String> {
        prop::collection::vec(0u8..4, name.len()).prop_map(move |how| {
            let spell = |(char, how): (char, u8)| match how {
                0 => format!("\\u{:04x}", u32::from(char)),
                1 => format!("\\u{:04X}", u32::from(char)),
                _ => char.to_string(),
            };
            name.chars().zip(how).map(spell).collect()
        })
    }

    const OURS: [&str; 4] = ["join", "leave", "to", "since"];
    const OTHERS: [&str; 6] = ["close", "tO", "joins", "connectionId", "x", "si"];

    /// A key, and which of ours it is.
    fn key() -> impl Strategy<Value = (String, Option<usize>)> {
        let ours = (0..OURS.len())
            .prop_flat_map(|which| spelt(OURS[which]).prop_map(move |key| (key, Some(which))));
        let others = (0..OTHERS.len())
            .prop_flat_map(|which| spelt(OTHERS[which]))
            .prop_map(|key| (key, None));
        prop_oneof![3 => ours, 2 => others]
    }

    /// A value as it is written, and what it is.
    fn value() -> impl Strategy<Value = (String, Holds)> {
        let odd = prop::sample::select(
            &[
                "1",
                "-0.5e7",
                "null",
                "true",
                "{}",
                "[]",
                r#"{"join":"x"}"#,
                r#"["to",{"leave":1}]"#,
            ][..],
        );
        let text = prop::sample::select(&["", "a", "join", "main", "ü b"][..]);
        prop_oneof![
            2 => odd.prop_map(|odd| (odd.to_owned(), Holds::Odd)),
            3 => text.prop_map(|text| (format!("\"{text}\""), Holds::Text(text.to_owned()))),
            1 => spelt("room")
                .prop_map(|inside| (format!("\"{inside}\""), Holds::Text("room".to_owned()))),
        ]
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(
            members in prop::collection::vec((key(), value()), 0..7),
            space in prop::sample::select(&["", " ", "\r\n\t "][..]),
        ) {
            let mut expected = [const { Holds::Nothing }; 4];
            for ((_, which), (_, holds)) in &members {
                let Some(which) = which else { continue };
                let is_first = expected[*which] == Holds::Nothing;
                expected[*which] = if is_first { holds.clone() } else { Holds::Odd };
            }
            let written = members.iter().map(|((key, _), (value, _))| {
                format!("{space}\"{key}\"{space}:{space}{value}{space}")
            });
            let text = format!("{space}{{{}}}{space}", written.collect::<Vec<_>>().join(","));
            prop_assert_eq!(read(&text), Ok(expected), "{}", text);
        }
    }
}
