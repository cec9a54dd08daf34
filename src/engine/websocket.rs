//! A WebSocket: what its frames make us do.
//!
//! Knows: messages, control frames, back-pressure of one connection.
//! Must not know: sockets, clocks, where its messages go.

use super::Step;
use super::conn::{Conn, State};
use super::cursor::Cursor;
use super::desk::Desk;
use super::end::End;
use super::panics::{Trap, trap};
use super::rights::Conduct;
use crate::auth::Grant;
use crate::bytes::{ConnKey, Place, Tick};
use crate::hub::{ConnectionId, Sender, Standing, Who};
use crate::limits::OWNED_BYTES_MIN;
use crate::routes::{Behaviour, Route};
use crate::ws::frame::{self, Opcode};
use crate::ws::{Event, Payload, Session};
use std::num::NonZeroU32;
use std::sync::Arc;

/// A connection after the 101.
#[derive(Debug)]
pub(super) struct WebSocket {
    pub(super) session: Session,
    /// What it came by, as that was then.
    pub(super) route: Arc<Route>,
    pub(super) conduct: Conduct,
    /// It is sent compressed messages, by someone who remembers no more than 2^this bytes. 0: it is
    /// not.
    pub(super) window_bits: u8,
    /// Its home room, as this core numbers it; never that which everybody is in.
    pub(super) room: Option<NonZeroU32>,
    pub(super) name: Name,
    /// What it reads as a member of its room.
    pub(super) cursor: Option<Box<Cursor>>,
    /// Messages refused since the last that was not.
    pub(super) refusals: u16,
    /// When it was sent a ping, if nothing came since.
    pub(super) pinged: Option<Tick>,
    /// When it came, in milliseconds since 1970.
    pub(super) connected_ms: u64,
    /// What it was let in with; nothing, where everybody may come in.
    pub(super) grant: Option<Arc<Grant>>,
}

impl WebSocket {
    /// Its home room, as this core numbers it.
    pub(super) fn room(&self) -> Option<u32> {
        self.room.map(NonZeroU32::get)
    }

    /// How it comes to a name.
    pub(super) fn standing(&self) -> Standing {
        standing_of(self.grant.as_ref())
    }
}

/// How who was let in with this comes to a name. Where everybody may come in, all stand alike.
pub(super) fn standing_of(grant: Option<&Arc<Grant>>) -> Standing {
    if grant.is_some() { Standing::Vouched } else { Standing::Stranger }
}

/// What a WebSocket is called.
#[derive(Debug)]
pub(super) enum Name {
    /// Nothing yet.
    None,
    /// Somebody still has the name that it wants.
    Waiting(Box<Waiting>),
    /// It owns its name.
    Owned(Sender),
}

/// A connection that waits for its name.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) id: ConnectionId,
    pub(super) who: Who,
    /// The message that it registered with, to be published when the name is its own.
    pub(super) message: Vec<u8>,
}

impl Conn {
    pub(super) fn advance_websocket(
        &mut self,
        desk: &mut Desk,
        place: Place,
        rest: &mut &mut [u8],
    ) -> Step {
        if self.must_pause(desk) {
            return Step::Paused;
        }
        let State::WebSocket(websocket) = &mut self.state else { return Step::Again };
        match websocket.session.next(rest, desk.tick, &mut desk.tools(&websocket.route)) {
            Ok(Some(event)) => self.take_event(desk, place, event),
            Ok(None) => {
                self.watch_open_message(desk, place.key);
                Step::Wait
            }
            Err(fault) => Step::End(End::fault(fault)),
        }
    }

    /// `n` bytes were read into the room that the session made.
    pub(super) fn filled(&mut self, desk: &mut Desk, key: ConnKey, n: usize) -> Option<End> {
        let State::WebSocket(websocket) = &mut self.state else { return None };
        let step = match websocket.session.filled(n, &mut desk.tools(&websocket.route)) {
            Ok(Some(event)) => self.take_event(desk, Place { core: desk.core, key }, event),
            Ok(None) => Step::Wait,
            Err(fault) => Step::End(End::fault(fault)),
        };
        match step {
            Step::End(end) => Some(end),
            Step::Again | Step::Wait | Step::Paused => {
                self.mood.paused = self.must_pause(desk);
                None
            }
        }
    }

    /// Whether it is not to be read from for now.
    pub(super) fn must_pause(&self, desk: &Desk) -> bool {
        let is_waiting = match &self.state {
            State::WebSocket(websocket) => {
                matches!(websocket.name, Name::Waiting(_)) || self.mood.changing
            }
            State::Http(http) => http.is_waiting(),
            State::Closing(closing) => return closing.is_deaf(),
            State::EventStream(_) => return false,
        };
        is_waiting || self.is_half_full(desk)
    }

    /// Whether so much waits for it that it should read before it says more.
    pub(super) fn is_half_full(&self, desk: &Desk) -> bool {
        self.outbox.len() >= desk.limits.outbox_bytes_max / 2
    }

