//! Values as TOML writes them.
//!
//! Knows: quotes and escapes.
//! Must not know: keys, options.

use std::fmt::Write;

/// A text in quotes, on one line.
pub(super) fn text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for char in text.chars() {
        match char {
            '"' | '\\' => quoted.extend(['\\', char]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            _ if char.is_control() => {
                // Nothing fails that is written to a text.
                let _ = write!(quoted, "\\u{:04x}", char as u32);
            }
            _ => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}

/// A list of texts.
pub(super) fn list(texts: impl Iterator<Item = String>) -> String {
    let texts: Vec<_> = texts.map(|one| text(&one)).collect();
    format!("[{}]", texts.join(", "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use toml::de::{DeTable, DeValue};

    use super::*;

    #[test]
    fn texts_are_quoted() {
        assert_eq!(text("a \"b\" \\ ü"), r#""a \"b\" \\ ü""#);
        assert_eq!(text("\r\n\t\u{7f}\0"), r#""\u000d\n\t\u007f\u0000""#);
        assert_eq!(list(["a".to_owned(), "\"".to_owned()].into_iter()), r#"["a", "\""]"#);
        assert_eq!(list([].into_iter()), "[]");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(given: String) {
            let line = format!("x = {}", text(&given));
            let table = DeTable::parse(&line).unwrap();
            let DeValue::String(read) = table.get_ref()["x"].get_ref() else { panic!("{line}") };
            prop_assert_eq!(read.as_ref(), given);
        }
    }
}
