//! Streams of frames from a seed: mostly right, with one or two things wrong.
//!
//! Knows: RFC 6455 §5, every rule of it and how to break it.
//! Must not know: what any server makes of it.

use crate::dice::Dice;
use crate::words::{text, wrong_text};
use tidegate::limits::Limits;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// What one client sends, and how it arrives.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    pub(crate) bytes: Vec<u8>,
    pub(crate) cuts: Vec<usize>,
    pub(crate) limits: Limits,
}

/// A frame before it is bytes.
#[derive(Clone, Debug)]
struct Frame {
    fin: bool,
    reserved: u8,
    opcode: u8,
    mask: Option<[u8; 4]>,
    /// How many bytes the length is said in, if not in as few as it needs.
    length_in: Option<usize>,
    /// The length that it announces, if not its own.
    announced: Option<u64>,
    payload: Vec<u8>,
}

impl Stream {
    /// The stream of these dice.
    pub(crate) fn generate(dice: &mut Dice) -> Stream {
        let limits = Limits {
            message_bytes_max: *dice.pick(&[125, 126, 300, 5000, 9000, 65_535, 65_536]),
            fragments_max: *dice.pick(&[1, 2, 5, 128]),
            ..Limits::default()
        };
        let mut frames = Vec::new();
        for _ in 0..dice.between(1, 6) {
            say(dice, &limits, &mut frames);
        }
        if dice.chance(50) {
            let body = close_body(dice);
            frames.push(frame(dice, CLOSE, body));
            if dice.chance(30) {
                say(dice, &limits, &mut frames);
            }
        }
        for _ in 0..*dice.pick(&[0, 0, 0, 0, 0, 1, 1, 2]) {
            let victim = dice.below(frames.len());
            break_a_rule(dice, &mut frames, victim);
        }
        let mut ends = Vec::new();
        let mut bytes = Vec::new();
        for frame in &frames {
            frame.write(&mut bytes);
            ends.push(bytes.len());
        }
        break_bytes(dice, &mut bytes);
        let cuts = cuts(dice, bytes.len(), &ends);
        Stream { bytes, cuts, limits }
    }
}

fn frame(dice: &mut Dice, opcode: u8, payload: Vec<u8>) -> Frame {
    // A mask of zeros is a mask.
    let mask = if dice.chance(5) { [0; 4] } else { (dice.roll() as u32).to_be_bytes() };
    let (length_in, announced) = (None, None);
    Frame { fin: true, reserved: 0, opcode, mask: Some(mask), length_in, announced, payload }
}

/// A message or a control frame.
fn say(dice: &mut Dice, limits: &Limits, into: &mut Vec<Frame>) {
    match dice.below(10) {
        0 => {
            let control = control(dice);
            into.push(control);
        }
        1..=5 => {
            let bytes = message_bytes(dice, limits);
            let payload = match dice.chance(2) {
                true => wrong_text(dice, bytes),
                false => text(dice, bytes),
            };
            fragment(dice, limits, TEXT, &payload, into);
        }
        _ => {
            let payload =
                (0..message_bytes(dice, limits)).map(|_| dice.roll() as u8).collect::<Vec<_>>();
            fragment(dice, limits, BINARY, &payload, into);
        }
    }
}

/// Lengths are mostly small, and often at an edge.
fn message_bytes(dice: &mut Dice, limits: &Limits) -> usize {
    let near = |dice: &mut Dice, edge: usize| edge - 1 + dice.below(3);
    let bytes = match dice.below(60) {
        0..=1 => 0,
        2..=24 => dice.between(1, 40),
        25..=28 => near(dice, 125),
        29..=32 => near(dice, 126),
        33..=35 => near(dice, 4096),
        36 => near(dice, 65_536),
        37..=39 => near(dice, limits.message_bytes_max),
        40..=42 => dice.between(100, 9000),
        _ => dice.between(20, 200),
    };
    // Too big is what few are.
    if dice.chance(98) { bytes.min(limits.message_bytes_max) } else { bytes }
}

fn control(dice: &mut Dice) -> Frame {
    let bytes = *dice.pick(&[0, 1, 5, 124, 125]);
    let payload = (0..bytes).map(|_| dice.roll() as u8).collect();
    let opcode = if dice.chance(60) { PING } else { PONG };
    frame(dice, opcode, payload)
}

/// One message as its frames, which may end anywhere, with control frames between them.
fn fragment(dice: &mut Dice, limits: &Limits, kind: u8, payload: &[u8], into: &mut Vec<Frame>) {
    let count = match dice.below(100) {
        0..=49 => 1,
        50..=96 => dice.between(1, 6.min(limits.fragments_max)),
        97..=98 => limits.fragments_max,
        _ => limits.fragments_max + 1,
    };
    let mut ends: Vec<usize> = (1..count).map(|_| dice.below(payload.len() + 1)).collect();
    ends.sort_unstable();
    ends.push(payload.len());
    let (mut from, mut opcode) = (0, kind);
    for (number, end) in ends.iter().enumerate() {
        let mut fragment = frame(dice, opcode, payload[from..*end].to_vec());
        fragment.fin = number + 1 == count;
        into.push(fragment);
        if number + 1 < count && dice.chance(25) {
            let control = control(dice);
            into.push(control);
        }
        (from, opcode) = (*end, CONTINUATION);
    }
}

