//! The WebSocket handshake: who comes in by which route.
//!
//! Knows: the handshake, routes.
//! Must not know: frames, sockets.

use super::conn::{Conn, State};
use super::cursor::{Cursor, Scope};
use super::desk::Desk;
use super::events::Begin;
use super::http::Answered;
use super::panics::{Trap, trap};
use super::rooms::ROOM_OF_ALL;
use super::websocket::{Name, WebSocket};
use crate::bytes::{ConnKey, Place};
use crate::http::{Method, Request, Status, Terms, Version};
use crate::hub::{Class, ConnectionId, Taste};
use crate::json;
use crate::routes::{self, Behaviour, Found, NoRoute};
use crate::ws::Session;
use crate::ws::deflate::WINDOW_BITS;
use crate::ws::extension::{self, Deflate, Malformed};
use crate::ws::handshake::{self, Offer, Refusal};
use std::borrow::Cow;
use std::sync::Arc;

/// Answers a request to a listener for WebSockets. Whatever is refused is refused for good: the
/// connection closes, so that nothing behind the request is ever taken for another one.
pub(super) fn answer(
    conn: &mut Conn,
    desk: &mut Desk,
    key: ConnKey,
    request: &Request<'_>,
) -> Answered {
    match open(conn, desk, request) {
        Ok(opened) => {
            let room = match enter(desk, &opened.found) {
                Ok(room) => room,
                Err(problem) => return refuse(conn, desk, request, &problem),
            };
            desk.rooms.begin(room);
            begin(conn, desk, key, &opened, room)
        }
        Err(problem) => refuse(conn, desk, request, &problem),
    }
}

struct Problem {
    status: Status,
    code: &'static str,
    detail: &'static str,
    headers: &'static [(&'static str, &'static str)],
}

/// For what passes by itself.
const LATER: &[(&str, &str)] = &[("Retry-After", "2")];

const UNKNOWN: Problem = Problem {
    status: Status::NotFound,
    code: "no-such-route",
    detail: "WebSockets connect to /, /ws/{room}, /chat/{room} or /echo.",
    headers: &[],
};
const BAD_EXTENSIONS: Problem = Problem {
    status: Status::BadRequest,
    code: "bad-websocket-extensions",
    detail: "Sec-WebSocket-Extensions is not a list of extensions (RFC 6455 section 9.1).",
    headers: &[],
};
const BAD_ROOM: Problem = Problem {
    status: Status::BadRequest,
    code: "bad-room",
    detail: "A room's name is not empty, not longer than --max-room-name, and has no control \
             characters.",
    headers: &[],
};
const BAD_ECHO: Problem = Problem {
    status: Status::BadRequest,
    code: "bad-parameter",
    detail: "The parameter echo is true or false.",
    headers: &[],
};
const BAD_ID: Problem = Problem {
    status: Status::BadRequest,
    code: "bad-connection-id",
    detail: "A connectionId is not empty, not longer than --max-connection-id, and has no control \
             characters.",
    headers: &[],
};
const UNKNOWN_PARAMETER: Problem = Problem {
    status: Status::BadRequest,
    code: "unknown-parameter",
    detail: "Routes take these parameters: connectionId (/ and /ws/{room}), echo (/chat/{room}).",
    headers: &[],
};
pub(super) const ROOM_LIMIT: (Status, &str, &str) = (
    Status::ServiceUnavailable,
    "too-many-rooms",
    "There are as many rooms as there may be (--max-rooms).",
);
const STOPPING: Problem = Problem {
    status: Status::ServiceUnavailable,
    code: "stopping",
    detail: "The server is stopping; connect again.",
    headers: LATER,
};

/// What a client may have, and what it is answered.
struct Opened {
    found: Found,
    /// As a member it is sent its own messages, too.
    wants_own: bool,
    /// The name that it asks for in its URL.
    id: Option<String>,
    accept: [u8; 28],
    deflate: Option<Deflate>,
}

/// What the request asks for, if it may have it.
fn open(conn: &Conn, desk: &Desk, request: &Request<'_>) -> Result<Opened, Problem> {
    if desk.is_draining() {
        return Err(STOPPING);
    }
    if let Err(barred) = desk.admits(conn.listener, request) {
        let (status, code, detail) = (barred.status, barred.code, barred.detail);
        return Err(Problem { status, code, detail, headers: &[] });
    }
    let key = handshake::check(&Offer {
        method_is_get: request.method() == Method::Get,
        http_1_1: request.version() == Version::Http11,
        connection_has_upgrade: request.lists("connection", "upgrade"),
        upgrade_has_websocket: request.lists("upgrade", "websocket"),
        has_body: request.framing().has_body(),
        key: request.header("sec-websocket-key"),
        version: request.header("sec-websocket-version"),
    })
    .map_err(problem_of)?;
    let deflate = extension::negotiate(request.texts("sec-websocket-extensions"))
        .map_err(|Malformed| BAD_EXTENSIONS)?
        .filter(|_| desk.policy.compression);
    let (mut echo, mut id) = (None, None);
    for (name, value) in request.query() {
        match &*name {
            "echo" => echo = Some(value),
            "connectionId" => id = Some(value),
            other if other.starts_with('_') => {}
            _ => return Err(UNKNOWN_PARAMETER),
        }
    }
    let segments: Vec<Cow<'_, str>> = request.segments().collect();
    let found = desk.policy.routes.find(&segments, &desk.limits).map_err(|no| match no {
        NoRoute::Unknown => UNKNOWN,
        NoRoute::BadRoom => BAD_ROOM,
    })?;
    let takes_id = matches!(found.route.behaviour, Behaviour::Relay { .. });
    let broadcast = found.route.broadcast();
    if (id.is_some() && !takes_id) || (echo.is_some() && broadcast.is_none()) {
        return Err(UNKNOWN_PARAMETER);
    }
    let wants_own = match echo.as_deref() {
        None => broadcast.is_some_and(|broadcast| broadcast.echo),
        Some("false" | "0") => false,
        Some("true" | "1" | "") => true,
        Some(_) => return Err(BAD_ECHO),
    };
    if id.as_ref().is_some_and(|id| !routes::is_connection_id(id, &desk.limits)) {
        return Err(BAD_ID);
    }
    let (id, accept) = (id.map(Cow::into_owned), handshake::accept_key(key.as_bytes()));
    Ok(Opened { found, wants_own, id, accept, deflate })
}

