//! The inside of one JSON string: from escapes to text, and back (RFC 8259 §7).
//!
//! Knows: escapes, surrogate pairs, what may be printed.
//! Must not know: objects, keys, what the text is for.

use std::borrow::Cow;

use super::Fault;

/// The text that `inside`, a [`Place`](super::Place) of a scanned text, stands for, if it may be a
/// name: no control characters (C0, DEL, C1), no half surrogate pairs, which no UTF-8 can express.
///
/// Nothing is copied if nothing is escaped.
pub fn unescape(inside: &[u8]) -> Result<Cow<'_, str>, Fault> {
    let text = if inside.contains(&b'\\') {
        let mut bytes = Vec::with_capacity(inside.len());
        for unit in Units(inside) {
            match unit {
                Unit::Byte(byte) => bytes.push(byte),
                Unit::Char(char) => {
                    bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes())
                }
                Unit::Nothing => return Err(Fault::IdNotText),
            }
        }
        Cow::Owned(String::from_utf8(bytes).map_err(|_| Fault::IdNotText)?)
    } else {
        Cow::Borrowed(simdutf8::basic::from_utf8(inside).map_err(|_| Fault::IdNotText)?)
    };
    if text.chars().any(char::is_control) {
        return Err(Fault::IdNotText);
    }
    Ok(text)
}

/// Does `inside` stand for `name`, which is ASCII?
#[cold]
pub(super) fn spells(inside: &[u8], name: &str) -> bool {
    debug_assert!(name.is_ascii());
    Units(inside).eq(name.bytes().map(Unit::Byte))
}

/// Appends the inside of the JSON string (without quotes) that stands for `text`.
///
/// Only what must be escaped is: quotes, backslashes, control characters. So no CR or LF is ever
/// appended, and a line stays one line.
pub fn escape_into(out: &mut Vec<u8>, text: &str) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut rest = text.as_bytes();
    loop {
        let special = skip_plain(rest);
        let plain_bytes = rest.len().saturating_sub(special.len());
        out.extend_from_slice(rest.get(..plain_bytes).unwrap_or_default());
        let Some((&byte, behind)) = special.split_first() else {
            return;
        };
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                let digit = |value: u8| HEX.get(usize::from(value)).copied().unwrap_or_default();
                let (high, low) = (digit(byte >> 4), digit(byte & 0xf));
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
        }
        rest = behind;
    }
}

/// What is left of `rest` from the first byte on that cannot stand in a string as it is: a quote, a
/// backslash or a control character.
#[inline(always)]
pub(super) fn skip_plain(mut rest: &[u8]) -> &[u8] {
    while let Some((word, behind)) = rest.split_first_chunk::<8>() {
        let special = special_bytes(u64::from_le_bytes(*word));
        if special != 0 {
            return rest.get(special.trailing_zeros() as usize / 8..).unwrap_or_default();
        }
        rest = behind;
    }
    while let [byte, behind @ ..] = rest {
        if *byte < b' ' || *byte == b'"' || *byte == b'\\' {
            break;
        }
        rest = behind;
    }
    rest
}

/// The high bit of each byte of `word` that cannot stand in a string as it is: quotes, backslashes,
/// control characters. Above the lowest such bit there may be false ones (a borrow travels up).
#[inline(always)]
fn special_bytes(word: u64) -> u64 {
    const fn all(byte: u8) -> u64 {
        u64::from_ne_bytes([byte; 8])
    }
    // Swapping 0x20 and 0x22 puts the quote next to the control characters: one comparison for
    // both.
    let quote_or_control = (word ^ all(0x02)).wrapping_sub(all(0x21));
    let backslash = (word ^ all(b'\\')).wrapping_sub(all(0x01));
    (quote_or_control | backslash) & !word & all(0x80)
}

/// One step of reading a string: what one byte, or one escape (or a pair of them), stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    /// A byte as it stood there, or an escaped ASCII character.
    Byte(u8),
    /// Any other escaped character.
    Char(char),
    /// Half a surrogate pair (or, in what no scan accepted, no escape at all).
    Nothing,
}

/// Reads the inside of a string unit by unit.
struct Units<'a>(&'a [u8]);

impl Iterator for Units<'_> {
    type Item = Unit;

    fn next(&mut self) -> Option<Unit> {
        let (&byte, rest) = self.0.split_first()?;
        self.0 = rest;
        if byte != b'\\' {
            return Some(Unit::Byte(byte));
        }
        let Some((&letter, rest)) = rest.split_first() else {
            return Some(Unit::Nothing);
        };
        self.0 = rest;
        Some(match letter {
            b'"' | b'\\' | b'/' => Unit::Byte(letter),
            b'b' => Unit::Byte(0x08),
            b'f' => Unit::Byte(0x0c),
            b'n' => Unit::Byte(b'\n'),
            b'r' => Unit::Byte(b'\r'),
            b't' => Unit::Byte(b'\t'),
            b'u' => self.character(),
            _ => Unit::Nothing,
        })
    }
}

