//! A client that was let in by a token, for so long, to some rooms: who may say and hear what.
//!
//! Knows: what its token allows, when it is over, which keys there were.
//! Must not know: how the engine keeps to that.
//!
//! Everybody else in such a run comes with a key that allows everything. A guest listens loosely:
//! what is checked is that it never gets more than it may, nor for longer.

use super::client::Moment;
use super::frames::{self, CLOSE, Frame, TEXT};
use super::http::{self, Response};
use super::policies::Facts;
use super::sse;
use serde_json::{Value, json};
use std::collections::VecDeque;
use tidegate::hub::What;

/// What a guest wants to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Relay,
    /// A member that may join rooms.
    Roam,
    /// A stream of lines.
    Stream,
}

/// A token, and what it says.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) token: String,
    /// Which of the keys of guests has signed it.
    pub(crate) key: usize,
    pub(crate) expires_ms: u64,
    pub(crate) reads: Vec<&'static str>,
    pub(crate) publishes: Vec<&'static str>,
}

impl Pass {
    fn reads(&self, room: &str) -> bool {
        self.reads.contains(&room)
    }

    fn publishes(&self, room: &str) -> bool {
        self.publishes.contains(&room)
    }
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) home: String,
    pub(crate) pass: Pass,
    /// What its request is to be answered, if nothing else is in its way. It has come, then.
    pub(crate) due: Option<u16>,
    /// The server has something to say, before which nothing else counts.
    pub(crate) is_answered: bool,
    /// The byte behind its request.
    pub(crate) request_end: u64,
    /// A policy of its core had its key no more.
    pub(crate) is_removed: bool,
    /// Credentials that it has brought since, of which it has yet to hear.
    pub(crate) refreshes: VecDeque<u64>,
    /// Its 101, or 200, came.
    pub(crate) is_in: bool,
    is_over: bool,
    /// It was told that it may be here no more.
    pub(crate) is_lapsed: bool,
}

impl Guest {
    pub(crate) fn new(kind: Kind, id: String, home: &str, pass: Pass) -> Guest {
        let home = home.to_owned();
        Guest {
            kind,
            id,
            home,
            pass,
            due: None,
            is_answered: false,
            request_end: u64::MAX,
            is_removed: false,
            refreshes: VecDeque::new(),
            is_in: false,
            is_over: false,
            is_lapsed: false,
        }
    }

    /// Its core was given so much of what it has said, going by `facts` at `now_ms`. What comes
    /// behind an answer, such as that it came too slowly, is thrown away.
    pub(crate) fn was_given(&mut self, consumed: u64, facts: Facts, now_ms: u64) {
        if self.due.is_none() && !self.is_answered && self.request_end <= consumed {
            self.due = Some(self.answer(facts, now_ms));
        }
    }

    fn answer(&self, facts: Facts, now_ms: u64) -> u16 {
        match self.kind {
            _ if facts.guests != Some(self.pass.key) || self.pass.expires_ms <= now_ms => 401,
            Kind::Roam if !self.pass.reads(&self.home) => 403,
            Kind::Relay | Kind::Roam => 101,
            Kind::Stream => 200,
        }
    }

    /// Whether it was not let in.
    pub(crate) fn is_kept_out(&self) -> bool {
        self.is_over && !self.is_in
    }

    /// Whether it is there, and should be told when it may be there no more.
    pub(crate) fn is_let_in(&self) -> bool {
        self.is_in && !self.is_over
    }

    /// Whether it is there for longer than it may be, at `now_ms`.
    pub(crate) fn overstays(&self, now_ms: u64) -> bool {
        let has_asked = !self.refreshes.is_empty();
        let is_over = self.pass.expires_ms + 1000 < now_ms && !has_asked;
        self.is_let_in() && (is_over || self.is_removed)
    }

    /// What it says, to its home or to a room that it has perhaps joined.
    pub(crate) fn message(&self, to: Option<&str>) -> String {
        let room = to.unwrap_or(&self.home);
        let mut said = json!({ "connectionId": self.id, "guest": room });
        if let Some(to) = to {
            said["to"] = to.into();
        }
        said.to_string()
    }

