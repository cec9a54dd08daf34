//! The WebSocket handshake: who comes in by which route.
//!
//! Knows: the handshake, routes.
//! Must not know: frames, sockets.

use super::admission::Need;
use super::answer;
use super::conn::{Conn, State};
use super::cursor::{Cursor, Scope};
use super::desk::Desk;
use super::events::Begin;
use super::http::Answered;
use super::membership::Attach;
use super::panics::{Trap, trap};
use super::reach::Ids;
use super::register::registration;
use super::rooms::ROOM_OF_ALL;
use super::websocket::{Name, WebSocket};
use crate::auth::Grant;
use crate::bytes::{ConnKey, Place};
use crate::http::{Method, Request, Status, Terms, Version};
use crate::hub::{Class, ConnectionId, Taste};
use crate::routes::{self, Duplicate, Found, NoRoute, Route, Table};
use crate::ws::Session;
use crate::ws::deflate::WINDOW_BITS;
use crate::ws::extension::{self, Deflate, Malformed};
use crate::ws::handshake::{self, Offer, Refusal};
use crate::ws::subprotocol;
use std::borrow::Cow;
use std::num::NonZeroU32;
use std::sync::Arc;

/// Answers a request to a listener for WebSockets. Whatever is refused is refused for good: the
/// connection closes, so that nothing behind the request is ever taken for another one.
pub(super) fn answer(
    conn: &mut Conn,
    desk: &mut Desk,
    key: ConnKey,
    request: &Request<'_>,
) -> Answered {
    let taken = open(conn, desk, request).and_then(|opened| {
        desk.arriving.room = enter(desk, &opened.found)?;
        let place = Place { core: desk.core, key };
        Ok((name(desk, place, &opened)?, opened))
    });
    match taken {
        Ok((name, opened)) => {
            trap(Trap::Claimed);
            begin(conn, desk, key, &opened, name)
        }
        Err(problem) => {
            desk.give_back_arriving();
            refuse(conn, desk, request, &problem)
        }
    }
}

struct Problem {
    status: Status,
    code: &'static str,
    detail: Cow<'static, str>,
    headers: &'static [(&'static str, &'static str)],
}

impl From<answer::Problem> for Problem {
    fn from(problem: answer::Problem) -> Problem {
        let answer::Problem { status, code, detail } = problem;
        Problem { status, code, detail, headers: &[] }
    }
}

impl Problem {
    const fn bad(code: &'static str, detail: &'static str) -> Problem {
        let (status, detail) = (Status::BadRequest, Cow::Borrowed(detail));
        Problem { status, code, detail, headers: &[] }
    }
}

/// For what passes by itself.
const LATER: &[(&str, &str)] = &[("Retry-After", "2")];

const BAD_EXTENSIONS: Problem = Problem::bad(
    "bad-websocket-extensions",
    "Sec-WebSocket-Extensions is not a list of extensions (RFC 6455 section 9.1).",
);
const BAD_PROTOCOL: Problem = Problem::bad(
    "bad-websocket-protocol",
    "Sec-WebSocket-Protocol is not a list of subprotocols (RFC 6455 section 4.1).",
);
const BAD_ROOM: Problem = Problem::bad(
    "bad-room",
    "A room's name is not empty, not longer than --max-room-name, has no control characters, and \
     is not *.",
);
const BAD_ECHO: Problem = Problem::bad("bad-parameter", "The parameter echo is true or false.");
const BAD_SINCE: Problem =
    Problem::bad("bad-parameter", "The parameter since is an id of an event, or earliest.");
const BAD_ID: Problem = Problem::bad(
    "bad-connection-id",
    "A connectionId is not empty, not longer than --max-connection-id, and has no control \
     characters.",
);
const TAKEN_ID: Problem = Problem {
    status: Status::Conflict,
    code: "connection-id-taken",
    detail: Cow::Borrowed("Another connection has this connectionId, and keeps it."),
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
    detail: Cow::Borrowed("The server is stopping; connect again."),
    headers: LATER,
};

/// What a client may have, and what it is answered.
struct Opened {
    found: Found,
    /// As a member it is sent its own messages, too.
    wants_own: bool,
    /// Where it begins to read, as a member.
    since: Begin,
    /// The name that it asks for in its URL.
    id: Option<String>,
    accept: [u8; 28],
    deflate: Option<Deflate>,
    protocol: Option<String>,
    /// What it is let in with.
    grant: Option<Arc<Grant>>,
}

