//! The HTTP side: event streams and what operators ask for.
//!
//! Knows: paths and parameters of the second listener (PROTOCOL.md, "HTTP").
//! Must not know: how a stream is fed, sockets.

use super::conn::{Conn, EventStream, State};
use super::cursor::{Cursor, Scope, Selected};
use super::desk::Desk;
use super::http::Answered;
use super::upgrade::ROOM_LIMIT;
use crate::bytes::ConnKey;
use crate::http::{Method, Request, Response, Status, Terms};
use crate::hub::{EVERYONE, Format, RoomKey, Taste, Who};
use crate::metrics::{self, Counters, Gauges};
use crate::routes;
use crate::sse::LastEventId;
use std::sync::Arc;

const ALLOW: (&str, &str) = ("Allow", "GET, HEAD, OPTIONS");
const VARY: (&str, &str) = ("Vary", "Origin");
const TEXT: &str = "text/plain; charset=utf-8";
const NDJSON: &str = "application/x-ndjson";
const EVENT_STREAM: &str = "text/event-stream";

/// A status, a stable code and a sentence.
type Problem = (Status, &'static str, &'static str);

const UNKNOWN_PARAMETER: Problem = (
    Status::BadRequest,
    "unknown-parameter",
    "/events takes: room, connectionId (both repeatable), lastEventId, since, follow, format.",
);
const BODY: Problem =
    (Status::BadRequest, "unexpected-body", "A request for a stream of events has no body.");
const BAD_SINCE: Problem =
    (Status::BadRequest, "bad-parameter", "The parameter since can only be: earliest.");
const BAD_FOLLOW: Problem =
    (Status::BadRequest, "bad-parameter", "The parameter follow is true or false.");
const BAD_FORMAT: Problem =
    (Status::BadRequest, "bad-parameter", "The parameter format can only be: full.");
const BAD_ROOM: Problem = (
    Status::BadRequest,
    "bad-room",
    "A room's name is not empty, not longer than --max-room-name, and has no control \
             characters.",
);
const BAD_ID: Problem = (
    Status::BadRequest,
    "bad-connection-id",
    "A connectionId is not empty, not longer than --max-connection-id, and has no control \
             characters.",
);
const TOO_MANY_FILTERS: Problem = (
    Status::BadRequest,
    "too-many-filters",
    "A stream names at most so many rooms and connections as --max-filters says.",
);
const NOT_FOUND: Problem = (
    Status::NotFound,
    "not-found",
    "There is nothing here. Try /events, /hello, /livez, /readyz or /metrics.",
);
const WEBSOCKET_ELSEWHERE: Problem = (
    Status::MisdirectedRequest,
    "websocket-elsewhere",
    "WebSockets connect to the server's other listener (--ws-addr, by default port 8080).",
);
const UNKNOWN_METHOD: Problem =
    (Status::NotImplemented, "unknown-method", "This server does not know the method.");
const READ_ONLY: Problem =
    (Status::MethodNotAllowed, "method-not-allowed", "This address is only read: GET or HEAD.");
const STOPPING: Problem =
    (Status::ServiceUnavailable, "stopping", "The server is stopping; connect again.");

/// A request that is being answered.
pub(super) struct Page<'r> {
    pub(super) request: &'r Request<'r>,
    pub(super) terms: Terms,
    /// The origin of the page that asks, which may read the answer.
    origin: Option<&'r str>,
}

/// Answers one request to a listener for HTTP.
pub(super) fn answer(
    conn: &mut Conn,
    desk: &mut Desk,
    key: ConnKey,
    request: &Request<'_>,
    terms: Terms,
) -> Answered {
    if let Err(barred) = desk.admits(conn.listener, request, None) {
        conn.problem(desk, terms, barred.status, barred.code, barred.detail, &[VARY]);
        return Answered::Yes;
    }
    let page = Page { request, terms, origin: request.origin() };
    let segments: Vec<_> = request.segments().collect();
    let path: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    let is_known =
        matches!(path.as_slice(), ["events" | "hello" | "livez" | "readyz" | "metrics"] | []);
    // What the server has itself counts before what was configured.
    let policy = (!is_known).then(|| Arc::clone(&desk.policy));
    let entry = policy.as_ref().and_then(|policy| policy.site.find(&segments));
    match request.method() {
        _ if request.lists("upgrade", "websocket") => {
            // A proxy may take the rest for frames: it must not be read as requests.
            let page = Page { terms: terms.closing(), ..page };
            page.problem(conn, desk, WEBSOCKET_ELSEWHERE);
            Answered::Last
        }
        Method::Other => page.problem(conn, desk, UNKNOWN_METHOD),
        Method::Options if is_known || entry.is_some() => page.preflight(conn, desk),
        Method::Get | Method::Head if is_known => page.known(conn, desk, key, path.as_slice()),
        _ if is_known => page.problem(conn, desk, READ_ONLY),
        method => match entry {
            None => page.problem(conn, desk, NOT_FOUND),
            Some(entry) if matches!(method, Method::Get | Method::Head) => {
                page.entry(conn, desk, entry)
            }
            Some(_) => page.problem(conn, desk, READ_ONLY),
        },
    }
}

