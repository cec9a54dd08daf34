//! WebSocket frames: headers, nothing more (RFC 6455 §5.2).
//!
//! Knows: bytes, opcodes, lengths, where the mask stands.
//! Must not know: messages, connections, limits, sockets, time.
//!
//! A frame may arrive in any number of pieces; see [`decode_header`] for the contract.

use super::Fault;
use super::mask::unmask;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RSV2_AND_RSV3: u8 = 0x30;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
/// In the second byte: the length follows in two bytes.
const IN_TWO_BYTES: u8 = 126;
/// In the second byte: the length follows in eight bytes.
const IN_EIGHT_BYTES: u8 = 127;

/// What a payload is masked with, the last of a header.
const MASK_BYTES: usize = 4;

/// The longest header of a frame without a mask.
pub const HEADER_BYTES_MAX: usize = 10;

/// The longest payload of a control frame (RFC 6455 §5.5).
pub const CONTROL_BYTES_MAX: usize = 125;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opcode {
    /// More of the message that is open.
    Continuation,
    /// The first frame of a text message.
    Text,
    /// The first frame of a binary message.
    Binary,
    /// The last frame of a connection.
    Close,
    /// To be answered with a pong.
    Ping,
    /// The answer to a ping, or unasked.
    Pong,
}

impl Opcode {
    /// May it stand between the frames of a message?
    #[inline]
    pub fn is_control(self) -> bool {
        matches!(self, Opcode::Close | Opcode::Ping | Opcode::Pong)
    }

    #[inline]
    fn from_bits(bits: u8) -> Result<Self, Fault> {
        Ok(match bits {
            0x0 => Opcode::Continuation,
            0x1 => Opcode::Text,
            0x2 => Opcode::Binary,
            0x8 => Opcode::Close,
            0x9 => Opcode::Ping,
            0xa => Opcode::Pong,
            _ => return Err(Fault::UnknownOpcode(bits)),
        })
    }

    #[inline]
    fn bits(self) -> u8 {
        match self {
            Opcode::Continuation => 0x0,
            Opcode::Text => 0x1,
            Opcode::Binary => 0x2,
            Opcode::Close => 0x8,
            Opcode::Ping => 0x9,
            Opcode::Pong => 0xa,
        }
    }
}

/// The header of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The last frame of its message.
    pub fin: bool,
    /// The message is compressed (RFC 7692 §6).
    pub rsv1: bool,
    /// What it is for.
    pub opcode: Opcode,
    /// What its payload is masked with: zeros, which change nothing, in a frame from a server.
    pub mask: [u8; 4],
    /// How many bytes of payload follow.
    pub length: u64,
}

impl Header {
    /// The same as a size; what no memory can hold is as much as any can.
    #[inline]
    pub fn payload_bytes(&self) -> usize {
        usize::try_from(self.length).unwrap_or(usize::MAX)
    }
}

/// Reads the header of a client's frame at the front of `bytes`. `compressed`: messages may be, so
/// that RSV1 is allowed in the first frame of one.
///
/// `Ok(None)`: more bytes are needed. `Ok(Some((header, used)))`: the first `used` bytes were the
/// header. A fault is found as soon as the byte is there that proves it, however much of the header
/// is missing.
#[inline]
pub fn decode_header(bytes: &[u8], compressed: bool) -> Result<Option<(Header, usize)>, Fault> {
    decode(bytes, compressed, true)
}

/// The same for a frame from a server: it must not be masked (RFC 6455 §5.1).
pub fn decode_server_header(
    bytes: &[u8],
    compressed: bool,
) -> Result<Option<(Header, usize)>, Fault> {
    decode(bytes, compressed, false)
}

