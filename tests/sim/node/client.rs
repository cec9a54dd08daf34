//! A virtual client: its side of one connection.
//!
//! Knows: what it asked for, what it has been told, what it may be told.
//! Must not know: the engine.

use super::errands::Errand;
use super::guest::Guest;
use super::http::{self, Response};
use super::policies::Bounds;
use super::reader::Reader;
use super::shadow::Shadow;
use super::speaker::Speaker;
use super::stranger::Stranger;
use super::wire::{Fin, Wire};
use super::{frames, sse};
use serde_json::Value;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tidegate::bytes::ConnKey;
use tidegate::hub::Hub;

/// What a client knows of the world when it hears something.
pub(crate) struct Moment<'a> {
    pub(crate) now: Duration,
    pub(crate) is_draining: bool,
    /// Of all policies of the run.
    pub(crate) bounds: &'a Bounds,
    pub(crate) hub: &'a Hub,
    /// The most connections that there ever were at once.
    pub(crate) connections_peak: usize,
    /// How many connections have ever wanted a name.
    pub(crate) claims: &'a BTreeMap<String, usize>,
    /// Somebody is, or was, there who may want any name.
    pub(crate) has_strangers: bool,
    /// The latest that the wall clock ever was, in milliseconds since 1970.
    pub(crate) latest_ms: u64,
}

/// What is answered to who asks whether all is well.
pub(crate) const READY: &str = "ok\n";

/// A response that is due.
#[derive(Debug)]
pub(crate) struct Expected {
    /// Its status; 503 is always possible.
    pub(crate) status: u16,
    pub(crate) is_head: bool,
    pub(crate) body: Option<&'static str>,
    /// Where in what the client says the request begins.
    pub(crate) begin: u64,
    /// The byte behind it.
    pub(crate) end: u64,
}

/// What kind of client it is.
#[derive(Debug)]
pub(crate) enum Role {
    /// Asks and is answered.
    Plain,
    /// A WebSocket.
    Speaker(Box<Speaker>),
    /// An event stream.
    Reader(Box<Reader>),
    /// Anything.
    Stranger(Box<Stranger>),
    /// Somebody with a token.
    Guest(Box<Guest>),
}

/// One client and its connection.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) number: usize,
    pub(crate) core: usize,
    /// `None`: it was refused.
    pub(crate) key: Option<ConnKey>,
    pub(crate) wire: Wire,
    pub(crate) role: Role,
    pub(crate) expected: VecDeque<Expected>,
    /// Past HTTP: frames or events follow.
    pub(crate) is_upgraded: bool,
    /// The last response said that it is the last.
    is_last: bool,
    /// The head of the commit order in the turn that got its last request, before that turn's
    /// commit.
    pub(crate) begun_at: Option<u64>,
    /// The head of the commit order when the server closed its half.
    pub(crate) ended_at: Option<u64>,
    buffer: Vec<u8>,
    /// It does not read.
    pub(crate) is_stalled: bool,
    /// What it says does not arrive.
    pub(crate) is_mute: bool,
    /// It was one of both once.
    pub(crate) was_odd: bool,
    /// It does not answer: no pong, no close, no FIN.
    pub(crate) is_lazy: bool,
    /// When the engine was last given something of it, and when the kernel last took something for
    /// it.
    pub(crate) heard: Duration,
    pub(crate) took: Duration,
    /// It has seen the server's end.
    pub(crate) has_seen_end: bool,
    /// It has asked for the last time.
    pub(crate) has_asked_last: bool,
    /// Of the policies that its core has gone by since it came.
    pub(crate) bounds: Bounds,
    /// What it has to do that concerns others.
    pub(crate) errand: Option<Box<Errand>>,
    /// Since it came, its core has begun to ask for keys, or ceased to: whoever was let in is not
    /// any more.
    pub(crate) is_flipped: bool,
    pub(crate) must_go: bool,
}

impl Client {
    /// A client whose connection was just accepted, or refused.
    pub(crate) fn new(
        (number, core, key): (usize, usize, Option<ConnKey>),
        wire: Wire,
        role: Role,
        now: Duration,
        bounds: Bounds,
    ) -> Client {
        Client {
            number,
            core,
            key,
            wire,
            role,
            expected: VecDeque::new(),
            is_upgraded: false,
            is_last: false,
            begun_at: None,
            ended_at: None,
            buffer: Vec::new(),
            is_stalled: false,
            is_mute: false,
            was_odd: false,
            is_lazy: false,
            heard: now,
            took: now,
            has_seen_end: false,
            has_asked_last: false,
            bounds,
            errand: None,
            is_flipped: false,
            must_go: false,
        }
    }

