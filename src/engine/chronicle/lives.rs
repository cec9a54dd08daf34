//! Accounts of WebSockets and event streams: that they are there, how they ended, how much they
//! said.
//!
//! Knows: what each kind of connection is known by.
//! Must not know: why a connection ends.

use super::{Account, Level, Target, Wanted, Whence};
use crate::auth::Grant;
use crate::bytes::ConnKey;
use crate::engine::conn::{Conn, EventStream, State};
use crate::engine::cursor::Scope;
use crate::engine::desk::Desk;
use crate::engine::end::End;
use crate::engine::websocket::{Name, WebSocket};
use core::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Rooms of a stream that are told by name.
const ROOMS_TOLD_MAX: usize = 8;

/// What is remembered of every connection, by its slot, if everything is wanted; else nothing.
#[derive(Debug, Default)]
pub(super) struct Lives {
    is_kept: bool,
    rows: Vec<Life>,
}

/// What is remembered of one connection.
#[derive(Clone, Debug)]
struct Life {
    whence: Whence,
    /// For whom a proxy on this machine asked for it.
    claimed: Option<IpAddr>,
    /// When it became what it is.
    began: Duration,
    bytes_in: u64,
    bytes_out: u64,
    messages_in: u64,
}

impl Lives {
    pub(super) fn of(wanted: Wanted) -> Lives {
        Lives { is_kept: wanted.is_all(Target::Connection), rows: Vec::new() }
    }

    /// Whether nothing is remembered of anybody.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.rows.capacity() == 0
    }

    fn find(&self, key: ConnKey) -> Option<&Life> {
        self.rows.get(key.slot())
    }
}

/// What is counted. Where nothing is kept it costs a comparison.
impl Desk {
    /// A connection was accepted.
    pub(in crate::engine) fn note_life(&mut self, key: ConnKey, whence: Whence) {
        let Lives { is_kept, rows } = &mut self.chronicle.lives;
        if !*is_kept {
            return;
        }
        let life = Life {
            whence,
            claimed: None,
            began: self.now.monotonic,
            bytes_in: 0,
            bytes_out: 0,
            messages_in: 0,
        };
        if rows.len() <= key.slot() {
            rows.resize(key.slot() + 1, life.clone());
        }
        rows[key.slot()] = life;
    }

    pub(in crate::engine) fn note_bytes_in(&mut self, key: ConnKey, bytes: usize) {
        if let Some(life) = self.chronicle.lives.rows.get_mut(key.slot()) {
            life.bytes_in += bytes as u64;
        }
    }

    pub(in crate::engine) fn note_bytes_out(&mut self, key: ConnKey, bytes: usize) {
        if let Some(life) = self.chronicle.lives.rows.get_mut(key.slot()) {
            life.bytes_out += bytes as u64;
        }
    }

    pub(in crate::engine) fn note_message_in(&mut self, key: ConnKey) {
        if let Some(life) = self.chronicle.lives.rows.get_mut(key.slot()) {
            life.messages_in += 1;
        }
    }
}

impl Conn {
    /// It is a WebSocket or an event stream from now on.
    pub(super) fn tell_opened(&self, desk: &mut Desk, key: ConnKey, claimed: Option<IpAddr>) {
        if !desk.is_to_tell(Target::Connection, Level::Debug) {
            return;
        }
        if let Some(life) = desk.chronicle.lives.rows.get_mut(key.slot()) {
            life.claimed = claimed;
            life.began = desk.now.monotonic;
        }
        let account = |message| Account::new(Target::Connection, Level::Debug, message);
        let account = match &self.state {
            State::WebSocket(websocket) => {
                desk.of_websocket(account("WebSocket opened"), key, websocket)
            }
            State::EventStream(stream) => desk.of_stream(account("stream opened"), key, stream),
            State::Http(_) | State::Closing(_) => return,
        };
        desk.tell(account);
    }
}

