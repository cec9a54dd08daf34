//! Reading the logs on behalf of whoever means some rooms by a rule, and cannot list them.
//!
//! Knows: where chunks and holes are, and of which rooms.
//! Must not know: the rule, what the reader does with what it gets.
//!
//! Under the lock it is only asked what is known of a room already. What is of another room is
//! taken along, and asked about outside by the room's name.

use super::audience::Class;
use super::chunk::Chunk;
use super::fetch::{Piece, Wanted};
use super::name::RoomKey;
use super::{Hub, State};
use crate::sse::Sequence;
use std::collections::VecDeque;
use std::sync::Arc;

/// Which rooms a reader means.
pub trait Meaning {
    /// Whether it is the room `key`, if that is known; asked under the lock.
    fn known(&self, key: RoomKey) -> Option<bool>;

    /// Whether it is the room `key`, which is called `name`.
    fn is_meant(&mut self, key: RoomKey, name: &str) -> bool;
}

/// What such a reader meets in a room that it means, or that nothing is known of.
enum Met {
    Chunk(Arc<Chunk>),
    /// Events that are gone. Of no room: nobody knows of which any more.
    Lost {
        first: Sequence,
        last: Sequence,
        room: Option<RoomKey>,
    },
}

/// Stretches looked at under one lock: each costs a look into a table.
const STRETCHES_MAX: usize = 1024;
/// Rooms looked at under one lock.
const ROOMS_MAX: usize = 64;

impl Hub {
    /// As [`Hub::fetch`], of the rooms that `meaning` says; those of `wanted` do not count. A gap
    /// is never counted, and of rooms that are not meant nothing is told. Of several rooms, what
    /// one has lost may be told behind events of others.
    pub fn fetch_meant(
        &self,
        wanted: Wanted<'_>,
        meaning: &mut impl Meaning,
        out: &mut VecDeque<Piece>,
        pieces_max: usize,
    ) -> Sequence {
        let mut met = Vec::with_capacity(pieces_max.min(STRETCHES_MAX));
        let next = self.lock().meet(wanted, |room| meaning.known(room), &mut met);
        for met in met {
            match met {
                Met::Chunk(chunk) if meaning.is_meant(chunk.room(), chunk.room_name()) => {
                    out.push_back(Piece::Chunk(chunk));
                }
                Met::Chunk(_) => {}
                Met::Lost { first, last, room } => {
                    // What a room has lost behind that is told there, if its reader comes so far.
                    let is_lost = |at| (first..=last).contains(&at) || at > wanted.upto;
                    if self.is_loss(room, (first, &is_lost), meaning) {
                        out.push_back(Piece::Gap { last, missed: None });
                    }
                }
            }
        }
        next
    }

    /// Whether of what is gone, of `room` if that is known, something was meant.
    fn is_loss(
        &self,
        room: Option<RoomKey>,
        lost: (Sequence, &dyn Fn(Sequence) -> bool),
        meaning: &mut impl Meaning,
    ) -> bool {
        if let Some(known) = room.and_then(|room| meaning.known(room)) {
            return known;
        }
        let name = |key| Some((key, Arc::clone(self.lock().rooms.name(key)?)));
        match room.and_then(name) {
            Some((key, name)) => meaning.is_meant(key, &name),
            None => self.has_lost(lost, meaning),
        }
    }

    /// Whether `is_lost` is true of the last event that streams have lost of a room that is meant.
    /// If rooms that nobody remembers have lost something from `first` on, it may be.
    fn has_lost(
        &self,
        (first, is_lost): (Sequence, &dyn Fn(Sequence) -> bool),
        meaning: &mut impl Meaning,
    ) -> bool {
        let class = Class::Subscriber;
        if self.lock().rooms.forgotten_through(class) >= first {
            return true;
        }
        let (mut losers, mut after) = (Vec::with_capacity(2 * ROOMS_MAX), None);
        loop {
            let (state, what) = (self.lock(), (class, is_lost));
            after = state.rooms.losers(after.as_deref(), ROOMS_MAX, what, &mut losers);
            drop(state);
            if losers.drain(..).any(|(key, name)| meaning.is_meant(key, &name)) {
                return true;
            }
            if after.is_none() {
                return false;
            }
        }
    }
}

impl State {
    /// Fills `out`, whose capacity is the most that is wanted, and gives the first sequence that
    /// was not looked at.
    fn meet(
        &self,
        Wanted { mut next, upto, .. }: Wanted<'_>,
        known: impl Fn(RoomKey) -> Option<bool>,
        out: &mut Vec<Met>,
    ) -> Sequence {
        let gone = self.commits.gone_through().min(upto);
        if next <= gone {
            let lost = Met::Lost { first: next, last: gone, room: None };
            out.extend(self.commits.missed(next, gone).map(|_| lost));
            next = gone + 1;
        }
        for stretch in self.commits.from(next).take(STRETCHES_MAX) {
            if next > upto || out.len() == out.capacity() {
                break;
            }
            let (first, last) = (next, stretch.last.min(upto));
            next = last + 1;
            let room = stretch.room();
            if !stretch.is_published || room.and_then(&known) == Some(false) {
                continue;
            }
            // Where holes are, and where no list of them reaches back to, is up to all rooms: what
            // one has lost is told once, where that ends, or before the reader does.
            let ends = |room| self.rooms.lost(room, Class::Subscriber);
            let is_told_later = |end: Sequence| last < end && end <= upto;
            let is_hole = stretch.chunk.is_none();
            if is_hole && room.and_then(ends).is_some_and(is_told_later) {
                continue;
            }
            out.push(match &stretch.chunk {
                Some(chunk) => Met::Chunk(Arc::clone(chunk)),
                None => Met::Lost { first, last, room },
            });
        }
        next
    }
}
