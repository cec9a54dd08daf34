//! The end of a connection: what is still due, the close event, and who has to know.
//!
//! Knows: close codes, whose event is published, which lists a connection is in.
//! Must not know: sockets, clocks.

mod why;

pub(super) use why::End;

use super::conn::{Closing, Conn, EventStream, State};
use super::cursor::Cursor;
use super::desk::Desk;
use super::letters::Action;
use super::websocket::{Name, WebSocket};
use super::{Engine, Step};
use crate::bytes::{ConnKey, Place};
use crate::hub::{Class, CloseEvent, EndedBy, Taste};
use crate::ws::frame::Opcode;
use crate::ws::{Session, close, frame};
use std::mem;
use why::How;

impl Conn {
    /// The peer's half is closed. What that means depends on what it was saying.
    pub(super) fn receive_end(&mut self) -> Option<End> {
        self.mood.ended = true;
        match &mut self.state {
            // It sent all it wanted to ask, and reads on: what it asked is answered first. What is
            // not a whole request never will be.
            State::Http(http) if self.mood.backlog || http.is_waiting() => None,
            State::Http(_) => Some(End::ANSWERED),
            State::WebSocket(_) => Some(End::HALF_CLOSED),
            State::EventStream(_) => Some(End::LEFT),
            State::Closing(closing) => {
                closing.heard_end = true;
                None
            }
        }
    }
}

impl EventStream {
    /// An event stream is sent nothing: a client that keeps talking does not speak its protocol.
    pub(super) fn ignore(&mut self, rest: &mut &mut [u8]) -> Step {
        const UNASKED_BYTES_MAX: u32 = 4096;
        self.unasked = self.unasked.saturating_add(rest.len() as u32);
        *rest = &mut [];
        if self.unasked > UNASKED_BYTES_MAX { Step::End(End::TALKS) } else { Step::Wait }
    }
}

impl Closing {
    /// What a closing connection says does not count, but its close frame is waited for.
    pub(super) fn ignore(&mut self, rest: &mut &mut [u8]) -> Step {
        if let Some(farewell) = &mut self.awaiting {
            match farewell.pass(rest) {
                Ok(false) => return Step::Wait,
                Ok(true) | Err(_) => self.awaiting = None,
            }
        }
        self.patience = self.patience.saturating_sub(rest.len() as u32);
        *rest = &mut [];
        match self.patience {
            0 if self.half_closed => Step::End(End::LOST),
            // What it is told leaves first.
            0 => Step::Paused,
            _ => Step::Wait,
        }
    }

    /// Whether nothing that it says is read any more.
    pub(super) fn is_deaf(&self) -> bool {
        self.patience == 0 && self.awaiting.is_none()
    }
}

impl Engine {
    /// Ends the connection: publishes its close, takes it out of everything, says what is still to
    /// be said.
    pub(super) fn end(&mut self, key: ConnKey, end: End) {
        let Some(conn) = self.conns.find_mut(key) else { return };
        if matches!(conn.state, State::Closing(_)) {
            if end.how == How::Gone {
                self.remove(key);
            }
            return;
        }
        self.unlist(key);
        let Engine { conns, desk } = self;
        let Some(conn) = conns.find_mut(key) else { return };
        let patience = desk.limits.linger_bytes_max as u32;
        let closing = Closing {
            rest: None,
            until: None,
            half_closed: false,
            awaiting: None,
            heard_end: conn.mood.ended,
            patience,
        };
        match mem::replace(&mut conn.state, State::Closing(closing)) {
            State::Http(mut http) => {
                desk.heads.release(&mut http.held);
                desk.counters().open.http.fall();
            }
            State::WebSocket(websocket) => {
                desk.tell_websocket_end(key, &websocket, &end);
                conn.end_websocket(desk, key, websocket, &end);
            }
            State::EventStream(stream) => {
                desk.tell_stream_end(key, &stream, &end);
                desk.counters().open.event_stream.fall();
                desk.counters().streams_ended.count(end.code.0);
                conn.end_cursor(desk, stream.cursor);
            }
            State::Closing(_) => {}
        }
        if end.how == How::Gone {
            return self.remove(key);
        }
        // What had come while it was not read from is read now: a close frame may be in it.
        if mem::replace(&mut conn.mood.paused, false) {
            desk.actions.push_back(Action::Read(key));
        }
        conn.ignore_partial(desk);
        desk.wake_by(key, desk.tick.after(desk.limits.write_stall));
        self.settle(key);
    }

    /// Forgets the connection and has it closed.
    pub(super) fn remove(&mut self, key: ConnKey) {
        let Engine { conns, desk } = self;
        let Some(mut conn) = conns.remove(key) else { return };
        conn.outbox.clear(&mut desk.pool);
        desk.pool.give(conn.partial);
        desk.deadlines.clear(key.slot() as u32);
        desk.dismiss(conn.listener);
        desk.actions.push_back(Action::Close(key));
    }

