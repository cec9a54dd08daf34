//! What there is to say of a server's end.
//!
//! Knows: how many connections there were when it began to stop, and when that was.
//! Must not know: why it stops, how connections are closed.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

/// When a server began to stop, if it did; nothing changes that.
#[derive(Debug, Default)]
pub(super) struct Parting(OnceLock<Began>);

#[derive(Clone, Copy, Debug)]
struct Began {
    at: Duration,
    connections: usize,
}

impl Parting {
    /// It stops from `now` on, with so many connections.
    pub(super) fn begin(&self, now: Duration, connections: usize) {
        // Whoever says it twice is in a hurry.
        let _ = self.0.set(Began { at: now, connections });
    }

    /// What there is to say when it has stopped.
    pub(super) fn end(&self, now: Duration) -> Option<impl fmt::Display + use<>> {
        let Began { at, connections } = *self.0.get()?;
        let connections = match connections {
            1 => "1 connection".to_owned(),
            _ => format!("{connections} connections"),
        };
        let seconds = now.saturating_sub(at).as_secs_f64();
        Some(format!("stopped: {connections} closed in {seconds:.1} s"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_says_how_many_there_were_and_how_long_it_took() {
        let parting = Parting::default();
        assert!(parting.end(Duration::ZERO).is_none());
        parting.begin(Duration::from_secs(9), 1);
        parting.begin(Duration::from_secs(10), 0);
        let told = parting.end(Duration::from_millis(10_500)).map(|told| told.to_string());
        assert_eq!(told.as_deref(), Some("stopped: 1 connection closed in 1.5 s"));
    }
}
