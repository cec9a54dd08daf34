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
    Member { echo: bool },
    Echo,
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
    Echo { binary: bool, payload: Vec<u8> },
    Error(&'static str),
}

/// One WebSocket client.
#[derive(Debug)]
pub(crate) struct Speaker {
    pub(crate) talk: Talk,
    pub(crate) room: Option<String>,
    /// A member's is learnt from what it publishes.
    pub(crate) id: Option<String>,
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
        match self.talk {
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
                let (sequence, payload) = {
                    let next = self.next_event(begun_at, shadow);
                    let (sequence, event) = next.unwrap_or_else(|| {
                        panic!("client {number}: {frame:?} out of nothing");
                    });
                    let kind = if event.what == What::Binary { BINARY } else { TEXT };
                    assert_eq!(kind, frame.opcode, "client {number}, event {sequence}");
                    (sequence, &event.raw)
                };
                let lossy = String::from_utf8_lossy(&frame.payload);
                assert!(*payload == frame.payload, "client {number}, {sequence}: {lossy}");
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
        let Talk::Member { echo } = self.talk else { return None };
        let mut rest = shadow.after(self.position.or(begun_at)?);
        rest.find(|(_, event)| {
            let is_own = Some(event.session) == self.session;
            event.members && Some(&event.room) == self.room.as_ref() && (echo || !is_own)
        })
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
