//! The rooms that this core has users for: who reads there, and their lists of live cursors.
//!
//! Knows: rooms by a small number of this core's own, slots of connections.
//! Must not know: connections' states, protocols, what is published (see `batches`).

use super::batches::{Batches, Outgoing};
use super::cursor::Scope;
use super::reach::Groups;
use crate::bytes::ConnKey;
use crate::hub::{Class, Counts, EVERYONE, Follow, Hub, Identity, Interest, RoomKey, Taste, Who};
use slab::Slab;
use std::collections::HashMap;
use std::sync::Arc;

/// Live cursors of one scope, by taste.
pub(super) type Lists = [Vec<u32>; Taste::ALL.len()];

/// The room that everybody is in, as every core numbers it.
pub(super) const ROOM_OF_ALL: u32 = 0;

/// One room on this core.
#[derive(Debug)]
pub(super) struct LocalRoom {
    /// Its key, and that of the room that everybody is in: see [`readable`].
    pub(super) keys: [RoomKey; 2],
    pub(super) name: Arc<str>,
    /// Connections in it and streams that name it.
    users: u32,
    /// Cursors, live or not, that want its chunks.
    follows: u32,
    /// Cursors, live or not, that want only what the API publishes.
    listens: u32,
    counts: Counts,
    /// What the hub was told.
    interest: Interest,
    told: Counts,
    /// Live cursors that read all of this room and nothing else.
    pub(super) lists: Lists,
    /// Live cursors that read all of this room and of others.
    pub(super) mixed: Vec<u32>,
    /// The room's event after the last that this core has seen.
    pub(super) ordinal: u64,
    /// What is published there this turn.
    pub(super) batches: Batches,
}

impl LocalRoom {
    fn new(key: RoomKey, name: Arc<str>) -> LocalRoom {
        LocalRoom {
            keys: [key, RoomKey::EVERYONE],
            name,
            users: 1,
            follows: 0,
            listens: 0,
            counts: Counts::default(),
            interest: Interest::Nothing,
            told: Counts::default(),
            lists: Lists::default(),
            mixed: Vec::new(),
            ordinal: 0,
            batches: Batches::default(),
        }
    }

    pub(super) fn key(&self) -> RoomKey {
        self.keys[0]
    }

    fn wanted(&self) -> Interest {
        match (self.follows, self.listens) {
            (0, 0) => Interest::Nothing,
            (0, _) => Interest::Api,
            (_, _) => Interest::Everything,
        }
    }

    /// What the hub is to be told, if anything has changed.
    fn change(&mut self) -> Option<Follow> {
        let (interest, more) = (self.wanted(), self.counts - self.told);
        if interest == self.interest && more == Counts::default() {
            return None;
        }
        (self.interest, self.told) = (interest, self.counts);
        Some(Follow { room: self.key(), interest, more, ordinal: 0 })
    }
}

/// Those of a room's keys that readers of `class` in it read: WebSockets get what is for everybody,
/// too.
pub(super) fn readable(keys: &[RoomKey; 2], class: Class) -> &[RoomKey] {
    if class == Class::Subscriber { &keys[..1] } else { keys }
}

/// All rooms of this core.
#[derive(Debug)]
pub(super) struct LocalRooms {
    pub(super) rooms: Slab<LocalRoom>,
    by_name: HashMap<Arc<str>, u32>,
    pub(super) by_key: HashMap<RoomKey, u32, Identity>,
    /// Live cursors that read everything.
    pub(super) everything: Lists,
    /// Live cursors that read some connections' events.
    pub(super) by_who: HashMap<Who, Vec<u32>, Identity>,
    /// Readers of all rooms that they may read.
    pub(super) groups: Groups,
    /// Cursors, live or not, that need chunks of all rooms.
    follows_all: u32,
    /// Those of them that read all of it, and how many the hub was told of.
    readers: usize,
    told_readers: usize,
    /// What is published this turn.
    pub(super) outgoing: Outgoing,
    /// Rooms whose hub entry has to change.
    pub(super) changed: Vec<u32>,
    /// Rooms that lost their last user.
    pub(super) left: Vec<RoomKey>,
}

impl Default for LocalRooms {
    /// No room but the one that everybody is in, whose chunks all cores get.
    fn default() -> LocalRooms {
        let name = Arc::<str>::from(EVERYONE);
        let mut everyone = LocalRoom::new(RoomKey::EVERYONE, Arc::clone(&name));
        (everyone.follows, everyone.interest) = (1, Interest::Everything);
        let mut rooms = Slab::new();
        assert_eq!(rooms.insert(everyone), ROOM_OF_ALL as usize, "it is the first");
        LocalRooms {
            rooms,
            by_name: HashMap::from([(name, ROOM_OF_ALL)]),
            by_key: HashMap::from_iter([(RoomKey::EVERYONE, ROOM_OF_ALL)]),
            everything: Lists::default(),
            by_who: HashMap::default(),
            groups: Groups::default(),
            follows_all: 0,
            readers: 0,
            told_readers: 0,
            outgoing: Outgoing::default(),
            changed: Vec::new(),
            left: Vec::new(),
        }
    }
}

