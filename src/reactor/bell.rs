//! The bell: how one core wakes another, once, and never in vain.
//!
//! Knows: one flag, and something that wakes.
//! Must not know: what there is to look at.
//!
//! Whoever leaves something for a core rings after it has left it. The core, before it sleeps,
//! falls silent and *then* looks once more. All is sequentially consistent, so one of the two sees
//! the other: either the ringer finds the flag down and wakes, or the core finds what was left.
//! Nobody else touches a waker.

#[cfg(loom)]
use loom::sync::atomic::{AtomicBool, Ordering};
#[cfg(not(loom))]
use std::sync::atomic::{AtomicBool, Ordering};

/// What a bell does when it is heard.
pub(super) trait Wake {
    /// Makes the core's sleep end.
    fn wake(&self);
}

impl Wake for mio::Waker {
    fn wake(&self) {
        if let Err(error) = mio::Waker::wake(self) {
            log::error!("a core could not be woken: {error}");
        }
    }
}

/// One core's bell.
#[derive(Debug)]
pub(super) struct Bell<W> {
    /// Somebody has rung, or the core is awake: ringing does nothing.
    rung: AtomicBool,
    waker: W,
}

impl<W: Wake> Bell<W> {
    /// The bell of a core that is awake.
    pub(super) fn new(waker: W) -> Bell<W> {
        Bell { rung: AtomicBool::new(true), waker }
    }

    /// For who has left something: wakes the core if it may not see it otherwise.
    pub(super) fn ring(&self) {
        if !self.rung.swap(true, Ordering::SeqCst) {
            self.waker.wake();
        }
    }

    /// For the core, before it sleeps: whether it may. `is_there` looks at all that may have been
    /// left.
    pub(super) fn may_sleep(&self, is_there: impl Fn() -> bool) -> bool {
        // Swapped, not stored: a read-modify-write meets the last value that anybody wrote.
        self.rung.swap(false, Ordering::SeqCst);
        if is_there() {
            self.awake();
            return false;
        }
        true
    }

    /// For the core, after it has slept.
    pub(super) fn awake(&self) {
        self.rung.swap(true, Ordering::SeqCst);
    }
}

#[cfg(all(test, loom))]
mod tests {
    use super::*;
    use loom::sync::{Arc, Condvar, Mutex};
    use loom::thread;

    /// Sleeps like a poll: until it is woken, and a wake before the sleep counts.
    #[derive(Debug, Default)]
    struct Sleeper {
        woken: Mutex<bool>,
        changed: Condvar,
    }

    impl Wake for Arc<Sleeper> {
        fn wake(&self) {
            *self.woken.lock().unwrap() = true;
            self.changed.notify_one();
        }
    }

    impl Sleeper {
        fn sleep(&self) {
            let mut woken = self.woken.lock().unwrap();
            while !*woken {
                woken = self.changed.wait(woken).unwrap();
            }
            *woken = false;
        }
    }

    /// If a ring could be lost, the core would sleep for ever and loom would report the deadlock.
    #[test]
    fn nothing_that_was_left_is_slept_over() {
        let mut model = loom::model::Builder::new();
        // Two ringers and a sleeper go wrong with two preemptions if they go wrong at all; without
        // a bound the search takes minutes.
        model.preemption_bound = Some(3);
        model.check(|| {
            let sleeper = Arc::new(Sleeper::default());
            let bell = Arc::new(Bell::new(Arc::clone(&sleeper)));
            let left = Arc::new(Mutex::new(0));
            let ringers: Vec<_> = (0..2)
                .map(|_| {
                    let (bell, left) = (Arc::clone(&bell), Arc::clone(&left));
                    thread::spawn(move || {
                        *left.lock().unwrap() += 1;
                        bell.ring();
                    })
                })
                .collect();
            let mut taken = 0;
            while taken < 2 {
                if bell.may_sleep(|| *left.lock().unwrap() > 0) {
                    sleeper.sleep();
                    bell.awake();
                }
                taken += std::mem::take(&mut *left.lock().unwrap());
            }
            for ringer in ringers {
                ringer.join().unwrap();
            }
        });
    }
}
