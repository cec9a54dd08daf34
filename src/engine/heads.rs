//! What waits before it is known who sent it: heads that have begun and not ended.
//!
//! Knows: how much of them is kept, and who has waited longest.
//! Must not know: what is in them.
//!
//! Each core has its share of what the node may keep; nothing is asked of the others. A head that
//! comes in one piece is never kept, and does not come by here. Of what has to be kept, that which
//! has waited longest goes first when there is too much: who sends heads that never end makes room
//! for who comes later and ends one.

use super::Engine;
use super::answer::Problem;
use super::conn::{Conn, State};
use super::desk::Desk;
use super::end::End;
use super::http::Doing;
use crate::bytes::ConnKey;
use crate::http::{Status, Terms};
use crate::limits::Limits;
use std::collections::VecDeque;

const TOO_MANY_HEADS: Problem = Problem::refusal(
    Status::ServiceUnavailable,
    "too-many-heads",
    "Too many requests wait for their heads to end (--node-heads), and this one has waited \
     longest; try again.",
);

/// So many may be in the queue who wait no more before they are looked for.
const SPARSE_MIN: usize = 64;

/// What one core keeps of unfinished heads.
#[derive(Debug, Default)]
pub(super) struct Heads {
    /// All that is kept.
    bytes: usize,
    /// As much as may be.
    share: usize,
    /// Who began to wait, in that order. Of some it is true no more: their places are others.
    queue: VecDeque<(ConnKey, Waiting)>,
    /// The last place that was given.
    last: u64,
    /// When the queue is this long, those who wait no more are taken out.
    sparse_at: usize,
}

/// A place in the queue; no two are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Waiting(u64);

/// What one connection has in there.
#[derive(Debug, Default)]
pub(super) struct Held {
    bytes: usize,
    /// Its place in the queue, while it waits.
    waiting: Option<Waiting>,
}

impl Held {
    /// Its next head has not waited as long as this one.
    pub(super) fn begin_anew(&mut self) {
        self.waiting = None;
    }
}

impl Heads {
    /// Nothing is kept yet.
    pub(super) fn of(limits: &Limits, cores: usize) -> Heads {
        let mut heads = Heads::default();
        heads.set_share(limits, cores);
        heads
    }

    /// `cores` share what `limits` allow. Whatever those say, two of the longest heads fit.
    pub(super) fn set_share(&mut self, limits: &Limits, cores: usize) {
        self.share = (limits.node_heads_bytes_max / cores.max(1)).max(2 * limits.head_bytes_max);
    }

    /// Counts what the connection has kept no more.
    pub(super) fn release(&mut self, held: &mut Held) {
        self.bytes -= std::mem::take(&mut held.bytes);
    }

    /// Counts `bytes` that the connection keeps, of which none are counted.
    pub(super) fn hold(&mut self, key: ConnKey, held: &mut Held, bytes: usize) {
        debug_assert_eq!(held.bytes, 0, "what is counted is released first");
        held.bytes = bytes;
        self.bytes += bytes;
        if bytes == 0 {
            held.waiting = None;
        } else if held.waiting.is_none() {
            self.last += 1;
            let waiting = Waiting(self.last);
            held.waiting = Some(waiting);
            self.queue.push_back((key, waiting));
        }
    }

    /// Whether there is anything to be done about it.
    fn wants_attention(&self) -> bool {
        self.bytes > self.share || self.queue.len() > self.sparse_at.max(SPARSE_MIN)
    }
}

impl Engine {
    /// Sends away who has waited longest, until there is no more than may be.
    pub(super) fn shed_heads(&mut self) {
        if !self.desk.heads.wants_attention() {
            return;
        }
        while self.desk.heads.bytes > self.desk.heads.share {
            let Some((key, waiting)) = self.desk.heads.queue.pop_front() else { break };
            if self.conns.find(key).is_some_and(|conn| conn.waits_at(waiting)) {
                self.guarded(key, Conn::say_shed);
                self.end(key, End::ANSWERED);
            }
        }
        let Engine { conns, desk } = self;
        let waits = |(key, waiting): &(ConnKey, Waiting)| {
            conns.find(*key).is_some_and(|conn| conn.waits_at(*waiting))
        };
        let queue = &mut desk.heads.queue;
        if queue.len() > desk.heads.sparse_at.max(SPARSE_MIN) {
            queue.retain(waits);
            // So often that each is looked at twice at most, on average.
            desk.heads.sparse_at = 2 * queue.len();
        }
    }
}

impl Doing {
    /// Whether it is not known yet who sent what is kept: a head is not there whole, or somebody
    /// is asked about it.
    fn is_of_nobody(&self) -> bool {
        match self {
            Doing::Asking | Doing::Vetting(_) => true,
            Doing::Skipping(..) | Doing::Collecting(_) | Doing::Waiting(_) => false,
        }
    }
}

impl Conn {
    /// Counts what it keeps from now on, if it is not known who sent that.
    pub(super) fn hold_head(&mut self, desk: &mut Desk, key: ConnKey) {
        let State::Http(http) = &mut self.state else { return };
        let is_unknown = http.doing.is_of_nobody();
        if is_unknown && self.partial.capacity() > 2 * self.partial.len() {
            // Behind requests that were answered: their room is no longer needed.
            self.partial.shrink_to_fit();
        }
        let bytes = if is_unknown { self.partial.capacity() } else { 0 };
        desk.heads.hold(key, &mut http.held, bytes);
    }

    /// What it kept is used or thrown away, or counted anew.
    pub(super) fn release_head(&mut self, desk: &mut Desk) {
        if let State::Http(http) = &mut self.state {
            desk.heads.release(&mut http.held);
        }
    }

    fn waits_at(&self, waiting: Waiting) -> bool {
        matches!(&self.state, State::Http(http) if http.held.waiting == Some(waiting))
    }

    fn say_shed(&mut self, desk: &mut Desk) {
        desk.counters().heads_shed.add(1);
        let terms = Terms::of_broken(&self.partial);
        self.problem(desk, terms, &TOO_MANY_HEADS);
        self.tell_unread(desk);
    }
}

#[cfg(test)]
mod tests;
