//! Sealed numbers: what they stand for, and which of two is the greater, only the server knows.
//!
//! Knows: a keyed permutation of the numbers that an id can have.
//! Must not know: what the numbers count, how they are written.
//!
//! An unbalanced Feistel network over 55 bits, with a keyed hash (SipHash-1-3) in each round. The
//! key lives as long as the process and never leaves it. It hides how far numbers lie apart from
//! whoever sees fewer than some millions of them, and whoever guesses one meets a number that was
//! given to an event with a probability of (events)/2⁵⁵. It is no signature: every text of the
//! right length opens to some number, and what that number gives is only what its reader may have
//! anyway.

use siphasher::sip::SipHasher13;
use std::fmt;
use std::hash::Hasher;

/// The halves of a number.
const LOW_BITS: u32 = 28;
const HIGH_BITS: u32 = 27;
const LOW: u64 = (1 << LOW_BITS) - 1;
const HIGH: u64 = (1 << HIGH_BITS) - 1;

/// Four times each half is stirred with the other: twice as often as would do for a key that
/// nobody tries to find out.
const ROUNDS: u64 = 8;

/// The key of a permutation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Seal(u64, u64);

impl Seal {
    pub(super) fn new([first, second]: [u64; 2]) -> Seal {
        Seal(first, second)
    }

    /// What stands for `number` under `tweak`: of each tweak the permutation is another one.
    pub(super) fn seal(self, tweak: u64, number: u64) -> u64 {
        (0..ROUNDS).fold(number, |number, round| self.stir(round, tweak, number))
    }

    /// The number that `sealed` stands for under `tweak`.
    pub(super) fn open(self, tweak: u64, sealed: u64) -> u64 {
        (0..ROUNDS).rev().fold(sealed, |number, round| self.stir(round, tweak, number))
    }

    /// One half is changed by what the other is: done twice, it is undone.
    fn stir(self, round: u64, tweak: u64, number: u64) -> u64 {
        let (high, low) = (number >> LOW_BITS & HIGH, number & LOW);
        let hash = |half: u64| {
            let mut hasher = SipHasher13::new_with_keys(self.0, self.1);
            hasher.write_u64(tweak);
            hasher.write_u64(round << 32 | half);
            hasher.finish()
        };
        if round.is_multiple_of(2) {
            high << LOW_BITS | low ^ hash(high) & LOW
        } else {
            (high ^ hash(low) & HIGH) << LOW_BITS | low
        }
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const END: u64 = 1 << (LOW_BITS + HIGH_BITS);

    proptest! {
        #[test]
        fn what_is_sealed_can_be_opened(keys: [u64; 2], tweak: u64, number in 0..END) {
            let seal = Seal::new(keys);
            let sealed = seal.seal(tweak, number);
            prop_assert!(sealed < END);
            prop_assert_eq!(seal.open(tweak, sealed), number);
            prop_assert_eq!(seal.seal(tweak, seal.open(tweak, number)), number);
        }
    }

    /// Numbers that follow each other lie anywhere, and each bit is set in about half of them.
    #[test]
    fn neighbours_have_nothing_in_common() {
        let seal = Seal::new([1, 2]);
        let sealed: Vec<u64> = (0..4096).map(|number| seal.seal(0, number)).collect();
        for bit in 0..LOW_BITS + HIGH_BITS {
            let ones = |numbers: &[u64]| numbers.iter().filter(|n| *n >> bit & 1 == 1).count();
            let changed: Vec<u64> = sealed.windows(2).map(|two| two[0] ^ two[1]).collect();
            for count in [ones(&sealed), ones(&changed)] {
                assert!((1800..2300).contains(&count), "bit {bit}: {count}");
            }
        }
        let risen = sealed.windows(2).filter(|two| two[0] < two[1]).count();
        assert!((1800..2300).contains(&risen), "{risen}");
    }

    #[test]
    fn under_another_key_or_tweak_a_number_is_another() {
        let sealed = |keys, tweak| (0..100).map(|n| Seal::new(keys).seal(tweak, n)).collect();
        let these: Vec<u64> = sealed([1, 2], 3);
        for others in [sealed([1, 3], 3), sealed([3, 2], 3), sealed([1, 2], 4)] {
            let others: Vec<u64> = others;
            assert!(these.iter().zip(&others).all(|(this, other)| this != other));
        }
    }
}
