//! Calls: requests whose answer is still being made.
//!
//! Knows: tasks and what came of them, who waits for that and for how long.
//! Must not know: how a task is done, sockets.

use super::super::Engine;
use super::super::answer::{Manner, Problem};
use super::super::conn::{Conn, State};
use super::super::desk::Desk;
use super::super::end::End;
use super::ask::{Answer, Replied};
use super::done::{Done, Said, Shape};
use super::list::Listing;
use crate::bytes::{ConnKey, Keyed, Tick};
use crate::http::{Framing, Status};
use crate::hub::{Claimed, Identity};
use std::collections::{HashMap, VecDeque};

const NO_ANSWER: Problem = Problem::new(
    Status::GatewayTimeout,
    "no-answer",
    "The part of the server that was asked did not answer in time (--api-time); whether it will do \
     what it was asked is not known.",
);

/// Names one call of one core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::engine) struct CallKey(ConnKey);

/// A request whose answer is still being made.
#[derive(Debug)]
pub(super) struct Call {
    /// The connection that asked, if it is still there.
    pub(super) asker: ConnKey,
    pub(super) manner: Manner,
    /// Its `Idempotency-Key` is in use for it.
    pub(super) claimed: Option<Claimed>,
    pub(super) work: Work,
}

/// What a call is about.
#[derive(Debug)]
pub(super) enum Work {
    Tasks {
        shape: Shape,
        /// What came of each so far.
        done: Vec<Option<Done>>,
        /// How many have yet to come to something.
        left: usize,
    },
    Listing(Listing),
}

/// All calls of a core.
#[derive(Debug, Default)]
pub(in crate::engine) struct Calls {
    calls: Keyed<Call>,
    /// When each is given up, in that order. Some are done already.
    due: VecDeque<(Tick, CallKey)>,
    /// Whose tasks wait for a commit, by ticket.
    tickets: HashMap<u64, (CallKey, u32), Identity>,
    next_ticket: u64,
}

impl Calls {
    pub(super) fn begin(&mut self, call: Call, until: Tick) -> CallKey {
        let key = CallKey(self.calls.insert(call));
        self.due.push_back((until, key));
        key
    }

    /// Task `task` of a call has come to something.
    pub(super) fn set(&mut self, key: CallKey, task: u32, outcome: Done) {
        let Some(call) = self.calls.find_mut(key.0) else { return };
        let Work::Tasks { done, left, .. } = &mut call.work else { return };
        if let Some(place @ None) = done.get_mut(task as usize) {
            *place = Some(outcome);
            *left -= 1;
        }
    }

    /// The list that a call puts together.
    pub(super) fn listing(&mut self, key: CallKey) -> Option<&mut Listing> {
        match &mut self.calls.find_mut(key.0)?.work {
            Work::Listing(listing) => Some(listing),
            Work::Tasks { .. } => None,
        }
    }

    /// Takes the call out, if all its tasks have come to something.
    pub(super) fn take_done(&mut self, key: CallKey) -> Option<Call> {
        let is_done = match &self.calls.find(key.0)?.work {
            Work::Tasks { left, .. } => *left == 0,
            Work::Listing(listing) => listing.is_complete(),
        };
        if is_done { self.take(key) } else { None }
    }

    fn take(&mut self, key: CallKey) -> Option<Call> {
        let call = self.calls.remove(key.0);
        while self.due.front().is_some_and(|(_, key)| self.calls.find(key.0).is_none()) {
            self.due.pop_front();
        }
        call
    }

    /// A ticket for a task that is done when something is committed.
    pub(super) fn ticket(&mut self, call: CallKey, task: u32) -> u64 {
        self.next_ticket += 1;
        self.tickets.insert(self.next_ticket, (call, task));
        self.next_ticket
    }

    pub(super) fn redeem(&mut self, ticket: u64) -> Option<(CallKey, u32)> {
        self.tickets.remove(&ticket)
    }

    /// Tasks that wait for a commit.
    #[cfg(test)]
    pub(super) fn tickets(&self) -> usize {
        self.tickets.len()
    }

    /// When the next call is given up.
    pub(in crate::engine) fn next_due(&self) -> Option<Tick> {
        self.due.front().map(|(due, _)| *due)
    }

    /// Takes out a call that is given up at `now`.
    fn pop_due(&mut self, now: Tick) -> Option<(CallKey, Call)> {
        let (_, key) = *self.due.front().filter(|(due, _)| *due <= now)?;
        Some((key, self.take(key)?))
    }
}

impl Call {
    /// What is answered, whether all is done or not.
    pub(super) fn said(&self) -> Said {
        match &self.work {
            Work::Tasks { shape, done, .. } => {
                let done = done.iter().map(|done| done.clone().unwrap_or(Done::Failed(NO_ANSWER)));
                Said::of(*shape, &done.collect::<Vec<_>>())
            }
            Work::Listing(listing) if listing.has_come_on() => {
                Said::Well(Status::Ok, listing.body())
            }
            Work::Listing(_) => Said::Problem(NO_ANSWER, &[]),
        }
    }
}

impl Engine {
    /// A core has answered a question.
    pub(in crate::engine) fn answered(&mut self, answer: Answer) {
        let Answer { to, task, said } = answer;
        let desk = &mut self.desk;
        match said {
            Replied::Done(done) => desk.calls.set(to, task, done),
            // Nobody looks for it any more if nobody waits for it.
            Replied::NotHere(_) if desk.calls.calls.find(to.0).is_none() => {}
            Replied::NotHere(ask) => {
                if let Err(problem) = desk.seek(ask) {
                    desk.calls.set(to, task, Done::Failed(problem));
                }
            }
            Replied::Walked(walked) => desk.take_walked(to, &walked),
        }
        self.answer_if_done(to);
    }

    /// Answers a call whose last task has come to something.
    pub(super) fn answer_if_done(&mut self, key: CallKey) {
        if let Some(call) = self.desk.calls.take_done(key) {
            self.answer_call(key, call);
        }
    }

    /// Answers the calls whose time is over.
    pub(in crate::engine) fn give_up_calls(&mut self) {
        while let Some((key, call)) = self.desk.calls.pop_due(self.desk.tick) {
            self.answer_call(key, call);
        }
    }

    /// Tells whoever asked, if it is still there, and reads on from it.
    fn answer_call(&mut self, key: CallKey, call: Call) {
        let said = call.said();
        self.desk.settle_key(call.claimed, &said);
        let Call { asker, manner, .. } = call;
        let waits = |conn: &Conn| matches!(&conn.state, State::Http(http) if http.waits_for(key));
        if !self.conns.find(asker).is_some_and(waits) {
            return;
        }
        let written = self.guarded(asker, |conn, desk| {
            said.write(&manner, conn, desk);
            conn.next_request(Framing::None, desk, asker);
            conn.hold_head(desk, asker);
        });
        if written.is_none() {
            return;
        }
        let has_left = self.conns.find(asker).and_then(Conn::end_if_left).is_some();
        if has_left || !manner.stays(&self.desk) {
            return self.end(asker, End::ANSWERED);
        }
        self.go_on(asker);
        self.settle(asker);
        self.shed_heads();
    }
}

impl Said {
    /// Writes it to the connection that waits for it.
    pub(super) fn write(&self, manner: &Manner, conn: &mut Conn, desk: &mut Desk) {
        match self {
            Said::Well(status, body) => manner.json(conn, desk, *status, body, &[]),
            Said::Problem(problem, headers) => manner.problem_with(conn, desk, problem, headers),
        }
    }
}
