//! The one door: a core brings what it published and takes what its rooms got.
//!
//! Knows: the order in which a visit happens.
//! Must not know: why a core came.
//!
//! Nothing is encoded, freed or dropped under the lock: what falls out of a log leaves in
//! [`Turn::evicted`]. Nothing is allocated except when a list doubles.

use super::census::{Counts, Receipt};
use super::chunk::Chunk;
use super::directory::Handed;
use super::looks::Looks;
use super::name::{CoreSet, RoomKey, Who};
use super::{Hub, State};
use crate::bytes::{Now, Place, Tick};
use crate::sse::Sequence;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Which of a room's chunks a core wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interest {
    /// None: nobody there reads it.
    #[default]
    Nothing,
    /// Those that are for listeners: others read nothing there.
    Api,
    /// All of them.
    Everything,
}

/// A change in what a core has to do with a room.
#[derive(Clone, Copy, Debug)]
pub struct Follow {
    /// The room.
    pub room: RoomKey,
    /// What the core wants of it from now on.
    pub interest: Interest,
    /// How many more are in it there, or fewer.
    pub more: Counts,
    /// Set by the visit: the room's next event, counted from its first.
    pub ordinal: u64,
}

/// What a core brings to the door and takes away. Kept from turn to turn for its capacity.
#[derive(Debug)]
pub struct Turn {
    /// Brought: the core's number.
    pub core: u16,
    /// Brought: the time of this turn.
    pub now: Now,
    /// Brought: what it publishes, in order, closes behind messages.
    pub chunks: Vec<Arc<Chunk>>,
    /// Brought: chunks (room, first sequence) of which it made another format, and its bytes.
    pub charges: Vec<(RoomKey, Sequence, usize)>,
    /// Brought: names given up; close events are among `chunks`.
    pub released: Vec<(Who, Place)>,
    /// Brought: rooms that it has no user for any more.
    pub left: Vec<RoomKey>,
    /// Brought: changes in what it follows, before anything of this turn is committed.
    pub follows: Vec<Follow>,
    /// Brought: whether it follows every room.
    pub everything: bool,
    /// Brought: how many WebSockets it has.
    pub websockets: usize,
    /// Brought: how many event streams without any filter it has.
    pub readers: usize,

    /// Taken: what the rooms it follows got, in commit order.
    pub inbox: Vec<Arc<Chunk>>,
    /// Taken: the head before this visit's commits.
    pub before: Sequence,
    /// Taken: the head after them. The inbox, and those before it, hold everything up to here.
    pub seen: Sequence,
    /// Taken: other cores that have something in their inbox now.
    pub ring: CoreSet,
    /// Taken: names that changed hands.
    pub handed: Vec<Handed>,
    /// Taken: what fell out of the logs, to be dropped outside the lock.
    pub evicted: Vec<Arc<Chunk>>,
    /// Taken: what became of those of its chunks that the API published, in their order. The next
    /// visit forgets them.
    pub receipts: Vec<Receipt>,
    /// Taken: WebSockets on all cores.
    pub websockets_everywhere: usize,
}

impl Turn {
    /// For core `core`, with nothing in its hands.
    pub fn new(core: u16) -> Turn {
        Turn {
            core,
            now: Now { monotonic: Duration::ZERO, unix_ms: 0 },
            chunks: Vec::new(),
            charges: Vec::new(),
            released: Vec::new(),
            left: Vec::new(),
            follows: Vec::new(),
            everything: false,
            websockets: 0,
            readers: 0,
            inbox: Vec::new(),
            before: 0,
            seen: 0,
            ring: CoreSet::default(),
            handed: Vec::new(),
            evicted: Vec::new(),
            receipts: Vec::new(),
            websockets_everywhere: 0,
        }
    }
}

