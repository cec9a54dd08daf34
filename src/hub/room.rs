//! Rooms and their logs.
//!
//! Knows: names, chunks, what a log may hold, who wants it by class.
//! Must not know: who reads, connections, sockets.
//!
//! One room is always there, and in it is everybody: [`EVERYONE`]. It is no room of the clients',
//! so it is neither counted nor listed with theirs.

use super::audience::{Audience, Class};
use super::census::Counts;
use super::chunk::Chunk;
use super::departed::Departed;
use super::door::Interest;
use super::name::{CoreSet, Identity, RoomKey};
use crate::sse::Sequence;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

/// The name of the room that everybody is in; no client can give it to another.
pub const EVERYONE: &str = "*";

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
    /// The chunk's; here it can be asked for without a look at the chunk.
    audience: Audience,
}

/// For each class of readers, the last event of some kind that it is the audience of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks([Sequence; Class::ALL.len()]);

impl Marks {
    /// The last one is the last of `chunk`, for those whom that is for.
    fn note(&mut self, chunk: &Chunk) {
        for class in chunk.audience().classes() {
            self.0[class as usize] = chunk.last();
        }
    }

    pub(super) fn max(self, other: Marks) -> Marks {
        let later = |class: Class| self.0[class as usize].max(other.0[class as usize]);
        Marks(Class::ALL.map(later))
    }

    pub(super) fn of(self, class: Class) -> Sequence {
        self.0[class as usize]
    }
}

/// One room.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) name: Arc<str>,
    /// Cores that have a user for it: a connection in it or a stream that follows it.
    users: usize,
    /// Cores that want its chunks.
    pub(super) followers: CoreSet,
    /// Cores that want those of them that are for listeners.
    pub(super) listeners: CoreSet,
    pub(super) counts: Counts,
    log: VecDeque<Logged>,
    pub(super) bytes: usize,
    pub(super) events: usize,
    pub(super) next_ordinal: u64,
    /// The last events that are gone.
    pub(super) gone: Marks,
    /// The last events that there ever were.
    latest: Marks,
    /// The last message that members got, in the log or not.
    last_message: Option<Sequence>,
}

impl Room {
    fn new(name: &Arc<str>, users: usize, followers: CoreSet, gone: Marks) -> Room {
        Room {
            name: Arc::clone(name),
            users,
            followers,
            listeners: CoreSet::default(),
            counts: Counts::default(),
            log: VecDeque::new(),
            bytes: 0,
            events: 0,
            next_ordinal: 0,
            gone,
            latest: gone,
            last_message: None,
        }
    }

    /// Core `core` wants so much of it from now on.
    pub(super) fn follow(&mut self, core: u16, interest: Interest) {
        self.followers.remove(core);
        self.listeners.remove(core);
        match interest {
            Interest::Nothing => {}
            Interest::Api => self.listeners.insert(core),
            Interest::Everything => self.followers.insert(core),
        }
    }

    /// The logged chunk for readers of `class` that `next` is in or comes before.
    pub(super) fn from(&self, next: Sequence, class: Class) -> Option<&Arc<Chunk>> {
        // Listeners of a relay room would look through all that was relayed, to find nothing.
        if self.latest.0[class as usize] < next {
            return None;
        }
        let start = self.log.partition_point(|logged| logged.chunk.last() < next);
        let logged = self.log.range(start..).find(|logged| logged.audience.has(class));
        logged.map(|logged| &logged.chunk)
    }

    /// The last event for readers of `class` that is gone.
    pub(super) fn gone_through(&self, class: Class) -> Sequence {
        self.gone.0[class as usize]
    }

    /// The last message that members got, if the log has it.
    pub(super) fn last_message(&self) -> Option<Sequence> {
        self.last_message.filter(|last| *last > self.gone_through(Class::Member))
    }

