//! The commit list: every chunk of the node in commit order, and holes where chunks were.
//!
//! Knows: sequences.
//! Must not know: rooms.
//!
//! A room's log may lose its oldest chunk while other rooms keep older ones, so holes appear in the
//! middle. They stay where they are: a reader that comes to one is told exactly how much is missing
//! there.

use super::audience::Class;
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
    /// Whether event streams get it, or would have. Who does not get it misses nothing.
    pub(super) is_published: bool,
}

#[derive(Debug, Default)]
pub(super) struct Commits {
    /// In order and without spaces between. The first, if any, is a chunk.
    list: VecDeque<Stretch>,
    holes: usize,
    /// Everything up to here is gone and not in the list.
    gone_through: Sequence,
    /// The last event up to there that event streams got, and the last that they did not.
    published_through: Sequence,
    silent_through: Sequence,
}

impl Commits {
    pub(super) fn push(&mut self, chunk: Arc<Chunk>) {
        let is_published = chunk.is_for(Class::Subscriber);
        self.list.push_back(Stretch { last: chunk.last(), chunk: Some(chunk), is_published });
    }

    /// The oldest chunk.
    pub(super) fn oldest(&self) -> Option<&Arc<Chunk>> {
        self.list.front()?.chunk.as_ref()
    }

    /// Everything up to this is gone; what is gone later stands as holes in [`Commits::from`].
    pub(super) fn gone_through(&self) -> Sequence {
        self.gone_through
    }

    /// How many events from `next` to `last`, which is not beyond [`Commits::gone_through`], event
    /// streams have missed: `Some(None)` if some, but nobody knows how many.
    pub(super) fn missed(&self, next: Sequence, last: Sequence) -> Option<Option<u64>> {
        let is_counted = self.silent_through < next;
        (self.published_through >= next).then(|| is_counted.then_some(last + 1 - next))
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
        while let Some(Stretch { last, chunk: None, is_published }) = self.list.front() {
            self.gone_through = *last;
            if *is_published {
                self.published_through = *last;
            } else {
                self.silent_through = *last;
            }
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
            let is_hole = |place: usize| self.list[place].chunk.is_none();
            let is_published = |place: usize| self.list[place].is_published;
            let joins = kept > 0
                && (is_hole(place) && is_hole(kept - 1))
                && is_published(place) == is_published(kept - 1);
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
        let gone = self.published_through.max(self.silent_through);
        assert_eq!(gone, self.gone_through, "what is gone was published or it was not");
        assert!(self.list.front().is_none_or(|stretch| stretch.chunk.is_some()));
    }
}
