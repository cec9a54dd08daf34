//! Close codes and the payload of a close frame (RFC 6455 §5.5.1 and §7.4).
//!
//! Knows: codes, who may send which, the two bytes and the reason.
//! Must not know: frames, connections, when anything is closed.

use std::ops::Deref;

use super::Fault;
use super::frame::CONTROL_BYTES_MAX;

/// Before the reason.
const CODE_BYTES: usize = 2;

/// Why a WebSocket was closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// All is said.
    pub const NORMAL: CloseCode = CloseCode(1000);
    /// The page was left, or the server goes.
    pub const GOING_AWAY: CloseCode = CloseCode(1001);
    /// The other side broke the protocol.
    pub const PROTOCOL: CloseCode = CloseCode(1002);
    /// Data of a kind that is not taken here.
    pub const UNSUPPORTED: CloseCode = CloseCode(1003);
    /// The close frame had no code. Never sent.
    pub const NO_STATUS: CloseCode = CloseCode(1005);
    /// The connection was lost without a close frame. Never sent.
    pub const ABNORMAL: CloseCode = CloseCode(1006);
    /// Text that is not UTF-8.
    pub const INVALID_DATA: CloseCode = CloseCode(1007);
    /// A rule was broken that no other code names.
    pub const POLICY: CloseCode = CloseCode(1008);
    /// A message that is too big.
    pub const TOO_BIG: CloseCode = CloseCode(1009);
    /// The server failed.
    pub const INTERNAL: CloseCode = CloseCode(1011);
    /// The server restarts: come again.
    pub const SERVICE_RESTART: CloseCode = CloseCode(1012);
    /// The server has too much to do: come again later.
    pub const TRY_AGAIN: CloseCode = CloseCode(1013);
    /// What let the client in is not valid any more.
    pub const EXPIRED: CloseCode = CloseCode(4401);
    /// The client read too slowly.
    pub const FELL_OFF: CloseCode = CloseCode(4408);
    /// Another connection has taken over the name.
    pub const REPLACED: CloseCode = CloseCode(4409);
    /// The client sent too much.
    pub const RATE: CloseCode = CloseCode(4429);

    /// May it stand in a close frame? RFC 6455 §7.4.1 and the registry that it founded: 1004 is
    /// kept free, and 1005, 1006 and 1015 stand for frames that never came.
    pub fn is_sendable(self) -> bool {
        matches!(self.0, 1000..=1003 | 1007..=1014 | 3000..=4999)
    }
}

/// Reads the payload of a close frame. `Ok(None)`: there is no code in it, and that is allowed.
pub fn parse(payload: &[u8]) -> Result<Option<(CloseCode, &str)>, Fault> {
    let (code, reason) = match payload {
        [] => return Ok(None),
        [_] => return Err(Fault::BadCloseBody),
        [high, low, reason @ ..] => (CloseCode(u16::from_be_bytes([*high, *low])), reason),
    };
    if !code.is_sendable() {
        return Err(Fault::BadCloseCode(code.0));
    }
    let reason = str::from_utf8(reason).map_err(|_| Fault::BadUtf8)?;
    Ok(Some((code, reason)))
}

/// The payload of a close frame.
#[derive(Clone, Copy, Debug)]
pub struct Payload {
    bytes: [u8; CONTROL_BYTES_MAX],
    length: usize,
}

impl Deref for Payload {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// What a close frame with this code and reason carries. A reason that is too long is cut between
/// two characters; a code that must not be sent makes a close frame without one, which means
/// [`CloseCode::NO_STATUS`] to whoever receives it.
pub fn payload(code: CloseCode, reason: &str) -> Payload {
    let mut payload = Payload { bytes: [0; CONTROL_BYTES_MAX], length: 0 };
    if code.is_sendable() {
        let longest = reason.len().min(CONTROL_BYTES_MAX - CODE_BYTES);
        // `get` gives nothing where a character would be cut.
        let reason = (0..=longest).rev().find_map(|end| reason.get(..end)).unwrap_or_default();
        let bytes = code.0.to_be_bytes().into_iter().chain(reason.bytes());
        payload.bytes.iter_mut().zip(bytes).for_each(|(place, byte)| *place = byte);
        payload.length = reason.len().saturating_add(CODE_BYTES);
    }
    payload
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_as_the_rfc_and_the_registry_do() {
        let sendable = |code: &u16| CloseCode(*code).is_sendable();
        let below_3000: Vec<u16> = (0..3000).filter(sendable).collect();
        let expected = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
        assert_eq!(below_3000, expected);
        assert!((3000..=4999).all(|code| sendable(&code)));
        assert!(!(5000..=u16::MAX).any(|code| sendable(&code)));
    }

    #[test]
    fn bodies_are_read() {
        type Verdict<'a> = Result<Option<(CloseCode, &'a str)>, Fault>;
        let cases: &[(&[u8], Verdict<'_>)] = &[
            (b"", Ok(None)),
            (b"\x03", Err(Fault::BadCloseBody)),
            (b"\x03\xe8", Ok(Some((CloseCode::NORMAL, "")))),
            (b"\x03\xe9bye", Ok(Some((CloseCode::GOING_AWAY, "bye")))),
            (b"\x0b\xb8", Ok(Some((CloseCode(3000), "")))),
            (b"\x03\xe8\xc3", Err(Fault::BadUtf8)),
            (b"\x03\xe8\xed\xa0\x80", Err(Fault::BadUtf8)),
            (b"\x00\x00", Err(Fault::BadCloseCode(0))),
            (b"\x03\xe7", Err(Fault::BadCloseCode(999))),
            (b"\x03\xec", Err(Fault::BadCloseCode(1004))),
            (b"\x03\xed", Err(Fault::BadCloseCode(1005))),
            (b"\x03\xee", Err(Fault::BadCloseCode(1006))),
            (b"\x03\xf7", Err(Fault::BadCloseCode(1015))),
            (b"\x03\xf8\xff", Err(Fault::BadCloseCode(1016))),
            (b"\x0b\xb7", Err(Fault::BadCloseCode(2999))),
            (b"\x13\x88", Err(Fault::BadCloseCode(5000))),
            (b"\xff\xff", Err(Fault::BadCloseCode(65535))),
        ];
        for (payload, verdict) in cases {
            assert_eq!(parse(payload), *verdict, "{payload:02x?}");
        }
    }

    #[test]
    fn what_is_written_can_be_read() {
        let codes = [
            CloseCode::NORMAL,
            CloseCode::SERVICE_RESTART,
            CloseCode::TRY_AGAIN,
            CloseCode::INTERNAL,
            CloseCode::UNSUPPORTED,
            CloseCode::EXPIRED,
            CloseCode::FELL_OFF,
            CloseCode::REPLACED,
            CloseCode::RATE,
        ];
        for code in codes {
            let written = payload(code, "why");
            assert_eq!(parse(&written), Ok(Some((code, "why"))));
        }
        for code in [CloseCode::NO_STATUS, CloseCode::ABNORMAL, CloseCode(1015), CloseCode(0)] {
            assert!(payload(code, "why").is_empty(), "{code:?}");
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_two_characters() {
        for before in 0..130 {
            let reason = "x".repeat(before) + &"🫐".repeat(40);
            let written = payload(CloseCode::POLICY, &reason);
            assert!(written.len() <= 125 && written.len() > 125 - 4, "{before}");
            let (code, cut) = parse(&written).expect("no fault").expect("a code");
            assert_eq!(code, CloseCode::POLICY);
            assert!(reason.starts_with(cut));
        }
        assert_eq!(payload(CloseCode::POLICY, &"x".repeat(123)).len(), 125);
    }
}
