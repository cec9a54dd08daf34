//! Answers of the HTTP side: what every one of them has, and how it is told what went wrong.
//!
//! Knows: responses, problem documents, CORS (Fetch standard).
//! Must not know: what was asked for.

use super::admission;
use super::chronicle::Asked;
use super::conn::Conn;
use super::desk::Desk;
use crate::http::{Request, Response, Status, Terms};
use std::borrow::Cow;
use std::fmt::Write;

const VARY: (&str, &str) = ("Vary", "Origin");
const NO_STORE: (&str, &str) = ("Cache-Control", "no-store");
const JSON: &str = "application/json";

/// Why a request is not done: a status, a stable code, and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: Status,
    pub(super) code: &'static str,
    pub(super) detail: Cow<'static, str>,
    /// Fields that only this answer has.
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// In how many seconds to come again, if that is known better than by the status.
    pub(super) retry_after: Option<u64>,
    /// The connection ends behind the answer, and nothing more of it is read.
    pub(super) closes: bool,
}

impl Problem {
    pub(super) const fn new(status: Status, code: &'static str, detail: &'static str) -> Problem {
        let detail = Cow::Borrowed(detail);
        Problem { status, code, detail, headers: &[], retry_after: None, closes: false }
    }

    /// Why somebody is not let in: what else the peer says is not read.
    pub(super) const fn refusal(
        status: Status,
        code: &'static str,
        detail: &'static str,
    ) -> Problem {
        let detail = Cow::Borrowed(detail);
        Problem { status, code, detail, headers: &[], retry_after: None, closes: true }
    }

    /// When to come again, where the problem passes by itself.
    fn retry_after(&self) -> Option<u64> {
        self.retry_after.or(match self.status {
            Status::ServiceUnavailable => Some(2),
            Status::TooManyRequests => Some(1),
            _ => None,
        })
    }

    /// Ends `response`.
    pub(super) fn write(&self, response: Response<'_>, terms: Terms) {
        let mut response = response.headers(self.headers);
        if let Some(after) = self.retry_after() {
            response = response.header("Retry-After", &after.to_string());
        }
        response.problem(terms, self.code, &self.detail);
    }

    /// The same with a sentence that says more about this one.
    pub(super) fn saying(self, detail: String) -> Problem {
        Problem { detail: Cow::Owned(detail), ..self }
    }
}

impl From<(Status, &'static str, &'static str)> for Problem {
    fn from((status, code, detail): (Status, &'static str, &'static str)) -> Problem {
        Problem::new(status, code, detail)
    }
}

pub(super) const LATE_HEAD: Problem = Problem::refusal(
    Status::RequestTimeout,
    "head-timeout",
    "The request's head did not come in time (--head-time).",
);
pub(super) const LATE_BODY: Problem = Problem::refusal(
    Status::RequestTimeout,
    "body-timeout",
    "The request's body did not come in time (--body-time, --keep-alive).",
);
pub(super) const TOO_MANY_BODIES: Problem = Problem::refusal(
    Status::ServiceUnavailable,
    "too-many-bodies",
    "The server is being sent as much at once as it may (--node-bodies); try again.",
);
pub(super) const OWN_ERROR: Problem = Problem::refusal(
    Status::InternalServerError,
    "internal-error",
    "The server failed on this request; it is a bug.",
);

impl Conn {
    /// Appends a problem document as the answer to a request.
    pub(super) fn problem(&mut self, desk: &mut Desk, terms: Terms, problem: &Problem) {
        let (mut pool, before) = (std::mem::take(&mut desk.pool), self.outbox.len());
        self.outbox
            .append(&mut pool, |out| problem.write(desk.respond(out, problem.status), terms));
        desk.pool = pool;
        let bytes = self.outbox.len() - before;
        desk.note_answer(problem.status.code(), Some(problem.code), bytes);
    }
}

/// How a request is to be answered, whenever that is.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    pub(super) terms: Terms,
    /// The origin of the page that asks, which may read the answer.
    origin: Option<Box<str>>,
    /// Also an answer to a request that the browser added a cookie to.
    credentials: bool,
    /// What it answers, if that is not at hand any more when it does.
    asked: Option<Asked>,
}

impl Manner {
    /// For `request`, whose origin was let in.
    pub(super) fn of(desk: &Desk, request: &Request<'_>, terms: Terms) -> Manner {
        let access = &desk.policy.access;
        let origin = request.origin();
        // Whoever is let in by a star, or as any page of this machine, is let in as a stranger.
        let is_named = |origin| admission::is_named(origin, &desk.policy.allow_origins);
        let takes_cookie = access.is_on() && access.door.cookie.is_some();
        let credentials = takes_cookie && origin.is_some_and(is_named);
        Manner { terms, origin: origin.map(Box::from), credentials, asked: None }
    }

    /// The same, later.
    pub(super) fn later(self, asked: Asked) -> Manner {
        Manner { asked: Some(asked), ..self }
    }

