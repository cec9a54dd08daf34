//! What the cores of one node share: logs, commit order, rooms, the directory of connections.
//!
//! Knows: rooms, chunks, sequences, who owns which `connectionId`; one mutex, held for
//! microseconds.
//! Must not know: connections' protocols, sockets, clocks, threads.
//!
//! A core that has published, or whose bell was rung, comes through [`Hub::exchange`] once a turn:
//! that is the one door. Whatever it brings gets its numbers there, and whatever the rooms it
//! follows got since its last visit, its own included, it takes away, in commit order. Nobody
//! delivers a chunk by a shorter way.
//!
//! Invariants, kept by `State::check` in debug builds: sequences are contiguous over the commit
//! list, holes included; a room's log is a subsequence of it; the bytes accounted for are the sum
//! of what is logged; a `connectionId` has one owner and at most one claimant; nobody is counted in
//! a room who is not on some core; the room that everybody is in is always there.

mod adopt;
mod audience;
mod batch;
mod census;
mod chunk;
mod commits;
mod departed;
mod directory;
mod door;
mod encoding;
mod fetch;
mod idempotency;
mod looks;
mod meant;
mod name;
mod room;
mod what;

pub use audience::{Audience, Class, Format, Taste};
pub use batch::{Batch, CloseEvent, EndedBy, Mark, Sender, push_wrapped};
pub use census::{Counts, Owner, Receipt, RoomInfo};
pub use chunk::{Api, Chunk, Encoding, Entry, PAYLOAD_BYTES_MAX};
pub use directory::{Claim, Handed, Standing};
pub use door::{Follow, Interest, Turn};
pub use encoding::is_own_object;
pub use fetch::{Piece, Wanted};
pub use idempotency::{Claimed, Kept, Repeat};
pub use looks::Looks;
pub use meant::Meaning;
pub use name::{ConnectionId, CoreSet, Identity, RoomKey, Who, WhoKeys};
pub use room::{EVERYONE, Entered};
pub use what::What;

use crate::limits::Limits;
use crate::sse::{Epoch, Sequence};
use commits::Commits;
use directory::Directory;
use idempotency::Keys;
use room::Rooms;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

/// The most cores that can share a hub: a set of them is one word.
pub const CORES_MAX: usize = 128;

/// What the cores of one node share.
#[derive(Debug)]
pub struct Hub {
    epoch: Epoch,
    who_keys: WhoKeys,
    /// Bytes of all chunks that anybody holds, in a log or not.
    held_bytes: Arc<AtomicUsize>,
    /// Bytes of request bodies that are still coming, of all cores.
    bodies_bytes: Arc<AtomicUsize>,
    /// For each core: whether its inbox has something. Written under the lock, read without.
    waiting: Box<[AtomicBool]>,
    /// Called before a panic under the lock ends the process.
    last_words: fn(),
    keys: Keys,
    state: Mutex<State>,
}

/// What the lock guards.
#[derive(Debug)]
struct State {
    limits: Limits,
    /// The number of the last event that was committed.
    head: Sequence,
    rooms: Rooms,
    commits: Commits,
    directory: Directory,
    /// What each core has not yet taken away.
    inboxes: Vec<Vec<Arc<Chunk>>>,
    /// The cores that follow every room.
    everything: CoreSet,
    /// WebSockets on each core, as it last said.
    websockets: Vec<usize>,
    /// Event streams on each core that read everything.
    readers: Vec<usize>,
}

/// What the logs hold, for whoever watches over them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Bytes in all logs, bookkeeping included.
    pub log_bytes: usize,
    /// Events in all logs.
    pub log_events: usize,
    /// Bytes of chunks that no log has any more, but a reader is still in the middle of.
    pub pinned_bytes: usize,
    /// Rooms that exist, beside the one that everybody is in.
    pub rooms: usize,
    /// `connectionId`s that somebody owns.
    pub registered: usize,
}

