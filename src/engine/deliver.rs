//! The end of a turn: what was published is committed, and who reads is told.
//!
//! Knows: the door, lists of live cursors, the inbox.
//! Must not know: protocols beyond formats, sockets.

use super::Engine;
use super::conn::{Conn, State};
use super::cursor::{Due, Making, Own, Reader, Scope};
use super::delivery::{Choice, Of};
use super::desk::Desk;
use super::letters::{Action, Letter};
use super::reach::{Shares, share_of};
use super::rooms::{Lists, readable};
use super::websocket::Name;
use crate::bytes::Now;
use crate::hub::{RoomKey, Taste, Who};
use std::mem;

impl Engine {
    /// Publishes what this turn brought, takes what the rooms got, and makes out who is owed what
    /// of it.
    pub fn commit(&mut self, now: Now) {
        self.desk.at(now);
        self.desk.delivery.clear();
        self.desk.turn.receipts.clear();
        self.desk.made_bytes = 0;
        self.drain_some();
        if self.desk.has_business() {
            self.pass_the_door();
            self.redeem_receipts();
            self.deliver();
        }
        self.go_on_writing();
        self.attach();
        self.desk.count_compression();
    }

    fn pass_the_door(&mut self) {
        let desk = &mut self.desk;
        desk.rooms.seal(&mut desk.turn.chunks);
        desk.turn.follows.extend(desk.rooms.changes());
        desk.turn.readers = desk.rooms.tell_readers();
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
        desk.delivery.begin(&mut desk.turn.inbox);
    }

    /// Hands the inbox to the lists that it concerns, and to nobody else.
    fn deliver(&mut self) {
        if !self.desk.delivery.chunks().is_empty() {
            let rooms = self.desk.rooms_concerned();
            self.deliver_to_all();
            for &number in &rooms {
                let lists = mem::take(&mut self.desk.rooms.room_mut(number).lists);
                self.deliver_to_room(number, &lists);
                self.desk.rooms.room_mut(number).lists = lists;
            }
            let Desk { rooms: local, delivery, .. } = &mut self.desk;
            let shares = local.groups.shares(delivery.chunks());
            self.deliver_to_groups(&shares);
            self.deliver_to_selected(&rooms, &shares);
        }
        for key in self.desk.publishers.drain(..) {
            if let Some(conn) = self.conns.find_mut(key) {
                conn.mood.published = false;
            }
        }
    }

    fn deliver_to_all(&mut self) {
        let lists = mem::take(&mut self.desk.rooms.everything);
        for taste in Taste::ALL {
            self.deliver_to_list(&lists[taste.number()], taste, Choice::all(Of::All));
        }
        self.desk.rooms.everything = lists;
    }

    fn deliver_to_room(&mut self, number: u32, lists: &Lists) {
        let keys = self.desk.rooms.room(number).keys;
        for taste in Taste::ALL {
            let choice = Choice::all(Of::Rooms(readable(&keys, taste.class)));
            self.deliver_to_list(&lists[taste.number()], taste, choice);
        }
    }

    /// Those who read all that is in their reach.
    fn deliver_to_groups(&mut self, shares: &Shares) {
        for theirs in shares.chunk_by(|(one, _), (other, _)| one == other) {
            let [(group, _), ..] = *theirs else { continue };
            let Some(lists) = self.desk.rooms.groups.lists_mut(group) else { continue };
            let lists = mem::take(lists);
            let chunks: Vec<u32> = theirs.iter().map(|(_, chunk)| *chunk).collect();
            for taste in Taste::ALL {
                let choice = Choice::all(Of::Chunks(&chunks));
                self.deliver_to_list(&lists[taste.number()], taste, choice);
            }
            if let Some(place) = self.desk.rooms.groups.lists_mut(group) {
                *place = lists;
            }
        }
    }

    /// One gather for all of a list, but for those who published some of it and do not want it
    /// back, or are left out of some of it.
    fn deliver_to_list(&mut self, list: &[u32], taste: Taste, choice: Choice<'_>) {
        let Engine { conns, desk } = self;
        if list.is_empty() || !desk.delivery.is_for(taste.class) {
            return;
        }
        let Some(due) = desk.gather(Reader { taste, who: None }, choice) else { return };
        for &slot in list {
            let Some((key, conn)) = conns.in_slot(slot) else { continue };
            let own = match conn.left_out(desk) {
                (None, None) => Some(due),
                (who, except) => desk.gather(Reader { taste, who }, Choice { except, ..choice }),
            };
            conn.owe(desk, key, own);
        }
    }

    /// Those who want some connections' events, or several rooms', of which some are `rooms`.
    fn deliver_to_selected(&mut self, rooms: &[u32], shares: &Shares) {
        let mut slots: Vec<u32> = Vec::new();
        for &number in rooms {
            slots.extend_from_slice(&self.desk.rooms.room(number).mixed);
        }
        let by_who = &self.desk.rooms.by_who;
        for chunk in self.desk.delivery.chunks().iter().filter(|_| !by_who.is_empty()) {
            let whos = chunk.senders().iter().filter_map(|(_, sender)| by_who.get(&sender.who));
            whos.for_each(|list| slots.extend_from_slice(list));
        }
        slots.sort_unstable();
        slots.dedup();
        for slot in slots {
            let Engine { conns, desk } = self;
            let Some((key, conn)) = conns.in_slot(slot) else { continue };
            let (who, except) = conn.left_out(desk);
            let Some(cursor) = conn.cursor() else { continue };
            let Scope::Selected(selected) = &cursor.scope else { continue };
            let share = selected.group.map(|group| share_of(shares, group));
            let of = match &share {
                Some(chunks) => Of::Chunks(chunks),
                None if selected.keys.is_empty() => Of::All,
                None => Of::Rooms(&selected.keys),
            };
            let choice = Choice { of, whos: &selected.whos, except };
            let due = desk.gather(Reader { taste: cursor.taste, who }, choice);
            conn.owe(desk, key, due);
        }
    }
}

impl Desk {
    /// The rooms of this core that the inbox concerns: if there is something for everybody in it,
    /// all.
    fn rooms_concerned(&mut self) -> Vec<u32> {
        let mut numbers: Vec<u32> = Vec::new();
        let mut is_for_everyone = false;
        for chunk in self.delivery.chunks() {
            is_for_everyone |= chunk.room() == RoomKey::EVERYONE;
            if let Some(&number) = self.rooms.by_key.get(&chunk.room()) {
                self.rooms.room_mut(number).ordinal = chunk.next_ordinal();
                numbers.push(number);
            }
        }
        if is_for_everyone {
            return self.rooms.rooms.iter().map(|(number, _)| number as u32).collect();
        }
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    }

    fn gather(&mut self, reader: Reader, choice: Choice<'_>) -> Option<Due> {
        let Desk { delivery, turn, deflater, .. } = self;
        delivery.gather(reader, choice, &mut Making { charges: &mut turn.charges, deflater })
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

    /// What it does not get of the inbox although others in its list do: its name, if something is
    /// not for it; and whose events a member does not get back: its own, unless its route says so.
    fn left_out(&self, desk: &Desk) -> (Option<Who>, Option<Own>) {
        let State::WebSocket(websocket) = &self.state else { return (None, None) };
        let Name::Owned(sender) = &websocket.name else { return (None, None) };
        let except = self.leaves_out().filter(|_| self.mood.published);
        (Some(sender.who).filter(|who| desk.delivery.leaves_out(*who)), except)
    }
}
