//! Frame headers, bit by bit (RFC 6455 §5.2).
//!
//! Knows: what each bit means, and from which byte on a header can only be wrong.
//! Must not know: messages.

use tidegate::ws::Fault;
use tidegate::ws::frame::{Header, Opcode};

/// What a header is, as far as it is there.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    More,
    Bad(Fault),
    Good { header: Header, used: usize },
}

/// Field by field; each is judged as soon as its bytes are there.
pub(crate) fn header(bytes: &[u8], compressed: bool) -> Verdict {
    let at = |place: usize| bytes.get(place).copied();
    let Some(first) = at(0) else { return Verdict::More };
    let bit = |byte: u8, number: u32| byte >> (7 - number) & 1 == 1;
    if bit(first, 2) || bit(first, 3) {
        return Verdict::Bad(Fault::ReservedBits);
    }
    let opcode = match first % 16 {
        0 => Opcode::Continuation,
        1 => Opcode::Text,
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 => Opcode::Ping,
        10 => Opcode::Pong,
        unknown => return Verdict::Bad(Fault::UnknownOpcode(unknown)),
    };
    let (fin, rsv1) = (bit(first, 0), bit(first, 1));
    let begins = opcode == Opcode::Text || opcode == Opcode::Binary;
    if rsv1 && !(compressed && begins) {
        return Verdict::Bad(Fault::ReservedBits);
    }
    let is_control = first % 16 >= 8;
    if is_control && !fin {
        return Verdict::Bad(Fault::FragmentedControl);
    }
    let Some(second) = at(1) else { return Verdict::More };
    if !bit(second, 0) {
        return Verdict::Bad(Fault::Unmasked);
    }
    if is_control && second % 128 > 125 {
        return Verdict::Bad(Fault::LongControl);
    }
    let (digits, least) = match second % 128 {
        126 => (2, 126u128),
        127 => (8, 65536),
        _ => (0, 0),
    };
    match length(bytes, second % 128, digits, least) {
        Ok(Some(length)) => {
            good(bytes, 2 + digits, Header { fin, rsv1, opcode, mask: [0; 4], length })
        }
        Ok(None) => Verdict::More,
        Err(fault) => Verdict::Bad(fault),
    }
}

/// The length, as a number that cannot overflow. It is wrong as soon as no bytes that may follow
/// make it right.
fn length(bytes: &[u8], short: u8, digits: usize, least: u128) -> Result<Option<u64>, Fault> {
    if digits == 0 {
        return Ok(Some(u64::from(short)));
    }
    let there = &bytes[2..bytes.len().min(2 + digits)];
    let missing = (digits - there.len()) as u32;
    let so_far = there.iter().fold(0u128, |sum, byte| sum * 256 + u128::from(*byte));
    let smallest = so_far * 256u128.pow(missing);
    let largest = (so_far + 1) * 256u128.pow(missing) - 1;
    if smallest >= 1 << 63 {
        return Err(Fault::LengthTopBit);
    }
    if largest < least {
        return Err(Fault::NonMinimalLength);
    }
    if missing > 0 {
        return Ok(None);
    }
    Ok(Some(so_far as u64))
}

fn good(bytes: &[u8], mask_at: usize, header: Header) -> Verdict {
    let Some(mask) = bytes.get(mask_at..mask_at + 4) else { return Verdict::More };
    let mask = [mask[0], mask[1], mask[2], mask[3]];
    Verdict::Good { header: Header { mask, ..header }, used: mask_at + 4 }
}
