//! The end of a turn: what was published is committed, and who reads is told.
//!
//! Knows: the door, lists of live cursors, the inbox.
//! Must not know: protocols beyond formats, sockets.

use super::Engine;
use super::conn::{Conn, State};
use super::cursor::{Due, Making, Scope};
use super::delivery::Choice;
use super::desk::Desk;
use super::letters::{Action, Letter};
use super::rooms::Lists;
use super::websocket::Name;
use crate::bytes::Now;
use crate::hub::{Follow, Format, Who};
use std::mem;

impl Engine {
    /// Publishes what this turn brought, takes what the rooms got, and makes out who is owed what
    /// of it.
    pub fn commit(&mut self, now: Now) {
        self.desk.at(now);
        self.desk.delivery.clear();
        self.desk.made_bytes = 0;
        self.drain_some();
        if self.desk.has_business() {
            self.pass_the_door();
            self.deliver();
        }
        self.go_on_writing();
        self.attach();
        self.desk.count_compression();
    }

    fn pass_the_door(&mut self) {
        let desk = &mut self.desk;
        desk.rooms.seal(&mut desk.turn.chunks);
        let changes = desk.rooms.follow_changes();
        desk.turn.follows.extend(changes.map(|(room, on)| Follow { room, on, ordinal: 0 }));
        desk.rooms.reap();
        desk.turn.left.append(&mut desk.rooms.left);
        desk.turn.everything = desk.rooms.wants_everything();
        desk.turn.websockets = desk.websockets_to_come();
        desk.turn.now = desk.now;
        desk.hub.exchange(&mut desk.turn);
        // What fell out of the logs is dropped here, outside the lock.
        desk.turn.evicted.clear();
        desk.seen = desk.turn.seen;
        for follow in desk.turn.follows.drain(..) {
            desk.rooms.followed(follow.room, follow.ordinal);
        }
        for handed in desk.turn.handed.drain(..) {
            let letter = Letter::Granted(handed.to.key, handed.session);
            desk.actions.push_back(Action::Post(handed.to.core, letter));
        }
        if !desk.turn.ring.is_empty() {
            desk.actions.push_back(Action::Ring(desk.turn.ring));
        }
        if let Some(drain) = &mut desk.drain {
            drain.streams_too = desk.turn.websockets_everywhere == 0;
        }
        mem::swap(&mut desk.delivery.chunks, &mut desk.turn.inbox);
    }

    /// Hands the inbox to the lists that it concerns, and to nobody else.
    fn deliver(&mut self) {
        if !self.desk.delivery.chunks.is_empty() {
            self.deliver_to_all();
            self.deliver_to_rooms();
            self.deliver_to_selected();
        }
        for key in self.desk.publishers.drain(..) {
            if let Some(conn) = self.conns.find_mut(key) {
                conn.mood.published = false;
            }
        }
    }

    fn deliver_to_all(&mut self) {
        let lists = mem::take(&mut self.desk.rooms.everything);
        for format in Format::ALL {
            let list = &lists[format as usize];
            if !list.is_empty() {
                let all = Choice { rooms: None, whos: &[], except: None };
                self.deliver_to_list(list, format, all);
            }
        }
        self.desk.rooms.everything = lists;
    }

    fn deliver_to_rooms(&mut self) {
        let mut rooms: Vec<u32> = Vec::new();
        for chunk in &self.desk.delivery.chunks {
            if let Some(&number) = self.desk.rooms.by_key.get(&chunk.room()) {
                self.desk.rooms.room_mut(number).ordinal = chunk.next_ordinal();
                rooms.push(number);
            }
        }
        rooms.sort_unstable();
        rooms.dedup();
        for number in rooms {
            let lists = mem::take(&mut self.desk.rooms.room_mut(number).lists);
            self.deliver_to_room(number, &lists);
            self.desk.rooms.room_mut(number).lists = lists;
        }
    }

