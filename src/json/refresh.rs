//! What a client brings a newer credential with: `{"refresh":"…"}`.
//!
//! Knows: that key, where it stands first, however it is spelt.
//! Must not know: credentials.

use super::tokens::Tokens;
use super::{Fault, Place, unescape};

/// Whether a text begins as an object does whose first key is `refresh`. Nothing else of it is
/// looked at: asked of every message of those who may refresh.
#[inline]
pub fn is_refresh(text: &[u8]) -> bool {
    begin(text).is_some()
}

/// The credential in a text that is nothing but `{"refresh":"…"}`.
pub fn refresh(text: &[u8]) -> Result<Place, Fault> {
    let Some(mut tokens) = begin(text) else { return Err(Fault::NotAnObject) };
    tokens.colon()?;
    let place = tokens.string()?;
    tokens.skip_space();
    tokens.expect(b'}')?;
    tokens.skip_space();
    tokens.expect_end()?;
    Ok(place)
}

/// What stands behind the key.
#[inline]
fn begin(text: &[u8]) -> Option<Tokens<'_>> {
    let mut tokens = Tokens::new(text);
    tokens.skip_space();
    if !tokens.take(b'{') {
        return None;
    }
    tokens.skip_space();
    let key = tokens.string().ok()?;
    let spelt = key.of(text);
    let is_it =
        spelt == b"refresh" || (key.escaped && unescape(spelt).is_ok_and(|it| it == "refresh"));
    if !is_it {
        return None;
    }
    tokens.skip_space();
    tokens.is_next(b':').then_some(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_is_one_credential_and_nothing_else() {
        for (text, expected) in [
            (r#"{"refresh":"abc"}"#, "abc"),
            (" \r\n\t{ \"refresh\"\t: \"a.b-c_\" \n} ", "a.b-c_"),
            (r#"{"refresh":""}"#, ""),
            (r#"{"refresh":"\u0061"}"#, r"\u0061"),
            (r#"{"\u0072efre\u0073h":"abc"}"#, "abc"),
        ] {
            assert!(is_refresh(text.as_bytes()), "{text}");
            let place = refresh(text.as_bytes()).expect(text);
            assert_eq!(place.of(text.as_bytes()), expected.as_bytes());
        }
        for text in [
            r#"{"refresh":"abc""#,
            r#"{"refresh":1}"#,
            r#"{"refresh":null}"#,
            r#"{"refresh":["a"]}"#,
            r#"{"refresh":"a","refresh":"a"}"#,
            r#"{"refresh":"a","connectionId":"b"}"#,
            r#"{"refresh":"a"}x"#,
            r#"{"refresh":"a"}{}"#,
            r#"{"refresh":"#,
            r#"{"refresh" :x"#,
        ] {
            assert!(is_refresh(text.as_bytes()), "{text}");
            assert!(refresh(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn whatever_begins_otherwise_is_none() {
        for text in [
            "",
            "{",
            "refresh",
            r#""refresh":"a""#,
            r#"["refresh"]"#,
            r#"{"refresh"}"#,
            r#"{"refresh","#,
            r#"{"refreshes":"a"}"#,
            r#"{"a":1,"refresh":"a"}"#,
            r#"{{"refresh":"a"}}"#,
            r#"{"Refresh":"a"}"#,
        ] {
            assert!(!is_refresh(text.as_bytes()) && refresh(text.as_bytes()).is_err(), "{text}");
        }
    }
}
