//! The commit list: every chunk of the node in commit order, and holes where chunks were.
//!
//! Knows: sequences.
//! Must not know: rooms.
//!
//! A room's log may lose its oldest chunk while other rooms keep older ones, so holes appear in the
//! middle. They stay where they are: a reader that comes to one is told exactly how much is missing
//! there.

use super::chunk::Chunk;
use crate::sse::Sequence;
use std::collections::VecDeque;
use std::sync::Arc;

/// A stretch of sequences: one chunk, or events that are gone.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) last: Sequence,
    /// `None`: a hole.
    pub(super) chunk: Option<Arc<Chunk>>,
}

#[derive(Debug, Default)]
pub(super) struct Commits {
    /// In order and without spaces between. The first, if any, is a chunk.
    list: VecDeque<Stretch>,
    holes: usize,
    /// Everything up to here is gone and not in the list.
    gone_through: Sequence,
}

impl Commits {
    pub(super) fn push(&mut self, chunk: Arc<Chunk>) {
        self.list.push_back(Stretch { last: chunk.last(), chunk: Some(chunk) });
    }

    /// The oldest chunk.
    pub(super) fn oldest(&self) -> Option<&Arc<Chunk>> {
        self.list.front()?.chunk.as_ref()
    }

    /// Everything up to this is gone; what is gone later stands as holes in [`Commits::from`].
    pub(super) fn gone_through(&self) -> Sequence {
        self.gone_through
    }

    /// The stretches that end at `next` or later.
    pub(super) fn from(&self, next: Sequence) -> impl Iterator<Item = &Stretch> {
        let start = self.list.partition_point(|stretch| stretch.last < next);
        self.list.range(start..)
    }

    /// Makes a hole of the chunk that ends with `last`, and gives the chunk.
    pub(super) fn evict(&mut self, last: Sequence) -> Option<Arc<Chunk>> {
        let place = self.list.partition_point(|stretch| stretch.last < last);
        let chunk = self.list.get_mut(place)?.chunk.take();
        self.holes += usize::from(chunk.is_some());
        while let Some(Stretch { last, chunk: None }) = self.list.front() {
            self.gone_through = *last;
            self.holes -= 1;
            self.list.pop_front();
        }
        self.join_holes();
        chunk
    }

    /// Joins neighbouring holes, but only when most of the list is holes: a step of the walk is
    /// then paid for by the eviction that made the hole.
    fn join_holes(&mut self) {
        const FEW: usize = 1024;
        if self.holes < FEW || self.holes < self.list.len() / 2 {
            return;
        }
        let mut kept = 0;
        for place in 0..self.list.len() {
            let joins =
                kept > 0 && self.list[place].chunk.is_none() && self.list[kept - 1].chunk.is_none();
            if joins {
                self.list[kept - 1].last = self.list[place].last;
            } else {
                self.list.swap(kept, place);
                kept += 1;
            }
        }
        self.list.truncate(kept);
        self.holes = self.list.iter().filter(|stretch| stretch.chunk.is_none()).count();
    }

    /// Checks what the rest of this file believes; for debug builds.
    pub(super) fn check(&self, head: Sequence) {
        let mut before = self.gone_through;
        for stretch in &self.list {
            let first = stretch.chunk.as_ref().map_or(before + 1, |chunk| chunk.first());
            assert_eq!(first, before + 1, "no sequence is left out or there twice");
            before = stretch.last;
        }
        assert_eq!(before, head, "the list ends with the last commit");
        assert!(self.list.front().is_none_or(|stretch| stretch.chunk.is_some()));
    }
}