    /// What it answers later.
    pub(super) fn asked(&self) -> Option<&Asked> {
        self.asked.as_ref()
    }

    /// The same, but the connection ends behind the answer.
    pub(super) fn closing(&self) -> Manner {
        Manner { terms: self.terms.closing(), ..self.clone() }
    }

    /// Whether more requests may follow the answer.
    pub(super) fn stays(&self, desk: &Desk) -> bool {
        self.terms_now(desk).keep_alive
    }

    /// A server that stops may have begun to do so while the answer was made.
    fn terms_now(&self, desk: &Desk) -> Terms {
        if desk.is_draining() { self.terms.closing() } else { self.terms }
    }

    /// Writes a response with what every one has.
    pub(super) fn respond(
        &self,
        conn: &mut Conn,
        desk: &mut Desk,
        status: Status,
        finish: impl FnOnce(Response<'_>, Terms),
    ) {
        self.respond_with(conn, desk, (status, None), finish);
    }

    /// The same; a problem has a code.
    fn respond_with(
        &self,
        conn: &mut Conn,
        desk: &mut Desk,
        (status, code): (Status, Option<&'static str>),
        finish: impl FnOnce(Response<'_>, Terms),
    ) {
        let terms = self.terms_now(desk);
        let (mut pool, before) = (std::mem::take(&mut desk.pool), conn.outbox.len());
        conn.outbox.append(&mut pool, |out| {
            let mut response = desk.respond(out, status).headers(&[VARY]);
            if let Some(origin) = &self.origin {
                response = response.header("Access-Control-Allow-Origin", origin);
            }
            if self.credentials {
                response = response.header("Access-Control-Allow-Credentials", "true");
            }
            finish(response, terms);
        });
        desk.pool = pool;
        desk.note_answer(status.code(), code, conn.outbox.len() - before);
        if let Some(asked) = &self.asked {
            desk.tell_kept(conn.peer(), asked);
        }
    }

    pub(super) fn problem(&self, conn: &mut Conn, desk: &mut Desk, problem: &Problem) {
        self.problem_with(conn, desk, problem, &[]);
    }

    /// A problem with more header fields.
    pub(super) fn problem_with(
        &self,
        conn: &mut Conn,
        desk: &mut Desk,
        problem: &Problem,
        headers: &[(&str, &str)],
    ) {
        let told = (problem.status, Some(problem.code));
        self.respond_with(conn, desk, told, |response, terms| {
            problem.write(response.headers(headers), terms);
        });
    }

    /// A body that is good for now only.
    pub(super) fn body(&self, conn: &mut Conn, desk: &mut Desk, mime: &str, body: &[u8]) {
        self.body_with(conn, desk, Status::Ok, &[], mime, body);
    }

    /// The same under another status, with more header fields.
    pub(super) fn body_with(
        &self,
        conn: &mut Conn,
        desk: &mut Desk,
        status: Status,
        headers: &[(&str, &str)],
        mime: &str,
        body: &[u8],
    ) {
        self.respond(conn, desk, status, |response, terms| {
            response.headers(&[NO_STORE]).headers(headers).body(terms, mime, body);
        });
    }

    /// What the API answers: JSON, or nothing.
    pub(super) fn json(
        &self,
        conn: &mut Conn,
        desk: &mut Desk,
        status: Status,
        body: &[u8],
        headers: &[(&str, &str)],
    ) {
        self.respond(conn, desk, status, |response, terms| {
            let response = response.headers(&[NO_STORE]).headers(headers);
            match body {
                [] => response.empty(terms),
                body => response.body(terms, JSON, body),
            }
        });
    }

    /// RFC 9110 §9.3.7, and the CORS protocol's preflight (Fetch standard); `allow` are the methods
    /// that the path has.
    pub(super) fn preflight(&self, conn: &mut Conn, desk: &mut Desk, allow: &str) {
        let asks = self.origin.is_some();
        let headers = headers_allowed(desk);
        self.respond(conn, desk, Status::NoContent, |response, terms| {
            let cors: &[(&str, &str)] = &[
                ("Access-Control-Allow-Methods", allow),
                ("Access-Control-Allow-Headers", &headers),
                ("Access-Control-Max-Age", "600"),
            ];
            let cors = if asks { cors } else { &[] };
            let response = response.headers(&[NO_STORE]).header("Allow", allow);
            response.headers(cors).empty(terms);
        });
    }
}

/// What pages may set: what the server reads, and the fields that it takes credentials in.
fn headers_allowed(desk: &Desk) -> String {
    const ALWAYS: [&str; 5] =
        ["Last-Event-ID", "Authorization", "Content-Type", "Idempotency-Key", "X-API-Key"];
    let access = &desk.policy.access;
    let mut headers = ALWAYS.join(", ");
    let own = access.door.headers.iter().filter(|_| access.is_on());
    for name in own.filter(|name| ALWAYS.iter().all(|one| !one.eq_ignore_ascii_case(name))) {
        // Writing to a String cannot fail.
        let _ = write!(headers, ", {name}");
    }
    headers
}
