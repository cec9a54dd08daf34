//! Reading the logs: what a cursor that lags wants next.
//!
//! Knows: where chunks and holes are.
//! Must not know: what the cursor does with them.

use super::audience::Class;
use super::chunk::Chunk;
use super::name::RoomKey;
use super::room::Room;
use super::{Hub, State};
use crate::sse::Sequence;
use std::collections::VecDeque;
use std::sync::Arc;

/// What a cursor asks for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The rooms it reads; `None`: all, which only event streams do.
    pub rooms: Option<&'a [RoomKey]>,
    /// What it is: chunks that are not for it are passed over, and not missed when they are gone.
    pub class: Class,
    /// Whether it reads everything in them: only then can what is missing be counted.
    pub whole: bool,
    /// The first sequence it has not had.
    pub next: Sequence,
    /// The last it may have now: what its core has seen, or where it ends. Later ones come with an
    /// inbox.
    pub upto: Sequence,
    /// What its core has seen.
    pub seen: Sequence,
    /// For a cursor that has read one room without a break: which of the room's events it expects
    /// next.
    pub ordinal: Option<u64>,
}

/// What it gets.
#[derive(Clone, Debug)]
pub enum Piece {
    /// A chunk that has events from `next` on, though maybe none that the cursor wants.
    Chunk(Arc<Chunk>),
    /// Events up to and with `last` are gone.
    Gap {
        /// The last that is gone.
        last: Sequence,
        /// How many that the cursor would have had; `None` if that cannot be known.
        missed: Option<u64>,
    },
}

/// Stretches looked at under one lock: holes cost a look each, and there can be many.
const STRETCHES_MAX: usize = 4096;

impl Piece {
    fn widen(&mut self, to: Sequence, by: u64) {
        if let Piece::Gap { last, missed } = self {
            *last = to;
            *missed = missed.map(|missed| missed + by);
        }
    }
}

impl Hub {
    /// Appends at most `pieces_max` pieces (and a last gap) to `out`, in order, and gives the first
    /// sequence that was not looked at: `upto + 1` when there is nothing more. Unchanged `next`
    /// with nothing appended means: the core has to come through the door first.
    pub fn fetch(
        &self,
        wanted: Wanted<'_>,
        out: &mut VecDeque<Piece>,
        pieces_max: usize,
    ) -> Sequence {
        let state = self.lock();
        match wanted.rooms {
            None => state.fetch_all(wanted, out, pieces_max),
            Some(rooms) => state.fetch_rooms(wanted, rooms, out, pieces_max),
        }
    }

    /// The last message that members of `room` got, if the log has it.
    pub fn last_message(&self, room: RoomKey) -> Option<Sequence> {
        self.lock().rooms.find(room)?.last_message()
    }

    /// Where a reader of `rooms` from the earliest begins: nothing before it that is for its class
    /// is in any log.
    pub fn gone_through(&self, rooms: Option<&[RoomKey]>, class: Class) -> Sequence {
        let state = self.lock();
        let Some(rooms) = rooms else { return state.commits.gone_through() };
        let gone = rooms.iter().filter_map(|room| state.rooms.find(*room));
        // What the others have lost since shows as gaps.
        gone.map(|room| room.gone_through(class)).min().unwrap_or(0)
    }
}

impl State {
    fn fetch_all(
        &self,
        wanted: Wanted<'_>,
        out: &mut VecDeque<Piece>,
        pieces_max: usize,
    ) -> Sequence {
        debug_assert_eq!(wanted.class, Class::Subscriber, "others read rooms");
        let mut next = wanted.next;
        let end = out.len() + pieces_max;
        let gone = self.commits.gone_through().min(wanted.upto);
        let gap = |last: Sequence, missed: Option<u64>| {
            let missed = missed.filter(|_| wanted.whole);
            Piece::Gap { last, missed }
        };
        if next <= gone {
            out.extend(self.commits.missed(next, gone).map(|missed| gap(gone, missed)));
            next = gone + 1;
        }
        for stretch in self.commits.from(next).take(STRETCHES_MAX) {
            if next > wanted.upto || out.len() >= end {
                return next;
            }
            let last = stretch.last.min(wanted.upto);
            match (&stretch.chunk, out.back_mut()) {
                _ if !stretch.is_published => {}
                (Some(chunk), _) => out.push_back(Piece::Chunk(Arc::clone(chunk))),
                // Holes next to each other are one gap.
                (None, Some(piece @ Piece::Gap { .. })) => piece.widen(last, last + 1 - next),
                (None, _) => out.push_back(gap(last, Some(last + 1 - next))),
            }
            next = last + 1;
        }
        next
    }

    /// Merges the rooms' logs: what comes first in commit order is next.
    fn fetch_rooms(
        &self,
        wanted: Wanted<'_>,
        rooms: &[RoomKey],
        out: &mut VecDeque<Piece>,
        pieces_max: usize,
    ) -> Sequence {
        let (mut next, class) = (wanted.next, wanted.class);
        for _ in 0..pieces_max {
            if next > wanted.upto {
                return next;
            }
            let is_one = rooms.len() == 1;
            let rooms = rooms.iter().filter_map(|room| self.rooms.find(*room));
            let holes = rooms.clone().filter(|room| room.gone_through(class) >= next);
            let hole = holes.min_by_key(|room| room.gone_through(class));
            let chunks = rooms.clone().filter_map(|room| room.from(next, class));
            let chunk = chunks.min_by_key(|chunk| chunk.first());
            // Behind `upto` nothing comes before a hole: what is lost up to there must be told
            // first.
            let chunk = chunk.filter(|chunk| chunk.first() <= wanted.upto);
            // Whoever is told how much it missed is told where it is missing; a WebSocket is closed
            // for it, so nothing need come before.
            let is_next = |room: &Room| {
                let gone = room.gone_through(class);
                class != Class::Subscriber || chunk.is_none_or(|chunk| gone < chunk.first())
            };
            match (hole, chunk) {
                (Some(room), _) if is_next(room) => {
                    let gone = room.gone_through(class);
                    // A hole that reaches beyond what the core has seen: its inbox has what is in
                    // there.
                    if gone > wanted.seen {
                        return next;
                    }
                    let expected = wanted.ordinal.filter(|_| next == wanted.next && wanted.whole);
                    let missed = expected.map(|expected| room.oldest_ordinal() - expected);
                    // Behind `upto`, but before the end of the hole, other rooms may have events.
                    let last = if is_one { gone } else { gone.min(wanted.upto) };
                    out.push_back(Piece::Gap { last, missed });
                    next = last + 1;
                }
                (_, Some(chunk)) => {
                    out.push_back(Piece::Chunk(Arc::clone(chunk)));
                    next = chunk.last() + 1;
                    // A room's hole that reaches beyond the end may have begun before it, and
                    // nobody will look there again.
                    let is_end = next > wanted.upto;
                    if is_end && rooms.clone().any(|room| room.gone_through(class) >= next) {
                        out.push_back(Piece::Gap { last: chunk.last(), missed: None });
                    }
                }
                _ => return wanted.upto + 1,
            }
        }
        next
    }
}
