//! The bytes of one write: borrowed, in order, as many places as the kernel takes at once.
//!
//! Knows: bytes.
//! Must not know: sockets.

use std::io::IoSlice;

/// Places in one `writev`: beyond 64 nothing more is won, and the array stays on the stack.
pub const SLICES_MAX: usize = 64;

/// A gather list for one write.
#[derive(Debug)]
pub struct Slices<'a> {
    list: [IoSlice<'a>; SLICES_MAX],
    used: usize,
    bytes: usize,
}

impl Default for Slices<'_> {
    fn default() -> Self {
        Slices { list: [IoSlice::new(&[]); SLICES_MAX], used: 0, bytes: 0 }
    }
}

impl<'a> Slices<'a> {
    /// Adds `bytes` behind what is there; `false` and nothing added when there is no room.
    pub fn push(&mut self, bytes: &'a [u8]) -> bool {
        if bytes.is_empty() {
            return true;
        }
        if self.used == SLICES_MAX {
            return false;
        }
        self.list[self.used] = IoSlice::new(bytes);
        self.used += 1;
        self.bytes += bytes.len();
        true
    }

    /// What was gathered.
    pub fn as_io(&self) -> &[IoSlice<'a>] {
        &self.list[..self.used]
    }

    /// How many bytes were gathered.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether no more can be added.
    pub fn is_full(&self) -> bool {
        self.used == SLICES_MAX
    }
}
