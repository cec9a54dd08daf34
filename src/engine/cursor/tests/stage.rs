//! A hub where speakers say things in rooms.
//!
//! Knows: batches and visits.
//! Must not know: who reads.

use super::*;
use crate::bytes::Now;
use crate::hub::{Api, Audience, ConnectionId, EVERYONE, Entered, Hub, Sender, Turn};
use crate::limits::Limits;
use std::mem;
use std::time::Duration;

pub(super) const SPEAKERS: usize = 3;
const ROOMS: [&str; 4] = ["main", "a", "b", EVERYONE];

/// Who speaks in a room, one after the other; what is for all the API says, and they do not get it.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    pub(super) room: usize,
    pub(super) audience: Audience,
    pub(super) speakers: Vec<usize>,
    /// How long what they say is.
    pub(super) bytes: usize,
}

pub(super) fn batch() -> impl Strategy<Value = Batch> {
    let speakers = prop_oneof![
        6 => prop::collection::vec(0..SPEAKERS, 1..12),
        // More runs than one write has places.
        1 => prop::collection::vec(0..SPEAKERS, 100..250),
    ];
    let audience = prop_oneof![
        3 => Just(Audience::SUBSCRIBERS),
        3 => Just(Audience::BROADCAST),
        1 => Just(Audience::MEMBERS),
        2 => Just(Audience::ALL),
    ];
    let bytes = prop_oneof![3 => 0usize..40, 1 => 0usize..6000];
    (0..ROOMS.len(), audience, speakers, bytes).prop_map(|(room, audience, speakers, bytes)| {
        let bytes = bytes.min(40_000 / speakers.len());
        Batch { room, audience, speakers, bytes }
    })
}

pub(super) fn taste() -> impl Strategy<Value = Taste> {
    prop::sample::select(Taste::ALL.to_vec())
}

pub(super) struct Stage {
    pub(super) hub: Hub,
    pub(super) turn: Turn,
    pub(super) rooms: Vec<Entered>,
    /// All that was ever committed.
    pub(super) all: Vec<Arc<Chunk>>,
    said: u64,
}

impl Stage {
    pub(super) fn new(limits: &Limits) -> Stage {
        let hub = Hub::new(1, limits, [7, 8, 9], 0);
        let rooms = ROOMS.map(|name| hub.enter(name).expect("there is room")).to_vec();
        let mut turn = Turn::new(0);
        turn.everything = true;
        Stage { hub, turn, rooms, all: Vec::new(), said: 0 }
    }

    fn sender(&self, speaker: usize) -> Sender {
        let id = ConnectionId::Name(format!("speaker {speaker}").into());
        Sender { who: self.hub.who_keys().who(&id.to_string()), id, session: speaker as u64 + 1 }
    }

    pub(super) fn who(&self, speaker: usize) -> Who {
        self.sender(speaker).who
    }

    /// What leaves out what a speaker has said.
    pub(super) fn own(&self, speaker: usize) -> Own {
        Own { session: self.sender(speaker).session, messages: true }
    }

    /// Whether that leaves out what `who` has said.
    pub(super) fn is_own(&self, who: Who, own: Option<Own>) -> bool {
        let said = (0..SPEAKERS).find(|speaker| self.who(*speaker) == who);
        own.is_some_and(|own| said.map(|speaker| self.own(speaker)) == Some(own))
    }

    /// The hub's next turn; gives what is in the inbox.
    pub(super) fn commit(&mut self, batches: &[Batch]) -> Vec<Arc<Chunk>> {
        for batch in batches {
            let room = &self.rooms[batch.room];
            let (key, epoch) = ((room.key, Arc::clone(&room.name)), *self.hub.epoch());
            let held = self.hub.held_bytes();
            let mut open = crate::hub::Batch::new(key, batch.audience, epoch, held, 0);
            if batch.audience == Audience::ALL {
                self.said += 1;
                open.push_text(&Sender::API, &vec![b'x'; batch.bytes]);
                let except = batch.speakers.iter().map(|speaker| self.who(*speaker)).collect();
                open.set_api(Api { ticket: self.said, except });
                self.turn.chunks.push(open.seal());
                continue;
            }
            for &speaker in &batch.speakers {
                self.said += 1;
                let text = format!("{{\"n\":{},\"x\":\"{}\"}}", self.said, "x".repeat(batch.bytes));
                open.push_text(&self.sender(speaker), text.as_bytes());
            }
            self.turn.chunks.push(open.seal());
        }
        let time = Duration::from_millis(self.said);
        self.turn.now = Now { monotonic: time, unix_ms: self.said };
        self.hub.exchange(&mut self.turn);
        self.turn.evicted.clear();
        self.all.extend_from_slice(&self.turn.inbox);
        mem::take(&mut self.turn.inbox)
    }

    /// The chunks for readers of `class` in `rooms` that no log has any more.
    pub(super) fn gone(&self, rooms: &[RoomKey], class: Class) -> Vec<&Arc<Chunk>> {
        let mut pieces = VecDeque::new();
        let seen = self.turn.seen;
        let wanted =
            Cursor::wants(&Lag { next: 1, ..Lag::default() }, class, Some(rooms), (seen, seen));
        self.hub.fetch(wanted, &mut pieces, usize::MAX);
        let is_there = |chunk: &Arc<Chunk>| {
            pieces.iter().any(|piece| matches!(piece, Piece::Chunk(one) if Arc::ptr_eq(one, chunk)))
        };
        let of_theirs = |chunk: &&Arc<Chunk>| rooms.contains(&chunk.room()) && chunk.is_for(class);
        self.all.iter().filter(of_theirs).filter(|chunk| !is_there(chunk)).collect()
    }

    /// Which event of room `key` comes next.
    pub(super) fn ordinal(&self, key: RoomKey) -> u64 {
        let last = self.all.iter().rfind(|chunk| chunk.room() == key);
        last.map_or(0, |chunk| chunk.next_ordinal())
    }
}
