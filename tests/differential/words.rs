//! Text in UTF-8, and what is nearly so.
//!
//! Knows: RFC 3629: characters of each length, and the sequences that it forbids.
//! Must not know: frames.

use crate::dice::Dice;

/// The first and the last character of each length, and some between.
const CHARACTERS: &[char] = &[
    ' ',
    '~',
    '\0',
    '\u{7f}',
    '\u{80}',
    'é',
    '\u{7ff}',
    '\u{800}',
    '€',
    '\u{d7ff}',
    '\u{e000}',
    '\u{fffd}',
    '\u{ffff}',
    '\u{10000}',
    '🫐',
    '\u{10ffff}',
];

/// What must not stand in UTF-8: continuations without a start, starts without continuations,
/// spellings that are too long, surrogates, what is beyond U+10FFFF, bytes that are none of these.
const FORBIDDEN: &[&[u8]] = &[
    b"\x80",
    b"\xbf",
    b"\xc3",
    b"\xe2\x82",
    b"\xf0\x9f\xab",
    b"\xc0\x80",
    b"\xc1\xbf",
    b"\xe0\x9f\xbf",
    b"\xf0\x8f\xbf\xbf",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xf4\x90\x80\x80",
    b"\xf5\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xfe",
    b"\xff",
];

/// So many bytes of text, or up to three fewer.
pub(crate) fn text(dice: &mut Dice, bytes: usize) -> Vec<u8> {
    let mut text = String::with_capacity(bytes);
    let only_ascii = dice.chance(40);
    while text.len() < bytes {
        match only_ascii || dice.chance(30) {
            // In runs: long texts are not made letter by letter.
            true => {
                let run = bytes - text.len();
                let run = dice.between(1, run.min(200));
                text.extend(std::iter::repeat_n(char::from(dice.between(32, 126) as u8), run));
            }
            false => {
                let character = *dice.pick(CHARACTERS);
                if text.len() + character.len_utf8() > bytes {
                    break;
                }
                text.push(character);
            }
        }
    }
    text.into_bytes()
}

/// Text of about so many bytes with something forbidden in it, or with its end cut off.
pub(crate) fn wrong_text(dice: &mut Dice, bytes: usize) -> Vec<u8> {
    let mut text = text(dice, bytes);
    if dice.chance(25) {
        text.extend_from_slice("🫐".as_bytes());
        text.truncate(text.len() - dice.between(1, 3));
        return text;
    }
    let at = dice.below(text.len() + 1);
    text.splice(at..at, dice.pick(FORBIDDEN).iter().copied());
    text
}
