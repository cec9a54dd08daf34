//! Lists of live cursors: who stands where, so that nobody is looked for.
//!
//! Knows: scopes, slots of connections.
//! Must not know: connections' states, protocols, what is in the inbox.
//!
//! Whoever leaves a list is replaced by its last, who is told its new place: to come and to go
//! costs the same however many are there. Only lists by connection are searched; they are short.

use super::Engine;
use super::cursor::{Cursor, Scope};
use super::rooms::{LocalRooms, slot_of};
use crate::bytes::ConnKey;
use crate::hub::Taste;
use std::mem;

impl LocalRooms {
    /// Puts the live cursor of the connection in `slot` where its chunks will find it.
    pub(super) fn list(&mut self, cursor: &mut Cursor, slot: u32) {
        let taste = cursor.taste.number();
        let list = match &mut cursor.scope {
            Scope::All => &mut self.everything[taste],
            Scope::Room(room) => &mut self.rooms[*room as usize].lists[taste],
            Scope::Group(group) => {
                let Some(lists) = self.groups.lists_mut(*group) else { return };
                &mut lists[taste]
            }
            Scope::Selected(selected) => {
                for &who in &selected.whos {
                    self.by_who.entry(who).or_default().push(slot);
                }
                selected.places.clear();
                for &room in selected.rooms.iter().filter(|_| selected.whos.is_empty()) {
                    let mixed = &mut self.rooms[room as usize].mixed;
                    selected.places.push(mixed.len() as u32);
                    mixed.push(slot);
                }
                cursor.place = 0;
                return;
            }
        };
        cursor.place = list.len() as u32;
        list.push(slot);
    }

    /// Takes one of `scope` and `taste` out again. Tells `moved` which slot has its place now, for
    /// each list in which one has, and which room's that is if it is one of several.
    fn unlist(
        &mut self,
        scope: &Scope,
        (taste, place): (Taste, u32),
        slot: u32,
        mut moved: impl FnMut(u32, Option<u32>, u32),
    ) {
        match scope {
            Scope::All => {
                let last = leave(&mut self.everything[taste.number()], slot, place);
                last.into_iter().for_each(|last| moved(last, None, place));
            }
            Scope::Room(room) => {
                let lists = &mut self.rooms[*room as usize].lists;
                let last = leave(&mut lists[taste.number()], slot, place);
                last.into_iter().for_each(|last| moved(last, None, place));
            }
            Scope::Group(group) => {
                let Some(lists) = self.groups.lists_mut(*group) else { return };
                let last = leave(&mut lists[taste.number()], slot, place);
                last.into_iter().for_each(|last| moved(last, None, place));
            }
            Scope::Selected(selected) => {
                for who in &selected.whos {
                    if let Some(list) = self.by_who.get_mut(who) {
                        list.retain(|other| *other != slot);
                        if list.is_empty() {
                            self.by_who.remove(who);
                        }
                    }
                }
                for (&room, &place) in selected.rooms.iter().zip(&selected.places) {
                    let last = leave(&mut self.rooms[room as usize].mixed, slot, place);
                    last.into_iter().for_each(|last| moved(last, Some(room), place));
                }
            }
        }
    }
}

/// Takes `slot` out of a list, where it stands at `place`. Gives the slot that stands there now.
fn leave(list: &mut Vec<u32>, slot: u32, place: u32) -> Option<u32> {
    let place = place as usize;
    assert_eq!(list.get(place), Some(&slot), "a live cursor knows its place");
    list.swap_remove(place);
    list.get(place).copied()
}

impl Cursor {
    /// It stands at `place` now, in the list of `room` if it reads several.
    fn move_to(&mut self, room: Option<u32>, place: u32) {
        match (&mut self.scope, room) {
            (Scope::Selected(selected), Some(room)) => {
                let number = selected.rooms.iter().position(|one| *one == room);
                if let Some(at) = number.and_then(|number| selected.places.get_mut(number)) {
                    *at = place;
                }
            }
            (_, _) => self.place = place,
        }
    }
}

impl Engine {
    /// Takes a live cursor out of the lists that it is in.
    pub(super) fn unlist(&mut self, key: ConnKey) {
        let Engine { conns, desk } = self;
        let Some(cursor) = conns.find_mut(key).and_then(|conn| conn.cursor_mut()) else { return };
        if cursor.place == Cursor::NOWHERE {
            return;
        }
        let place = mem::replace(&mut cursor.place, Cursor::NOWHERE);
        // The others are told while this one is not looked at.
        let (scope, taste) = (mem::replace(&mut cursor.scope, Scope::All), cursor.taste);
        desk.rooms.unlist(&scope, (taste, place), slot_of(key), |slot, room, place| {
            if let Some((_, other)) = conns.in_slot(slot)
                && let Some(cursor) = other.cursor_mut()
            {
                cursor.move_to(room, place);
            }
        });
        if let Some(cursor) = conns.find_mut(key).and_then(|conn| conn.cursor_mut()) {
            cursor.scope = scope;
        }
    }
}
