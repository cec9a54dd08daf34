//! What may change while the server runs: limits, routes, pages, who is let in.
//!
//! Knows: what a configuration decides for the engine.
//! Must not know: how a configuration is written, who reads it.

use super::Engine;
use crate::limits::Limits;
use crate::pages::Site;
use crate::routes::Table;
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
}

impl Engine {
    /// From now on `policy` holds. Whoever is there stays: a WebSocket keeps the route that it came
    /// by, and what was agreed on in its handshake.
    pub fn adopt(&mut self, policy: Arc<Policy>) {
        self.desk.deflater.set_bytes_min(policy.limits.deflate_bytes_min);
        self.desk.limits = Arc::clone(&policy.limits);
        self.desk.policy = policy;
    }
}
