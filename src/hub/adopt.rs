//! New limits for the logs.
//!
//! Knows: which logs have more than they may.
//! Must not know: where limits come from.

use super::chunk::Chunk;
use super::name::RoomKey;
use super::{Hub, State};
use crate::limits::Limits;
use std::sync::Arc;
use std::time::Duration;

/// Taken out under the lock in one go: no core is to wait for more.
const CHUNKS_AT_ONCE: usize = 64;

impl Hub {
    /// From now on `limits` hold. What the logs have too much is taken out a little at a time, so
    /// that nobody waits long at the door: this is not for a core to call.
    pub fn adopt(&self, limits: &Limits, now: Duration) {
        self.cut_back(limits, now);
        self.lock().limits = limits.clone();
        // What came meanwhile was kept by the old ones.
        self.cut_back(limits, now);
    }

    fn cut_back(&self, limits: &Limits, now: Duration) {
        let rooms = self.lock().rooms.keys();
        for room in rooms {
            self.trim(|state| {
                let (bytes_max, events_max) =
                    (limits.room_log_bytes_max, limits.room_log_events_max);
                let found = state.rooms.find(room)?;
                found.is_over(bytes_max, events_max).then_some(room)
            });
        }
        self.trim(|state| {
            let oldest = state.commits.oldest()?;
            let is_old = oldest.at().monotonic + limits.log_age < now;
            let is_over = state.rooms.bytes() > limits.node_log_bytes_max;
            (is_old || is_over).then(|| oldest.room())
        });
    }

    /// Takes the oldest chunk out of the room that `next` names, until it names none.
    fn trim(&self, next: impl Fn(&State) -> Option<RoomKey>) {
        let mut evicted: Vec<Arc<Chunk>> = Vec::with_capacity(2 * CHUNKS_AT_ONCE);
        loop {
            let mut state = self.lock();
            let taken = (0..CHUNKS_AT_ONCE).take_while(|_| {
                next(&state).is_some_and(|room| state.evict_oldest(room, &mut evicted))
            });
            let is_done = taken.count() < CHUNKS_AT_ONCE;
            if cfg!(debug_assertions) {
                state.check();
            }
            drop(state);
            // Freed where nobody waits.
            evicted.clear();
            if is_done {
                return;
            }
        }
    }
}
