//! Who listens on an address already, as far as /proc tells.
//!
//! Knows: /proc/net/tcp, what processes hold open.
//! Must not know: why anybody asks.

use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

/// Who has an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// A process that we may look at.
    Process {
        /// Its number.
        pid: u32,
        /// What it is called, with its program if that is called otherwise; empty: nobody knows.
        name: String,
    },
    /// A process of somebody else, whose user has this number.
    User(u32),
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Owner::Process { pid, name } if name.is_empty() => {
                write!(f, "a process whose name is not known (pid {pid})")
            }
            // A process may call itself anything.
            Owner::Process { pid, name } => write!(f, "{} (pid {pid})", name.escape_debug()),
            Owner::User(0) => write!(f, "a process of root"),
            Owner::User(uid) => write!(f, "a process of the user with number {uid}"),
        }
    }
}

/// Who has `addr`, or something that `addr` is a part of.
pub(super) fn of(addr: SocketAddr) -> Option<Owner> {
    let tables = ["/proc/self/net/tcp", "/proc/self/net/tcp6"];
    let tables = tables.iter().filter_map(|table| fs::read_to_string(table).ok());
    let all: Vec<_> = tables.flat_map(|table| listening(&table)).collect();
    let exact = all.iter().find(|one| one.addr == addr);
    let found = exact.or_else(|| all.iter().find(|one| overlap(one.addr, addr)))?;
    let process = process_with(found.inode, Path::new("/proc"));
    Some(process.unwrap_or(Owner::User(found.uid)))
}

/// A socket that is listened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Listening {
    addr: SocketAddr,
    uid: u32,
    inode: u64,
}

/// The lines of /proc/net/tcp, proc(5), whose state is LISTEN.
fn listening(table: &str) -> Vec<Listening> {
    const LISTEN: &str = "0A";
    let line = |line: &str| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        let [_, addr, _, LISTEN, _, _, _, uid, _, inode, ..] = fields[..] else { return None };
        Some(Listening { addr: address(addr)?, uid: uid.parse().ok()?, inode: inode.parse().ok()? })
    };
    table.lines().filter_map(line).collect()
}

/// An address as the kernel prints it: words of 32 bits, each in the machine's own order.
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let word = |at: usize| Some(u32::from_str_radix(ip.get(at..at + 8)?, 16).ok()?.to_ne_bytes());
    let ip = match ip.len() {
        8 => IpAddr::V4(Ipv4Addr::from(word(0)?)),
        32 => {
            let words = [word(0)?, word(8)?, word(16)?, word(24)?];
            IpAddr::V6(Ipv6Addr::from(<[u8; 16]>::try_from(words.concat()).ok()?))
        }
        _ => return None,
    };
    Some(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?))
}

/// Whether not both can be listened on. Of `[::]` it is not told whether it takes IPv4, too; most
/// do.
pub(super) fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let (a, b) = (one.ip().to_canonical(), other.ip().to_canonical());
    let covers =
        |all: IpAddr, one: IpAddr| all.is_unspecified() && (all.is_ipv6() || one.is_ipv4());
    one.port() != 0 && one.port() == other.port() && (a == b || covers(a, b) || covers(b, a))
}

/// The process that holds the socket open, if we may see that.
fn process_with(inode: u64, proc: &Path) -> Option<Owner> {
    let socket = format!("socket:[{inode}]");
    for process in fs::read_dir(proc).ok()?.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let Ok(descriptors) = fs::read_dir(process.path().join("fd")) else { continue };
        let mut open = descriptors.flatten().filter_map(|one| fs::read_link(one.path()).ok());
        if open.any(|target| target.as_os_str() == socket.as_str()) {
            let comm = fs::read(process.path().join("comm")).unwrap_or_default();
            let program = fs::read_link(process.path().join("exe")).ok();
            return Some(Owner::Process { pid, name: called(&comm, program.as_deref()) });
        }
    }
    None
}