impl LocalRooms {
    /// One more user for the room `name`. `None`: there can be no more rooms.
    pub(super) fn enter(&mut self, name: &str, hub: &Hub) -> Option<u32> {
        if let Some(&number) = self.by_name.get(name) {
            self.rooms[number as usize].users += 1;
            return Some(number);
        }
        let entered = hub.enter(name)?;
        let room = LocalRoom::new(entered.key, Arc::clone(&entered.name));
        let number = self.rooms.insert(room) as u32;
        self.by_name.insert(entered.name, number);
        self.by_key.insert(entered.key, number);
        Some(number)
    }

    /// One user less. The room stays until the end of the turn, as something may wait to be
    /// committed.
    pub(super) fn leave(&mut self, number: u32) {
        let room = &mut self.rooms[number as usize];
        room.users -= 1;
        if room.users == 0 {
            self.changed.push(number);
        }
    }

    /// One user less for each room that `scope` names.
    pub(super) fn leave_all(&mut self, scope: &Scope) {
        match scope {
            Scope::All => {}
            Scope::Room(room) => self.leave(*room),
            Scope::Group(group) => self.groups.leave(*group),
            Scope::Selected(selected) => {
                selected.group.into_iter().for_each(|group| self.groups.leave(group));
                selected.rooms.iter().for_each(|room| self.leave(*room));
            }
        }
    }

    /// Takes out rooms that nobody uses; for the end of a turn, when everything is committed.
    pub(super) fn reap(&mut self) {
        for number in std::mem::take(&mut self.changed) {
            let is_unused =
                |room: &LocalRoom| room.users == 0 && room.wanted() == Interest::Nothing;
            if self.rooms.get(number as usize).is_some_and(is_unused) {
                let room = self.rooms.remove(number as usize);
                debug_assert_eq!(room.told, Counts::default(), "nobody is counted there");
                self.by_name.remove(&room.name);
                self.by_key.remove(&room.key());
                self.left.push(room.key());
            }
        }
    }

    pub(super) fn room(&self, number: u32) -> &LocalRoom {
        &self.rooms[number as usize]
    }

    pub(super) fn room_mut(&mut self, number: u32) -> &mut LocalRoom {
        &mut self.rooms[number as usize]
    }

    /// Whether chunks of every room are wanted.
    pub(super) fn wants_everything(&self) -> bool {
        self.follows_all > 0
    }

    /// The rooms that a cursor of `scope` and `class` reads; `None`: all, or its group's.
    pub(super) fn keys<'a>(&'a self, scope: &'a Scope, class: Class) -> Option<&'a [RoomKey]> {
        match scope {
            Scope::All | Scope::Group(_) => None,
            Scope::Room(number) => Some(readable(&self.room(*number).keys, class)),
            Scope::Selected(selected) if selected.rooms.is_empty() => None,
            Scope::Selected(selected) => Some(&selected.keys),
        }
    }

    /// A cursor of `scope` and `class` begins (`by` 1) or ends (`by` -1) to want chunks, and is
    /// counted where it reads.
    pub(super) fn follow(&mut self, scope: &Scope, class: Class, by: i32) {
        let adjust = |count: &mut u32| *count = count.wrapping_add_signed(by);
        let (rooms, is_whole) = match scope {
            Scope::All => {
                self.readers = self.readers.wrapping_add_signed(by as isize);
                return adjust(&mut self.follows_all);
            }
            Scope::Room(room) => (std::slice::from_ref(room), true),
            // It is no reader of everything, and in which rooms it would count the hub cannot know.
            Scope::Group(_) => return adjust(&mut self.follows_all),
            Scope::Selected(selected) if selected.rooms.is_empty() => {
                return adjust(&mut self.follows_all);
            }
            Scope::Selected(selected) => (selected.rooms.as_slice(), selected.whos.is_empty()),
        };
        let (one, mut more) = (i64::from(by), Counts::default());
        match class {
            Class::Subscriber => more.subscribers = if is_whole { one } else { 0 },
            Class::Member => (more.connections, more.members) = (one, one),
            Class::Listener => more.connections = one,
        }
        for &number in rooms {
            let room = &mut self.rooms[number as usize];
            let is_listener = class == Class::Listener;
            adjust(if is_listener { &mut room.listens } else { &mut room.follows });
            room.counts += more;
            self.changed.push(number);
        }
        if class != Class::Subscriber && rooms != [ROOM_OF_ALL] {
            self.rooms[ROOM_OF_ALL as usize].counts += more;
            self.changed.push(ROOM_OF_ALL);
        }
    }

    /// What the hub has to be told of rooms whose readers have changed.
    pub(super) fn changes(&mut self) -> impl Iterator<Item = Follow> {
        let rooms = &mut self.rooms;
        self.changed.iter().filter_map(move |&number| rooms.get_mut(number as usize)?.change())
    }

    /// How many streams read everything, for the hub to be told.
    pub(super) fn tell_readers(&mut self) -> usize {
        self.told_readers = self.readers;
        self.readers
    }

    /// Whether something was published, or the hub has to be told of a change.
    pub(super) fn has_changes(&self) -> bool {
        let is_told = self.changed.is_empty() && self.readers == self.told_readers;
        !self.outgoing.is_empty() || !is_told
    }

    /// The hub knows that the room is followed; its next event would be number `ordinal`.
    pub(super) fn followed(&mut self, key: RoomKey, ordinal: u64) {
        if let Some(&number) = self.by_key.get(&key) {
            self.rooms[number as usize].ordinal = ordinal;
        }
    }
}

/// What is in a list: slots, which are kept exact, so a key is not needed.
pub(super) fn slot_of(key: ConnKey) -> u32 {
    key.slot() as u32
}