/// What the request asks for, if it may have it.
fn open(conn: &Conn, desk: &mut Desk, request: &Request<'_>) -> Result<Opened, Problem> {
    if desk.is_draining() {
        return Err(STOPPING);
    }
    let policy = Arc::clone(&desk.policy);
    let routes = &policy.routes;
    let segments: Vec<Cow<'_, str>> = request.segments().collect();
    let route = routes.matching(&segments).map(|(route, _)| route);
    let listed = route.and_then(|route| route.allow_origins.as_deref());
    if let Err(barred) = desk.admits(conn.listener, request, listed) {
        let (status, code, detail) = (barred.status, barred.code, barred.detail.into());
        return Err(Problem { status, code, detail, headers: &[] });
    }
    let door = route.and_then(|route| route.door.as_ref()).unwrap_or(&policy.access.door);
    let grant = desk.let_in(request, door, Need::Connect)?;
    let key = handshake::check(&offer(request)).map_err(problem_of)?;
    let deflate = extension::negotiate(request.texts("sec-websocket-extensions"))
        .map_err(|Malformed| BAD_EXTENSIONS)?
        .filter(|_| policy.compression);
    let asked = Asked::by(request).ok_or_else(|| unknown_parameter(route))?;
    let route = route.ok_or_else(|| no_such_route(routes))?;
    let ids = Ids::of(&desk.hub, grant.as_ref());
    let (wants_own, since) = (asked.wants_own(route)?, asked.begins(route, ids)?);
    let found = routes.find(&segments, &desk.limits).map_err(|no| match no {
        NoRoute::Unknown => no_such_route(routes),
        NoRoute::BadRoom => BAD_ROOM,
    })?;
    let Asked { echo, since: asks_since, id } = asked;
    if (id.is_some() && !route.takes_name())
        || (echo.is_some() && route.broadcast().is_none())
        || (asks_since.is_some() && !route.has_since())
    {
        return Err(unknown_parameter(Some(route)));
    }
    if id.as_ref().is_some_and(|id| !routes::is_connection_id(id, &desk.limits)) {
        return Err(BAD_ID);
    }
    let protocol = if route.subprotocols.is_empty() {
        None
    } else {
        let offered = request.texts("sec-websocket-protocol");
        subprotocol::select(offered, &route.subprotocols).map_err(|Malformed| BAD_PROTOCOL)?
    };
    let protocol = protocol.map(str::to_owned);
    let (id, accept) = (id.map(Cow::into_owned), handshake::accept_key(key.as_bytes()));
    Ok(Opened { found, wants_own, since, id, accept, deflate, protocol, grant })
}

fn offer<'r>(request: &Request<'r>) -> Offer<'r> {
    Offer {
        method_is_get: request.method() == Method::Get,
        http_1_1: request.version() == Version::Http11,
        connection_has_upgrade: request.lists("connection", "upgrade"),
        upgrade_has_websocket: request.lists("upgrade", "websocket"),
        has_body: request.framing().has_body(),
        key: request.header("sec-websocket-key"),
        version: request.header("sec-websocket-version"),
    }
}

/// The parameters of a request. If one is repeated, the last counts.
#[derive(Default)]
struct Asked<'r> {
    echo: Option<Cow<'r, str>>,
    since: Option<Cow<'r, str>>,
    id: Option<Cow<'r, str>>,
}

