//! What may change while the server runs: limits, routes, pages, who is let in.
//!
//! Knows: what a configuration decides for the engine.
//! Must not know: how a configuration is written, who reads it.

use super::Engine;
use super::conn::{Conn, State};
use super::desk::Desk;
use crate::auth::Access;
use crate::bytes::ConnKey;
use crate::limits::Limits;
use crate::pages::Site;
use crate::routes::{Route, Table};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a configuration decides. All cores have the same, but for the moment in which it changes.
#[derive(Clone, Debug, Default)]
pub struct Policy {
    /// The limits of the server.
    pub limits: Arc<Limits>,
    /// What WebSockets do, by path.
    pub routes: Table,
    /// What is served on the HTTP side beside the server's own.
    pub site: Site,
    /// WebSocket clients that offer permessage-deflate get it.
    pub compression: bool,
    /// Origins of web pages that may connect, beside those of this machine; `*`: any.
    pub allow_origins: Vec<String>,
    /// Names that the server may be called by, beside those of this machine; `*`: any.
    pub allow_hosts: Vec<String>,
    /// Who may come in.
    pub access: Arc<Access>,
    /// Nobody is asked who they are, and whoever runs the server accepts that.
    pub insecure: bool,
}

impl Policy {
    /// How long one answer may become.
    pub(super) fn answer_bytes_max(&self) -> usize {
        let pages = self.site.iter().map(|(_, page)| page.bytes.len());
        let routes = self.routes.iter().flat_map(|route| {
            let limits = route.limits.as_deref().map(|limits| limits.message_bytes_max);
            let greeting = route.greeting.as_ref().map(String::len);
            [limits, greeting, route.answer_bytes_max()].into_iter().flatten()
        });
        pages.chain(routes).fold(self.limits.message_bytes_max, usize::max)
    }
}

impl Engine {
    /// From now on `policy` holds. Whoever is there stays if it may be there: a WebSocket keeps the
    /// route that it came by, and what was agreed on in its handshake.
    pub fn adopt(&mut self, policy: Arc<Policy>) {
        self.renew_routes(&policy.limits);
        self.desk.adopt(policy);
        self.end_removed();
        // What may take less time from now on is looked at earlier.
        for (key, conn) in self.conns.iter() {
            let look = conn.next_look(&self.desk);
            self.desk.wake_by(key, look);
        }
    }
}

impl Engine {
    /// Routes with limits of their own have all others from the server; those are `limits` now.
    fn renew_routes(&mut self, limits: &Limits) {
        // Many came by the same route. The old one is kept: nothing else gets its address.
        let mut renewed: BTreeMap<*const Route, [Arc<Route>; 2]> = BTreeMap::new();
        let has_own = |(key, conn): (ConnKey, &Conn)| conn.own_limits().is_some().then_some(key);
        let keys: Vec<ConnKey> = self.conns.iter().filter_map(has_own).collect();
        for key in keys {
            let Some(conn) = self.conns.find_mut(key) else { continue };
            let State::WebSocket(websocket) = &mut conn.state else { continue };
            let old = &websocket.route;
            let [_, new] = renewed.entry(Arc::as_ptr(old)).or_insert_with(|| {
                let new = old.renewed(&self.desk.limits, limits);
                [Arc::clone(old), Arc::new(new)]
            });
            websocket.route = Arc::clone(new);
        }
    }
}

impl Conn {
    fn own_limits(&self) -> Option<&Limits> {
        let State::WebSocket(websocket) = &self.state else { return None };
        websocket.route.limits.as_deref()
    }
}

impl Desk {
    fn adopt(&mut self, policy: Arc<Policy>) {
        self.deflater.set_bytes_min(policy.limits.deflate_bytes_min);
        // Who came before may still be sent what was longer.
        let answer = policy.answer_bytes_max().max(self.answer_bytes_max);
        self.answer_bytes_max = answer;
        self.widest = Limits {
            head_bytes_max: policy.limits.head_bytes_max.max(self.widest.head_bytes_max),
            outbox_bytes_max: policy.limits.outbox_bytes_max.max(self.widest.outbox_bytes_max),
            ..Limits::clone(&policy.limits)
        };
        self.heads.set_share(&policy.limits, self.setup.counters.len());
        self.limits = Arc::clone(&policy.limits);
        // The old one, with its pages, is held by nobody.
        self.setup.policy = Arc::clone(&policy);
        self.policy = policy;
    }
}
