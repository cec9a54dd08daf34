//! A connection that speaks HTTP: one request after the other.
//!
//! Knows: heads, bodies, keep-alive, which listener serves what.
//! Must not know: rooms, cursors, sockets.

use super::admission::Peer;
use super::answer::{OWN_ERROR, TOO_MANY_BODIES};
use super::api::{self, CallKey, Order, Outcome};
use super::chronicle::Asked;
use super::collected::{Collected, TooMuch};
use super::conn::{Conn, Serves, State};
use super::desk::Desk;
use super::end::End;
use super::heads::Held;
use super::panics::{Trap, trap};
use super::vetting::Vetting;
use super::{Step, upgrade};
use crate::auth::Question;
use crate::bytes::{ConnKey, Tick};
use crate::http::{CONTINUE, Decoder, Fault, Framing, HeadScan, Request, Response, Terms};

/// A connection between requests, or in one.
#[derive(Debug)]
pub(super) struct Http {
    scan: HeadScan,
    /// The request that is being answered is HEAD.
    head_only: bool,
    /// Since when the request, or the first one of the connection, has been waited for. `None`:
    /// all that came is answered.
    pub(super) since: Option<Tick>,
    pub(super) doing: Doing,
    /// What of a head is kept, as it is counted.
    pub(super) held: Held,
    pub(super) peer: Peer,
}

/// What an HTTP connection is in the middle of.
#[derive(Debug)]
pub(super) enum Doing {
    /// A head is waited for, or read.
    Asking,
    /// A request was answered without its body, which is on its way to nowhere, since then.
    Skipping(Decoder, Tick),
    /// The body of a request is read that is answered behind it.
    Collecting(Box<Collecting>),
    /// The answer is not known yet. Nothing is read meanwhile.
    Waiting(CallKey),
    /// Somebody else is asked about the request, or has said whether it may come in.
    Vetting(Box<Vetting>),
}

/// A request of which the body is still to come.
#[derive(Debug)]
pub(super) struct Collecting {
    order: Order,
    decoder: Decoder,
    pub(super) since: Tick,
    body: Collected,
}

impl Http {
    pub(super) fn new(now: Tick, peer: Peer) -> Http {
        let (scan, doing) = (HeadScan::default(), Doing::Asking);
        let held = Held::default();
        Http { scan, head_only: false, since: Some(now), doing, held, peer }
    }

    /// Whether the answer to its request is still made, or it is not known whether it has one.
    pub(super) fn is_waiting(&self) -> bool {
        match &self.doing {
            Doing::Waiting(_) => true,
            Doing::Vetting(vetting) => vetting.verdict.is_none(),
            Doing::Asking | Doing::Skipping(..) | Doing::Collecting(_) => false,
        }
    }

    /// The head that was found is looked for once more.
    pub(super) fn look_anew(&mut self) {
        self.scan = HeadScan::default();
    }

    /// Whether it waits for the answer of that call.
    pub(super) fn waits_for(&self, call: CallKey) -> bool {
        matches!(self.doing, Doing::Waiting(own) if own == call)
    }

