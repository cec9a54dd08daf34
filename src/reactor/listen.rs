//! Listening: one socket per address and core, and what goes wrong with it.
//!
//! Knows: addresses, socket options, descriptors.
//! Must not know: HTTP, WebSocket, SSE, rooms.
//!
//! Options are set on the listening socket and inherited by what it accepts: no call per
//! connection.

use super::StartError;
use super::obstacle::Obstacle;
use crate::limits::Limits;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// What the kernel keeps of unsent bytes for one connection: without it, a reader that never reads
/// makes it hold 4 MiB, with it some 220 KiB.
const NOTSENT_LOWAT_BYTES: u32 = 128 * 1024;
/// Bytes that are not acknowledged for so long end a connection: a peer that vanished without a
/// packet. The kernel counts a reader's closed window as well, so a longer write stall needs more.
const USER_TIMEOUT_MIN: Duration = Duration::from_secs(20);
/// Connections that wait to be accepted: a herd that comes back at once.
pub(super) const BACKLOG: u32 = 4096;

/// What every listening socket is given.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options {
    /// SO_SNDBUF, if not the system's.
    send_buffer: Option<usize>,
    user_timeout: Duration,
}

impl Options {
    pub(super) fn new(send_buffer: Option<usize>, limits: &Limits) -> Options {
        Options { send_buffer, user_timeout: user_timeout(limits) }
    }
}

/// TCP_USER_TIMEOUT: how long the kernel waits for what a peer does not acknowledge.
pub(super) fn user_timeout(limits: &Limits) -> Duration {
    USER_TIMEOUT_MIN.max(limits.write_stall * 2)
}

/// Listens on `addr` once for each core.
pub(super) fn bind(
    addr: SocketAddr,
    cores: usize,
    options: Options,
) -> Result<Vec<mio::net::TcpListener>, StartError> {
    let fail = |error| StartError::Listen { addr, obstacle: Obstacle::of(addr, error) };
    // Several processes of one user may share a port by SO_REUSEPORT. Ours must not do so by
    // accident: a second server would take half of the first one's clients. Without the option the
    // kernel refuses.
    try_alone(addr, options).map_err(fail)?;
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

/// Whether the address can be had, and nobody has it yet.
pub(super) fn try_alone(addr: SocketAddr, options: Options) -> io::Result<()> {
    if addr.port() != 0 {
        drop(open(addr, false, options)?);
    }
    Ok(())
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
        socket.listen(BACKLOG as i32)?;
    }
    Ok(socket)
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
    limits.connections_max = connections_of(nofile, limits, cores)?;
    Ok(nofile)
}

/// Descriptors that are needed beside those of connections.
pub(super) fn own_descriptors(cores: usize) -> u64 {
    128 + cores as u64 * 8
}

/// How many connections there may be with so many descriptors; a number that was asked for holds,
/// or nothing does.
pub(super) fn connections_of(
    nofile: u64,
    limits: &Limits,
    cores: usize,
) -> Result<usize, StartError> {
    let ours = own_descriptors(cores);
    let fits = nofile.saturating_sub(ours);
    let wanted = limits.connections_max as u64;
    let is_default = limits.connections_max == Limits::default().connections_max;
    if fits == 0 || (wanted > fits && !is_default) {
        return Err(StartError::Descriptors { nofile, wanted, ours });
    }
    Ok(wanted.min(fits) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    fn listener() -> mio::net::TcpListener {
        let addr = SocketAddr::from(([127, 0, 0, 1], 0));
        let listeners = bind(addr, 1, Options::new(None, &Limits::default()));
        listeners.expect("a free port").pop().expect("one for each core")
    }

    #[test]
    fn a_port_that_another_server_has_is_refused() {
        let addr = listener().local_addr().expect("bound");
        let other = listener();
        let taken = other.local_addr().expect("bound");
        assert_ne!(addr, taken);
        let refused = bind(taken, 2, Options::new(None, &Limits::default()));
        assert!(
            matches!(&refused, Err(StartError::Listen { obstacle: Obstacle::InUse { .. }, .. })),
            "{refused:?}"
        );
    }

    /// A peer whose cable is pulled acknowledges nothing: the kernel gives up on it by this.
    #[test]
    fn what_is_accepted_has_the_options_of_its_listener() {
        let listener = listener();
        let addr = listener.local_addr().expect("bound");
        let _client = std::net::TcpStream::connect(addr).expect("somebody listens");
        let (accepted, _) = listener.accept().expect("somebody has connected");
        let socket = SockRef::from(&accepted);
        let timeout = socket.tcp_user_timeout().expect("a TCP socket");
        assert_eq!(timeout, Some(Duration::from_secs(20)));
        assert!(socket.tcp_nodelay().expect("a TCP socket"));
        let lowat = socket.tcp_notsent_lowat().expect("a TCP socket");
        assert_eq!(lowat, NOTSENT_LOWAT_BYTES);
    }

    #[test]
    fn a_stall_that_may_be_long_is_not_cut_short_by_the_kernel() {
        let limits = Limits { write_stall: Duration::from_secs(60), ..Limits::default() };
        assert_eq!(Options::new(None, &limits).user_timeout, Duration::from_secs(120));
    }
}
