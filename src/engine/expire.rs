//! Time: deadlines that pass, and the way to the end of the server.
//!
//! Knows: what a connection may take how long for.
//! Must not know: clocks.
//!
//! A connection has one deadline, the earliest that may matter. When it passes, stamps tell what
//! really is late; then the next is set. So a message costs a stamp and never touches the wheel.

use super::Engine;
use super::answer::{LATE_BODY, LATE_HEAD};
use super::attach;
use super::conn::{Conn, State};
use super::cursor::{Cursor, Scope};
use super::desk::{Desk, Drain};
use super::end::End;
use super::http::Doing;
use super::lifetime::Lapse;
use super::panics::{Trap, trap};
use crate::bytes::{ConnKey, Now, TICK, Tick};
use crate::http::Terms;
use crate::hub::{Format, Looks};
use crate::sse;
use crate::ws::close::CloseCode;
use crate::ws::frame::{self, Opcode};
use std::time::Duration;

/// A deadline that is met so late was missed by us: the process had stopped, or the machine.
const STOPPED_MIN: Duration = Duration::from_secs(1);
/// WebSockets that are closed in one tick, however few there are.
const PACE_MIN: usize = 100;

impl Engine {
    /// When [`Engine::expire`] and [`Engine::commit`] should be called next, whatever else happens.
    pub fn next_deadline(&self) -> Duration {
        let is_done = self.desk.again.is_empty() && !self.desk.has_more_to_bring();
        if is_done { self.next_look() } else { Duration::ZERO }
    }

    /// When something is due, whoever has more to write at once.
    fn next_look(&self) -> Duration {
        let soon = if self.desk.is_draining() {
            Tick(self.desk.tick.0 + 1)
        } else {
            self.desk.housekeeping
        };
        let next = self.desk.deadlines.next().map_or(soon, |next| next.min(soon));
        let others = [self.desk.calls.next_due(), self.desk.chronicle.next_due()];
        others.into_iter().flatten().fold(next, Tick::min).start()
    }

    /// Does what is due at `now`.
    pub fn expire(&mut self, now: Now) {
        let was_due = self.next_look();
        self.desk.at(now);
        let desk = &mut self.desk;
        if was_due > Duration::ZERO && now.monotonic > was_due + STOPPED_MIN {
            desk.grace = desk.tick.after(desk.limits.ping_timeout);
        }
        self.give_up_calls();
        self.desk.tell_withheld();
        self.mind_the_clock(now);
        let desk = &mut self.desk;
        let mut due = Vec::new();
        desk.deadlines.expire(desk.tick, &mut due);
        for slot in due {
            if let Some((key, _)) = self.conns.in_slot(slot) {
                self.look_at(key);
            }
        }
    }

    fn look_at(&mut self, key: ConnKey) {
        match self.guarded(key, |conn, desk| conn.look(desk, key)) {
            Some(Late::No) => self.settle(key),
            Some(Late::Gone) => self.remove(key),
            Some(Late::Expired) => self.end_grant(key, Lapse::Expired),
            Some(Late::End(end)) => self.end(key, end),
            None => {}
        }
    }
}

/// What passed.
enum Late {
    No,
    /// It must go at once.
    Gone,
    /// What it was let in with is over, however late we look.
    Expired,
    End(End),
}

impl Conn {
    /// Its deadline has passed: says what is late, or what it is told, and sets the next.
    fn look(&mut self, desk: &mut Desk, key: ConnKey) -> Late {
        trap(Trap::Deadline);
        match self.late(desk) {
            Late::No => {}
            Late::Gone if desk.tick < desk.grace => {
                if let State::Closing(closing) = &mut self.state {
                    closing.until = closing.until.map(|until| until.max(desk.grace));
                }
                desk.wake_by(key, desk.grace);
                return Late::No;
            }
            late @ (Late::Gone | Late::Expired) => return late,
            Late::End(_) if desk.tick < desk.grace => desk.wake_by(key, desk.grace),
            Late::End(end) => {
                if end == End::ANSWERED {
                    self.say_timeout(desk);
                }
                return Late::End(end);
            }
        }
        self.give_up_vetting(desk, key);
        self.remind(desk);
        let next = self.next_look(desk);
        desk.wake_by(key, next);
        Late::No
    }

