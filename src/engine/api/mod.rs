//! The API: what HTTP clients ask of connections and rooms, and say to them.
//!
//! Knows: paths, methods and parameters of the HTTP side (PROTOCOL.md, "HTTP", "The API").
//! Must not know: sockets, how events are stored.
//!
//! A request comes to an [`Order`] when its head is read, which is carried out when its body is
//! there, too. Often the answer is known at once. If not, a *call* is kept (`calls.rs`) until the
//! cores that were asked by letter have answered (`ask.rs`), what is published is committed
//! (`publish.rs`), or the time for it is over; the connection that asked waits meanwhile. A call
//! outlives its connection: what a client began is done, and kept under its key if it gave one,
//! also when the client is not there to be told.

mod ask;
mod aws;
mod body;
mod calls;
mod done;
mod list;
mod order;
mod paths;
mod publish;
mod query;
mod repeat;
mod revocations;
mod rooms;
mod sweep;
mod tickets;

pub use ask::{Answer, Ask};
pub(super) use calls::{CallKey, Calls};
pub(super) use order::{Order, Outcome, carry_out};

use super::admission::{Admitted, Entrance, Need};
use super::answer::{Manner, Problem};
use super::conn::Conn;
use super::desk::Desk;
use super::events;
use super::health::Fixed;
use super::hints;
use super::http::Answered;
use super::site;
use crate::auth::{Access, Grant};
use crate::bytes::ConnKey;
use crate::http::{Method, Request, Status, Terms};
use crate::pages::Entry;
use paths::{Found, Resource};
use std::sync::Arc;

const NOT_FOUND: Problem = Problem::new(Status::NotFound, "not-found", "");
const WEBSOCKET_ELSEWHERE: Problem =
    Problem::refusal(Status::MisdirectedRequest, "websocket-elsewhere", "");
const UNKNOWN_METHOD: Problem = Problem::new(
    Status::NotImplemented,
    "unknown-method",
    "This server knows GET, HEAD, POST, DELETE and OPTIONS.",
);
const WRONG_METHOD: Problem = Problem::new(Status::MethodNotAllowed, "method-not-allowed", "");

/// Answers one request to a listener for HTTP, or says what is to be done when its body is there.
pub(super) fn answer(
    conn: &mut Conn,
    desk: &mut Desk,
    key: ConnKey,
    request: &Request<'_>,
    terms: Terms,
) -> Answered {
    if let Err(problem) = desk.admits(conn.listener, request, None) {
        // Where somebody is asked for credentials, who is refused is read no further.
        let closes = desk.policy.access.is_on();
        let terms = if closes { terms.closing() } else { terms };
        conn.problem(desk, terms, &Problem { headers: &[("Vary", "Origin")], ..problem });
        return if closes { Answered::Last } else { Answered::Yes };
    }
    let manner = Manner::of(desk, request, terms);
    let answered = if request.lists("upgrade", "websocket") {
        // A proxy may take the rest for frames: it must not be read as requests.
        Err(websocket_elsewhere(desk, request))
    } else {
        find_and_answer(conn, desk, key, request, &manner)
    };
    match answered {
        Ok(answered) => answered,
        Err(problem) if problem.closes => {
            manner.closing().problem(conn, desk, &problem);
            Answered::Last
        }
        Err(problem) => {
            manner.problem(conn, desk, &problem);
            Answered::Yes
        }
    }
}

