//! Members' rooms change: with the commit of the turn in which that was asked for.
//!
//! Knows: members' cursors, what rooms' logs have.
//! Must not know: who asked how (see `control`), sockets.

use super::Engine;
use super::conn::{Conn, State};
use super::cursor::{Cursor, Lag, Scope};
use super::desk::Desk;
use super::events::Begin;
use super::history::Stretch;
use super::membership::{Attach, Join};
use super::reach::Ids;
use super::rooms::ROOM_OF_ALL;
use crate::bytes::ConnKey;
use crate::hub::{Class, RoomKey};
use crate::json;
use crate::sse::{LastEventId, Sequence};
use crate::ws::frame::Opcode;
use std::sync::Arc;

impl Engine {
    /// The rooms of a member change. It lags from here on until it has caught up.
    pub(super) fn change_rooms(&mut self, key: ConnKey, change: Attach) {
        self.fall_behind(key);
        let Engine { conns, desk } = self;
        let Some(conn) = conns.find_mut(key) else { return };
        conn.mood.changing = false;
        match change {
            Attach::New(_) => {}
            Attach::Join(join) => conn.has_joined(desk, *join),
            Attach::Leave(room) => conn.has_left(desk, room),
        }
        self.go_on(key);
    }

    /// A panic came before what was asked for since then, when there were `before` that were to be
    /// attached, could be done: `key` has never asked.
    pub(super) fn forget_change(&mut self, key: ConnKey, before: usize) {
        let Engine { conns, desk } = self;
        let Some(conn) = conns.find_mut(key) else { return };
        while desk.attaching.len() > before {
            let Some((_, attach)) = desk.attaching.pop() else { return };
            conn.mood.changing = false;
            let State::WebSocket(websocket) = &mut conn.state else { continue };
            let Some(cursor) = &mut websocket.cursor else { continue };
            match attach {
                Attach::Join(join) => {
                    desk.rooms.refollow(&join.scope, &cursor.scope);
                    if websocket.room() != Some(join.room) {
                        desk.rooms.leave(join.room);
                    }
                }
                // That it came was not told either.
                Attach::New(_) if cursor.taste.class == Class::Member => {
                    let nowhere = Scope::Room(ROOM_OF_ALL);
                    desk.rooms.refollow(&cursor.scope, &nowhere);
                    cursor.scope = nowhere;
                }
                Attach::New(_) | Attach::Leave(_) => {}
            }
        }
    }
}

impl Conn {
    /// The first position of a WebSocket.
    pub(super) fn begin_reading(&mut self, desk: &mut Desk, since: Begin) {
        self.mood.changing = false;
        let except = self.leaves_out();
        let State::WebSocket(websocket) = &mut self.state else { return };
        let Some(cursor) = &mut websocket.cursor else { return };
        let mut lag = Lag::after(desk.turn.before);
        lag.except = except;
        cursor.lag = Some(lag);
        let Some(&room) = cursor.scope.joined().first() else { return };
        if cursor.taste.class != Class::Member {
            return;
        }
        let (after, is_whole) = self.read_from(desk, room, since);
        if since != Begin::Now {
            self.confirm(desk, room, after, is_whole);
            self.greet(desk);
        }
    }

    /// Says what its route says to whoever comes.
    pub(super) fn greet(&mut self, desk: &mut Desk) {
        let State::WebSocket(websocket) = &self.state else { return };
        let route = Arc::clone(&websocket.route);
        if let Some(greeting) = &route.greeting {
            self.push_message(desk, Opcode::Text, greeting.as_bytes());
        }
    }

    fn has_joined(&mut self, desk: &mut Desk, Join { room, since, scope }: Join) {
        let Some(cursor) = self.cursor_mut() else { return };
        cursor.scope = scope;
        let (after, is_whole) = self.read_from(desk, room, since);
        self.confirm(desk, room, after, is_whole);
    }

