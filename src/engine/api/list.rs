//! The list of connections: a walk through the slots of all cores, a part with each letter.
//!
//! Knows: cores and slots in their order, what a page may hold.
//! Must not know: HTTP beyond its problems, who waits for the page.
//!
//! A connection keeps its slot for as long as it is there. So one that is there from the first page
//! to the last is passed exactly once, whoever comes and goes meanwhile.

use super::super::Engine;
use super::super::answer::Problem;
use super::super::conn::{Conn, State};
use super::super::desk::Desk;
use super::super::letters::{Action, Letter};
use super::super::websocket::Name;
use super::ask::{Ask, Question};
use super::calls::CallKey;
use super::done::push_string;
use super::query::{self, Page};
use crate::hub::ConnectionId;
use crate::limits::{LISTED_SLOTS_MAX, PAGE_BYTES_MAX};
use std::sync::Arc;

/// Which connections are wanted.
#[derive(Debug, PartialEq, Eq)]
struct Filter {
    room: Option<String>,
    prefix: String,
}

impl Filter {
    fn wants(&self, conn: &Conn, desk: &Desk) -> bool {
        let State::WebSocket(websocket) = &conn.state else { return false };
        let Name::Owned(sender) = &websocket.name else { return false };
        let is_called = match &sender.id {
            ConnectionId::Name(name) => name.starts_with(&self.prefix),
            made => self.prefix.is_empty() || made.to_string().starts_with(&self.prefix),
        };
        let mut rooms = websocket.cursor.iter().flat_map(|cursor| cursor.scope.joined());
        let mut is_in = |room: &String| rooms.any(|own| *desk.rooms.room(*own).name == **room);
        is_called && self.room.as_ref().is_none_or(&mut is_in)
    }
}

/// A page that is being put together.
#[derive(Debug)]
pub(super) struct Listing {
    filter: Arc<Filter>,
    limit: usize,
    cores: u16,
    /// Where the page begins.
    began: Position,
    /// What comes next.
    at: Position,
    entries: Vec<u8>,
    count: usize,
}

/// A slot of a core, in the order of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Position {
    core: u16,
    slot: u32,
}

/// Asks a core for some of its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Walk {
    slot: u32,
    filter: Arc<Filter>,
    count_max: usize,
    bytes_max: usize,
}

/// Some of a core's connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Walked {
    entries: Vec<u8>,
    count: usize,
    /// The slot to go on with, if the core has more.
    next: Option<u32>,
}

impl Listing {
    pub(super) fn new(page: Page, cores: u16) -> Result<Listing, Problem> {
        let began = match page.after {
            None => Position::default(),
            Some(token) => Position::parse(&token, cores)
                .ok_or_else(|| query::bad("after", "is the \"next\" of the page before"))?,
        };
        let filter = Arc::new(Filter { room: page.room, prefix: page.prefix });
        let (entries, count) = (Vec::new(), 0);
        Ok(Listing { filter, limit: page.limit, cores, began, at: began, entries, count })
    }

    /// Takes what a core has said.
    fn take(&mut self, walked: &Walked) {
        if self.count > 0 && walked.count > 0 {
            self.entries.push(b',');
        }
        self.entries.extend_from_slice(&walked.entries);
        self.count += walked.count;
        self.at = match walked.next {
            Some(slot) => Position { slot, ..self.at },
            None => Position { core: self.at.core + 1, slot: 0 },
        };
    }

    /// Whether the page is full, or there is nothing more.
    pub(super) fn is_complete(&self) -> bool {
        let is_full = self.count >= self.limit || self.entries.len() >= PAGE_BYTES_MAX;
        is_full || self.at.core >= self.cores
    }

    /// Whether it has come any further than where it began.
    pub(super) fn has_come_on(&self) -> bool {
        self.at > self.began
    }

    /// The page, complete or not: what follows is on the next.
    pub(super) fn body(&self) -> Vec<u8> {
        let mut body = b"{\"connections\":[".to_vec();
        body.extend_from_slice(&self.entries);
        body.extend_from_slice(b"],\"next\":");
        if self.at.core < self.cores {
            push_string(&mut body, &self.at.token());
        } else {
            body.extend_from_slice(b"null");
        }
        body.push(b'}');
        body
    }
}

impl Position {
    fn token(self) -> String {
        format!("{:x}-{:x}", self.core, self.slot)
    }

    fn parse(token: &str, cores: u16) -> Option<Position> {
        let (core, slot) = token.split_once('-')?;
        let core = u16::from_str_radix(core, 16).ok()?;
        let position = Position { core, slot: u32::from_str_radix(slot, 16).ok()? };
        // A number can be spelt in other ways, but we never do.
        (position.token() == token && core < cores).then_some(position)
    }
}

impl Desk {
    /// Asks for the next part of a page.
    pub(super) fn walk_on(&mut self, call: CallKey) {
        let Some(listing) = self.calls.listing(call) else { return };
        let walk = Walk {
            slot: listing.at.slot,
            filter: Arc::clone(&listing.filter),
            count_max: listing.limit - listing.count,
            bytes_max: PAGE_BYTES_MAX - listing.entries.len(),
        };
        let core = listing.at.core;
        let ask = Ask { from: (self.core, call), task: 0, question: Question::Walk(walk) };
        self.actions.push_back(Action::Post(core, Letter::Ask(Box::new(ask))));
    }

    /// A core has said which connections it has.
    pub(super) fn take_walked(&mut self, call: CallKey, walked: &Walked) {
        let Some(listing) = self.calls.listing(call) else { return };
        listing.take(walked);
        if !listing.is_complete() {
            self.walk_on(call);
        }
    }

    /// How many cores there are to ask.
    pub(super) fn cores(&self) -> u16 {
        self.setup.counters.len() as u16
    }
}

impl Engine {
    /// Some of the connections from a slot on: never more than a letter may take of a turn.
    pub(super) fn walk(&mut self, walk: &Walk) -> Walked {
        let Engine { conns, desk } = self;
        let end = conns.slots_end();
        let upto = end.min(walk.slot.saturating_add(LISTED_SLOTS_MAX));
        let mut walked = Walked { entries: Vec::new(), count: 0, next: None };
        let mut slot = walk.slot;
        while slot < upto && walked.count < walk.count_max && walked.entries.len() < walk.bytes_max
        {
            let conn = conns.in_slot(slot).map(|(_, conn)| conn);
            slot += 1;
            // Most are not wanted, and only who is gets described.
            let wanted = conn.filter(|conn| walk.filter.wants(conn, desk));
            let Some(found) = wanted.and_then(|conn| conn.describe(desk)) else { continue };
            if walked.count > 0 {
                walked.entries.push(b',');
            }
            found.push_json(&mut walked.entries);
            walked.count += 1;
        }
        walked.next = (slot < end).then_some(slot);
        walked
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_tokens_are_read() {
        for position in [(0, 0), (1, 0x1f), (1, u32::MAX)] {
            let position = Position { core: position.0, slot: position.1 };
            assert_eq!(Position::parse(&position.token(), 2), Some(position));
        }
        for token in [
            "",
            "-",
            "0",
            "0-",
            "-0",
            "0-+1",
            "+0-1",
            "00-1",
            "0-01",
            "0-A",
            "2-0",
            "x-0",
            "0-100000000",
            "0-0-0",
            " 0-0",
        ] {
            assert_eq!(Position::parse(token, 2), None, "{token:?}");
        }
    }
}
