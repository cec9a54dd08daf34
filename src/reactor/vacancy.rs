//! Descriptors belong to all cores: who waits for one, and whether one has come free.
//!
//! Knows: which cores wait, a count, and when something was last complained of.
//! Must not know: what the descriptors are of.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// How often a lack of room is told, by all cores together.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(1);

/// What the cores tell each other about descriptors.
#[derive(Debug)]
pub(super) struct Vacancy {
    /// Whether each core waits for a descriptor.
    waiting: Box<[AtomicBool]>,
    /// Descriptors that came free while a core waited.
    freed: AtomicU64,
    /// When the next complaint is due, in milliseconds.
    complaint_at: AtomicU64,
}

/// One core's view of it.
#[derive(Debug)]
pub(super) struct Want {
    core: u16,
    is_waiting: bool,
    freed: u64,
}

impl Vacancy {
    /// What so many cores share.
    pub(super) fn new(cores: usize) -> Vacancy {
        let waiting = (0..cores).map(|_| AtomicBool::new(false)).collect();
        Vacancy { waiting, freed: AtomicU64::new(0), complaint_at: AtomicU64::new(0) }
    }

    /// A descriptor came free: `ring` is called for each core that waits for one.
    pub(super) fn note_freed(&self, ring: impl Fn(u16)) {
        let waits = |core: &usize| self.waiting[*core].load(Ordering::SeqCst);
        if (0..self.waiting.len()).any(|core| waits(&core)) {
            // Who begins to wait after this finds it before it sleeps.
            self.freed.fetch_add(1, Ordering::SeqCst);
            (0..self.waiting.len()).filter(waits).for_each(|core| ring(core as u16));
        }
    }

    /// Whether any core waits for a descriptor.
    pub(super) fn is_waited_for(&self) -> bool {
        self.waiting.iter().any(|waits| waits.load(Ordering::SeqCst))
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
    /// What `core` wants: nothing yet.
    pub(super) fn new(core: u16) -> Want {
        Want { core, is_waiting: false, freed: 0 }
    }

    /// This core waits for a descriptor, or does no more. One that comes free before this is noted
    /// is found by the gate's timer: its first pauses are short.
    pub(super) fn set(&mut self, is_waiting: bool, vacancy: &Vacancy) {
        if is_waiting != self.is_waiting {
            self.is_waiting = is_waiting;
            if is_waiting {
                self.freed = vacancy.freed.load(Ordering::SeqCst);
            }
            vacancy.waiting[self.core as usize].store(is_waiting, Ordering::SeqCst);
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
    use std::cell::RefCell;

    #[test]
    fn every_core_that_waits_hears_of_a_descriptor_once() {
        let vacancy = Vacancy::new(4);
        let free = || {
            let rung = RefCell::new(Vec::<u16>::new());
            vacancy.note_freed(|core| rung.borrow_mut().push(core));
            rung.into_inner()
        };
        let (mut one, mut other) = (Want::new(1), Want::new(3));
        assert!(free().is_empty());
        one.set(true, &vacancy);
        one.set(true, &vacancy);
        assert!(!one.is_met(&vacancy), "that was before");
        assert_eq!(free(), [1]);
        assert!(one.meet(&vacancy));
        other.set(true, &vacancy);
        assert!(!other.is_met(&vacancy), "so was that");
        assert_eq!(free(), [1, 3]);
        assert!(one.is_met(&vacancy) && one.meet(&vacancy) && other.is_met(&vacancy));
        assert!(!one.is_met(&vacancy) && !one.meet(&vacancy));
        one.set(false, &vacancy);
        assert_eq!(free(), [3]);
        assert!(!one.is_met(&vacancy) && other.meet(&vacancy));
        other.set(false, &vacancy);
        assert!(free().is_empty());
    }

    #[test]
    fn complaints_are_a_second_apart_whoever_makes_them() {
        let vacancy = Vacancy::new(2);
        let at = Duration::from_millis;
        let told: Vec<u64> = (0..4000).filter(|ms| vacancy.may_complain(at(ms + 7))).collect();
        assert_eq!(told, [0, 1000, 2000, 3000]);
        assert!(vacancy.may_complain(at(500_000)) && !vacancy.may_complain(at(500_000)));
    }
}
