//! What a connection is given to write, and what follows from how much of it left.
//!
//! Knows: the order of a write: the rest of what is begun, then the outbox, then events.
//! Must not know: sockets, what the bytes mean.

use super::Engine;
use super::conn::{Conn, State};
use super::cursor::{Cursor, Lag, Own, Reading, Scope};
use super::desk::Desk;
use super::websocket::Name;
use crate::bytes::{ConnKey, Now, Slices};
use crate::hub::{Class, Sender, Taste};
use std::time::Duration;

impl Engine {
    /// Adds what the connection is to be sent next to `slices`. Whatever came of the write is told
    /// to [`Engine::sent`].
    pub fn output<'a>(&'a mut self, key: ConnKey, slices: &mut Slices<'a>) {
        let Engine { conns, desk } = &mut *self;
        if let Some(conn) = conns.find_mut(key) {
            conn.mood.dirty = false;
            // Once it reads that it has joined, nothing may be committed without it any more.
            if desk.is_attaching(key) {
                return desk.flush(key, &mut conn.mood);
            }
            // Who reads that it is closed may ask for its name: its close is committed first.
            if desk.is_leaving(key) {
                conn.mood.blocked = false;
                return desk.again.push(key);
            }
        }
        let Some(conn) = self.conns.find(key) else { return };
        let Some(cursor) = conn.cursor() else { return conn.outbox.gather(slices) };
        let Taste { format, .. } = cursor.taste;
        let begun = cursor.lag.as_ref().and_then(|lag| lag.begun(format));
        let skip = begun.as_ref().map_or(0, |(_, range)| range.len());
        if let Some((chunk, range)) = begun {
            slices.push(&chunk.bytes(format)[range]);
        }
        conn.outbox.gather(slices);
        if matches!(conn.state, State::Closing(_)) || slices.is_full() {
            return;
        }
        if let Some(lag) = &cursor.lag {
            lag.gather(cursor.taste, slices, skip);
        } else if let Some(due) = cursor.due {
            self.desk.delivery.add(due, slices);
        }
    }

    /// `n` of the `offered` bytes that [`Engine::output`] gave have left. Fewer than offered: the
    /// kernel takes no more until it says so. Gives whether there is more to write now.
    pub fn sent(&mut self, key: ConnKey, n: usize, offered: usize, now: Now) -> bool {
        self.desk.at(now);
        let Engine { conns, desk } = self;
        let Some(conn) = conns.find_mut(key) else { return false };
        desk.count_out(conn.listener, n);
        desk.note_bytes_out(key, n);
        let is_blocked = n < offered;
        if n > 0 || (is_blocked && !conn.mood.blocked) {
            conn.took = desk.tick;
        }
        conn.account(desk, n);
        if std::mem::replace(&mut conn.mood.blocked, is_blocked) && !is_blocked {
            // What was not looked at as long as it could take nothing.
            let next = conn.next_look(desk);
            desk.wake_by(key, next);
        }
        if is_blocked {
            desk.wake_by(key, desk.tick.after(desk.limits.write_stall));
            self.fall_behind(key);
            self.go_on(key);
            return false;
        }
        self.go_on(key);
        self.catch_up_if_done(key);
        self.conns.find(key).is_some_and(Conn::has_output)
    }

    /// There is more to write than one turn gives: it goes on in the next.
    pub fn go_on_later(&mut self, key: ConnKey) {
        self.fall_behind(key);
        self.desk.again.push(key);
    }

    /// A live reader whose write stayed unfinished leaves the lists and owns its position from now
    /// on.
    pub(super) fn fall_behind(&mut self, key: ConnKey) {
        self.unlist(key);
        let Engine { conns, desk } = self;
        let Some(conn) = conns.find_mut(key) else { return };
        if matches!(conn.state, State::Closing(_)) {
            return;
        }
        let except = conn.leaves_out();
        let Some(cursor) = conn.cursor_mut() else { return };
        if let Some(lag) = &mut cursor.lag {
            return lag.let_go();
        }
        if desk.is_attaching(key) {
            return;
        }
        let due = cursor.due.take();
        let mut lag = Lag { next: desk.seen + 1, except, ..Lag::default() };
        lag.hand = due.and_then(|due| desk.delivery.position(due)).into_iter().collect();
        match &cursor.scope {
            // Who reads frames is not told how much is missing.
            Scope::Room(room) if cursor.taste.class == Class::Subscriber => {
                lag.ordinal = Some(desk.rooms.room(*room).ordinal);
            }
            Scope::Selected(selected) => lag.whos.clone_from(&selected.whos),
            Scope::Room(_) | Scope::Group(_) | Scope::All => {}
        }
        lag.let_go();
        cursor.lag = Some(Box::new(lag));
    }

    /// Whoever has written all that it had may have more in the logs, or may be at its end.
    fn catch_up_if_done(&mut self, key: ConnKey) {
        let Some(conn) = self.conns.find_mut(key) else { return };
        if let State::Closing(closing) = &mut conn.state {
            let is_begun = |cursor: &Cursor| {
                cursor.lag.as_ref().is_some_and(|lag| lag.begun(cursor.taste.format).is_some())
            };
            closing.rest.take_if(|cursor| !is_begun(cursor));
            return self.settle(key);
        }
        let lag = conn.cursor().and_then(|cursor| cursor.lag.as_ref());
        let is_done = lag.is_some_and(|lag| !lag.has_in_hand());
        if is_done && conn.outbox.is_empty() {
            self.catch_up(key);
        }
    }

    /// A turn begins.
    pub fn begin_turn(&mut self, now: Now) {
        self.desk.turned = self.desk.now.monotonic;
        self.desk.counters().in_turn.set(now.monotonic);
    }

    /// The turn is over at `end`: how long it took, and how long what it delivered was on its way.
    pub fn note_turn(&self, began: Now, end: Duration) {
        let counters = self.desk.counters();
        counters.turns.add(1);
        counters.in_turn.clear();
        counters.turn_seconds.record(end.saturating_sub(began.monotonic));
        for chunk in self.desk.delivery.chunks() {
            counters.relay_seconds.record(end.saturating_sub(chunk.at().monotonic));
        }
    }
}

