//! The rooms that a member is in: how it comes into one and out again, and who is told.
//!
//! Knows: rooms of this core, a member's cursor, presence.
//! Must not know: how a control message is written, sockets.
//!
//! A change takes effect with the commit of its turn, and until then its connection is not read
//! from: so the answers come in the order of the questions. What a member is in stands in its
//! cursor's scope and nowhere else. Of its home room it is a user for as long as it lives, of the
//! others for as long as it is in them.

use super::Step;
use super::conn::{Conn, State};
use super::control::{NOT_JOINED, TOO_MANY_JOINED, TOO_MANY_ROOMS};
use super::cursor::{Scope, Selected};
use super::desk::Desk;
use super::events::Begin;
use super::messages::Refusal;
use super::panics::{Trap, trap};
use super::rooms::{LocalRooms, ROOM_OF_ALL};
use super::websocket::{Name, WebSocket};
use crate::bytes::ConnKey;
use crate::hub::{Audience, Class, RoomKey, What};

/// What a reader begins with at this turn's commit, or a change of what it reads.
#[derive(Debug)]
pub(super) enum Attach {
    /// It came this turn.
    New(Begin),
    /// It joins a room.
    Join(Box<Join>),
    /// It leaves a room.
    Leave(u32),
}

/// A member joins a room.
#[derive(Debug)]
pub(super) struct Join {
    pub(super) room: u32,
    pub(super) since: Begin,
    /// What it reads from then on.
    pub(super) scope: Scope,
}

/// A place for the object of an event about one member, whose name may have to be escaped.
const PRESENCE_BYTES: usize = 1024;

impl Scope {
    /// The rooms that a member with this scope is in.
    pub(super) fn joined(&self) -> &[u32] {
        match self {
            Scope::All | Scope::Group(_) | Scope::Room(ROOM_OF_ALL) => &[],
            Scope::Room(room) => std::slice::from_ref(room),
            Scope::Selected(selected) => &selected.rooms,
        }
    }

    /// That of a member of `rooms`.
    pub(super) fn of_member(rooms: Vec<u32>, local: &LocalRooms) -> Scope {
        match rooms.as_slice() {
            [] => Scope::Room(ROOM_OF_ALL),
            [room] => Scope::Room(*room),
            _ => {
                let keys = rooms.iter().map(|room| local.room(*room).key());
                let keys = keys.chain([RoomKey::EVERYONE]).collect();
                Scope::Selected(Box::new(Selected { rooms, keys, ..Selected::default() }))
            }
        }
    }
}

impl LocalRooms {
    /// A member reads `to` where it read `from`.
    pub(super) fn refollow(&mut self, from: &Scope, to: &Scope) {
        self.follow(from, Class::Member, -1);
        self.follow(to, Class::Member, 1);
    }
}

/// Asked for.
impl Conn {
    /// It wants to be in the room `name`.
    pub(super) fn join(
        &mut self,
        desk: &mut Desk,
        key: ConnKey,
        name: &str,
        since: Begin,
    ) -> Result<Step, Refusal> {
        self.check_subscribe(desk, name)?;
        if let Some(room) = self.joined_as(desk, name) {
            self.confirm_again(desk, room);
            return Ok(Step::Again);
        }
        let State::WebSocket(websocket) = &mut self.state else { return Ok(Step::Again) };
        let Some(cursor) = &websocket.cursor else { return Ok(Step::Again) };
        if cursor.scope.joined().len() >= desk.limits.joined_rooms_max {
            return Err(TOO_MANY_JOINED);
        }
        let Some(room) = desk.rooms.enter(name, &desk.hub) else { return Err(TOO_MANY_ROOMS) };
        if websocket.room() == Some(room) {
            desk.rooms.leave(room);
        }
        let rooms = cursor.scope.joined().iter().copied().chain([room]).collect();
        let scope = Scope::of_member(rooms, &desk.rooms);
        desk.rooms.refollow(&cursor.scope, &scope);
        websocket.refusals = 0;
        desk.attaching.push((key, Attach::Join(Box::new(Join { room, since, scope }))));
        self.mood.changing = true;
        self.announce(desk, key, room, What::Join);
        Ok(Step::Paused)
    }