    pub(crate) fn speaker(&self) -> Option<&Speaker> {
        match &self.role {
            Role::Speaker(speaker) => Some(speaker),
            Role::Plain | Role::Reader(_) | Role::Stranger(_) | Role::Guest(_) => None,
        }
    }

    pub(crate) fn speaker_mut(&mut self) -> Option<&mut Speaker> {
        match &mut self.role {
            Role::Speaker(speaker) => Some(speaker),
            Role::Plain | Role::Reader(_) | Role::Stranger(_) | Role::Guest(_) => None,
        }
    }

    pub(crate) fn guest(&self) -> Option<&Guest> {
        match &self.role {
            Role::Guest(guest) => Some(guest),
            Role::Plain | Role::Speaker(_) | Role::Reader(_) | Role::Stranger(_) => None,
        }
    }

    pub(crate) fn guest_mut(&mut self) -> Option<&mut Guest> {
        match &mut self.role {
            Role::Guest(guest) => Some(guest),
            Role::Plain | Role::Speaker(_) | Role::Reader(_) | Role::Stranger(_) => None,
        }
    }

    /// It is offered something.
    pub(crate) fn note_answer(&mut self) {
        if let Some(guest) = self.guest_mut() {
            guest.is_answered = true;
        }
        if let Some(errand) = &mut self.errand {
            errand.is_answered = true;
        }
    }

    /// Its core asks for keys from now on, or does not.
    pub(crate) fn note_flip(&mut self) {
        self.is_flipped = true;
        // What was asked before a stream may have kept that from being looked at.
        let is_let_in = match &self.role {
            Role::Speaker(_) => true,
            Role::Reader(reader) => reader.is_alone,
            Role::Plain | Role::Stranger(_) | Role::Guest(_) => false,
        };
        self.must_go |= is_let_in && self.begun_at.is_some();
    }

    /// Whether the server could have found it silent, or stuck, for too long.
    pub(crate) fn could_time_out(&self, moment: &Moment<'_>) -> bool {
        let is_long = moment.now >= self.heard + self.bounds.least.ping_timeout
            || moment.now >= self.took + self.bounds.least.write_stall;
        is_long && !self.is_prompt()
    }

    /// Whether it has always read and answered, and nothing of that is under way.
    fn is_prompt(&self) -> bool {
        let is_under_way =
            self.wire.is_sending() || !self.wire.arrived.is_empty() || !self.wire.queued.is_empty();
        !self.was_odd && !self.is_lazy && !is_under_way
    }

    /// Whether the server could have lost patience, also with one that it was closing.
    pub(crate) fn could_be_cut(&self, moment: &Moment<'_>) -> bool {
        let is_slow = moment.now >= self.took + self.bounds.least.closing;
        is_slow || self.could_time_out(moment) || self.is_gone() || moment.is_draining
    }

    /// Whether it ended the connection without a word.
    pub(crate) fn is_gone(&self) -> bool {
        self.wire.reset || self.wire.fin != Fin::No
    }

    /// It reads `bytes`.
    pub(crate) fn hear(&mut self, bytes: &[u8], shadow: &Shadow, moment: &Moment<'_>) {
        self.buffer.extend_from_slice(bytes);
        while self.hear_one(shadow, moment) {}
    }

    fn hear_one(&mut self, shadow: &Shadow, moment: &Moment<'_>) -> bool {
        if let Role::Stranger(stranger) = &mut self.role {
            return stranger.hear(&self.wire, &mut self.buffer, shadow, moment);
        }
        if let Role::Guest(guest) = &mut self.role {
            return guest.hear(&mut self.buffer, moment);
        }
        if !self.is_upgraded {
            return self.hear_response(moment);
        }
        match &mut self.role {
            Role::Stranger(_) | Role::Guest(_) => unreachable!("asked for above"),
            Role::Plain => panic!("plain HTTP is never upgraded"),
            Role::Speaker(speaker) => match frames::take(&mut self.buffer, speaker.deflates) {
                Some(frame) => Speaker::hear(self, frame, shadow, moment),
                None => return false,
            },
            Role::Reader(reader) => match sse::take_line(&mut self.buffer) {
                Some(line) => {
                    reader.hear(&line, self.begun_at, shadow, moment);
                    assert!(!reader.is_lapsed || self.is_flipped, "{}: {line}", self.number);
                }
                None => return false,
            },
        }
        true
    }

