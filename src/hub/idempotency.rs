//! Requests that may come twice: which keys are in use, and what was answered under them.
//!
//! Knows: keys, fingerprints of requests, answers as bytes, ages.
//! Must not know: HTTP, who asks, clocks.
//!
//! It has a lock of its own: nobody comes here who is in a hurry to commit.

use super::Hub;
use super::name::{Identity, Who};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// An answer of so many bytes takes the place of one key; a longer one that of several.
const BYTES_PER_KEY: usize = 1024;

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The status of the answer.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

/// A key that is in use for a request until [`Hub::settle_key`].
#[derive(Debug, PartialEq, Eq)]
pub struct Claimed {
    key: Who,
    number: u64,
}

/// Whether a request is the first under its key.
#[derive(Debug, PartialEq, Eq)]
pub enum Repeat {
    /// It is; the key is in use from now on.
    First(Claimed),
    /// It was answered before.
    Again(Arc<Kept>),
    /// The first is still being answered.
    InUse,
    /// The key was used for another request.
    Reused,
}

/// All keys, by their hash: see [`Who`].
#[derive(Debug, Default)]
pub(super) struct Keys {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: HashMap<Who, Entry, Identity>,
    /// In the order in which they came. Some may be gone.
    order: VecDeque<(u64, Who)>,
    /// What they take, in keys.
    places: usize,
    last_number: u64,
}

#[derive(Debug)]
struct Entry {
    number: u64,
    print: u128,
    since: Duration,
    /// `None`: it is still being answered.
    kept: Option<Arc<Kept>>,
}

impl Entry {
    fn places(&self) -> usize {
        let bytes = self.kept.as_ref().map_or(0, |kept| kept.body.len());
        bytes.div_ceil(BYTES_PER_KEY).max(1)
    }
}

impl Hub {
    /// A request comes under `key`; `parts` are what makes it the same as another. Answers are kept
    /// for `age`.
    pub fn claim_key(&self, key: &str, parts: &[&[u8]], now: Duration, age: Duration) -> Repeat {
        let (key, print) = (self.who_keys.who(key), self.who_keys.print(parts));
        let mut state = self.keys.lock();
        state.expire(now, age);
        if let Some(entry) = state.entries.get(&key) {
            return match &entry.kept {
                _ if entry.print != print => Repeat::Reused,
                Some(kept) => Repeat::Again(Arc::clone(kept)),
                None => Repeat::InUse,
            };
        }
        let number = state.last_number + 1;
        state.last_number = number;
        state.entries.insert(key, Entry { number, print, since: now, kept: None });
        state.order.push_back((number, key));
        state.places += 1;
        Repeat::First(Claimed { key, number })
    }

    /// The request that claimed a key is answered. `None`: not so that it must not be repeated. At
    /// most `keys_max` are kept.
    pub fn settle_key(&self, claimed: &Claimed, kept: Option<Kept>, keys_max: usize) {
        let mut state = self.keys.lock();
        match kept {
            None => {
                state.remove(claimed.number, claimed.key);
                state.tidy();
            }
            Some(kept) => {
                state.keep(claimed, kept);
                state.shrink(keys_max, claimed.number);
            }
        }
    }
}

impl Keys {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that is done under it can panic half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn remove(&mut self, number: u64, key: Who) {
        if self.entries.get(&key).is_some_and(|entry| entry.number == number)
            && let Some(entry) = self.entries.remove(&key)
        {
            self.places -= entry.places();
        }
    }

    fn keep(&mut self, claimed: &Claimed, kept: Kept) {
        let entry = self.entries.get_mut(&claimed.key);
        let Some(entry) = entry.filter(|entry| entry.number == claimed.number) else { return };
        entry.kept = Some(Arc::new(kept));
        self.places += entry.places() - 1;
    }

    /// Forgets the places in the order of those that failed, once they are most of it.
    fn tidy(&mut self) {
        if self.order.len() > 64 + 2 * self.entries.len() {
            let entries = &self.entries;
            self.order.retain(|(number, key)| {
                entries.get(key).is_some_and(|entry| entry.number == *number)
            });
        }
    }

    /// Also one that was never answered is not in use for ever.
    fn expire(&mut self, now: Duration, age: Duration) {
        while let Some((number, key)) = self.order.front() {
            let entry = self.entries.get(key).filter(|entry| entry.number == *number);
            if entry.is_some_and(|entry| entry.since + age > now) {
                return;
            }
            self.pop_front();
        }
    }

    /// The oldest answers go, but for that of `number`. What is in use stays: its request would be
    /// done again.
    fn shrink(&mut self, keys_max: usize, number: u64) {
        while self.places > keys_max {
            let stays = |(own, key): &(u64, Who)| {
                let entry = self.entries.get(key).filter(|entry| entry.number == *own);
                entry.is_some_and(|entry| entry.kept.is_none() || entry.number == number)
            };
            // Few are in use at once, and for a short time.
            let Some(at) = self.order.iter().position(|place| !stays(place)) else { return };
            if let Some((number, key)) = self.order.remove(at) {
                self.remove(number, key);
            }
        }
    }

