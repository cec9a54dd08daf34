//! What is asked of a connection: by letter to its core, which alone knows whether it is there.
//!
//! Knows: who owns a name, letters, what can be asked.
//! Must not know: HTTP beyond its problems, who waits for an answer.
//!
//! The hub says who owns a name, but that may be over by the time its core gets the letter: the
//! connection has ended, or somebody else has its name. Then the question comes back, and goes to
//! whoever owns the name now, until nobody does.

use super::super::Engine;
use super::super::answer::Problem;
use super::super::conn::{Conn, State};
use super::super::desk::Desk;
use super::super::end::End;
use super::super::letters::{Action, Letter};
use super::super::websocket::Name;
use super::body::Message;
use super::calls::CallKey;
use super::done::{Description, Done};
use super::list::{Walk, Walked};
use super::query::Close;
use super::sweep::Sweep;
use crate::bytes::{ConnKey, TICK};
use crate::http::Status;
use crate::hub::Who;
use crate::ws::frame::Opcode;

const NO_SUCH_CONNECTION: Problem =
    Problem::new(Status::NotFound, "no-such-connection", "No connection has this connectionId.");
const OTHER_SESSION: Problem = Problem::new(
    Status::NotFound,
    "no-such-connection",
    "No connection has this connectionId and this session.",
);
const GONE: Problem = Problem::new(
    Status::Gone,
    "connection-gone",
    "The connection has ended while it was asked, and no other has its connectionId.",
);
const OUTBOX_FULL: Problem = Problem::new(
    Status::TooManyRequests,
    "outbox-full",
    "The connection has yet to take so much that it is not given more (--outbox).",
);

/// A question to a core.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Who asks: a call of this core.
    pub(super) from: (u16, CallKey),
    /// Which of its tasks.
    pub(super) task: u32,
    pub(super) question: Question,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// Something of one connection.
    One(One),
    /// Some of the core's connections.
    Walk(Walk),
    /// To end those of its connections that a revocation concerns.
    Sweep(Sweep),
}

/// What is asked of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct One {
    pub(super) who: Who,
    /// Only this registration of the name.
    pub(super) session: Option<u64>,
    /// Who owned the name when last looked, if anybody ever did.
    pub(super) key: Option<ConnKey>,
    pub(super) wish: Wish,
}

/// What one connection is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Describe,
    Send(Message),
    Close(Close),
}

/// What comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The call that asked.
    pub(super) to: CallKey,
    pub(super) task: u32,
    pub(super) said: Replied,
}

/// What a core says to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Replied {
    Done(Done),
    /// Whoever was asked is not there, or is somebody else: the question comes back.
    NotHere(Box<Ask>),
    Walked(Walked),
}

impl Desk {
    /// Sends a question on to whoever owns the name now.
    pub(super) fn seek(&mut self, mut ask: Box<Ask>) -> Result<(), Problem> {
        let Question::One(one) = &mut ask.question else { return Ok(()) };
        let owner = self.hub.owner(one.who);
        let owner = owner.filter(|owner| one.session.is_none_or(|own| own == owner.session));
        let Some(owner) = owner else {
            return Err(match (one.key, one.session) {
                (Some(_), _) => GONE,
                (None, Some(_)) => OTHER_SESSION,
                (None, None) => NO_SUCH_CONNECTION,
            });
        };
        one.key = Some(owner.place.key);
        self.actions.push_back(Action::Post(owner.place.core, Letter::Ask(ask)));
        Ok(())
    }
}

impl Engine {
    /// A question came.
    pub(in crate::engine) fn asked(&mut self, mut ask: Box<Ask>) {
        let (from, task) = (ask.from, ask.task);
        let said = match &mut ask.question {
            Question::Walk(walk) => Replied::Walked(self.walk(walk)),
            Question::Sweep(sweep) => match self.sweep(sweep) {
                Some(closed) => Replied::Done(Done::Ended(closed)),
                // It is gone through to its end, whoever waits for that.
                None => return self.desk.post_to_self(Letter::Ask(ask)),
            },
            Question::One(one) => match self.ask_one(one) {
                Some(done) => Replied::Done(done),
                None => Replied::NotHere(ask),
            },
        };
        let (core, to) = from;
        let answer = Letter::Answer(Box::new(Answer { to, task, said }));
        self.desk.actions.push_back(Action::Post(core, answer));
    }

    /// `None`: it is not there any more.
    fn ask_one(&mut self, one: &One) -> Option<Done> {
        let key = one.key?;
        let conn = self.conns.find(key).filter(|conn| conn.is_named(one))?;
        Some(match &one.wish {
            Wish::Describe => Done::Described(Box::new(conn.describe(&self.desk)?)),
            Wish::Send(message) => {
                let done = self.guarded(key, |conn, desk| conn.be_told(desk, message));
                self.settle(key);
                // A panic has ended it.
                done.unwrap_or(Done::Failed(GONE))
            }
            Wish::Close(close) => {
                self.end(key, End::ordered(close.code, &close.reason));
                Done::Closed
            }
        })
    }
}

impl Conn {
    /// Whether it is who was asked for.
    fn is_named(&self, one: &One) -> bool {
        let State::WebSocket(websocket) = &self.state else { return false };
        match &websocket.name {
            Name::Owned(sender) => {
                let is_session = one.session.is_none_or(|session| session == sender.session);
                sender.who == one.who && is_session
            }
            // The hub gave it the name: only its core has yet to hear of that. What is sent to it
            // is queued now, or it could be overtaken by what is sent later.
            Name::Waiting(waiting) => {
                let is_message = matches!(one.wish, Wish::Send(_)) && one.session.is_none();
                waiting.who == one.who && is_message
            }
            Name::None => false,
        }
    }

    /// What it is, if it has a name.
    pub(super) fn describe(&self, desk: &Desk) -> Option<Description> {
        let State::WebSocket(websocket) = &self.state else { return None };
        let Name::Owned(sender) = &websocket.name else { return None };
        let name_of = |room: u32| desk.rooms.room(room).name.to_string();
        let rooms = websocket.cursor.iter().flat_map(|cursor| cursor.scope.joined());
        let ago = desk.now.monotonic.saturating_sub(TICK * self.heard.0).as_millis() as u64;
        Some(Description {
            id: sender.id.to_string(),
            session: sender.session,
            route: websocket.route.path.to_string(),
            room: websocket.room().map(name_of),
            rooms: rooms.copied().map(name_of).collect(),
            connected_ms: websocket.connected_ms,
            seen_ms: desk.now.unix_ms.saturating_sub(ago).max(websocket.connected_ms),
            grant: websocket.grant.clone(),
        })
    }

    /// Is sent a message by the API, behind all that waits for it.
    fn be_told(&mut self, desk: &mut Desk, message: &Message) -> Done {
        if self.is_half_full(desk) {
            return Done::Failed(OUTBOX_FULL);
        }
        let opcode = if message.binary { Opcode::Binary } else { Opcode::Text };
        self.push_message(desk, opcode, &message.bytes);
        Done::Queued
    }
}
