//! The end of a grant: its time is over, it was revoked, or its key is no more.
//!
//! Knows: what whoever was let in with it is told.
//! Must not know: what was presented for it, who revokes.
//!
//! By the wall clock, as grants say when they end by that. A look that comes early sets the next;
//! one that comes late, because our own process stood still, gives nobody more time.

use super::Engine;
use super::conn::{Conn, State};
use super::desk::Desk;
use super::end::End;
use super::policy::Policy;
use crate::auth::{Door, Grant};
use crate::bytes::{ConnKey, Now, Tick};
use crate::hub::Format;
use crate::sse;
use std::sync::Arc;
use std::time::Duration;

/// Why a grant holds no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lapse {
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
    /// The key that vouched for it is no more, or is another.
    KeyRemoved,
}

impl Lapse {
    /// What its holder is told.
    pub(super) fn reason(self) -> &'static str {
        match self {
            Lapse::Expired => "expired",
            Lapse::Revoked => "revoked",
            Lapse::KeyRemoved => "key-removed",
        }
    }
}

/// No look is set farther ahead than this: whatever a token says, ticks can be counted.
const LOOK_MAX: Duration = Duration::from_secs(24 * 3600);
/// The wall clock was set, or the machine slept, if it is so much ahead of where it should be.
const JUMP_MS_MIN: u64 = 500;

impl Engine {
    /// What the connection was let in with holds no more: a WebSocket is closed, a stream told so
    /// and ended, behind the event that it is in the middle of.
    pub(super) fn end_grant(&mut self, key: ConnKey, lapse: Lapse) {
        let Engine { conns, desk } = self;
        let Some(conn) = conns.find_mut(key) else { return };
        let end = match &conn.state {
            State::WebSocket(_) => End::lapsed(lapse),
            State::EventStream(stream) => {
                let format = stream.cursor.taste.format;
                let say = |out: &mut Vec<u8>| push_lapse(out, format, lapse);
                conn.outbox.append(&mut desk.pool, say);
                End::lapsed_stream(lapse)
            }
            // What is asked in one request is answered.
            State::Http(_) | State::Closing(_) => return,
        };
        self.end(key, end);
    }

    /// Ends whatever was let in by a key that is no more, and whatever takes a credential now and
    /// came without one.
    pub(super) fn end_removed(&mut self) {
        let policy = Arc::clone(&self.desk.policy);
        let is_removed = |conn: &Conn| match conn.grant() {
            Some(grant) => !policy.access.stands_by(grant),
            None => conn.door(&policy).is_some_and(|door| policy.access.is_on() && !door.open),
        };
        let removed = self.conns.iter().filter(|(_, conn)| is_removed(conn));
        let removed: Vec<ConnKey> = removed.map(|(key, _)| key).collect();
        removed.into_iter().for_each(|key| self.end_grant(key, Lapse::KeyRemoved));
    }

    /// If the wall clock has jumped ahead, more grants may be over than deadlines say.
    pub(super) fn mind_the_clock(&mut self, now: Now) {
        let began_ms = now.unix_ms.saturating_sub(now.monotonic.as_millis() as u64);
        let is_ahead = began_ms > self.desk.began_ms.saturating_add(JUMP_MS_MIN);
        if !is_ahead && began_ms >= self.desk.began_ms {
            return;
        }
        self.desk.began_ms = began_ms;
        for (key, conn) in self.conns.iter().filter(|_| is_ahead) {
            conn.watch_grant(&mut self.desk, key);
        }
    }
}

impl Conn {
    /// What it was let in with; nothing, where everybody may come in.
    pub(super) fn grant(&self) -> Option<&Arc<Grant>> {
        match &self.state {
            State::WebSocket(websocket) => websocket.grant.as_ref(),
            State::EventStream(stream) => stream.grant.as_ref(),
            State::Http(_) | State::Closing(_) => None,
        }
    }

    /// The door that it would have to come through if it came now; nothing, if each of its requests
    /// does so for itself.
    pub(super) fn door<'p>(&self, policy: &'p Policy) -> Option<&'p Arc<Door>> {
        let own = match &self.state {
            State::WebSocket(websocket) => {
                let path = &websocket.route.path;
                policy
                    .routes
                    .iter()
                    .find(|route| route.path == *path)
                    .and_then(|it| it.door.as_ref())
            }
            State::EventStream(_) => None,
            State::Http(_) | State::Closing(_) => return None,
        };
        Some(own.unwrap_or(&policy.access.door))
    }

    /// Whether its time is over.
    pub(super) fn is_expired(&self, desk: &Desk) -> bool {
        self.grant().is_some_and(|grant| grant.is_over(desk.now.unix_ms))
    }

    /// When its time is over, if that is known and not far.
    pub(super) fn expiry(&self, desk: &Desk) -> Option<Tick> {
        let expires_ms = self.grant()?.expires_ms()?;
        let left = Duration::from_millis(expires_ms.saturating_sub(desk.now.unix_ms));
        Some(desk.tick.after(left.min(LOOK_MAX)))
    }

    /// Has it looked at when its time is over.
    pub(super) fn watch_grant(&self, desk: &mut Desk, key: ConnKey) {
        if let Some(expiry) = self.expiry(desk) {
            desk.wake_by(key, expiry);
        }
    }
}

fn push_lapse(out: &mut Vec<u8>, format: Format, lapse: Lapse) {
    let reason = lapse.reason();
    if format.opened() == Format::Lines {
        let line = format!("{{\"type\":\"expired\",\"reason\":\"{reason}\"}}\n");
        out.extend_from_slice(line.as_bytes());
    } else {
        sse::expired_event(out, reason);
    }
}
