//! A WebSocket client: what it has said, what it may hear.
//!
//! Knows: routes and their promises, frames.
//! Must not know: the engine.

use super::api::is_from_api;
use super::check;
use super::client::{Client, Moment, Role};
use super::configured;
use super::frames::{self, BINARY, CLOSE, Frame, PING, PONG, TEXT};
use super::policies::Facts;
use super::roamer::{Order, Roaming};
use super::shadow::{Logged, Shadow, Shows};
use serde_json::Value;
use std::collections::VecDeque;
use tidegate::hub::{EVERYONE, What};
use tidegate::ws::frame::{Opcode, push_masked};

/// By which route it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Talk {
    Relay,
    /// A relay that takes anything.
    Wrap,
    Member {
        echo: bool,
    },
    Echo,
    Desk,
    /// A member that may join rooms and leave them.
    Roam,
}

/// A message that has to be published, or to come back.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) binary: bool,
    pub(crate) raw: Vec<u8>,
    pub(crate) shows: Shows,
}

/// Something that is due to this client alone, in order.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Pong(Vec<u8>),
    Echo {
        binary: bool,
        payload: Vec<u8>,
    },
    Error(&'static str),
    Greeting,
    /// What a desk says to this.
    Desk(Vec<u8>),
    /// Whatever comes of something that it said to the server.
    Order(Order),
}

/// Whether an event is for one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    None,
    /// As far as anybody here can know, it may get it or not.
    Maybe,
    Due,
}

/// One WebSocket client.
#[derive(Debug)]
pub(crate) struct Speaker {
    pub(crate) talk: Talk,
    /// The first segment of its path.
    pub(crate) kind: &'static str,
    /// It acts for a page.
    pub(crate) has_origin: bool,
    /// What its core went by when it came: that is its route, for ever.
    pub(crate) came_by: Option<Facts>,
    pub(crate) room: Option<String>,
    /// One that the server chose is learnt from what it publishes.
    pub(crate) id: Option<String>,
    /// It chose its name itself.
    pub(crate) is_named: bool,
    /// Its handshake is refused if somebody has its name.
    pub(crate) may_be_refused: bool,
    pub(crate) by_url: bool,
    /// What it is answered to what it offered if messages may be compressed; whether they are.
    pub(crate) agreed: Option<String>,
    pub(crate) deflates: bool,
    /// Pings that it has sent.
    pub(crate) pings: u64,
    /// It has said who it is.
    pub(crate) is_registered: bool,
    /// What it said that has to be published.
    pub(crate) said: Vec<Said>,
    /// How much of it was.
    pub(crate) published: usize,
    pub(crate) session: Option<u64>,
    pub(crate) answers: VecDeque<Answer>,
    /// Refused messages in a row.
    pub(crate) refusals: u32,
    /// The most that they ever were, and the longest message that it ever said.
    pub(crate) most_refusals: u32,
    pub(crate) boldest: usize,
    /// It broke a rule, and will be closed with this.
    pub(crate) doom: Option<u16>,
    pub(crate) sent_close: Option<u16>,
    pub(crate) got_close: Option<u16>,
    /// The last event of its room that it got, or knows that it will not get.
    pub(crate) position: Option<u64>,
    /// What it knows of the rooms that it is in, if there can be several.
    pub(crate) roaming: Option<Box<Roaming>>,
}

impl Speaker {
    /// One that has said nothing.
    pub(crate) fn new(talk: Talk, room: Option<String>, id: Option<String>) -> Speaker {
        Speaker {
            talk,
            kind: "",
            has_origin: false,
            came_by: None,
            room,
            is_named: id.is_some(),
            may_be_refused: false,
            id,
            by_url: false,
            agreed: None,
            deflates: false,
            pings: 0,
            is_registered: false,
            said: Vec::new(),
            published: 0,
            session: None,
            answers: VecDeque::new(),
            refusals: 0,
            most_refusals: 0,
            boldest: 0,
            doom: None,
            sent_close: None,
            got_close: None,
            position: None,
            roaming: None,
        }
    }

