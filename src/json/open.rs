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

/// What is open at one place of a text, one bit for each: the innermost is the lowest.
pub(super) struct Open {
    kinds: u128,
    depth: usize,
}

const _: () = assert!(JSON_DEPTH_MAX <= u128::BITS as usize + 1, "a bit for all but the outermost");

impl Open {
    /// Only the outermost object, which has no bit.
    pub(super) fn outermost() -> Self {
        Open { kinds: 0, depth: 1 }
    }

    #[inline]
    pub(super) fn push(&mut self, kind: Kind) -> Result<(), Fault> {
        if self.depth == JSON_DEPTH_MAX {
            return Err(Fault::TooDeep);
        }
        self.depth += 1;
        self.kinds = self.kinds << 1 | u128::from(kind == Kind::Object);
        Ok(())
    }

    #[inline]
    pub(super) fn pop(&mut self) {
        self.depth -= 1;
        self.kinds >>= 1;
    }

    #[inline]
    pub(super) fn innermost(&self) -> Kind {
        if self.kinds & 1 == 1 { Kind::Object } else { Kind::Array }
    }

    #[inline]
    pub(super) fn is_outermost(&self) -> bool {
        self.depth == 1
    }
}