    /// Has done what follows from what is due to the connection now: to write, to close our half,
    /// to go.
    pub(super) fn settle(&mut self, key: ConnKey) {
        let Engine { conns, desk } = self;
        let Some(conn) = conns.find_mut(key) else { return };
        let is_due = !conn.outbox.is_empty();
        let dirty = conn.mood.dirty;
        let State::Closing(closing) = &mut conn.state else {
            if is_due && !conn.mood.blocked {
                desk.flush(key, &mut conn.mood);
            }
            return;
        };
        if is_due || closing.rest.is_some() {
            if !dirty && !conn.mood.blocked {
                desk.flush(key, &mut conn.mood);
            }
            return;
        }
        if closing.heard_end {
            return self.remove(key);
        }
        let until = if closing.awaiting.is_some() {
            // From here on the peer has our close frame, or the kernel has it for it.
            *closing.until.get_or_insert(desk.tick.after(desk.limits.closing))
        } else if !closing.half_closed {
            closing.half_closed = true;
            desk.actions.push_back(Action::Shutdown(key));
            *closing.until.insert(desk.tick.after(desk.limits.linger))
        } else {
            return;
        };
        desk.wake_by(key, until);
    }
}

impl Conn {
    /// What had come and was not used counts no more, except that the peer's close frame may be in
    /// it.
    fn ignore_partial(&mut self, desk: &mut Desk) {
        let State::Closing(closing) = &mut self.state else { return };
        let mut rest = self.partial.as_mut_slice();
        let length = rest.len();
        closing.ignore(&mut rest);
        let used = length - rest.len();
        self.partial.drain(..used);
        if self.partial.is_empty() {
            desk.pool.give(mem::take(&mut self.partial));
        }
    }

    fn end_websocket(
        &mut self,
        desk: &mut Desk,
        key: ConnKey,
        mut websocket: WebSocket,
        end: &End,
    ) {
        desk.counters().open.websocket.fall();
        desk.counters().closes.count(end.code.0);
        desk.websockets -= 1;
        websocket.leave_all(desk, key, mem::take(&mut self.mood.changing));
        let place = Place { core: desk.core, key };
        match &websocket.name {
            Name::Owned(sender) => {
                if let Some(room) = websocket.room().filter(|_| websocket.route.publish) {
                    // What a client says in it is published too.
                    let is_said = end.by == EndedBy::Client && websocket.conduct.is_mute();
                    let reason = if is_said { "" } else { end.reason() }.to_owned();
                    let close = CloseEvent { code: end.code, reason, by: end.by };
                    desk.rooms.publish_close(room, sender, &close, &desk.hub);
                    desk.counters().published.close.add(1);
                }
                desk.turn.released.push((sender.who, place));
            }
            Name::Waiting(waiting) => desk.turn.released.push((waiting.who, place)),
            Name::None => {}
        }
        let room = websocket.room();
        if let Some(cursor) = websocket.cursor {
            self.end_cursor(desk, *cursor);
        }
        if let Some(room) = room {
            desk.rooms.leave(room);
        }
        self.say_close(desk, websocket.session, end);
    }

    /// Sends a close frame, if somebody is there to get it.
    fn say_close(&mut self, desk: &mut Desk, session: Session, end: &End) {
        if !matches!(end.how, How::Ask | How::Answer | How::Fail) {
            return;
        }
        let reason = if end.how == How::Answer { "" } else { end.reason() };
        // RFC 6455 §5.5.1: the answer has the code that was sent to us, or none if there was none.
        let payload = close::payload(end.code, reason);
        self.outbox.append(&mut desk.pool, |out| {
            frame::push_header(out, Opcode::Close, payload.len());
            out.extend_from_slice(&payload);
        });
        if let (How::Ask, State::Closing(closing)) = (end.how, &mut self.state) {
            closing.awaiting = Some(session.into_farewell());
        }
    }

    /// A cursor ends; the event that is begun is still finished.
    fn end_cursor(&mut self, desk: &mut Desk, mut cursor: Cursor) {
        let Taste { class, format } = cursor.taste;
        desk.rooms.follow(&cursor.scope, class, -1);
        // A stream names its rooms and so uses them; a WebSocket's room is its connection's.
        if class == Class::Subscriber {
            desk.rooms.leave_all(&cursor.scope);
        }
        cursor.due = None;
        let begun = cursor.lag.as_ref().is_some_and(|lag| lag.begun(format).is_some());
        if let (true, Some(lag), State::Closing(closing)) =
            (begun, &mut cursor.lag, &mut self.state)
        {
            lag.let_go();
            closing.rest = Some(Box::new(cursor));
        }
    }
}
