//! UTF-8, whole or in pieces (RFC 3629).
//!
//! Knows: bytes, and which of them may follow each other.
//! Must not know: frames, messages.

/// What was read can begin no UTF-8 text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadUtf8;

/// Is all of `bytes` UTF-8?
#[inline]
pub fn is_utf8(bytes: &[u8]) -> bool {
    simdutf8::basic::from_utf8(bytes).is_ok()
}

/// Reads a text piece by piece, whose pieces may end inside a character.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Validator {
    /// How many bytes are missing from the character that has begun.
    missing: u8,
    /// The next byte of it lies between these two. Only for the second byte of some characters it
    /// is anything but 0x80 to 0xbf: no overlong forms, no surrogates, nothing above U+10FFFF.
    low: u8,
    high: u8,
}

const _: () = assert!(size_of::<Validator>() <= 8, "one for each message that is under way");

impl Validator {
    /// Reads the next piece. It fails with the first byte that cannot stand where it stands, and
    /// does not wait for the end of its character or of the text.
    pub fn push(&mut self, bytes: &[u8]) -> Result<(), BadUtf8> {
        let mut rest = bytes;
        while self.missing > 0 {
            let [byte, behind @ ..] = rest else {
                return Ok(());
            };
            self.step(*byte)?;
            rest = behind;
        }
        let (whole, begun) = cut(rest);
        if !is_utf8(whole) {
            return Err(BadUtf8);
        }
        begun.iter().try_for_each(|&byte| self.step(byte))
    }

    /// The text ends here.
    pub fn finish(self) -> Result<(), BadUtf8> {
        if self.missing == 0 { Ok(()) } else { Err(BadUtf8) }
    }

    /// RFC 3629 §4, row by row.
    fn step(&mut self, byte: u8) -> Result<(), BadUtf8> {
        if let Some(missing) = self.missing.checked_sub(1) {
            if !(self.low..=self.high).contains(&byte) {
                return Err(BadUtf8);
            }
            self.expect(missing, 0x80, 0xbf);
            return Ok(());
        }
        match byte {
            ..=0x7f => {}
            0xc2..=0xdf => self.expect(1, 0x80, 0xbf),
            0xe0 => self.expect(2, 0xa0, 0xbf),
            0xe1..=0xec | 0xee..=0xef => self.expect(2, 0x80, 0xbf),
            0xed => self.expect(2, 0x80, 0x9f),
            0xf0 => self.expect(3, 0x90, 0xbf),
            0xf1..=0xf3 => self.expect(3, 0x80, 0xbf),
            0xf4 => self.expect(3, 0x80, 0x8f),
            0x80..=0xc1 | 0xf5.. => return Err(BadUtf8),
        }
        Ok(())
    }

    fn expect(&mut self, missing: u8, low: u8, high: u8) {
        *self = Validator { missing, low, high };
    }
}

/// Cuts off what looks like a character that has begun at the end of `bytes`: a first byte, and
/// fewer behind it than it asks for.
fn cut(bytes: &[u8]) -> (&[u8], &[u8]) {
    if let Some((whole, begun @ [0xc0..=0xff])) = bytes.split_last_chunk() {
        return (whole, begun);
    }
    if let Some((whole, begun @ [0xe0..=0xff, 0x80..=0xbf])) = bytes.split_last_chunk() {
        return (whole, begun);
    }
    if let Some((whole, begun @ [0xf0..=0xff, 0x80..=0xbf, 0x80..=0xbf])) = bytes.split_last_chunk()
    {
        return (whole, begun);
    }
    (bytes, &[])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// After how many bytes `text`, pushed byte by byte, fails: the length of the shortest bad
    /// prefix.
    fn fails_after(text: &[u8]) -> Option<usize> {
        let mut validator = Validator::default();
        (1..=text.len()).find(|end| validator.push(&text[end - 1..*end]).is_err())
    }

    /// What std says: bad is a prefix that no further bytes could mend.
    fn naive_fails_after(text: &[u8]) -> Option<usize> {
        (1..=text.len()).find(|end| {
            str::from_utf8(&text[..*end]).is_err_and(|error| error.error_len().is_some())
        })
    }

    fn in_pieces(text: &[u8], cuts: [usize; 2]) -> Result<(), BadUtf8> {
        let mut validator = Validator::default();
        validator.push(&text[..cuts[0]])?;
        validator.push(&text[cuts[0]..cuts[1]])?;
        validator.push(&text[cuts[1]..])?;
        validator.finish()
    }

    const TEXTS: &[&[u8]] = &[
        b"",
        b"plain",
        "κόσμε, 🫐 grød ﷺ \u{10ffff}\u{ffff}\u{800}\u{7ff}\u{80}\0".as_bytes(),
        // Autobahn 6.4: the fault is the surrogate's second byte, resp. a code point above
        // U+10FFFF.
        b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
        b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80edited",
        b"overlong \xc0\xaf",
        b"overlong \xe0\x80\xaf",
        b"overlong \xf0\x80\x80\xaf",
        b"alone \x80",
        b"unfinished \xf0\x9f\xab",
        b"unfinished \xc3",
        b"\xff",
        b"\xf5\x80\x80\x80",
    ];

    #[test]
    fn cutting_a_text_anywhere_changes_nothing() {
        for text in TEXTS {
            let whole = str::from_utf8(text).map(|_| ()).map_err(|_| BadUtf8);
            assert_eq!(is_utf8(text), whole.is_ok());
            for a in 0..=text.len() {
                for b in a..=text.len() {
                    assert_eq!(in_pieces(text, [a, b]), whole, "{text:02x?} {a} {b}");
                }
            }
        }
    }

    #[test]
    fn a_bad_byte_is_found_at_once() {
        for text in TEXTS {
            assert_eq!(fails_after(text), naive_fails_after(text), "{text:02x?}");
            // Also when all bytes up to it come in one piece.
            if let Some(end) = fails_after(text) {
                assert_eq!(Validator::default().push(&text[..end]), Err(BadUtf8));
                assert_eq!(Validator::default().push(&text[..end - 1]), Ok(()));
            }
        }
    }

    #[test]
    fn all_beginnings_of_characters_are_judged_as_std_does() {
        for first in 0..=0xff {
            for second in 0..=0xff {
                for third in [0x00, 0x7f, 0x80, 0x9f, 0xa0, 0xbf, 0xc0, 0xff] {
                    let text = [first, second, third, 0x80];
                    assert_eq!(fails_after(&text), naive_fails_after(&text), "{text:02x?}");
                    for end in 0..=text.len() {
                        let one = Validator::default().push(&text[..end]).is_err();
                        let naive = naive_fails_after(&text).is_some_and(|after| after <= end);
                        assert_eq!(one, naive, "{text:02x?} {end}");
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn mutated_texts_are_judged_as_std_does(
            text in "\\PC{0,60}",
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
            cuts in any::<[prop::sample::Index; 2]>(),
        ) {
            let mut text = text.into_bytes();
            for (index, byte) in changes {
                if !text.is_empty() {
                    let index = index.index(text.len());
                    text[index] = byte;
                }
            }
            let mut cuts = cuts.map(|cut| cut.index(text.len() + 1));
            cuts.sort_unstable();
            prop_assert_eq!(in_pieces(&text, cuts).is_ok(), str::from_utf8(&text).is_ok());
            prop_assert_eq!(fails_after(&text), naive_fails_after(&text));
        }
    }
}
