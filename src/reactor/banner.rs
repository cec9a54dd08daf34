//! What is said when the server runs.
//!
//! Knows: addresses, standard error, the log.
//! Must not know: HTTP, WebSocket, SSE, rooms.

use super::listen;
use crate::config::Config;
use crate::engine::Serves;
use crate::limits::Limits;
use std::io::{self, Write};
use std::net::SocketAddr;

/// How it is said at the start what runs, and what to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Banner {
    /// For people, before anything is logged.
    Written,
    /// In one line of the log.
    Logged,
}

impl Banner {
    /// Says what runs, and what to try.
    pub(super) fn announce(self, config: &Config, bound: &[(SocketAddr, Serves)], nofile: u64) {
        let of = |serves: [Serves; 2]| {
            let mut found = bound.iter().filter(move |(_, one)| serves.contains(one));
            found.clone().map(|(addr, _)| addr.to_string()).collect::<Vec<_>>().join(", ")
                + if found.next().is_none() { "nothing" } else { "" }
        };
        let ws = of([Serves::WebSocket, Serves::Both]);
        let http = of([Serves::Http, Serves::Both]);
        let connections = config.limits.connections_max;
        let (pid, version) = (std::process::id(), env!("CARGO_PKG_VERSION"));
        if self == Banner::Logged {
            let cores = config.cores as u64;
            return log::info!(
                version, pid = pid, cores = cores, ws = ws.as_str(), http = http.as_str(),
                connections = connections as u64, descriptors = nofile;
                "tidegate runs"
            );
        }
        let port = |serves: Serves| {
            let found = bound.iter().find(|(_, one)| *one == serves || *one == Serves::Both);
            found.map_or(0, |(addr, _)| addr.port())
        };
        let (ws_port, http_port) = (port(Serves::WebSocket), port(Serves::Http));
        let mut lines = vec![
            format!("tidegate {version} on {} core(s)", config.cores),
            format!("  WebSockets on     {ws}"),
            format!("  events, HTTP on   {http}"),
        ];
        lines.extend(config.hints(ws_port, http_port).iter().map(|hint| format!("  {hint}")));
        lines.push(String::new());
        // Nobody may be there to hear it: that is no reason not to serve.
        let _ = io::stderr().write_all(lines.join("\n").as_bytes());
        // What was asked for and does not fit would have kept us from starting.
        let is_less = connections < Limits::default().connections_max
            && connections as u64 + listen::own_descriptors(config.cores) == nofile;
        let hint = if is_less { ": `tidegate check` says how to raise it" } else { "" };
        log::info!("pid {pid}, up to {connections} connections (descriptor limit {nofile}{hint})");
    }
}
