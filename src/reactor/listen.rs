//! Listening: one socket per address and core, and what goes wrong with it.
//!
//! Knows: addresses, socket options, descriptors.
//! Must not know: HTTP, WebSocket, SSE, rooms.
//!
//! Options are set on the listening socket and inherited by what it accepts: no call per
//! connection.

use super::StartError;
use crate::limits::Limits;
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

/// What the kernel keeps of unsent bytes for one connection: without it, a reader that never reads
/// makes it hold 4 MiB, with it some 220 KiB.
const NOTSENT_LOWAT_BYTES: u32 = 128 * 1024;
/// Bytes that are not acknowledged for so long end a connection: a peer that vanished without a
/// packet. The kernel counts a reader's closed window as well, so a longer write stall needs more.
const USER_TIMEOUT_MIN: Duration = Duration::from_secs(20);
/// Connections that wait to be accepted: a herd that comes back at once.
const BACKLOG: i32 = 4096;

/// What every listening socket is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    /// SO_SNDBUF, if not the system's.
    send_buffer: Option<usize>,
    user_timeout: Duration,
}

impl Options {
    pub(super) fn new(send_buffer: Option<usize>, limits: &Limits) -> Options {
        Options { send_buffer, user_timeout: USER_TIMEOUT_MIN.max(limits.write_stall * 2) }
    }
}

/// Listens on `addr` once for each core.
pub(super) fn bind(
    addr: SocketAddr,
    cores: usize,
    options: Options,
) -> Result<Vec<mio::net::TcpListener>, StartError> {
    let fail = |error: io::Error| StartError::Listen { addr, error };
    // Several processes of one user may share a port by SO_REUSEPORT. Ours must not do so by
    // accident: a second server would take half of the first one's clients. Without the option the
    // kernel refuses.
    if addr.port() != 0 {
        drop(open(addr, false, options).map_err(fail)?);
    }
    let mut addr = addr;
    let mut listeners = Vec::with_capacity(cores);
    for _ in 0..cores {
        let socket = open(addr, true, options).map_err(fail)?;
        let listener = std::net::TcpListener::from(socket);
        // Port 0 becomes a port with the first.
        addr = listener.local_addr().map_err(fail)?;
        listeners.push(mio::net::TcpListener::from_std(listener));
    }
    Ok(listeners)
}

fn open(addr: SocketAddr, reuse_port: bool, options: Options) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // A restart must not wait for the last server's connections to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(reuse_port)?;
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if let Some(bytes) = options.send_buffer {
        socket.set_send_buffer_size(bytes)?;
    }
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_user_timeout(Some(options.user_timeout))?;
    SockRef::from(&socket).set_tcp_notsent_lowat(NOTSENT_LOWAT_BYTES)?;
    socket.bind(&addr.into())?;
    if reuse_port {
        socket.listen(BACKLOG)?;
    }
    Ok(socket)
}

/// One listening socket of one core.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) listener: mio::net::TcpListener,
    /// Somebody may be waiting.
    pub(super) readable: bool,
    /// The kernel had no room for another connection: when to ask again. No edge comes for that.
    again_at: Option<Duration>,
    pause: Duration,
}

/// What came of asking for a connection.
#[derive(Debug)]
pub(super) enum Accepted {
    /// Here it is.
    Stream(mio::net::TcpStream),
    /// It was gone before we came, or the call was interrupted: ask again.
    Again,
    /// There is none.
    None,
    /// There is one, but no room for it now.
    NoRoom(io::Error),
}

const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);

impl Gate {
    pub(super) fn new(listener: mio::net::TcpListener) -> Gate {
        Gate { listener, readable: true, again_at: None, pause: PAUSE_MIN }
    }

    /// Whether to ask for a connection at `now`.
    pub(super) fn is_open(&self, now: Duration) -> bool {
        self.again_at.map_or(self.readable, |at| at <= now)
    }

    /// When to look again although nothing happens.
    pub(super) fn next_look(&self) -> Option<Duration> {
        self.again_at.or(self.readable.then_some(Duration::ZERO))
    }

    /// Whether a lack of room is to be logged: when it begins, and then once a second.
    pub(super) fn is_worth_a_line(&self) -> bool {
        self.pause == PAUSE_MIN * 2 || self.pause == PAUSE_MAX
    }

    /// Asks for one connection.
    pub(super) fn accept(&mut self, now: Duration, reserve: &mut Reserve) -> Accepted {
        let answer = self.listener.accept().map(|(stream, _)| stream);
        let accepted = self.judge(answer, now);
        if let Accepted::NoRoom(_) = accepted {
            reserve.turn_one_away(&self.listener);
        }
        accepted
    }

    /// What the kernel's answer means for us, and when to ask again.
    fn judge(&mut self, answer: io::Result<mio::net::TcpStream>, now: Duration) -> Accepted {
        match answer {
            Ok(stream) => {
                self.again_at = None;
                self.pause = PAUSE_MIN;
                Accepted::Stream(stream)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.readable = false;
                self.again_at = None;
                Accepted::None
            }
            Err(error) if is_about_one_connection(&error) => Accepted::Again,
            Err(error) => {
                self.again_at = Some(now + self.pause);
                self.pause = (self.pause * 2).min(PAUSE_MAX);
                Accepted::NoRoom(error)
            }
        }
    }
}

/// accept(2), "Error handling": Linux hands over what is already pending on the new socket, and
/// that is to be treated like EAGAIN. The next in the queue may be well.
const ABOUT_ONE_CONNECTION: [Errno; 11] = [
    Errno::NETDOWN,
    Errno::PROTO,
    Errno::NOPROTOOPT,
    Errno::HOSTDOWN,
    Errno::NONET,
    Errno::HOSTUNREACH,
    Errno::OPNOTSUPP,
    Errno::NETUNREACH,
    // A firewall forbids it.
    Errno::PERM,
    // The client has given up.
    Errno::CONNABORTED,
    Errno::INTR,
];

