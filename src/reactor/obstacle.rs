//! Why an address cannot be listened on, and what to do about it.
//!
//! Knows: what the system says, and who has an address already.
//! Must not know: what would be served there.

use super::owner::{self, Owner};
use std::fmt;
use std::fs;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;

/// Why.
#[derive(Debug)]
pub enum Obstacle {
    /// Somebody listens there.
    InUse {
        /// As far as the system tells.
        by: Option<Owner>,
    },
    /// It takes a privilege to listen on so low a port.
    Privileged {
        /// The lowest that takes none.
        from: u64,
    },
    /// It is an address of another machine.
    NotHere,
    /// The machine does not speak it.
    NoIpv6,
    /// Whatever else the system says.
    Other(io::Error),
}

/// The lowest port that takes no privilege; Linux has this one unless told otherwise.
const UNPRIVILEGED_PORT: u64 = 1024;

impl Obstacle {
    /// What `error` means that came of trying `addr`. Somebody who has it is looked for.
    pub(super) fn of(addr: SocketAddr, error: io::Error) -> Obstacle {
        match error.kind() {
            ErrorKind::AddrInUse => Obstacle::InUse { by: owner::of(addr) },
            ErrorKind::PermissionDenied => {
                let path = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
                let from = fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok());
                let from = from.unwrap_or(UNPRIVILEGED_PORT);
                // It may be another rule of the system that forbids it.
                let is_low = u64::from(addr.port()) < from;
                if is_low { Obstacle::Privileged { from } } else { Obstacle::Other(error) }
            }
            // A machine that has switched IPv6 off says of its loopback that it is nobody's.
            ErrorKind::AddrNotAvailable if addr.is_ipv6() && addr.ip().is_loopback() => {
                Obstacle::NoIpv6
            }
            ErrorKind::AddrNotAvailable => Obstacle::NotHere,
            _ if addr.is_ipv6() && is_about_family(&error) => Obstacle::NoIpv6,
            _ => Obstacle::Other(error),
        }
    }

    /// What is so, and what to do about it, of the address that it is about.
    pub(super) fn of_address(&self, addr: SocketAddr) -> String {
        let port = addr.port();
        let choose = "choose another with --ws-addr or --http-addr";
        match self {
            Obstacle::InUse { by: Some(Owner::Process { pid, .. }) }
                if *pid == std::process::id() =>
            {
                format!(
                    "{addr} is in use already, by another address of --ws-addr or --http-addr; \
                         leave one of them out"
                )
            }
            Obstacle::InUse { by: Some(owner @ Owner::Process { pid, .. }) } => {
                format!(
                    "{addr} is in use already, by {owner}; end that with `kill {pid}`, or \
                         {choose}"
                )
            }
            Obstacle::InUse { by } => {
                let by = by.as_ref().map(|owner| format!(", by {owner}")).unwrap_or_default();
                format!(
                    "{addr} is in use already{by}; `sudo ss -ltnp 'sport = :{port}'` names the \
                         process, or {choose}"
                )
            }
            Obstacle::Privileged { from } => format!(
                "{addr}: ports below {from} take a privilege; `sudo setcap \
                 cap_net_bind_service=+ep {}` gives it, or \
                 AmbientCapabilities=CAP_NET_BIND_SERVICE in a unit of systemd, or {choose}",
                program()
            ),
            Obstacle::NotHere => {
                let all = if addr.is_ipv6() { "[::]" } else { "0.0.0.0" };
                format!(
                    "{addr} is no address of this machine; `ip -brief address` lists its \
                         addresses, and {all}:{port} is all of them"
                )
            }
            Obstacle::NoIpv6 => {
                format!(
                    "{addr}: this machine does not speak IPv6; leave the address out, or \
                         {choose}"
                )
            }
            Obstacle::Other(error) => format!("cannot listen on {addr}: {error}; {choose}"),
        }
    }
}

/// The standard library has no name for it.
fn is_about_family(error: &io::Error) -> bool {
    use rustix::io::Errno;
    Errno::from_io_error(error) == Some(Errno::AFNOSUPPORT)
}

/// The file of this program.
fn program() -> impl fmt::Display {
    let path = std::env::current_exe().unwrap_or_else(|_| "tidegate".into());
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn each_obstacle_says_what_to_do() {
        let process = |pid| Some(Owner::Process { pid, name: "nginx".to_owned() });
        let own = std::process::id();
        for (obstacle, addr, parts) in [
            (
                Obstacle::InUse { by: process(77) },
                "127.0.0.1:8080",
                &["nginx (pid 77)", "`kill 77`"][..],
            ),
            (Obstacle::InUse { by: process(own) }, "127.0.0.1:8080", &["leave one of them out"]),
            (Obstacle::InUse { by: None }, "127.0.0.1:8080", &["'sport = :8080'", "--ws-addr"]),
            (Obstacle::InUse { by: Some(Owner::User(0)) }, "[::1]:1", &["root", "'sport = :1'"]),
            (Obstacle::Privileged { from: 1024 }, "127.0.0.1:80", &["below 1024", "setcap"]),
            (Obstacle::NotHere, "10.0.0.1:80", &["no address of this machine", "0.0.0.0:80"]),
            (Obstacle::NotHere, "[fd00::1]:80", &["[::]:80"]),
            (Obstacle::NoIpv6, "[::1]:80", &["IPv6", "leave"]),
            (Obstacle::Other(ErrorKind::Other.into()), "127.0.0.1:80", &["--http-addr"]),
        ] {
            let said = obstacle.of_address(addr.parse().expect(addr));
            assert!(said.contains(addr) && !said.contains('\n') && !said.contains("  "), "{said}");
            assert!(parts.iter().all(|part| said.contains(part)), "{said}");
        }
    }

    #[test]
    fn what_the_system_says_is_understood() {
        let of = |addr: &str, errno: Errno| Obstacle::of(addr.parse().expect(addr), errno.into());
        let free = "127.0.0.1:1";
        assert!(matches!(of(free, Errno::ADDRINUSE), Obstacle::InUse { by: None }));
        assert!(matches!(of(free, Errno::ADDRNOTAVAIL), Obstacle::NotHere));
        assert!(matches!(of("[::1]:1", Errno::ADDRNOTAVAIL), Obstacle::NoIpv6));
        assert!(matches!(of("[fd00::1]:1", Errno::ADDRNOTAVAIL), Obstacle::NotHere));
        assert!(matches!(of("[::1]:1", Errno::AFNOSUPPORT), Obstacle::NoIpv6));
        assert!(matches!(of("127.0.0.1:65535", Errno::ACCESS), Obstacle::Other(_)));
        assert!(matches!(of(free, Errno::NOBUFS), Obstacle::Other(_)));
    }
}
