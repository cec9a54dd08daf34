//! Why there are no events, in words for whoever started it.
//!
//! Knows: every such reason, and which of them pass.
//! Must not know: how it was found out, how long is waited.

use super::stream::LINE_BYTES_MAX;
use crate::cli::escape::escape;
use crate::cli::failure::{Failure, Refusal};
use std::fmt;
use std::io;
use std::time::Duration;

#[derive(Debug)]
pub(super) enum Trouble {
    /// The server is not reached, or says no.
    Way(Failure),
    /// It has no time for us; when it may have, if it says that.
    Busy(Refusal, Option<Duration>),
    /// It answers with something else than events.
    NotEvents(String),
    /// The stream is at its end, and should not be.
    Ended,
    /// The connection broke.
    Lost(io::Error),
    /// Nothing came for so long, not even a heartbeat.
    Stalled(Duration),
    /// What comes does not look like events.
    NotUnderstood(String),
    /// Behind what comes nobody could go on.
    BadId(String),
    /// An event that does not end.
    LongLine,
    /// What let us in holds no more.
    Expired(String),
    /// What we print is not taken.
    Output(io::Error),
}

impl Trouble {
    /// Whether the same may work later.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Trouble::Way(failure) => match failure {
                Failure::UnknownHost(..)
                | Failure::Unreachable(..)
                | Failure::Silent(_)
                | Failure::HungUp(_) => true,
                Failure::Refused(refusal) => refusal.status >= 500,
                _ => false,
            },
            Trouble::Busy(..) | Trouble::Ended | Trouble::Lost(_) | Trouble::Stalled(_) => true,
            Trouble::NotEvents(_)
            | Trouble::NotUnderstood(_)
            | Trouble::BadId(_)
            | Trouble::LongLine
            | Trouble::Expired(_)
            | Trouble::Output(_) => false,
        }
    }

    /// What the process exits with.
    pub(super) fn status(&self) -> u8 {
        match self {
            Trouble::Way(failure) => failure.status(),
            _ => 1,
        }
    }

    /// What to do about it, if that is known.
    pub(super) fn advice(&self) -> Option<&'static str> {
        match self {
            Trouble::Way(Failure::Unreachable(..)) => {
                Some("is the server running? `tidegate` starts one, and says where events are read")
            }
            Trouble::NotEvents(_) => {
                Some("events are at /events of the port that `tidegate` calls \"events, HTTP\"")
            }
            _ => None,
        }
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        Trouble::Way(failure)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        Trouble::Way(Failure::System(error))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Way(failure) => failure.fmt(out),
            Trouble::Busy(refusal, _) => refusal.fmt(out),
            Trouble::NotEvents(what) => write!(out, "no events are there: {}", escape(what)),
            Trouble::Ended => out.write_str("the server ended the stream"),
            Trouble::Lost(error) => write!(out, "the connection broke: {error}"),
            Trouble::Stalled(time) => write!(out, "nothing came for {time:?}"),
            Trouble::NotUnderstood(line) => {
                write!(out, "what comes is no event of a Tidegate server: {}", escape(line))
            }
            Trouble::BadId(line) => {
                let line = escape(line);
                write!(out, "what comes has an id behind which nobody can go on: {line}")
            }
            Trouble::LongLine => {
                write!(out, "an event of more than {LINE_BYTES_MAX} bytes cannot be read")
            }
            Trouble::Expired(reason) => {
                out.write_str("the server ended the stream: its credential ")?;
                match reason.as_str() {
                    "expired" => out.write_str("has expired"),
                    "revoked" => out.write_str("was revoked"),
                    "key-removed" => out.write_str("is of a key that was removed"),
                    other => write!(out, "holds no more ({})", escape(other)),
                }
            }
            Trouble::Output(error) => write!(out, "standard output: {error}"),
        }
    }
}
