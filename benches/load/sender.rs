//! A sender and its pace: how many messages by now, and with which time in them.
//!
//! Knows: messages, the time they are due.
//! Must not know: sockets, receivers.

use crate::message::{Batch, Dress, Layout};

/// As much as a server that shares its time out takes from one connection at once.
const BATCH_BYTES: usize = 64 * 1024;

/// How fast senders send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// At most so many messages that some receiver still lacks.
    Window(u64),
    /// One message of any sender every so many nanoseconds from a time on, come what may.
    Rate {
        /// When the first one is due.
        from: u64,
        /// The time between two.
        every: f64,
    },
}

/// One of several senders.
pub(crate) struct Sender {
    index: u64,
    senders: u64,
    /// The messages that are being written.
    pub(crate) batch: Batch,
    /// How many were put into it so far.
    pub(crate) sent: u64,
}

impl Sender {
    /// The one with this index.
    pub(crate) fn new(
        layout: &Layout,
        dress: Dress,
        index: usize,
        senders: usize,
        pace: Pace,
    ) -> Sender {
        let most = (BATCH_BYTES / layout.size()).max(1);
        let capacity = match pace {
            Pace::Window(window) => most.min(window as usize),
            Pace::Rate { .. } => most,
        };
        let batch = Batch::new(layout, dress, index, capacity);
        Sender { index: index as u64, senders: senders as u64, batch, sent: 0 }
    }

    /// How many messages it may have sent by now; all receivers have the first `settled`.
    pub(crate) fn allowed(&self, pace: Pace, settled: u64, now: u64) -> u64 {
        match pace {
            Pace::Window(window) => settled + window,
            Pace::Rate { from, every } => {
                // The senders take turns: this one's are `index`, `index + senders` and so on.
                let due = (now.saturating_sub(from) as f64 / every) as u64;
                (due + self.senders).saturating_sub(self.index) / self.senders
            }
        }
    }

    /// Puts the next messages into the batch, as many as it takes of `most`.
    pub(crate) fn fill(&mut self, pace: Pace, most: u64, now: u64) {
        let count = self.batch.capacity().min(most as usize);
        let (index, senders) = (self.index, self.senders);
        match pace {
            Pace::Window(_) => self.batch.fill(self.sent, count, |_| now),
            // The time at which it was due: waiting for a full socket counts.
            Pace::Rate { from, every } => self.batch.fill(self.sent, count, |number| {
                from + ((number * senders + index) as f64 * every) as u64
            }),
        }
        self.sent += count as u64;
    }
}
