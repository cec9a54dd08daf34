//! The rooms that this core has users for: their lists of live cursors, and what is published to
//! them.
//!
//! Knows: rooms by a small number of this core's own, slots of connections, batches.
//! Must not know: connections' states, protocols.

use super::cursor::{Cursor, Scope};
use crate::bytes::ConnKey;
use crate::hub::{Audience, Batch, Chunk, CloseEvent, Format, Hub, Identity, RoomKey, Sender, Who};
use slab::Slab;
use std::collections::HashMap;
use std::sync::Arc;

/// Live cursors of one scope, by format.
pub(super) type Lists = [Vec<u32>; Format::ALL.len()];

/// One room on this core.
#[derive(Debug)]
pub(super) struct LocalRoom {
    pub(super) key: RoomKey,
    pub(super) name: Arc<str>,
    /// Connections in it and streams that name it.
    users: u32,
    /// Cursors, live or not, that want its chunks.
    follows: u32,
    /// What the hub was told.
    pub(super) followed: bool,
    /// Live cursors that read all of this room and nothing else.
    pub(super) lists: Lists,
    /// Live cursors that read all of this room and of others.
    pub(super) mixed: Vec<u32>,
    /// The room's event after the last that this core has seen.
    pub(super) ordinal: u64,
    messages: Option<Batch>,
    closes: Option<Batch>,
    /// How large its last batch was: the next one makes room at once.
    expected: usize,
}

/// All rooms of this core.
#[derive(Debug, Default)]
pub(super) struct LocalRooms {
    rooms: Slab<LocalRoom>,
    by_name: HashMap<Arc<str>, u32>,
    pub(super) by_key: HashMap<RoomKey, u32, Identity>,
    /// Live cursors that read everything.
    pub(super) everything: Lists,
    /// Live cursors that read some connections' events.
    pub(super) by_who: HashMap<Who, Vec<u32>, Identity>,
    /// Cursors, live or not, that need chunks of all rooms.
    follows_all: u32,
    /// Rooms in which something was published this turn.
    touched: Vec<u32>,
    /// Where the batches of the room ended to which the connection publishes that is dealt with.
    begun: Option<RoomMark>,
    /// Batches of this turn that are full.
    sealed: Vec<Arc<Chunk>>,
    /// Rooms whose hub entry has to change.
    pub(super) changed: Vec<u32>,
    /// Rooms that lost their last user.
    pub(super) left: Vec<RoomKey>,
}

