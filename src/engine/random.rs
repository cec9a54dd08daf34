//! Random numbers from one seed: ids that cannot be guessed, and jitter.
//!
//! Knows: a seed from the operating system.
//! Must not know: where the seed came from.

use siphasher::sip::SipHasher13;
use std::fmt;
use std::hash::Hasher;

/// A keyed hash of a counter: without the key nobody can tell the next number from the last.
pub(super) struct Random {
    keys: (u64, u64),
    counter: u64,
}

impl Random {
    pub(super) fn new(seed: [u64; 2]) -> Random {
        Random { keys: (seed[0], seed[1]), counter: 0 }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.counter += 1;
        let mut hasher = SipHasher13::new_with_keys(self.keys.0, self.keys.1);
        hasher.write_u64(self.counter);
        hasher.finish()
    }

    pub(super) fn next_u128(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }

    /// A number below `end`, which is more than 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

impl fmt::Debug for Random {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Random(secret)")
    }
}
