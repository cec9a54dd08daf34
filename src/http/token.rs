//! Which bytes may stand where in a field line (RFC 9110 §5.5, §5.6.2).
//!
//! Knows: single bytes, and the white space around a value.
//! Must not know: what fields mean.

/// A byte of a method or a field name: `tchar`.
pub(super) fn is_token(byte: u8) -> bool {
    matches!(
        byte,
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'!' | b'#' | b'$' | b'%' | b'&' | b'\''
            | b'*' | b'+' | b'-' | b'.' | b'^' | b'_' | b'`' | b'|' | b'~'
    )
}

/// A byte of a field's value: visible ASCII, obs-text, space or tab.
pub(super) fn is_field_byte(byte: u8) -> bool {
    byte == b'\t' || (byte >= b' ' && byte != 0x7f)
}

/// A byte of a field's value that may stand in the fields whose values we act on: no obs-text.
pub(super) fn is_ascii_field_byte(byte: u8) -> bool {
    is_field_byte(byte) && byte.is_ascii()
}

/// RFC 9110 §5.6.3: optional white space is spaces and tabs, no other kind.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_what_rfc_9110_says() {
        for byte in 0..=u8::MAX {
            let delimiter = b"\"(),/:;<=>?@[\\]{}".contains(&byte);
            let visible = (0x21..=0x7e).contains(&byte);
            assert_eq!(is_token(byte), visible && !delimiter, "{byte:#x}");
        }
    }

    #[test]
    fn field_bytes_have_no_controls_but_tab() {
        let refused = (0..=u8::MAX).filter(|byte| !is_field_byte(*byte)).count();
        assert_eq!(refused, 32 - 1 + 1);
        assert!(is_field_byte(b'\t') && is_field_byte(0xff) && !is_field_byte(0x7f));
        assert!(is_ascii_field_byte(b'\t') && !is_ascii_field_byte(0x80));
    }

    #[test]
    fn only_spaces_and_tabs_are_trimmed() {
        assert_eq!(trim(" \ta b\t "), "a b");
        assert_eq!(trim("\u{b}a\u{a0}"), "\u{b}a\u{a0}");
    }
}
