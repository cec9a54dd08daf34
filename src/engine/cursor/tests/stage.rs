//! A hub where speakers say things in rooms.
//!
//! Knows: batches and visits.
//! Must not know: who reads.

use super::*;
use crate::bytes::Now;
use crate::hub::{ConnectionId, Entered, Hub, Sender, Turn};
use crate::limits::Limits;
use std::mem;
use std::time::Duration;

pub(super) const SPEAKERS: usize = 3;
const ROOMS: [&str; 3] = ["main", "a", "b"];

/// Who speaks in a room, one after the other.
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
    let audience = prop_oneof![Just(Audience::Subscribers), Just(Audience::Everyone)];
    let bytes = prop_oneof![3 => 0usize..40, 1 => 0usize..6000];
    (0..ROOMS.len(), audience, speakers, bytes).prop_map(|(room, audience, speakers, bytes)| {
        let bytes = bytes.min(40_000 / speakers.len());
        Batch { room, audience, speakers, bytes }
    })
}

pub(super) fn format() -> impl Strategy<Value = Format> {
    prop_oneof![
        2 => Just(Format::Events),
        1 => Just(Format::FullEvents),
        1 => Just(Format::Lines),
        2 => Just(Format::Frames),
        1 => Just(Format::DeflatedFrames),
    ]
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
        Sender { who: self.hub.who_keys().who(&id.to_string()), id, session: speaker as u64 }
    }

    pub(super) fn who(&self, speaker: usize) -> Who {
        self.sender(speaker).who
    }

    /// The hub's next turn; gives what is in the inbox.
    pub(super) fn commit(&mut self, batches: &[Batch]) -> Vec<Arc<Chunk>> {
        for batch in batches {
            let room = &self.rooms[batch.room];
            let (key, epoch) = ((room.key, Arc::clone(&room.name)), *self.hub.epoch());
            let held = self.hub.held_bytes();
            let mut open = crate::hub::Batch::new(key, batch.audience, epoch, held, 0);
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

    /// Which event of room `key` comes next.
    pub(super) fn ordinal(&self, key: RoomKey) -> u64 {
        let last = self.all.iter().rfind(|chunk| chunk.room() == key);
        last.map_or(0, |chunk| chunk.next_ordinal())
    }
}
