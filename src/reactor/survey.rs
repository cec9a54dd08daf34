//! Whether the system gives what a configuration needs, and what to do where it does not.
//!
//! Knows: descriptors, addresses, the kernel's settings, processors, memory.
//! Must not know: how a configuration is written, what is served.
//!
//! Nothing is changed, and nobody is listened to.

use super::obstacle::Obstacle;
use super::{Serves, StartError, addresses, is_spare, listen, owner, system};
use crate::config::Config;
use crate::limits::Limits;
use rustix::process::{Resource, Rlimit, getrlimit};
use std::fmt;
use std::net::SocketAddr;
use std::thread;

/// What a connection takes that is idle, the kernel's part of it included.
const CONNECTION_BYTES: u64 = 4096;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub weight: Weight,
    /// What it is, and what to do about it.
    pub text: String,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Weight {
    /// Not at all.
    Ok,
    /// A server starts, but not all is as it should be.
    Warning,
    /// A server would not start.
    Error,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weight = match self.weight {
            Weight::Ok => "ok",
            Weight::Warning => "warning",
            Weight::Error => "error",
        };
        write!(f, "{weight}: {}", self.text)
    }
}

fn ok(text: String) -> Finding {
    Finding { weight: Weight::Ok, text }
}

fn warning(text: String) -> Finding {
    Finding { weight: Weight::Warning, text }
}

fn error(text: String) -> Finding {
    Finding { weight: Weight::Error, text }
}

/// Looks at all that a server with this configuration needs of the system.
pub fn survey(config: &Config) -> Vec<Finding> {
    let nofile = getrlimit(Resource::Nofile);
    let there = thread::available_parallelism().map_or(1, usize::from);
    let mut findings = vec![descriptors(config, nofile)];
    findings.extend(listeners(config));
    findings.push(backlog(system::sysctl("net.core.somaxconn")));
    findings.push(half_open(
        system::sysctl("net.ipv4.tcp_max_syn_backlog"),
        system::sysctl("net.ipv4.tcp_syncookies"),
    ));
    findings.push(cores(config.cores, there));
    let connections = connections(config, nofile).unwrap_or(config.limits.connections_max);
    findings.extend(system::memory().map(|bytes| memory(config, connections, bytes)));
    findings
}

/// How many there may be when a server has raised its limit.
fn connections(config: &Config, Rlimit { maximum, .. }: Rlimit) -> Result<usize, StartError> {
    listen::connections_of(maximum.unwrap_or(u64::MAX), &config.limits, config.cores)
}

/// How a process is allowed so many descriptors.
pub(super) fn raise_descriptors(needed: u64) -> String {
    format!(
        "raise the limit: `ulimit -n {needed}` as root in the shell that starts it, \
         LimitNOFILE={needed} in a unit of systemd, `--ulimit nofile={needed}` for docker run"
    )
}

fn descriptors(config: &Config, nofile: Rlimit) -> Finding {
    let Rlimit { current, maximum } = nofile;
    let limit = |limit: Option<u64>| limit.map_or("none".to_owned(), |limit| limit.to_string());
    let wanted = config.limits.connections_max;
    match connections(config, nofile) {
        Err(start) => error(format!("descriptors: {start}")),
        Ok(fits) if fits < wanted => {
            let needed = wanted as u64 + listen::own_descriptors(config.cores);
            let how = raise_descriptors(needed);
            warning(format!(
                "descriptors: the hard limit of {} is enough for {fits} connections instead of \
                 {wanted}; {how}, or set --max-connections",
                limit(maximum)
            ))
        }
        Ok(fits) if current == maximum => ok(format!(
            "descriptors: enough for {fits} connections; the limit is {}",
            limit(current)
        )),
        Ok(fits) => ok(format!(
            "descriptors: enough for {fits} connections; the limit of {} is raised to {} at the \
             start",
            limit(current),
            limit(maximum)
        )),
    }
}

