//! One connection after its handshake: reading, taking apart, answering pings.
//!
//! Knows: a socket, how its bytes are to be read, the clock of the program.
//! Must not know: what messages say, who counts them.

use std::io::{self, ErrorKind, Read, Write};
use std::time::Instant;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::message::masked_frame;
use crate::wire::{self, Inbound, Item};

/// The buffer that all connections read into, one after the other.
pub(crate) const SCRATCH_BYTES: usize = 512 * 1024;

/// Nanoseconds since the program began.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock(Instant);

impl Clock {
    /// Begins now.
    pub(crate) fn start() -> Clock {
        Clock(Instant::now())
    }

    /// The time by this clock.
    #[inline]
    pub(crate) fn now(self) -> u64 {
        self.0.elapsed().as_nanos() as u64
    }
}

/// Why there is nothing more to read.
#[derive(Debug)]
pub(crate) enum Pause {
    /// For now.
    Drained,
    /// For ever; the reason in words.
    Ended(String),
}

/// A connection that has been greeted.
pub(crate) struct Conn {
    stream: TcpStream,
    inbound: Inbound,
    /// What came of an item whose end is still missing.
    carry: Vec<u8>,
}

impl Conn {
    /// Takes over a socket; `early` came after the greeting.
    pub(crate) fn new(stream: TcpStream, inbound: Inbound, early: &[u8]) -> Conn {
        Conn { stream, inbound, carry: early.to_vec() }
    }

    /// Asks to be told about it, by edge.
    pub(crate) fn register(
        &mut self,
        registry: &Registry,
        token: usize,
        interest: Interest,
    ) -> io::Result<()> {
        registry.register(&mut self.stream, Token(token), interest)
    }

    /// Asks not to be told any more.
    pub(crate) fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        registry.deregister(&mut self.stream)
    }

    /// Reads until nothing is there and hands over every whole item, with the time after its read.
    #[inline]
    pub(crate) fn receive(
        &mut self,
        scratch: &mut [u8],
        clock: Clock,
        mut take: impl FnMut(Item<'_>, u64),
    ) -> Pause {
        loop {
            let kept = self.carry.len();
            scratch[..kept].copy_from_slice(&self.carry);
            let read = match self.stream.read(&mut scratch[kept..]) {
                Ok(0) => return Pause::Ended("end of stream".to_owned()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Pause::Drained,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Pause::Ended(error.to_string()),
            };
            let whole = &scratch[..kept + read];
            match self.take_apart(whole, clock.now(), &mut take) {
                Ok(used) => self.keep(&whole[used..]),
                Err(reason) => return Pause::Ended(reason),
            }
            // A short read has emptied the socket; what comes after it is a new edge (epoll(7)).
            if kept + read < scratch.len() {
                return Pause::Drained;
            }
        }
    }

    #[inline]
    fn take_apart(
        &mut self,
        bytes: &[u8],
        now: u64,
        take: &mut impl FnMut(Item<'_>, u64),
    ) -> Result<usize, String> {
        let mut used = 0;
        loop {
            match wire::decode(self.inbound, &bytes[used..]) {
                Ok(None) => return Ok(used),
                Ok(Some((Item::Ping(payload), more))) => {
                    self.pong(payload);
                    used += more;
                }
                Ok(Some((Item::Close(payload), _))) => return Err(told(payload)),
                Ok(Some((item, more))) => {
                    take(item, now);
                    used += more;
                }
                Err(fault) => return Err(format!("{fault:?}")),
            }
        }
    }

    fn keep(&mut self, rest: &[u8]) {
        self.carry.clear();
        self.carry.extend_from_slice(rest);
    }

    /// RFC 6455 §5.5.3: the ping's own data. Who is pinged is silent: nothing is half written.
    #[cold]
    fn pong(&mut self, payload: &[u8]) {
        // A pong that does not fit shows as a connection that the server ends.
        let _ = self.stream.write(&masked_frame(0x8A, payload, [1, 2, 3, 4]));
    }

    /// Writes what the socket takes; zero if it takes nothing now.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.stream.write(bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
            Err(error) if error.kind() == ErrorKind::Interrupted => self.write(bytes),
            other => other,
        }
    }
}

fn told(close: &[u8]) -> String {
    match close.split_first_chunk() {
        Some((code, reason)) => {
            let reason = String::from_utf8_lossy(reason);
            format!("closed with {} {reason}", u16::from_be_bytes(*code))
        }
        None => "closed without a code".to_owned(),
    }
}