    /// What a connection has taken too long for.
    fn late(&self, desk: &Desk) -> Late {
        let limits = &desk.limits;
        let passed = |since: Tick, span: Duration| since.after(span) <= desk.tick;
        if self.is_expired(desk) {
            return Late::Expired;
        }
        if self.mood.blocked && passed(self.took, limits.write_stall) {
            return match self.state {
                State::Closing(_) => Late::Gone,
                _ => Late::End(End::STALLED),
            };
        }
        match &self.state {
            State::Closing(closing) if closing.until.is_some_and(|until| until <= desk.tick) => {
                Late::Gone
            }
            State::Http(http) => {
                let is_late = match (http.since, &http.doing) {
                    // What it waits for has a time of its own.
                    (_, Doing::Waiting(_) | Doing::Vetting(_)) => false,
                    (Some(since), Doing::Asking) => passed(since, limits.head_time),
                    _ if http.body_since().is_some_and(|since| passed(since, limits.body_time)) => {
                        true
                    }
                    // Who has yet to take an answer is not silent, and may have asked more.
                    _ => !self.mood.blocked && passed(self.heard.max(self.took), limits.keep_alive),
                };
                if is_late { Late::End(End::ANSWERED) } else { Late::No }
            }
            State::WebSocket(websocket) => {
                let limits = desk.limits_of(&websocket.route);
                if websocket.session.open_since().is_some_and(|at| passed(at, limits.message_time))
                {
                    let reason = "the message took too long";
                    return Late::End(End::ours(CloseCode::POLICY, reason));
                }
                match websocket.pinged {
                    Some(at) if !self.mood.paused && passed(at, limits.ping_timeout) => {
                        Late::End(End::SILENT)
                    }
                    _ => Late::No,
                }
            }
            State::EventStream(_) | State::Closing(_) => Late::No,
        }
    }

    /// A request that does not come is answered, if any of it came.
    fn say_timeout(&mut self, desk: &mut Desk) {
        let State::Http(http) = &self.state else { return };
        if matches!(http.doing, Doing::Collecting(_)) {
            self.problem(desk, Terms::CLOSE, &LATE_BODY);
            self.tell_unread(desk);
        } else if http.since.is_some() && !self.partial.is_empty() {
            let terms = Terms::of_broken(&self.partial);
            self.problem(desk, terms, &LATE_HEAD);
            self.tell_unread(desk);
        }
    }

    /// Says what a connection that is merely quiet is told: a ping, a heartbeat.
    fn remind(&mut self, desk: &mut Desk) {
        let is_idle = self.outbox.is_empty() && !self.mood.blocked;
        let is_late = self.took.after(desk.limits.heartbeat) <= desk.tick;
        match &mut self.state {
            State::WebSocket(websocket) => {
                let interval = desk.limits_of(&websocket.route).ping_interval;
                let is_quiet = self.heard.after(interval) <= desk.tick;
                if websocket.pinged.is_none() && is_quiet && !self.mood.paused {
                    websocket.pinged = Some(desk.tick);
                    let ping = |out: &mut Vec<u8>| frame::push_header(out, Opcode::Ping, 0);
                    self.outbox.append(&mut desk.pool, ping);
                }
            }
            State::EventStream(_) if is_idle && is_late => {
                self.took = desk.tick;
                self.heartbeat(desk);
            }
            State::EventStream(_) | State::Http(_) | State::Closing(_) => {}
        }
    }

    /// A filtered stream whose position moved is told its position, others that we are here. One
    /// that may not read everything is told it whether it has moved or not: it must not find out
    /// by it that something was said where it may not read.
    fn heartbeat(&mut self, desk: &mut Desk) {
        let State::EventStream(stream) = &mut self.state else { return };
        let (format, seen) = (stream.cursor.taste.format, desk.seen);
        if stream.cursor.lag.is_some() {
            return;
        }
        let is_to_be_told = stream.told < seen && stream.cursor.scope != Scope::All;
        if is_to_be_told || format.is_sealed() {
            stream.told = seen;
            return attach::push_position(&mut self.outbox, desk, format, seen);
        }
        let heartbeat = if format.opened() == Format::Lines { b"\n" } else { sse::HEARTBEAT };
        self.outbox.append(&mut desk.pool, |out| out.extend_from_slice(heartbeat));
    }