impl LocalRooms {
    /// One more user for the room `name`. `None`: there can be no more rooms.
    pub(super) fn enter(&mut self, name: &str, hub: &Hub) -> Option<u32> {
        if let Some(&number) = self.by_name.get(name) {
            self.rooms[number as usize].users += 1;
            return Some(number);
        }
        let entered = hub.enter(name)?;
        let number = self.rooms.insert(LocalRoom {
            key: entered.key,
            name: Arc::clone(&entered.name),
            users: 1,
            follows: 0,
            followed: false,
            lists: Lists::default(),
            mixed: Vec::new(),
            ordinal: 0,
            messages: None,
            closes: None,
            expected: 0,
        }) as u32;
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
            Scope::Selected(selected) => {
                selected.rooms.iter().for_each(|room| self.leave(*room));
            }
        }
    }

    /// Takes out rooms that nobody uses; for the end of a turn, when everything is committed.
    pub(super) fn reap(&mut self) {
        for number in std::mem::take(&mut self.changed) {
            let is_unused = |room: &LocalRoom| room.users == 0 && !room.followed;
            if self.rooms.get(number as usize).is_some_and(is_unused) {
                let room = self.rooms.remove(number as usize);
                self.by_name.remove(&room.name);
                self.by_key.remove(&room.key);
                self.left.push(room.key);
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

    /// A cursor of `scope` begins (`by` 1) or ends (`by` -1) to want chunks.
    pub(super) fn follow(&mut self, scope: &Scope, by: i32) {
        let adjust = |count: &mut u32| *count = count.wrapping_add_signed(by);
        let rooms = match scope {
            Scope::All => return adjust(&mut self.follows_all),
            Scope::Room(room) => std::slice::from_ref(room),
            Scope::Selected(selected) if selected.rooms.is_empty() => {
                return adjust(&mut self.follows_all);
            }
            Scope::Selected(selected) => &selected.rooms,
        };
        for &number in rooms {
            let room = &mut self.rooms[number as usize];
            adjust(&mut room.follows);
            self.changed.push(number);
        }
    }

    /// Rooms whose cursors began or ceased to be, with what the hub has to be told.
    pub(super) fn follow_changes(&mut self) -> impl Iterator<Item = (RoomKey, bool)> {
        let rooms = &mut self.rooms;
        self.changed.iter().filter_map(move |&number| {
            let room = rooms.get_mut(number as usize)?;
            let is_wanted = room.follows > 0;
            let is_new = room.followed != is_wanted;
            room.followed = is_wanted;
            is_new.then_some((room.key, is_wanted))
        })
    }

    /// Whether something was published, or the hub has to be told of a change.
    pub(super) fn has_changes(&self) -> bool {
        !self.touched.is_empty() || !self.changed.is_empty()
    }

    /// The hub knows that the room is followed; its next event would be number `ordinal`.
    pub(super) fn followed(&mut self, key: RoomKey, ordinal: u64) {
        if let Some(&number) = self.by_key.get(&key) {
            self.rooms[number as usize].ordinal = ordinal;
        }
    }

    /// Puts the live cursor of the connection in `slot` where its chunks will find it.
    pub(super) fn list(&mut self, cursor: &mut Cursor, slot: u32) {
        let format = cursor.format as usize;
        let list = match &cursor.scope {
            Scope::All => &mut self.everything[format],
            Scope::Room(room) => &mut self.rooms[*room as usize].lists[format],
            Scope::Selected(selected) => {
                for &who in &selected.whos {
                    self.by_who.entry(who).or_default().push(slot);
                }
                if selected.whos.is_empty() {
                    for &room in &selected.rooms {
                        self.rooms[room as usize].mixed.push(slot);
                    }
                }
                cursor.place = 0;
                return;
            }
        };
        cursor.place = list.len() as u32;
        list.push(slot);
    }

    /// Takes it out again. Gives the slot that has its place now, if one has: that cursor must be
    /// told.
    pub(super) fn unlist(&mut self, cursor: &Cursor, slot: u32) -> Option<u32> {
        let format = cursor.format as usize;
        let list = match &cursor.scope {
            Scope::All => &mut self.everything[format],
            Scope::Room(room) => &mut self.rooms[*room as usize].lists[format],
            Scope::Selected(selected) => {
                for who in &selected.whos {
                    if let Some(list) = self.by_who.get_mut(who) {
                        list.retain(|other| *other != slot);
                        if list.is_empty() {
                            self.by_who.remove(who);
                        }
                    }
                }
                for &room in &selected.rooms {
                    self.rooms[room as usize].mixed.retain(|other| *other != slot);
                }
                return None;
            }
        };
        let place = cursor.place as usize;
        assert_eq!(list.get(place), Some(&slot), "a live cursor knows its place");
        list.swap_remove(place);
        list.get(place).copied()
    }
}

/// What is published this turn.
impl LocalRooms {
    /// The batch for an event of `bytes` bytes in room `number`.
    pub(super) fn batch(
        &mut self,
        number: u32,
        audience: Audience,
        bytes: usize,
        hub: &Hub,
    ) -> &mut Batch {
        let room = &mut self.rooms[number as usize];
        if room.messages.is_none() && room.closes.is_none() {
            self.touched.push(number);
        }
        // A chunk has one audience; a room may have relays and members at once.
        let ends = |batch: &mut Batch| batch.is_full_for(bytes) || batch.audience() != audience;
        if let Some(full) = room.messages.take_if(ends).filter(|full| !full.is_empty()) {
            room.expected = full.bytes();
            self.sealed.push(full.seal());
        }
        let (key, name, expected) = (room.key, &room.name, room.expected);
        room.messages.get_or_insert_with(|| {
            let expected = (expected + expected / 4).max(bytes + 256);
            Batch::new((key, Arc::clone(name)), audience, *hub.epoch(), hub.held_bytes(), expected)
        })
    }

    /// Publishes a close, behind all messages of this turn.
    pub(super) fn publish_close(
        &mut self,
        number: u32,
        sender: &Sender,
        close: &CloseEvent,
        hub: &Hub,
    ) {
        let room = &mut self.rooms[number as usize];
        if room.messages.is_none() && room.closes.is_none() {
            self.touched.push(number);
        }
        let (key, name) = (room.key, &room.name);
        let batch = room.closes.get_or_insert_with(|| {
            let room = (key, Arc::clone(name));
            Batch::new(room, Audience::Subscribers, *hub.epoch(), hub.held_bytes(), 512)
        });
        batch.push_close(sender, close);
    }

    /// Appends all that was published this turn to `chunks`: messages in order, then closes.
    pub(super) fn seal(&mut self, chunks: &mut Vec<Arc<Chunk>>) {
        chunks.append(&mut self.sealed);
        for &number in &self.touched {
            let room = &mut self.rooms[number as usize];
            if let Some(batch) = room.messages.take().filter(|batch| !batch.is_empty()) {
                room.expected = batch.bytes();
                chunks.push(batch.seal());
            }
        }
        for number in self.touched.drain(..) {
            chunks.extend(self.rooms[number as usize].closes.take().map(Batch::seal));
        }
    }
}

/// Taking back what a connection published whose handling panicked.
impl LocalRooms {
    /// A connection that publishes to room `number` is dealt with from now on.
    pub(super) fn begin(&mut self, number: Option<u32>) {
        self.begun = number.map(|number| self.mark(number));
    }

    /// Where room `number`'s batches end now.
    fn mark(&self, number: u32) -> RoomMark {
        let messages = self.rooms.get(number as usize).and_then(|room| room.messages.as_ref());
        RoomMark { number, sealed: self.sealed.len(), batch: messages.map(Batch::mark) }
    }

    /// Takes back what was published since [`LocalRooms::begin`], all of it to one room.
    pub(super) fn cut_back(&mut self) {
        let Some(mark) = self.begun.take() else { return };
        let Some(room) = self.rooms.get_mut(mark.number as usize) else { return };
        let mut newer = self.sealed.drain(mark.sealed..);
        let at_mark = newer.next();
        drop(newer);
        if let Some(chunk) = at_mark.and_then(Arc::into_inner) {
            room.messages = Some(Batch::reopen(chunk));
        }
        match mark.batch {
            Some(batch) => room.messages.iter_mut().for_each(|messages| messages.cut_back(batch)),
            None => room.messages = None,
        }
    }
}

/// Where a room's batches ended at some moment.
#[derive(Clone, Copy, Debug)]
struct RoomMark {
    number: u32,
    sealed: usize,
    batch: Option<crate::hub::Mark>,
}

/// What is in a list: slots, which are kept exact, so a key is not needed.
pub(super) fn slot_of(key: ConnKey) -> u32 {
    key.slot() as u32
}
