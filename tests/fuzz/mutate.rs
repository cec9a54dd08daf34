//! Inputs that nearly are what a corpus holds.
//!
//! Knows: bytes, and which of them decoders tend to stumble on.
//! Must not know: what is done with them.

use crate::dice::Dice;

/// Longer inputs are cut: a debug build reads them slowly, and what breaks is short.
const BYTES_MAX: usize = 6 * 1024;

/// Numbers at which decoders change their mind.
const LENGTHS: &[u64] = &[
    0,
    1,
    2,
    124,
    125,
    126,
    127,
    128,
    255,
    256,
    4095,
    4096,
    65534,
    65535,
    65536,
    65537,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    0xffff_ffff_ffff_ffff,
];

/// What means something in one of the formats that are read here.
const WORDS: &[&[u8]] = &[
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b"\0",
    b" ",
    b"\t",
    b":",
    b": ",
    b";",
    b",",
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud83e\\uded0",
    b"\\udc00",
    b"{",
    b"}",
    b"[",
    b"]",
    b"{\"",
    b"%",
    b"%00",
    b"%2e",
    b"%c3%a9",
    b"..",
    b"/",
    b"?",
    b"&",
    b"=",
    b"+",
    b"#",
    b"0",
    b"-",
    b"1e9",
    b"18446744073709551616",
    b"ffffffffffffffff",
    b"chunked",
    b"close",
    b"connectionId",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\xf0\x9f\xab\x90",
    b"\xc0\x80",
    b"\x00\x00\xff\xff",
    b"\x88\x82",
    b"\x89\x80",
    b"\x80\x80",
    b"\xc1\x80",
    b"\x81\xfe",
    b"\x82\xff",
];

/// One file of `corpus`, changed in one to five places.
pub(crate) fn mutate(corpus: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = dice.pick(corpus).clone();
    for _ in 0..dice.between(1, 5) {
        change(&mut bytes, corpus, dice);
    }
    bytes.truncate(BYTES_MAX);
    bytes
}

fn change(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], dice: &mut Dice) {
    match dice.below(10) {
        0 => flip(bytes, dice),
        1 => replace(bytes, dice),
        2 => insert(bytes, &[dice.roll() as u8], dice),
        3 | 4 => insert(bytes, dice.pick::<&[u8]>(WORDS), dice),
        5 => cut(bytes, dice),
        6 => repeat(bytes, dice),
        7 => splice(bytes, dice.pick::<Vec<u8>>(corpus), dice),
        8 => write_length(bytes, dice),
        _ => bytes.truncate(dice.below(bytes.len() + 1)),
    }
}

fn flip(bytes: &mut [u8], dice: &mut Dice) {
    if !bytes.is_empty() {
        bytes[dice.below(bytes.len())] ^= 1 << dice.below(8);
    }
}

fn replace(bytes: &mut [u8], dice: &mut Dice) {
    if !bytes.is_empty() {
        bytes[dice.below(bytes.len())] = dice.roll() as u8;
    }
}

fn insert(bytes: &mut Vec<u8>, new: &[u8], dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    bytes.splice(at..at, new.iter().copied());
}

/// A place in `bytes` and one not before it; mostly near, so that most of the input stays.
fn stretch(bytes: &[u8], dice: &mut Dice) -> (usize, usize) {
    let from = dice.below(bytes.len() + 1);
    let longest = if dice.chance(80) { 16 } else { bytes.len() };
    (from, (from + dice.between(0, longest)).min(bytes.len()))
}

fn cut(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let (from, to) = stretch(bytes, dice);
    bytes.drain(from..to);
}

fn repeat(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let (from, to) = stretch(bytes, dice);
    let times = if dice.chance(90) { 1 } else { dice.between(2, 80) };
    let again = bytes[from..to].repeat(times);
    bytes.splice(to..to, again);
}

/// The front of one and the back of the other.
fn splice(bytes: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    bytes.truncate(dice.below(bytes.len() + 1));
    bytes.extend_from_slice(&other[dice.below(other.len() + 1)..]);
}

/// A number over what stands there, in 1, 2, 4 or 8 bytes, or written out.
fn write_length(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let number = *dice.pick(LENGTHS);
    let at = dice.below(bytes.len() + 1);
    if dice.chance(25) {
        let written =
            if dice.chance(50) { format!("{number}") } else { format!("{number:x}") }.into_bytes();
        bytes.splice(at..at, written);
        return;
    }
    let width = 1 << dice.below(4);
    let number = number.to_be_bytes();
    let end = (at + width).min(bytes.len());
    bytes.splice(at..end, number[8 - width..].iter().copied());
}