    fn pop_front(&mut self) {
        if let Some((number, key)) = self.order.pop_front() {
            self.remove(number, key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    const AGE: Duration = Duration::from_secs(300);

    fn hub() -> Hub {
        Hub::new(1, &Limits::default(), [1, 2, 3], 0)
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn claim(hub: &Hub, key: &str, body: &str, seconds: u64) -> Repeat {
        hub.claim_key(key, &[b"/path", body.as_bytes()], at(seconds), AGE)
    }

    fn first(hub: &Hub, key: &str, seconds: u64) -> Claimed {
        match claim(hub, key, "body", seconds) {
            Repeat::First(claimed) => claimed,
            other => panic!("{key}: {other:?}"),
        }
    }

    fn kept(bytes: usize) -> Option<Kept> {
        Some(Kept { status: 200, body: vec![b'x'; bytes] })
    }

    fn again(repeat: &Repeat) -> bool {
        matches!(repeat, Repeat::Again(_))
    }

    #[test]
    fn the_first_answer_is_given_again() {
        let hub = hub();
        let claimed = first(&hub, "k", 0);
        assert_eq!(claim(&hub, "k", "body", 1), Repeat::InUse);
        assert_eq!(claim(&hub, "k", "other", 1), Repeat::Reused);
        hub.settle_key(&claimed, kept(3), 10);
        assert_eq!(claim(&hub, "k", "body", 2), Repeat::Again(Arc::new(kept(3).unwrap())));
        assert_eq!(claim(&hub, "k", "other", 2), Repeat::Reused);
        // What stands where is part of it: "ab" "c" is not "a" "bc".
        let one = hub.claim_key("cut", &[b"ab", b"c"], at(2), AGE);
        assert!(matches!(one, Repeat::First(_)));
        assert_eq!(hub.claim_key("cut", &[b"a", b"bc"], at(2), AGE), Repeat::Reused);
    }

    #[test]
    fn a_request_that_failed_may_be_repeated() {
        let hub = hub();
        let claimed = first(&hub, "k", 0);
        hub.settle_key(&claimed, None, 10);
        let second = first(&hub, "k", 1);
        // The first was given up long ago; what comes of it now is not the second's.
        hub.settle_key(&claimed, kept(1), 10);
        assert_eq!(claim(&hub, "k", "body", 1), Repeat::InUse);
        hub.settle_key(&claimed, None, 10);
        assert_eq!(claim(&hub, "k", "body", 1), Repeat::InUse);
        hub.settle_key(&second, kept(1), 10);
        assert!(again(&claim(&hub, "k", "body", 1)));
    }

    #[test]
    fn requests_that_fail_leave_nothing_behind() {
        let hub = hub();
        let claimed = first(&hub, "kept", 0);
        hub.settle_key(&claimed, kept(1), 10);
        for number in 0..1000 {
            let claimed = first(&hub, &format!("failed {number}"), 1);
            hub.settle_key(&claimed, None, 10);
        }
        let state = hub.keys.lock();
        assert!(state.order.len() < 100 && state.entries.len() == 1, "{state:?}");
    }

    #[test]
    fn an_answer_is_kept_for_its_time_and_no_longer() {
        let hub = hub();
        let claimed = first(&hub, "k", 10);
        hub.settle_key(&claimed, kept(1), 10);
        first(&hub, "never answered", 10);
        assert!(again(&claim(&hub, "k", "body", 309)));
        assert_eq!(claim(&hub, "never answered", "body", 309), Repeat::InUse);
        first(&hub, "k", 310);
        first(&hub, "never answered", 310);
    }

    #[test]
    fn at_the_limit_the_oldest_goes() {
        for count in [2, 3, 4] {
            let hub = hub();
            for number in 0..count {
                let claimed = first(&hub, &number.to_string(), number);
                hub.settle_key(&claimed, kept(1), 3);
            }
            let is_kept = again(&claim(&hub, "0", "body", count));
            assert_eq!(is_kept, count <= 3, "{count} keys");
            assert!(again(&claim(&hub, "1", "body", count)));
        }
    }

    /// Else its request would be done again.
    #[test]
    fn what_is_in_use_stays_however_many_come_behind_it() {
        let hub = hub();
        let in_use = first(&hub, "in use", 0);
        for number in 0..5 {
            let claimed = first(&hub, &number.to_string(), 0);
            hub.settle_key(&claimed, kept(1), 2);
        }
        assert_eq!(claim(&hub, "in use", "body", 0), Repeat::InUse);
        assert!(again(&claim(&hub, "4", "body", 0)));
        let long = first(&hub, "long", 0);
        hub.settle_key(&long, kept(10_000), 2);
        assert!(again(&claim(&hub, "long", "body", 0)));
        hub.settle_key(&in_use, kept(1), 2);
        assert!(again(&claim(&hub, "in use", "body", 0)));
    }

    #[test]
    fn a_long_answer_takes_the_place_of_several() {
        for (bytes, fits) in [(1024, true), (2048, true), (2049, false)] {
            let hub = hub();
            let claimed = first(&hub, "old", 0);
            hub.settle_key(&claimed, kept(0), 3);
            let claimed = first(&hub, "long", 1);
            hub.settle_key(&claimed, kept(bytes), 3);
            assert_eq!(again(&claim(&hub, "old", "body", 2)), fits, "{bytes} bytes");
            assert!(again(&claim(&hub, "long", "body", 2)));
        }
        // One that is longer than all may be is still kept, alone.
        let hub = hub();
        let claimed = first(&hub, "long", 1);
        hub.settle_key(&claimed, kept(10_000), 3);
        assert!(again(&claim(&hub, "long", "body", 2)));
    }
}