    fn watch_open_message(&mut self, desk: &mut Desk, key: ConnKey) {
        let State::WebSocket(websocket) = &self.state else { return };
        if let Some(since) = websocket.session.open_since() {
            desk.wake_by(key, since.after(desk.limits_of(&websocket.route).message_time));
        }
    }

    fn take_event(&mut self, desk: &mut Desk, place: Place, event: Event<'_>) -> Step {
        match event {
            Event::Message { binary, payload } => self.take_message(desk, place, binary, payload),
            Event::Ping(payload) => {
                // RFC 6455 §5.5.3: of pings that wait for their pongs only the last needs one.
                // Whoever reads gets them all.
                let replaces = self.mood.blocked;
                self.outbox.append_replaceable(&mut desk.pool, replaces, |out| {
                    frame::push_header(out, Opcode::Pong, payload.len());
                    out.extend_from_slice(payload);
                });
                Step::Again
            }
            // That something came is noted already.
            Event::Pong => Step::Again,
            Event::Close { code, reason } => Step::End(End::theirs(code, reason)),
        }
    }

    fn take_message(
        &mut self,
        desk: &mut Desk,
        place: Place,
        binary: bool,
        payload: Payload<'_>,
    ) -> Step {
        desk.counters().messages_in.add(1);
        desk.note_message_in(place.key);
        desk.counters().message_bytes_in.add(payload.as_bytes().len() as u64);
        let State::WebSocket(websocket) = &self.state else { return Step::Again };
        if websocket.conduct.is_watched()
            && let Some(step) = self.take_watched(desk, place.key, (binary, payload.as_bytes()))
        {
            if let Payload::Owned(bytes) = payload {
                desk.pool.give(bytes);
            }
            return step;
        }
        let State::WebSocket(websocket) = &self.state else { return Step::Again };
        let publishes = websocket.route.publish;
        let step = match &websocket.route.behaviour {
            Behaviour::Echo => {
                let step = self.publish_if(publishes, desk, binary, &payload);
                self.echo(desk, binary, payload);
                return step;
            }
            Behaviour::Reply(_) => {
                let step = self.publish_if(publishes, desk, binary, &payload);
                self.reply(desk, &payload);
                step
            }
            Behaviour::Broadcast(_) => self.broadcast(desk, place.key, binary, &payload),
            Behaviour::Relay { wrap: true } => self.publish_if(true, desk, binary, &payload),
            Behaviour::Relay { wrap: false } if binary => self.relay_binary(desk, &payload),
            Behaviour::Relay { wrap: false } => self.relay(desk, place, &payload),
        };
        if let Payload::Owned(bytes) = payload {
            desk.pool.give(bytes);
        }
        step
    }
}

impl Conn {
    /// Sends a message back. A large one that has a buffer to itself leaves in that buffer; small
    /// ones share one, as each would hold far more memory than its own bytes.
    fn echo(&mut self, desk: &mut Desk, binary: bool, payload: Payload<'_>) {
        let opcode = if binary { Opcode::Binary } else { Opcode::Text };
        if self.push_deflated(desk, opcode, payload.as_bytes()) {
            if let Payload::Owned(bytes) = payload {
                desk.pool.give(bytes);
            }
            return;
        }
        let length = payload.as_bytes().len();
        let moves = matches!(payload, Payload::Owned(_)) && length >= OWNED_BYTES_MIN;
        self.outbox.append(&mut desk.pool, |out| {
            frame::push_header(out, opcode, length);
            trap(Trap::HalfAnAnswer);
            if !moves {
                out.extend_from_slice(payload.as_bytes());
            }
        });
        match payload {
            Payload::Owned(bytes) if moves => self.outbox.append_owned(bytes),
            Payload::Owned(bytes) => desk.pool.give(bytes),
            Payload::Borrowed(_) => {}
        }
    }

    /// Sends the answer to a message, if there is one.
    fn reply(&mut self, desk: &mut Desk, payload: &Payload<'_>) {
        let State::WebSocket(websocket) = &self.state else { return };
        let route = Arc::clone(&websocket.route);
        let Behaviour::Reply(replies) = &route.behaviour else { return };
        if let Some(answer) = replies.answer(payload.as_bytes()) {
            self.push_message(desk, Opcode::Text, answer.as_bytes());
        }
    }

    /// Sends a message of our own.
    pub(super) fn push_message(&mut self, desk: &mut Desk, opcode: Opcode, payload: &[u8]) {
        if self.push_deflated(desk, opcode, payload) {
            return;
        }
        self.outbox.append(&mut desk.pool, |out| {
            frame::push_header(out, opcode, payload.len());
            trap(Trap::HalfAnAnswer);
            out.extend_from_slice(payload);
        });
    }

    /// Has a message sent compressed, if that was agreed on and makes it smaller.
    fn push_deflated(&mut self, desk: &mut Desk, opcode: Opcode, payload: &[u8]) -> bool {
        let State::WebSocket(WebSocket { window_bits: bits @ 1.., .. }) = self.state else {
            return false;
        };
        let Desk { deflater, pool, .. } = desk;
        let Some(deflated) = deflater.deflate(payload, bits) else { return false };
        self.outbox.append(pool, |out| frame::push_deflated(out, opcode, deflated));
        true
    }
}
