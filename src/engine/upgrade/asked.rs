//! The parameters that a WebSocket is opened with.
//!
//! Knows: which routes take which.
//! Must not know: handshakes, what comes of them.

use super::bad;
use crate::auth::Door;
use crate::engine::admission::TICKET;
use crate::engine::answer::Problem;
use crate::engine::events::Begin;
use crate::engine::hints;
use crate::engine::reach::Ids;
use crate::http::{Request, Status};
use crate::routes::Route;
use std::borrow::Cow;
use std::sync::Arc;

pub(super) const UNKNOWN_PARAMETER: Problem =
    Problem::new(Status::BadRequest, "unknown-parameter", "");
const BAD_ECHO: Problem = bad("bad-parameter", "The parameter echo is true or false.");
const BAD_SINCE: Problem =
    bad("bad-parameter", "The parameter since is an id of an event, or earliest.");

/// The parameters of a request. If one is repeated, the last counts.
#[derive(Default)]
pub(super) struct Asked<'r> {
    echo: Option<Cow<'r, str>>,
    since: Option<Cow<'r, str>>,
    pub(super) id: Option<Cow<'r, str>>,
}

impl<'r> Asked<'r> {
    /// An error: there is one that no route takes, and that is none of those `known` beside; with
    /// what there is to say of that one.
    pub(super) fn by(
        request: &Request<'r>,
        known: &[&str],
    ) -> Result<Asked<'r>, Option<&'static str>> {
        let mut asked = Asked::default();
        for (name, value) in request.query() {
            match &*name {
                "echo" => asked.echo = Some(value),
                "since" => asked.since = Some(value),
                "connectionId" => asked.id = Some(value),
                other if other.starts_with('_') || known.contains(&other) => {}
                other => return Err(hints::of_websocket(other, !known.is_empty())),
            }
        }
        Ok(asked)
    }

    pub(super) fn wants_own(&self, route: &Route) -> Result<bool, Problem> {
        let Some(broadcast) = route.broadcast() else { return Ok(false) };
        match self.echo.as_deref() {
            None => Ok(broadcast.echo),
            Some("false" | "0") => Ok(false),
            Some("true" | "1" | "") => Ok(true),
            Some(_) => Err(BAD_ECHO),
        }
    }

    pub(super) fn begins(&self, route: &Route, ids: Ids<'_>) -> Result<Begin, Problem> {
        match self.since.as_deref().filter(|_| route.has_since()) {
            None => Ok(Begin::Now),
            Some(since) => Begin::since(since, ids).ok_or(BAD_SINCE),
        }
    }

    /// Whether the route takes them.
    pub(super) fn fits(&self, route: &Route) -> bool {
        (self.id.is_none() || route.takes_name())
            && (self.echo.is_none() || route.broadcast().is_some())
            && (self.since.is_none() || route.has_since())
    }
}

/// The parameters that a credential may stand in at `door`.
pub(super) fn of_door(door: &Door) -> Vec<&str> {
    door.query.as_deref().into_iter().chain([TICKET]).collect()
}

/// Says what may be asked for instead; those `known` are taken by every route. There may be more
/// to `say` of what was asked for.
pub(super) fn unknown_parameter(
    route: Option<&Arc<Route>>,
    known: &[&str],
    say: Option<&str>,
) -> Problem {
    let mut detail = match route.map(|route| (&route.path, route.parameters())) {
        None => "Only the parameters connectionId, echo and since are known.".to_owned(),
        Some((path, parameters)) => match [parameters.as_slice(), known].concat().as_slice() {
            [] => format!("The route {path} takes no parameters."),
            [one] => format!("The route {path} takes the parameter {one}, and no other."),
            all => format!("The route {path} takes the parameters {}.", all.join(", ")),
        },
    };
    if let Some(say) = say {
        detail.push(' ');
        detail.push_str(say);
    }
    UNKNOWN_PARAMETER.saying(detail)
}
