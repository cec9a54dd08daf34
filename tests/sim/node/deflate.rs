//! Compressed messages as a client makes and reads them (RFC 7692 §7.2), each by itself.
//!
//! Knows: DEFLATE, the four bytes that every message leaves out, what can be offered.
//! Must not know: the server's own code.

use super::dice::Dice;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// What a client may offer, and what is agreed on then.
pub(crate) const OFFERS: [(&str, Option<&str>); 6] = [
    ("permessage-deflate", Some("")),
    ("permessage-deflate; client_max_window_bits", Some("")),
    (
        "x-other; a=\"b\", permessage-deflate; server_max_window_bits=10",
        Some("; server_max_window_bits=10"),
    ),
    (
        "permessage-deflate; server_max_window_bits=\"15\"; server_no_context_takeover",
        Some("; server_max_window_bits=15"),
    ),
    ("permessage-deflate; server_max_window_bits=16", None),
    ("x-webkit-deflate-frame", None),
];

/// What every answer to an offer begins with.
pub(crate) const AGREED: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// `payload` compressed, in one of the ways in which a client can do it.
pub(crate) fn deflated(payload: &[u8], dice: &mut Dice) -> Vec<u8> {
    let level = *dice.pick(&[Compression::fast(), Compression::best(), Compression::none()]);
    let mut out = Vec::with_capacity(payload.len() + payload.len() / 16 + 64);
    let mut compress = Compress::new(level, false);
    if dice.chance(25) {
        // RFC 7692 §7.2.3.4: with a last block, and behind it the begin of an empty one.
        let status = compress.compress_vec(payload, &mut out, FlushCompress::Finish);
        assert!(matches!(status, Ok(Status::StreamEnd)));
        out.push(0x00);
        return out;
    }
    compress.compress_vec(payload, &mut out, FlushCompress::Sync).expect("it can be compressed");
    assert!(out.ends_with(&TAIL));
    out.truncate(out.len() - TAIL.len());
    out
}

/// What a server compressed to `payload`.
pub(crate) fn inflated(payload: &[u8]) -> Vec<u8> {
    let payload = [payload, &TAIL].concat();
    let (mut out, mut inflate) = (Vec::new(), Decompress::new(false));
    loop {
        out.reserve(payload.len() * 4);
        let rest = &payload[inflate.total_in() as usize..];
        inflate.decompress_vec(rest, &mut out, FlushDecompress::Sync).expect("DEFLATE");
        if out.len() < out.capacity() {
            assert_eq!(inflate.total_in(), payload.len() as u64, "all of it is one message");
            return out;
        }
    }
}
