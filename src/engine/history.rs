//! What a member reads of rooms that it joins, while it is behind or begins in their past.
//!
//! Knows: positions, rooms' keys, chunks.
//! Must not know: connections, lists, who asks for what.
//!
//! A cursor has one position, and all its rooms are read from there on. A room that it joins
//! elsewhere has a beginning of its own: up to there the others are read without it, and what it is
//! owed of that room from before, it reads first, by itself. So no event of any room is read twice,
//! and none is missed.

use super::cursor::{Lag, Reading};
use crate::hub::{Chunk, Format, RoomKey};
use crate::sse::Sequence;
use std::borrow::Cow;
use std::collections::VecDeque;

/// What a cursor still has to read of rooms' pasts.
#[derive(Debug, Default)]
pub(super) struct History {
    stretches: VecDeque<Stretch>,
    /// Rooms that are read together with the others only behind this event.
    joined: Vec<(RoomKey, Sequence)>,
    /// What is in hand is of the first stretch.
    is_in_hand: bool,
}

/// Some of the events of one room.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) room: RoomKey,
    /// The first of them that is not in hand.
    pub(super) next: Sequence,
    pub(super) upto: Sequence,
    /// Nobody is owed it: if it is gone, it is gone.
    pub(super) is_a_favour: bool,
}

impl Stretch {
    /// What a room that is joined has to have behind event `after`.
    pub(super) fn owed(room: RoomKey, after: Sequence) -> Stretch {
        Stretch { room, next: after + 1, upto: Sequence::MAX, is_a_favour: false }
    }

    /// One event, if the log has it when its turn comes.
    pub(super) fn favour(room: RoomKey, event: Sequence) -> Stretch {
        Stretch { room, next: event, upto: event, is_a_favour: true }
    }
}

impl History {
    /// More is read, behind what is to be read already.
    pub(super) fn extend(&mut self, stretches: impl IntoIterator<Item = Stretch>) {
        self.stretches.extend(stretches);
    }

    /// Whether what is missing of what is read now is not told.
    pub(super) fn is_a_favour(&self) -> bool {
        self.is_in_hand && self.stretches.front().is_some_and(|stretch| stretch.is_a_favour)
    }

    /// Where that ends in `chunk` which is read now.
    pub(super) fn end_in(&self, chunk: &Chunk, format: Format) -> usize {
        match self.stretches.front() {
            Some(Stretch { upto, .. }) if self.is_in_hand && *upto < chunk.last() => {
                chunk.span(format, (*upto - chunk.first()) as usize).end
            }
            _ => usize::MAX,
        }
    }

    fn joined_behind(&self, room: RoomKey) -> Option<Sequence> {
        self.joined.iter().find(|(other, _)| *other == room).map(|(_, behind)| *behind)
    }
}

impl Lag {
    /// The first sequence that is not in hand, of what is read now.
    pub(super) fn place(&self) -> Sequence {
        match self.history.stretches.front() {
            Some(stretch) if self.history.is_in_hand => stretch.next,
            _ => self.next,
        }
    }

    pub(super) fn place_mut(&mut self) -> &mut Sequence {
        match self.history.stretches.front_mut() {
            Some(stretch) if self.history.is_in_hand => &mut stretch.next,
            _ => &mut self.next,
        }
    }

    /// What is to be read next when nothing is in hand, up to `upto`: of which of the `keys` that
    /// the cursor reads (all, if there are none), and up to where. `None`: it has come to the end.
    pub(super) fn errand<'k>(
        &mut self,
        keys: Option<&'k [RoomKey]>,
        upto: Sequence,
    ) -> Option<(Option<Cow<'k, [RoomKey]>>, Sequence)> {
        debug_assert!(!self.has_in_hand());
        let history = &mut self.history;
        while history.stretches.front().is_some_and(|stretch| stretch.next > stretch.upto) {
            history.stretches.pop_front();
        }
        history.is_in_hand = false;
        if let Some(stretch) = history.stretches.front() {
            history.is_in_hand = true;
            return Some((Some(Cow::Owned(vec![stretch.room])), stretch.upto));
        }
        let next = self.next;
        if next > upto {
            return None;
        }
        history.joined.retain(|(_, behind)| *behind >= next);
        if history.joined.is_empty() {
            return Some((keys.map(Cow::Borrowed), upto));
        }
        let is_read = |key: &RoomKey| history.joined_behind(*key).is_none();
        let keys = keys.map(|keys| keys.iter().copied().filter(is_read).collect());
        let until = history.joined.iter().map(|(_, behind)| *behind).min();
        Some((keys, until.map_or(upto, |until| until.min(upto))))
    }

    /// A room is joined at `position`: it is read together with the others from there on, or from
    /// where they are if that is further; before that, what `owed` says is read of it.
    pub(super) fn join(&mut self, room: RoomKey, position: Sequence, owed: Stretch) {
        // What is in hand may be put back: the others can still come to be behind this.
        let behind = position.max(self.next.saturating_sub(1));
        self.history.joined.push((room, behind));
        let upto = owed.upto.min(behind);
        if owed.next <= upto {
            self.history.stretches.push_back(Stretch { upto, ..owed });
        }
    }

    /// A room is read no more, but for the frame of it that is begun.
    pub(super) fn leave(&mut self, room: RoomKey, format: Format) {
        let begun = self.begun(format).map(|(_, range)| range);
        let mut is_front = true;
        self.hand.retain_mut(|reading| {
            let begun = begun.clone().filter(|_| std::mem::take(&mut is_front));
            match reading {
                Reading::Chunk(chunk, part) if chunk.room() == room => {
                    begun.map(|range| *part = range).is_some()
                }
                Reading::Chunk(..) | Reading::Gap { .. } => true,
            }
        });
        let history = &mut self.history;
        history.joined.retain(|(other, _)| *other != room);
        let mut number = 0;
        let is_in_hand = history.is_in_hand;
        history.stretches.retain_mut(|stretch| {
            number += 1;
            // What is in hand has to have a stretch that it is of; there is nothing more in it.
            let is_kept = is_in_hand && number == 1;
            if stretch.room == room && is_kept {
                stretch.upto = 0;
            }
            stretch.room != room || is_kept
        });
    }

    /// All that is still to come of `room` is behind this event. One that is begun counts as had.
    pub(super) fn position_in(&self, room: RoomKey, format: Format) -> Sequence {
        let in_hand = match self.hand.front() {
            Some(Reading::Chunk(chunk, part)) => {
                let (entry, within) = chunk.entry_at(format, part.start);
                Some((chunk.first() + entry as u64).saturating_sub(u64::from(within == 0)))
            }
            Some(Reading::Gap { .. }) | None => None,
        };
        let History { stretches, is_in_hand, .. } = &self.history;
        if let Some(place) = stretches.iter().position(|one| one.room == room && one.upto > 0) {
            let in_hand = in_hand.filter(|_| *is_in_hand && place == 0);
            return in_hand.unwrap_or(stretches[place].next.saturating_sub(1));
        }
        let at = in_hand.filter(|_| !is_in_hand).unwrap_or(self.next.saturating_sub(1));
        self.history.joined_behind(room).map_or(at, |behind| at.max(behind))
    }
}
