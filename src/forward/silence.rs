//! Why nothing came of a question, for whoever runs the server.
//!
//! Knows: what can go wrong with a question, the log.
//! Must not know: what was asked, what an answer said.
//!
//! A service that is down fails with every question. So one line a second is logged, with how many
//! there were beside it.

use std::io::ErrorKind;
use std::time::{Duration, Instant};
use ureq::Error;

/// How often it is told.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// Why an answer means nothing, or why there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Silence {
    /// Nobody listens there, or nobody knows where that is.
    NobodyThere,
    /// It took too long.
    Late,
    /// The connection broke.
    Broken,
    /// What came is no answer of HTTP.
    NoHttp,
    /// Its status says neither yes nor no.
    Status(u16),
    /// Its body is longer than any that means something.
    TooLong,
    /// Its body is not what it should be.
    NotUnderstood,
    /// As many questions wait as may.
    TooMany,
    /// We failed.
    Ours,
}

impl Silence {
    pub(super) fn of(error: &Error) -> Silence {
        match error {
            Error::Timeout(_) => Silence::Late,
            Error::HostNotFound | Error::ConnectionFailed => Silence::NobodyThere,
            Error::Io(error) => match error.kind() {
                ErrorKind::ConnectionRefused
                | ErrorKind::HostUnreachable
                | ErrorKind::NetworkUnreachable
                | ErrorKind::AddrNotAvailable => Silence::NobodyThere,
                ErrorKind::TimedOut | ErrorKind::WouldBlock => Silence::Late,
                _ => Silence::Broken,
            },
            Error::Protocol(_) | Error::Http(_) | Error::LargeResponseHeader(..) => Silence::NoHttp,
            Error::BodyExceedsLimit(_) => Silence::TooLong,
            _ => Silence::Broken,
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Silence::NobodyThere => "nobody is there",
            Silence::Late => "it took too long (--forward-time)",
            Silence::Broken => "the connection broke",
            Silence::NoHttp => "what came is no HTTP",
            Silence::Status(_) => "the status is neither 2xx nor 401 nor 403",
            Silence::TooLong => "the body is too long",
            Silence::NotUnderstood => "the body is not what PROTOCOL.md says",
            Silence::TooMany => "too many questions wait",
            Silence::Ours => "asking failed",
        }
    }
}

/// How often nothing came of a question since that was told last.
#[derive(Debug, Default)]
pub(super) struct Silences {
    told: Option<Instant>,
    more: u64,
}

impl Silences {
    /// Tells it of the service at `url`, or counts it.
    pub(super) fn tell(&mut self, silence: Silence, url: &str, now: Instant) {
        let Some(more) = self.admit(now) else { return };
        // What stands behind a question mark may be a secret.
        let url = url.split('?').next().unwrap_or_default();
        let status = if let Silence::Status(status) = silence { Some(status) } else { None };
        let reason = silence.reason();
        match status {
            Some(status) => {
                log::warn!(url, reason, status, more; "no usable answer about who may come in");
            }
            None => log::warn!(url, reason, more; "no usable answer about who may come in"),
        }
    }

    /// How many more there were, if it is to be told at `now`.
    fn admit(&mut self, now: Instant) -> Option<u64> {
        if self.told.is_some_and(|told| now < told + TOLD_EVERY) {
            self.more += 1;
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.more))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_wrong_is_called_what_it_is() {
        for (kind, silence) in [
            (ErrorKind::ConnectionRefused, Silence::NobodyThere),
            (ErrorKind::HostUnreachable, Silence::NobodyThere),
            (ErrorKind::TimedOut, Silence::Late),
            (ErrorKind::ConnectionReset, Silence::Broken),
            (ErrorKind::UnexpectedEof, Silence::Broken),
        ] {
            assert_eq!(Silence::of(&Error::Io(kind.into())), silence, "{kind}");
        }
        assert_eq!(Silence::of(&Error::Timeout(ureq::Timeout::Global)), Silence::Late);
        assert_eq!(Silence::of(&Error::HostNotFound), Silence::NobodyThere);
        assert_eq!(Silence::of(&Error::BodyExceedsLimit(1)), Silence::TooLong);
    }

    #[test]
    fn one_is_told_a_second_and_the_others_counted() {
        let (mut silences, now) = (Silences::default(), Instant::now());
        assert_eq!(silences.admit(now), Some(0));
        assert_eq!([silences.admit(now), silences.admit(now + TOLD_EVERY / 2)], [None, None]);
        assert_eq!(silences.admit(now + TOLD_EVERY), Some(2));
        assert_eq!(silences.admit(now + 2 * TOLD_EVERY), Some(0));
    }
}