fn find_and_answer(
    conn: &mut Conn,
    desk: &mut Desk,
    key: ConnKey,
    request: &Request<'_>,
    manner: &Manner,
) -> Result<Answered, Problem> {
    let policy = Arc::clone(&desk.policy);
    let method = request.method();
    let segments: Vec<_> = request.segments().collect();
    let path: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    if path.is_empty() {
        manner.preflight(conn, desk, paths::EVERYWHERE);
        return Ok(Answered::Yes);
    }
    let found = paths::find(&path);
    // What the server has itself counts before what was configured.
    let page = policy.site.find(&segments).filter(|_| found.is_none());
    let allow = found.map_or(paths::READ, |found| found.allow);
    // Which pages there are is for those who may come in.
    let is_there = found.is_some() || page.is_some() || policy.access.is_on();
    if method == Method::Options && is_there {
        manner.preflight(conn, desk, allow);
        return Ok(Answered::Yes);
    }
    let grant = match need(found, page, &policy.access) {
        None => None,
        Some(need) => match desk.let_in(&Entrance {
            request,
            door: &policy.access.door,
            need,
            token: None,
            listed: &policy.allow_origins,
            filters_max: policy.limits.filters_max,
            peer: conn.peer(),
            vetting: conn.vetting(),
        })? {
            Admitted::In(grant) => grant,
            Admitted::Asks(question) => return Ok(Answered::Asks(question)),
        },
    };
    if method == Method::Other {
        return Err(UNKNOWN_METHOD);
    }
    if found.is_none() && page.is_none() {
        return Err(NOT_FOUND.saying(hints::of_path(desk, request, paths::all())));
    }
    if !paths::has(allow, method) {
        let problem = WRONG_METHOD.saying(hints::of_method(&path, method, allow));
        manner.problem_with(conn, desk, &problem, &[("Allow", allow)]);
        return Ok(Answered::Yes);
    }
    if let Some(found) = found {
        return at(found, conn, desk, key, request, manner, grant);
    }
    if let Some(page) = page {
        site::answer(conn, desk, request, manner, page);
    }
    Ok(Answered::Yes)
}

/// What the path leads to, as a pattern, if that is one of our own.
pub(super) fn pattern(path: &[&str]) -> Option<&'static str> {
    paths::find(path).map(|found| found.resource.pattern())
}

/// Whether a path of our own has this segment.
pub(super) fn is_word(segment: &str) -> bool {
    let words = || paths::TABLE.iter().flat_map(|(pattern, ..)| *pattern);
    segment != paths::NAME && words().any(|word| *word == segment)
}

/// A handshake on a listener for HTTP alone.
fn websocket_elsewhere(desk: &Desk, request: &Request<'_>) -> Problem {
    let at = desk.websockets_at();
    WEBSOCKET_ELSEWHERE.saying(match hints::foreign(request) {
        Some(foreign) => foreign.told(&at),
        None => format!("WebSockets connect to {at}. This is where HTTP is spoken, and no more."),
    })
}

/// What a path takes, where anybody is asked for anything; also one at which there is nothing.
fn need(found: Option<Found<'_>>, page: Option<&Entry>, access: &Access) -> Option<Need> {
    match (found, page) {
        (Some(Found { resource: Resource::Fixed(Fixed::Metrics), .. }), _)
            if access.open_metrics =>
        {
            None
        }
        (Some(found), _) => found.resource.need(),
        (None, Some(page)) if page.page.open => None,
        (None, _) => Some(Need::Page),
    }
}

/// Answers a request with a method that its path has.
fn at(
    found: Found<'_>,
    conn: &mut Conn,
    desk: &mut Desk,
    key: ConnKey,
    request: &Request<'_>,
    manner: &Manner,
    grant: Option<Arc<Grant>>,
) -> Result<Answered, Problem> {
    match found.resource {
        Resource::Events => return events::stream(conn, desk, key, request, manner, grant),
        Resource::Fixed(fixed) => fixed.answer(request, manner, conn, desk),
        Resource::Rooms => {
            let body = rooms::page(desk, request)?;
            manner.json(conn, desk, Status::Ok, &body, &[]);
        }
        Resource::Room => {
            let body = rooms::one(desk, request, found.name)?;
            manner.json(conn, desk, Status::Ok, &body, &[]);
        }
        Resource::Revocations if request.method() != Method::Post => {
            revocations::answer(conn, desk, request, manner)?;
        }
        Resource::Connections
        | Resource::Connection
        | Resource::RoomMessages
        | Resource::Messages
        | Resource::Batch
        | Resource::Tickets
        | Resource::Revocations
        | Resource::AwsConnection => {
            let order = Order::of(found, desk, request, manner, grant)?;
            return Ok(Answered::Ordered(Box::new(order)));
        }
    }
    Ok(Answered::Yes)
}

#[cfg(test)]
mod tests;