    /// Something of it was committed: it was allowed, or it is the server's word.
    pub(crate) fn check_event(&self, room: &str, what: What, raw: &[u8]) {
        assert_eq!(self.due, Some(101), "{} was never let in", self.id);
        let raw: Value = serde_json::from_slice(raw).expect("JSON");
        match what {
            What::Text | What::Binary => {
                assert!(self.pass.publishes(room), "{} may not speak in {room}: {raw}", self.id);
                let is_there = raw.get("guest").is_none_or(|meant| meant == room);
                assert!(is_there, "{raw} is in {room}");
            }
            What::Join => assert!(self.pass.reads(room), "{} may not join {room}", self.id),
            What::Leave => {}
            What::Close => assert_eq!(room, self.home, "a close is for the home room"),
        }
    }

    /// Takes what it can off `buffer`. `false`: more has to come first.
    pub(crate) fn hear(&mut self, buffer: &mut Vec<u8>, moment: &Moment<'_>) -> bool {
        if self.is_over {
            assert!(buffer.is_empty(), "{}: after the end: {buffer:?}", self.id);
            return false;
        }
        if !self.is_in {
            let Some(response) = http::take(buffer, false) else { return false };
            self.hear_response(&response);
            return true;
        }
        if self.kind == Kind::Stream {
            let Some(line) = sse::take_line(buffer) else { return false };
            self.hear_line(&line, moment);
            return true;
        }
        let Some(frame) = frames::take(buffer, false) else { return false };
        self.hear_frame(&frame, moment);
        true
    }

    fn hear_response(&mut self, response: &Response) {
        self.is_in = matches!(response.status, 101 | 200);
        self.is_over = !self.is_in;
        match response.status {
            // Its head came too slowly; there is no room; the server stops.
            408 => assert_eq!(self.due, None, "{response:?}"),
            503 => {}
            status => assert_eq!(Some(status), self.due, "{}: {response:?}", self.id),
        }
    }

    fn hear_line(&mut self, line: &str, moment: &Moment<'_>) {
        let Ok(line) = serde_json::from_str::<Value>(line) else { return };
        if line["type"] == "expired" {
            self.check_end(line["reason"].as_str().expect("a reason"), moment);
            self.is_over = true;
        }
    }

    fn hear_frame(&mut self, frame: &Frame, moment: &Moment<'_>) {
        match frame.opcode {
            TEXT => self.hear_text(&frame.payload),
            CLOSE => {
                self.is_over = true;
                match frames::close_code(&frame.payload) {
                    4401 => {
                        let reason = str::from_utf8(&frame.payload[2..]).expect("text");
                        self.check_end(reason, moment);
                    }
                    1012 => assert!(moment.is_draining),
                    // It was refused too often, or was too slow, or said too much.
                    1008 | 1009 | 4408 => {}
                    code => panic!("{} is closed with {code}", self.id),
                }
            }
            _ => {}
        }
    }

    fn hear_text(&mut self, text: &[u8]) {
        let Ok(said) = serde_json::from_slice::<Value>(text) else { return };
        if let Some(room) = said["guest"].as_str() {
            let is_member = self.kind == Kind::Roam;
            assert!(is_member && self.pass.reads(room), "{} hears {said}", self.id);
        }
        if let Some(room) = said["joined"]["room"].as_str() {
            assert!(self.pass.reads(room), "{} is in {room}", self.id);
        }
        if let Some(expires) = said.get("refreshed") {
            let expected = self.refreshes.pop_front().expect("it brought one");
            assert_eq!(expires["expiresAt"].as_u64(), Some(expected), "{}", self.id);
            self.pass.expires_ms = expected;
        }
        match said["error"]["code"].as_str() {
            None | Some("not-joined" | "too-many-rooms" | "too-many-joined") => {}
            // It was under way for too long.
            Some("refresh-refused") => _ = self.refreshes.pop_front().expect("it brought one"),
            Some("not-allowed") => {
                let is_silent = !self.pass.publishes(&self.home);
                assert!(self.kind == Kind::Roam || is_silent, "{}: {said}", self.id);
            }
            Some(_) => panic!("{}: {said}", self.id),
        }
    }

    /// It is told that it may be here no more, and why.
    fn check_end(&mut self, reason: &str, moment: &Moment<'_>) {
        self.is_lapsed = true;
        let soonest = self.refreshes.iter().copied().fold(self.pass.expires_ms, u64::min);
        match reason {
            "expired" => assert!(moment.latest_ms >= soonest, "{} had more time", self.id),
            "key-removed" => assert!(self.is_removed, "the key of {} is still there", self.id),
            reason => panic!("{} ends: {reason}", self.id),
        }
    }
}