    /// Which event of the room is the first that its log still has.
    pub(super) fn oldest_ordinal(&self) -> u64 {
        self.log.front().map_or(self.next_ordinal, |logged| logged.chunk.ordinal())
    }

    pub(super) fn is_over(&self, bytes_max: usize, events_max: usize) -> bool {
        self.bytes > bytes_max || self.events > events_max
    }

    fn is_unused(&self) -> bool {
        let is_wanted = !self.followers.union(self.listeners).is_empty();
        self.users == 0 && !is_wanted && self.log.is_empty()
    }
}

/// All rooms of the node.
#[derive(Debug)]
pub(super) struct Rooms {
    /// In order, so that they can be listed a part at a time.
    pub(super) names: BTreeMap<Arc<str>, RoomKey>,
    pub(super) rooms: HashMap<RoomKey, Room, Identity>,
    next_key: u64,
    bytes: usize,
    events: usize,
    pub(super) departed: Departed,
}

impl Rooms {
    /// Of a node with so many cores: all of them have a user for the room that everybody is in.
    pub(super) fn new(cores: usize) -> Rooms {
        let name = Arc::<str>::from(EVERYONE);
        let everyone = Room::new(&name, 1, CoreSet::all(cores), Marks::default());
        Rooms {
            names: BTreeMap::from([(name, RoomKey::EVERYONE)]),
            rooms: HashMap::from_iter([(RoomKey::EVERYONE, everyone)]),
            next_key: RoomKey::EVERYONE.0 + 1,
            bytes: 0,
            events: 0,
            departed: Departed::default(),
        }
    }

    /// How many rooms there are beside the one that everybody is in.
    pub(super) fn len(&self) -> usize {
        self.rooms.len() - 1
    }

    /// Those whose names begin with `prefix`, by name, from behind `after` on.
    pub(super) fn by_name(&self, after: Option<&str>, prefix: &str) -> impl Iterator<Item = &Room> {
        let start = match after {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix),
        };
        let named = self.names.range::<str, _>((start, Bound::Unbounded));
        let named = named.take_while(move |(name, _)| name.starts_with(prefix));
        let others = named.filter(|(_, key)| **key != RoomKey::EVERYONE);
        others.filter_map(|(_, key)| self.rooms.get(key))
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
        if self.len() >= rooms_max {
            return None;
        }
        let (key, name) = (RoomKey(self.next_key), Arc::<str>::from(name));
        self.next_key += 1;
        self.names.insert(Arc::clone(&name), key);
        let room = Room::new(&name, 1, CoreSet::default(), self.departed.back(&name));
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
            self.departed.note(room.name, key, room.gone);
        }
    }

    /// Puts a numbered chunk into its room's log and gives the cores that want it.
    pub(super) fn log(&mut self, chunk: &Arc<Chunk>) -> CoreSet {
        let Some(room) = self.rooms.get_mut(&chunk.room) else { return CoreSet::default() };
        let (bytes, events) = (chunk.cost(), chunk.index().len());
        let audience = chunk.audience();
        room.log.push_back(Logged { chunk: Arc::clone(chunk), bytes, audience });
        room.next_ordinal = chunk.next_ordinal();
        room.latest.note(chunk);
        room.last_message = chunk.last_message().or(room.last_message);
        room.bytes += bytes;
        room.events += events;
        self.bytes += bytes;
        self.events += events;
        let has_listeners = audience.has(Class::Listener);
        if has_listeners { room.followers.union(room.listeners) } else { room.followers }
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
        let Logged { chunk, bytes, .. } = room.log.pop_front()?;
        let events = chunk.index().len();
        room.bytes -= bytes;
        room.events -= events;
        room.gone.note(&chunk);
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
            let Counts { connections, members, subscribers } = room.counts;
            assert!(members >= 0 && members <= connections && subscribers >= 0, "{room:?}");
            assert!(!room.is_unused(), "nobody needs it: {room:?}");
        }
    }
}