    /// It says in its URL who it is, on a route where that is a message.
    pub(crate) fn register_by_url(&mut self) {
        (self.by_url, self.is_registered) = (true, true);
        let id = Value::from(self.id.as_deref());
        let raw = format!("{{\"connectionId\":{id}}}").into_bytes();
        self.said.push(Said { binary: false, shows: Shows::Line(raw.clone()), raw });
    }

    /// Whether what it says is published.
    pub(crate) fn publishes(&self) -> bool {
        self.room.is_some()
    }

    /// Whether it has a name without having said anything.
    pub(crate) fn is_named_at_once(&self) -> bool {
        self.talk != Talk::Relay
    }

    /// Whether it can say anything more.
    pub(crate) fn may_speak(&self) -> bool {
        self.doom.is_none() && self.sent_close.is_none() && self.got_close.is_none()
    }

    /// Takes one frame.
    pub(crate) fn hear(client: &mut Client, frame: Frame, shadow: &Shadow, moment: &Moment<'_>) {
        let (number, begun_at) = (client.number, client.begun_at);
        let Role::Speaker(speaker) = &mut client.role else { return };
        assert_eq!(speaker.got_close, None, "client {number}: {frame:?} after a close frame");
        speaker.settle();
        match frame.opcode {
            PING if !client.is_lazy && speaker.got_close.is_none() => {
                let mut pong = Vec::new();
                push_masked(&mut pong, true, Opcode::Pong, [1, 2, 3, 4], &frame.payload);
                if speaker.sent_close.is_none() {
                    client.wire.say(&pong);
                }
            }
            PING => {}
            PONG => speaker.hear_pong(number, &frame.payload),
            CLOSE => {
                let code = frames::close_code(&frame.payload);
                Speaker::hear_close(client, code, shadow, moment);
            }
            TEXT | BINARY => speaker.hear_message(number, frame, begun_at, (shadow, moment)),
            _ => unreachable!("the parser knows no others"),
        }
    }

    /// A pong may be left out if the next answer is a pong, too.
    fn hear_pong(&mut self, number: usize, payload: &[u8]) {
        loop {
            match self.answers.pop_front() {
                Some(Answer::Pong(due)) if due == payload => return,
                Some(Answer::Pong(_)) => {
                    self.settle();
                    let is_replaced = matches!(self.answers.front(), Some(Answer::Pong(_)));
                    assert!(is_replaced, "client {number}: a pong of {payload:?} too early");
                }
                due => panic!("client {number}: a pong of {payload:?}, not {due:?}"),
            }
        }
    }

    fn hear_message(
        &mut self,
        number: usize,
        frame: Frame,
        begun_at: Option<u64>,
        (shadow, moment): (&Shadow, &Moment<'_>),
    ) {
        let binary = frame.opcode == BINARY;
        let is_from_api = is_from_api(&frame.payload);
        if let (Some(due), false) = (self.text_due(), is_from_api) {
            let is_due = !binary && frame.payload == due.as_bytes();
            assert!(is_due, "client {number}: {frame:?} in place of {due}");
            self.answers.pop_front();
            return;
        }
        if self.roaming.is_some() {
            return self.hear_as_roamer(number, &frame, begun_at, (shadow, moment));
        }
        if self.is_member() || is_from_api {
            return self.hear_event(number, &frame, begun_at, shadow);
        }
        if self.talk == Talk::Echo {
            let answer = Answer::Echo { binary, payload: frame.payload };
            assert_eq!(self.answers.pop_front(), Some(answer), "client {number}");
            return;
        }
        let text = serde_json::from_slice::<Value>(&frame.payload).expect("JSON");
        let code = text["error"]["code"].as_str().expect("an error");
        match self.answers.pop_front() {
            Some(Answer::Error(expected)) => assert_eq!(code, expected, "client {number}"),
            other => panic!("client {number}: {text} in place of {other:?}"),
        }
    }

    /// What its route says by itself, if that is due next.
    fn text_due(&self) -> Option<&'static str> {
        let variant = self.came_by?.variant;
        match self.answers.front()? {
            Answer::Greeting => Some(configured::greeting(variant)),
            Answer::Desk(message) => Some(configured::answer(variant, message)),
            Answer::Pong(_) | Answer::Echo { .. } | Answer::Error(_) | Answer::Order(_) => None,
        }
    }

