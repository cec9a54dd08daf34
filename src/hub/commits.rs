//! The commit list: every chunk of the node in commit order, and holes where chunks were.
//!
//! Knows: sequences, and whose they were.
//! Must not know: rooms.
//!
//! A room's log may lose its oldest chunk while other rooms keep older ones, so holes appear in the
//! middle. They stay where they are: a reader that comes to one is told exactly how much is missing
//! there. Who reads some rooms only must not be told what others have lost, so a hole knows its
//! room as long as it can be helped.

use super::audience::Class;
use super::chunk::Chunk;
use super::name::RoomKey;
use crate::sse::Sequence;
use std::collections::VecDeque;
use std::sync::Arc;

/// A stretch of sequences: one chunk, or events that are gone.
#[derive(Debug)]
pub(super) struct Stretch {
    pub(super) last: Sequence,
    /// `None`: a hole.
    pub(super) chunk: Option<Arc<Chunk>>,
    /// Whose it is, or was.
    room: RoomKey,
    /// Whether event streams get it, or would have. Who does not get it misses nothing.
    pub(super) is_published: bool,
}

const _: () = assert!(size_of::<Stretch>() <= 32, "there are as many as chunks, and more");

/// Whose holes of several rooms are that were joined. No room ever has this key.
const SEVERAL: RoomKey = RoomKey(u64::MAX);

impl Stretch {
    /// The room of all of it; `None`: of several.
    pub(super) fn room(&self) -> Option<RoomKey> {
        (self.room != SEVERAL).then_some(self.room)
    }
}

/// Holes that are not worth a walk.
const FEW: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Commits {
    /// In order and without spaces between. The first, if any, is a chunk.
    list: VecDeque<Stretch>,
    holes: usize,
    /// How many holes were left when some were last joined.
    unjoined: usize,
    /// Everything up to here is gone and not in the list.
    gone_through: Sequence,
    /// The last event up to there that event streams got, and the last that they did not.
    published_through: Sequence,
    silent_through: Sequence,
}

impl Commits {
    pub(super) fn push(&mut self, chunk: Arc<Chunk>) {
        let (room, is_published) = (chunk.room(), chunk.is_for(Class::Subscriber));
        self.list.push_back(Stretch { last: chunk.last(), chunk: Some(chunk), room, is_published });
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
        while let Some(Stretch { last, chunk: None, is_published, .. }) = self.list.front() {
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

    /// Joins neighbouring holes, but only when most of the list is holes, and twice as many as the
    /// last time: a step of the walk is then paid for by the eviction that made the hole.
    fn join_holes(&mut self) {
        if self.holes < FEW.max(2 * self.unjoined) || self.holes < self.list.len() / 2 {
            return;
        }
        self.join_where(|one, other| one.room == other.room);
        // Whose a hole was is worth something, but not the memory for all that ever was.
        if self.holes > FEW + (self.list.len() - self.holes) {
            self.join_where(|_, _| true);
        }
        self.unjoined = self.holes;
    }

    fn join_where(&mut self, may_join: impl Fn(&Stretch, &Stretch) -> bool) {
        let mut kept = 0;
        for place in 0..self.list.len() {
            let stretch = &self.list[place];
            let joins = kept > 0 && {
                let before = &self.list[kept - 1];
                let are_holes = stretch.chunk.is_none() && before.chunk.is_none();
                are_holes
                    && stretch.is_published == before.is_published
                    && may_join(before, stretch)
            };
            if joins {
                let (last, room) = (stretch.last, stretch.room);
                let before = &mut self.list[kept - 1];
                before.last = last;
                if before.room != room {
                    before.room = SEVERAL;
                }
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
            let room = stretch.chunk.as_ref().map(|chunk| chunk.room());
            assert!(room.is_none() || room == stretch.room());
            before = stretch.last;
        }
        assert_eq!(before, head, "the list ends with the last commit");
        let gone = self.published_through.max(self.silent_through);
        assert_eq!(gone, self.gone_through, "what is gone was published or it was not");
        assert!(self.list.front().is_none_or(|stretch| stretch.chunk.is_some()));
    }
}