impl Units<'_> {
    /// The character whose four digits come next; if they are the first half of a surrogate pair,
    /// the second half is read too.
    fn character(&mut self) -> Unit {
        let Some(first) = self.digits() else {
            return Unit::Nothing;
        };
        let second = match (first, self.0) {
            (0xd800..=0xdbff, [b'\\', b'u', rest @ ..]) => {
                self.0 = rest;
                self.digits()
            }
            _ => None,
        };
        match char::decode_utf16([first].into_iter().chain(second)).next() {
            Some(Ok(char)) if char.is_ascii() => Unit::Byte(char as u8),
            Some(Ok(char)) => Unit::Char(char),
            _ => Unit::Nothing,
        }
    }

    fn digits(&mut self) -> Option<u16> {
        let (digits, rest) = self.0.split_first_chunk::<4>()?;
        self.0 = rest;
        let append = |code, digit: &u8| Some(code << 4 | char::from(*digit).to_digit(16)?);
        u16::try_from(digits.iter().try_fold(0u32, append)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_are_read() {
        for (inside, text) in [
            ("", ""),
            ("plain grød 🫐", "plain grød 🫐"),
            (r#"\"\\\/"#, "\"\\/"),
            (r"\u0041\u00e9\u20AC", "Aé€"),
            (r"\ud83e\uDED0!", "🫐!"),
            ("grød\\u0021 \u{a0}", "grød! \u{a0}"),
        ] {
            assert_eq!(unescape(inside.as_bytes()).as_deref(), Ok(text), "{inside}");
        }
        assert!(matches!(unescape(b"abc"), Ok(Cow::Borrowed("abc"))), "nothing is copied");
    }

    #[test]
    fn what_can_be_no_name_is_refused() {
        for inside in [
            &br"\ud800"[..],
            br"\udc00",
            br"\ud800x",
            br"\ud800\n",
            br"\ud800\u0041",
            br"\ud800\ud800",
            br"\udc00\ud800",
            br"\n",
            br"\b",
            br"\u0000",
            br"\u007f",
            br"\u0085",
            b"\x7f",
            b"\t",
            "\u{80}".as_bytes(),
            "é\u{9f}".as_bytes(),
            // No scan gives such places.
            br"\",
            br"\x",
            br"\u12",
            br"\u+123",
            br"\ud800\u",
            b"\xff",
            b"\\\"\xff",
        ] {
            assert_eq!(unescape(inside), Err(Fault::IdNotText), "{}", inside.escape_ascii());
        }
    }

    #[test]
    fn names_are_recognised_however_they_are_spelt() {
        for inside in
            ["close", r"\u0063lose", r"c\u006cos\u0065", r"\u0063\u006C\u006f\u0073\u0065"]
        {
            assert!(spells(inside.as_bytes(), "close"), "{inside}");
        }
        for inside in
            ["", "clos", "closed", "Close", r"clos\e", r"close\u0000", r"close\ud800", r"clo\u0073"]
        {
            assert!(!spells(inside.as_bytes(), "close"), "{inside}");
        }
    }

    #[test]
    fn what_must_be_escaped_is_and_nothing_else() {
        let mut out = b"[".to_vec();
        escape_into(&mut out, "a\"b\\c/\n\r\t\u{8}\u{0}\u{1f} \u{7f}é🫐\u{2028}");
        let expected = "[a\\\"b\\\\c/\\n\\r\\t\\u0008\\u0000\\u001f \u{7f}é🫐\u{2028}";
        assert_eq!(String::from_utf8(out).as_deref(), Ok(expected));
    }

    fn naive_plain(bytes: &[u8]) -> &[u8] {
        let is_special = |byte: &u8| matches!(byte, 0..=0x1f | b'"' | b'\\');
        &bytes[bytes.iter().position(is_special).unwrap_or(bytes.len())..]
    }

    #[test]
    fn each_byte_is_plain_or_special_wherever_it_stands() {
        for length in 1..20 {
            for at in 0..length {
                for byte in 0..=0xff {
                    for around in [b' ', b'!', b'#', b'[', b']', 0x7f, 0x80, 0xff] {
                        let mut bytes = vec![around; length];
                        bytes[at] = byte;
                        assert_eq!(skip_plain(&bytes), naive_plain(&bytes), "{bytes:02x?}");
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn plain_bytes_are_skipped_as_by_the_naive_twin(
            bytes in prop::collection::vec(prop_oneof![9 => any::<u8>(), 1 => b' '..=b'#'], 0..80),
        ) {
            prop_assert_eq!(skip_plain(&bytes), naive_plain(&bytes));
        }

        #[test]
        fn what_is_escaped_comes_back(text in any::<String>()) {
            let mut out = b"\"".to_vec();
            escape_into(&mut out, &text);
            prop_assert!(out.iter().all(|&byte| byte >= b' '), "one line");
            let is_name = !text.contains(char::is_control);
            let unescaped = unescape(&out[1..]).ok();
            prop_assert_eq!(unescaped.as_deref(), is_name.then_some(text.as_str()));
            out.push(b'"');
            let read: String = serde_json::from_slice(&out).expect("a JSON string");
            prop_assert_eq!(read, text);
        }

        #[test]
        fn escapes_are_read_as_serde_json_does(
            pieces in prop::collection::vec(prop_oneof![
                Just("a".to_owned()),
                Just("ø".to_owned()),
                Just(r"\n".to_owned()),
                (0u16..).prop_map(|unit| format!("\\u{unit:04x}")),
                (0xd800u16..0xe000).prop_map(|unit| format!("\\u{unit:04X}")),
                (0xd800u16..0xdc00, 0xdc00u16..0xe000)
                    .prop_map(|(a, b)| format!("\\u{a:04x}\\u{b:04x}")),
            ], 0..6),
        ) {
            let inside = pieces.concat();
            let read = serde_json::from_str::<String>(&format!("\"{inside}\"")).ok();
            let expected = read.filter(|text| !text.contains(char::is_control));
            prop_assert_eq!(unescape(inside.as_bytes()).ok().map(Cow::into_owned), expected);
        }
    }
}
