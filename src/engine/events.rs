//! How an event stream begins.
//!
//! Knows: the parameters of a stream (PROTOCOL.md, "GET /events").
//! Must not know: how a stream is fed, sockets.

use super::admission::{TICKET, not_allowed};
use super::answer::{Manner, Problem};
use super::conn::{Conn, EventStream, State};
use super::cursor::{Cursor, Scope, Selected};
use super::desk::Desk;
use super::health::STOPPING;
use super::hints;
use super::http::Answered;
use super::membership::Attach;
use super::reach::Ids;
use super::upgrade::ROOM_LIMIT;
use crate::auth::{Grant, Reach};
use crate::bytes::ConnKey;
use crate::http::{Request, Status};
use crate::hub::{EVERYONE, Format, RoomKey, Taste, Who};
use crate::routes;
use crate::sse::LastEventId;
use std::sync::Arc;

const NDJSON: &str = "application/x-ndjson";
const EVENT_STREAM: &str = "text/event-stream";

const UNKNOWN_PARAMETER: Problem = Problem::new(Status::BadRequest, "unknown-parameter", "");
const BODY: Problem = Problem::new(
    Status::BadRequest,
    "unexpected-body",
    "A request for a stream of events has no body.",
);
const BAD_SINCE: Problem = Problem::new(
    Status::BadRequest,
    "bad-parameter",
    "The parameter since can only be: earliest. Without it a stream begins now; an id to go on \
     behind is lastEventId.",
);
const BAD_FOLLOW: Problem =
    Problem::new(Status::BadRequest, "bad-parameter", "The parameter follow is true or false.");
const BAD_FORMAT: Problem =
    Problem::new(Status::BadRequest, "bad-parameter", "The parameter format can only be: full.");
const BAD_ROOM: Problem = Problem::new(Status::BadRequest, "bad-room", "");
const BAD_ID: Problem = Problem::new(Status::BadRequest, "bad-connection-id", "");
const NOT_THESE_ROOMS: Problem = not_allowed(
    "The credential is good, but does not give the right to read all of the rooms that are named \
     (subscribe).",
);
const TOO_MANY_FILTERS: Problem = Problem::new(Status::BadRequest, "too-many-filters", "");

/// A request for a stream.
struct Page<'r> {
    request: &'r Request<'r>,
    manner: &'r Manner,
    /// What it is let in with.
    grant: Option<Arc<Grant>>,
}

/// Makes a stream of events of the connection, if `request` asks for one that can be.
pub(super) fn stream(
    conn: &mut Conn,
    desk: &mut Desk,
    key: ConnKey,
    request: &Request<'_>,
    manner: &Manner,
    grant: Option<Arc<Grant>>,
) -> Result<Answered, Problem> {
    Page { request, manner, grant }.stream(conn, desk, key)
}

/// What a stream was asked to be.
#[derive(Debug, Default)]
struct Asked {
    rooms: Vec<String>,
    whos: Vec<Who>,
    last_event_id: Option<String>,
    earliest: bool,
    ends: bool,
    full: bool,
}

/// Where a stream begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// With what is committed next.
    Now,
    /// With the oldest that the logs have.
    Earliest,
    /// After what the client says it saw last.
    Resume(LastEventId),
}