impl Hub {
    /// A hub for `cores` cores. `seed` comes from the operating system's random source: the epoch
    /// and the keys of all hashes of names are made of it. Sessions count on from `unix_ms`, so
    /// that they also grow over a restart.
    pub fn new(cores: usize, limits: &Limits, seed: [u64; 3], unix_ms: u64) -> Hub {
        assert!((1..=CORES_MAX).contains(&cores), "1 to {CORES_MAX} cores share a hub");
        let who_keys = WhoKeys::new(seed[1], seed[2]);
        Hub {
            // The word of the epoch shows some of its seed; what seals shows nothing of the keys.
            epoch: Epoch::sealed_by(seed[0], who_keys.others("event ids")),
            who_keys,
            held_bytes: Arc::default(),
            bodies_bytes: Arc::default(),
            waiting: (0..cores).map(|_| AtomicBool::new(false)).collect(),
            last_words: || {},
            keys: Keys::default(),
            state: Mutex::new(State {
                limits: limits.clone(),
                head: 0,
                rooms: Rooms::new(cores),
                commits: Commits::default(),
                directory: Directory::new(unix_ms),
                inboxes: (0..cores).map(|_| Vec::new()).collect(),
                everything: CoreSet::default(),
                websockets: vec![0; cores],
                readers: vec![0; cores],
            }),
        }
    }

    /// The same hub, which calls `words` before it ends the process.
    #[must_use]
    pub fn with_last_words(self, words: fn()) -> Hub {
        Hub { last_words: words, ..self }
    }

    /// The epoch of this hub's ids.
    pub fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// Hashes names to [`Who`]s.
    pub fn who_keys(&self) -> &WhoKeys {
        &self.who_keys
    }

    /// The account that chunks of this hub are held on.
    pub fn held_bytes(&self) -> &Arc<AtomicUsize> {
        &self.held_bytes
    }

    /// The account of request bodies that are still coming.
    pub fn bodies_bytes(&self) -> &Arc<AtomicUsize> {
        &self.bodies_bytes
    }

    /// Whether something waits for `core` behind the door.
    pub fn is_waiting(&self, core: u16) -> bool {
        self.waiting[core as usize].load(Ordering::SeqCst)
    }

    /// What the logs hold now.
    pub fn holdings(&self) -> Holdings {
        let state = self.lock();
        Holdings {
            log_bytes: state.rooms.bytes(),
            log_events: state.rooms.events(),
            pinned_bytes: self
                .held_bytes
                .load(Ordering::Relaxed)
                .saturating_sub(state.rooms.bytes()),
            rooms: state.rooms.len(),
            registered: state.directory.len(),
        }
    }

    /// Takes what one connection asks for, at once; see `Directory::claim`.
    pub fn claim(&self, who: Who, place: crate::bytes::Place, standing: Standing) -> Claim {
        self.lock().directory.claim(who, place, standing)
    }

    /// The same, but whoever has the name keeps it.
    pub fn claim_unowned(&self, who: Who, place: crate::bytes::Place, standing: Standing) -> Claim {
        self.lock().directory.claim_unowned(who, place, standing)
    }

    /// Core `core` has a user for the room `name`, which is made if there is none. `None` when
    /// there are as many rooms as there may be.
    pub fn enter(&self, name: &str) -> Option<Entered> {
        let mut state = self.lock();
        let rooms_max = state.limits.rooms_max;
        state.rooms.enter(name, rooms_max)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock leaves what all cores share half changed: nothing can be trusted
        // any more.
        self.state.lock().unwrap_or_else(|_| {
            (self.last_words)();
            std::process::abort()
        })
    }

    /// What a mistake of ours would do.
    #[cfg(test)]
    pub(crate) fn panic_under_the_lock(&self) {
        let _state = self.lock();
        panic!("on purpose");
    }
}

#[cfg(test)]
mod tests;
