//! Gates: where connections are accepted, and what goes wrong with that.
//!
//! Knows: accept(2), its errors, descriptors, when to ask again.
//! Must not know: addresses, HTTP, WebSocket, SSE, rooms.
//!
//! epoll tells an edge once, so who waits when the descriptors run out is never told of again. The
//! gate then asks by a timer of its own, and as soon as a descriptor came free in this process.

use rustix::io::Errno;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

/// What connections are taken from.
pub(super) trait Listen {
    /// A connection.
    type Stream;

    /// Takes one that waits.
    fn accept(&self) -> io::Result<Self::Stream>;
}

impl Listen for mio::net::TcpListener {
    /// And where it comes from.
    type Stream = (mio::net::TcpStream, SocketAddr);

    fn accept(&self) -> io::Result<(mio::net::TcpStream, SocketAddr)> {
        mio::net::TcpListener::accept(self)
    }
}

/// All gates of one core.
#[derive(Debug)]
pub(super) struct Gates<L> {
    gates: Vec<Gate<L>>,
    reserve: Reserve,
}

impl<L> Default for Gates<L> {
    fn default() -> Gates<L> {
        Gates { gates: Vec::new(), reserve: Reserve(None) }
    }
}

impl<L: Listen> Gates<L> {
    /// One for each of `listeners`.
    pub(super) fn new(listeners: Vec<L>) -> Gates<L> {
        Gates { gates: listeners.into_iter().map(Gate::new).collect(), reserve: Reserve::new() }
    }

    /// What is listened on, in order.
    pub(super) fn listeners(&mut self) -> impl Iterator<Item = &mut L> {
        self.gates.iter_mut().map(|gate| &mut gate.listener)
    }

    /// Somebody may be waiting at the gate `number`.
    pub(super) fn note(&mut self, number: usize) {
        if let Some(gate) = self.gates.get_mut(number) {
            gate.readable = true;
        }
    }

    /// When to look again although nothing happens.
    pub(super) fn next_look(&self) -> Option<Duration> {
        self.gates.iter().filter_map(Gate::next_look).min()
    }

    /// Whether a gate is shut for want of a descriptor.
    pub(super) fn want_room(&self) -> bool {
        self.gates.iter().any(|gate| gate.again_at.is_some())
    }

    /// A descriptor came free: whoever waits for one is asked for at once.
    pub(super) fn note_room(&mut self) {
        for gate in &mut self.gates {
            gate.again_at = gate.again_at.map(|_| Duration::ZERO);
        }
    }

    /// Takes at most `most` connections at each gate, and hands them to `welcome` with the number
    /// of their gate; or says why there is no room for one that waits.
    pub(super) fn take(
        &mut self,
        most: usize,
        now: Duration,
        mut welcome: impl FnMut(usize, io::Result<L::Stream>),
    ) {
        for (number, gate) in self.gates.iter_mut().enumerate() {
            for _ in 0..most {
                if !gate.is_open(now) {
                    break;
                }
                self.reserve.restore();
                match gate.accept(now) {
                    Accepted::Stream(stream) => welcome(number, Ok(stream)),
                    Accepted::Again => {}
                    Accepted::None => break,
                    Accepted::NoRoom(error) => {
                        self.reserve.turn_one_away(&gate.listener);
                        welcome(number, Err(error));
                        break;
                    }
                }
            }
        }
    }

    /// Takes everybody who has got through to us, for the last time, and closes the gates.
    pub(super) fn take_last(
        mut self,
        now: Duration,
        mut welcome: impl FnMut(usize, io::Result<L::Stream>),
    ) {
        self.gates.iter_mut().for_each(|gate| gate.readable = true);
        while self.gates.iter().any(|gate| gate.is_open(now)) {
            self.take(usize::MAX, now, &mut welcome);
        }
    }
}

/// One listening socket of one core.
#[derive(Debug)]
struct Gate<L> {
    listener: L,
    /// Somebody may be waiting.
    readable: bool,
    /// The kernel had no room for another connection: when to ask again.
    again_at: Option<Duration>,
    pause: Duration,
}

/// What came of asking for a connection.
#[derive(Debug)]
enum Accepted<S> {
    /// Here it is.
    Stream(S),
    /// It was gone before we came, or the call was interrupted: ask again.
    Again,
    /// There is none.
    None,
    /// There is one, but no room for it now.
    NoRoom(io::Error),
}

const PAUSE_MIN: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);

impl<L: Listen> Gate<L> {
    fn new(listener: L) -> Gate<L> {
        Gate { listener, readable: true, again_at: None, pause: PAUSE_MIN }
    }

    /// Whether to ask for a connection at `now`.
    fn is_open(&self, now: Duration) -> bool {
        self.again_at.map_or(self.readable, |at| at <= now)
    }

    fn next_look(&self) -> Option<Duration> {
        self.again_at.or(self.readable.then_some(Duration::ZERO))
    }

    /// Asks for one connection; what the kernel's answer means for us, and when to ask again.
    fn accept(&mut self, now: Duration) -> Accepted<L::Stream> {
        match self.listener.accept() {
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
struct Reserve(Option<File>);

impl Reserve {
    fn new() -> Reserve {
        Reserve(File::open("/dev/null").ok())
    }

    /// While it was open somebody else may have taken the descriptor. Without it, who waits would
    /// be left hanging the next time.
    fn restore(&mut self) {
        if self.0.is_none() {
            *self = Reserve::new();
        }
    }

    fn turn_one_away<L: Listen>(&mut self, listener: &L) {
        self.0 = None;
        drop(listener.accept());
        self.restore();
    }
}

#[cfg(test)]
mod tests;