    fn has_left(&mut self, desk: &mut Desk, room: u32) {
        let State::WebSocket(websocket) = &mut self.state else { return };
        let Some(cursor) = &mut websocket.cursor else { return };
        let joined = cursor.scope.joined().iter().copied().filter(|joined| *joined != room);
        let scope = Scope::of_member(joined.collect(), &desk.rooms);
        desk.rooms.refollow(&cursor.scope, &scope);
        cursor.scope = scope;
        if let Some(lag) = &mut cursor.lag {
            lag.leave(desk.rooms.room(room).key(), cursor.taste.format);
        }
        if websocket.room() != Some(room) {
            desk.rooms.leave(room);
        }
        let name = desk.rooms.room(room).name.clone();
        self.push_reply(desk, |out| {
            out.extend_from_slice(b"{\"left\":{\"room\":\"");
            json::escape_into(out, &name);
            out.extend_from_slice(b"\"}}");
        });
    }

    /// Room `room` is read by a cursor that lags, `since` there. Gives the event behind which it
    /// begins, and whether nothing is missing behind what was asked for.
    fn read_from(&mut self, desk: &Desk, room: u32, since: Begin) -> (Sequence, bool) {
        let before = desk.turn.before;
        let State::WebSocket(websocket) = &mut self.state else { return (before, true) };
        let has_last_value = websocket.route.broadcast().is_some_and(|route| route.last_value);
        let key = desk.rooms.room(room).key();
        let (after, is_whole) = beginning(desk, key, since);
        let lag = websocket.cursor.as_mut().and_then(|cursor| cursor.lag.as_mut());
        let Some(lag) = lag else { return (after, is_whole) };
        if has_last_value && since == Begin::Now {
            let last = desk.hub.last_message(key).filter(|last| *last <= before);
            lag.history.extend(last.map(|last| Stretch::favour(key, last)));
        }
        lag.join(key, before, Stretch::owed(key, after));
        (after, is_whole)
    }

    /// It is in the room already: it is told so again, and where it is there.
    pub(super) fn confirm_again(&mut self, desk: &mut Desk, room: u32) {
        let State::WebSocket(websocket) = &mut self.state else { return };
        websocket.refusals = 0;
        let Some(Cursor { lag, taste, .. }) = websocket.cursor.as_deref() else { return };
        let key = desk.rooms.room(room).key();
        let at = lag.as_ref().map_or(desk.seen, |lag| lag.position_in(key, taste.format));
        self.confirm(desk, room, at, true);
    }

    fn confirm(&mut self, desk: &mut Desk, room: u32, after: Sequence, is_whole: bool) {
        let name = desk.rooms.room(room).name.clone();
        let State::WebSocket(websocket) = &self.state else { return };
        let ids = Ids::of(&desk.hub, websocket.grant.as_ref());
        let salt = if ids.are_sealed { desk.random.next() } else { 0 };
        let id = ids.of_place(after, salt);
        let missed = if is_whole { "0" } else { "null" };
        self.push_reply(desk, |out| {
            out.extend_from_slice(b"{\"joined\":{\"room\":\"");
            json::escape_into(out, &name);
            out.extend_from_slice(b"\",\"id\":\"");
            out.extend_from_slice(&id);
            out.extend_from_slice(format!("\",\"missed\":{missed}}}}}").as_bytes());
        });
    }

    /// Sends it a text message of its own.
    fn push_reply(&mut self, desk: &mut Desk, write: impl FnOnce(&mut Vec<u8>)) {
        let mut body = desk.pool.take();
        write(&mut body);
        self.push_message(desk, Opcode::Text, &body);
        desk.pool.give(body);
    }
}

/// The event behind which a member begins in room `key`, and whether the log has all behind what it
/// asked for.
fn beginning(desk: &Desk, key: RoomKey, since: Begin) -> (Sequence, bool) {
    let before = desk.turn.before;
    let gone = || desk.hub.gone_through(Some(&[key]), Class::Member).min(before);
    match since {
        Begin::Now => (before, true),
        Begin::Earliest => (gone(), true),
        Begin::Resume(LastEventId::At(last)) if last <= before => {
            let gone = gone();
            (last.max(gone), gone <= last)
        }
        Begin::Resume(_) => (gone(), false),
    }
}
