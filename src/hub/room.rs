//! Rooms and their logs.
//!
//! Knows: names, chunks, what a log may hold.
//! Must not know: who reads, connections, sockets.

use super::chunk::Chunk;
use super::name::{CoreSet, Identity, RoomKey};
use crate::sse::Sequence;
use siphasher::sip::SipHasher13;
use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::sync::Arc;

/// A room that a core has entered.
#[derive(Clone, Debug)]
pub struct Entered {
    /// Its key.
    pub key: RoomKey,
    /// Its name, shared.
    pub name: Arc<str>,
}

/// A chunk in a room's log.
#[derive(Debug)]
pub(super) struct Logged {
    pub(super) chunk: Arc<Chunk>,
    /// What it costs, formats made since included.
    bytes: usize,
}

/// One room.
#[derive(Debug)]
pub(super) struct Room {
    name: Arc<str>,
    /// Cores that have a user for it: a connection in it or a stream that follows it.
    users: usize,
    /// Cores that want its chunks.
    pub(super) followers: CoreSet,
    log: VecDeque<Logged>,
    bytes: usize,
    events: usize,
    pub(super) next_ordinal: u64,
    /// The last of its events that is gone.
    pub(super) gone_through: Sequence,
}

impl Room {
    /// The logged chunk that `next` is in or comes before.
    pub(super) fn from(&self, next: Sequence) -> Option<&Arc<Chunk>> {
        let start = self.log.partition_point(|logged| logged.chunk.last() < next);
        self.log.get(start).map(|logged| &logged.chunk)
    }

    /// Which event of the room is the first that its log still has.
    pub(super) fn oldest_ordinal(&self) -> u64 {
        self.log.front().map_or(self.next_ordinal, |logged| logged.chunk.ordinal())
    }

    pub(super) fn is_over(&self, bytes_max: usize, events_max: usize) -> bool {
        self.bytes > bytes_max || self.events > events_max
    }

    fn is_unused(&self) -> bool {
        self.users == 0 && self.followers.is_empty() && self.log.is_empty()
    }
}

/// Hashes rooms' names with secret keys: clients choose them.
#[derive(Clone, Debug)]
struct NameKeys(u64);

impl BuildHasher for NameKeys {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_keys(self.0, !self.0)
    }
}

/// All rooms of the node.
#[derive(Debug)]
pub(super) struct Rooms {
    names: HashMap<Arc<str>, RoomKey, NameKeys>,
    rooms: HashMap<RoomKey, Room, Identity>,
    next_key: u64,
    bytes: usize,
    events: usize,
    /// No room that was removed ever had a later event.
    removed_through: Sequence,
}

impl Rooms {
    pub(super) fn new(seed: u64) -> Rooms {
        Rooms {
            names: HashMap::with_hasher(NameKeys(seed)),
            rooms: HashMap::default(),
            next_key: 0,
            bytes: 0,
            events: 0,
            removed_through: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rooms.len()
    }

    /// Bytes in all logs.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Events in all logs.
    pub(super) fn events(&self) -> usize {
        self.events
    }

    /// Every room there is.
    pub(super) fn keys(&self) -> Vec<RoomKey> {
        self.rooms.keys().copied().collect()
    }

    pub(super) fn find(&self, key: RoomKey) -> Option<&Room> {
        self.rooms.get(&key)
    }

    pub(super) fn find_mut(&mut self, key: RoomKey) -> Option<&mut Room> {
        self.rooms.get_mut(&key)
    }

    /// One more core uses the room `name`.
    pub(super) fn enter(&mut self, name: &str, rooms_max: usize) -> Option<Entered> {
        if let Some((name, key)) = self.names.get_key_value(name) {
            let entered = Entered { key: *key, name: Arc::clone(name) };
            self.rooms.get_mut(&entered.key)?.users += 1;
            return Some(entered);
        }
        if self.rooms.len() >= rooms_max {
            return None;
        }
        let (key, name) = (RoomKey(self.next_key), Arc::<str>::from(name));
        self.next_key += 1;
        self.names.insert(Arc::clone(&name), key);
        let room = Room {
            name: Arc::clone(&name),
            users: 1,
            followers: CoreSet::default(),
            log: VecDeque::new(),
            bytes: 0,
            events: 0,
            next_ordinal: 0,
            gone_through: self.removed_through,
        };
        self.rooms.insert(key, room);
        Some(Entered { key, name })
    }

    /// One core uses the room `key` no more.
    pub(super) fn leave(&mut self, key: RoomKey) {
        if let Some(room) = self.rooms.get_mut(&key) {
            debug_assert!(room.users > 0, "left more often than entered");
            room.users = room.users.saturating_sub(1);
        }
        self.remove_if_unused(key);
    }

    /// Removes the room `key` if nobody needs it.
    pub(super) fn remove_if_unused(&mut self, key: RoomKey) {
        if self.rooms.get(&key).is_some_and(Room::is_unused)
            && let Some(room) = self.rooms.remove(&key)
        {
            self.names.remove(&room.name);
            self.removed_through = self.removed_through.max(room.gone_through);
        }
    }

    /// Puts a numbered chunk into its room's log and gives the cores that want it.
    pub(super) fn log(&mut self, chunk: &Arc<Chunk>) -> CoreSet {
        let Some(room) = self.rooms.get_mut(&chunk.room) else { return CoreSet::default() };
        let (bytes, events) = (chunk.cost(), chunk.index().len());
        room.log.push_back(Logged { chunk: Arc::clone(chunk), bytes });
        room.next_ordinal = chunk.next_ordinal();
        room.bytes += bytes;
        room.events += events;
        self.bytes += bytes;
        self.events += events;
        room.followers
    }

    /// The chunk of room `key` that begins with `first` costs `bytes` more, if it is still logged.
    pub(super) fn charge(&mut self, key: RoomKey, first: Sequence, bytes: usize) {
        let Some(room) = self.rooms.get_mut(&key) else { return };
        let place = room.log.partition_point(|logged| logged.chunk.first() < first);
        let Some(logged) = room.log.get_mut(place) else { return };
        if logged.chunk.first() == first {
            logged.bytes += bytes;
            room.bytes += bytes;
            self.bytes += bytes;
        }
    }

    /// Takes the oldest chunk out of a room's log.
    pub(super) fn evict_oldest(&mut self, key: RoomKey) -> Option<Arc<Chunk>> {
        let room = self.rooms.get_mut(&key)?;
        let Logged { chunk, bytes } = room.log.pop_front()?;
        let events = chunk.index().len();
        room.bytes -= bytes;
        room.events -= events;
        room.gone_through = chunk.last();
        self.bytes -= bytes;
        self.events -= events;
        Some(chunk)
    }

    /// Checks what the rest of this file believes; for debug builds.
    pub(super) fn check(&self) {
        assert_eq!(self.names.len(), self.rooms.len());
        let sum = |of: fn(&Room) -> usize| self.rooms.values().map(of).sum::<usize>();
        assert_eq!((sum(|room| room.bytes), sum(|room| room.events)), (self.bytes, self.events));
        for room in self.rooms.values() {
            assert_eq!(room.log.iter().map(|logged| logged.bytes).sum::<usize>(), room.bytes);
            let firsts = room.log.iter().map(|logged| logged.chunk.first());
            assert!(firsts.is_sorted(), "a log is in commit order");
        }
    }
}
