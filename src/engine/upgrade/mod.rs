//! The WebSocket handshake: who comes in by which route.
//!
//! Knows: the handshake, routes.
//! Must not know: frames, sockets.

mod asked;
mod knock;
mod refusals;

use super::admission::Admitted;
use super::answer::Problem;
use super::conn::{Conn, State};
use super::cursor::{Cursor, Scope};
use super::desk::Desk;
use super::events::Begin;
use super::hints;
use super::http::Answered;
use super::membership::Attach;
use super::panics::{Trap, trap};
use super::reach::Ids;
use super::register::registration;
use super::rights::Conduct;
use super::rooms::ROOM_OF_ALL;
use super::websocket::{Name, WebSocket, standing_of};
use crate::auth::Grant;
use crate::bytes::{ConnKey, Place};
use crate::http::{Method, Request, Status, Version};
use crate::hub::{Class, ConnectionId, Taste};
use crate::routes::{self, Duplicate, Found, NoRoute, Route};
use crate::ws::Session;
use crate::ws::deflate::WINDOW_BITS;
use crate::ws::extension::{self, Deflate, Malformed};
use crate::ws::handshake::{self, Offer};
use crate::ws::subprotocol;
use asked::{Asked, UNKNOWN_PARAMETER, unknown_parameter};
use knock::knock;
pub(super) use refusals::ROOM_LIMIT;
use refusals::{
    BAD_EXTENSIONS, BAD_PROTOCOL, INSTEAD, NOT_THIS_ID, NOT_THIS_ROOM, REVOKED_ID, TAKEN_ID,
    bad_id, bad_room, no_such_route, problem_of,
};
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
    let grant = match knock(conn, desk, request) {
        Ok(Admitted::In(grant)) => grant,
        Ok(Admitted::Asks(question)) => return Answered::Asks(question),
        Err(problem) => return refuse(conn, desk, request, &problem),
    };
    let taken = open(desk, request, grant).and_then(|opened| {
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

const fn bad(code: &'static str, detail: &'static str) -> Problem {
    Problem::new(Status::BadRequest, code, detail)
}

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
fn open(
    desk: &mut Desk,
    request: &Request<'_>,
    grant: Option<Arc<Grant>>,
) -> Result<Opened, Problem> {
    let policy = Arc::clone(&desk.policy);
    let (routes, access) = (&policy.routes, &policy.access);
    let segments: Vec<Cow<'_, str>> = request.segments().collect();
    let route = routes.matching(&segments).map(|(route, _)| route);
    let door = route.and_then(|route| route.door.as_ref()).unwrap_or(&access.door);
    let key =
        handshake::check(&offer(request)).map_err(|refusal| problem_of(refusal, desk, request))?;
    let deflate = extension::negotiate(request.texts("sec-websocket-extensions"))
        .map_err(|Malformed| BAD_EXTENSIONS)?
        .filter(|_| policy.compression);
    let known = if access.is_on() { asked::of_door(door) } else { Vec::new() };
    let asked = Asked::by(request, &known).map_err(|say| match hints::foreign(request) {
        Some(foreign) if route.is_none() => UNKNOWN_PARAMETER.saying(foreign.told(INSTEAD)),
        _ => unknown_parameter(route, &known, say),
    })?;
    let route = route.ok_or_else(|| no_such_route(desk, request))?;
    let ids = Ids::of(&desk.hub, grant.as_ref());
    let (wants_own, since) = (asked.wants_own(route)?, asked.begins(route, ids)?);
    let found = routes.find(&segments, &desk.limits).map_err(|no| match no {
        NoRoute::Unknown => no_such_route(desk, request),
        NoRoute::BadRoom => bad_room(desk),
    })?;
    if !asked.fits(route) {
        return Err(unknown_parameter(Some(route), &known, None));
    }
    let id = asked.id.map(Cow::into_owned);
    if id.as_ref().is_some_and(|id| !routes::is_connection_id(id, &desk.limits)) {
        return Err(bad_id(desk));
    }
    let protocol = protocol(request, route, access.is_on())?;
    let accept = handshake::accept_key(key.as_bytes());
    let mut opened = Opened { found, wants_own, since, id, accept, deflate, protocol, grant };
    opened.check_rights(desk)?;
    Ok(opened)
}

/// The subprotocol that is spoken. Who had to offer a credential as one needs another selected.
fn protocol(
    request: &Request<'_>,
    route: &Route,
    takes_credentials: bool,
) -> Result<Option<String>, Problem> {
    let own: Vec<&str> = route.subprotocols.iter().map(String::as_str).collect();
    let ours: &[&str] = if takes_credentials { &[subprotocol::TIDEGATE] } else { &[] };
    let select = |spoken: &[&str]| {
        if spoken.is_empty() {
            return Ok(None);
        }
        let offered = request.texts("sec-websocket-protocol");
        subprotocol::select(offered, spoken).map_err(|Malformed| BAD_PROTOCOL)
    };
    let selected = select(&own)?.map_or_else(|| select(ours), |own| Ok(Some(own)))?;
    Ok(selected.map(str::to_owned))
}

impl Opened {
    /// What it is let in with must allow what it asks for: its room, and its name. Where the server
    /// names it and only one name is allowed, that is it.
    fn check_rights(&mut self, desk: &Desk) -> Result<(), Problem> {
        let Opened { found, id, grant, .. } = self;
        if let Some(grant) = grant {
            let room = found.room.as_ref().filter(|_| found.route.broadcast().is_some());
            if room.is_some_and(|room| !grant.may_subscribe(room)) {
                return Err(desk.forbid(NOT_THIS_ROOM));
            }
            if id.is_none() && !found.route.is_as_is() {
                *id = grant.own_name().map(str::to_owned);
            }
        }
        let Some(id) = id else { return Ok(()) };
        let may = |grant: &Arc<Grant>| grant.may_be_called(id);
        let is_name = routes::is_connection_id(id, &desk.limits);
        if !is_name || !grant.as_ref().is_none_or(may) {
            return Err(desk.forbid(NOT_THIS_ID));
        }
        if desk.setup.vault.revocations.bar(id, desk.now.unix_ms) {
            return Err(desk.forbid(REVOKED_ID));
        }
        Ok(())
    }
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

fn enter(desk: &mut Desk, found: &Found) -> Result<Option<u32>, Problem> {
    let Some(name) = &found.room else { return Ok(None) };
    desk.rooms.enter(name, &desk.hub).map(Some).ok_or(ROOM_LIMIT)
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
    let (name, who) = desk
        .claim((place, standing_of(opened.grant.as_ref())), id, &[], route.duplicate)
        .ok_or(TAKEN_ID)?;
    desk.arriving.claim = Some((who, place));
    Ok(name)
}

fn refuse(conn: &mut Conn, desk: &mut Desk, request: &Request<'_>, problem: &Problem) -> Answered {
    conn.problem(desk, request.terms().closing(), problem);
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
    let mut websocket = WebSocket {
        session: Session::new(deflate.is_some()),
        route: Arc::clone(route),
        conduct: Conduct::new(route.broadcast().is_some() && !opened.wants_own),
        window_bits: deflate.map_or(0, |deflate| deflate.window_bits),
        room: room.and_then(NonZeroU32::new),
        name,
        cursor: None,
        refusals: 0,
        pinged: None,
        connected_ms: desk.now.unix_ms,
        grant: opened.grant.clone(),
    };
    websocket.weigh(&desk.rooms);
    conn.state = State::WebSocket(websocket);
    // What it publishes from here on is taken back if it ends in a panic.
    desk.rooms.begin();
    desk.wake_by(key, desk.tick.after(desk.limits_of(route).ping_interval));
    conn.watch_grant(desk, key);
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
    let (mut pool, before) = (std::mem::take(&mut desk.pool), conn.outbox.len());
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
    let bytes = conn.outbox.len() - before;
    desk.note_answer(Status::SwitchingProtocols.code(), None, bytes);
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
