//! The shadow of a hub: all that ever happened, in plain lists, searched from the front.
//!
//! Knows: every event, room, chunk and limit.
//! Must not know: how a hub keeps its logs.

use super::*;
use crate::bytes::Place;
use crate::hub::tests::formats::Spoken;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Weak;

/// One life of a room, from the first user to the last need of it.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) name: &'static str,
    pub(super) users: usize,
    pub(super) followers: BTreeSet<u16>,
    /// How many events it ever had.
    pub(super) events: u64,
    /// The last event that nobody can read any more, or the last of any room that is gone.
    pub(super) gone_through: Sequence,
}

/// One chunk, logged or not.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) room: RoomKey,
    pub(super) first: Sequence,
    pub(super) spoken: Spoken,
    pub(super) name: &'static str,
    pub(super) ordinal: u64,
    pub(super) at_ms: u64,
    is_logged: bool,
    /// What it costs its log.
    logged_bytes: usize,
    /// What it is held for.
    held_bytes: usize,
    pub(super) chunk: Weak<Chunk>,
}

impl Kept {
    pub(super) fn last(&self) -> Sequence {
        self.first + self.spoken.len() as u64 - 1
    }
}

#[derive(Debug)]
pub(super) struct Shadow {
    limits: Limits,
    pub(super) lives: BTreeMap<RoomKey, Life>,
    pub(super) kept: Vec<Kept>,
    pub(super) head: Sequence,
    /// Chunks that each core has not taken away, by their places in `kept`.
    pub(super) inboxes: Vec<Vec<usize>>,
    everything: BTreeSet<u16>,
    removed_through: Sequence,
    pub(super) owners: BTreeMap<Who, (Place, Option<Place>)>,
}

impl Shadow {
    pub(super) fn new(limits: Limits, cores: usize) -> Shadow {
        Shadow {
            limits,
            lives: BTreeMap::new(),
            kept: Vec::new(),
            head: 0,
            inboxes: vec![Vec::new(); cores],
            everything: BTreeSet::new(),
            removed_through: 0,
            owners: BTreeMap::new(),
        }
    }

    /// One more user for the room `name`: whether it exists, or may be made.
    pub(super) fn may_enter(&self, name: &str) -> bool {
        let exists = self.lives.values().any(|life| life.name == name);
        exists || self.lives.len() < self.limits.rooms_max
    }

    pub(super) fn enter(&mut self, name: &'static str, key: RoomKey) {
        let gone_through = self.removed_through;
        let life = self.lives.entry(key).or_insert_with(|| Life {
            name,
            users: 0,
            followers: BTreeSet::new(),
            events: 0,
            gone_through,
        });
        assert_eq!(life.name, name);
        life.users += 1;
    }

    pub(super) fn leave(&mut self, key: RoomKey) {
        self.lives.get_mut(&key).expect("entered before").users -= 1;
        self.forget_if_unused(key);
    }

    /// Gives how many events the room has had.
    pub(super) fn follow(&mut self, core: u16, key: RoomKey, on: bool) -> u64 {
        let life = self.lives.get_mut(&key).expect("entered before");
        let ordinal = life.events;
        if on {
            life.followers.insert(core);
        } else {
            life.followers.remove(&core);
            self.forget_if_unused(key);
        }
        ordinal
    }

    pub(super) fn follow_everything(&mut self, core: u16, on: bool) {
        if on {
            self.everything.insert(core)
        } else {
            self.everything.remove(&core)
        };
    }

    /// Gives who owns the name now, if it changed hands.
    pub(super) fn release(&mut self, who: Who, place: Place) -> Option<Place> {
        let (owner, claimant) = self.owners.get_mut(&who)?;
        if *owner != place {
            claimant.take_if(|claimant| *claimant == place);
            return None;
        }
        // Whoever waits for itself waits no more.
        let next = claimant.take_if(|claimant| *claimant != place);
        match next {
            Some(next) => *owner = next,
            None => drop(self.owners.remove(&who)),
        }
        next
    }

    fn forget_if_unused(&mut self, key: RoomKey) {
        let is_logged = self.kept.iter().any(|kept| kept.room == key && kept.is_logged);
        let life = &self.lives[&key];
        if life.users == 0 && life.followers.is_empty() && !is_logged {
            self.removed_through = self.removed_through.max(life.gone_through);
            self.lives.remove(&key);
        }
    }

