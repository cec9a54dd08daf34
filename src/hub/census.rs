//! Who is in which room, counted; what whoever publishes by the API is told; who owns a name.
//!
//! Knows: rooms, what each core says of them.
//! Must not know: connections, how a count is asked for.

use super::name::{RoomKey, Who};
use super::room::Room;
use super::{Hub, State};
use crate::bytes::Place;
use crate::sse::Sequence;
use std::ops::{AddAssign, Sub};
use std::sync::Arc;

/// Who is in a room and who reads it; or by how much that has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// WebSockets that are in it.
    pub connections: i64,
    /// Those of them that get what is said there.
    pub members: i64,
    /// Event streams that name it, and no connection.
    pub subscribers: i64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, more: Counts) {
        self.connections += more.connections;
        self.members += more.members;
        self.subscribers += more.subscribers;
    }
}

impl Sub for Counts {
    type Output = Counts;

    fn sub(self, other: Counts) -> Counts {
        Counts {
            connections: self.connections - other.connections,
            members: self.members - other.members,
            subscribers: self.subscribers - other.subscribers,
        }
    }
}

/// What became of an event that the API published: taken at its commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Which event it was.
    pub ticket: u64,
    /// Its number.
    pub first: Sequence,
    /// Event streams that get it: those that name its room, or read everything.
    pub subscribers: u64,
    /// WebSockets that get it: those in its room, or all of this node. Those that were left out are
    /// counted too: who they are is not looked up.
    pub members: u64,
}

/// One room, as it is at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomInfo {
    /// Its name.
    pub name: Arc<str>,
    /// WebSockets that are in it.
    pub connections: u64,
    /// Those of them that get what is said there.
    pub members: u64,
    /// Event streams that read it, with those that read everything.
    pub subscribers: u64,
    /// Events that its log holds.
    pub events: u64,
    /// What they take, in bytes.
    pub bytes: u64,
}

/// Who owns a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The connection, and the core that has it.
    pub place: Place,
    /// The number of its registration.
    pub session: u64,
}

/// Rooms looked at under one lock.
const ROOMS_MAX: usize = 64;

impl Hub {
    /// At most `limit` of the rooms whose names begin with `prefix`, by name, from behind `after`
    /// on: the last name of one list is where the next begins. A room that comes or goes in between
    /// is in it or not; every other room is, once.
    pub fn rooms(&self, after: Option<&str>, prefix: &str, limit: usize) -> Vec<RoomInfo> {
        let mut infos: Vec<RoomInfo> = Vec::new();
        loop {
            let most = ROOMS_MAX.min(limit - infos.len());
            let before = infos.len();
            let from = infos.last().map(|info| Arc::clone(&info.name));
            let state = self.lock();
            let rooms = state.rooms.by_name(from.as_deref().or(after), prefix);
            infos.extend(rooms.take(most).map(|room| state.info(room)));
            drop(state);
            if infos.len() == limit || infos.len() < before + most {
                return infos;
            }
        }
    }

    /// The room `name`, if there is one.
    pub fn room_info(&self, name: &str) -> Option<RoomInfo> {
        let state = self.lock();
        let room = state.rooms.by_name(None, name).next().filter(|room| *room.name == *name);
        room.map(|room| state.info(room))
    }

    /// Who owns the name `who` now. Somebody else may in the next moment.
    pub fn owner(&self, who: Who) -> Option<Owner> {
        self.lock().directory.owner(who)
    }
}

impl State {
    /// Event streams that read everything.
    fn readers(&self) -> i64 {
        self.readers.iter().sum::<usize>() as i64
    }

    fn info(&self, room: &Room) -> RoomInfo {
        let counts = room.counts;
        RoomInfo {
            name: Arc::clone(&room.name),
            connections: counts.connections as u64,
            members: counts.members as u64,
            subscribers: (counts.subscribers + self.readers()) as u64,
            events: room.events as u64,
            bytes: room.bytes as u64,
        }
    }

    /// Whom the event `ticket`, which has just become number `first` of `room`, goes to.
    pub(super) fn receipt(&self, ticket: u64, first: Sequence, room: RoomKey) -> Receipt {
        let counts = self.rooms.find(room).map_or(Counts::default(), |room| room.counts);
        Receipt {
            ticket,
            first,
            subscribers: (counts.subscribers + self.readers()) as u64,
            members: counts.connections as u64,
        }
    }
}
