//! What is written down for each arrival: the checker's books and the latency.
//!
//! Knows: items that came, when they were sent and when they came.
//! Must not know: sockets, senders' pace.

use hdrhistogram::Histogram;

use crate::check::{Checker, Faults};
use crate::message::since;
use crate::report::histogram;
use crate::wire::Item;

/// In closed loop one latency of so many is recorded; odd, so that no window falls into step.
const SAMPLE_EVERY: u32 = 7;

/// A receiver's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    /// The number of its room.
    pub(crate) room: usize,
    /// Its own number there.
    pub(crate) number: usize,
}

/// The books of one round.
pub(crate) struct Books {
    /// Who has received what, room by room.
    rooms: Vec<Checker>,
    /// How many send in each room; the first of all senders are those of the first room.
    senders: usize,
    /// What went wrong with connections.
    faults: Faults,
    /// From sending to arrival, in nanoseconds.
    pub(crate) latency: Histogram<u64>,
    /// When a good message last arrived.
    pub(crate) last: u64,
    every: u32,
    skipped: u32,
}

impl Books {
    /// Empty ones, of rooms with so many `senders` each; with `all`, every latency is recorded.
    pub(crate) fn new(rooms: Vec<Checker>, senders: usize, all: bool) -> Books {
        let every = if all { 1 } else { SAMPLE_EVERY };
        let faults = Faults::default();
        Books { rooms, senders, faults, latency: histogram(), last: 0, every, skipped: 0 }
    }

    /// Messages that arrived, over all receivers.
    pub(crate) fn delivered(&self) -> u64 {
        self.rooms.iter().map(Checker::delivered).sum()
    }

    /// All who should have everything of `sender` below this number.
    pub(crate) fn settled(&self, sender: usize) -> u64 {
        self.rooms[sender / self.senders].settled(sender % self.senders)
    }

    /// The senders that have more [`Books::settled`] than at the last call.
    pub(crate) fn take_moved(&mut self, into: &mut Vec<u32>) {
        let mut first = 0;
        for room in &mut self.rooms {
            let known = into.len();
            room.take_moved(into);
            into[known..].iter_mut().for_each(|sender| *sender += first);
            first += self.senders as u32;
        }
    }

    /// Closes the books: `sent` tells how many messages each sender has sent.
    pub(crate) fn finish(&mut self, sent: &[u64]) -> Faults {
        let mut faults = std::mem::take(&mut self.faults);
        let several = self.rooms.len() > 1;
        let rooms = self.rooms.iter_mut().zip(sent.chunks(self.senders));
        for (number, (room, sent)) in rooms.enumerate() {
            room.finish(sent);
            let tell = |note| if several { format!("room {number}, {note}") } else { note };
            faults.absorb(std::mem::take(&mut room.faults), tell);
        }
        faults
    }

    /// Writes down what came at a connection: a receiver's, or that of somebody who only sends.
    #[inline]
    pub(crate) fn enter(&mut self, seat: Option<Seat>, item: Item<'_>, now: u64) {
        match (item, seat) {
            (Item::Message(message), Some(seat)) => self.message(seat, message, now),
            (Item::Message(message), None) => {
                self.broken(|| format!("a sender was told: {}", String::from_utf8_lossy(message)));
            }
            (Item::Gap(data), seat) => {
                let data = String::from_utf8_lossy(data);
                self.faults.gaps += 1;
                self.faults.note(|| format!("{seat:?}: gap {data}"));
            }
            (Item::Departure | Item::Nothing | Item::Ping(_) | Item::Close(_), _) => {}
        }
    }

    #[inline]
    fn message(&mut self, seat: Seat, message: &[u8], now: u64) {
        let Some(at) = self.rooms[seat.room].receive(seat.number, message) else { return };
        self.last = now;
        self.skipped += 1;
        if self.skipped >= self.every {
            self.skipped = 0;
            self.latency.saturating_record(since(at, now));
        }
    }

    /// Something ended that should not, or a server said what it must not.
    #[cold]
    pub(crate) fn broken(&mut self, note: impl FnOnce() -> String) {
        self.faults.broken += 1;
        self.faults.note(note);
    }
}