impl Page<'_> {
    fn known(&self, conn: &mut Conn, desk: &mut Desk, key: ConnKey, path: &[&str]) -> Answered {
        match path {
            ["events"] => match self.stream(conn, desk, key) {
                Ok(answered) => answered,
                Err(problem) => self.problem(conn, desk, problem),
            },
            ["hello"] => self.body(conn, desk, "application/json", br#"{"response":"world"}"#),
            ["livez"] => self.body(conn, desk, TEXT, b"ok\n"),
            ["readyz"] if desk.is_draining() => self.problem(conn, desk, STOPPING),
            ["readyz"] => self.body(conn, desk, TEXT, b"ok\n"),
            _ => self.metrics(conn, desk),
        }
    }

    /// Writes a response with what every one of ours has.
    pub(super) fn respond(
        &self,
        conn: &mut Conn,
        desk: &mut Desk,
        status: Status,
        finish: impl FnOnce(Response<'_>),
    ) -> Answered {
        let mut pool = std::mem::take(&mut desk.pool);
        conn.outbox.append(&mut pool, |out| {
            let mut response = desk.respond(out, status).headers(&[VARY]);
            if let Some(origin) = self.origin {
                response = response.header("Access-Control-Allow-Origin", origin);
            }
            finish(response);
        });
        desk.pool = pool;
        Answered::Yes
    }

    fn problem(
        &self,
        conn: &mut Conn,
        desk: &mut Desk,
        (status, code, detail): Problem,
    ) -> Answered {
        self.respond(conn, desk, status, |response| {
            let headers: &[(&str, &str)] = match status {
                Status::MethodNotAllowed => &[ALLOW],
                Status::ServiceUnavailable => &[("Retry-After", "2")],
                _ => &[],
            };
            response.headers(headers).problem(self.terms, code, detail);
        })
    }

    fn body(&self, conn: &mut Conn, desk: &mut Desk, mime: &str, body: &[u8]) -> Answered {
        self.respond(conn, desk, Status::Ok, |response| {
            response.header("Cache-Control", "no-store").body(self.terms, mime, body);
        })
    }

    /// RFC 9110 §9.3.7, and the CORS protocol's preflight (Fetch standard).
    fn preflight(&self, conn: &mut Conn, desk: &mut Desk) -> Answered {
        const HEADERS: &str =
            "Last-Event-ID, Authorization, Content-Type, Idempotency-Key, X-API-Key";
        let asks = self.origin.is_some();
        self.respond(conn, desk, Status::NoContent, |response| {
            let cors: &[(&str, &str)] = &[
                ("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS"),
                ("Access-Control-Allow-Headers", HEADERS),
                ("Access-Control-Max-Age", "600"),
            ];
            let cors = if asks { cors } else { &[] };
            response.headers(&[ALLOW]).headers(cors).empty(self.terms);
        })
    }

    fn metrics(&self, conn: &mut Conn, desk: &mut Desk) -> Answered {
        let holdings = desk.hub.holdings();
        let gauges = Gauges {
            cores: desk.setup.counters.len() as u64,
            draining: desk.is_draining(),
            rooms: holdings.rooms as u64,
            connection_ids: holdings.registered as u64,
            log_events: holdings.log_events as u64,
            log_bytes: holdings.log_bytes as u64,
            pinned_bytes: holdings.pinned_bytes as u64,
        };
        let cores: Vec<&Counters> = desk.setup.counters.iter().collect();
        let mut text = Vec::new();
        metrics::render(&cores, &gauges, &mut text);
        self.body(conn, desk, "text/plain; version=0.0.4; charset=utf-8", &text)
    }
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
        let is_lines = self.request.prefers(NDJSON, EVENT_STREAM);
        let format = match (is_lines, asked.full) {
            (true, _) => Format::Lines,
            (false, true) => Format::FullEvents,
            (false, false) => Format::Events,
        };
        let mime = if is_lines { NDJSON } else { EVENT_STREAM };
        if self.terms.head_only {
            self.head(conn, desk, mime);
            return Ok(Answered::Last);
        }
        let begin = self.begin(desk, &asked);
        let taste = Taste::subscriber(format);
        let cursor = Cursor::new(scope(desk, asked.rooms, asked.whos)?, taste);
        self.head(conn, desk, mime);
        desk.rooms.follow(&cursor.scope, taste.class, 1);
        desk.attaching.push((key, begin));
        desk.counters().open.http.fall();
        desk.counters().open.event_stream.rise();
        let until = if asked.ends { 0 } else { EventStream::FOLLOWS };
        conn.state = State::EventStream(EventStream { cursor, told: 0, until, unasked: 0 });
        desk.wake_by(key, desk.tick.after(desk.limits.heartbeat));
        Ok(Answered::Became)
    }

    fn asked(&self, desk: &Desk) -> Result<Asked, Problem> {
        let mut asked = Asked::default();
        for (name, value) in self.request.query() {
            match (&*name, &*value) {
                ("room", room) if room == EVERYONE || routes::is_room_name(room, &desk.limits) => {
                    asked.rooms.push(room.to_owned());
                }
                ("room", _) => return Err(BAD_ROOM),
                ("connectionId", id) if routes::is_connection_id(id, &desk.limits) => {
                    asked.whos.push(desk.hub.who_keys().who(id));
                }
                ("connectionId", _) => return Err(BAD_ID),
                ("lastEventId", id) => asked.last_event_id = Some(id.to_owned()),
                ("since", "earliest") => asked.earliest = true,
                ("since", _) => return Err(BAD_SINCE),
                ("follow", "true") => asked.ends = false,
                ("follow", "false") => asked.ends = true,
                ("follow", _) => return Err(BAD_FOLLOW),
                ("format", "full") => asked.full = true,
                ("format", _) => return Err(BAD_FORMAT),
                // What caches are kept off with.
                (name, _) if name.starts_with('_') => {}
                _ => return Err(UNKNOWN_PARAMETER),
            }
        }
        asked.rooms.sort_unstable();
        asked.rooms.dedup();
        asked.whos.sort_unstable();
        asked.whos.dedup();
        if asked.rooms.len().max(asked.whos.len()) > desk.limits.filters_max {
            return Err(TOO_MANY_FILTERS);
        }
        Ok(asked)
    }

    /// The header that a browser reconnects with counts before the parameter that a page can set.
    fn begin(&self, desk: &Desk, asked: &Asked) -> Begin {
        let header = self.request.header_bytes("last-event-id");
        let parameter = asked.last_event_id.as_deref().map(str::as_bytes);
        // An EventSource that never saw an id sends none; some clients send an empty one.
        match [header, parameter].into_iter().flatten().find(|id| !id.is_empty()) {
            Some(id) => Begin::Resume(LastEventId::parse(id, desk.hub.epoch())),
            None if asked.earliest => Begin::Earliest,
            None => Begin::Now,
        }
    }

    fn head(&self, conn: &mut Conn, desk: &mut Desk, mime: &str) {
        self.respond(conn, desk, Status::Ok, |response| {
            let headers = [
                ("Cache-Control", "no-store, no-transform"),
                // nginx and others hold a response back otherwise.
                ("X-Accel-Buffering", "no"),
            ];
            response.headers(&headers).stream(mime);
        });
    }
}

/// Enters the rooms that a stream names.
fn scope(desk: &mut Desk, names: Vec<String>, whos: Vec<Who>) -> Result<Scope, Problem> {
    let mut rooms = Vec::with_capacity(names.len());
    for name in names {
        let Some(room) = desk.rooms.enter(&name, &desk.hub) else {
            rooms.into_iter().for_each(|room| desk.rooms.leave(room));
            return Err(ROOM_LIMIT);
        };
        rooms.push(room);
    }
    let keys: Vec<RoomKey> = rooms.iter().map(|room| desk.rooms.room(*room).key()).collect();
    Ok(match (rooms.as_slice(), whos.is_empty()) {
        ([], true) => Scope::All,
        ([room], true) => Scope::Room(*room),
        _ => Scope::Selected(Box::new(Selected { rooms, keys, whos })),
    })
}
