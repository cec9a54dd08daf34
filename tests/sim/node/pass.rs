//! What a guest shows at the door, and what was revoked of that.
//!
//! Knows: what a token or a ticket says, whom a revocation is about.
//! Must not know: how the engine finds that out.

use tidegate::auth::{Revocation, Whom};

/// How far ahead of us the clock of whoever issues tokens may be.
const LEEWAY_MS: u64 = 30_000;

/// What is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// A token of this one of the keys of guests.
    Token(usize),
    /// This one of the tickets of the run.
    Ticket(usize),
}

/// A credential, and what it says.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) text: String,
    pub(crate) kept: Kept,
    pub(crate) subject: String,
    pub(crate) token_id: Option<String>,
    pub(crate) issued_ms: Option<u64>,
    pub(crate) expires_ms: Option<u64>,
    pub(crate) reads: Vec<&'static str>,
    pub(crate) publishes: Vec<&'static str>,
}

impl Pass {
    pub(crate) fn reads(&self, room: &str) -> bool {
        self.reads.contains(&room)
    }

    pub(crate) fn publishes(&self, room: &str) -> bool {
        self.publishes.contains(&room)
    }

    /// Whether its time is now.
    pub(crate) fn is_timely(&self, now_ms: u64) -> bool {
        self.expires_ms.is_none_or(|expires| expires > now_ms)
            && self.issued_ms.is_none_or(|issued| issued <= now_ms + LEEWAY_MS)
    }

    /// Whether it is good no more by `revocation`.
    pub(crate) fn is_revoked(&self, revocation: &Revocation) -> bool {
        match &revocation.whom {
            Whom::Subject(subject) => {
                let is_older = self.issued_ms.is_none_or(|issued| issued <= revocation.at_ms);
                is_older && *self.subject == **subject
            }
            Whom::TokenId(id) => self.token_id.as_deref() == Some(&**id),
            Whom::ConnectionId(_) => false,
        }
    }
}