#[inline(always)]
fn decode(
    bytes: &[u8],
    compressed: bool,
    from_client: bool,
) -> Result<Option<(Header, usize)>, Fault> {
    let [first, behind @ ..] = bytes else {
        return Ok(None);
    };
    let opcode = check_first(*first, compressed)?;
    let [second, behind @ ..] = behind else {
        return Ok(None);
    };
    match second & MASKED != 0 {
        false if from_client => return Err(Fault::Unmasked),
        true if !from_client => return Err(Fault::Masked),
        _ => {}
    }
    let (length, behind, used) = match second & !MASKED {
        IN_TWO_BYTES.. if opcode.is_control() => return Err(Fault::LongControl),
        short @ ..IN_TWO_BYTES => (u64::from(short), behind, 2_usize),
        IN_TWO_BYTES => match behind {
            [0, ..IN_TWO_BYTES, ..] => return Err(Fault::NonMinimalLength),
            [high, low, behind @ ..] => (u64::from(u16::from_be_bytes([*high, *low])), behind, 4),
            _ => return Ok(None),
        },
        IN_EIGHT_BYTES.. => match behind {
            [0x80..=0xff, ..] => return Err(Fault::LengthTopBit),
            [0, 0, 0, 0, 0, 0, ..] => return Err(Fault::NonMinimalLength),
            _ => match behind.split_first_chunk() {
                Some((length, behind)) => (u64::from_be_bytes(*length), behind, 10),
                None => return Ok(None),
            },
        },
    };
    let (mask, used) = match behind.first_chunk::<MASK_BYTES>() {
        _ if !from_client => ([0; MASK_BYTES], used),
        Some(mask) => (*mask, used.saturating_add(MASK_BYTES)),
        None => return Ok(None),
    };
    let (fin, rsv1) = (first & FIN != 0, first & RSV1 != 0);
    Ok(Some((Header { fin, rsv1, opcode, mask, length }, used)))
}

#[inline]
fn check_first(first: u8, compressed: bool) -> Result<Opcode, Fault> {
    if first & RSV2_AND_RSV3 != 0 {
        return Err(Fault::ReservedBits);
    }
    let opcode = Opcode::from_bits(first & OPCODE)?;
    // RFC 7692 §6: only the first frame of a message says whether it is compressed.
    let may_say_so = compressed && matches!(opcode, Opcode::Text | Opcode::Binary);
    if first & RSV1 != 0 && !may_say_so {
        return Err(Fault::ReservedBits);
    }
    if opcode.is_control() && first & FIN == 0 {
        return Err(Fault::FragmentedControl);
    }
    Ok(opcode)
}

/// Writes the header of a whole message or control frame that a server sends, and says how long it
/// is.
#[inline]
pub fn encode_header(opcode: Opcode, length: usize, out: &mut [u8; HEADER_BYTES_MAX]) -> usize {
    debug_assert!(!opcode.is_control() || length <= CONTROL_BYTES_MAX);
    out[0] = FIN | opcode.bits();
    if let Ok(short @ ..IN_TWO_BYTES) = u8::try_from(length) {
        out[1] = short;
        2
    } else if let Ok(length) = u16::try_from(length) {
        out[1] = IN_TWO_BYTES;
        out[2..4].copy_from_slice(&length.to_be_bytes());
        4
    } else {
        out[1] = IN_EIGHT_BYTES;
        out[2..].copy_from_slice(&(length as u64).to_be_bytes());
        HEADER_BYTES_MAX
    }
}

/// How long the header of a frame is that a server sends with `length` bytes of payload.
#[inline]
pub fn header_length(length: usize) -> usize {
    encode_header(Opcode::Binary, length, &mut [0; HEADER_BYTES_MAX])
}

/// Appends what [`encode_header`] writes.
#[inline]
pub fn push_header(out: &mut Vec<u8>, opcode: Opcode, length: usize) {
    let mut header = [0; HEADER_BYTES_MAX];
    let header_bytes = encode_header(opcode, length, &mut header);
    // A copy of constant length, cut afterwards: 2 ns instead of 7.
    let end = out.len().saturating_add(header_bytes);
    out.extend_from_slice(&header);
    out.truncate(end);
}

/// Appends a whole message that is compressed (RFC 7692 §6).
pub fn push_deflated(out: &mut Vec<u8>, opcode: Opcode, deflated: &[u8]) {
    let start = out.len();
    push_header(out, opcode, deflated.len());
    out.extend_from_slice(deflated);
    if let Some(first) = out.get_mut(start) {
        *first |= RSV1;
    }
}

