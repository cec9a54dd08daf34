//! A client that was let in by a credential, for so long, to some rooms: who may say and hear what.
//!
//! Knows: what its credential allows, when it is over, which keys there were, what was revoked.
//! Must not know: how the engine keeps to that.
//!
//! Everybody else in such a run comes with a key that allows everything. A guest listens loosely:
//! what is checked is that it never gets more than it may, nor for longer.

use super::client::Moment;
use super::frames::{self, CLOSE, Frame, TEXT};
use super::http::{self, Response};
use super::pass::{Kept, Pass};
use super::policies::Facts;
use super::sse;
use serde_json::{Value, json};
use std::collections::VecDeque;
use tidegate::auth::{Revocation, Whom};
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

/// A credential that a guest has brought since it came.
#[derive(Clone, Debug)]
pub(crate) struct Bid {
    pub(crate) pass: Pass,
    /// It is somebody else's.
    pub(crate) is_foreign: bool,
}

/// One of them.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) kind: Kind,
    pub(crate) id: String,
    pub(crate) home: String,
    /// What holds for what it hears next.
    pub(crate) pass: Pass,
    /// What held after each answer to a bid; the first is what it came with.
    passes: Vec<Pass>,
    /// Bids of which it has yet to hear, and how many it has ever made.
    pub(crate) bids: VecDeque<Bid>,
    made: usize,
    /// What it said where, after so many bids, of which it is not known yet what came of the last.
    said: Vec<(usize, String)>,
    /// What its request is to be answered, if nothing else is in its way. It has come, then.
    pub(crate) due: Option<u16>,
    /// It may as well be refused.
    pub(crate) is_unsure: bool,
    /// Nobody was asked for anything when it came.
    is_free: bool,
    /// The server has something to say, before which nothing else counts.
    pub(crate) is_answered: bool,
    /// The byte behind its request.
    pub(crate) request_end: u64,
    /// A policy of its core had its key no more, or none of those that it may have come by.
    may_be_removed: bool,
    is_removed: bool,
    /// What is revoked now, and all that was since it came.
    revoked: Vec<Revocation>,
    ever_revoked: Vec<Revocation>,
    /// Its 101, or 200, came.
    pub(crate) is_in: bool,
    is_over: bool,
    /// It was told that it may be here no more, and for which reason.
    pub(crate) lapse: Option<String>,
}

impl Guest {
    pub(crate) fn new(kind: Kind, id: String, home: &str, pass: Pass) -> Guest {
        Guest {
            kind,
            id,
            home: home.to_owned(),
            passes: vec![pass.clone()],
            pass,
            bids: VecDeque::new(),
            made: 0,
            said: Vec::new(),
            due: None,
            is_unsure: false,
            is_free: false,
            is_answered: false,
            request_end: u64::MAX,
            may_be_removed: false,
            is_removed: false,
            revoked: Vec::new(),
            ever_revoked: Vec::new(),
            is_in: false,
            is_over: false,
            lapse: None,
        }
    }

    /// Its core has been given its request. What comes behind an answer, such as that it came too
    /// slowly, is thrown away.
    pub(crate) fn comes(&self, consumed: u64) -> bool {
        self.due.is_none() && !self.is_answered && self.request_end <= consumed
    }

    /// It has come to a core that goes by `facts`; `is_good`: its credential is.
    pub(crate) fn has_come(&mut self, facts: Facts, is_good: bool, revoked: &[Revocation]) {
        self.is_free = !facts.has_keys;
        (self.revoked, self.ever_revoked) = (revoked.to_vec(), revoked.to_vec());
        let is_barred = revoked.iter().any(|revocation| self.is_called(revocation));
        self.due = Some(match self.kind {
            // Where nobody is asked, nobody knows what a ticket is.
            _ if self.is_free && matches!(self.pass.kept, Kept::Ticket(_)) => 400,
            _ if !self.is_free && !is_good => 401,
            Kind::Roam if !self.is_free && !self.pass.reads(&self.home) => 403,
            // What is revoked holds also where nobody is asked.
            Kind::Relay | Kind::Roam if is_barred => 403,
            Kind::Relay | Kind::Roam => 101,
            Kind::Stream => 200,
        });
    }

    /// Its core goes by these from now on.
    pub(crate) fn adopt(&mut self, facts: Facts) {
        if self.due.is_none() {
            return;
        }
        let is_gone = |pass: &Pass| match pass.kept {
            _ if self.is_free => facts.has_keys,
            Kept::Token(key) => facts.guests != Some(key),
            Kept::Ticket(_) => !facts.has_keys,
        };
        let (may_be, is) = (self.held().any(is_gone), self.held().all(is_gone));
        self.may_be_removed |= may_be;
        self.is_removed |= is;
    }

    /// What it may be there by now.
    fn held(&self) -> impl Iterator<Item = &Pass> {
        [&self.pass].into_iter().chain(self.bids.iter().map(|bid| &bid.pass))
    }

    /// All that is revoked from now on.
    pub(crate) fn note_revoked(&mut self, revoked: &[Revocation]) {
        self.ever_revoked.extend(revoked.iter().cloned());
        if self.due.is_some() {
            self.revoked = revoked.to_vec();
        }
    }

    fn is_called(&self, revocation: &Revocation) -> bool {
        let is_it = matches!(&revocation.whom, Whom::ConnectionId(id) if **id == *self.id);
        is_it && self.kind != Kind::Stream
    }

    /// Whether it was not let in.
    pub(crate) fn is_kept_out(&self) -> bool {
        self.is_over && !self.is_in
    }

