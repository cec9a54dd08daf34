//! How others may differ from us, and why: a closed list.
//!
//! Knows: for each other server, the rules that it overlooks.
//! Must not know: how that is found out.

use super::judge::{Broken, Rule};

/// Somebody else's server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// tungstenite 0.30.
    Tungstenite,
    /// fastwebsockets 0.10.
    Fastwebsockets,
}

/// A way in which they may differ from us. Any other is a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Difference {
    /// Both. We refuse at the byte that proves the fault; they look at a frame when all of it is
    /// there. RFC 6455 §7.1.7 says what to do and leaves open when; §8.1 wants text to fail. With
    /// the rest of the frame they must refuse too.
    FoundEarlier,
    /// Both. The frame breaks several rules, and each of us names another one of them. RFC 6455
    /// §7.4.1 has no order of codes.
    AnotherFaultFirst,
    /// Both take a length in more bytes than it needs. RFC 6455 §5.2: "the minimal number of bytes
    /// MUST be used".
    NonMinimalLength,
    /// Both take any number of fragments. The limit is ours, as RFC 6455 §10.4 advises.
    TooManyFragments,
    /// Both refuse 1014. It is registered (bad gateway) in the IANA registry that RFC 6455 §11.7
    /// founded, so a client may send it.
    BadGateway,
    /// tungstenite gives a close frame with a code that must not be sent to its user, with the code
    /// and reason of its own answer. RFC 6455 §7.4: that answer is the refusal.
    AnswersBadCode,
    /// fastwebsockets takes frames without a mask. RFC 6455 §5.1: "The server MUST close the
    /// connection upon receiving a frame that is not masked".
    Unmasked,
    /// fastwebsockets takes close frames and pongs of more than 125 bytes. RFC 6455 §5.5: "All
    /// control frames MUST have a payload length of 125 bytes or less".
    LongControl,
    /// fastwebsockets lets a message of several frames begin while another is open, which it drops.
    /// RFC 6455 §5.4: "The fragments of one message MUST NOT be interleaved".
    Interleaved,
    /// fastwebsockets takes text whose last frame of several ends inside a character, and leaves
    /// that character out. RFC 6455 §5.6: the whole message must be UTF-8; §8.1.
    HalfCharacter,
    /// fastwebsockets measures each frame, and not the message that it puts together. The limit is
    /// ours, as RFC 6455 §10.4 advises.
    MessageTooBig,
}

impl Peer {
    /// How it may differ from us.
    pub(crate) fn differences(self) -> &'static [Difference] {
        use Difference::*;
        match self {
            Peer::Tungstenite => &[
                FoundEarlier,
                AnotherFaultFirst,
                NonMinimalLength,
                TooManyFragments,
                BadGateway,
                AnswersBadCode,
            ],
            Peer::Fastwebsockets => &[
                FoundEarlier,
                AnotherFaultFirst,
                NonMinimalLength,
                TooManyFragments,
                BadGateway,
                Unmasked,
                LongControl,
                Interleaved,
                HalfCharacter,
                MessageTooBig,
            ],
        }
    }

    /// If it overlooks each rule that is broken: what follows from that.
    pub(super) fn overlooks_all(self, broken: &Broken) -> Option<Vec<Difference>> {
        broken.rules.iter().map(|rule| self.overlooks(*rule, broken)).collect()
    }

    fn overlooks(self, rule: Rule, broken: &Broken) -> Option<Difference> {
        const CLOSE: u8 = 8;
        const PONG: u8 = 10;
        let is_fast = self == Peer::Fastwebsockets;
        match rule {
            Rule::NonMinimalLength => Some(Difference::NonMinimalLength),
            Rule::TooManyFragments => Some(Difference::TooManyFragments),
            Rule::Unmasked => is_fast.then_some(Difference::Unmasked),
            Rule::LongControl if matches!(broken.opcode, CLOSE | PONG) => {
                is_fast.then_some(Difference::LongControl)
            }
            Rule::Interleaved if !broken.fin => is_fast.then_some(Difference::Interleaved),
            Rule::HalfCharacter => is_fast.then_some(Difference::HalfCharacter),
            Rule::MessageTooBig => is_fast.then_some(Difference::MessageTooBig),
            Rule::ReservedBits
            | Rule::UnknownOpcode
            | Rule::FragmentedControl
            | Rule::LongControl
            | Rule::LengthTopBit
            | Rule::FrameTooBig
            | Rule::BareContinuation
            | Rule::Interleaved
            | Rule::BadCloseBody
            | Rule::BadCloseCode
            | Rule::BadUtf8 => None,
        }
    }
}
