//! What operators and their machines ask for: whether the server is well, what it counts, what it
//! can do.
//!
//! Knows: fixed answers, metrics, what keeps new connections from being welcome.
//! Must not know: connections' states, sockets.

use super::answer::{Manner, Problem};
use super::conn::Conn;
use super::desk::Desk;
use crate::http::{Request, Status};
use crate::limits::TURN_TIME_MAX;
use crate::metrics::{self, Counters, Gauges, Watch};
use std::fmt::Write;
use std::sync::atomic::Ordering;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

pub(super) const STOPPING: Problem =
    Problem::new(Status::ServiceUnavailable, "stopping", "The server is stopping; connect again.");
const FULL: Problem = Problem::new(
    Status::ServiceUnavailable,
    "full",
    "The server has as many connections as it may have (--max-connections).",
);
const OUT_OF_DESCRIPTORS: Problem = Problem::new(
    Status::ServiceUnavailable,
    "out-of-descriptors",
    "The process has no descriptor left for another connection (ulimit -n).",
);
const CORE_STUCK: Problem = Problem::new(
    Status::ServiceUnavailable,
    "core-stuck",
    "A core of the server has done nothing for its connections for 10 s.",
);

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
    pub(super) fn answer(
        self,
        request: &Request<'_>,
        manner: &Manner,
        conn: &mut Conn,
        desk: &mut Desk,
    ) {
        match self {
            Fixed::Hello => manner.body(conn, desk, JSON, br#"{"response":"world"}"#),
            Fixed::Live => manner.body(conn, desk, TEXT, b"ok\n"),
            Fixed::Ready => {
                let is_verbose = request.query().any(|(name, _)| name == "verbose");
                answer_ready(is_verbose, manner, conn, desk);
            }
            Fixed::Metrics => {
                let text = desk.metrics();
                manner.body(conn, desk, "text/plain; version=0.0.4; charset=utf-8", &text);
            }
            Fixed::OpenApi => manner.body(conn, desk, JSON, OPENAPI),
            Fixed::AsyncApi => manner.body(conn, desk, JSON, ASYNCAPI),
        }
    }
}

fn answer_ready(is_verbose: bool, manner: &Manner, conn: &mut Conn, desk: &mut Desk) {
    let checks = desk.checks();
    let worst = checks.iter().find_map(|check| check.problem.as_ref());
    match worst {
        None if is_verbose => manner.body(conn, desk, TEXT, report(&checks).as_bytes()),
        None => manner.body(conn, desk, TEXT, b"ok\n"),
        Some(problem) if is_verbose => {
            let again = [("Retry-After", "2")];
            let report = report(&checks);
            manner.body_with(conn, desk, problem.status, &again, TEXT, report.as_bytes());
        }
        Some(problem) => manner.problem(conn, desk, problem),
    }
}

/// One thing without which new connections are not welcome. No numbers: also strangers may ask.
#[derive(Debug)]
struct Check {
    name: &'static str,
    problem: Option<Problem>,
}

/// A line for each check, and one for all.
fn report(checks: &[Check]) -> String {
    let mut text = String::new();
    for Check { name, problem } in checks {
        // Writing to a String cannot fail.
        let _ = match problem {
            None => writeln!(text, "ok: {name}"),
            Some(problem) => writeln!(text, "error: {name}: {}: {}", problem.code, problem.detail),
        };
    }
    let is_ready = checks.iter().all(|check| check.problem.is_none());
    text + if is_ready { "ready\n" } else { "not ready\n" }
}

impl Desk {
    /// What is worth most comes first.
    fn checks(&self) -> [Check; 4] {
        let connections = self.setup.connections.load(Ordering::Relaxed);
        let is_full = connections >= self.limits.connections_max;
        let lacks_descriptors = self.watch.as_deref().is_some_and(Watch::lacks_descriptors);
        let check = |name, is_so: bool, problem| Check { name, problem: is_so.then_some(problem) };
        [
            check("running", self.is_draining(), STOPPING),
            check("connections", is_full, FULL),
            check("descriptors", lacks_descriptors, OUT_OF_DESCRIPTORS),
            check("cores", self.setup.counters.iter().any(|core| self.is_stuck(core)), CORE_STUCK),
        ]
    }

    /// Whether that core has been in one turn for so long that its connections must think us dead.
    /// A process that was stopped goes on with all cores, but not with all at once: so it must have
    /// been seen by a turn of ours before this one, and not just now.
    fn is_stuck(&self, core: &Counters) -> bool {
        let since = core.in_turn.since();
        let is_late = since.is_some_and(|since| since + TURN_TIME_MAX <= self.turned);
        is_late && self.tick >= self.grace
    }

    fn metrics(&self) -> Vec<u8> {
        let holdings = self.hub.holdings();
        let vault = &self.setup.vault;
        let gauges = Gauges {
            cores: self.setup.counters.len() as u64,
            ready: self.checks().iter().all(|check| check.problem.is_none()),
            draining: self.is_draining(),
            insecure: self.policy.insecure,
            rooms: holdings.rooms as u64,
            connection_ids: holdings.registered as u64,
            log_events: holdings.log_events as u64,
            log_bytes: holdings.log_bytes as u64,
            pinned_bytes: holdings.pinned_bytes as u64,
            tickets: vault.tickets.count() as u64,
            revocations: vault.revocations.count() as u64,
            connections_max: self.limits.connections_max as u64,
            rooms_max: self.limits.rooms_max as u64,
            log_bytes_max: self.limits.node_log_bytes_max as u64,
            vitals: self.watch.as_deref().map(Watch::vitals).unwrap_or_default(),
        };
        let cores: Vec<&Counters> = self.setup.counters.iter().collect();
        let mut text = Vec::new();
        metrics::render(&cores, &gauges, &mut text);
        text
    }
}
