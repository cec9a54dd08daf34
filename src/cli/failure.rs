//! Why a client ends otherwise than it should, in words for whoever started it.
//!
//! Knows: every such reason, and the exit status of each.
//! Must not know: how it was found out.

use super::closes::Told;
use super::escape::escape;
use super::losses::Losses;
use crate::ws::Fault;
use crate::ws::close::CloseCode;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// The status of a command line that cannot be used; what clap, too, exits with.
const USAGE: u8 = 2;

#[derive(Debug)]
pub(super) enum Failure {
    /// Everything on the command line that cannot be used, a line each.
    Usage(Vec<String>),
    /// The name means no address.
    UnknownHost(String, io::Error),
    /// Nobody answers at any of the addresses.
    Unreachable(String, Vec<(SocketAddr, io::Error)>),
    /// It took the connection and did not answer.
    Silent(Duration),
    /// It ended the connection before it had answered.
    HungUp(Option<io::Error>),
    /// What answers does not speak HTTP.
    NotHttp,
    /// An answer that no WebSocket server gives.
    NotWebSocket(&'static str),
    /// The server said no.
    Refused(Refusal),
    /// The server closed, and not because all was said.
    Closed(CloseCode, String),
    /// No close frame came before the end.
    Lost(Option<io::Error>),
    /// The server broke the protocol.
    Broken(Fault),
    /// It did not answer our close frame.
    Unanswered(Duration),
    /// It ended as agreed, but not all was taken.
    Incomplete(Losses),
    /// A line that does not end.
    LongLine(usize),
    /// The system refuses something.
    System(io::Error),
}

/// What the server answered instead of what we asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) title: String,
    /// What a problem document says (RFC 9457).
    pub(super) code: Option<String>,
    pub(super) detail: Option<String>,
    /// Where it sends us instead.
    pub(super) location: Option<String>,
}

impl Failure {
    pub(super) fn status(&self) -> u8 {
        match self {
            Failure::Usage(_) => USAGE,
            _ => 1,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::System(error)
    }
}

impl From<rustix::io::Errno> for Failure {
    fn from(error: rustix::io::Errno) -> Failure {
        Failure::System(error.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::Usage(mistakes) => out.write_str(&mistakes.join("\n")),
            Failure::UnknownHost(host, error) => write!(out, "{host}: {error}"),
            Failure::Unreachable(authority, tried) => {
                write!(out, "nobody answers at {authority}")?;
                for (index, (address, error)) in tried.iter().enumerate() {
                    let sign = if index == 0 { ": " } else { "; " };
                    write!(out, "{sign}{address}: {error}")?;
                }
                Ok(())
            }
            Failure::Silent(time) => write!(out, "the server did not answer in {time:?}"),
            Failure::HungUp(None) => out.write_str("the server hung up instead of answering"),
            Failure::HungUp(Some(error)) => {
                write!(out, "the connection broke before an answer came: {error}")
            }
            Failure::NotHttp => out.write_str("what answers there does not speak HTTP"),
            Failure::NotWebSocket(why) => write!(out, "not a WebSocket server: {why}"),
            Failure::Refused(refusal) => refusal.fmt(out),
            Failure::Closed(code, reason) => {
                write!(out, "closed by the server: {}", Told(*code, reason))
            }
            Failure::Lost(None) => out.write_str("the connection ended without a word (1006)"),
            Failure::Lost(Some(error)) => write!(out, "the connection broke (1006): {error}"),
            Failure::Broken(fault) => {
                write!(out, "the server broke the protocol: {}", fault.reason())
            }
            Failure::Unanswered(time) => {
                write!(out, "the server did not answer in {time:?} that we close (1006)")
            }
            Failure::Incomplete(losses) => losses.fmt(out),
            Failure::LongLine(bytes) => {
                write!(out, "a line of more than {bytes} bytes cannot be sent")
            }
            Failure::System(error) => error.fmt(out),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "refused: {}", self.status)?;
        match (&self.code, self.title.is_empty()) {
            (Some(code), _) => write!(out, " {}", escape(code))?,
            (None, false) => write!(out, " {}", escape(&self.title))?,
            (None, true) => {}
        }
        if let Some(detail) = &self.detail {
            write!(out, ": {}", escape(detail))?;
        }
        if let Some(location) = &self.location {
            write!(out, " (it sends us to {})", escape(location))?;
        }
        Ok(())
    }
}