/// Appends a whole frame as a client sends it, for tests and for whoever plays the client.
pub fn push_masked(out: &mut Vec<u8>, fin: bool, opcode: Opcode, mask: [u8; 4], payload: &[u8]) {
    let mut header = [0; HEADER_BYTES_MAX];
    // A control frame may be too long here: that, too, is something that a client can do.
    let header_bytes = encode_header(Opcode::Binary, payload.len(), &mut header);
    header[0] = if fin { FIN } else { 0 } | opcode.bits();
    header[1] |= MASKED;
    out.extend(header.iter().take(header_bytes));
    out.extend_from_slice(&mask);
    let start = out.len();
    out.extend_from_slice(payload);
    unmask(out.get_mut(start..).unwrap_or_default(), mask, 0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    fn decode(bytes: &[u8]) -> Result<Option<(Header, usize)>, Fault> {
        decode_header(bytes, false)
    }

    #[test]
    fn the_examples_of_the_rfc_are_read_and_written() {
        // RFC 6455 §5.7: a masked "Hello", and a masked pong with the same body.
        let hello = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        let pong = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        for (bytes, opcode) in [(hello, Opcode::Text), (pong, Opcode::Pong)] {
            let header = Header { fin: true, rsv1: false, opcode, mask: KEY, length: 5 };
            assert_eq!(decode(&bytes), Ok(Some((header, 6))));
            let mut written = Vec::new();
            push_masked(&mut written, true, opcode, KEY, b"Hello");
            assert_eq!(written, bytes);
        }
        // The same, from a server: "Hello", 256 bytes, 64 KiB.
        for (opcode, length, header) in [
            (Opcode::Text, 5, &[0x81, 0x05][..]),
            (Opcode::Ping, 5, &[0x89, 0x05]),
            (Opcode::Binary, 256, &[0x82, 0x7e, 0x01, 0x00]),
            (Opcode::Binary, 65536, &[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut written = vec![7];
            push_header(&mut written, opcode, length);
            assert_eq!(written, [&[7], header].concat());
            assert_eq!(header_length(length), header.len());
        }
    }

    #[test]
    fn faults_are_found_at_the_byte_that_proves_them() {
        use Fault::*;
        // The last byte of each is the one that is wrong.
        let cases: &[(&[u8], Fault)] = &[
            (&[0x80 | 0x20 | 0x1], ReservedBits),
            (&[0x80 | 0x10 | 0x1], ReservedBits),
            (&[0x80 | 0x40 | 0x1], ReservedBits),
            (&[0x83], UnknownOpcode(0x3)),
            (&[0x07], UnknownOpcode(0x7)),
            (&[0x8b], UnknownOpcode(0xb)),
            (&[0x8f], UnknownOpcode(0xf)),
            (&[0x08], FragmentedControl),
            (&[0x09], FragmentedControl),
            (&[0x0a], FragmentedControl),
            (&[0x81, 0x05], Unmasked),
            (&[0x81, 0x7f], Unmasked),
            (&[0x88, 0xfe], LongControl),
            (&[0x8a, 0xff], LongControl),
            (&[0x81, 0xfe, 0, 125], NonMinimalLength),
            (&[0x81, 0xfe, 0, 0], NonMinimalLength),
            (&[0x81, 0xff, 0, 0, 0, 0, 0, 0], NonMinimalLength),
            (&[0x81, 0xff, 0x80], LengthTopBit),
            (&[0x81, 0xff, 0xff], LengthTopBit),
        ];
        for (bytes, fault) in cases {
            let (_, before) = bytes.split_last().expect("at least one byte");
            assert_eq!(decode(before), Ok(None), "before {bytes:02x?}");
            assert_eq!(decode(bytes), Err(*fault), "{bytes:02x?}");
            let more = [bytes, &[0xff; 16][..]].concat();
            assert_eq!(decode(&more), Err(*fault), "after {bytes:02x?}");
        }
    }

    #[test]
    fn a_server_sends_what_a_client_sends_without_the_mask() {
        for length in [0, 1, 125, 126, 65535, 65536] {
            for opcode in [Opcode::Text, Opcode::Binary] {
                let mut bytes = Vec::new();
                push_header(&mut bytes, opcode, length);
                let expected =
                    Header { fin: true, rsv1: false, opcode, mask: [0; 4], length: length as u64 };
                assert_eq!(
                    decode_server_header(&bytes, false),
                    Ok(Some((expected, header_length(length))))
                );
                for cut in 0..bytes.len() {
                    assert_eq!(decode_server_header(&bytes[..cut], false), Ok(None));
                }
            }
        }
        assert_eq!(decode_server_header(&[0x81, 0x85], false), Err(Fault::Masked));
        assert_eq!(decode_server_header(&[0x89, 126], false), Err(Fault::LongControl));
        assert_eq!(decode_server_header(&[0xc1, 0], false), Err(Fault::ReservedBits));
    }

    #[test]
    fn rsv1_is_for_the_first_frame_of_a_message_if_compression_was_agreed_on() {
        for (first, allowed) in [
            (0xc1, true),
            (0x41, true),
            (0xc2, true),
            (0xc0, false),
            (0x40, false),
            (0xc8, false),
            (0xc9, false),
            (0xe1, false),
        ] {
            let bytes = [first, 0x80, 1, 2, 3, 4];
            assert_eq!(decode(&bytes), Err(Fault::ReservedBits));
            match decode_header(&bytes, true) {
                Ok(Some((header, 6))) => assert!(allowed && header.rsv1),
                other => assert!(!allowed && other == Err(Fault::ReservedBits), "{first:02x}"),
            }
        }
        assert!(
            matches!(decode_header(&[0x81, 0x80, 1, 2, 3, 4], true), Ok(Some((h, 6))) if !h.rsv1)
        );
    }

    #[test]
    fn lengths_of_every_form_come_back() {
        for length in [0usize, 1, 124, 125, 126, 127, 255, 256, 65534, 65535, 65536, 65537, 1 << 20]
        {
            let mut bytes = Vec::new();
            push_masked(&mut bytes, false, Opcode::Binary, KEY, &vec![9; length]);
            let (header, used) = decode(&bytes).expect("no fault").expect("a whole header");
            assert_eq!(header.length, length as u64);
            assert_eq!(used, header_length(length) + 4);
            assert!(!header.fin);
            for cut in 0..used {
                assert_eq!(decode(&bytes[..cut]), Ok(None), "{cut} of {used}");
            }
        }
        let longest = [&[0x82, 0xff, 0x7f][..], &[0xff; 7], &KEY].concat();
        let header = decode(&longest).expect("no fault").expect("a whole header").0;
        assert_eq!(header.length, u64::MAX >> 1);
    }

    /// The second way to say it: RFC 6455 §5.2 from top to bottom, on a header that is all there.
    fn naive(bytes: &[u8; 14]) -> Option<(Header, usize)> {
        let bit = |byte: usize, bit: u8| bytes[byte] & bit != 0;
        let opcode = [
            (0, Opcode::Continuation),
            (1, Opcode::Text),
            (2, Opcode::Binary),
            (8, Opcode::Close),
            (9, Opcode::Ping),
            (10, Opcode::Pong),
        ];
        let opcode = opcode.into_iter().find(|(bits, _)| *bits == bytes[0] & 15)?.1;
        let (length, end) = match bytes[1] & 127 {
            126 => (u64::from(bytes[2]) << 8 | u64::from(bytes[3]), 4),
            127 => (bytes[2..10].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 10),
            short => (u64::from(short), 2),
        };
        let shortest = if length < 126 {
            2
        } else if length < 65536 {
            4
        } else {
            10
        };
        let bad_control = opcode.is_control() && (!bit(0, 0x80) || length > 125);
        let bad = bit(0, 0x70) || !bit(1, 0x80) || end != shortest || length >> 63 == 1;
        if bad || bad_control {
            return None;
        }
        let mask = [bytes[end], bytes[end + 1], bytes[end + 2], bytes[end + 3]];
        Some((Header { fin: bit(0, 0x80), rsv1: false, opcode, mask, length }, end + 4))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn the_verdict_is_that_of_the_naive_twin_and_never_changes(
            first in prop_oneof![any::<u8>(), prop::sample::select(vec![0x81u8, 0x80, 0, 0x88])],
            second in prop_oneof![any::<u8>(), 0xfdu8..=0xff],
            rest in prop::array::uniform12(prop_oneof![Just(0u8), any::<u8>()]),
        ) {
            let mut bytes = [0; 14];
            bytes[..2].copy_from_slice(&[first, second]);
            bytes[2..].copy_from_slice(&rest);
            let whole = decode(&bytes);
            prop_assert_eq!(whole.ok().flatten(), naive(&bytes));
            // Cutting the input anywhere changes nothing: at first nothing is known, then the
            // verdict.
            let mut known = false;
            for cut in 0..=bytes.len() {
                let verdict = decode(&bytes[..cut]);
                known |= verdict != Ok(None);
                prop_assert_eq!(verdict, if known { whole } else { Ok(None) });
            }
            prop_assert!(known);
        }
    }
}
