//! Going by a new policy.
//!
//! Knows: the number of the policy that this core goes by, socket options.
//! Must not know: HTTP, WebSocket, SSE, rooms.

use super::Reactor;
use crate::reactor::listen;
use socket2::SockRef;
use std::sync::Arc;

impl Reactor<'_> {
    /// Goes by the latest policy from this turn on.
    pub(super) fn adopt(&mut self) {
        if !self.shared.rules().is_later(self.rules) {
            return;
        }
        let Some((number, policy)) = self.shared.rules().latest() else { return };
        let user_timeout = listen::user_timeout(&policy.limits);
        if user_timeout != listen::user_timeout(&self.setup.policy.limits) {
            let open = self.sockets.iter().flatten().map(|socket| SockRef::from(&socket.stream));
            for socket in self.gates.listeners().map(|gate| SockRef::from(&*gate)).chain(open) {
                // What is gone already needs none.
                let _ = socket.set_tcp_user_timeout(Some(user_timeout));
            }
        }
        self.engine.adopt(Arc::clone(&policy));
        self.setup.policy = policy;
        self.rules = number;
        self.shared.rules().note_adopted(number);
    }
}
