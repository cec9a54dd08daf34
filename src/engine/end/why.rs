//! Why and how a connection ends.
//!
//! Knows: close codes, what is said with each, how much each matters.
//! Must not know: connections.

use crate::engine::chronicle::Level;
use crate::engine::lifetime::Lapse;
use crate::hub::EndedBy;
use crate::ws::Fault;
use crate::ws::close::CloseCode;

/// Why and how a connection ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct End {
    pub(super) code: CloseCode,
    reason: Reason,
    pub(super) by: EndedBy,
    pub(super) how: How,
}

/// What is said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Reason {
    /// What the code always comes with.
    Usual,
    /// These words of ours.
    Ours(&'static str),
    /// What the client said, or whoever had it closed.
    Theirs(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// We send a close frame and wait for the peer's.
    Ask,
    /// The peer sent one: ours is the answer.
    Answer,
    /// We send one and listen no more (RFC 6455 §7.1.7).
    Fail,
    /// What is due leaves, then we close.
    Finish,
    /// There is nobody to send to.
    Gone,
}

impl End {
    /// The answer to the last request is due.
    pub(in crate::engine) const ANSWERED: End =
        End::fixed(CloseCode::NORMAL, EndedBy::Server, How::Finish);
    /// A stream's reader went.
    pub(in crate::engine) const LEFT: End =
        End::fixed(CloseCode::ABNORMAL, EndedBy::Client, How::Gone);
    /// A stream's reader says what nobody asked for.
    pub(in crate::engine) const TALKS: End =
        End::fixed(CloseCode::POLICY, EndedBy::Server, How::Finish);
    /// Reset, or ended without a close frame.
    pub(in crate::engine) const LOST: End =
        End::fixed(CloseCode::ABNORMAL, EndedBy::Network, How::Gone);
    /// It closed its half without a close frame; what it was answered before still leaves.
    pub(in crate::engine) const HALF_CLOSED: End =
        End::fixed(CloseCode::ABNORMAL, EndedBy::Network, How::Finish);
    /// Silent for too long.
    pub(in crate::engine) const SILENT: End =
        End::fixed(CloseCode::ABNORMAL, EndedBy::Timeout, How::Gone);
    /// Took nothing for too long.
    pub(in crate::engine) const STALLED: End =
        End::fixed(CloseCode::FELL_OFF, EndedBy::Timeout, How::Gone);
    /// Our own error. What it left of the connection's input is not to be read on with.
    pub(in crate::engine) const PANIC: End =
        End::fixed(CloseCode::INTERNAL, EndedBy::Server, How::Fail);
    /// Somebody else has its name now.
    pub(in crate::engine) const REPLACED: End =
        End::fixed(CloseCode::REPLACED, EndedBy::Server, How::Ask);
    /// More waits for it than may, or what it has not read is gone.
    pub(in crate::engine) const FELL_OFF: End =
        End::fixed(CloseCode::FELL_OFF, EndedBy::Server, How::Ask);
    /// The server stops.
    pub(in crate::engine) const RESTART: End =
        End::fixed(CloseCode::SERVICE_RESTART, EndedBy::Server, How::Ask);

    /// The server has stopped, and it is still here.
    pub(in crate::engine) const OUT_OF_TIME: End =
        End::fixed(CloseCode::SERVICE_RESTART, EndedBy::Server, How::Gone);

    const fn fixed(code: CloseCode, by: EndedBy, how: How) -> End {
        End { code, reason: Reason::Usual, by, how }
    }

    /// We close with `code`.
    pub(in crate::engine) fn ours(code: CloseCode, reason: &'static str) -> End {
        End { code, reason: Reason::Ours(reason), by: EndedBy::Server, how: How::Ask }
    }

    /// Somebody has us close with `code`, and says why.
    pub(in crate::engine) fn ordered(code: CloseCode, reason: &str) -> End {
        End { reason: Reason::Theirs(reason.to_owned()), ..End::ours(code, "") }
    }

    /// What it was let in with holds no more.
    pub(in crate::engine) fn lapsed(lapse: Lapse) -> End {
        End::ours(CloseCode::EXPIRED, lapse.reason())
    }

    /// The same of a stream, which has been told.
    pub(in crate::engine) fn lapsed_stream(lapse: Lapse) -> End {
        End { code: CloseCode::NORMAL, how: How::Finish, ..End::lapsed(lapse) }
    }

    /// The peer broke the protocol.
    pub(in crate::engine) fn fault(fault: Fault) -> End {
        End { how: How::Fail, ..End::ours(fault.close_code(), fault.reason()) }
    }

    /// The peer closed.
    pub(in crate::engine) fn theirs(code: Option<CloseCode>, reason: &str) -> End {
        let code = code.unwrap_or(CloseCode::NO_STATUS);
        let reason = Reason::Theirs(reason.to_owned());
        End { code, reason, by: EndedBy::Client, how: How::Answer }
    }

    /// The reason that is given.
    pub(super) fn reason(&self) -> &str {
        match &self.reason {
            Reason::Ours(reason) => return reason,
            Reason::Theirs(reason) => return reason,
            Reason::Usual => {}
        }
        match self.code {
            CloseCode::REPLACED if self.by == EndedBy::Server => "replaced",
            CloseCode::SERVICE_RESTART if self.by == EndedBy::Server => "server restarts",
            CloseCode::FELL_OFF if self.by == EndedBy::Server => "fell too far behind",
            CloseCode::FELL_OFF if self.by == EndedBy::Timeout => "took nothing",
            CloseCode::POLICY if self.by == EndedBy::Server => "it kept sending",
            CloseCode::INTERNAL if self.by == EndedBy::Server => "internal error",
            CloseCode::ABNORMAL if self.by == EndedBy::Timeout => "no answer to ping",
            CloseCode::ABNORMAL if self.by == EndedBy::Network => "connection lost",
            _ => "",
        }
    }
}

/// What is told of it to whoever runs the server.
impl End {
    /// How much it matters.
    pub(in crate::engine) fn level(&self) -> Level {
        match (self.how, self.code) {
            (How::Fail, CloseCode::INTERNAL) => Level::Warn,
            (How::Fail, _) => Level::Info,
            _ if matches!(self.reason, Reason::Theirs(_)) => Level::Debug,
            (_, CloseCode::FELL_OFF | CloseCode::POLICY | CloseCode::RATE) => Level::Info,
            _ => Level::Debug,
        }
    }

    pub(in crate::engine) fn code(&self) -> CloseCode {
        self.code
    }

    pub(in crate::engine) fn by(&self) -> EndedBy {
        self.by
    }

    /// The reason, if it is ours: what others say is between them.
    pub(in crate::engine) fn told_reason(&self) -> Option<&str> {
        let is_ours = !matches!(self.reason, Reason::Theirs(_));
        Some(self.reason()).filter(|reason| is_ours && !reason.is_empty())
    }
}
