//! A WebSocket client: what it has said, what it may hear.
//!
//! Knows: routes and their promises, frames.
//! Must not know: the engine.

use super::check;
use super::client::{Client, Moment, Role};
use super::frames::{self, BINARY, CLOSE, Frame, PING, PONG, TEXT};
use super::shadow::{Shadow, Shows};
use serde_json::Value;
use std::collections::VecDeque;
use tidegate::hub::What;
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
    /// A greeting, or what a desk says.
    Text(&'static str),
}

/// One WebSocket client.
#[derive(Debug)]
pub(crate) struct Speaker {
    pub(crate) talk: Talk,
    pub(crate) room: Option<String>,
    /// One that the server chose is learnt from what it publishes.
    pub(crate) id: Option<String>,
    /// It chose its name itself.
    pub(crate) is_named: bool,
    /// Its handshake is refused if somebody has its name.
    pub(crate) may_be_refused: bool,
    pub(crate) by_url: bool,
    /// What it is to be answered to what it offered; whether it compresses then.
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
    /// It broke a rule, and will be closed with this.
    pub(crate) doom: Option<u16>,
    pub(crate) sent_close: Option<u16>,
    pub(crate) got_close: Option<u16>,
    /// The last event of its room that it got, or knows that it will not get.
    pub(crate) position: Option<u64>,
}

impl Speaker {
    /// One that has said nothing.
    pub(crate) fn new(talk: Talk, room: Option<String>, id: Option<String>) -> Speaker {
        Speaker {
            talk,
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
            doom: None,
            sent_close: None,
            got_close: None,
            position: None,
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
            CLOSE => Speaker::hear_close(client, frames::close_code(&frame.payload), moment),
            TEXT | BINARY => speaker.hear_message(number, frame, begun_at, shadow),
            _ => unreachable!("the parser knows no others"),
        }
    }

    /// A pong may be left out if the next answer is a pong, too.
    fn hear_pong(&mut self, number: usize, payload: &[u8]) {
        loop {
            match self.answers.pop_front() {
                Some(Answer::Pong(due)) if due == payload => return,
                Some(Answer::Pong(_)) if matches!(self.answers.front(), Some(Answer::Pong(_))) => {}
                due => panic!("client {number}: a pong of {payload:?}, not {due:?}"),
            }
        }
    }

    fn hear_message(
        &mut self,
        number: usize,
        frame: Frame,
        begun_at: Option<u64>,
        shadow: &Shadow,
    ) {
        let binary = frame.opcode == BINARY;
        if let Some(Answer::Text(due)) = self.answers.front() {
            let is_due = !binary && frame.payload == due.as_bytes();
            assert!(is_due, "client {number}: {frame:?} in place of {due}");
            self.answers.pop_front();
            return;
        }
        match self.talk {
            Talk::Wrap | Talk::Desk => panic!("client {number}: {frame:?} out of nothing"),
            Talk::Echo => {
                let answer = Answer::Echo { binary, payload: frame.payload };
                assert_eq!(self.answers.pop_front(), Some(answer), "client {number}");
            }
            Talk::Relay => {
                let text = serde_json::from_slice::<Value>(&frame.payload).expect("JSON");
                let code = text["error"]["code"].as_str().expect("an error");
                match self.answers.pop_front() {
                    Some(Answer::Error(expected)) => assert_eq!(code, expected, "client {number}"),
                    other => panic!("client {number}: {text} in place of {other:?}"),
                }
            }
            Talk::Member { .. } => {
                let next = self.events(begun_at, shadow).find(|(_, event)| {
                    let kind = if event.what == What::Binary { BINARY } else { TEXT };
                    let is_it = kind == frame.opcode && event.raw == frame.payload;
                    is_it || !self.may_miss(event)
                });
                let (sequence, event) = next.unwrap_or_else(|| {
                    panic!("client {number}: {frame:?} out of nothing");
                });
                let kind = if event.what == What::Binary { BINARY } else { TEXT };
                assert_eq!(kind, frame.opcode, "client {number}, event {sequence}");
                let lossy = String::from_utf8_lossy(&frame.payload);
                assert!(event.raw == frame.payload, "client {number}, {sequence}: {lossy}");
                self.position = Some(sequence);
            }
        }
    }

    /// The next event of its room that a member has to get.
    pub(crate) fn next_event<'s>(
        &self,
        begun_at: Option<u64>,
        shadow: &'s Shadow,
    ) -> Option<(u64, &'s super::shadow::Logged)> {
        self.events(begun_at, shadow).find(|(_, event)| !self.may_miss(event))
    }

    /// What of its room it may get as a member.
    fn events<'s>(
        &self,
        begun_at: Option<u64>,
        shadow: &'s Shadow,
    ) -> impl Iterator<Item = (u64, &'s super::shadow::Logged)> {
        let echo = match self.talk {
            Talk::Member { echo } => Some(echo),
            Talk::Relay | Talk::Wrap | Talk::Echo | Talk::Desk => None,
        };
        let from = echo.and(self.position.or(begun_at)).unwrap_or(shadow.head());
        shadow.after(from).filter(move |(_, event)| {
            let is_own = Some(event.session) == self.session;
            let is_wanted = echo.is_some_and(|echo| echo || !is_own);
            is_wanted && event.members && Some(&event.room) == self.room.as_ref()
        })
    }

    /// What is left out is left out by name: also what others have said under it before.
    fn may_miss(&self, event: &super::shadow::Logged) -> bool {
        let is_alone = self.talk == Talk::Member { echo: false };
        is_alone && self.id.as_ref() == Some(&event.id) && Some(event.session) != self.session
    }

    fn hear_close(client: &mut Client, code: u16, moment: &Moment<'_>) {
        check::close_frame(client, code, moment);
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
            "client {} was dropped without a close frame",
            client.number
        );
    }
}
