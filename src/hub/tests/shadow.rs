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
    pub(super) listeners: BTreeSet<u16>,
    pub(super) counts: Counts,
    /// How many events it ever had that subscribers got.
    pub(super) events: u64,
    /// For each class, the last event that nobody can read any more, or the last of any room that
    /// is gone.
    gone: [Sequence; 3],
}

impl Life {
    fn new(name: &'static str, gone: [Sequence; 3]) -> Life {
        Life {
            name,
            users: 0,
            followers: BTreeSet::new(),
            listeners: BTreeSet::new(),
            counts: Counts::default(),
            events: 0,
            gone,
        }
    }

    pub(super) fn gone(&self, class: Class) -> Sequence {
        self.gone[class as usize]
    }
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
    /// What rooms had lost that are no more: who comes back under the name takes it over.
    removed: BTreeMap<&'static str, [Sequence; 3]>,
    /// Streams of each core that read everything.
    pub(super) readers: Vec<usize>,
    pub(super) owners: BTreeMap<Who, (Place, Option<Place>)>,
    pub(super) sessions: BTreeMap<Who, u64>,
}

impl Shadow {
    pub(super) fn new(limits: Limits, cores: usize) -> Shadow {
        let mut everyone = Life::new(EVERYONE, [0; 3]);
        (everyone.users, everyone.followers) = (1, (0..cores as u16).collect());
        Shadow {
            limits,
            lives: BTreeMap::from([(RoomKey::EVERYONE, everyone)]),
            kept: Vec::new(),
            head: 0,
            inboxes: vec![Vec::new(); cores],
            everything: BTreeSet::new(),
            removed: BTreeMap::new(),
            readers: vec![0; cores],
            owners: BTreeMap::new(),
            sessions: BTreeMap::new(),
        }
    }

    /// One more user for the room `name`: whether it exists, or may be made.
    pub(super) fn may_enter(&self, name: &str) -> bool {
        let exists = self.lives.values().any(|life| life.name == name);
        exists || self.lives.len() - 1 < self.limits.rooms_max
    }

    pub(super) fn enter(&mut self, name: &'static str, key: RoomKey) {
        let removed = &self.removed;
        let life = self
            .lives
            .entry(key)
            .or_insert_with(|| Life::new(name, removed.get(name).copied().unwrap_or_default()));
        assert_eq!(life.name, name);
        life.users += 1;
    }

    pub(super) fn leave(&mut self, key: RoomKey) {
        self.lives.get_mut(&key).expect("entered before").users -= 1;
        self.forget_if_unused(key);
    }

    /// Gives how many events the room has had.
    pub(super) fn follow(&mut self, core: u16, follow: &Follow) -> u64 {
        let life = self.lives.get_mut(&follow.room).expect("entered before");
        let ordinal = life.events;
        life.followers.remove(&core);
        life.listeners.remove(&core);
        match follow.interest {
            Interest::Nothing => false,
            Interest::Api => life.listeners.insert(core),
            Interest::Everything => life.followers.insert(core),
        };
        life.counts += follow.more;
        self.forget_if_unused(follow.room);
        ordinal
    }

    /// Who gets what the API says in `room` now.
    pub(super) fn receipt(&self, ticket: u64, room: RoomKey) -> Receipt {
        let Counts { connections, subscribers, .. } = self.lives[&room].counts;
        let readers: usize = self.readers.iter().sum();
        Receipt {
            ticket,
            first: self.head + 1,
            subscribers: subscribers as u64 + readers as u64,
            members: connections as u64,
        }
    }

    /// The rooms whose names begin with `prefix`, by name.
    pub(super) fn rooms(&self, prefix: &str) -> Vec<RoomInfo> {
        let readers: usize = self.readers.iter().sum();
        let others = self.lives.iter().filter(|(key, _)| **key != RoomKey::EVERYONE);
        let named = others.filter(|(_, life)| life.name.starts_with(prefix));
        let mut rooms: Vec<RoomInfo> = named
            .map(|(key, life)| {
                let logged = || self.logged().filter(|kept| kept.room == *key);
                RoomInfo {
                    name: life.name.into(),
                    connections: life.counts.connections as u64,
                    members: life.counts.members as u64,
                    subscribers: life.counts.subscribers as u64 + readers as u64,
                    events: logged().map(|kept| kept.spoken.len() as u64).sum(),
                    bytes: logged().map(|kept| kept.logged_bytes as u64).sum(),
                }
            })
            .collect();
        rooms.sort_by(|a, b| a.name.cmp(&b.name));
        rooms
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
            None => {
                self.owners.remove(&who);
                self.sessions.remove(&who);
            }
        }
        next
    }

    fn forget_if_unused(&mut self, key: RoomKey) {
        let is_logged = self.kept.iter().any(|kept| kept.room == key && kept.is_logged);
        let life = &self.lives[&key];
        let is_followed = !life.followers.is_empty() || !life.listeners.is_empty();
        if life.users == 0 && !is_followed && !is_logged {
            self.removed.insert(life.name, life.gone);
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
        let audience = spoken[0].0.audience();
        life.events += if audience.has(Class::Subscriber) { spoken.len() as u64 } else { 0 };
        let mut receivers: BTreeSet<u16> =
            life.followers.union(&self.everything).copied().collect();
        receivers.extend(life.listeners.iter().filter(|_| audience.has(Class::Listener)));
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
        // What is too old is looked for every 15 ticks of 64 ms, as it may be a second old here.
        assert_eq!(self.limits.log_age.as_millis(), 1000);
        let looked_ms = now_ms - now_ms % (15 * 64);
        loop {
            let Some(oldest) = self.logged().next() else { return };
            let bytes: usize = self.logged().map(|kept| kept.logged_bytes).sum();
            let is_old = oldest.at_ms + (self.limits.log_age.as_millis() as u64) < looked_ms;
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
        let (room, last, audience) = (kept.room, kept.last(), kept.spoken[0].0.audience());
        let life = self.lives.get_mut(&room).expect("its log holds something");
        audience.classes().for_each(|class| life.gone[class as usize] = last);
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
            rooms: self.lives.len() - 1,
            registered: self.owners.len(),
        }
    }

    /// The last sequence that is gone for readers of `class` in `rooms`.
    pub(super) fn gone_through(&self, rooms: Option<&[RoomKey]>, class: Class) -> Sequence {
        match rooms {
            None => (1..=self.head).take_while(|at| !self.event(*at).0).last().unwrap_or(0),
            Some(rooms) => rooms.iter().map(|room| self.lives[room].gone(class)).min().unwrap_or(0),
        }
    }

    fn kept(&self, sequence: Sequence) -> &Kept {
        let holds = |kept: &&Kept| (kept.first..=kept.last()).contains(&sequence);
        self.kept.iter().find(holds).expect("it was committed")
    }

    /// Whether event `sequence` can still be read, and its room.
    pub(super) fn event(&self, sequence: Sequence) -> (bool, RoomKey) {
        let kept = self.kept(sequence);
        (kept.is_logged, kept.room)
    }

    /// The name of the room of event `sequence`.
    pub(super) fn name(&self, sequence: Sequence) -> &'static str {
        self.kept(sequence).name
    }

    /// Whom event `sequence` was for.
    pub(super) fn audience(&self, sequence: Sequence) -> Audience {
        self.kept(sequence).spoken[0].0.audience()
    }
}
