//! Rooms that are there no more, and up to where they had lost what was said in them.
//!
//! Knows: names, keys, the last events that are gone.
//! Must not know: rooms that are there.
//!
//! A room may come back under its name, and whoever resumes in it must be told what its forerunner
//! lost, but not what any other room did. So many are remembered by name; of all before them only
//! the last event that one of them lost.

use super::name::RoomKey;
use super::room::Marks;
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
