//! What comes out of a WebSocket's frames.
//!
//! Knows: messages, control frames.
//! Must not know: frames, pieces, compression.

use super::close::CloseCode;

/// A message's bytes: where they lie, or in a buffer that can be passed on.
#[derive(Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// In the input.
    Borrowed(&'a [u8]),
    /// Put together from several pieces.
    Owned(Vec<u8>),
}

impl Payload<'_> {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Payload::Borrowed(bytes) => bytes,
            Payload::Owned(bytes) => bytes,
        }
    }
}

/// What the peer did.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A whole message. Text is UTF-8.
    Message {
        /// Binary rather than text.
        binary: bool,
        /// All of it.
        payload: Payload<'a>,
    },
    /// To be answered with the same bytes.
    Ping(&'a [u8]),
    /// An answer to a ping, or unasked.
    Pong,
    /// The peer closes. Nothing that follows counts.
    Close {
        /// Its code, if it gave one.
        code: Option<CloseCode>,
        /// Its reason.
        reason: &'a str,
    },
}
