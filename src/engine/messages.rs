//! What becomes of a message: published, or refused with an error to its sender.
//!
//! Knows: the rules for messages of each route (PROTOCOL.md, "Messages").
//! Must not know: frames, sockets, who reads.

use super::Step;
use super::conn::{Conn, State};
use super::desk::Desk;
use super::end::End;
use super::hints;
use super::panics::{Trap, trap};
use super::websocket::Name;
use crate::bytes::{ConnKey, Place};
use crate::hub::{self, Audience, Batch, ConnectionId, PAYLOAD_BYTES_MAX, Sender};
use crate::json;
use crate::ws::close::CloseCode;
use crate::ws::frame::{self, Opcode};
use crate::ws::{Fault, Payload};
use std::borrow::Cow;

/// Why a message is not published: a stable code, and a sentence for whoever debugs the sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) code: &'static str,
    pub(super) message: &'static str,
}

impl Refusal {
    /// The same, of what may be an attempt at something else.
    fn of(self, text: &[u8]) -> Refusal {
        let message = hints::of_text(self.code, text).unwrap_or(self.message);
        Refusal { message, ..self }
    }
}

impl From<json::Fault> for Refusal {
    fn from(fault: json::Fault) -> Refusal {
        Refusal { code: fault.code(), message: fault.message() }
    }
}

const NO_ID: Refusal = Refusal {
    code: "not-registered",
    message: "the first message must be a JSON object with your \"connectionId\", a string, such \
              as {\"connectionId\":\"me\",\"message\":\"hello\"}",
};
const ID_LEFT_OUT: Refusal = Refusal {
    code: "bad-connection-id",
    message: "every message must have your \"connectionId\", a string",
};
pub(super) const BAD_ID: Refusal = Refusal {
    code: "bad-connection-id",
    message: "a \"connectionId\" is not empty, not too long, and has no control characters",
};
pub(super) const TAKEN_ID: Refusal = Refusal {
    code: "connection-id-taken",
    message: "another connection has this \"connectionId\", and keeps it",
};
const WRONG_ID: Refusal = Refusal {
    code: "wrong-connection-id",
    message: "this connection is registered under another \"connectionId\"",
};
const BINARY_TOO_EARLY: Refusal = Refusal {
    code: "not-registered",
    message: "register with a text message that has your \"connectionId\" before you send binary",
};

impl Conn {
    /// A text message on a relay route.
    pub(super) fn relay(&mut self, desk: &mut Desk, place: Place, payload: &Payload<'_>) -> Step {
        let text = payload.as_bytes();
        let envelope = match json::scan(text) {
            Ok(envelope) => envelope,
            Err(fault) => return self.refuse_message(desk, Refusal::from(fault).of(text)),
        };
        let State::WebSocket(websocket) = &mut self.state else { return Step::Again };
        let Some(id) = envelope.connection_id else {
            let is_registered = matches!(websocket.name, Name::Owned(_));
            let refusal = if is_registered { ID_LEFT_OUT } else { NO_ID.of(text) };
            return self.refuse_message(desk, refusal);
        };
        let id = match id.escaped {
            false => Cow::Borrowed(id.of(text)),
            true => match json::unescape(id.of(text)) {
                Ok(name) => Cow::Owned(name.into_owned().into_bytes()),
                Err(_) => return self.refuse_message(desk, BAD_ID),
            },
        };
        match &websocket.name {
            Name::Owned(sender) if is_name(&sender.id, &id) => {}
            Name::Owned(_) => return self.refuse_message(desk, WRONG_ID),
            Name::None | Name::Waiting(_) => {
                // Text was checked to be UTF-8 when it came in.
                let name = String::from_utf8_lossy(&id);
                return self.register(desk, place, &name, text);
            }
        }
        if envelope.line_breaks {
            self.publish_text(desk, text);
        } else {
            self.publish(desk, text.len(), |batch, sender| batch.push_line(sender, text));
        }
        Step::Again
    }

    /// Publishes a message of a registered connection to its room's subscribers.
    pub(super) fn publish_text(&mut self, desk: &mut Desk, text: &[u8]) {
        self.publish(desk, text.len(), |batch, sender| batch.push_text(sender, text));
    }

    fn publish(&mut self, desk: &mut Desk, bytes: usize, push: impl FnOnce(&mut Batch, &Sender)) {
        let State::WebSocket(websocket) = &mut self.state else { return };
        let (Name::Owned(sender), Some(room)) = (&websocket.name, websocket.room()) else { return };
        push(desk.rooms.batch(room, Audience::SUBSCRIBERS, bytes, &desk.hub), sender);
        websocket.refusals = 0;
        desk.counters().published.message.add(1);
        trap(Trap::Published);
    }

