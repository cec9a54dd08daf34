//! Who is let in: the credential that a request holds, and what comes of it.
//!
//! Knows: where a door takes credentials, what its refusals say.
//! Must not know: what is asked for behind the door.

use super::answer::Problem;
use super::desk::Desk;
use crate::auth::{Door, Grant, Presented, Refused, Refusing};
use crate::http::{Request, Status};
use std::sync::Arc;

/// What a request takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Any good credential.
    Anything,
    /// To open a WebSocket.
    Connect,
    /// To read rooms.
    Subscribe,
    /// To use the API.
    Manage,
}

const NOT_ALLOWED: Problem = Problem::new(
    Status::Forbidden,
    "not-allowed",
    "The credential is good, but does not give the right to do this.",
);

impl Desk {
    /// What the holder of the credential in `request` may do, where `door` is the one it comes to.
    /// Nothing: everybody may come in there.
    pub(super) fn let_in(
        &mut self,
        request: &Request<'_>,
        door: &Door,
        need: Need,
    ) -> Result<Option<Arc<Grant>>, Problem> {
        if !self.policy.access.is_on() || door.open {
            return Ok(None);
        }
        let bearer = request.header("authorization").and_then(|it| it.strip_prefix("Bearer "));
        let granted = match bearer {
            None => Err(Refused::Missing),
            Some(text) => {
                let keyring = &self.policy.access.keyring;
                keyring.verify(Presented::Bearer(text), door, self.now.unix_ms)
            }
        };
        let grant = granted.map_err(|refused| problem_of(refused, door))?;
        let may = match need {
            Need::Anything => true,
            Need::Connect => grant.may_connect(),
            Need::Subscribe => grant.may_subscribe_to_some(),
            Need::Manage => grant.may_manage(),
        };
        if may { Ok(Some(Arc::new(grant))) } else { Err(NOT_ALLOWED) }
    }
}

fn problem_of(refused: Refused, door: &Door) -> Problem {
    let status = match door.refusing {
        Refusing::Unauthorized => Status::Unauthorized,
        Refusing::Forbidden => Status::Forbidden,
    };
    let code = match refused {
        Refused::Missing => "credentials-missing",
        _ => "credentials-invalid",
    };
    Problem::new(status, code, "This takes a credential that is good here.")
}
