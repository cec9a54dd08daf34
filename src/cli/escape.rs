//! Text that a terminal may be shown.
//!
//! Knows: characters that control a terminal or deceive who looks at it.
//! Must not know: where the text comes from, whether it goes to a terminal.

use std::borrow::Cow;

/// The same, with nothing in it that a terminal would obey: what it cannot show stands there as in
/// JSON, in UTF-16. Characters that turn the direction of writing, break the line or are not seen
/// at all are among that, too.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            _ if character.is_control() || is_hidden(character) => {
                push_code(&mut escaped, character);
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

/// The same for what stands behind a pipe: in one line, and with nothing in it that a terminal
/// would obey which somebody shows it on later. A tab is none of that, and JSON may have it.
pub(super) fn escape_for_pipe(text: &str) -> Cow<'_, str> {
    let may_pass = |character: char| match character {
        '\u{2028}' | '\u{2029}' => false,
        _ => character == '\t' || !character.is_control(),
    };
    if text.chars().all(may_pass) {
        return text.into();
    }
    let escape_one = |character: char| match may_pass(character) {
        true => character.to_string(),
        false => escape(character.encode_utf8(&mut [0; 4])),
    };
    text.chars().map(escape_one).collect()
}

/// Whether it has no shape of its own, but an effect on how others are shown.
fn is_hidden(character: char) -> bool {
    matches!(
        character,
        '\u{61c}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

fn push_code(text: &mut String, character: char) {
    for unit in character.encode_utf16(&mut [0; 2]) {
        text.push_str(&format!("\\u{unit:04x}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_nobody_sees_is_shown() {
        for (text, expected) in [
            ("a\u{61c}b\u{200b}\u{200f}", "a\\u061cb\\u200b\\u200f"),
            ("\u{2028}\u{2029}\u{202a}", "\\u2028\\u2029\\u202a"),
            ("\u{feff}", "\\ufeff"),
            ("\u{e0000}\u{e0041}\u{e007f}", "\\udb40\\udc00\\udb40\\udc41\\udb40\\udc7f"),
            ("\u{200a}\u{2010}\u{2027}\u{e0080}", "\u{200a}\u{2010}\u{2027}\u{e0080}"),
        ] {
            assert_eq!(escape(text), expected);
        }
    }

    #[test]
    fn a_pipe_gets_one_line_and_whatever_can_be_written_in_it() {
        let kept = "a\tb\u{202e}\u{feff}\u{e0041}ø";
        assert!(matches!(escape_for_pipe(kept), Cow::Borrowed(same) if same == kept));
        let text = "a\tb\n\r\u{1b}\u{7f}\u{85}\u{9b}\u{2028}\u{2029}\u{202e}";
        let expected = "a\tb\\n\\r\\u001b\\u007f\\u0085\\u009b\\u2028\\u2029\u{202e}";
        assert_eq!(escape_for_pipe(text), expected);
    }

    proptest! {
        #[test]
        fn nothing_that_is_shown_controls_anything(text: String) {
            let does = |character: char| character.is_control() || is_hidden(character);
            prop_assert!(!escape(&text).chars().any(does));
        }
    }
}
