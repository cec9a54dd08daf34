//! What a client can do wrong, and what it is told: one table.
//!
//! Knows: faults, and the close code and reason of each.
//! Must not know: how a fault is found, what is done about it but the close frame.

use super::close::CloseCode;

/// Why a WebSocket is closed: its client broke the protocol or one of our limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// RSV2 or RSV3 is set, or RSV1 where no compressed message begins (RFC 6455 §5.2).
    ReservedBits,
    /// An opcode that means nothing (RFC 6455 §5.2).
    UnknownOpcode(u8),
    /// A client must mask every frame (RFC 6455 §5.1).
    Unmasked,
    /// A server must mask none (RFC 6455 §5.1): for whoever plays the client.
    Masked,
    /// A control frame without FIN (RFC 6455 §5.5).
    FragmentedControl,
    /// A control frame of more than 125 bytes (RFC 6455 §5.5).
    LongControl,
    /// A length in more bytes than it needs (RFC 6455 §5.2).
    NonMinimalLength,
    /// A length of 2^63 or more (RFC 6455 §5.2).
    LengthTopBit,
    /// A continuation where no message is open (RFC 6455 §5.4).
    BareContinuation,
    /// A new message before the last frame of the one that is open (RFC 6455 §5.4).
    Interleaved,
    /// A close frame with one byte, where a code has two (RFC 6455 §5.5.1).
    BadCloseBody,
    /// A close frame with a code that must not be sent (RFC 6455 §7.4).
    BadCloseCode(u16),
    /// Text, or the reason of a close frame, that is not UTF-8 (RFC 6455 §8.1).
    BadUtf8,
    /// A compressed message that is not what a compressor makes (RFC 7692 §7.2.2).
    BadDeflate,
    /// A message of more bytes than
    /// [`message_bytes_max`](crate::limits::Limits::message_bytes_max).
    TooBig,
    /// A message of more frames than [`fragments_max`](crate::limits::Limits::fragments_max).
    TooManyFragments,
    /// A message that took longer than [`message_time`](crate::limits::Limits::message_time).
    TooSlow,
}

impl Fault {
    /// The code of the close frame that answers it.
    pub fn close_code(self) -> CloseCode {
        match self {
            Fault::ReservedBits
            | Fault::UnknownOpcode(_)
            | Fault::Unmasked
            | Fault::Masked
            | Fault::FragmentedControl
            | Fault::LongControl
            | Fault::NonMinimalLength
            | Fault::LengthTopBit
            | Fault::BareContinuation
            | Fault::Interleaved
            | Fault::BadCloseBody
            | Fault::BadCloseCode(_) => CloseCode::PROTOCOL,
            Fault::BadUtf8 | Fault::BadDeflate => CloseCode::INVALID_DATA,
            Fault::TooBig | Fault::TooManyFragments => CloseCode::TOO_BIG,
            Fault::TooSlow => CloseCode::POLICY,
        }
    }

    /// The reason in that frame.
    pub fn reason(self) -> &'static str {
        match self {
            Fault::ReservedBits => "reserved bits are set where none may be",
            Fault::UnknownOpcode(_) => "unknown opcode",
            Fault::Unmasked => "frames from a client must be masked",
            Fault::Masked => "frames from a server must not be masked",
            Fault::FragmentedControl => "control frames must not be fragmented",
            Fault::LongControl => "control frames carry 125 bytes at most",
            Fault::NonMinimalLength => "the length is not in its shortest form",
            Fault::LengthTopBit => "the highest bit of the length must be 0",
            Fault::BareContinuation => "continuation of a message that was not begun",
            Fault::Interleaved => "a new message before the end of the last one",
            Fault::BadCloseBody => "a close frame carries no byte, or a code of two",
            Fault::BadCloseCode(_) => "this close code must not be sent",
            Fault::BadUtf8 => "not valid UTF-8",
            Fault::BadDeflate => "the message cannot be decompressed",
            Fault::TooBig => "the message is too big",
            Fault::TooManyFragments => "the message has too many fragments",
            Fault::TooSlow => "the message took too long",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ws::close;

    #[test]
    fn every_fault_fits_a_close_frame_that_may_be_sent() {
        let all = [
            (Fault::ReservedBits, 1002),
            (Fault::UnknownOpcode(3), 1002),
            (Fault::Unmasked, 1002),
            (Fault::Masked, 1002),
            (Fault::FragmentedControl, 1002),
            (Fault::LongControl, 1002),
            (Fault::NonMinimalLength, 1002),
            (Fault::LengthTopBit, 1002),
            (Fault::BareContinuation, 1002),
            (Fault::Interleaved, 1002),
            (Fault::BadCloseBody, 1002),
            (Fault::BadCloseCode(1006), 1002),
            (Fault::BadUtf8, 1007),
            (Fault::BadDeflate, 1007),
            (Fault::TooBig, 1009),
            (Fault::TooManyFragments, 1009),
            (Fault::TooSlow, 1008),
        ];
        for (fault, code) in all {
            let payload = close::payload(fault.close_code(), fault.reason());
            let sent = close::parse(&payload);
            assert_eq!(sent, Ok(Some((CloseCode(code), fault.reason()))), "{fault:?}");
        }
    }
}
