//! When the logs are looked through for what is too old.
//!
//! Knows: a clock's ticks, the age that events may have.
//! Must not know: logs, who looks.
//!
//! What is too old goes at these moments alone, the same for all cores, and not whenever somebody
//! comes by: else a reader that lags could tell by what it still gets whether something was said
//! where it may not read.

use crate::bytes::{TICK, Tick};
use crate::limits::Limits;
use std::time::Duration;

/// The longest time between two looks.
const LONGEST: Duration = Duration::from_secs(10);

/// So many ticks lie between two looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Looks(u32);

impl Looks {
    /// Those of logs with these limits: the shorter events are kept, the more often.
    pub fn of(limits: &Limits) -> Looks {
        let ticks = limits.log_age.min(LONGEST).as_millis() / TICK.as_millis();
        Looks((ticks as u32).max(1))
    }

    /// The last one that is not later than `tick`.
    pub fn last(self, tick: Tick) -> Tick {
        Tick(tick.0 - tick.0 % self.0)
    }

    /// The first one that is later than `tick`.
    pub fn next(self, tick: Tick) -> Tick {
        Tick(self.last(tick).0.saturating_add(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_at_the_same_ticks_whoever_asks() {
        let of = |log_age| Looks::of(&Limits { log_age, ..Limits::default() });
        for (age, ticks) in [(Duration::from_secs(300), 156), (TICK * 3, 3), (Duration::ZERO, 1)] {
            let looks = of(age);
            assert_eq!(looks, Looks(ticks));
            for tick in 0..1000 {
                let (last, next) = (looks.last(Tick(tick)), looks.next(Tick(tick)));
                assert!(last.0 <= tick && tick < next.0 && next.0 - last.0 == ticks);
                assert_eq!(looks.last(next), next);
            }
        }
    }
}
