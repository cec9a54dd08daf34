//! One coarse timer wheel: a connection has at most one deadline, the earliest it waits for.
//!
//! Knows: slots, ticks.
//! Must not know: what a deadline is for, clocks.
//!
//! Buckets are doubly linked lists through arrays that are indexed by slot, so setting and clearing
//! are a few stores and a connection that is gone leaves nothing behind. A deadline farther away
//! than the wheel is long stays in its bucket while the wheel turns past it.

use super::Tick;

const BUCKETS: usize = 512;
const WORDS: usize = BUCKETS / 64;
const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Link {
    due: Tick,
    /// `NONE`: first of its bucket. Meaningless while not armed.
    previous: u32,
    next: u32,
}

/// Not armed: no tick is ever this late.
const UNARMED: Tick = Tick(u32::MAX);

/// The deadlines of one core's connections.
#[derive(Debug)]
pub struct Deadlines {
    links: Vec<Link>,
    heads: [u32; BUCKETS],
    /// Bit `b`: bucket `b` is not empty.
    occupied: [u64; WORDS],
    /// Everything due before this tick has been handed out.
    turned: Tick,
    /// What is due in this very tick has been handed out too: its bucket holds only what is a turn
    /// of the wheel away, or more.
    is_told: bool,
}

impl Default for Deadlines {
    fn default() -> Self {
        Deadlines {
            links: Vec::new(),
            heads: [NONE; BUCKETS],
            occupied: [0; WORDS],
            turned: Tick(0),
            is_told: false,
        }
    }
}

impl Deadlines {
    /// `slot` is due at `due`, whatever was set for it before. A time already past is due at once.
    pub fn set(&mut self, slot: u32, due: Tick) {
        if self.links.len() <= slot as usize {
            let unarmed = Link { due: UNARMED, previous: NONE, next: NONE };
            self.links.resize(slot as usize + 1, unarmed);
        }
        self.clear(slot);
        let due = due.clamp(self.turned, Tick(UNARMED.0 - 1));
        self.is_told &= due > self.turned;
        let bucket = due.0 as usize % BUCKETS;
        let next = self.heads[bucket];
        self.links[slot as usize] = Link { due, previous: NONE, next };
        if next != NONE {
            self.links[next as usize].previous = slot;
        }
        self.heads[bucket] = slot;
        self.occupied[bucket / 64] |= 1 << (bucket % 64);
    }

    /// `slot` has no deadline any more.
    pub fn clear(&mut self, slot: u32) {
        let Some(&Link { due, previous, next }) = self.links.get(slot as usize) else { return };
        if due == UNARMED {
            return;
        }
        self.links[slot as usize].due = UNARMED;
        if next != NONE {
            self.links[next as usize].previous = previous;
        }
        if previous != NONE {
            self.links[previous as usize].next = next;
            return;
        }
        let bucket = due.0 as usize % BUCKETS;
        self.heads[bucket] = next;
        if next == NONE {
            self.occupied[bucket / 64] &= !(1 << (bucket % 64));
        }
    }

    /// When `slot` is due.
    pub fn due(&self, slot: u32) -> Option<Tick> {
        let due = self.links.get(slot as usize)?.due;
        (due != UNARMED).then_some(due)
    }

    /// Takes out every slot that is due at `now` or before, into `due`.
    pub fn expire(&mut self, now: Tick, due: &mut Vec<u32>) {
        if now < self.turned {
            return;
        }
        let steps = (now.0 - self.turned.0).min(BUCKETS as u32 - 1);
        for step in 0..=steps {
            self.expire_bucket((self.turned.0 + step) as usize % BUCKETS, now, due);
        }
        self.turned = now;
        self.is_told = true;
    }

    fn expire_bucket(&mut self, bucket: usize, now: Tick, due: &mut Vec<u32>) {
        let mut slot = self.heads[bucket];
        while slot != NONE {
            let link = self.links[slot as usize];
            if link.due <= now {
                self.clear(slot);
                due.push(slot);
            }
            slot = link.next;
        }
    }

    /// A tick by which [`Deadlines::expire`] should be called next: no later than the earliest
    /// deadline, earlier if that lies beyond the wheel. `None` when there is none.
    pub fn next(&self) -> Option<Tick> {
        let first = self.turned.0 + u32::from(self.is_told);
        let start = first as usize % BUCKETS;
        // The word of `start` is looked at twice: first its bits from `start` on, last those before
        // it.
        (0..=WORDS).find_map(|step| {
            let word = (start / 64 + step) % WORDS;
            let bits = match step {
                0 => self.occupied[word] & (u64::MAX << (start % 64)),
                WORDS => self.occupied[word] & !(u64::MAX << (start % 64)),
                _ => self.occupied[word],
            };
            let bucket = word * 64 + bits.trailing_zeros() as usize;
            let ahead = (bucket + BUCKETS - start) % BUCKETS;
            (bits != 0).then_some(Tick(first.saturating_add(ahead as u32)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Clone, Debug)]
    enum Step {
        Set(u32, u32),
        Clear(u32),
        Pass(u32),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (0u32..12, 0u32..2000).prop_map(|(slot, span)| Step::Set(slot, span)),
            (0u32..12).prop_map(Step::Clear),
            (0u32..900).prop_map(Step::Pass),
        ];
        proptest::collection::vec(step, 0..80)
    }

    /// A loop that slept until `next` would not sleep at all, for a whole tick.
    #[test]
    fn a_deadline_a_turn_of_the_wheel_away_is_not_due_now() {
        for turns in 1..4 {
            let mut wheel = Deadlines::default();
            let (now, far) = (Tick(100), Tick(100 + turns * BUCKETS as u32));
            wheel.expire(now, &mut Vec::new());
            wheel.set(7, far);
            assert_eq!(wheel.next(), Some(Tick(100 + BUCKETS as u32)), "{turns} turns");
            wheel.set(8, Tick(102));
            assert_eq!(wheel.next(), Some(Tick(102)));
            wheel.set(9, now);
            assert_eq!(wheel.next(), Some(now), "what is due at once still is");
            let mut due = Vec::new();
            wheel.expire(now, &mut due);
            assert_eq!((due.as_slice(), wheel.next()), ([9].as_slice(), Some(Tick(102))));
        }
    }

    proptest! {
        #[test]
        fn the_wheel_equals_a_sorted_list(steps in steps()) {
            let (mut wheel, mut naive, mut now) = (Deadlines::default(), BTreeMap::new(), Tick(0));
            for step in steps {
                match step {
                    Step::Set(slot, span) => {
                        wheel.set(slot, Tick(now.0 + span));
                        naive.insert(slot, Tick(now.0 + span));
                    }
                    Step::Clear(slot) => {
                        wheel.clear(slot);
                        naive.remove(&slot);
                    }
                    Step::Pass(ticks) => {
                        now = Tick(now.0 + ticks);
                        let mut due = Vec::new();
                        wheel.expire(now, &mut due);
                        due.sort_unstable();
                        let passed = naive.iter().filter(|(_, at)| **at <= now);
                        let expected: Vec<u32> = passed.map(|(slot, _)| *slot).collect();
                        prop_assert_eq!(due, expected);
                        naive.retain(|_, at| *at > now);
                        // Who comes when it says so, comes no second time in the same tick.
                        prop_assert!(wheel.next().is_none_or(|next| next > now));
                    }
                }
                let earliest = naive.values().min().copied();
                prop_assert_eq!(wheel.next().is_some(), earliest.is_some());
                if let (Some(next), Some(earliest)) = (wheel.next(), earliest) {
                    prop_assert!(next <= earliest);
                }
            }
        }
    }
}
