//! A newer credential for a WebSocket that is open, so that it need not come again.
//!
//! Knows: what a connection is and is in, which the new grant has to allow.
//! Must not know: frames, how credentials are verified.

use super::Step;
use super::conn::{Conn, State};
use super::desk::Desk;
use super::end::End;
use super::lifetime::Lapse;
use super::messages::Refusal;
use super::websocket::Name;
use crate::auth::Grant;
use crate::bytes::ConnKey;
use crate::hub::ConnectionId;
use crate::json;
use crate::ws::frame::Opcode;
use std::sync::Arc;

const BAD_REFRESH: Refusal = Refusal {
    code: "refresh-refused",
    message: "a refresh is {\"refresh\":\"…\"} with a new credential, and nothing else",
};
/// Whether another's credential is good is nothing that anybody learns here.
const NOT_GOOD: Refusal = Refusal {
    code: "refresh-refused",
    message: "the credential is not good here, or not of the same subject",
};
const TOO_LITTLE: Refusal = Refusal {
    code: "refresh-refused",
    message: "the credential does not allow what this connection is, or a room that it is in",
};

impl Conn {
    /// Takes `text` for a new credential. Until one is good, all stays as it was.
    pub(super) fn refresh(&mut self, desk: &mut Desk, key: ConnKey, text: &[u8]) -> Step {
        if self.is_expired(desk) {
            return Step::End(End::lapsed(Lapse::Expired));
        }
        let grant = match self.refreshed(desk, text) {
            Ok(grant) => grant,
            Err(refusal) => return self.refuse_message(desk, refusal),
        };
        let expires = grant.expires_ms().map_or("null".to_owned(), |expires| expires.to_string());
        let State::WebSocket(websocket) = &mut self.state else { return Step::Again };
        websocket.grant = Some(grant);
        websocket.refusals = 0;
        websocket.weigh(&desk.rooms);
        self.watch_grant(desk, key);
        let answer = format!("{{\"refreshed\":{{\"expiresAt\":{expires}}}}}");
        self.push_message(desk, Opcode::Text, answer.as_bytes());
        Step::Again
    }

    /// What the credential in `text` gives, if that is enough.
    fn refreshed(&self, desk: &Desk, text: &[u8]) -> Result<Arc<Grant>, Refusal> {
        let place = json::refresh(text).map_err(|_| BAD_REFRESH)?;
        let credential = json::unescape(place.of(text)).map_err(|_| BAD_REFRESH)?;
        let door = self.door(&desk.policy).ok_or(NOT_GOOD)?;
        let is_same =
            |grant: &Arc<Grant>| self.grant().is_some_and(|old| old.subject() == grant.subject());
        let grant = desk.renew(&credential, door).ok().filter(is_same).ok_or(NOT_GOOD)?;
        if self.is_within(desk, &grant) { Ok(grant) } else { Err(TOO_LITTLE) }
    }

    /// Whether `grant` allows all that it is, and is in.
    fn is_within(&self, desk: &Desk, grant: &Grant) -> bool {
        let State::WebSocket(websocket) = &self.state else { return false };
        let may_be_called = match &websocket.name {
            Name::Owned(sender) => match &sender.id {
                ConnectionId::Name(name) => grant.may_be_called(name),
                // The server named it.
                ConnectionId::Uuid(_) | ConnectionId::Nobody => true,
            },
            Name::None | Name::Waiting(_) => true,
        };
        let is_member = websocket.route.broadcast().is_some();
        let joined = websocket.cursor.iter().flat_map(|cursor| cursor.scope.joined());
        let mut rooms = joined.copied().chain(websocket.room()).filter(|_| is_member);
        let may_subscribe = |room| grant.may_subscribe(&desk.rooms.room(room).name);
        grant.may_connect() && may_be_called && rooms.all(may_subscribe)
    }
}
