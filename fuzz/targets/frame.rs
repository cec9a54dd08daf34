//! Frame headers: any bytes, and each prefix of them, against RFC 6455 §5.2 read bit by bit.
//!
//! Knows: the first byte says whether compression was agreed on; the rest is what a client sent.
//! Must not know: how the decoder finds its answer.

use tidegate::ws::Fault;
use tidegate::ws::frame::{HEADER_BYTES_MAX, Header, Opcode};
use tidegate::ws::frame::{decode_header, encode_header, header_length, push_header, push_masked};
use tidegate::ws::mask::unmask;

/// What the naive decoder makes of a header.
#[derive(Clone, Debug, PartialEq)]
enum Verdict {
    More,
    Bad(Fault),
    Good { header: Header, used: usize },
}

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    let [knobs, bytes @ ..] = data else { return };
    let compressed = knobs & 1 == 1;
    let end = bytes.len().min(24);
    let mut settled = Verdict::More;
    for cut in 0..=end {
        let verdict = match decode_header(&bytes[..cut], compressed) {
            Ok(None) => Verdict::More,
            Ok(Some((header, used))) => Verdict::Good { header, used },
            Err(fault) => Verdict::Bad(fault),
        };
        assert_eq!(verdict, naive(&bytes[..cut], compressed), "the first {cut} bytes");
        if settled != Verdict::More {
            assert_eq!(verdict, settled, "more bytes do not change a verdict");
        }
        settled = verdict;
    }
    if let Verdict::Good { header, used } = settled {
        comes_back(&header, &bytes[..used]);
        masks_twice(&header, &bytes[used..]);
    }
}

/// RFC 6455 §5.2, field by field; each is judged as soon as its bytes are there.
fn naive(bytes: &[u8], compressed: bool) -> Verdict {
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

/// What a server would write for the same frame differs in the mask alone.
fn comes_back(header: &Header, sent: &[u8]) {
    let Ok(length) = usize::try_from(header.length) else { return };
    let mut written = vec![7];
    push_header(&mut written, header.opcode, length);
    assert_eq!(written[0], 7, "what stood before stays");
    let written = &written[1..];
    let mut fixed = [0; HEADER_BYTES_MAX];
    let count = encode_header(header.opcode, length, &mut fixed);
    assert_eq!(written, &fixed[..count]);
    assert_eq!(count, header_length(length));
    // FIN is always set and RSV1 never, by a server that sends whole messages.
    assert_eq!(written[0] & 0x0f, sent[0] & 0x0f);
    assert_eq!(written[0] & 0xf0, 0x80);
    assert_eq!(written[1], sent[1] & 0x7f, "no mask");
    assert_eq!(written[2..], sent[2..sent.len() - 4]);
}

/// A payload that is masked and unmasked, in two pieces, is what it was.
fn masks_twice(header: &Header, payload: &[u8]) {
    let mut frame = Vec::new();
    push_masked(&mut frame, header.fin, header.opcode, header.mask, payload);
    let masked = &mut frame[header_length(payload.len()) + 4..];
    for (place, byte) in masked.iter().enumerate() {
        assert_eq!(*byte, payload[place] ^ header.mask[place % 4]);
    }
    let cut = usize::from(header.mask[0]).min(payload.len());
    unmask(&mut masked[..cut], header.mask, 0);
    unmask(&mut masked[cut..], header.mask, cut);
    assert_eq!(masked, payload);
}
