//! The policy that is in force: posted once, adopted by every core in a turn of its own.
//!
//! Knows: which policy is the latest, which cores have yet to adopt it.
//! Must not know: what it says.

use crate::engine::Policy;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Where a new policy is posted for the cores.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// The number of the latest. Written under the lock, read without.
    latest: AtomicU64,
    posted: Mutex<Posted>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Posted {
    policy: Option<Arc<Policy>>,
    number: u64,
    /// Cores that go by an older one.
    behind: usize,
    /// Nobody adopts anything any more.
    closed: bool,
}

impl Rules {
    /// For a core that goes by number `mine`: whether there is a later one.
    pub(super) fn is_later(&self, mine: u64) -> bool {
        self.latest.load(Ordering::SeqCst) != mine
    }

    /// The latest, with its number; nothing has been posted yet if there is none.
    pub(super) fn latest(&self) -> Option<(u64, Arc<Policy>)> {
        let posted = self.lock();
        posted.policy.as_ref().map(|policy| (posted.number, Arc::clone(policy)))
    }

    /// A core has adopted number `number`.
    pub(super) fn note_adopted(&self, number: u64) {
        let mut posted = self.lock();
        if posted.number == number {
            posted.behind = posted.behind.saturating_sub(1);
            self.changed.notify_all();
        }
    }

    /// Posts `policy` for `cores` cores, which `ring` wakes, and waits until all go by it. Gives
    /// whether they do: cores that stop have no use for it.
    pub(super) fn post(&self, policy: Arc<Policy>, cores: usize, ring: impl FnOnce()) -> bool {
        let mut posted = self.lock();
        posted.policy = Some(policy);
        posted.number += 1;
        posted.behind = cores;
        self.latest.store(posted.number, Ordering::SeqCst);
        drop(posted);
        ring();
        let waits = |posted: &mut Posted| posted.behind > 0 && !posted.closed;
        let posted = self.changed.wait_while(self.lock(), waits);
        posted.unwrap_or_else(PoisonError::into_inner).behind == 0
    }

    /// Nobody needs to wait for the cores any more.
    pub(super) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Posted> {
        // Nothing that is done under it can panic half-way.
        self.posted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::thread;

    #[test]
    fn a_post_waits_for_every_core() {
        let rules = Rules::default();
        assert!(!rules.is_later(0) && rules.latest().is_none());
        let rung = Barrier::new(2);
        thread::scope(|scope| {
            let post = || rules.post(Arc::default(), 2, || _ = rung.wait());
            let posting = scope.spawn(post);
            rung.wait();
            assert!(rules.is_later(0));
            let (number, _) = rules.latest().expect("it was posted");
            rules.note_adopted(number);
            rules.note_adopted(number - 1);
            assert!(!posting.is_finished(), "one has yet to adopt it");
            rules.note_adopted(number);
            assert!(posting.join().expect("no panic"));
            assert!(!rules.is_later(number));
        });
    }

    #[test]
    fn nobody_waits_for_cores_that_stop() {
        let rules = Rules::default();
        assert!(!rules.post(Arc::default(), 2, || rules.close()));
    }
}
