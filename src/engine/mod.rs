//! The engine of one core: connections' state machines, what they publish, what they read.
//!
//! Knows: HTTP, WebSocket, event streams, routes, the hub; time and randomness as arguments.
//! Must not know: mio, sockets, threads, clocks, TLS, how many cores there are.
//!
//! The reactor gives it bytes ([`Engine::receive`]), ends ([`Engine::receive_end`],
//! [`Engine::receive_error`]), letters ([`Engine::collect`]) and time ([`Engine::expire`]); then
//! [`Engine::commit`] publishes what the turn brought and makes out who is owed what; then the
//! reactor does what [`Engine::poll_action`] says, and writes what [`Engine::output`] gives.
//! Nothing calls back.
//!
//! Nothing is written or closed while input is handled: handlers only append to outboxes and
//! batches.

mod admission;
mod answer;
mod api;
mod attach;
mod batches;
mod changes;
mod chronicle;
mod collected;
mod conn;
mod control;
mod cursor;
mod deliver;
mod delivery;
mod demo;
mod desk;
mod end;
mod events;
mod expire;
mod guard;
mod heads;
mod health;
mod hints;
mod history;
mod http;
mod letters;
mod lifetime;
mod lists;
mod membership;
mod messages;
mod output;
mod panics;
mod policy;
mod random;
mod reach;
mod refresh;
mod register;
mod rights;
mod rooms;
mod scope;
mod site;
mod upgrade;
mod vetting;
mod websocket;

pub use api::{Answer, Ask};
pub use batches::Said;
pub use chronicle::{Account, Level, Target, Value, Wanted, Whence};
pub use conn::Serves;
pub use desk::{Listener, Setup};
pub use letters::{Action, Letter};
pub use policy::Policy;

use crate::bytes::{ConnKey, Keyed, Now, Outbox, Place};
use crate::metrics::Watch;
use conn::{Conn, Mood, State};
use desk::Desk;
use end::End;
use http::Http;
use std::mem;
use std::sync::Arc;

/// The engine of one core.
#[derive(Debug)]
pub struct Engine {
    conns: Keyed<Conn>,
    desk: Desk,
}

/// Where to read a connection's bytes to.
#[derive(Debug)]
pub enum Space<'a> {
    /// Anywhere; then [`Engine::receive`].
    Scratch,
    /// Here; then [`Engine::received`].
    Own(&'a mut [u8]),
    /// There is input that could not be used before: [`Engine::receive`] with nothing first.
    Backlog,
    /// Not now. An [`Action::Read`] will tell when.
    Paused,
}

impl Engine {
    /// The engine of the core that `setup` describes.
    pub fn new(setup: Setup) -> Engine {
        Engine { conns: Keyed::default(), desk: Desk::new(setup) }
    }

    /// The same, which makes the accounts that are `wanted`.
    #[must_use]
    pub fn telling(mut self, wanted: Wanted) -> Engine {
        self.desk.chronicle.want(wanted);
        self
    }

    /// The same engine, which asks `watch` for what it cannot know of the process it runs in.
    #[must_use]
    pub fn watched_by(mut self, watch: Arc<dyn Watch>) -> Engine {
        self.desk.watch = Some(watch);
        self
    }

    /// A connection from `peer` that `listener` accepted. `None`: there are as many as there may
    /// be, and it is to be refused with [`Engine::refusal`].
    pub fn accept(&mut self, listener: u8, peer: impl Into<Whence>, now: Now) -> Option<ConnKey> {
        self.desk.at(now);
        let whence = peer.into();
        if self.desk.is_draining() || !self.desk.admit(listener) {
            self.desk.tell_turned_away(listener, whence);
            return None;
        }
        let (tick, peer) = (self.desk.tick, self.desk.peer(whence));
        let key = self.conns.insert(Conn {
            state: State::Http(Box::new(Http::new(tick, peer))),
            outbox: Outbox::default(),
            partial: Vec::new(),
            heard: tick,
            took: tick,
            listener,
            mood: Mood::default(),
        });
        self.desk.note_life(key, whence);
        self.desk.counters().open.http.rise();
        self.desk.wake_by(key, tick.after(self.desk.limits.head_time));
        Some(key)
    }

    /// What a connection that was not accepted is sent before it is closed.
    pub fn refusal(&mut self, now: Now) -> Vec<u8> {
        self.desk.at(now);
        self.desk.refusal()
    }

