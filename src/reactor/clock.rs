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
}

impl Clock {
    /// A clock that starts now.
    pub(super) fn start() -> Clock {
        Clock { start: Instant::now() }
    }

    /// Both clocks.
    pub(super) fn now(&self) -> Now {
        let unix = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Now { monotonic: self.since_start(), unix_ms: unix.as_millis() as u64 }
    }

    /// The monotonic clock alone.
    pub(super) fn since_start(&self) -> Duration {
        self.start.elapsed()
    }
}