    /// A binary message on a relay route.
    pub(super) fn relay_binary(&mut self, desk: &mut Desk, payload: &Payload<'_>) -> Step {
        let State::WebSocket(websocket) = &mut self.state else { return Step::Again };
        let (Name::Owned(sender), Some(room)) = (&websocket.name, websocket.room()) else {
            let message = hints::of_binary(payload.as_bytes());
            let message = message.unwrap_or(BINARY_TOO_EARLY.message);
            return self.refuse_message(desk, Refusal { message, ..BINARY_TOO_EARLY });
        };
        let bytes = payload.as_bytes();
        let batch =
            desk.rooms.batch(room, Audience::SUBSCRIBERS, bytes.len().div_ceil(3) * 4, &desk.hub);
        batch.push_binary(sender, bytes);
        websocket.refusals = 0;
        desk.counters().published.binary.add(1);
        Step::Again
    }

    /// Publishes what a connection says that may say anything, if its route publishes: to
    /// subscribers, who see an object as it is and other text in a wrap.
    pub(super) fn publish_if(
        &mut self,
        publishes: bool,
        desk: &mut Desk,
        binary: bool,
        payload: &Payload<'_>,
    ) -> Step {
        let State::WebSocket(websocket) = &self.state else { return Step::Again };
        let (true, Name::Owned(sender)) = (publishes, &websocket.name) else { return Step::Again };
        let bytes = payload.as_bytes();
        if binary {
            return self.relay_binary(desk, payload);
        }
        if hub::is_own_object(bytes, &sender.id) {
            self.publish_text(desk, bytes);
            return Step::Again;
        }
        let mut wrapped = desk.pool.take();
        // Text was checked to be UTF-8 when it came in.
        hub::push_wrapped(&mut wrapped, &sender.id, &String::from_utf8_lossy(bytes));
        // Escaped, text of control characters is six times as long.
        let fits = wrapped.len() <= PAYLOAD_BYTES_MAX;
        if fits {
            self.publish(desk, wrapped.len(), |batch, sender| batch.push_line(sender, &wrapped));
        }
        desk.pool.give(wrapped);
        if fits { Step::Again } else { Step::End(End::fault(Fault::TooBig)) }
    }

    /// A message to everyone in the room, if it is none to the server.
    pub(super) fn broadcast(
        &mut self,
        desk: &mut Desk,
        key: ConnKey,
        binary: bool,
        payload: &Payload<'_>,
    ) -> Step {
        let bytes = payload.as_bytes();
        let step = if binary { None } else { self.take_control(desk, key, bytes) };
        step.unwrap_or_else(|| {
            let State::WebSocket(websocket) = &self.state else { return Step::Again };
            let Some(room) = websocket.room() else { return Step::Again };
            if let Err(refusal) = self.check_publish(desk, room) {
                return self.refuse_message(desk, refusal);
            }
            self.broadcast_to(desk, key, room, (binary, bytes))
        })
    }

    /// A message to everyone in room `room`.
    pub(super) fn broadcast_to(
        &mut self,
        desk: &mut Desk,
        key: ConnKey,
        room: u32,
        (binary, bytes): (bool, &[u8]),
    ) -> Step {
        let State::WebSocket(websocket) = &mut self.state else { return Step::Again };
        let Name::Owned(sender) = &websocket.name else { return Step::Again };
        let audience = websocket.audience();
        let batch = desk.rooms.batch(room, audience, bytes.len(), &desk.hub);
        if binary {
            batch.push_binary(sender, bytes);
            desk.counters().published.binary.add(1);
        } else {
            batch.push_text(sender, bytes);
            desk.counters().published.message.add(1);
        }
        websocket.refusals = 0;
        self.note_published(desk, key);
        trap(Trap::Published);
        Step::Again
    }

    /// It has published something that other members are sent, and it may not be.
    pub(super) fn note_published(&mut self, desk: &mut Desk, key: ConnKey) {
        if !std::mem::replace(&mut self.mood.published, true) {
            desk.publishers.push(key);
        }
    }

    /// Tells the sender that its message is not published, and why. Too many in a row, and it is
    /// closed.
    pub(super) fn refuse_message(&mut self, desk: &mut Desk, refusal: Refusal) -> Step {
        desk.counters().refusals.count(refusal.code);
        let State::WebSocket(websocket) = &mut self.state else { return Step::Again };
        websocket.refusals = websocket.refusals.saturating_add(1);
        let is_enough =
            u32::from(websocket.refusals) >= desk.limits_of(&websocket.route).refusals_max;
        self.outbox.append(&mut desk.pool, |out| push_error(out, refusal));
        if is_enough {
            return Step::End(End::ours(CloseCode::POLICY, "too many messages were refused"));
        }
        Step::Again
    }
}

fn is_name(id: &ConnectionId, name: &[u8]) -> bool {
    matches!(id, ConnectionId::Name(own) if own.as_bytes() == name)
}

/// A text frame with `{"error":{"code":…,"message":…}}`.
fn push_error(out: &mut Vec<u8>, refusal: Refusal) {
    let mut body =
        format!("{{\"error\":{{\"code\":\"{}\",\"message\":\"", refusal.code).into_bytes();
    json::escape_into(&mut body, refusal.message);
    body.extend_from_slice(b"\"}}");
    frame::push_header(out, Opcode::Text, body.len());
    out.extend_from_slice(&body);
}
