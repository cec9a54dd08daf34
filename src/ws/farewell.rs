//! The wait for the peer's close frame, once ours has been sent (RFC 6455 §7.1.1).
//!
//! Knows: where frames begin and end.
//! Must not know: what is in them, how long the wait is.

use super::Fault;
use super::frame::{Opcode, decode_header};
use super::session::consume;

/// What comes behind our close frame: frames that are passed over, up to the peer's own. None of
/// them is kept, checked for what it says, or inflated.
#[derive(Debug)]
pub struct Farewell {
    /// What is still to come of the frame that has begun.
    left: u64,
    may_deflate: bool,
}

impl Farewell {
    /// `left` bytes are still to come of the frame that has begun.
    pub(super) fn new(left: usize, may_deflate: bool) -> Farewell {
        Farewell { left: left as u64, may_deflate }
    }

    /// Passes over what is in `rest`. `Ok(true)`: the peer's close frame begins there. `Ok(false)`:
    /// more is to come, and what is left in `rest` must come again with it (less than a header).
    pub fn pass(&mut self, rest: &mut &mut [u8]) -> Result<bool, Fault> {
        loop {
            let n = usize::try_from(self.left).unwrap_or(usize::MAX).min(rest.len());
            consume(rest, n);
            self.left = self.left.saturating_sub(n as u64);
            if self.left > 0 {
                return Ok(false);
            }
            let header = decode_header(rest, self.may_deflate)?;
            let Some((header, length)) = header else { return Ok(false) };
            if header.opcode == Opcode::Close {
                return Ok(true);
            }
            consume(rest, length);
            self.left = header.length;
        }
    }
}