    /// Whether it is there, and should be told when it may be there no more.
    pub(crate) fn is_let_in(&self) -> bool {
        self.is_in && !self.is_over
    }

    /// Whether it may bring a newer credential: elsewhere that is a message like any other.
    pub(crate) fn may_bid(&self) -> bool {
        !self.is_free && self.pass.expires_ms.is_some()
    }

    pub(crate) fn bid(&mut self, bid: Bid) {
        self.bids.push_back(bid);
        self.made += 1;
    }

    /// Whether it is there though what it came with is revoked, or its key is gone.
    pub(crate) fn is_unwanted(&self) -> bool {
        let concerns =
            |one: &Revocation| self.is_called(one) || !self.is_free && self.pass.is_revoked(one);
        let is_revoked = self.bids.is_empty() && self.revoked.iter().any(concerns);
        self.is_let_in() && (is_revoked || self.is_removed)
    }

    /// Whether it is there for longer than it may be, at `now_ms`.
    pub(crate) fn overstays(&self, now_ms: u64) -> bool {
        let is_over = self.pass.expires_ms.is_some_and(|expires| expires + 1000 < now_ms);
        self.is_let_in() && !self.is_free && self.bids.is_empty() && is_over
    }

    /// What it says, to its home or to a room that it has perhaps joined.
    pub(crate) fn message(&self, to: Option<&str>) -> String {
        let room = to.unwrap_or(&self.home);
        let mut said = json!({ "connectionId": self.id, "guest": room, "bids": self.made });
        if let Some(to) = to {
            said["to"] = to.into();
        }
        said.to_string()
    }

    /// Something of it was committed: it was allowed, or it is the server's word.
    pub(crate) fn check_event(&mut self, room: &str, what: What, raw: &[u8]) {
        assert_eq!(self.due, Some(101), "{} was never let in", self.id);
        if self.is_free {
            return;
        }
        let raw: Value = serde_json::from_slice(raw).expect("JSON");
        match what {
            What::Text | What::Binary => {
                let is_there = raw.get("guest").is_none_or(|meant| meant == room);
                assert!(is_there, "{raw} is in {room}");
                // Its first word is the server's: that it came by a name.
                let bids = raw["bids"].as_u64().unwrap_or(0) as usize;
                self.said.push((bids, room.to_owned()));
                self.check_said();
            }
            What::Join => {
                let mut passes = self.passes.iter().chain(self.bids.iter().map(|bid| &bid.pass));
                assert!(passes.any(|pass| pass.reads(room)), "{} may not join {room}", self.id);
            }
            What::Leave => {}
            What::Close => assert_eq!(room, self.home, "a close is for the home room"),
        }
    }

    /// What it said was allowed by what held then, as far as it knows by now what that was.
    fn check_said(&mut self) {
        let Guest { said, passes, id, .. } = self;
        said.retain(|(bids, room)| {
            let held = passes.get(*bids);
            let may = held.is_none_or(|pass| pass.publishes(room));
            assert!(may, "{id} may not speak in {room}: {held:?}");
            held.is_none()
        });
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
            401 if self.is_unsure => {}
            status => assert_eq!(Some(status), self.due, "{self:?}: {response:?}"),
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
            TEXT if !self.is_free => self.hear_text(&frame.payload),
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
            // Between what is said in rooms and what is said to one alone there is no order.
            let may = |pass: &Pass| pass.reads(room);
            let may = self.passes.iter().chain(self.bids.iter().map(|bid| &bid.pass)).any(may);
            assert!(self.kind == Kind::Roam && may, "{} hears {said}", self.id);
        }
        if let Some(room) = said["joined"]["room"].as_str() {
            assert!(self.pass.reads(room), "{} is in {room}", self.id);
        }
        if let Some(expires) = said.get("refreshed") {
            let bid = self.bids.pop_front().expect("it brought one");
            assert!(!bid.is_foreign, "{} is somebody else now", self.id);
            assert_eq!(expires["expiresAt"].as_u64(), bid.pass.expires_ms, "{}", self.id);
            self.holds(bid.pass);
        }
        match said["error"]["code"].as_str() {
            None | Some("not-joined" | "too-many-rooms" | "too-many-joined") => {}
            // It is over, revoked, too little, or another's.
            Some("refresh-refused") => {
                self.bids.pop_front().expect("it brought one");
                self.holds(self.pass.clone());
            }
            Some("not-allowed") => {
                let is_silent = !self.pass.publishes(&self.home);
                assert!(self.kind == Kind::Roam || is_silent, "{}: {said}", self.id);
            }
            // What is for the server elsewhere is a message like any other here.
            Some("bad-connection-id") => assert_eq!(self.pass.expires_ms, None, "{}", self.id),
            Some(_) => panic!("{}: {said}", self.id),
        }
    }

    /// It has heard what came of a bid.
    fn holds(&mut self, pass: Pass) {
        self.passes.push(pass.clone());
        self.pass = pass;
        self.check_said();
    }

    /// It is told that it may be here no more, and why.
    fn check_end(&mut self, reason: &str, moment: &Moment<'_>) {
        let is_over = |pass: &Pass| pass.expires_ms.is_some_and(|end| end <= moment.latest_ms);
        let is_revoked =
            |one: &Revocation| self.is_called(one) || self.held().any(|pass| pass.is_revoked(one));
        let is_it = match reason {
            "expired" => self.held().any(is_over),
            "key-removed" => self.may_be_removed,
            "revoked" => self.ever_revoked.iter().any(is_revoked),
            _ => false,
        };
        assert!(is_it, "{} ends: {reason}: {self:?}", self.id);
        self.lapse = Some(reason.to_owned());
    }
}
