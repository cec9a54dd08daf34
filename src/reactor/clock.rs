//! The clock: the only place where time is read.
//!
//! Knows: the machine's clocks.
//! Must not know: what time is used for.

use crate::bytes::Now;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One clock for all cores: their times can be compared.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    start: Instant,
    /// In a test: it stands still, so that nothing happens by a timer.
    #[cfg(test)]
    stands: bool,
}

impl Clock {
    /// A clock that starts now.
    pub(super) fn start() -> Clock {
        Clock {
            start: Instant::now(),
            #[cfg(test)]
            stands: false,
        }
    }

    /// A clock that stands still.
    #[cfg(test)]
    pub(super) fn standing() -> Clock {
        Clock { stands: true, ..Clock::start() }
    }

    /// Both clocks.
    pub(super) fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { monotonic: self.since_start(), unix_ms: unix.as_millis() as u64 }
    }

    /// The monotonic clock alone.
    pub(super) fn since_start(&self) -> Duration {
        #[cfg(test)]
        if self.stands {
            return Duration::ZERO;
        }
        self.start.elapsed()
    }
}
