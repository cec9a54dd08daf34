//! Requests under an `Idempotency-Key`: done once, however often they come.
//!
//! Knows: the key, what makes a request the same as another, which answers are kept.
//! Must not know: what requests do.

use super::super::answer::{Manner, Problem};
use super::super::conn::Conn;
use super::super::desk::Desk;
use super::done::Said;
use crate::http::{Request, Status};
use crate::hub::{Claimed, Kept, Repeat};
use crate::limits::IDEMPOTENCY_KEY_BYTES_MAX;
use std::sync::Arc;

const BAD_KEY: Problem = Problem::new(
    Status::BadRequest,
    "bad-idempotency-key",
    "An Idempotency-Key is one field of 1 to 255 printable ASCII characters.",
);
const REUSED: Problem = Problem::new(
    Status::UnprocessableContent,
    "idempotency-key-reused",
    "This Idempotency-Key was used for another request: make a new one for each message.",
);
const IN_USE: Problem = Problem::new(
    Status::Conflict,
    "idempotency-key-in-use",
    "A request with this Idempotency-Key is still being answered; ask again for its answer.",
);

/// A request that has a key.
#[derive(Debug)]
pub(super) struct Repeatable {
    key: Box<str>,
    /// The path, as it stands for all spellings of it.
    path: Box<str>,
}

/// Whether a request is to be done.
pub(super) enum Claim {
    First(Claimed),
    Again(Again),
    Refused(Problem),
}

/// What was answered before.
pub(super) struct Again(Arc<Kept>);

impl Repeatable {
    /// The key of `request`, if it has one. Only POST has any.
    pub(super) fn of(request: &Request<'_>) -> Result<Option<Box<Repeatable>>, Problem> {
        const NAME: &str = "idempotency-key";
        let Some(key) = request.header_bytes(NAME) else { return Ok(None) };
        let is_key = (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&key.len())
            && key.iter().all(|byte| (b' '..=b'~').contains(byte))
            && request.texts(NAME).count() == 1;
        let key = request.header(NAME).filter(|_| is_key).ok_or(BAD_KEY)?;
        Ok(Some(Box::new(Repeatable { key: key.into(), path: request.path().into() })))
    }

    /// Uses the key for this request, unless it was used before.
    pub(super) fn claim(&self, desk: &Desk, body: &[u8]) -> Claim {
        let (now, age) = (desk.now.monotonic, desk.limits.idempotency_age);
        match desk.hub.claim_key(&self.key, &[self.path.as_bytes(), body], now, age) {
            Repeat::First(claimed) => Claim::First(claimed),
            Repeat::Again(kept) => Claim::Again(Again(kept)),
            Repeat::InUse => Claim::Refused(IN_USE),
            Repeat::Reused => Claim::Refused(REUSED),
        }
    }
}

impl Again {
    pub(super) fn write(&self, manner: &Manner, conn: &mut Conn, desk: &mut Desk) {
        let Kept { status, body } = &*self.0;
        let known = Status::ALL.iter().find(|known| known.code() == *status);
        let replayed = [("Idempotency-Replayed", "true")];
        manner.json(conn, desk, known.copied().unwrap_or(Status::Ok), body, &replayed);
    }
}

impl Desk {
    /// A request that may have a key is answered: done, it is not done again. One of which nobody
    /// knows whether it is done keeps its key in use: it must not be done twice.
    pub(super) fn settle_key(&self, claimed: Option<Claimed>, said: &Said) {
        let Some(claimed) = claimed else { return };
        let kept = match said {
            Said::Well(status, body) => Some(Kept { status: status.code(), body: body.clone() }),
            Said::Problem(problem, _) if problem.status == Status::GatewayTimeout => return,
            Said::Problem(..) => None,
        };
        self.hub.settle_key(&claimed, kept, self.limits.idempotency_keys_max);
    }
}
