//! Time as an argument: whoever reads the clock, it is not the code that uses it.
//!
//! Knows: numbers that stand for time.
//! Must not know: clocks.

use std::time::Duration;

/// One reading of both clocks, taken once a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Since the process began; never goes back.
    pub monotonic: Duration,
    /// Milliseconds since 1970, as the wall clock has it; may jump.
    pub unix_ms: u64,
}

/// The length of a [`Tick`]: deadlines here are seconds, so this is fine enough and sleeps are few.
pub const TICK: Duration = Duration::from_millis(64);

/// A coarse point in time: so many [`TICK`]s since the process began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tick(pub u32);

impl Tick {
    /// The tick that `since_start` falls into.
    pub fn at(since_start: Duration) -> Tick {
        Tick((since_start.as_millis() / TICK.as_millis()) as u32)
    }

    /// The first tick that is certainly no earlier than `span` after this one.
    #[must_use]
    pub fn after(self, span: Duration) -> Tick {
        let ticks = span.as_millis().div_ceil(TICK.as_millis()) as u32;
        Tick(self.0.saturating_add(ticks).saturating_add(1))
    }

    /// When this tick begins, since the process began.
    pub fn start(self) -> Duration {
        TICK * self.0
    }
}
