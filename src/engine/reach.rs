//! Readers who may not read every room, and name none: they read all that they may, also rooms that
//! come into being later.
//!
//! Knows: reaches, rooms' names, which room is in which reach.
//! Must not know: connections' states, protocols, who gave whom a reach.
//!
//! Those of one reach are a *group*. Whether a room is in a group's reach is asked once, by its
//! name, when the group first meets it, and then remembered by its key: so a chunk costs a look
//! into a table, however many groups there are, and then only the groups that read it.

use super::rooms::Lists;
use crate::auth::{Grant, Reach};
use crate::hub::{Chunk, Class, Hub, Identity, Meaning, RoomKey};
use crate::sse::{LastEventId, Sequence};
use std::collections::{BTreeMap, HashMap};
use std::mem;
use std::sync::Arc;

/// A group's number; never used again.
pub(super) type GroupNumber = u64;

/// The readers of one reach.
#[derive(Debug)]
struct Group {
    reach: Reach,
    users: u32,
    /// Live cursors that read all of it.
    lists: Lists,
}

/// What is known of a room.
#[derive(Debug, Default)]
struct Readers {
    /// The groups that read it, in the order of their numbers.
    groups: Vec<GroupNumber>,
    /// All groups with smaller numbers were asked.
    asked: GroupNumber,
}

/// Rooms that are remembered before those that were not met for long are forgotten.
const REMEMBERED_MAX: usize = 16 * 1024;
/// Groups that are remembered as readers of all those rooms together: each of many groups may read
/// each of many rooms.
const READERS_MAX: usize = 256 * 1024;

/// All groups of this core.
#[derive(Debug, Default)]
pub(super) struct Groups {
    groups: BTreeMap<GroupNumber, Group>,
    by_reach: HashMap<Reach, GroupNumber>,
    next: GroupNumber,
    /// What is known of rooms: of those met lately, and of others. Both can be forgotten.
    known: [HashMap<RoomKey, Readers, Identity>; 2],
    /// How many groups stand among the readers of rooms that were met lately.
    readers: usize,
    /// Groups that are gone and may still stand among the readers of rooms.
    gone: usize,
}

/// Which group has a part in which chunk of an inbox, in that order.
pub(super) type Shares = Vec<(GroupNumber, u32)>;

impl Groups {
    pub(super) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// One more user for the group of `reach`.
    pub(super) fn enter(&mut self, reach: Reach) -> GroupNumber {
        let number = *self.by_reach.entry(reach).or_insert_with_key(|reach| {
            let number = self.next;
            self.next += 1;
            let group = Group { reach: reach.clone(), users: 0, lists: Lists::default() };
            self.groups.insert(number, group);
            number
        });
        if let Some(group) = self.groups.get_mut(&number) {
            group.users += 1;
        }
        number
    }

    /// One user less.
    pub(super) fn leave(&mut self, number: GroupNumber) {
        let Some(group) = self.groups.get_mut(&number) else { return };
        group.users -= 1;
        if group.users > 0 {
            return;
        }
        if let Some(group) = self.groups.remove(&number) {
            debug_assert!(group.lists.iter().all(Vec::is_empty), "nobody reads any more");
            self.by_reach.remove(&group.reach);
        }
        self.gone += 1;
        if self.groups.is_empty() {
            (self.known, self.readers, self.gone) = Default::default();
        } else if self.gone > 64 + self.groups.len() {
            self.forget_gone();
        }
    }

    fn forget_gone(&mut self) {
        self.gone = 0;
        let readers = self.known.iter_mut().flat_map(|known| known.values_mut());
        readers.for_each(|one| one.groups.retain(|number| self.groups.contains_key(number)));
        self.readers = self.known[0].values().map(|one| one.groups.len()).sum();
    }

    /// Live cursors of a group. One that is gone has none.
    pub(super) fn lists_mut(&mut self, number: GroupNumber) -> Option<&mut Lists> {
        Some(&mut self.groups.get_mut(&number)?.lists)
    }

    /// The groups that read the room `key`, called `name`.
    fn readers(&mut self, key: RoomKey, name: &str) -> &[GroupNumber] {
        let [lately, before] = &mut self.known;
        if lately.len() >= REMEMBERED_MAX || self.readers >= READERS_MAX {
            *before = mem::take(lately);
            self.readers = 0;
        }
        let readers = lately.entry(key).or_insert_with(|| {
            let readers = before.remove(&key).unwrap_or_default();
            self.readers += readers.groups.len();
            readers
        });
        if readers.asked < self.next {
            // What is said to everybody is for those who may read everything.
            let newer = self
                .groups
                .range(readers.asked..)
                .filter(|(_, group)| key != RoomKey::EVERYONE && group.reach.has(name));
            let had = readers.groups.len();
            readers.groups.extend(newer.map(|(number, _)| *number));
            self.readers += readers.groups.len() - had;
            readers.asked = self.next;
        }
        &readers.groups
    }