impl Page<'_> {
    fn stream(&self, conn: &mut Conn, desk: &mut Desk, key: ConnKey) -> Result<Answered, Problem> {
        if desk.is_draining() {
            return Err(STOPPING);
        }
        if self.request.framing().has_body() {
            return Err(BODY);
        }
        let asked = self.asked(desk)?;
        self.check_rights(desk, &asked.rooms)?;
        let is_lines = self.request.prefers(NDJSON, EVENT_STREAM);
        let format = match (is_lines, asked.full) {
            (true, _) => Format::Lines,
            (false, true) => Format::FullEvents,
            (false, false) => Format::Events,
        };
        let mime = if is_lines { NDJSON } else { EVENT_STREAM };
        if self.manner.terms.head_only {
            self.head(conn, desk, mime);
            return Ok(Answered::Last);
        }
        let begin = self.begin(desk, &asked);
        let reach = self.grant.as_ref().and_then(|grant| grant.reach());
        let format = if reach.is_some() { format.sealed() } else { format };
        let taste = Taste::subscriber(format);
        let cursor = Cursor::new(scope(desk, asked.rooms, asked.whos, reach)?, taste);
        self.head(conn, desk, mime);
        desk.rooms.follow(&cursor.scope, taste.class, 1);
        desk.attaching.push((key, Attach::New(begin)));
        desk.counters().open.http.fall();
        desk.counters().open.event_stream.rise();
        let grant = self.grant.clone();
        let until = if asked.ends { 0 } else { EventStream::FOLLOWS };
        conn.state = State::EventStream(EventStream { cursor, told: 0, until, unasked: 0, grant });
        desk.wake_by(key, desk.tick.after(desk.limits.heartbeat));
        conn.watch_grant(desk, key);
        Ok(Answered::Became)
    }

    /// Whether a room is there or not: what may not be read has no answer but that.
    fn check_rights(&self, desk: &Desk, rooms: &[String]) -> Result<(), Problem> {
        let Some(grant) = &self.grant else { return Ok(()) };
        let may_read_all = grant.reach().is_none();
        let may_read = |room: &String| match room.as_str() {
            EVERYONE => may_read_all,
            room => grant.may_subscribe(room),
        };
        // Who names none reads all that it may.
        if rooms.iter().all(may_read) { Ok(()) } else { Err(desk.forbid(NOT_THESE_ROOMS)) }
    }

    fn asked(&self, desk: &Desk) -> Result<Asked, Problem> {
        let mut asked = Asked::default();
        let access = &desk.policy.access;
        let is_credential = |name: &str| {
            access.is_on() && (name == TICKET || access.door.query.as_deref() == Some(name))
        };
        for (name, value) in self.request.query() {
            match (&*name, &*value) {
                ("room", room) if room == EVERYONE || routes::is_room_name(room, &desk.limits) => {
                    asked.rooms.push(room.to_owned());
                }
                ("room", _) => return Err(BAD_ROOM.saying(name_rule("room", desk))),
                ("connectionId", id) if routes::is_connection_id(id, &desk.limits) => {
                    asked.whos.push(desk.hub.who_keys().who(id));
                }
                ("connectionId", _) => return Err(BAD_ID.saying(name_rule("connectionId", desk))),
                ("lastEventId", id) => asked.last_event_id = Some(id.to_owned()),
                ("since", "earliest") => asked.earliest = true,
                ("since", _) => return Err(BAD_SINCE),
                ("follow", "true") => asked.ends = false,
                ("follow", "false") => asked.ends = true,
                ("follow", _) => return Err(BAD_FOLLOW),
                ("format", "full") => asked.full = true,
                ("format", _) => return Err(BAD_FORMAT),
                // What caches are kept off with.
                (name, _) if name.starts_with('_') || is_credential(name) => {}
                (name, _) => return Err(unknown_parameter(desk, name)),
            }
        }
        asked.rooms.sort_unstable();
        asked.rooms.dedup();
        asked.whos.sort_unstable();
        asked.whos.dedup();
        if asked.rooms.len().max(asked.whos.len()) > desk.limits.filters_max {
            let most = desk.limits.filters_max;
            return Err(TOO_MANY_FILTERS.saying(format!(
                "A stream names at most {most} rooms and {most} connections (--max-filters)."
            )));
        }
        Ok(asked)
    }

    /// The header that a browser reconnects with counts before the parameter that a page can set.
    fn begin(&self, desk: &Desk, asked: &Asked) -> Begin {
        let header = self.request.header_bytes("last-event-id");
        let parameter = asked.last_event_id.as_deref().map(str::as_bytes);
        // An EventSource that never saw an id sends none; some clients send an empty one.
        match [header, parameter].into_iter().flatten().find(|id| !id.is_empty()) {
            Some(id) => Begin::Resume(Ids::of(&desk.hub, self.grant.as_ref()).read(id)),
            None if asked.earliest => Begin::Earliest,
            None => Begin::Now,
        }
    }

    fn head(&self, conn: &mut Conn, desk: &mut Desk, mime: &str) {
        self.manner.respond(conn, desk, Status::Ok, |response, _| {
            let headers = [
                ("Cache-Control", "no-store, no-transform"),
                // nginx and others hold a response back otherwise.
                ("X-Accel-Buffering", "no"),
            ];
            response.headers(&headers).stream(mime);
        });
    }
}

/// What a name has to be.
fn name_rule(what: &str, desk: &Desk) -> String {
    let (most, option) = match what {
        "room" => (desk.limits.room_name_bytes_max, "--max-room-name"),
        _ => (desk.limits.connection_id_bytes_max, "--max-connection-id"),
    };
    format!("A {what} has 1 to {most} bytes of UTF-8 ({option}) and no control characters.")
}

/// Says which there are.
fn unknown_parameter(desk: &Desk, name: &str) -> Problem {
    let access = &desk.policy.access;
    let mut known =
        "room, connectionId (both repeatable), lastEventId, since, follow, format".to_owned();
    if access.is_on() {
        for name in access.door.query.as_deref().into_iter().chain([TICKET]) {
            known.push_str(", ");
            known.push_str(name);
        }
    }
    let more = hints::of_parameter(name, access.is_on())
        .map(|said| format!(" {said}"))
        .unwrap_or_default();
    UNKNOWN_PARAMETER.saying(format!("/events takes: {known}.{more}"))
}

/// Enters the rooms that a stream names, or the group of those who may read as much as it.
fn scope(
    desk: &mut Desk,
    names: Vec<String>,
    whos: Vec<Who>,
    reach: Option<Reach>,
) -> Result<Scope, Problem> {
    let mut rooms = Vec::with_capacity(names.len());
    for name in names {
        let Some(room) = desk.rooms.enter(&name, &desk.hub) else {
            rooms.into_iter().for_each(|room| desk.rooms.leave(room));
            return Err(ROOM_LIMIT);
        };
        rooms.push(room);
    }
    let keys: Vec<RoomKey> = rooms.iter().map(|room| desk.rooms.room(*room).key()).collect();
    // Who names rooms may read each of them.
    let group = reach.filter(|_| rooms.is_empty()).map(|reach| desk.rooms.groups.enter(reach));
    Ok(match (rooms.as_slice(), whos.is_empty(), group) {
        ([], true, None) => Scope::All,
        ([], true, Some(group)) => Scope::Group(group),
        ([room], true, _) => Scope::Room(*room),
        _ => Scope::Selected(Box::new(Selected { rooms, group, keys, whos, places: Vec::new() })),
    })
}
