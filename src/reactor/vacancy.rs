//! Descriptors belong to all cores: who waits for one, and whether one has come free.
//!
//! Knows: two counts, and when something was last complained of.
//! Must not know: what the descriptors are of.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// How often a lack of room is told, by all cores together.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(1);

/// What the cores tell each other about descriptors.
#[derive(Debug, Default)]
pub(super) struct Vacancy {
    /// Cores that wait for a descriptor.
    waiting: AtomicUsize,
    /// Descriptors that came free while a core waited.
    freed: AtomicU64,
    /// When the next complaint is due, in milliseconds.
    complaint_at: AtomicU64,
}

/// One core's view of it.
#[derive(Debug, Default)]
pub(super) struct Want {
    is_waiting: bool,
    freed: u64,
}

impl Vacancy {
    /// Whether somebody is to be told of a descriptor that came free.
    pub(super) fn is_wanted(&self) -> bool {
        self.waiting.load(Ordering::SeqCst) > 0
    }

    /// One came free. Whoever waits looks after its bell has rung.
    pub(super) fn note_freed(&self) {
        self.freed.fetch_add(1, Ordering::SeqCst);
    }

    /// Whether a lack of room is to be told at `now`.
    pub(super) fn may_complain(&self, now: Duration) -> bool {
        let now = now.as_millis() as u64;
        let next = now + COMPLAINT_INTERVAL.as_millis() as u64;
        let due = self.complaint_at.load(Ordering::Relaxed);
        let swap = |due| {
            self.complaint_at.compare_exchange(due, next, Ordering::Relaxed, Ordering::Relaxed)
        };
        due <= now && swap(due).is_ok()
    }
}

impl Want {
    /// This core waits for a descriptor, or does no more. One that comes free before this is noted
    /// is found by the gate's timer: its first pauses are short.
    pub(super) fn set(&mut self, is_waiting: bool, vacancy: &Vacancy) {
        if is_waiting != self.is_waiting {
            self.is_waiting = is_waiting;
            if is_waiting {
                self.freed = vacancy.freed.load(Ordering::SeqCst);
                vacancy.waiting.fetch_add(1, Ordering::SeqCst);
            } else {
                vacancy.waiting.fetch_sub(1, Ordering::SeqCst);
            }
        }
    }

    /// Whether a descriptor has come free that this core has not asked for yet.
    pub(super) fn is_met(&self, vacancy: &Vacancy) -> bool {
        self.is_waiting && vacancy.freed.load(Ordering::SeqCst) != self.freed
    }

    /// Like [`Want::is_met`], once.
    pub(super) fn meet(&mut self, vacancy: &Vacancy) -> bool {
        // Looked at once: what comes free between two looks would be lost.
        let freed = vacancy.freed.load(Ordering::SeqCst);
        let is_met = self.is_waiting && freed != self.freed;
        self.freed = freed;
        is_met
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_core_that_waits_hears_of_a_descriptor_once() {
        let vacancy = Vacancy::default();
        let (mut one, mut other) = (Want::default(), Want::default());
        assert!(!vacancy.is_wanted());
        vacancy.note_freed();
        one.set(true, &vacancy);
        one.set(true, &vacancy);
        assert!(vacancy.is_wanted() && !one.is_met(&vacancy), "that was before");
        other.set(true, &vacancy);
        vacancy.note_freed();
        assert!(one.is_met(&vacancy) && one.meet(&vacancy) && other.is_met(&vacancy));
        assert!(!one.is_met(&vacancy) && !one.meet(&vacancy));
        one.set(false, &vacancy);
        vacancy.note_freed();
        assert!(!one.is_met(&vacancy) && other.meet(&vacancy) && vacancy.is_wanted());
        other.set(false, &vacancy);
        assert!(!vacancy.is_wanted());
    }

    #[test]
    fn complaints_are_a_second_apart_whoever_makes_them() {
        let vacancy = Vacancy::default();
        let at = Duration::from_millis;
        let told: Vec<u64> = (0..4000).filter(|ms| vacancy.may_complain(at(ms + 7))).collect();
        assert_eq!(told, [0, 1000, 2000, 3000]);
        assert!(vacancy.may_complain(at(500_000)) && !vacancy.may_complain(at(500_000)));
    }
}
