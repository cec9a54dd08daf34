//! WebSocket frames as a client receives them, read from RFC 6455 §5.2 and not by the server's own
//! code.
//!
//! Knows: frames of a server, `permessage-deflate`.
//! Must not know: what the server meant.

use super::deflate::inflated;

/// One frame.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// Takes a whole frame off the front of `bytes`. Panics at anything a server must not send.
/// `deflates`: compression was agreed on.
pub(crate) fn take(bytes: &mut Vec<u8>, deflates: bool) -> Option<Frame> {
    let (&first, &second) = (bytes.first()?, bytes.get(1)?);
    let (opcode, is_deflated) = (first & 0x0f, first & 0x40 != 0);
    assert_eq!(first & 0xb0, 0x80, "whole messages without reserved bits: {first:#x}");
    assert!(!is_deflated || (deflates && opcode < CLOSE), "not to be compressed: {first:#x}");
    assert!(matches!(opcode, TEXT | BINARY | CLOSE | PING | PONG), "opcode {opcode}");
    assert_eq!(second & 0x80, 0, "a server does not mask");
    let (length, start) = match second {
        126 => (u64::from(bytes.get(2..4)?.iter().fold(0u16, |n, b| n << 8 | u16::from(*b))), 4),
        127 => (bytes.get(2..10)?.iter().fold(0u64, |n, b| n << 8 | u64::from(*b)), 10),
        short => (u64::from(short), 2),
    };
    let shortest = [126, 65536].iter().filter(|limit| length >= **limit).count();
    assert_eq!([2, 4, 10][shortest], start, "the shortest form of {length}");
    assert!(opcode < CLOSE || length <= 125, "a control frame of {length} bytes");
    let end = start + usize::try_from(length).expect("it fits memory");
    let mut payload = bytes.get(start..end)?.to_vec();
    bytes.drain(..end);
    if is_deflated {
        let inflated = inflated(&payload);
        assert!(payload.len() < inflated.len(), "it became no smaller");
        payload = inflated;
    }
    if opcode == TEXT {
        assert!(str::from_utf8(&payload).is_ok(), "text is UTF-8");
    }
    Some(Frame { opcode, payload })
}

/// What a close frame says: its code, or 1005 for none.
pub(crate) fn close_code(payload: &[u8]) -> u16 {
    match payload {
        [] => 1005,
        [high, low, reason @ ..] => {
            assert!(str::from_utf8(reason).is_ok(), "a reason is UTF-8");
            u16::from_be_bytes([*high, *low])
        }
        [_] => panic!("half a close code"),
    }
}