    fn deliver_to_room(&mut self, number: u32, lists: &Lists) {
        let key = self.desk.rooms.room(number).key;
        let choice = Choice { rooms: Some(&[key]), whos: &[], except: None };
        for format in Format::ALL {
            let list = &lists[format as usize];
            if !list.is_empty() {
                self.deliver_to_list(list, format, choice);
            }
        }
    }

    /// One gather for all of a list, but for those who published some of it and do not want it
    /// back.
    fn deliver_to_list(&mut self, list: &[u32], format: Format, choice: Choice<'_>) {
        let Engine { conns, desk } = self;
        let Some(due) = desk.gather(format, choice) else { return };
        for &slot in list {
            let Some((key, conn)) = conns.in_slot(slot) else { continue };
            let own = match conn.own_to_leave_out() {
                None => Some(due),
                Some(who) => {
                    let choice = Choice { except: Some(who), ..choice };
                    desk.gather(format, choice)
                }
            };
            conn.owe(desk, key, own);
        }
    }

    /// Those who want some connections' events, or several rooms'.
    fn deliver_to_selected(&mut self) {
        let mut slots: Vec<u32> = Vec::new();
        let rooms = &self.desk.rooms;
        for chunk in &self.desk.delivery.chunks {
            if let Some(&number) = rooms.by_key.get(&chunk.room()) {
                slots.extend_from_slice(&rooms.room(number).mixed);
            }
            if !rooms.by_who.is_empty() {
                let whos =
                    chunk.senders().iter().filter_map(|(_, sender)| rooms.by_who.get(&sender.who));
                whos.for_each(|list| slots.extend_from_slice(list));
            }
        }
        slots.sort_unstable();
        slots.dedup();
        for slot in slots {
            let Engine { conns, desk } = self;
            let Some((key, conn)) = conns.in_slot(slot) else { continue };
            let Some(cursor) = conn.cursor() else { continue };
            let Scope::Selected(selected) = &cursor.scope else { continue };
            let rooms = (!selected.keys.is_empty()).then_some(selected.keys.as_slice());
            let choice = Choice { rooms, whos: &selected.whos, except: None };
            let due = desk.gather(cursor.format, choice);
            conn.owe(desk, key, due);
        }
    }
}

impl Desk {
    fn gather(&mut self, format: Format, choice: Choice<'_>) -> Option<Due> {
        let Desk { delivery, turn, deflater, .. } = self;
        delivery.gather(format, choice, &mut Making { charges: &mut turn.charges, deflater })
    }

    /// WebSockets that are here, and one more as long as others may come: streams of a server that
    /// stops wait until no core has any.
    fn websockets_to_come(&self) -> usize {
        self.websockets + usize::from(!self.is_draining())
    }

    /// Whether something waits to be committed. Who ends when the door has been passed has to be
    /// told of in another turn, which should come at once.
    pub(super) fn has_more_to_bring(&self) -> bool {
        self.rooms.has_changes() || !self.turn.released.is_empty()
    }

    /// Whether there is a reason to come through the door.
    fn has_business(&mut self) -> bool {
        self.housekeeping_is_due()
            || self.hub.is_waiting(self.core)
            || self.has_more_to_bring()
            || !self.turn.charges.is_empty()
            || !self.attaching.is_empty()
            || self.turn.websockets != self.websockets_to_come()
    }
}

impl Conn {
    /// Its share of the inbox is `due`.
    fn owe(&mut self, desk: &mut Desk, key: crate::bytes::ConnKey, due: Option<Due>) {
        let Some(cursor) = self.cursor_mut() else { return };
        debug_assert!(cursor.lag.is_none() && cursor.due.is_none(), "listed means live");
        cursor.due = due;
        if due.is_some() {
            desk.flush(key, &mut self.mood);
        }
    }

    /// Whose events a member does not get back: its own, unless its route says so.
    fn own_to_leave_out(&self) -> Option<Who> {
        let State::WebSocket(websocket) = &self.state else { return None };
        let Name::Owned(sender) = &websocket.name else { return None };
        (websocket.leaves_out_own && self.mood.published).then_some(sender.who)
    }
}