fn problem_of(refusal: Refusal) -> Problem {
    let status = Status::ALL.iter().find(|status| status.code() == refusal.status_code());
    let status = status.copied().unwrap_or(Status::BadRequest);
    let (code, detail) = (refusal.code(), refusal.detail());
    Problem { status, code, detail, headers: refusal.headers() }
}

fn enter(desk: &mut Desk, found: &Found) -> Result<Option<u32>, Problem> {
    let Some(name) = &found.room else { return Ok(None) };
    let room = desk.rooms.enter(name, &desk.hub);
    let (status, code, detail) = ROOM_LIMIT;
    room.map(Some).ok_or(Problem { status, code, detail, headers: LATER })
}

fn refuse(conn: &mut Conn, desk: &mut Desk, request: &Request<'_>, problem: &Problem) -> Answered {
    let terms = Terms { keep_alive: false, ..request.terms() };
    conn.problem(desk, terms, problem.status, problem.code, problem.detail, problem.headers);
    Answered::Yes
}

/// Sends the 101 and makes a WebSocket of the connection.
fn begin(
    conn: &mut Conn,
    desk: &mut Desk,
    key: ConnKey,
    opened: &Opened,
    room: Option<u32>,
) -> Answered {
    let Opened { found, deflate, .. } = opened;
    let mut pool = std::mem::take(&mut desk.pool);
    conn.outbox.append(&mut pool, |out| {
        let accept = String::from_utf8_lossy(&opened.accept);
        let response = desk.respond(out, Status::SwitchingProtocols);
        let mut response = response.header("Sec-WebSocket-Accept", &accept);
        if let Some(deflate) = deflate {
            response = response.header("Sec-WebSocket-Extensions", &deflate.to_string());
        }
        response.upgrade("websocket");
    });
    desk.pool = pool;
    desk.websockets += 1;
    desk.counters().open.websocket.rise();
    desk.wake_by(key, desk.tick.after(desk.limits.ping_interval));
    desk.counters().open.http.fall();
    conn.state = State::WebSocket(WebSocket {
        session: Session::new(deflate.is_some()),
        route: Arc::clone(&found.route),
        leaves_out_own: found.route.broadcast().is_some() && !opened.wants_own,
        window_bits: deflate.map_or(0, |deflate| deflate.window_bits),
        room,
        name: Name::None,
        cursor: None,
        refusals: 0,
        pinged: None,
    });
    let place = Place { core: desk.core, key };
    match &found.route.behaviour {
        Behaviour::Relay { .. } => {
            if let Some(id) = &opened.id {
                let message = registration(id);
                conn.register(desk, place, id, &message);
            }
        }
        Behaviour::Broadcast(_) => {
            let id = ConnectionId::from_random(desk.random.next_u128());
            conn.claim(desk, place, id, &[]);
        }
        Behaviour::Echo | Behaviour::Reply(_) => {}
    }
    join(conn, desk, key);
    trap(Trap::Handshake);
    Answered::Became
}

/// What a client that registers by its URL is taken to have said.
fn registration(id: &str) -> Vec<u8> {
    let mut message = b"{\"connectionId\":\"".to_vec();
    json::escape_into(&mut message, id);
    message.extend_from_slice(b"\"}");
    message
}

/// The connection begins to read with this turn's commit: as a member of its room if its route has
/// members, else only what the API publishes there. What is for everybody it gets in any case.
fn join(conn: &mut Conn, desk: &mut Desk, key: ConnKey) {
    let State::WebSocket(websocket) = &mut conn.state else { return };
    let is_member = websocket.route.broadcast().is_some();
    let class = if is_member { Class::Member } else { Class::Listener };
    // Who remembers less than others get compressed needs a compressor of its own; it gets plain
    // frames, which are always allowed.
    let shares_deflated = websocket.window_bits == WINDOW_BITS;
    let scope = Scope::Room(websocket.room.unwrap_or(ROOM_OF_ALL));
    let cursor = Cursor::new(scope, Taste::frames(class, shares_deflated));
    desk.rooms.follow(&cursor.scope, class, 1);
    websocket.cursor = Some(Box::new(cursor));
    desk.attaching.push((key, Begin::Now));
}