/// Whether every address can be listened on.
fn listeners(config: &Config) -> Vec<Finding> {
    let all = addresses(config);
    let options = listen::Options::new(config.send_buffer, &config.limits);
    let mut findings = Vec::new();
    for (number, (addr, serves)) in all.iter().enumerate() {
        let what = match serves {
            Serves::WebSocket => "WebSockets",
            Serves::Http => "events, HTTP",
            Serves::Both => "WebSockets, events, HTTP",
        };
        // Sockets for IPv6 are opened for that alone.
        let is_same = |other: &SocketAddr| other.is_ipv6() == addr.is_ipv6();
        let covers = |other: &SocketAddr| is_same(other) && owner::overlap(*other, *addr);
        let twice = all[..number].iter().find(|(other, _)| covers(other));
        findings.push(match (twice, listen::try_alone(*addr, options)) {
            (Some((other, _)), _) => {
                error(format!("address: {addr} is a part of {other}; leave one of them out"))
            }
            (None, Ok(())) => ok(format!("address: {addr} is free for {what}")),
            (None, Err(why)) => unavailable(*addr, *serves, &all, Obstacle::of(*addr, why)),
        });
    }
    findings
}

fn unavailable(
    addr: SocketAddr,
    serves: Serves,
    all: &[(SocketAddr, Serves)],
    obstacle: Obstacle,
) -> Finding {
    let text = format!("address: {}", obstacle.of_address(addr));
    match obstacle {
        // It may be the very server that is to read this configuration.
        Obstacle::InUse { .. } => {
            warning(text + ", or leave it if that is the server that this is for")
        }
        obstacle if is_spare(addr, serves, all, &obstacle) => warning(text),
        _ => error(text),
    }
}

/// Clients that have got through, and wait to be accepted.
fn backlog(somaxconn: Option<u64>) -> Finding {
    let wanted = u64::from(listen::BACKLOG);
    match somaxconn {
        None => ok("net.core.somaxconn: this system does not tell".to_owned()),
        Some(most) if most < wanted => warning(format!(
            "net.core.somaxconn is {most}: of clients that come all at once only so many can wait \
             for a core; `sudo sysctl -w net.core.somaxconn={wanted}`, or `--sysctl \
             net.core.somaxconn={wanted}` for docker run"
        )),
        Some(most) => ok(format!(
            "net.core.somaxconn is {most}: of clients that come all at once {wanted} can wait for \
             a core"
        )),
    }
}

/// Clients that have not got through yet. With cookies nobody has to be remembered (tcp(7)).
fn half_open(most: Option<u64>, cookies: Option<u64>) -> Finding {
    let name = "net.ipv4.tcp_max_syn_backlog";
    let wanted = u64::from(listen::BACKLOG);
    match (most, cookies) {
        (Some(most), Some(0)) if most < wanted => warning(format!(
            "{name} is {most}, and net.ipv4.tcp_syncookies is 0: of clients that come all at once \
             some get no answer; `sudo sysctl -w net.ipv4.tcp_syncookies=1`, or `sudo sysctl -w \
             {name}={wanted}`"
        )),
        (Some(most), Some(0)) => ok(format!("{name} is {most}")),
        (Some(most), _) => ok(format!("{name} is {most}, and more get through by SYN cookies")),
        (None, _) => ok(format!("{name}: this system does not tell")),
    }
}

fn cores(wanted: usize, there: usize) -> Finding {
    if wanted > there {
        return warning(format!(
            "cores: {wanted} threads share {there} processor(s), and wait for one another; \
             --cores {there}, or leave it out"
        ));
    }
    ok(format!("cores: {wanted} of {there} processor(s)"))
}

/// Whether what a server may come to hold fits into memory.
fn memory(config: &Config, connections: usize, there: u64) -> Finding {
    let Limits { node_log_bytes_max, node_bodies_bytes_max, node_heads_bytes_max, .. } =
        config.limits;
    let shared = node_log_bytes_max + node_bodies_bytes_max + node_heads_bytes_max;
    let connections = connections as u64;
    let needed = (shared as u64).saturating_add(connections.saturating_mul(CONNECTION_BYTES));
    let what = format!(
        "full logs, what is being received, and {connections} idle connections take about {}",
        mebibytes(needed)
    );
    let there = (mebibytes(there), there);
    if needed > there.1 {
        return warning(format!(
            "memory: {what}, and this process may have {}; lower --node-log or --max-connections, \
             or give it more (MemoryMax= in a unit of systemd, `--memory` for docker run)",
            there.0
        ));
    }
    ok(format!("memory: {what} of {}", there.0))
}

fn mebibytes(bytes: u64) -> String {
    format!("{}MiB", bytes >> 20)
}

#[cfg(test)]
mod tests;
