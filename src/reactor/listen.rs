//! Listening: one socket per address and core, and what goes wrong with it.
//!
//! Knows: addresses, socket options, descriptors.
//! Must not know: HTTP, WebSocket, SSE, rooms.
//!
//! Options are set on the listening socket and inherited by what it accepts: no call per connection.

use super::StartError;
use crate::limits::Limits;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

/// What the kernel keeps of unsent bytes for one connection: without it, a reader that never reads makes it
/// hold 4 MiB, with it some 220 KiB.
const NOTSENT_LOWAT_BYTES: u32 = 128 * 1024;
/// Bytes that are not acknowledged for so long end a connection: a peer that vanished without a packet.
const USER_TIMEOUT: Duration = Duration::from_secs(20);
/// Connections that wait to be accepted: a herd that comes back at once.
const BACKLOG: i32 = 4096;

/// Listens on `addr` once for each core.
pub(super) fn bind(
    addr: SocketAddr,
    cores: usize,
    send_buffer: Option<usize>,
) -> Result<Vec<mio::net::TcpListener>, StartError> {
    let fail = |error: io::Error| StartError::Listen { addr, error };
    // Several processes of one user may share a port by SO_REUSEPORT. Ours must not do so by accident: a
    // second server would take half of the first one's clients. Without the option the kernel refuses.
    if addr.port() != 0 {
        drop(open(addr, false, None).map_err(fail)?);
    }
    let mut addr = addr;
    let mut listeners = Vec::with_capacity(cores);
    for _ in 0..cores {
        let socket = open(addr, true, send_buffer).map_err(fail)?;
        let listener = std::net::TcpListener::from(socket);
        // Port 0 becomes a port with the first.
        addr = listener.local_addr().map_err(fail)?;
        listeners.push(mio::net::TcpListener::from_std(listener));
    }
    Ok(listeners)
}

fn open(addr: SocketAddr, reuse_port: bool, send_buffer: Option<usize>) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // A restart must not wait for the last server's connections to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(reuse_port)?;
    if addr.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    if let Some(bytes) = send_buffer {
        socket.set_send_buffer_size(bytes)?;
    }
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_user_timeout(Some(USER_TIMEOUT))?;
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
        match self.listener.accept() {
            Ok((stream, _)) => {
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
                reserve.turn_one_away(&self.listener);
                self.again_at = Some(now + self.pause);
                self.pause = (self.pause * 2).min(PAUSE_MAX);
                Accepted::NoRoom(error)
            }
        }
    }
}

/// Errors that concern the connection that was to be accepted, not us (accept(2), "Error handling").
fn is_about_one_connection(error: &io::Error) -> bool {
    const EPROTO: i32 = 71;
    const ENETDOWN: i32 = 100;
    const EHOSTUNREACH: i32 = 113;
    let is_network =
        |code| matches!(code, EPROTO | ENETDOWN..=101 | EHOSTUNREACH | 92 | 95 | 112 | 64 | 1);
    matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::Interrupted)
        || error.raw_os_error().is_some_and(is_network)
}

/// A descriptor kept for the day when there are none: with it, who waits can be turned away instead of left
/// hanging.
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

/// Raises the soft limit on descriptors to the hard one, and lowers the number of connections to what fits.
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
