//! What is written down for each arrival: the checker's books and the latency.
//!
//! Knows: items that came, when they were sent and when they came.
//! Must not know: sockets, senders' pace.

use hdrhistogram::Histogram;

use crate::check::Checker;
use crate::message::since;
use crate::report::histogram;
use crate::wire::Item;

/// In closed loop one latency of so many is recorded; odd, so that no window falls into step.
const SAMPLE_EVERY: u32 = 7;

/// The books of one round.
pub(crate) struct Books {
    /// Who has received what.
    pub(crate) checker: Checker,
    /// From sending to arrival, in nanoseconds.
    pub(crate) latency: Histogram<u64>,
    /// When a good message last arrived.
    pub(crate) last: u64,
    every: u32,
    skipped: u32,
}

impl Books {
    /// Empty ones; with `all`, every latency is recorded.
    pub(crate) fn new(checker: Checker, all: bool) -> Books {
        let every = if all { 1 } else { SAMPLE_EVERY };
        Books { checker, latency: histogram(), last: 0, every, skipped: 0 }
    }

    /// Writes down what came at a connection: a receiver's, or that of somebody who only sends.
    #[inline]
    pub(crate) fn enter(&mut self, receiver: Option<usize>, item: Item<'_>, now: u64) {
        match (item, receiver) {
            (Item::Message(message), Some(receiver)) => self.message(receiver, message, now),
            (Item::Message(message), None) => {
                self.broken(|| format!("a sender was told: {}", String::from_utf8_lossy(message)));
            }
            (Item::Gap(data), receiver) => {
                let data = String::from_utf8_lossy(data);
                self.checker.faults.gaps += 1;
                self.checker.faults.note(|| format!("receiver {receiver:?}: gap {data}"));
            }
            (Item::Departure | Item::Nothing | Item::Ping(_) | Item::Close(_), _) => {}
        }
    }

    #[inline]
    fn message(&mut self, receiver: usize, message: &[u8], now: u64) {
        let Some(at) = self.checker.receive(receiver, message) else { return };
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
        self.checker.faults.broken += 1;
        self.checker.faults.note(note);
    }
}
