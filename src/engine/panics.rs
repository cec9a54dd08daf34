//! A panic while one connection is dealt with: it costs that connection, and no other.
//!
//! Knows: what has to be undone, and that panics are counted.
//! Must not know: what was done when it happened.
//!
//! Input, deadlines and names of one connection are dealt with in [`Engine::guarded`]. What all
//! connections of a core share (their lists, the door, deliveries) is not: after a panic there
//! nothing can be trusted, and the process ends. So it does if the panic came under the hub's lock,
//! whoever held it.

use super::Engine;
use super::conn::{Conn, State};
use super::desk::Desk;
use super::end::End;
use crate::bytes::ConnKey;
use std::panic::{AssertUnwindSafe, catch_unwind};

impl Engine {
    /// Lets `work` deal with one connection. `None`: it is gone, or `work` panicked. Then what it
    /// has published is taken back, and the connection is closed with 1011.
    #[inline]
    pub(super) fn guarded<T>(
        &mut self,
        key: ConnKey,
        work: impl FnOnce(&mut Conn, &mut Desk) -> T,
    ) -> Option<T> {
        let Engine { conns, desk } = self;
        let conn = conns.find_mut(key)?;
        desk.rooms.begin();
        let attaching = desk.attaching.len();
        // What `work` leaves half done is taken back or thrown away.
        let done = catch_unwind(AssertUnwindSafe(|| work(conn, desk)));
        if done.is_err() {
            self.end_panicked(key, attaching);
        }
        done.ok()
    }

    #[cold]
    fn end_panicked(&mut self, key: ConnKey, attaching: usize) {
        self.desk.rooms.cut_back();
        self.forget_change(key, attaching);
        let Engine { conns, desk } = self;
        desk.counters().panics.add(1);
        desk.give_back_arriving();
        let Some(conn) = conns.find_mut(key) else { return };
        conn.outbox.mend();
        conn.say_failure(desk);
        let was_closing = matches!(conn.state, State::Closing(_));
        self.end(key, if was_closing { End::LOST } else { End::PANIC });
    }
}

/// A place where a test can make the engine panic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trap {
    /// A request was read and is not answered.
    Request,
    /// A handshake has got all that it takes, and is not answered.
    Claimed,
    /// A connection has just become a WebSocket.
    Handshake,
    /// A message was appended to its room's batch.
    Published,
    /// An answer is begun in the outbox.
    HalfAnAnswer,
    /// A deadline has passed.
    Deadline,
}

/// Panics if a test has set this trap; nothing anywhere else.
#[inline(always)]
pub(super) fn trap(_here: Trap) {
    #[cfg(test)]
    tests::spring(_here);
}

#[cfg(test)]
pub(super) mod tests;
