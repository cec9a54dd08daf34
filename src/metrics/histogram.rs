//! How long things took.
//!
//! Knows: durations, buckets.
//! Must not know: what took so long.
//!
//! Two buckets per power of two, from 1 µs to 16.8 s: a quantile read from them is wrong by a third
//! at most. Finding a bucket is a division, a logarithm and a comparison; nothing is ever
//! allocated.

use std::array;
use std::time::Duration;

use super::counters::Count;

/// Upper bounds: 1 µs, 1.5 µs, 2 µs, 3 µs, 4 µs and so on.
const BOUNDS: usize = 2 * POWERS + 1;

/// The last bound is 2^24 µs.
const POWERS: usize = 24;

const MICROSECOND: u64 = 1000;

/// Counts durations by size. One thread records, any may read.
#[derive(Debug)]
pub struct Histogram {
    /// Each counts what lies above the bound before it; the last one is for what no bound holds.
    buckets: [Count; BOUNDS + 1],
    nanoseconds: Count,
}

impl Default for Histogram {
    fn default() -> Self {
        Histogram { buckets: array::from_fn(|_| Count::default()), nanoseconds: Count::default() }
    }
}

impl Histogram {
    /// The upper bounds of all buckets but the last, in nanoseconds; a bound belongs to its bucket.
    pub(super) fn bounds() -> impl Iterator<Item = u64> {
        (0..BOUNDS).map(bound)
    }

    /// Counts one.
    pub fn record(&self, took: Duration) {
        self.record_many(took, 1);
    }

    /// Counts `times` that took equally long, such as the messages of one turn.
    pub fn record_many(&self, took: Duration, times: u64) {
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.buckets[bucket(nanoseconds)].add(times);
        self.nanoseconds.add(nanoseconds.saturating_mul(times));
    }

    /// How many there are in each bucket; one more than there are bounds.
    pub(super) fn buckets(&self) -> impl Iterator<Item = u64> {
        self.buckets.iter().map(Count::value)
    }

    /// All durations together, in nanoseconds.
    pub(super) fn sum(&self) -> u64 {
        self.nanoseconds.value()
    }
}

fn bound(index: usize) -> u64 {
    let power = MICROSECOND << (index / 2);
    if index.is_multiple_of(2) { power } else { power + power / 2 }
}

/// The first bucket whose bound is not less.
fn bucket(nanoseconds: u64) -> usize {
    // Less one, because a bound belongs to the bucket below it.
    let below = nanoseconds.saturating_sub(1);
    let Some(power) = (below / MICROSECOND).checked_ilog2() else {
        return 0;
    };
    let power = power as usize;
    if power >= POWERS {
        return BOUNDS;
    }
    let is_upper_half = below >= bound(2 * power + 1);
    2 * power + 1 + usize::from(is_upper_half)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn naive_bucket(nanoseconds: u64) -> usize {
        Histogram::bounds().position(|bound| nanoseconds <= bound).unwrap_or(BOUNDS)
    }

    #[test]
    fn bounds_grow() {
        let bounds: Vec<_> = Histogram::bounds().collect();
        assert!(bounds.is_sorted_by(|a, b| a < b));
        assert_eq!(bounds[..6], [1000, 1500, 2000, 3000, 4000, 6000]);
        assert_eq!(bounds.last(), Some(&16_777_216_000));
    }

    #[test]
    fn around_every_bound() {
        for bound in Histogram::bounds().chain([0, u64::MAX]) {
            for near in [bound.saturating_sub(1), bound, bound.saturating_add(1)] {
                assert_eq!(bucket(near), naive_bucket(near), "{near}");
            }
        }
    }

    #[test]
    fn what_is_recorded_is_counted() {
        let histogram = Histogram::default();
        histogram.record(Duration::ZERO);
        histogram.record_many(Duration::from_micros(3), 5);
        histogram.record(Duration::from_secs(60));
        histogram.record(Duration::MAX);
        let buckets: Vec<_> = histogram.buckets().collect();
        assert_eq!(buckets.len(), BOUNDS + 1);
        assert_eq!((buckets[0], buckets[3], buckets[BOUNDS]), (1, 5, 2));
        assert_eq!(buckets.iter().sum::<u64>(), 8);
    }

    proptest! {
        #[test]
        fn the_fast_bucket_is_the_naive_one(value: u64, shift in 0u32..64) {
            prop_assert_eq!(bucket(value >> shift), naive_bucket(value >> shift));
        }
    }
}
