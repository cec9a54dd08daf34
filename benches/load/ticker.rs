//! A timer that wakes the poll every so often; epoll's own timeout counts in whole milliseconds.
//!
//! Knows: `timerfd`.
//! Must not know: what is due.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// Below it we would do nothing but wake up.
const INTERVAL_MIN: Duration = Duration::from_micros(50);

/// A running timer.
pub(crate) struct Ticker(OwnedFd);

impl Ticker {
    /// Ticks every `interval`, or a little less often.
    pub(crate) fn start(interval: Duration) -> io::Result<Ticker> {
        let interval = interval.max(INTERVAL_MIN);
        let every =
            Timespec { tv_sec: interval.as_secs() as i64, tv_nsec: interval.subsec_nanos().into() };
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        let times = Itimerspec { it_interval: every, it_value: every };
        timerfd_settime(&timer, TimerfdTimerFlags::empty(), &times)?;
        Ok(Ticker(timer))
    }

    /// Asks to be told of each tick.
    pub(crate) fn register(&self, registry: &Registry, token: usize) -> io::Result<()> {
        registry.register(&mut SourceFd(&self.0.as_raw_fd()), Token(token), Interest::READABLE)
    }

    /// Takes note of a tick; without it there is no next one.
    pub(crate) fn take(&self) -> io::Result<()> {
        match rustix::io::read(&self.0, &mut [0; 8]) {
            Ok(_) | Err(rustix::io::Errno::AGAIN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