/// Whether an error concerns the connection that was to be accepted, not us.
fn is_about_one_connection(error: &io::Error) -> bool {
    Errno::from_io_error(error).is_some_and(|errno| ABOUT_ONE_CONNECTION.contains(&errno))
}

/// A descriptor kept for the day when there are none: with it, who waits can be turned away instead
/// of left hanging.
#[derive(Debug)]
pub(super) struct Reserve(Option<File>);

impl Reserve {
    pub(super) fn new() -> Reserve {
        Reserve(File::open("/dev/null").ok())
    }

    fn turn_one_away(&mut self, listener: &mio::net::TcpListener) {
        self.0 = None;
        drop(listener.accept());
        self.0 = File::open("/dev/null").ok();
    }
}

/// Raises the soft limit on descriptors to the hard one, and lowers the number of connections to
/// what fits.
pub(super) fn fit_descriptors(limits: &mut Limits, cores: usize) -> Result<u64, StartError> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: maximum, maximum };
    let nofile = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => maximum,
        Err(_) => current,
    };
    let nofile = nofile.unwrap_or(u64::MAX);
    let ours = 128 + cores as u64 * 8;
    let fits = nofile.saturating_sub(ours);
    let wanted = limits.connections_max as u64;
    let is_default = limits.connections_max == Limits::default().connections_max;
    if fits == 0 || (wanted > fits && !is_default) {
        return Err(StartError::Descriptors { nofile, wanted, ours });
    }
    limits.connections_max = wanted.min(fits) as usize;
    Ok(nofile)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate() -> Gate {
        let addr = SocketAddr::from(([127, 0, 0, 1], 0));
        let listener =
            bind(addr, 1, Options::new(None, &Limits::default())).expect("a free port").pop();
        Gate::new(listener.expect("one for each core"))
    }

    fn failed(errno: Errno) -> io::Result<mio::net::TcpStream> {
        Err(errno.into())
    }

    const NO_ROOM: [Errno; 4] = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];

    #[test]
    fn an_error_is_about_one_connection_or_about_us() {
        for errno in ABOUT_ONE_CONNECTION {
            let mut gate = gate();
            let accepted = gate.judge(failed(errno), Duration::ZERO);
            assert!(matches!(accepted, Accepted::Again), "{errno}");
            assert!(gate.is_open(Duration::ZERO), "{errno}: the next one is asked for at once");
        }
        for errno in NO_ROOM {
            let mut gate = gate();
            let accepted = gate.judge(failed(errno), Duration::ZERO);
            assert!(matches!(accepted, Accepted::NoRoom(_)), "{errno}");
            assert!(!gate.is_open(Duration::ZERO), "{errno}: not before the pause is over");
        }
    }

    #[test]
    fn the_pause_doubles_from_10_ms_to_1_s_and_begins_anew_with_a_connection() {
        let mut gate = gate();
        let mut now = Duration::from_secs(7);
        for pause in [10, 20, 40, 80, 160, 320, 640, 1000, 1000] {
            gate.judge(failed(Errno::MFILE), now);
            let due = now + Duration::from_millis(pause);
            // Its own timer: no edge will come for who waits already.
            assert_eq!(gate.next_look(), Some(due));
            assert!(!gate.is_open(due - Duration::from_nanos(1)));
            assert!(gate.is_open(due));
            now = due;
        }
        let client = std::net::TcpStream::connect(gate.listener.local_addr().expect("bound"));
        let accepted = gate.accept(now, &mut Reserve::new());
        assert!(matches!(accepted, Accepted::Stream(_)), "{accepted:?}");
        drop(client);
        gate.judge(failed(Errno::MFILE), now);
        assert_eq!(gate.next_look(), Some(now + PAUSE_MIN));
    }

    #[test]
    fn a_gate_with_nobody_before_it_waits_for_an_edge() {
        let mut gate = gate();
        assert_eq!(gate.next_look(), Some(Duration::ZERO), "who came before we watched?");
        let accepted = gate.accept(Duration::ZERO, &mut Reserve::new());
        assert!(matches!(accepted, Accepted::None), "{accepted:?}");
        assert!(!gate.is_open(Duration::MAX));
        assert_eq!(gate.next_look(), None);
        // The pause after an error ends the same way: nobody is left.
        gate.readable = true;
        gate.judge(failed(Errno::NFILE), Duration::ZERO);
        gate.judge(failed(Errno::AGAIN), Duration::from_secs(1));
        assert_eq!(gate.next_look(), None);
    }

    #[test]
    fn without_a_descriptor_the_one_in_reserve_turns_a_client_away() {
        use std::io::Read;
        let gate = gate();
        let addr = gate.listener.local_addr().expect("bound");
        let mut client = std::net::TcpStream::connect(addr).expect("somebody listens");
        let mut reserve = Reserve::new();
        reserve.turn_one_away(&gate.listener);
        assert_eq!(client.read(&mut [0]).ok(), Some(0), "closed, not left hanging");
        assert!(reserve.0.is_some(), "and there is one again for the next");
    }

    #[test]
    fn a_port_that_another_server_has_is_refused() {
        let gate = gate();
        let addr = gate.listener.local_addr().expect("bound");
        let refused = bind(addr, 2, Options::new(None, &Limits::default()));
        assert!(
            matches!(&refused, Err(StartError::Listen { error, .. })
                if error.kind() == ErrorKind::AddrInUse),
            "{refused:?}"
        );
    }
}