    /// It wants to be in the room `name` no more.
    pub(super) fn leave(
        &mut self,
        desk: &mut Desk,
        key: ConnKey,
        name: &str,
    ) -> Result<Step, Refusal> {
        let room = self.joined_as(desk, name).ok_or(NOT_JOINED)?;
        if let State::WebSocket(websocket) = &mut self.state {
            websocket.refusals = 0;
        }
        desk.attaching.push((key, Attach::Leave(room)));
        self.mood.changing = true;
        self.announce(desk, key, room, What::Leave);
        Ok(Step::Paused)
    }

    /// `text` is for the room `name`.
    pub(super) fn send_to(
        &mut self,
        desk: &mut Desk,
        key: ConnKey,
        name: &str,
        text: &[u8],
    ) -> Result<Step, Refusal> {
        let room = self.joined_as(desk, name).ok_or(NOT_JOINED)?;
        self.check_publish(desk, room)?;
        Ok(self.broadcast_to(desk, key, room, (false, text)))
    }

    /// The room `name`, as this core numbers it, if the connection is a member there.
    fn joined_as(&self, desk: &Desk, name: &str) -> Option<u32> {
        let mut joined = self.cursor()?.scope.joined().iter().copied();
        joined.find(|room| &*desk.rooms.room(*room).name == name)
    }

    /// Tells a room's other members, and its subscribers, who comes or goes.
    pub(super) fn announce(&mut self, desk: &mut Desk, key: ConnKey, room: u32, what: What) {
        let State::WebSocket(websocket) = &self.state else { return };
        websocket.announce(desk, room, what);
        self.note_published(desk, key);
    }

    /// Its name is its own only now: the rooms that it is in are told that it is there.
    pub(super) fn announce_all(&mut self, desk: &mut Desk, key: ConnKey) {
        let joined = self.cursor().map_or(Vec::new(), |cursor| cursor.scope.joined().to_vec());
        joined.into_iter().for_each(|room| self.announce(desk, key, room, What::Join));
    }
}

impl WebSocket {
    fn announce(&self, desk: &mut Desk, room: u32, what: What) {
        let Some(broadcast) = self.route.broadcast() else { return };
        let (true, Name::Owned(sender)) = (broadcast.presence, &self.name) else { return };
        let batch = desk.rooms.batch(room, self.audience(), PRESENCE_BYTES, &desk.hub);
        batch.push_presence(sender, what);
        trap(Trap::Published);
        let published = &desk.counters().published;
        if what == What::Join { published.join.add(1) } else { published.leave.add(1) }
    }

    /// Whom is for what it says in a room.
    pub(super) fn audience(&self) -> Audience {
        if self.route.publish { Audience::BROADCAST } else { Audience::MEMBERS }
    }
}

impl WebSocket {
    /// The connection ends: it is in no room any more, and all that it was in are told.
    pub(super) fn leave_all(&mut self, desk: &mut Desk, key: ConnKey, is_changing: bool) {
        let change = if is_changing { desk.attaching_of(key) } else { None };
        let Some(mut cursor) = self.cursor.take() else { return };
        let mut announced = None;
        match change {
            Some(Attach::Join(join)) => cursor.scope = join.scope,
            Some(Attach::Leave(room)) => announced = Some(room),
            Some(Attach::New(_)) | None => {}
        }
        if cursor.taste.class == Class::Member {
            for &room in cursor.scope.joined() {
                if announced != Some(room) {
                    self.announce(desk, room, What::Leave);
                }
                if self.room() != Some(room) {
                    desk.rooms.leave(room);
                }
            }
        }
        self.cursor = Some(cursor);
    }
}

impl Desk {
    /// Takes out what the connection waits for.
    fn attaching_of(&mut self, key: ConnKey) -> Option<Attach> {
        let place = self.attaching.iter().position(|(other, _)| *other == key)?;
        // The others keep their order.
        Some(self.attaching.remove(place).1)
    }
}