    /// Which groups have a part in `inbox`.
    pub(super) fn shares(&mut self, inbox: &[Arc<Chunk>]) -> Shares {
        let mut shares = Shares::new();
        if self.is_empty() {
            return shares;
        }
        for (number, chunk) in (0..).zip(inbox).filter(|(_, chunk)| chunk.is_for(Class::Subscriber))
        {
            let groups = self.readers(chunk.room(), chunk.room_name());
            shares.extend(groups.iter().map(|group| (*group, number)));
        }
        shares.sort_unstable();
        shares
    }

    /// The rooms of one group.
    pub(super) fn meaning(&mut self, group: GroupNumber) -> impl Meaning {
        OfGroup { groups: self, group }
    }
}

/// The numbers of the chunks that `group` has a part in.
pub(super) fn share_of(shares: &Shares, group: GroupNumber) -> Vec<u32> {
    let from = shares.partition_point(|(other, _)| *other < group);
    let theirs = shares[from..].iter().take_while(|(other, _)| *other == group);
    theirs.map(|(_, chunk)| *chunk).collect()
}

struct OfGroup<'g> {
    groups: &'g mut Groups,
    group: GroupNumber,
}

impl Meaning for OfGroup<'_> {
    fn known(&self, key: RoomKey) -> Option<bool> {
        let readers = self.groups.known.iter().find_map(|known| known.get(&key))?;
        (self.group < readers.asked).then(|| readers.groups.binary_search(&self.group).is_ok())
    }

    fn is_meant(&mut self, key: RoomKey, name: &str) -> bool {
        self.groups.readers(key, name).binary_search(&self.group).is_ok()
    }
}

/// Whether whoever was let in with `grant` may not read everything, and so must not find out what
/// it may not read: it is told sealed ids only.
pub(super) fn is_limited(grant: Option<&Arc<Grant>>) -> bool {
    grant.is_some_and(|grant| grant.reach().is_some())
}

/// The ids that somebody is told, and may come back with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ids<'h> {
    pub(super) hub: &'h Hub,
    pub(super) are_sealed: bool,
}

impl<'h> Ids<'h> {
    /// Those of whoever was let in with `grant`.
    pub(super) fn of(hub: &'h Hub, grant: Option<&Arc<Grant>>) -> Ids<'h> {
        Ids { hub, are_sealed: is_limited(grant) }
    }

    /// What `id` says. One that is not sealed says nothing of somebody who was never told one.
    pub(super) fn read(self, id: &[u8]) -> LastEventId {
        let epoch = self.hub.epoch();
        if self.are_sealed {
            LastEventId::parse_sealed(id, epoch)
        } else {
            LastEventId::parse(id, epoch)
        }
    }

    /// The id of the place behind event `at`; `salt` is random.
    pub(super) fn of_place(self, at: Sequence, salt: u64) -> Vec<u8> {
        let epoch = self.hub.epoch();
        if self.are_sealed { epoch.sealed_place(at, salt).to_vec() } else { epoch.id(at).to_vec() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::{Glob, Globs, Rights};

    /// That of somebody who may read what all may, and something of its own.
    fn reach(number: usize) -> Reach {
        let globs = ["public.*".to_owned(), format!("own.{number}")];
        let subscribe = Globs::new(globs.iter().map(|text| Glob::parse(text).unwrap()).collect());
        let rights = Arc::new(Rights { subscribe, ..Rights::usual() });
        Grant::new(Arc::from("key"), 0, rights).reach().unwrap()
    }

    fn remembered(groups: &Groups) -> usize {
        let known = groups.known.iter().flat_map(HashMap::values);
        known.map(|readers| readers.groups.len()).sum()
    }

    #[test]
    fn many_who_read_many_rooms_each_are_not_all_remembered() {
        const GROUPS: usize = 2048;
        let mut groups = Groups::default();
        let numbers: Vec<GroupNumber> = (0..GROUPS).map(|n| groups.enter(reach(n))).collect();
        for room in 0..3 * (READERS_MAX / GROUPS) as u64 {
            let readers = groups.readers(RoomKey(1 + room), &format!("public.{room}"));
            assert_eq!(readers.len(), GROUPS, "each is asked for all the same");
            assert!(remembered(&groups) <= 2 * (READERS_MAX + GROUPS));
        }
        let counted: usize = groups.known[0].values().map(|readers| readers.groups.len()).sum();
        assert_eq!(counted, groups.readers);
        numbers[1..].iter().for_each(|number| groups.leave(*number));
        assert!(remembered(&groups) < 2 * (READERS_MAX + GROUPS) / 10, "who is gone is forgotten");
        groups.leave(numbers[0]);
        assert_eq!((remembered(&groups), groups.readers), (0, 0));
    }
}