impl<'r> Asked<'r> {
    /// `None`: there is one that no route takes.
    fn by(request: &Request<'r>) -> Option<Asked<'r>> {
        let mut asked = Asked::default();
        for (name, value) in request.query() {
            match &*name {
                "echo" => asked.echo = Some(value),
                "since" => asked.since = Some(value),
                "connectionId" => asked.id = Some(value),
                other if other.starts_with('_') => {}
                _ => return None,
            }
        }
        Some(asked)
    }

    fn wants_own(&self, route: &Route) -> Result<bool, Problem> {
        let Some(broadcast) = route.broadcast() else { return Ok(false) };
        match self.echo.as_deref() {
            None => Ok(broadcast.echo),
            Some("false" | "0") => Ok(false),
            Some("true" | "1" | "") => Ok(true),
            Some(_) => Err(BAD_ECHO),
        }
    }

    fn begins(&self, route: &Route, ids: Ids<'_>) -> Result<Begin, Problem> {
        match self.since.as_deref().filter(|_| route.has_since()) {
            None => Ok(Begin::Now),
            Some(since) => Begin::since(since, ids).ok_or(BAD_SINCE),
        }
    }
}

fn no_such_route(routes: &Table) -> Problem {
    let detail = format!("WebSockets connect to {}.", routes.paths()).into();
    Problem { status: Status::NotFound, ..Problem { detail, ..Problem::bad("no-such-route", "") } }
}

/// Says what may be asked for instead.
fn unknown_parameter(route: Option<&Arc<Route>>) -> Problem {
    let detail = match route.map(|route| (&route.path, route.parameters())) {
        None => "Only the parameters connectionId, echo and since are known.".into(),
        Some((path, parameters)) => match parameters.as_slice() {
            [] => format!("The route {path} takes no parameters.").into(),
            [one] => format!("The route {path} takes the parameter {one}, and no other.").into(),
            all => format!("The route {path} takes the parameters {}.", all.join(", ")).into(),
        },
    };
    Problem { detail, ..Problem::bad("unknown-parameter", "") }
}

fn problem_of(refusal: Refusal) -> Problem {
    let status = Status::ALL.iter().find(|status| status.code() == refusal.status_code());
    let status = status.copied().unwrap_or(Status::BadRequest);
    let (code, detail) = (refusal.code(), refusal.detail().into());
    Problem { status, code, detail, headers: refusal.headers() }
}

fn enter(desk: &mut Desk, found: &Found) -> Result<Option<u32>, Problem> {
    let Some(name) = &found.room else { return Ok(None) };
    let room = desk.rooms.enter(name, &desk.hub);
    let (status, code, detail) = ROOM_LIMIT;
    room.map(Some).ok_or(Problem { status, code, detail: detail.into(), headers: LATER })
}

/// What the connection is called from its 101 on, as far as it can be known before.
fn name(desk: &mut Desk, place: Place, opened: &Opened) -> Result<Name, Problem> {
    let route = &opened.found.route;
    let keeps_own = route.is_as_is() && route.duplicate == Duplicate::Replace;
    let id = match &opened.id {
        // It registers as by a message: what speaks against it is told as if that had come.
        Some(_) if keeps_own => return Ok(Name::None),
        Some(id) => ConnectionId::Name(Arc::from(id.as_str())),
        None if route.is_as_is() => return Ok(Name::None),
        None => ConnectionId::from_random(desk.random.next_u128()),
    };
    let (name, who) = desk.claim(place, id, &[], route.duplicate).ok_or(TAKEN_ID)?;
    desk.arriving.claim = Some((who, place));
    Ok(name)
}

fn refuse(conn: &mut Conn, desk: &mut Desk, request: &Request<'_>, problem: &Problem) -> Answered {
    let terms = Terms { keep_alive: false, ..request.terms() };
    conn.problem(desk, terms, problem.status, problem.code, &problem.detail, problem.headers);
    Answered::Yes
}

/// Sends the 101 and makes a WebSocket of the connection.
fn begin(conn: &mut Conn, desk: &mut Desk, key: ConnKey, opened: &Opened, name: Name) -> Answered {
    let Opened { found, deflate, .. } = opened;
    let route = &found.route;
    accept(conn, desk, opened);
    desk.websockets += 1;
    desk.counters().open.websocket.rise();
    desk.counters().open.http.fall();
    let room = desk.arriving.take().room;
    conn.state = State::WebSocket(WebSocket {
        session: Session::new(deflate.is_some()),
        route: Arc::clone(route),
        leaves_out_own: route.broadcast().is_some() && !opened.wants_own,
        window_bits: deflate.map_or(0, |deflate| deflate.window_bits),
        room: room.and_then(NonZeroU32::new),
        name,
        cursor: None,
        refusals: 0,
        pinged: None,
        connected_ms: desk.now.unix_ms,
        grant: opened.grant.clone(),
    });
    // What it publishes from here on is taken back if it ends in a panic.
    desk.rooms.begin();
    desk.wake_by(key, desk.tick.after(desk.limits_of(route).ping_interval));
    // Where it begins, if it asked to be told, is known with this turn's commit, and comes first.
    let is_told = opened.since != Begin::Now;
    if !is_told {
        conn.greet(desk);
    }
    // Of what takes effect with a commit there is one thing at a time.
    conn.mood.changing = is_told || route.broadcast().is_some_and(|route| route.rooms);
    let place = Place { core: desk.core, key };
    if let Some(id) = opened.id.as_deref().filter(|_| route.is_as_is()) {
        conn.register_by_url(desk, place, id, &registration(id));
    }
    join(conn, desk, key, opened.since);
    trap(Trap::Handshake);
    Answered::Became
}

fn accept(conn: &mut Conn, desk: &mut Desk, opened: &Opened) {
    let mut pool = std::mem::take(&mut desk.pool);
    conn.outbox.append(&mut pool, |out| {
        let accept = String::from_utf8_lossy(&opened.accept);
        let response = desk.respond(out, Status::SwitchingProtocols);
        let mut response = response.header("Sec-WebSocket-Accept", &accept);
        if let Some(deflate) = &opened.deflate {
            response = response.header("Sec-WebSocket-Extensions", &deflate.to_string());
        }
        if let Some(protocol) = &opened.protocol {
            response = response.header("Sec-WebSocket-Protocol", protocol);
        }
        response.upgrade("websocket");
    });
    desk.pool = pool;
}

/// The connection begins to read with this turn's commit: as a member of its room if its route has
/// members, else only what the API publishes there. What is for everybody it gets in any case.
fn join(conn: &mut Conn, desk: &mut Desk, key: ConnKey, since: Begin) {
    let State::WebSocket(websocket) = &mut conn.state else { return };
    let is_member = websocket.route.broadcast().is_some();
    let class = if is_member { Class::Member } else { Class::Listener };
    // Who remembers less than others get compressed needs a compressor of its own; it gets plain
    // frames, which are always allowed.
    let shares_deflated = websocket.window_bits == WINDOW_BITS;
    let scope = Scope::Room(websocket.room().unwrap_or(ROOM_OF_ALL));
    let cursor = Cursor::new(scope, Taste::frames(class, shares_deflated));
    desk.rooms.follow(&cursor.scope, class, 1);
    websocket.cursor = Some(Box::new(cursor));
    desk.attaching.push((key, Attach::New(since)));
    conn.announce_all(desk, key);
}