    fn hear_response(&mut self, moment: &Moment<'_>) -> bool {
        // Of a request of which not even this much came, nobody knows that it is HEAD.
        let known = self.wire.consumed.saturating_sub("HEAD ".len() as u64);
        let is_head = self.expected.front().is_some_and(|e| e.is_head && e.begin <= known);
        let Some(response) = http::take(&mut self.buffer, is_head) else { return false };
        assert!(!self.is_last, "client {}: {response:?} after the last", self.number);
        self.is_last = response.is_last();
        let problem = is_problem(&response);
        if response.status == 408 {
            let since = moment.now.saturating_sub(self.bounds.least.head_time);
            assert!(self.wire.said > 0 && since > Duration::ZERO && self.is_last);
            return true;
        }
        let expected = self.expected.pop_front();
        let expected = expected.unwrap_or_else(|| panic!("{}: {response:?}", self.number));
        if response.status == 503 && expected.status != 503 {
            let problem =
                problem.unwrap_or_else(|| if is_head { "too-many-rooms" } else { "" }.into());
            let is_known = match problem.as_str() {
                "stopping" => moment.is_draining,
                // Who asks whether more are welcome, when there were as many as may be.
                "full" => {
                    let least = moment.bounds.least.connections_max;
                    expected.body == Some(READY) && moment.connections_peak >= least
                }
                problem => problem == "too-many-rooms",
            };
            assert!(is_known, "{problem}");
            return true;
        }
        if let Some(errand) = &mut self.errand {
            errand.hear(&response, self.is_flipped);
            return true;
        }
        if response.status == 409 {
            let speaker = self.speaker().filter(|speaker| speaker.may_be_refused);
            let id = speaker.and_then(|speaker| speaker.id.as_ref()).expect("it has a name");
            assert_eq!(problem.as_deref(), Some("connection-id-taken"));
            assert!(moment.has_strangers || moment.claims[id] > 1, "nobody has {id}");
            return true;
        }
        let (came_by, agreed) = match self.speaker() {
            Some(speaker) => (speaker.came_by, speaker.agreed.clone()),
            None => (None, None),
        };
        let status = came_by.zip(self.speaker()).map(|(by, speaker)| by.answer(speaker));
        let status = status.unwrap_or(expected.status);
        assert_eq!(response.status, status, "client {}: {response:?}", self.number);
        if response.status == 101 {
            // RFC 6455 §1.3: the answer to its sample key.
            let accept = response.header("sec-websocket-accept");
            assert_eq!(accept, Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
            let extensions = response.header("sec-websocket-extensions");
            let agreed = agreed.filter(|_| came_by.is_some_and(|by| by.compression));
            assert_eq!(extensions, agreed.as_deref());
            if let Some(speaker) = self.speaker_mut() {
                speaker.deflates = agreed.is_some();
            }
        }
        if let Some(body) = expected.body.filter(|_| !is_head) {
            assert_eq!(str::from_utf8(&response.body), Ok(body));
        }
        self.is_upgraded = match &self.role {
            Role::Plain | Role::Stranger(_) | Role::Guest(_) => false,
            Role::Speaker(_) => response.status == 101,
            Role::Reader(_) => self.expected.is_empty(),
        };
        true
    }

    /// It has read everything up to the server's end.
    pub(crate) fn hear_end(&mut self, shadow: &Shadow, moment: &Moment<'_>) {
        self.has_seen_end = true;
        // What the end itself tells.
        while self.hear_one(shadow, moment) {}
        let is_graceful = self.wire.is_graceful();
        if is_graceful && !self.wire.reset {
            assert!(self.buffer.is_empty(), "client {}: {:?}", self.number, self.buffer);
        }
        if let Role::Stranger(stranger) = &self.role {
            if is_graceful && !self.wire.reset {
                stranger.hear_graceful_end();
            }
            return;
        }
        if let Role::Guest(_) = &self.role {
            return;
        }
        if !self.is_upgraded {
            return self.check_all_answered(is_graceful);
        }
        match &self.role {
            Role::Plain | Role::Stranger(_) | Role::Guest(_) => {}
            Role::Speaker(_) => Speaker::hear_end(self, moment),
            Role::Reader(reader) if is_graceful && !self.wire.reset => {
                reader.hear_end((self.begun_at, self.ended_at), shadow, moment);
            }
            Role::Reader(_) => {
                let why = self.could_be_cut(moment);
                let number = self.number;
                assert!(why || self.wire.said > 4096, "reader {number} was dropped");
            }
        }
    }

    fn check_all_answered(&self, is_graceful: bool) {
        if !is_graceful || self.is_last || self.was_odd || self.wire.reset {
            return;
        }
        let due = self.expected.iter().find(|expected| expected.end <= self.wire.consumed);
        assert!(due.is_none(), "client {}: {due:?} was not answered", self.number);
    }
}

/// The code of a problem document.
pub(crate) fn is_problem(response: &Response) -> Option<String> {
    let kind = response.header("content-type")?;
    if kind != "application/problem+json" || response.body.is_empty() {
        return None;
    }
    let value: Value = serde_json::from_slice(&response.body).expect("a problem is JSON");
    assert_eq!(value["status"].as_u64(), Some(u64::from(response.status)));
    Some(value["code"].as_str().expect("a code").to_owned())
}