    /// Where to read the connection's next bytes to.
    pub fn space(&mut self, key: ConnKey) -> Space<'_> {
        let Some(conn) = self.conns.find_mut(key) else { return Space::Paused };
        if conn.mood.paused {
            return Space::Paused;
        }
        if conn.mood.backlog {
            return Space::Backlog;
        }
        match &mut conn.state {
            State::WebSocket(websocket) if conn.partial.is_empty() => {
                websocket.session.room().map_or(Space::Scratch, Space::Own)
            }
            _ => Space::Scratch,
        }
    }

    /// `bytes` were read from the connection.
    pub fn receive(&mut self, key: ConnKey, bytes: &mut [u8], now: Now) {
        self.handle(key, bytes.len(), now, |conn, desk| conn.take_in(desk, key, bytes));
    }

    /// `n` bytes were read from the connection into its own [`Space`].
    pub fn received(&mut self, key: ConnKey, n: usize, now: Now) {
        self.handle(key, n, now, |conn, desk| conn.filled(desk, key, n));
    }

    /// Lets `work` handle input, and does what it says about the connection's end.
    fn handle(
        &mut self,
        key: ConnKey,
        n: usize,
        now: Now,
        work: impl FnOnce(&mut Conn, &mut Desk) -> Option<End>,
    ) {
        self.desk.at(now);
        let Engine { conns, desk } = self;
        let Some(conn) = conns.find_mut(key) else { return };
        conn.heard = desk.tick;
        if let State::WebSocket(websocket) = &mut conn.state {
            // Whatever came, the peer lives. Its pong may come in the tick of our ping.
            if websocket.pinged.take().is_some() {
                let interval = desk.limits_of(&websocket.route).ping_interval;
                desk.wake_by(key, desk.tick.after(interval));
            }
        }
        desk.count_in(conn.listener, n);
        desk.note_bytes_in(key, n);
        let Some(end) = self.guarded(key, work) else { return };
        let Some(conn) = self.conns.find_mut(key) else { return };
        match end.or_else(|| conn.end_if_left()) {
            Some(end) => self.end(key, end),
            None => self.settle(key),
        }
        self.shed_heads();
        if let (true, Some(conn)) = (cfg!(debug_assertions), self.conns.find(key)) {
            conn.invariants(&self.desk);
        }
    }

    /// The peer will send no more.
    pub fn receive_end(&mut self, key: ConnKey, now: Now) {
        self.desk.at(now);
        let Some(conn) = self.conns.find_mut(key) else { return };
        if let Some(end) = conn.receive_end() {
            self.end(key, end);
        }
        self.settle(key);
    }

    /// The connection is broken.
    pub fn receive_error(&mut self, key: ConnKey, now: Now) {
        self.desk.at(now);
        self.end(key, End::LOST);
    }

    /// Another core's letter, or one of our own.
    pub fn collect(&mut self, letter: Letter, now: Now) {
        self.desk.at(now);
        match letter {
            Letter::Replaced(key) => self.end(key, End::REPLACED),
            Letter::Granted(key, session) => self.granted(key, session),
            Letter::Ask(ask) => self.asked(ask),
            Letter::Answer(answer) => self.answered(*answer),
            Letter::Vetted(key, by, vetted) => self.vetted(key, &by, *vetted),
        }
    }

    /// A connection could not be taken for want of descriptors or memory.
    pub fn note_no_room(&self) {
        self.desk.counters().accept_errors.add(1);
        self.desk.counters().refused.descriptors.add(1);
    }

    /// What is to be done next, if anything.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.desk.actions.pop_front()
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.conns.len()
    }
}

impl Conn {
    /// Uses as much as it can of `bytes`, behind what was left before, and keeps the rest.
    fn take_in(&mut self, desk: &mut Desk, key: ConnKey, bytes: &mut [u8]) -> Option<End> {
        let mut partial = mem::take(&mut self.partial);
        self.release_head(desk);
        let end;
        if partial.is_empty() {
            let (used, its_end) = self.advance(desk, key, bytes);
            end = its_end;
            if used < bytes.len() {
                // Half a head takes what it needs: it is counted, and may wait for long.
                let is_http = matches!(self.state, State::Http(_));
                partial = if is_http { Vec::new() } else { desk.pool.take() };
                partial.extend_from_slice(&bytes[used..]);
            }
        } else {
            partial.extend_from_slice(bytes);
            let (used, its_end) = self.advance(desk, key, &mut partial);
            end = its_end;
            partial.drain(..used);
            if partial.is_empty() {
                desk.pool.give(mem::take(&mut partial));
            }
        }
        self.partial = partial;
        self.hold_head(desk, key);
        end
    }

    /// Hands the front of `bytes` to whatever the connection is, until it wants more, must wait, or
    /// ends.
    fn advance(&mut self, desk: &mut Desk, key: ConnKey, bytes: &mut [u8]) -> (usize, Option<End>) {
        let length = bytes.len();
        let mut rest = bytes;
        let place = Place { core: desk.core, key };
        self.mood.backlog = false;
        loop {
            let step = match &mut self.state {
                State::Http(_) => self.advance_http(desk, key, &mut rest),
                State::WebSocket(_) => self.advance_websocket(desk, place, &mut rest),
                State::EventStream(stream) => stream.ignore(&mut rest),
                State::Closing(closing) => closing.ignore(&mut rest),
            };
            match step {
                Step::Again => {}
                Step::Wait => return (length - rest.len(), None),
                Step::Paused => {
                    self.mood.paused = true;
                    self.mood.backlog = !rest.is_empty();
                    return (length - rest.len(), None);
                }
                Step::End(end) => return (length - rest.len(), Some(end)),
            }
        }
    }
}

/// How far input was used.
#[derive(Debug)]
enum Step {
    /// There may be more to use.
    Again,
    /// More has to come first.
    Wait,
    /// It may not go on for now, whatever there is.
    Paused,
    /// The connection is to end.
    End(End),
}

#[cfg(test)]
mod tests;
