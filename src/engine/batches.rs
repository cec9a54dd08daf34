//! What is published this turn, room by room, until it is committed.
//!
//! Knows: batches, which of them are full, in which order they leave.
//! Must not know: who reads, connections' states, protocols.

use super::Engine;
use super::rooms::LocalRooms;
use crate::hub::{Api, Audience, Batch, Chunk, CloseEvent, Hub, Mark, Receipt, RoomKey, Sender};
use std::sync::Arc;

/// What is published in one room this turn.
#[derive(Debug, Default)]
pub(super) struct Batches {
    messages: Option<Batch>,
    closes: Option<Batch>,
    /// How large its last batch was: the next one makes room at once.
    expected: usize,
    /// For which connection it was last noted where the messages end.
    noted: u64,
}

impl Batches {
    fn is_empty(&self) -> bool {
        self.messages.is_none() && self.closes.is_none()
    }
}

/// What is published this turn, beside what rooms' batches still hold.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    /// Rooms in which something was published.
    touched: Vec<u32>,
    /// Where all ended when the connection that is dealt with began to be.
    begun: Begun,
    /// Batches that are full.
    sealed: Vec<Arc<Chunk>>,
    /// What the API published: each event for itself.
    api: Vec<Arc<Chunk>>,
}

impl Outgoing {
    pub(super) fn is_empty(&self) -> bool {
        self.touched.is_empty() && self.api.is_empty()
    }
}

/// What the API publishes.
#[derive(Clone, Copy, Debug)]
pub enum Said<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
}

/// A batch of the room `key`, called `name`, with room for `expected` bytes.
fn open(
    (key, name): (RoomKey, &Arc<str>),
    audience: Audience,
    hub: &Hub,
    expected: usize,
) -> Batch {
    Batch::new((key, Arc::clone(name)), audience, *hub.epoch(), hub.held_bytes(), expected)
}

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
        if room.batches.is_empty() {
            self.outgoing.touched.push(number);
        }
        self.outgoing.begun.note(number, &mut room.batches);
        // A chunk has one audience; a room may have relays and members at once.
        let ends = |batch: &mut Batch| batch.is_full_for(bytes) || batch.audience() != audience;
        let (key, name, batches) = (room.key(), &room.name, &mut room.batches);
        if let Some(full) = batches.messages.take_if(ends).filter(|full| !full.is_empty()) {
            batches.expected = full.bytes();
            self.outgoing.sealed.push(full.seal());
        }
        let expected = batches.expected;
        batches.messages.get_or_insert_with(|| {
            open((key, name), audience, hub, (expected + expected / 4).max(bytes + 256))
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
        if room.batches.is_empty() {
            self.outgoing.touched.push(number);
        }
        let room_of = (room.key(), &room.name);
        let closes = &mut room.batches.closes;
        let batch = closes.get_or_insert_with(|| open(room_of, Audience::SUBSCRIBERS, hub, 512));
        batch.push_close(sender, close);
    }

    /// Publishes what the API says in room `number`, to everybody there. Its receipt will have the
    /// ticket that `api` has.
    pub(super) fn publish_api(&mut self, number: u32, said: Said<'_>, api: Api, hub: &Hub) {
        let room = &self.rooms[number as usize];
        let bytes = match said {
            Said::Text(text) => text.len(),
            Said::Binary(bytes) => bytes.len(),
        };
        let mut batch = open((room.key(), &room.name), Audience::ALL, hub, bytes + 16);
        match said {
            Said::Text(text) => batch.push_text(&Sender::API, text.as_bytes()),
            Said::Binary(bytes) => batch.push_binary(&Sender::API, bytes),
        }
        batch.set_api(api);
        self.outgoing.api.push(batch.seal());
    }

    /// The same in the room `name`, whether or not this core has a user for it. Gives whether there
    /// is such a room, or could be made.
    #[must_use]
    pub(super) fn publish_api_in(
        &mut self,
        name: &str,
        said: Said<'_>,
        api: Api,
        hub: &Hub,
    ) -> bool {
        let Some(number) = self.enter(name, hub) else { return false };
        self.publish_api(number, said, api, hub);
        // It stays until all of this turn is committed.
        self.leave(number);
        true
    }

    /// Appends all that was published this turn to `chunks`: messages in order, what the API said,
    /// then closes.
    pub(super) fn seal(&mut self, chunks: &mut Vec<Arc<Chunk>>) {
        let LocalRooms { outgoing, rooms, .. } = self;
        chunks.append(&mut outgoing.sealed);
        for &number in &outgoing.touched {
            let batches = &mut rooms[number as usize].batches;
            if let Some(batch) = batches.messages.take().filter(|batch| !batch.is_empty()) {
                batches.expected = batch.bytes();
                chunks.push(batch.seal());
            }
        }
        chunks.append(&mut outgoing.api);
        for number in outgoing.touched.drain(..) {
            chunks.extend(rooms[number as usize].batches.closes.take().map(Batch::seal));
        }
    }
}

impl Engine {
    /// Publishes in the room `name` on behalf of no connection, as the API does. Gives whether
    /// there is such a room, or could be made.
    pub fn publish(&mut self, name: &str, said: Said<'_>, api: Api) -> bool {
        self.desk.rooms.publish_api_in(name, said, api, &self.desk.hub)
    }

    /// What became of what the API published, as of the last commit.
    pub fn receipts(&self) -> &[Receipt] {
        &self.desk.turn.receipts
    }
}

/// Taking back what a connection published whose handling panicked.
impl LocalRooms {
    /// A connection is dealt with from now on.
    #[inline]
    pub(super) fn begin(&mut self) {
        let Outgoing { begun, sealed, api, .. } = &mut self.outgoing;
        begun.turn += 1;
        (begun.sealed, begun.api) = (sealed.len(), api.len());
        begun.marks.clear();
    }

    /// Takes back what was published since [`LocalRooms::begin`], closes aside.
    pub(super) fn cut_back(&mut self) {
        let LocalRooms { outgoing, rooms, .. } = self;
        let Outgoing { begun, sealed, api, .. } = outgoing;
        api.truncate(begun.api);
        let mut newer = sealed.split_off(begun.sealed);
        for (number, mark) in begun.marks.drain(..) {
            let Some(room) = rooms.get_mut(number as usize) else { continue };
            let (key, batches) = (room.key(), &mut room.batches);
            // The first that became full since then is the one that was open then.
            let open = newer.iter().position(|chunk| chunk.room() == key);
            if let Some(chunk) = open.map(|at| newer.remove(at)).and_then(Arc::into_inner) {
                batches.messages = Some(Batch::reopen(chunk));
            }
            match mark {
                Some(mark) => batches.messages.iter_mut().for_each(|batch| batch.cut_back(mark)),
                None => batches.messages = None,
            }
        }
    }
}

/// Where what was published ended at some moment.
#[derive(Debug, Default)]
struct Begun {
    /// Counts connections that were dealt with.
    turn: u64,
    sealed: usize,
    api: usize,
    /// Rooms that were published in since then, and where their messages ended.
    marks: Vec<(u32, Option<Mark>)>,
}

impl Begun {
    /// Something is to be published in room `number`, whose batches are `batches`.
    #[inline]
    fn note(&mut self, number: u32, batches: &mut Batches) {
        if batches.noted != self.turn {
            batches.noted = self.turn;
            self.marks.push((number, batches.messages.as_ref().map(Batch::mark)));
        }
    }
}
