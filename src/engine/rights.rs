//! What a WebSocket may say, where, and under which name.
//!
//! Knows: its grant, and what of that each message asks for.
//! Must not know: what was presented for it, what becomes of a message.
//!
//! Whether it may publish in its home room is made out when it comes, and when its grant changes:
//! of each message only one byte is asked. Other rooms are looked up when it names them.

use super::Step;
use super::conn::{Conn, State};
use super::desk::Desk;
use super::messages::Refusal;
use super::rooms::LocalRooms;
use super::websocket::WebSocket;
use crate::bytes::ConnKey;
use crate::json;

const MAY_NOT_PUBLISH: Refusal = Refusal {
    code: "not-allowed",
    message: "the credential does not give the right to publish in this room",
};
const MAY_NOT_SUBSCRIBE: Refusal = Refusal {
    code: "not-allowed",
    message: "the credential does not give the right to read this room (subscribe)",
};
const TAKES_A_CREDENTIAL: Refusal = Refusal {
    code: "not-allowed",
    message: "without a credential there is only the room of this path",
};
const MAY_NOT_BE_CALLED: Refusal = Refusal {
    code: "not-allowed",
    message: "the credential does not give the right to this \"connectionId\"",
};

/// What is asked with each message and each delivery: one byte, as there is no room for more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Conduct(u8);

impl Conduct {
    const LEAVES_OUT_OWN: u8 = 1;
    const MUTE: u8 = 2;
    const REFRESHES: u8 = 4;

    /// Of one that may say anything.
    pub(super) fn new(leaves_out_own: bool) -> Conduct {
        Conduct(if leaves_out_own { Conduct::LEAVES_OUT_OWN } else { 0 })
    }

    /// As a member it is not sent what it has said itself.
    pub(super) fn leaves_out_own(self) -> bool {
        self.0 & Conduct::LEAVES_OUT_OWN != 0
    }

    /// It may not publish in its home room.
    pub(super) fn is_mute(self) -> bool {
        self.0 & Conduct::MUTE != 0
    }

    /// Its grant has an end, so that it may bring a newer credential.
    pub(super) fn refreshes(self) -> bool {
        self.0 & Conduct::REFRESHES != 0
    }

    /// Whether its messages are looked at before they are what they are.
    #[inline]
    pub(super) fn is_watched(self) -> bool {
        self.0 & (Conduct::MUTE | Conduct::REFRESHES) != 0
    }

    fn set(&mut self, bit: u8, is_set: bool) {
        self.0 = if is_set { self.0 | bit } else { self.0 & !bit };
    }
}

impl WebSocket {
    /// Makes out what its grant, which is new, lets it say.
    pub(super) fn weigh(&mut self, rooms: &LocalRooms) {
        let home = self.room().map(|room| &*rooms.room(room).name);
        let is_said = self.route.publish || self.route.broadcast().is_some();
        let is_mute = |home: &str| self.grant.as_ref().is_some_and(|it| !it.may_publish(home));
        let is_mute = is_said && home.is_some_and(is_mute);
        let refreshes = self.grant.as_ref().is_some_and(|grant| grant.expires_ms().is_some());
        self.conduct.set(Conduct::MUTE, is_mute);
        self.conduct.set(Conduct::REFRESHES, refreshes);
    }
}

impl Conn {
    /// Deals with what is no message like any other on this connection. `None`: it is one.
    pub(super) fn take_watched(
        &mut self,
        desk: &mut Desk,
        key: ConnKey,
        (binary, bytes): (bool, &[u8]),
    ) -> Option<Step> {
        let State::WebSocket(websocket) = &self.state else { return None };
        let conduct = websocket.conduct;
        if conduct.refreshes() && !binary && json::is_refresh(bytes) {
            return Some(self.refresh(desk, key, bytes));
        }
        // What a member says may be for the server, or for another room.
        let is_judged_later = websocket.route.broadcast().is_some();
        let is_refused = conduct.is_mute() && !is_judged_later;
        is_refused.then(|| self.refuse_message(desk, MAY_NOT_PUBLISH))
    }

    /// Whether it may publish in `room`, as this core numbers it.
    pub(super) fn check_publish(&self, desk: &Desk, room: u32) -> Result<(), Refusal> {
        let State::WebSocket(websocket) = &self.state else { return Ok(()) };
        let may = match &websocket.grant {
            None => true,
            Some(_) if websocket.room() == Some(room) => !websocket.conduct.is_mute(),
            Some(grant) => grant.may_publish(&desk.rooms.room(room).name),
        };
        if may { Ok(()) } else { Err(MAY_NOT_PUBLISH) }
    }

    /// Whether it may be a member of the room `name`.
    pub(super) fn check_subscribe(&self, desk: &Desk, name: &str) -> Result<(), Refusal> {
        match self.grant() {
            Some(grant) if grant.may_subscribe(name) => Ok(()),
            Some(_) => Err(MAY_NOT_SUBSCRIBE),
            None if !desk.policy.access.is_on() || self.is_open_room(desk, name) => Ok(()),
            None => Err(TAKES_A_CREDENTIAL),
        }
    }

    /// Whether the room `name` is one that this connection's path, which is for everybody, leads
    /// to: an open route opens no other rooms.
    fn is_open_room(&self, desk: &Desk, name: &str) -> bool {
        let State::WebSocket(websocket) = &self.state else { return false };
        let is_home = || websocket.room().is_some_and(|room| &*desk.rooms.room(room).name == name);
        websocket.route.path.has_room() || is_home()
    }

    /// Whether it may be called `id`.
    pub(super) fn check_name(&self, desk: &Desk, id: &str) -> Result<(), Refusal> {
        let is_barred = || desk.setup.vault.revocations.bar(id, desk.now.unix_ms);
        let may = self.grant().is_none_or(|grant| grant.may_be_called(id)) && !is_barred();
        if may { Ok(()) } else { Err(MAY_NOT_BE_CALLED) }
    }

    /// Whether nothing that it says is published in its home room.
    pub(super) fn is_mute(&self) -> bool {
        matches!(&self.state, State::WebSocket(websocket) if websocket.conduct.is_mute())
    }
}
