//! Frame headers: any bytes, and each prefix of them, against RFC 6455 §5.2 read bit by bit.
//!
//! Knows: the first byte says whether compression was agreed on; the rest is what a client sent.
//! Must not know: how the decoder finds its answer.

use super::naive::frame::{Verdict, header};
use tidegate::ws::frame::{HEADER_BYTES_MAX, Header};
use tidegate::ws::frame::{decode_header, encode_header, header_length, push_header, push_masked};
use tidegate::ws::mask::unmask;

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
        assert_eq!(verdict, header(&bytes[..cut], compressed), "the first {cut} bytes");
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
