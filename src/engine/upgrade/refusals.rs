//! What is said to whoever asks for a WebSocket and does not get one.
//!
//! Knows: statuses, codes, and sentences that say what to do instead.
//! Must not know: how it was found out.

use super::bad;
use crate::engine::admission::not_allowed;
use crate::engine::answer::Problem;
use crate::engine::desk::Desk;
use crate::engine::hints;
use crate::http::{Request, Status};
use crate::ws::handshake::Refusal;

pub(super) const BAD_EXTENSIONS: Problem = bad(
    "bad-websocket-extensions",
    "Sec-WebSocket-Extensions is not a list of extensions (RFC 6455 section 9.1).",
);
pub(super) const BAD_PROTOCOL: Problem = bad(
    "bad-websocket-protocol",
    "Sec-WebSocket-Protocol is not a list of subprotocols (RFC 6455 section 4.1).",
);
pub(super) const TAKEN_ID: Problem = Problem::new(
    Status::Conflict,
    "connection-id-taken",
    "Another connection has this connectionId, and keeps it.",
);
pub(super) const NOT_THIS_ROOM: Problem = not_allowed(
    "The credential is good, but does not give the right to read this room (subscribe).",
);
pub(super) const NOT_THIS_ID: Problem =
    not_allowed("The credential is good, but does not give the right to this connectionId.");
pub(super) const REVOKED_ID: Problem =
    not_allowed("This connectionId was revoked: no connection may be called so.");
pub(in crate::engine) const ROOM_LIMIT: Problem = Problem::new(
    Status::ServiceUnavailable,
    "too-many-rooms",
    "There are as many rooms as there may be (--max-rooms).",
);

pub(super) fn bad_room(desk: &Desk) -> Problem {
    let most = desk.limits.room_name_bytes_max;
    bad("bad-room", "").saying(format!(
        "A room's name is not empty, has at most {most} bytes (--max-room-name) and no control \
         characters, and is not *."
    ))
}

pub(super) fn bad_id(desk: &Desk) -> Problem {
    let most = desk.limits.connection_id_bytes_max;
    bad("bad-connection-id", "").saying(format!(
        "A connectionId is not empty, and has at most {most} bytes (--max-connection-id) and no \
         control characters."
    ))
}

/// Which paths there are is for those who may come in.
pub(super) fn no_such_route(desk: &Desk, request: &Request<'_>) -> Problem {
    let policy = &desk.policy;
    let detail = match hints::foreign(request) {
        Some(foreign) => foreign.told(INSTEAD),
        None if policy.access.is_on() => "WebSockets do not connect to this path.".to_owned(),
        None => format!("WebSockets connect to {}.", policy.routes.paths()),
    };
    Problem::new(Status::NotFound, "no-such-route", "").saying(detail)
}

/// What to open, for who has opened something else on this port.
pub(super) const INSTEAD: &str = "a path of this port";

pub(super) fn problem_of(refusal: Refusal, desk: &Desk, request: &Request<'_>) -> Problem {
    let status = Status::ALL.iter().find(|status| status.code() == refusal.status_code());
    let status = status.copied().unwrap_or(Status::BadRequest);
    let headers = refusal.headers();
    let problem = Problem { headers, ..Problem::new(status, refusal.code(), refusal.detail()) };
    let detail = refusal.detail();
    match refusal {
        Refusal::NotUpgrade => problem.saying(match hints::foreign(request) {
            Some(foreign) => foreign.told(INSTEAD),
            None => format!("{detail} Events, the API and all else are on {}.", desk.http_at()),
        }),
        Refusal::Method => problem.saying(format!("{detail} The API is on {}.", desk.http_at())),
        Refusal::OldHttp
        | Refusal::Body
        | Refusal::BadVersion
        | Refusal::MissingKey
        | Refusal::BadKey => problem,
    }
}
