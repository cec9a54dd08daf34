//! Compressed messages: what comes out, against an inflater that reads bit by bit.
//!
//! Knows: the first byte chooses whether it is text and what limit there is, one more the window of
//! the peer; the rest is a message, taken for compressed and for one to compress.
//! Must not know: frames; what cutting a message into frames does is `ws_session`'s matter.

use super::naive::inflate;
use tidegate::ws::deflate::{Deflater, Inflater};

const BYTES_MAX: [usize; 4] = [64 * 1024, 4096, 100, 0];

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    let [knobs, window, bytes @ ..] = data else { return };
    let (text, bytes_max) = (knobs & 1 == 1, BYTES_MAX[usize::from(knobs >> 1 & 3)]);
    let mut inflater = Inflater::default();
    is_read(&mut inflater, bytes, text, bytes_max);
    // What the last message left behind, or how it went wrong, is forgotten.
    is_read(&mut inflater, bytes, text, bytes_max);
    comes_back(&mut inflater, bytes, 8 + window % 8);
}

fn is_read(inflater: &mut Inflater, deflated: &[u8], text: bool, bytes_max: usize) {
    let mut out = Vec::new();
    let verdict = inflater.inflate(deflated, text, bytes_max, &mut out);
    let expected = inflate::message(deflated);
    let faults = expected.faults(text, bytes_max);
    match verdict {
        Ok(()) => {
            assert!(faults.is_empty(), "taken in spite of {faults:?}");
            assert_eq!(out, expected.bytes);
        }
        // Which of several is told depends on how much comes out at once.
        Err(fault) => assert!(faults.contains(&fault), "{fault:?} is none of {faults:?}"),
    }
    // One byte more tells that it is too much. Allocators may round up, and the first room is 4 KiB.
    assert!(out.len() <= out.capacity() && out.capacity() <= (bytes_max + 1).max(4096) * 2);
}

/// What we compress is smaller, refers back no farther than the peer looks, and is what it was.
fn comes_back(inflater: &mut Inflater, payload: &[u8], window_bits: u8) {
    let mut deflater = Deflater::new(8);
    let first = deflater.deflate(payload, window_bits).map(<[u8]>::to_vec);
    let Some(deflated) = first else { return };
    assert!(payload.len() >= 8 && deflated.len() < payload.len());
    let again = deflater.deflate(payload, window_bits).map(<[u8]>::to_vec);
    assert_eq!(again.as_ref(), Some(&deflated), "nothing is remembered");
    let read = inflate::message(&deflated);
    assert!(!read.is_bad && read.bytes == payload);
    assert!(read.distance_max <= 1 << window_bits);
    let mut out = Vec::new();
    assert_eq!(inflater.inflate(&deflated, false, payload.len(), &mut out), Ok(()));
    assert_eq!(out, payload);
}