impl Desk {
    /// A WebSocket ends like that.
    pub(in crate::engine) fn tell_websocket_end(
        &mut self,
        key: ConnKey,
        websocket: &WebSocket,
        end: &End,
    ) {
        if !self.is_to_tell(Target::Connection, end.level()) {
            return;
        }
        let account = Account::new(Target::Connection, end.level(), "WebSocket closed");
        let mut account = self.of_websocket(account, key, websocket);
        account = account
            .with("code", u64::from(end.code().0))
            .with("by", end.by().name())
            .with_some("reason", end.told_reason().map(str::to_owned))
            .with("seconds", self.lasted(key, websocket));
        if let Some(life) = self.chronicle.lives.find(key) {
            account = account
                .with("bytes-in", life.bytes_in)
                .with("bytes-out", life.bytes_out)
                .with("messages-in", life.messages_in);
        }
        self.tell(account);
    }

    /// How long it was there. What nobody remembers is told by the wall clock, which may be set.
    fn lasted(&self, key: ConnKey, websocket: &WebSocket) -> Duration {
        let lasted_ms = self.now.unix_ms.saturating_sub(websocket.connected_ms);
        let life = self.chronicle.lives.find(key);
        life.map_or(Duration::from_millis(lasted_ms), |life| self.lived(life))
    }

    fn lived(&self, life: &Life) -> Duration {
        self.now.monotonic.saturating_sub(life.began)
    }

    /// An event stream ends like that.
    pub(in crate::engine) fn tell_stream_end(
        &mut self,
        key: ConnKey,
        stream: &EventStream,
        end: &End,
    ) {
        if !self.is_to_tell(Target::Connection, end.level()) {
            return;
        }
        let account = Account::new(Target::Connection, end.level(), "stream ended");
        let mut account = self
            .of_stream(account, key, stream)
            .with("by", end.by().name())
            .with_some("reason", end.told_reason().map(str::to_owned));
        if let Some(life) = self.chronicle.lives.find(key) {
            let lasted = self.lived(life);
            account = account.with("seconds", lasted).with("bytes-out", life.bytes_out);
        }
        self.tell(account);
    }

    /// Who is at the other end.
    fn of_peer(&self, mut account: Account, key: ConnKey) -> Account {
        match self.chronicle.lives.find(key) {
            Some(Life { whence, claimed, .. }) => account
                .with("peer", whence.to_string())
                .with_some("forwarded-for", claimed.map(|address| address.to_string())),
            None => {
                account.about = Some(key);
                account
            }
        }
    }

    fn of_websocket(&self, account: Account, key: ConnKey, websocket: &WebSocket) -> Account {
        let (id, session) = match &websocket.name {
            Name::Owned(sender) => (Some(&sender.id), Some(sender.session)),
            Name::Waiting(waiting) => (Some(&waiting.id), None),
            Name::None => (None, None),
        };
        let room = websocket.room().map(|room| self.rooms.room(room).name.to_string());
        let account = self
            .of_peer(account, key)
            .with_some("connectionId", id.map(ToString::to_string))
            .with_some("session", session);
        of_grant(account, websocket.grant.as_ref())
            .with("route", websocket.route.path.to_string())
            .with_some("room", room)
    }

    fn of_stream(&self, account: Account, key: ConnKey, stream: &EventStream) -> Account {
        let account = of_grant(self.of_peer(account, key), stream.grant.as_ref());
        let name = |room: &u32| self.rooms.room(*room).name.to_string();
        let (rooms, whos) = match &stream.cursor.scope {
            Scope::All | Scope::Group(_) => (Vec::new(), 0),
            Scope::Room(room) => (vec![name(room)], 0),
            Scope::Selected(selected) => {
                let told = selected.rooms.iter().take(ROOMS_TOLD_MAX).map(name);
                let more = selected.rooms.len().saturating_sub(ROOMS_TOLD_MAX);
                let more = (more > 0).then(|| format!("{more} more"));
                (told.chain(more).collect(), selected.whos.len())
            }
        };
        let rooms = Some(rooms).filter(|rooms| !rooms.is_empty());
        account
            .with_some("room", rooms.map(|rooms| rooms.join(", ")))
            .with_some("connectionIds", Some(whos as u64).filter(|whos| *whos > 0))
    }
}

fn of_grant(account: Account, grant: Option<&Arc<Grant>>) -> Account {
    let Some(grant) = grant else { return account };
    account
        .with_some("subject", grant.subject().map(str::to_owned))
        .with("key", grant.key().to_string())
}