    /// Gives the cores that get it.
    pub(super) fn commit(
        &mut self,
        room: RoomKey,
        spoken: Spoken,
        at_ms: u64,
        bytes: usize,
    ) -> BTreeSet<u16> {
        let first = self.head + 1;
        self.head += spoken.len() as u64;
        let life = self.lives.get_mut(&room).expect("whoever publishes is in the room");
        let (name, ordinal) = (life.name, life.events);
        life.events += spoken.len() as u64;
        let receivers: BTreeSet<u16> = life.followers.union(&self.everything).copied().collect();
        for core in &receivers {
            self.inboxes[*core as usize].push(self.kept.len());
        }
        self.kept.push(Kept {
            room,
            first,
            spoken,
            name,
            ordinal,
            at_ms,
            is_logged: true,
            logged_bytes: bytes,
            held_bytes: bytes,
            chunk: Weak::new(),
        });
        self.evict_room(room);
        receivers
    }

    /// Another format of the chunk at `place` was made: it is held at once.
    pub(super) fn made(&mut self, place: usize, bytes: usize) {
        self.kept[place].held_bytes += bytes;
    }

    /// Its log is told later.
    pub(super) fn charge(&mut self, room: RoomKey, first: Sequence, bytes: usize) {
        let is_it = |kept: &&mut Kept| kept.first == first && kept.is_logged;
        if let Some(kept) = self.kept.iter_mut().find(is_it) {
            assert_eq!(kept.room, room);
            kept.logged_bytes += bytes;
        }
        self.evict_room(room);
    }

    fn logged(&self) -> impl Iterator<Item = &Kept> {
        self.kept.iter().filter(|kept| kept.is_logged)
    }

    fn evict_room(&mut self, room: RoomKey) {
        loop {
            let logged = || self.logged().filter(|kept| kept.room == room);
            let bytes: usize = logged().map(|kept| kept.logged_bytes).sum();
            let events: usize = logged().map(|kept| kept.spoken.len()).sum();
            let is_over =
                bytes > self.limits.room_log_bytes_max || events > self.limits.room_log_events_max;
            let Some(first) = logged().map(|kept| kept.first).next().filter(|_| is_over) else {
                return;
            };
            self.evict(first);
        }
    }

    /// The oldest goes first, whatever its room.
    pub(super) fn evict_old(&mut self, now_ms: u64) {
        loop {
            let Some(oldest) = self.logged().next() else { return };
            let bytes: usize = self.logged().map(|kept| kept.logged_bytes).sum();
            let is_old = oldest.at_ms + (self.limits.log_age.as_millis() as u64) < now_ms;
            if !is_old && bytes <= self.limits.node_log_bytes_max {
                return;
            }
            let first = oldest.first;
            self.evict(first);
        }
    }

    fn evict(&mut self, first: Sequence) {
        let kept = self.kept.iter_mut().find(|kept| kept.first == first).expect("it is logged");
        kept.is_logged = false;
        let (room, last) = (kept.room, kept.last());
        self.lives.get_mut(&room).expect("its log holds something").gone_through = last;
        self.forget_if_unused(room);
    }

    /// What `hub` should say of itself; `sealed` is held for chunks that are not committed yet.
    pub(super) fn holdings(&self, sealed: usize) -> Holdings {
        let log_bytes = self.logged().map(|kept| kept.logged_bytes).sum();
        let is_held = |kept: &&Kept| kept.chunk.strong_count() > 0;
        let held: usize = self.kept.iter().filter(is_held).map(|kept| kept.held_bytes).sum();
        Holdings {
            log_bytes,
            log_events: self.logged().map(|kept| kept.spoken.len()).sum(),
            pinned_bytes: held + sealed - log_bytes,
            rooms: self.lives.len(),
            registered: self.owners.len(),
        }
    }

    /// The last sequence that is gone for who reads `rooms`.
    pub(super) fn gone_through(&self, rooms: Option<&[RoomKey]>) -> Sequence {
        match rooms {
            None => (1..=self.head).take_while(|at| !self.event(*at).0).last().unwrap_or(0),
            Some(rooms) => {
                rooms.iter().map(|room| self.lives[room].gone_through).min().unwrap_or(0)
            }
        }
    }

    /// Whether event `sequence` can still be read, and its room.
    pub(super) fn event(&self, sequence: Sequence) -> (bool, RoomKey) {
        let holds = |kept: &&Kept| (kept.first..=kept.last()).contains(&sequence);
        let kept = self.kept.iter().find(holds).expect("it was committed");
        (kept.is_logged, kept.room)
    }
}
