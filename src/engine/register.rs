//! How a connection comes to its name.
//!
//! Knows: claims and grants (see the hub's directory), letters.
//! Must not know: messages beyond the one that registered.

use super::conn::{Conn, State};
use super::desk::Desk;
use super::letters::{Action, Letter};
use super::messages::{BAD_ID, TAKEN_ID};
use super::websocket::{Name, Waiting};
use super::{Engine, Step};
use crate::bytes::{ConnKey, Place};
use crate::hub::{Claim, ConnectionId, Sender, Standing, Who};
use crate::json;
use crate::routes::{self, Duplicate};
use std::mem;
use std::sync::Arc;

impl Conn {
    /// The connection wants to be `name`, and says so in `message`.
    pub(super) fn register(
        &mut self,
        desk: &mut Desk,
        place: Place,
        name: &str,
        message: &[u8],
    ) -> Step {
        if !routes::is_connection_id(name, &desk.limits) {
            return self.refuse_message(desk, BAD_ID);
        }
        if let Err(refusal) = self.check_name(desk, name) {
            return self.refuse_message(desk, refusal);
        }
        let id = ConnectionId::Name(Arc::from(name));
        self.claim(desk, place, id, message)
    }

    /// Claims `id`. If somebody owns it, that one is told to go, and nothing more is read here
    /// until then.
    fn claim(&mut self, desk: &mut Desk, place: Place, id: ConnectionId, message: &[u8]) -> Step {
        let State::WebSocket(websocket) = &mut self.state else { return Step::Again };
        let Some((name, _)) =
            desk.claim((place, websocket.standing()), id, message, websocket.route.duplicate)
        else {
            return self.refuse_message(desk, TAKEN_ID);
        };
        let is_own = matches!(name, Name::Owned(_));
        websocket.name = name;
        if !is_own {
            return Step::Paused;
        }
        self.publish_registration(desk, message);
        Step::Again
    }

    /// Publishes what it registered with. Who may publish nothing has said it in its URL, and is
    /// registered all the same.
    fn publish_registration(&mut self, desk: &mut Desk, message: &[u8]) {
        if !self.is_mute() {
            self.publish_text(desk, message);
        }
    }

    /// The connection said in its URL what it is called, on a route where `message` says the same.
    pub(super) fn register_by_url(
        &mut self,
        desk: &mut Desk,
        place: Place,
        name: &str,
        message: &[u8],
    ) {
        let State::WebSocket(websocket) = &self.state else { return };
        if matches!(websocket.name, Name::None) {
            self.register(desk, place, name, message);
        } else {
            self.publish_registration(desk, message);
        }
    }
}

impl Desk {
    /// Claims `id` for the connection at `place`, which registers with `message`. `None`: somebody
    /// else has it, and keeps it.
    pub(super) fn claim(
        &mut self,
        (place, standing): (Place, Standing),
        id: ConnectionId,
        message: &[u8],
        duplicate: Duplicate,
    ) -> Option<(Name, Who)> {
        let who = match &id {
            ConnectionId::Name(name) => self.hub.who_keys().who(name),
            ConnectionId::Uuid(_) | ConnectionId::Nobody => {
                self.hub.who_keys().who(&id.to_string())
            }
        };
        let claim = match (&id, duplicate) {
            (ConnectionId::Uuid(_) | ConnectionId::Nobody, _) => {
                self.hub.claim(who, place, Standing::Given)
            }
            (ConnectionId::Name(_), Duplicate::Replace) => self.hub.claim(who, place, standing),
            (ConnectionId::Name(_), Duplicate::Refuse) => {
                self.hub.claim_unowned(who, place, standing)
            }
        };
        let name = match claim {
            Claim::Granted { session } => Name::Owned(Sender { id, who, session }),
            Claim::Refused => return None,
            Claim::Waiting { owner, displaced } => {
                for gone in [Some(owner), displaced].into_iter().flatten() {
                    let letter = Letter::Replaced(gone.key);
                    self.actions.push_back(Action::Post(gone.core, letter));
                }
                let message = message.to_vec();
                Name::Waiting(Box::new(Waiting { id, who, message }))
            }
        };
        Some((name, who))
    }
}

impl Conn {
    fn granted(&mut self, desk: &mut Desk, key: ConnKey, session: u64) {
        let State::WebSocket(websocket) = &mut self.state else { return };
        let Name::Waiting(waiting) = mem::replace(&mut websocket.name, Name::None) else { return };
        let Waiting { id, who, message } = *waiting;
        websocket.name = Name::Owned(Sender { id, who, session });
        let except = self.leaves_out();
        if let Some(lag) = self.cursor_mut().and_then(|cursor| cursor.lag.as_mut()) {
            lag.except = except;
        }
        self.announce_all(desk, key);
        // Only where every message says whose it is, there is one to register with.
        if !message.is_empty() {
            self.publish_registration(desk, &message);
        }
    }
}

impl Engine {
    /// The connection owns the name it waited for.
    pub(super) fn granted(&mut self, key: ConnKey, session: u64) {
        if self.guarded(key, |conn, desk| conn.granted(desk, key, session)).is_some() {
            self.go_on(key);
        }
    }

    /// Reads on from a connection that was paused, if there is no reason left to wait.
    pub(super) fn go_on(&mut self, key: ConnKey) {
        let Engine { conns, desk } = self;
        let Some(conn) = conns.find_mut(key) else { return };
        if conn.mood.paused && !conn.must_pause(desk) {
            conn.mood.paused = false;
            desk.actions.push_back(Action::Read(key));
        }
    }
}

/// What a client that registers by its URL is taken to have said.
pub(super) fn registration(id: &str) -> Vec<u8> {
    let mut message = b"{\"connectionId\":\"".to_vec();
    json::escape_into(&mut message, id);
    message.extend_from_slice(b"\"}");
    message
}
