//! How deep a text stands, and in what: no recursion, no allocation.
//!
//! Knows: objects, arrays, how many of them may stand in each other.
//! Must not know: bytes, tokens.

use super::Fault;
use crate::limits::JSON_DEPTH_MAX;

/// What a bracket opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Array,
    Object,
}

/// What is open at one place of a text, one bit for each, and the innermost is the lowest. The
/// highest bit that is set stands for the outermost, whatever it is: where it stands is the depth.
pub(super) struct Open(u128);

/// How much of `Open` is left at the greatest depth.
const ZEROS_MIN: usize = u128::BITS as usize - JSON_DEPTH_MAX;

impl Open {
    /// Only the outermost object.
    pub(super) fn outermost() -> Self {
        Open(1)
    }

    #[inline]
    pub(super) fn push(&mut self, kind: Kind) -> Result<(), Fault> {
        if self.0.leading_zeros() as usize == ZEROS_MIN {
            return Err(Fault::TooDeep);
        }
        self.0 = self.0 << 1 | u128::from(kind == Kind::Object);
        Ok(())
    }

    #[inline]
    pub(super) fn pop(&mut self) {
        self.0 >>= 1;
    }

    #[inline]
    pub(super) fn innermost(&self) -> Kind {
        if self.0 & 1 == 1 { Kind::Object } else { Kind::Array }
    }

    #[inline]
    pub(super) fn is_outermost(&self) -> bool {
        self.0 == 1
    }
}
