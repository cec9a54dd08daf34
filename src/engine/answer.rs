//! Answers of the HTTP side: what every one of them has, and how it is told what went wrong.
//!
//! Knows: responses, problem documents, CORS (Fetch standard).
//! Must not know: what was asked for.

use super::conn::Conn;
use super::desk::Desk;
use crate::http::{Request, Response, Status, Terms};
use std::borrow::Cow;

const VARY: (&str, &str) = ("Vary", "Origin");
const NO_STORE: (&str, &str) = ("Cache-Control", "no-store");
const JSON: &str = "application/json";

/// Why a request is not done: a status, a stable code, and a sentence for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: Status,
    pub(super) code: &'static str,
    pub(super) detail: Cow<'static, str>,
}

impl Problem {
    pub(super) const fn new(status: Status, code: &'static str, detail: &'static str) -> Problem {
        Problem { status, code, detail: Cow::Borrowed(detail) }
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

/// How a request is to be answered, whenever that is.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    pub(super) terms: Terms,
    /// The origin of the page that asks, which may read the answer.
    origin: Option<Box<str>>,
}

impl Manner {
    /// For `request`, which was let in.
    pub(super) fn of(request: &Request<'_>, terms: Terms) -> Manner {
        Manner { terms, origin: request.origin().map(Box::from) }
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
        let terms = self.terms_now(desk);
        let mut pool = std::mem::take(&mut desk.pool);
        conn.outbox.append(&mut pool, |out| {
            let mut response = desk.respond(out, status).headers(&[VARY]);
            if let Some(origin) = &self.origin {
                response = response.header("Access-Control-Allow-Origin", origin);
            }
            finish(response, terms);
        });
        desk.pool = pool;
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
        let after: &[(&str, &str)] = match problem.status {
            Status::ServiceUnavailable => &[("Retry-After", "2")],
            Status::TooManyRequests => &[("Retry-After", "1")],
            _ => &[],
        };
        self.respond(conn, desk, problem.status, |response, terms| {
            let response = response.headers(&[NO_STORE]).headers(headers).headers(after);
            response.problem(terms, problem.code, &problem.detail);
        });
    }

    /// A body that is good for now only.
    pub(super) fn body(&self, conn: &mut Conn, desk: &mut Desk, mime: &str, body: &[u8]) {
        self.respond(conn, desk, Status::Ok, |response, terms| {
            response.headers(&[NO_STORE]).body(terms, mime, body);
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
        const HEADERS: &str =
            "Last-Event-ID, Authorization, Content-Type, Idempotency-Key, X-API-Key";
        let asks = self.origin.is_some();
        self.respond(conn, desk, Status::NoContent, |response, terms| {
            let cors: &[(&str, &str)] = &[
                ("Access-Control-Allow-Methods", allow),
                ("Access-Control-Allow-Headers", HEADERS),
                ("Access-Control-Max-Age", "600"),
            ];
            let cors = if asks { cors } else { &[] };
            response.header("Allow", allow).headers(cors).empty(terms);
        });
    }
}