impl Conn {
    /// Takes `n` bytes off what waits, in the order in which it was given out.
    fn account(&mut self, desk: &mut Desk, mut n: usize) {
        let is_closing = matches!(self.state, State::Closing(_));
        if let Some(cursor) = self.cursor_mut()
            && let Some(lag) = &mut cursor.lag
            && let Some((_, range)) = lag.begun(cursor.taste.format)
        {
            let rest = n.min(range.len());
            lag.sent(cursor.taste, rest);
            n -= rest;
        }
        let answers = n.min(self.outbox.len());
        if answers > 0 {
            self.outbox.sent(answers, &mut desk.pool);
            n -= answers;
        }
        if n == 0 {
            return;
        }
        debug_assert!(!is_closing, "a closing connection has nothing but its rest");
        let Some(cursor) = self.cursor_mut() else { return };
        if let Some(lag) = &mut cursor.lag {
            lag.sent(cursor.taste, n);
        } else if let Some(due) = &mut cursor.due {
            due.sent += n as u32;
            let left = desk.delivery.left(*due);
            cursor.due.take_if(|_| left == 0);
        }
    }

    /// Whether something waits to be written.
    pub(super) fn has_output(&self) -> bool {
        let reads = self.cursor().is_some_and(|cursor| {
            cursor.due.is_some() || cursor.lag.as_ref().is_some_and(|lag| lag.has_in_hand())
        });
        !self.outbox.is_empty() || reads
    }

    /// What it is not sent of its own: a member's messages, unless it wants them, and never word of
    /// its coming and going.
    pub(super) fn leaves_out(&self) -> Option<Own> {
        let State::WebSocket(websocket) = &self.state else { return None };
        let Name::Owned(Sender { session, .. }) = websocket.name else { return None };
        let messages = websocket.conduct.leaves_out_own();
        let is_told = websocket.route.broadcast().is_some_and(|broadcast| broadcast.presence);
        (messages || is_told).then_some(Own { session, messages })
    }
}

impl Lag {
    /// Whether the first thing in hand can be written.
    pub(super) fn has_in_hand(&self) -> bool {
        matches!(self.hand.front(), Some(Reading::Chunk(..)))
    }
}
