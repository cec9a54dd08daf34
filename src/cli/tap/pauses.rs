//! When to come back to a server that is not there, or that ends what it began.
//!
//! Knows: how often it was tried, how long the last connection lasted, dice.
//! Must not know: why it ended, how time is waited out.

use std::io;
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(super) struct Pauses {
    first: Duration,
    longest: Duration,
    tries: u32,
    /// Since when this connection brings something.
    begun: Option<Instant>,
}

impl Pauses {
    /// Each pause is twice as long as the one before, up to the `longest`.
    pub(super) fn new(first: Duration, longest: Duration) -> Pauses {
        Pauses { first, longest, tries: 0, begun: None }
    }

    /// The connection brings something.
    pub(super) fn note_begun(&mut self, now: Instant) {
        self.begun.get_or_insert(now);
    }

    /// The connection, if there was one, is at its end. Only one that lasted for the longest pause
    /// was a good one, whatever it brought: so a server that answers and hangs up is asked no more
    /// often than one that does not answer.
    pub(super) fn note_gone(&mut self, now: Instant) {
        let lasted = self.begun.take().map(|begun| now.saturating_duration_since(begun));
        if lasted.is_some_and(|lasted| lasted >= self.longest) {
            self.tries = 0;
        }
    }

    /// Longer and longer, and not the same for all readers of a server that restarts.
    pub(super) fn next(&mut self) -> io::Result<Duration> {
        let most = self.first.saturating_mul(1 << self.tries.min(16));
        self.tries = self.tries.saturating_add(1);
        some_of(most.min(self.longest))
    }

    /// For a server that says when: not before, without end even if that is "at once", nor all at
    /// the same moment to whom it said the same.
    pub(super) fn behind(&self, time: Duration) -> io::Result<Duration> {
        Ok(time.saturating_add(some_of(self.first)?))
    }
}

/// Half of it at least, and nobody can foresee how much.
fn some_of(time: Duration) -> io::Result<Duration> {
    let mut dice = [0; 4];
    getrandom::fill(&mut dice)?;
    let share = f64::from(u32::from_le_bytes(dice)) / f64::from(u32::MAX);
    Ok(time.mul_f64(0.5 + share / 2.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Duration = Duration::from_secs(1);
    const LONGEST: Duration = Duration::from_secs(10);

    fn assert_next(pauses: &mut Pauses, most: u64) -> Duration {
        let (most, pause) = (Duration::from_secs(most), pauses.next().unwrap());
        assert!(pause >= most / 2 && pause <= most, "{pause:?} of {most:?}");
        pause
    }

    #[test]
    fn pauses_grow_to_their_longest_and_differ() {
        let mut pauses = Pauses::new(FIRST, LONGEST);
        let mut seen = [1, 2, 4, 8, 10, 10, 10].map(|most| assert_next(&mut pauses, most)).to_vec();
        seen.dedup();
        assert_eq!(seen.len(), 7);
    }

    #[test]
    fn only_a_connection_that_lasted_begins_them_anew() {
        let mut pauses = Pauses::new(FIRST, LONGEST);
        let start = Instant::now();
        for most in [1, 2, 4, 8, 10] {
            pauses.note_begun(start);
            pauses.note_begun(start + LONGEST / 2);
            pauses.note_gone(start + LONGEST - Duration::from_nanos(1));
            assert_next(&mut pauses, most);
        }
        pauses.note_begun(start);
        pauses.note_gone(start + LONGEST);
        assert_next(&mut pauses, 1);
        // There was none since.
        pauses.note_gone(start + LONGEST * 2);
        assert_next(&mut pauses, 2);
    }

    #[test]
    fn who_is_told_when_comes_behind_that_and_not_with_all_others() {
        let pauses = Pauses::new(FIRST, LONGEST);
        for time in [Duration::ZERO, LONGEST] {
            let mut seen = [0; 8].map(|_| pauses.behind(time).unwrap()).to_vec();
            assert!(seen.iter().all(|&pause| pause >= time + FIRST / 2), "{seen:?}");
            assert!(seen.iter().all(|&pause| pause <= time + FIRST), "{seen:?}");
            seen.dedup();
            assert!(seen.len() > 1, "{seen:?}");
        }
    }
}