/// What a process is called: as it calls itself, which may be anything or nothing, and by its
/// program where that has another name.
fn called(comm: &[u8], program: Option<&Path>) -> String {
    let comm = comm.strip_suffix(b"\n").unwrap_or(comm);
    let comm = String::from_utf8_lossy(comm);
    let Some(program) = program else { return comm.into_owned() };
    // The system keeps the first 15 bytes of a name.
    let file = program.file_name().unwrap_or_default().to_string_lossy();
    match &*comm {
        "" => program.to_string_lossy().into_owned(),
        _ if file.starts_with(&*comm) => comm.into_owned(),
        _ => format!("{comm} of {}", program.to_string_lossy()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn who_has_an_address_is_found() {
        let addr = |listener: &TcpListener| listener.local_addr().expect("bound");
        let own = std::process::id();
        for any in ["127.0.0.1:0", "0.0.0.0:0", "[::1]:0", "[::]:0"] {
            // A machine may have no IPv6.
            let Ok(listener) = TcpListener::bind(any) else { continue };
            let Some(Owner::Process { pid, name }) = of(addr(&listener)) else {
                panic!("nobody has {any}");
            };
            assert!(pid == own && !name.is_empty(), "{any}: {pid} {name}");
            let part = SocketAddr::new([127, 0, 0, 1].into(), addr(&listener).port());
            assert_eq!(of(part).is_some(), any != "[::1]:0", "{any} has {part}");
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let gone = addr(&listener);
        drop(listener);
        assert_eq!(of(gone), None);
    }

    #[cfg(target_endian = "little")]
    #[test]
    fn only_those_that_listen_count() {
        let table = "\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 4242 1
   1: 0100007F:1F91 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 4243 1
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 x
   3: nonsense
   4: 0100007F:ZZZZ 00000000:0000 0A 0:0 0:0 0 0 0 1";
        let found = listening(table);
        let expected = [("127.0.0.1:8080", 1000, 4242), ("0.0.0.0:80", 0, 77)];
        let expected = expected.map(|(addr, uid, inode)| Listening {
            addr: addr.parse().expect("an address"),
            uid,
            inode,
        });
        assert_eq!(found, expected);
        let six = address("00000000000000000000000001000000:1F90");
        assert_eq!(six, "[::1]:8080".parse().ok());
        assert!(address("0100007F").is_none() && address("é100007F:1F90").is_none());
    }

    #[test]
    fn what_covers_what() {
        let overlaps = |one: &str, other: &str| {
            let (one, other) = (one.parse().expect(one), other.parse().expect(other));
            assert_eq!(overlap(one, other), overlap(other, one));
            overlap(one, other)
        };
        assert!(overlaps("127.0.0.1:80", "127.0.0.1:80"));
        assert!(overlaps("0.0.0.0:80", "127.0.0.1:80"));
        assert!(overlaps("[::]:80", "127.0.0.1:80") && overlaps("[::]:80", "[::1]:80"));
        assert!(overlaps("[::ffff:127.0.0.1]:80", "127.0.0.1:80"));
        assert!(!overlaps("0.0.0.0:80", "[::1]:80"));
        assert!(!overlaps("127.0.0.1:80", "127.0.0.2:80"));
        assert!(!overlaps("127.0.0.1:80", "127.0.0.1:81"));
        assert!(!overlaps("127.0.0.1:0", "127.0.0.1:0"), "two ports that are free");
    }

    #[test]
    fn whatever_a_process_calls_itself_is_one_line() {
        let owner = Owner::Process { pid: 7, name: "a\n\u{1b}[2J".to_owned() };
        assert_eq!(owner.to_string(), "a\\n\\u{1b}[2J (pid 7)");
        assert_eq!(Owner::User(0).to_string(), "a process of root");
        let nameless = Owner::Process { pid: 7, name: String::new() };
        assert_eq!(nameless.to_string(), "a process whose name is not known (pid 7)");
    }

    #[test]
    fn a_process_that_calls_itself_otherwise_is_told_with_its_program() {
        for (comm, program, name) in [
            (&b"tidegate\n"[..], Some("/usr/bin/tidegate"), "tidegate"),
            (b"tidegate\n", Some("/usr/bin/tidegate (deleted)"), "tidegate"),
            (b"a-name-of-more-\n", Some("/opt/a-name-of-more-than-15"), "a-name-of-more-"),
            (b"tidegate\n", Some("/tmp/other"), "tidegate of /tmp/other"),
            (b"\n", Some("/tmp/other"), "/tmp/other"),
            (b"a\xff \n", None, "a\u{fffd} "),
            (b"", None, ""),
        ] {
            assert_eq!(called(comm, program.map(Path::new)), name, "{comm:?} {program:?}");
        }
    }
}
