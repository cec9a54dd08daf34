//! Rooms that are there no more, and up to where they had lost what was said in them.
//!
//! Knows: names, keys, the last events that are gone.
//! Must not know: logs, who reads.
//!
//! A room may come back under its name, and whoever resumes in it must be told what its forerunner
//! lost, but not what any other room did. So many are remembered by name; of all before them only
//! the last event that one of them lost.

use super::audience::Class;
use super::name::RoomKey;
use super::room::{Marks, Rooms};
use crate::sse::Sequence;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// Rooms that are remembered by name: about as much memory as one full log of a room.
const REMEMBERED_MAX: usize = 8192;

#[derive(Debug, Default)]
pub(super) struct Departed {
    by_name: BTreeMap<Arc<str>, (RoomKey, Marks)>,
    by_key: BTreeMap<RoomKey, Arc<str>>,
    /// No room that was forgotten ever had later events.
    forgotten: Marks,
}

impl Departed {
    /// What a room that comes now, called `name`, has lost before.
    pub(super) fn back(&mut self, name: &str) -> Marks {
        let Some((key, gone)) = self.by_name.remove(name) else { return self.forgotten };
        self.by_key.remove(&key);
        gone
    }

    /// The room `key`, called `name`, is no more, and `gone` is what it has lost.
    pub(super) fn note(&mut self, name: Arc<str>, key: RoomKey, gone: Marks) {
        if gone.max(self.forgotten) == self.forgotten {
            return;
        }
        if self.by_key.len() >= REMEMBERED_MAX
            && let Some((_, oldest)) = self.by_key.pop_first()
            && let Some((_, gone)) = self.by_name.remove(&oldest)
        {
            self.forgotten = self.forgotten.max(gone);
        }
        self.by_key.insert(key, Arc::clone(&name));
        self.by_name.insert(name, (key, gone));
    }

    /// What the room `key` was called.
    pub(super) fn name(&self, key: RoomKey) -> Option<&Arc<str>> {
        self.by_key.get(&key)
    }

    /// What rooms that are forgotten have lost.
    pub(super) fn forgotten(&self) -> Marks {
        self.forgotten
    }

    /// Those that are remembered, by name, from behind `after` on.
    pub(super) fn from(
        &self,
        after: Bound<&str>,
    ) -> impl Iterator<Item = (&Arc<str>, RoomKey, Marks)> {
        let rooms = self.by_name.range::<str, _>((after, Bound::Unbounded));
        rooms.map(|(name, (key, gone))| (name, *key, *gone))
    }
}

/// What rooms have lost, there or not.
impl Rooms {
    /// The name of the room `key`, also if it is no more, as long as that is remembered.
    pub(super) fn name(&self, key: RoomKey) -> Option<&Arc<str>> {
        let room = self.rooms.get(&key).map(|room| &room.name);
        room.or_else(|| self.departed.name(key))
    }

    /// Appends those of at most `most` rooms from behind the name `after` on, and of as many that
    /// are no more, of whose last event for `class` that is gone `is_lost` is true. Gives the name
    /// to go on from.
    pub(super) fn losers(
        &self,
        after: Option<&str>,
        most: usize,
        (class, is_lost): (Class, &dyn Fn(Sequence) -> bool),
        out: &mut Vec<(RoomKey, Arc<str>)>,
    ) -> Option<Arc<str>> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let named = self.names.range::<str, _>((after, Bound::Unbounded));
        let here = named.filter_map(|(name, key)| Some((name, *key, self.rooms.get(key)?.gone)));
        let mut ends: [Option<Arc<str>>; 2] = [None, None];
        let both: [&mut dyn Iterator<Item = (&Arc<str>, RoomKey, Marks)>; 2] =
            [&mut { here }, &mut self.departed.from(after)];
        for (rooms, end) in both.into_iter().zip(&mut ends) {
            for (number, (name, key, gone)) in rooms.take(most).enumerate() {
                if is_lost(gone.of(class)) {
                    out.push((key, Arc::clone(name)));
                }
                if number + 1 == most {
                    *end = Some(Arc::clone(name));
                }
            }
        }
        // A room may come or go meanwhile, but always under its name: none is passed over.
        ends.into_iter().flatten().min()
    }

    /// What rooms of which nobody knows any more have lost.
    pub(super) fn forgotten_through(&self, class: Class) -> Sequence {
        self.departed.forgotten().of(class)
    }
}
