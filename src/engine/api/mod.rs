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

use super::admission::Need;
use super::answer::{Manner, Problem};
use super::conn::Conn;
use super::desk::Desk;
use super::events;
use super::http::Answered;
use super::site;
use crate::auth::Grant;
use crate::bytes::ConnKey;
use crate::http::{Method, Request, Status, Terms};
use paths::{Found, Resource};
use std::sync::Arc;

const NOT_FOUND: Problem = Problem::new(
    Status::NotFound,
    "not-found",
    "There is nothing here. Try /events, /api/rooms, /api/connections or /openapi.json.",
);
const WEBSOCKET_ELSEWHERE: Problem = Problem::new(
    Status::MisdirectedRequest,
    "websocket-elsewhere",
    "WebSockets connect to the server's other listener (--ws-addr, by default port 8080).",
);
const UNKNOWN_METHOD: Problem =
    Problem::new(Status::NotImplemented, "unknown-method", "This server does not know the method.");
const WRONG_METHOD: Problem =
    Problem::new(Status::MethodNotAllowed, "method-not-allowed", "This path has other methods.");

/// Answers one request to a listener for HTTP, or says what is to be done when its body is there.
pub(super) fn answer(
    conn: &mut Conn,
    desk: &mut Desk,
    key: ConnKey,
    request: &Request<'_>,
    terms: Terms,
) -> Answered {
    if let Err(barred) = desk.admits(conn.listener, request, None) {
        let vary = [("Vary", "Origin")];
        conn.problem(desk, terms, barred.status, barred.code, barred.detail, &vary);
        return Answered::Yes;
    }
    let manner = Manner::of(request, terms);
    if request.lists("upgrade", "websocket") {
        // A proxy may take the rest for frames: it must not be read as requests.
        let manner = Manner::of(request, terms.closing());
        manner.problem(conn, desk, &WEBSOCKET_ELSEWHERE);
        return Answered::Last;
    }
    match find_and_answer(conn, desk, key, request, &manner) {
        Ok(answered) => answered,
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
    let method = request.method();
    if method == Method::Other {
        return Err(UNKNOWN_METHOD);
    }
    let segments: Vec<_> = request.segments().collect();
    let path: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    if path.is_empty() {
        manner.preflight(conn, desk, paths::EVERYWHERE);
        return Ok(Answered::Yes);
    }
    let found = paths::find(&path);
    // What the server has itself counts before what was configured.
    let policy = found.is_none().then(|| Arc::clone(&desk.policy));
    let page = policy.as_ref().and_then(|policy| policy.site.find(&segments));
    let allow = found.map_or(paths::READ, |found| found.allow);
    match (found, page) {
        (None, None) => return Err(NOT_FOUND),
        _ if !paths::has(allow, method) => {
            let problem = WRONG_METHOD.saying(format!("This path has other methods: {allow}."));
            manner.problem_with(conn, desk, &problem, &[("Allow", allow)]);
        }
        _ if method == Method::Options => manner.preflight(conn, desk, allow),
        (Some(found), _) => {
            let door = Arc::clone(&desk.policy.access.door);
            let grant = match found.resource.need() {
                None => None,
                Some(need) => desk.let_in(request, &door, need)?,
            };
            return at(found, conn, desk, key, request, manner, grant);
        }
        (None, Some(page)) => {
            let door = Arc::clone(&desk.policy.access.door);
            if !page.page.open {
                desk.let_in(request, &door, Need::Anything)?;
            }
            site::answer(conn, desk, request, manner, page);
        }
    }
    Ok(Answered::Yes)
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
        Resource::Fixed(fixed) => fixed.answer(manner, conn, desk),
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