/// The payload of a close frame, mostly one that is allowed.
fn close_body(dice: &mut Dice) -> Vec<u8> {
    let good = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 4999];
    let bad = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535];
    let code: u16 = match dice.below(30) {
        0..=2 => return Vec::new(),
        3 => return vec![3],
        4..=5 => *dice.pick(&bad),
        6 => dice.roll() as u16,
        _ => *dice.pick(&good),
    };
    let length = *dice.pick(&[0, 0, 3, 20, 122, 123]);
    let reason = if dice.chance(3) { wrong_text(dice, length) } else { text(dice, length) };
    [&code.to_be_bytes()[..], &reason].concat()
}

/// Breaks a rule in one frame, or around it.
fn break_a_rule(dice: &mut Dice, frames: &mut Vec<Frame>, victim: usize) {
    let extra = dice.between(126, 300);
    let payload = (0..dice.below(4)).map(|_| dice.roll() as u8).collect();
    let opcode = *dice.pick(&[CONTINUATION, TEXT, BINARY, CLOSE]);
    let mut other = frame(dice, opcode, payload);
    let frame = &mut frames[victim];
    match dice.below(15) {
        0 => frame.reserved = *dice.pick(&[0x40, 0x20, 0x10, 0x70]),
        1 => frame.opcode = *dice.pick(&[3, 4, 5, 6, 7, 11, 12, 13, 14, 15]),
        2 => frame.mask = None,
        3 => frame.length_in = Some(*dice.pick(&[2, 8])),
        4 => (frame.length_in, frame.announced) = (Some(8), Some(1 << 63 | dice.roll())),
        5 => {
            (frame.length_in, frame.announced) = (Some(8), Some(dice.roll() >> dice.between(1, 40)))
        }
        6 => frame.fin = !frame.fin,
        7 => frame.opcode = *dice.pick(&[CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG]),
        8 => frame.payload.truncate(dice.below(3)),
        9 => frame.payload.resize(extra, b'x'),
        10 if !frame.payload.is_empty() => {
            let at = dice.below(frame.payload.len());
            frame.payload[at] = dice.roll() as u8;
        }
        11 => drop(frames.remove(victim)),
        12 => {
            (other.opcode, other.fin) = (*dice.pick(&[CLOSE, PING, PONG]), dice.chance(50));
            other.payload.resize(*dice.pick(&[0, 1, 2, 125, 126, 127, 300]), b'y');
            frames.insert(victim, other);
        }
        _ => {
            other.fin = dice.chance(50);
            frames.insert(victim, other);
        }
    }
    if frames.is_empty() {
        frames.push(self::frame(dice, PONG, Vec::new()));
    }
}

/// What no writer of frames does.
fn break_bytes(dice: &mut Dice, bytes: &mut Vec<u8>) {
    if dice.chance(8) && !bytes.is_empty() {
        let at = dice.below(bytes.len());
        bytes[at] ^= 1 << dice.below(8);
    }
    if dice.chance(3) && !bytes.is_empty() {
        bytes.remove(dice.below(bytes.len()));
    }
    if dice.chance(3) {
        bytes.insert(dice.below(bytes.len() + 1), dice.roll() as u8);
    }
    if dice.chance(12) {
        bytes.truncate(dice.below(bytes.len() + 1));
    }
}

/// Nowhere, everywhere, anywhere, or beside the ends of frames.
fn cuts(dice: &mut Dice, length: usize, ends: &[usize]) -> Vec<usize> {
    let mut cuts = match dice.below(5) {
        0 => Vec::new(),
        1 if length < 400 => (0..length).collect(),
        2 => ends.iter().map(|end| (end + dice.below(9)).saturating_sub(4)).collect(),
        _ => (0..dice.between(1, 8)).map(|_| dice.below(length + 1)).collect(),
    };
    cuts.retain(|cut| *cut <= length);
    cuts.sort_unstable();
    cuts
}

impl Frame {
    fn write(&self, out: &mut Vec<u8>) {
        let length = self.announced.unwrap_or(self.payload.len() as u64);
        let least = match length {
            0..126 => 0,
            126..65_536 => 2,
            _ => 8,
        };
        let length_in = self.length_in.unwrap_or(0).max(least);
        let short = match length_in {
            0 => length as u8,
            2 => 126,
            _ => 127,
        };
        let masked = if self.mask.is_some() { 0x80 } else { 0 };
        out.push(if self.fin { 0x80 } else { 0 } | self.reserved | self.opcode);
        out.push(masked | short);
        out.extend_from_slice(&length.to_be_bytes()[8 - length_in..]);
        out.extend(self.mask.iter().flatten());
        let mask = self.mask.unwrap_or_default();
        out.extend(self.payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    }
}