    /// It is the next of those that are for it, but for some that it may not get.
    fn hear_event(&mut self, number: usize, frame: &Frame, begun_at: Option<u64>, shadow: &Shadow) {
        let position = self.position.or(begun_at).expect("it has come");
        for (sequence, event) in shadow.after(position) {
            let kind = if event.what == What::Binary { BINARY } else { TEXT };
            let is_it = kind == frame.opcode && event.raw == frame.payload;
            match self.share((sequence, event), shadow) {
                Share::None => {}
                Share::Due | Share::Maybe if is_it => {
                    self.position = Some(sequence);
                    return;
                }
                Share::Maybe => {}
                Share::Due => {
                    panic!("client {number}: {sequence} was due before {frame:?}: {self:?}")
                }
            }
        }
        panic!("client {number}: {frame:?} out of nothing");
    }

    /// Whether it gets what is said in its room.
    pub(crate) fn is_member(&self) -> bool {
        matches!(self.talk, Talk::Member { .. } | Talk::Roam)
    }

    /// Whether an event is for the likes of it.
    pub(crate) fn is_of_audience(&self, event: &Logged) -> bool {
        let is_here = match &self.roaming {
            Some(roaming) => roaming.ever.contains(&event.room),
            None => Some(&event.room) == self.room.as_ref(),
        };
        let is_here = is_here || event.room == EVERYONE;
        is_here && (event.ticket.is_some() || (event.members && self.is_member()))
    }

    /// Whether it has to get an event.
    fn share(&self, (sequence, event): (u64, &Logged), shadow: &Shadow) -> Share {
        let is_own = Some(event.session) == self.session;
        if !self.is_of_audience(event) || is_own && self.talk != (Talk::Member { echo: true }) {
            return Share::None;
        }
        // What is left out is left out by name: also what others have said under it before.
        if self.talk == (Talk::Member { echo: false }) && self.id.as_ref() == Some(&event.id) {
            return Share::Maybe;
        }
        let is_left_out = self.id.as_ref().is_some_and(|id| event.except.contains(id));
        match self.session {
            _ if !is_left_out => Share::Due,
            Some(_) if self.is_member() && !self.is_named => Share::None,
            Some(session) if shadow.has_begun(session, sequence) => Share::None,
            // It may not have had the name yet.
            _ => Share::Maybe,
        }
    }

    /// The next event that it has to get.
    pub(crate) fn next_event(&self, begun_at: Option<u64>, shadow: &Shadow) -> Option<u64> {
        let mut rest = shadow.after(self.position.or(begun_at)?);
        rest.find(|next| self.share(*next, shadow) == Share::Due).map(|(sequence, _)| sequence)
    }

    /// The most that what the API has said since takes.
    pub(crate) fn api_bytes(&self, begun_at: Option<u64>, shadow: &Shadow) -> usize {
        const HEADER_BYTES: usize = 10;
        let Some(position) = self.position.or(begun_at) else { return 0 };
        let theirs = shadow.after(position).filter(|(_, event)| self.is_of_audience(event));
        theirs.map(|(_, event)| event.raw.len() + HEADER_BYTES).sum()
    }

    fn hear_close(client: &mut Client, code: u16, shadow: &Shadow, moment: &Moment<'_>) {
        check::close_frame(client, code, shadow, moment);
        let is_lazy = client.is_lazy;
        let Role::Speaker(speaker) = &mut client.role else { return };
        speaker.got_close = Some(code);
        if speaker.sent_close.is_none() && !is_lazy {
            speaker.sent_close = Some(code);
            let mut close = Vec::new();
            let payload = if code == 1005 { vec![] } else { code.to_be_bytes().to_vec() };
            push_masked(&mut close, true, Opcode::Close, [9, 8, 7, 6], &payload);
            client.wire.say(&close);
        }
    }

    /// The server ended the connection.
    pub(crate) fn hear_end(client: &Client, moment: &Moment<'_>) {
        let Role::Speaker(speaker) = &client.role else { return };
        if speaker.got_close.is_some() {
            return;
        }
        assert!(
            client.could_be_cut(moment),
            "client {} was dropped without a close frame: {client:?}",
            client.number
        );
    }
}
