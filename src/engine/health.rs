//! What operators and their machines ask for: whether the server is well, what it counts, what it
//! can do.
//!
//! Knows: fixed answers, metrics.
//! Must not know: connections' states, sockets.

use super::answer::{Manner, Problem};
use super::conn::Conn;
use super::desk::Desk;
use crate::http::Status;
use crate::metrics::{self, Counters, Gauges};

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

pub(super) const STOPPING: Problem =
    Problem::new(Status::ServiceUnavailable, "stopping", "The server is stopping; connect again.");

/// The HTTP side, in OpenAPI 3.1.
const OPENAPI: &[u8] = include_bytes!("../pages/openapi.json");
/// Messages and events, in AsyncAPI 3.0.
const ASYNCAPI: &[u8] = include_bytes!("../pages/asyncapi.json");

/// An answer that needs nothing but to be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fixed {
    Hello,
    /// Whether the process serves.
    Live,
    /// Whether it takes new work.
    Ready,
    Metrics,
    OpenApi,
    AsyncApi,
}

impl Fixed {
    pub(super) fn answer(self, manner: &Manner, conn: &mut Conn, desk: &mut Desk) {
        match self {
            Fixed::Hello => manner.body(conn, desk, JSON, br#"{"response":"world"}"#),
            Fixed::Ready if desk.is_draining() => manner.problem(conn, desk, &STOPPING),
            Fixed::Live | Fixed::Ready => manner.body(conn, desk, TEXT, b"ok\n"),
            Fixed::Metrics => {
                let text = desk.metrics();
                manner.body(conn, desk, "text/plain; version=0.0.4; charset=utf-8", &text);
            }
            Fixed::OpenApi => manner.body(conn, desk, JSON, OPENAPI),
            Fixed::AsyncApi => manner.body(conn, desk, JSON, ASYNCAPI),
        }
    }
}

impl Desk {
    fn metrics(&self) -> Vec<u8> {
        let holdings = self.hub.holdings();
        let vault = &self.setup.vault;
        let gauges = Gauges {
            cores: self.setup.counters.len() as u64,
            draining: self.is_draining(),
            insecure: self.policy.insecure,
            rooms: holdings.rooms as u64,
            connection_ids: holdings.registered as u64,
            log_events: holdings.log_events as u64,
            log_bytes: holdings.log_bytes as u64,
            pinned_bytes: holdings.pinned_bytes as u64,
            tickets: vault.tickets.count() as u64,
            revocations: vault.revocations.count() as u64,
        };
        let cores: Vec<&Counters> = self.setup.counters.iter().collect();
        let mut text = Vec::new();
        metrics::render(&cores, &gauges, &mut text);
        text
    }
}
