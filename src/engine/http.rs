//! A connection that speaks HTTP: one request after the other.
//!
//! Knows: heads, bodies, keep-alive, which listener serves what.
//! Must not know: rooms, cursors, sockets.

use super::conn::{Conn, Serves, State};
use super::desk::Desk;
use super::end::End;
use super::panics::{Trap, trap};
use super::{Step, events, upgrade};
use crate::bytes::{ConnKey, Tick};
use crate::http::{Decoder, Fault, Framing, HeadScan, Request, Response, Status, Terms};

/// A connection between requests, or in one.
#[derive(Debug)]
pub(super) struct Http {
    scan: HeadScan,
    /// The body of a request that was answered, on its way to nowhere.
    body: Option<Decoder>,
    /// The request that is being answered is HEAD.
    head_only: bool,
    /// Since when the body has been under way.
    pub(super) body_since: Option<Tick>,
    /// Since when the request, or the first one of the connection, has been waited for.
    pub(super) since: Option<Tick>,
}

impl Http {
    pub(super) fn new(now: Tick) -> Http {
        Http {
            scan: HeadScan::default(),
            body: None,
            head_only: false,
            body_since: None,
            since: Some(now),
        }
    }
}

/// What became of a request.
pub(super) enum Answered {
    /// It was answered; the connection goes on if its terms say so.
    Yes,
    /// It was answered, and the connection ends.
    Last,
    /// The connection is something else now.
    Became,
}

impl Conn {
    pub(super) fn advance_http(
        &mut self,
        desk: &mut Desk,
        key: ConnKey,
        rest: &mut &mut [u8],
    ) -> Step {
        let State::Http(http) = &mut self.state else { return Step::Wait };
        if http.body.is_some() {
            return self.skip_body(desk, rest);
        }
        if self.outbox.len() >= desk.limits.outbox_bytes_max / 2 {
            return Step::Paused;
        }
        if rest.is_empty() {
            return Step::Wait;
        }
        if http.since.is_none() {
            http.since = Some(desk.tick);
            desk.wake_by(key, desk.tick.after(desk.limits.head_time));
        }
        match http.scan.find(rest, &desk.limits) {
            Ok(None) => Step::Wait,
            Err(fault) => self.refuse(desk, fault, rest),
            Ok(Some(length)) => {
                let (head, behind) = std::mem::take(rest).split_at_mut(length);
                *rest = behind;
                self.answer_head(desk, key, head)
            }
        }
    }

    /// A body that nobody reads is still read to its end: what follows it is the next request.
    fn skip_body(&mut self, desk: &mut Desk, rest: &mut &mut [u8]) -> Step {
        let State::Http(http) = &mut self.state else { return Step::Wait };
        let Some(decoder) = &mut http.body else { return Step::Again };
        match decoder.decode(rest, &desk.limits) {
            // The request has its answer already; what follows cannot be told from its body.
            Err(_) => Step::End(End::ANSWERED),
            Ok(step) => {
                let (used, done) = (step.used, step.done);
                *rest = &mut std::mem::take(rest)[used..];
                if done {
                    (http.body, http.body_since) = (None, None);
                }
                if done || used > 0 { Step::Again } else { Step::Wait }
            }
        }
    }

    /// Answers what has a fault; `head` is what came of it.
    fn refuse(&mut self, desk: &mut Desk, fault: Fault, head: &[u8]) -> Step {
        desk.counters().http_faults.add(1);
        desk.counters().responses.count(fault.status().code());
        let date = *desk.date.of(desk.now.unix_ms / 1000);
        self.outbox.append(&mut desk.pool, |out| {
            Response::refuse(out, fault, head, &date);
        });
        Step::End(End::ANSWERED)
    }

    fn answer_head(&mut self, desk: &mut Desk, key: ConnKey, head: &[u8]) -> Step {
        let request = match Request::parse(head, &desk.limits) {
            Ok(request) => request,
            Err(fault) => return self.refuse(desk, fault, head),
        };
        trap(Trap::Request);
        let framing = request.framing();
        if matches!(framing, Framing::Length(bytes) if bytes > desk.limits.body_bytes_max as u64) {
            return self.refuse(desk, Fault::BodyTooLarge, head);
        }
        let serves = desk.listener(self.listener).serves;
        let wants_upgrade = request.lists("upgrade", "websocket");
        let is_upgrade = match serves {
            Serves::WebSocket => true,
            Serves::Http => false,
            Serves::Both => wants_upgrade,
        };
        let mut terms = request.terms();
        if let State::Http(http) = &mut self.state {
            http.head_only = terms.head_only;
        }
        // A client that waits for our leave to send a body is told the answer instead, and then may
        // send the body or not: only the end of the connection tells which.
        if desk.is_draining() || request.expects_continue() {
            terms = terms.closing();
        }
        let answered = if is_upgrade {
            upgrade::answer(self, desk, key, &request)
        } else {
            events::answer(self, desk, key, &request, terms)
        };
        match answered {
            Answered::Became => Step::Again,
            Answered::Last => Step::End(End::ANSWERED),
            Answered::Yes if is_upgrade || !terms.keep_alive => Step::End(End::ANSWERED),
            Answered::Yes => self.next_request(framing, desk, key),
        }
    }

    fn next_request(&mut self, framing: Framing, desk: &mut Desk, key: ConnKey) -> Step {
        if let State::Http(http) = &mut self.state {
            http.scan = HeadScan::default();
            http.since = None;
            if framing.has_body() {
                (http.body, http.body_since) = (Some(Decoder::new(framing)), Some(desk.tick));
            }
        }
        desk.wake_by(key, desk.tick.after(desk.limits.keep_alive.min(desk.limits.body_time)));
        Step::Again
    }

    /// A request that we failed on is told so, if it has no answer yet.
    pub(super) fn say_failure(&mut self, desk: &mut Desk) {
        let State::Http(http) = &self.state else { return };
        if http.since.is_some() && http.body.is_none() {
            let (status, detail) =
                (Status::InternalServerError, "The server failed on this request; it is a bug.");
            let terms = Terms { head_only: http.head_only, ..Terms::CLOSE };
            self.problem(desk, terms, status, "internal-error", detail, &[]);
        }
    }

    /// Appends a problem document as the answer to a request.
    pub(super) fn problem(
        &mut self,
        desk: &mut Desk,
        terms: Terms,
        status: Status,
        code: &str,
        detail: &str,
        headers: &[(&str, &str)],
    ) {
        let Desk { pool, .. } = desk;
        let mut pool = std::mem::take(pool);
        self.outbox.append(&mut pool, |out| {
            desk.respond(out, status).headers(headers).problem(terms, code, detail);
        });
        desk.pool = pool;
    }
}