    /// When it should be looked at again.
    pub(super) fn next_look(&self, desk: &Desk) -> Tick {
        let limits = &desk.limits;
        let next = match &self.state {
            State::Closing(closing) => closing.until.unwrap_or(self.took.after(limits.write_stall)),
            State::Http(http) => match (http.since, &http.doing) {
                (Some(since), Doing::Asking) => since.after(limits.head_time),
                (_, Doing::Waiting(_)) => desk.tick.after(limits.keep_alive),
                (_, Doing::Vetting(vetting)) => vetting.until,
                _ if self.mood.blocked => self.took.after(limits.write_stall),
                _ => {
                    let silence = self.heard.max(self.took).after(limits.keep_alive);
                    let body = http.body_since().map(|since| since.after(limits.body_time));
                    body.map_or(silence, |body| body.min(silence))
                }
            },
            State::WebSocket(websocket) => {
                let limits = desk.limits_of(&websocket.route);
                let silence = match websocket.pinged {
                    Some(at) => at.after(limits.ping_timeout),
                    None if self.mood.paused => desk.tick.after(limits.ping_interval),
                    None => self.heard.after(limits.ping_interval),
                };
                let open = websocket.session.open_since();
                open.map_or(silence, |at| at.after(limits.message_time).min(silence))
            }
            State::EventStream(_) => self.took.after(limits.heartbeat),
        };
        let stall = self.mood.blocked.then(|| self.took.after(limits.write_stall));
        let sooner = [stall, self.expiry(desk)].into_iter().flatten();
        sooner.fold(next, Tick::min).max(Tick(desk.tick.0 + 1))
    }
}

/// The way to the end.
impl Engine {
    /// The server stops: nobody new is taken, WebSockets are closed with 1012, streams end when all
    /// has been said.
    pub fn drain(&mut self, now: Now) {
        self.desk.at(now);
        if self.desk.is_draining() {
            return;
        }
        let half = (self.desk.limits.drain.as_millis() / 2 / TICK.as_millis()).max(1) as usize;
        let pace = (self.desk.websockets / half).max(PACE_MIN);
        let until = self.desk.tick.after(self.desk.limits.drain);
        self.end_vetting();
        self.desk.drain = Some(Drain { until, pace, next: Tick(0), streams_too: false });
    }

    /// Whether nothing is left of what [`Engine::drain`] began.
    pub fn is_drained(&self) -> bool {
        self.desk.is_draining() && self.conns.is_empty()
    }

    /// One step on the way.
    pub(super) fn drain_some(&mut self) {
        let Some(drain) = &mut self.desk.drain else { return };
        if drain.next > self.desk.tick {
            return;
        }
        drain.next = Tick(self.desk.tick.0 + 1);
        let drain = *drain;
        let is_over = drain.until <= self.desk.tick;
        let keys: Vec<ConnKey> = self.conns.iter().map(|(key, _)| key).collect();
        let mut pace = drain.pace;
        // What the API has published meanwhile is still said.
        let says_more = self.desk.hub.is_waiting(self.desk.core) || self.desk.has_more_to_bring();
        let streams_too = drain.streams_too && !says_more;
        for key in keys {
            let Some(conn) = self.conns.find(key) else { continue };
            match &conn.state {
                _ if is_over => self.end(key, End::OUT_OF_TIME),
                State::WebSocket(_) if pace > 0 => {
                    pace -= 1;
                    self.end(key, End::RESTART);
                }
                State::Http(http) if http.since.is_none() && conn.is_done_answering() => {
                    self.end(key, End::ANSWERED);
                }
                State::EventStream(_) if streams_too && conn.is_idle_stream() => {
                    self.end(key, End::ANSWERED);
                }
                State::WebSocket(_)
                | State::Http(_)
                | State::EventStream(_)
                | State::Closing(_) => {}
            }
        }
    }
}

impl Conn {
    /// Whether nothing that it has asked waits for an answer, nor an answer for it.
    fn is_done_answering(&self) -> bool {
        self.outbox.is_empty() && !self.mood.backlog
    }

    /// Whether it is a stream that has had all that there is.
    fn is_idle_stream(&self) -> bool {
        let is_live = |cursor: &Cursor| cursor.lag.is_none() && cursor.due.is_none();
        self.cursor().is_some_and(is_live) && self.outbox.is_empty() && !self.mood.blocked
    }
}

impl Desk {
    /// Whether the logs have to be looked through. What the vault has no use for goes by the way.
    pub(super) fn housekeeping_is_due(&mut self) -> bool {
        let is_due = self.housekeeping <= self.tick;
        if is_due {
            self.housekeeping = Looks::of(&self.limits).next(self.tick);
            self.setup.vault.tidy(self.now.unix_ms);
        }
        is_due || self.is_draining()
    }
}
