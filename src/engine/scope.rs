//! Which events a reader wants.
//!
//! Knows: rooms and groups by their numbers, connections by their hashes.
//! Must not know: chunks, positions.

use super::reach::GroupNumber;
use crate::hub::{RoomKey, Who};

/// Which events a reader wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// All of this node.
    All,
    /// All of one room: its number on this core.
    Room(u32),
    /// All that is in a reach.
    Group(GroupNumber),
    /// All of several rooms, or those of some connections.
    Selected(Box<Selected>),
}

/// A filter that no list serves as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selected {
    /// Rooms by their numbers on this core; empty: all rooms, or those of the group.
    pub(super) rooms: Vec<u32>,
    /// Whose rooms are meant if none is named; nobody's: all.
    pub(super) group: Option<GroupNumber>,
    /// Those rooms' keys.
    pub(super) keys: Vec<RoomKey>,
    /// Connections; empty: all of them.
    pub(super) whos: Vec<Who>,
    /// The places in the rooms' lists of a live cursor that names no connections.
    pub(super) places: Vec<u32>,
}

impl Scope {
    /// The group whose rooms it is about.
    pub(super) fn group(&self) -> Option<GroupNumber> {
        match self {
            Scope::Group(group) => Some(*group),
            Scope::Selected(selected) => selected.group,
            Scope::All | Scope::Room(_) => None,
        }
    }
}
