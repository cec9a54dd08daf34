//! The body of a request while it comes: counted with all others of the node.
//!
//! Knows: bytes, how many all connections hold together.
//! Must not know: whose they are, what they mean.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What has come of a body.
#[derive(Debug)]
pub(super) struct Collected {
    bytes: Vec<u8>,
    /// All that is collected on this node.
    node: Arc<AtomicUsize>,
}

/// All connections together hold as much as they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

impl Collected {
    /// Nothing yet, on a node that holds so much.
    pub(super) fn new(node: &Arc<AtomicUsize>) -> Collected {
        Collected { bytes: Vec::new(), node: Arc::clone(node) }
    }

    /// More has come; the node may hold `most`.
    pub(super) fn extend(&mut self, data: &[u8], most: usize) -> Result<(), TooMuch> {
        let before = self.node.fetch_add(data.len(), Ordering::Relaxed);
        if before.saturating_add(data.len()) > most {
            self.node.fetch_sub(data.len(), Ordering::Relaxed);
            return Err(TooMuch);
        }
        self.bytes.extend_from_slice(data);
        Ok(())
    }

    /// The whole body, which is nobody's to count any more.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.let_go()
    }

    fn let_go(&mut self) -> Vec<u8> {
        let bytes = mem::take(&mut self.bytes);
        self.node.fetch_sub(bytes.len(), Ordering::Relaxed);
        bytes
    }
}

impl Drop for Collected {
    fn drop(&mut self) {
        self.let_go();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bodies_together_are_counted_to_the_byte() {
        let node = Arc::default();
        let held = |node: &Arc<AtomicUsize>| node.load(Ordering::Relaxed);
        let (mut one, mut other) = (Collected::new(&node), Collected::new(&node));
        assert_eq!(one.extend(b"1234", 10), Ok(()));
        assert_eq!(other.extend(b"1234567", 10), Err(TooMuch));
        assert_eq!(held(&node), 4);
        assert_eq!(other.extend(b"123456", 10), Ok(()));
        assert_eq!(one.extend(b"5", 10), Err(TooMuch));
        assert_eq!(other.into_bytes(), b"123456");
        assert_eq!(one.extend(b"5", 10), Ok(()));
        drop(one);
        assert_eq!(held(&node), 0);
    }
}