impl Hub {
    /// One core's visit.
    pub fn exchange(&self, turn: &mut Turn) {
        debug_assert!(turn.inbox.is_empty() && turn.handed.is_empty() && turn.evicted.is_empty());
        turn.receipts.clear();
        let mut state = self.lock();
        let core = turn.core as usize;
        state.directory.note_time(turn.now.unix_ms);
        state.follow(turn);
        turn.before = state.head;
        turn.ring = CoreSet::default();
        let mut chunks = mem::take(&mut turn.chunks);
        for chunk in chunks.drain(..) {
            // On one node a submitted batch is committed there and then. With a backplane it comes
            // back later, from wherever it was published, and is committed by the same function.
            let room = chunk.room();
            let ticket = chunk.ticket();
            let receivers = state.commit(chunk, turn.now);
            turn.ring = turn.ring.union(receivers);
            let first = state.head;
            turn.receipts.extend(ticket.map(|ticket| state.receipt(ticket, first, room)));
            state.evict_room(room, &mut turn.evicted);
        }
        turn.chunks = chunks;
        for (who, place) in turn.released.drain(..) {
            turn.handed.extend(state.directory.release(who, place));
        }
        for (room, first, bytes) in turn.charges.drain(..) {
            state.rooms.charge(room, first, bytes);
            state.evict_room(room, &mut turn.evicted);
        }
        state.evict(turn.now.monotonic, &mut turn.evicted);
        for room in turn.left.drain(..) {
            state.rooms.leave(room);
        }
        state.websockets[core] = turn.websockets;
        turn.websockets_everywhere = state.websockets.iter().sum();
        mem::swap(&mut state.inboxes[core], &mut turn.inbox);
        turn.seen = state.head;
        turn.ring.remove(turn.core);
        for receiver in turn.ring.iter() {
            self.waiting[receiver as usize].store(true, Ordering::SeqCst);
        }
        self.waiting[core].store(false, Ordering::SeqCst);
        if cfg!(debug_assertions) {
            state.check();
        }
    }
}

impl State {
    fn follow(&mut self, turn: &mut Turn) {
        for follow in &mut turn.follows {
            if let Some(room) = self.rooms.find_mut(follow.room) {
                follow.ordinal = room.next_ordinal;
                room.follow(turn.core, follow.interest);
                room.counts += follow.more;
                self.rooms.remove_if_unused(follow.room);
            }
        }
        self.readers[turn.core as usize] = turn.readers;
        if turn.everything {
            self.everything.insert(turn.core);
        } else {
            self.everything.remove(turn.core);
        }
    }

    /// Gives a chunk its numbers and hands it to its room's log and to every core that wants it.
    fn commit(&mut self, mut chunk: Arc<Chunk>, now: Now) -> CoreSet {
        let ordinal = self.rooms.find(chunk.room()).map_or(0, |room| room.next_ordinal);
        if let Some(unshared) = Arc::get_mut(&mut chunk) {
            unshared.number(self.head + 1, ordinal, now);
        } else {
            debug_assert!(false, "a chunk is shared only after its commit");
        }
        self.head = chunk.last();
        let receivers = self.rooms.log(&chunk).union(self.everything);
        for core in receivers.iter() {
            self.inboxes[core as usize].push(Arc::clone(&chunk));
        }
        self.commits.push(chunk);
        receivers
    }

    /// Takes out of the logs what is over a limit: of a room, of all rooms, of age.
    fn evict(&mut self, now: Duration, evicted: &mut Vec<Arc<Chunk>>) {
        let looked = Looks::of(&self.limits).last(Tick::at(now)).start();
        while let Some(oldest) = self.commits.oldest() {
            let is_old = oldest.at().monotonic + self.limits.log_age < looked;
            if !is_old && self.rooms.bytes() <= self.limits.node_log_bytes_max {
                break;
            }
            let room = oldest.room();
            if !self.evict_oldest(room, evicted) {
                debug_assert!(false, "the oldest chunk is its room's oldest");
                break;
            }
        }
    }

    /// Takes out of one room's log what is over that room's limits.
    fn evict_room(&mut self, key: RoomKey, evicted: &mut Vec<Arc<Chunk>>) {
        let (bytes_max, events_max) =
            (self.limits.room_log_bytes_max, self.limits.room_log_events_max);
        while self.rooms.find(key).is_some_and(|room| room.is_over(bytes_max, events_max)) {
            self.evict_oldest(key, evicted);
        }
    }

    pub(super) fn evict_oldest(&mut self, room: RoomKey, evicted: &mut Vec<Arc<Chunk>>) -> bool {
        let Some(chunk) = self.rooms.evict_oldest(room) else { return false };
        evicted.extend(self.commits.evict(chunk.last()));
        evicted.push(chunk);
        self.rooms.remove_if_unused(room);
        true
    }

    /// Checks what this module believes.
    pub(super) fn check(&self) {
        self.commits.check(self.head);
        self.rooms.check();
    }
}
