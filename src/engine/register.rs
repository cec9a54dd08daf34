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
use crate::hub::{Claim, ConnectionId, Sender};
use crate::routes;
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
        let id = ConnectionId::Name(Arc::from(name));
        self.claim(desk, place, id, message)
    }

    /// Claims `id`. If somebody owns it, that one is told to go, and nothing more is read here
    /// until then.
    pub(super) fn claim(
        &mut self,
        desk: &mut Desk,
        place: Place,
        id: ConnectionId,
        message: &[u8],
    ) -> Step {
        let who = match &id {
            ConnectionId::Name(name) => desk.hub.who_keys().who(name),
            ConnectionId::Uuid(_) | ConnectionId::Nobody => {
                desk.hub.who_keys().who(&id.to_string())
            }
        };
        let given = matches!(id, ConnectionId::Uuid(_));
        let claim = desk.hub.claim(who, place, given);
        let State::WebSocket(websocket) = &mut self.state else { return Step::Again };
        match claim {
            Claim::Granted { session } => {
                websocket.name = Name::Owned(Sender { id, who, session });
                if !message.is_empty() {
                    self.publish_text(desk, message);
                }
                Step::Again
            }
            Claim::Refused => self.refuse_message(desk, TAKEN_ID),
            Claim::Waiting { owner, displaced } => {
                let message = message.to_vec();
                websocket.name = Name::Waiting(Box::new(Waiting { id, who, message }));
                for gone in [Some(owner), displaced].into_iter().flatten() {
                    let letter = Letter::Replaced(gone.key);
                    desk.actions.push_back(Action::Post(gone.core, letter));
                }
                Step::Paused
            }
        }
    }
}

impl Conn {
    fn granted(&mut self, desk: &mut Desk, session: u64) {
        let State::WebSocket(websocket) = &mut self.state else { return };
        let Name::Waiting(waiting) = mem::replace(&mut websocket.name, Name::None) else { return };
        let Waiting { id, who, message } = *waiting;
        websocket.name = Name::Owned(Sender { id, who, session });
        self.publish_text(desk, &message);
    }
}

impl Engine {
    /// The connection owns the name it waited for.
    pub(super) fn granted(&mut self, key: ConnKey, session: u64) {
        if self.guarded(key, |conn, desk| conn.granted(desk, session)).is_some() {
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