    /// Since when it has been sending a body.
    pub(super) fn body_since(&self) -> Option<Tick> {
        match &self.doing {
            Doing::Skipping(_, since) => Some(*since),
            Doing::Collecting(collecting) => Some(collecting.since),
            Doing::Asking | Doing::Waiting(_) | Doing::Vetting(_) => None,
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
    /// It is answered when its body is there, if it has one.
    Ordered(Box<Order>),
    /// Somebody else has to be asked first.
    Asks(Box<Question>),
}

impl Conn {
    pub(super) fn advance_http(
        &mut self,
        desk: &mut Desk,
        key: ConnKey,
        rest: &mut &mut [u8],
    ) -> Step {
        let State::Http(http) = &mut self.state else { return Step::Wait };
        match &http.doing {
            Doing::Asking => {}
            Doing::Vetting(vetting) if vetting.verdict.is_some() => {}
            Doing::Skipping(..) => return self.skip_body(desk, rest),
            Doing::Collecting(_) => return self.collect_body(desk, key, rest),
            Doing::Waiting(_) | Doing::Vetting(_) => return Step::Paused,
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
                let step = self.answer_head(desk, key, &rest[..length]);
                // Who waits for a verdict keeps what it is about.
                if !self.is_vetted_still() {
                    *rest = &mut std::mem::take(rest)[length..];
                }
                step
            }
        }
    }

    /// A body that nobody reads is still read to its end: what follows it is the next request.
    fn skip_body(&mut self, desk: &mut Desk, rest: &mut &mut [u8]) -> Step {
        let State::Http(http) = &mut self.state else { return Step::Wait };
        let Doing::Skipping(decoder, _) = &mut http.doing else { return Step::Again };
        match decoder.decode(rest, &desk.limits) {
            // The request has its answer already; what follows cannot be told from its body.
            Err(_) => Step::End(End::ANSWERED),
            Ok(step) => {
                let (used, done) = (step.used, step.done);
                *rest = &mut std::mem::take(rest)[used..];
                if done {
                    http.doing = Doing::Asking;
                }
                if done || used > 0 { Step::Again } else { Step::Wait }
            }
        }
    }

    /// Keeps the body of a request that is answered behind it, and answers it when all is there.
    fn collect_body(&mut self, desk: &mut Desk, key: ConnKey, rest: &mut &mut [u8]) -> Step {
        let State::Http(http) = &mut self.state else { return Step::Wait };
        let Doing::Collecting(collecting) = &mut http.doing else { return Step::Again };
        let (used, done) = match collecting.decoder.decode(rest, &desk.limits) {
            Err(fault) => return self.refuse(desk, fault, b""),
            Ok(step) => {
                let most = desk.limits.node_bodies_bytes_max;
                if collecting.order.wants_body()
                    && collecting.body.extend(step.data, most) == Err(TooMuch)
                {
                    return self.refuse_body(desk);
                }
                (step.used, step.done)
            }
        };
        *rest = &mut std::mem::take(rest)[used..];
        if !done {
            return if used > 0 { Step::Again } else { Step::Wait };
        }
        match std::mem::replace(&mut http.doing, Doing::Asking) {
            Doing::Collecting(collecting) => {
                let Collecting { order, body, .. } = *collecting;
                self.carry_out(desk, key, order, &body.into_bytes())
            }
            Doing::Asking | Doing::Skipping(..) | Doing::Waiting(_) | Doing::Vetting(_) => {
                Step::Again
            }
        }
    }

    /// All connections together send too much at once: who comes last is told to come again.
    fn refuse_body(&mut self, desk: &mut Desk) -> Step {
        desk.counters().bodies_shed.add(1);
        self.problem(desk, Terms::CLOSE, &TOO_MANY_BODIES);
        self.tell_unread(desk);
        Step::End(End::ANSWERED)
    }

    /// All of a request is there.
    fn carry_out(&mut self, desk: &mut Desk, key: ConnKey, order: Order, body: &[u8]) -> Step {
        match api::carry_out(self, desk, key, order, body) {
            Outcome::Answered { stays: false } => Step::End(End::ANSWERED),
            Outcome::Answered { stays: true } => self.next_request(Framing::None, desk, key),
            Outcome::Waits(call) => {
                if let State::Http(http) = &mut self.state {
                    http.doing = Doing::Waiting(call);
                }
                Step::Paused
            }
        }
    }

    /// Answers what has a fault; `head` is what came of it.
    fn refuse(&mut self, desk: &mut Desk, fault: Fault, head: &[u8]) -> Step {
        self.say_fault(desk, fault, head);
        self.tell_fault(desk, fault);
        Step::End(End::ANSWERED)
    }

    fn say_fault(&mut self, desk: &mut Desk, fault: Fault, head: &[u8]) {
        desk.counters().http_faults.add(1);
        desk.counters().responses.count(fault.status().code());
        let date = *desk.date.of(desk.now.unix_ms / 1000);
        let before = self.outbox.len();
        self.outbox.append(&mut desk.pool, |out| {
            Response::refuse(out, fault, &desk.limits, head, &date);
        });
        let bytes = self.outbox.len() - before;
        desk.note_answer(fault.status().code(), Some(fault.code()), bytes);
    }

    fn answer_head(&mut self, desk: &mut Desk, key: ConnKey, head: &[u8]) -> Step {
        let request = match Request::parse(head, &desk.limits) {
            Ok(request) => request,
            Err(fault) => return self.refuse(desk, fault, head),
        };
        trap(Trap::Request);
        let framing = request.framing();
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
        // A client that waits for our leave to send a body, which we do not need, is told the
        // answer instead, and then may send the body or not: only the end of the connection tells
        // which.
        if desk.is_draining() || request.expects_continue() {
            terms = terms.closing();
        }
        let asking = self.asking(desk, is_upgrade);
        if matches!(framing, Framing::Length(bytes) if bytes > desk.limits.body_bytes_max as u64) {
            self.say_fault(desk, Fault::BodyTooLarge, head);
            self.tell_answered(desk, key, asking, (&request, &Answered::Last));
            return Step::End(End::ANSWERED);
        }
        let answered = if is_upgrade {
            upgrade::answer(self, desk, key, &request)
        } else {
            api::answer(self, desk, key, &request, terms)
        };
        self.tell_answered(desk, key, asking, (&request, &answered));
        match answered {
            Answered::Became => Step::Again,
            Answered::Asks(question) => self.begin_vetting(desk, key, question),
            Answered::Ordered(order) => self.begin_body(desk, key, *order, &request),
            Answered::Last => Step::End(End::ANSWERED),
            Answered::Yes if is_upgrade || !terms.keep_alive => Step::End(End::ANSWERED),
            Answered::Yes => self.next_request(framing, desk, key),
        }
    }

    /// The body of a request is to come that is answered behind it.
    fn begin_body(
        &mut self,
        desk: &mut Desk,
        key: ConnKey,
        order: Order,
        request: &Request<'_>,
    ) -> Step {
        let framing = request.framing();
        // Who waits for our leave to send what nobody reads is answered instead.
        let is_vain = request.expects_continue() && !order.wants_body();
        if is_vain || !framing.has_body() {
            return self.carry_out(desk, key, order, &[]);
        }
        if request.expects_continue() {
            self.outbox.append(&mut desk.pool, |out| out.extend_from_slice(CONTINUE));
        }
        let (decoder, since) = (Decoder::new(framing), desk.tick);
        let collecting =
            Collecting { order, decoder, since, body: Collected::new(desk.hub.bodies_bytes()) };
        if let State::Http(http) = &mut self.state {
            http.doing = Doing::Collecting(Box::new(collecting));
        }
        self.look_after_body(desk, key);
        Step::Again
    }

    fn look_after_body(&mut self, desk: &mut Desk, key: ConnKey) {
        desk.wake_by(key, desk.tick.after(desk.limits.keep_alive.min(desk.limits.body_time)));
    }

    /// A request has its answer; what is left of it is passed over.
    pub(super) fn next_request(&mut self, framing: Framing, desk: &mut Desk, key: ConnKey) -> Step {
        if let State::Http(http) = &mut self.state {
            http.scan = HeadScan::default();
            http.since = None;
            http.held.begin_anew();
            http.doing = match framing.has_body() {
                true => Doing::Skipping(Decoder::new(framing), desk.tick),
                false => Doing::Asking,
            };
        }
        self.look_after_body(desk, key);
        Step::Again
    }

    /// A request that we failed on is told so, if it has no answer yet.
    pub(super) fn say_failure(&mut self, desk: &mut Desk) {
        let State::Http(http) = &self.state else { return };
        if http.since.is_some() {
            let terms = Terms { head_only: http.head_only, ..Terms::CLOSE };
            self.problem(desk, terms, &OWN_ERROR);
            self.tell_unread(desk);
        }
    }

    /// What was asked for of which the body is still to come.
    pub(super) fn asked(&self) -> Option<&Asked> {
        let State::Http(http) = &self.state else { return None };
        let Doing::Collecting(collecting) = &http.doing else { return None };
        collecting.order.asked()
    }
}
