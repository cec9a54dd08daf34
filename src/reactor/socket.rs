//! The pump: bytes between sockets and the engine.
//!
//! Knows: readiness as state, short reads and writes, budgets.
//! Must not know: HTTP, WebSocket, SSE, rooms.
//!
//! epoll tells an edge once. So readiness is kept here until the kernel takes it back: by
//! `WouldBlock`, or by moving fewer bytes than asked (a new edge will come then; asking again only
//! to hear `WouldBlock` would cost a system call). After the peer's half was closed, or an error,
//! no further edge comes: then one reads on until the end or the error has been seen.

use crate::bytes::{ConnKey, Now, SLICES_MAX, Slices};
use crate::engine::{Engine, Space};
use std::io::{self, ErrorKind, Read, Write};

/// What a connection reads from and writes to.
pub(super) trait Stream: Read + Write {
    /// Closes our half.
    fn shutdown(&self) -> io::Result<()>;
}

impl Stream for mio::net::TcpStream {
    fn shutdown(&self) -> io::Result<()> {
        mio::net::TcpStream::shutdown(self, std::net::Shutdown::Write)
    }
}

/// A socket and what is known about it.
#[derive(Debug)]
pub(super) struct Socket<S> {
    pub(super) key: ConnKey,
    pub(super) stream: S,
    readable: bool,
    writable: bool,
    end: KnownEnd,
    /// It is on the reactor's ready list.
    pub(super) listed: bool,
}

/// What is known of a connection's end before it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KnownEnd {
    /// Nothing.
    Unknown,
    /// The peer closed its half, or an error stands: read until it shows.
    Stands,
    /// A write failed. The error was told with that, and may look like an end to who reads.
    Broken,
}

/// Writes for one connection in one turn; who has more to get goes on in the next.
const WRITES_PER_TURN: usize = 16;
const _: () = assert!(SLICES_MAX <= 1024, "IOV_MAX");

/// Whether a connection has more to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Not until the kernel says so, or the engine.
    Done,
    /// Yes, but its share of this turn is used up.
    Budget,
}

impl<S: Stream> Socket<S> {
    /// A socket that was just accepted: nothing is known to have come, everything can be written.
    pub(super) fn new(key: ConnKey, stream: S) -> Socket<S> {
        Socket {
            key,
            stream,
            readable: false,
            writable: true,
            end: KnownEnd::Unknown,
            listed: false,
        }
    }

    /// Notes what the kernel said.
    pub(super) fn note(&mut self, readable: bool, writable: bool, ends: bool) {
        self.readable |= readable || ends;
        self.writable |= writable;
        if ends && self.end == KnownEnd::Unknown {
            self.end = KnownEnd::Stands;
        }
    }

    /// Whether it could be read from.
    pub(super) fn is_readable(&self) -> bool {
        self.readable
    }

    /// Whether the kernel takes more, as far as we know.
    pub(super) fn is_writable(&self) -> bool {
        self.writable
    }

    /// Gives the engine what came, `budget` bytes at most; what was read is taken off `budget`.
    pub(super) fn pump_in(
        &mut self,
        engine: &mut Engine,
        scratch: &mut [u8],
        budget: &mut usize,
        now: Now,
    ) -> Progress {
        let key = self.key;
        loop {
            let (result, asked) = match engine.space(key) {
                Space::Paused => {
                    self.end_if_stuck(engine, now);
                    return Progress::Done;
                }
                Space::Backlog => {
                    engine.receive(key, &mut [], now);
                    continue;
                }
                _ if !self.readable => return Progress::Done,
                _ if *budget == 0 => return Progress::Budget,
                Space::Scratch => {
                    let asked = scratch.len().min(*budget);
                    let result = self.stream.read(&mut scratch[..asked]);
                    if let Ok(n @ 1..) = result {
                        engine.receive(key, &mut scratch[..n], now);
                    }
                    (result, asked)
                }
                Space::Own(room) => {
                    let asked = room.len().min(*budget);
                    let result = self.stream.read(&mut room[..asked]);
                    if let Ok(n @ 1..) = result {
                        engine.received(key, n, now);
                    }
                    (result, asked)
                }
            };
            *budget -= result.as_ref().unwrap_or(&0);
            self.note_read(&result, asked, engine, now);
        }
    }

    /// What a read of `asked` bytes came to: whether there is more, and whether it was the end.
    fn note_read(
        &mut self,
        result: &io::Result<usize>,
        asked: usize,
        engine: &mut Engine,
        now: Now,
    ) {
        self.readable = match result {
            Ok(0) => false,
            Ok(n) => *n == asked || self.end != KnownEnd::Unknown,
            Err(error) => error.kind() == ErrorKind::Interrupted,
        };
        match result {
            Ok(0) if self.end == KnownEnd::Broken => engine.receive_error(self.key, now),
            Ok(0) => engine.receive_end(self.key, now),
            Ok(_) => {}
            Err(error) => match error.kind() {
                ErrorKind::Interrupted | ErrorKind::WouldBlock => {}
                _ => engine.receive_error(self.key, now),
            },
        }
    }

    /// Writes what the engine has for the connection, as far as the kernel takes it.
    pub(super) fn pump_out(&mut self, engine: &mut Engine, now: Now) {
        let key = self.key;
        for _ in 0..WRITES_PER_TURN {
            let mut slices = Slices::default();
            engine.output(key, &mut slices);
            let offered = slices.bytes();
            if offered == 0 {
                return;
            }
            let result = self.write(&slices);
            let n = *result.as_ref().unwrap_or(&0);
            self.writable = n == offered;
            let has_more = engine.sent(key, n, offered, now);
            if result.is_err() {
                return self.note_broken(engine, now);
            }
            if !has_more {
                return;
            }
        }
        engine.go_on_later(key);
    }

    /// What the peer said before it went is still to be read; the error shows behind it.
    fn note_broken(&mut self, engine: &mut Engine, now: Now) {
        self.readable = true;
        self.end = KnownEnd::Broken;
        if let Space::Paused = engine.space(self.key) {
            self.end_if_stuck(engine, now);
        }
    }

    /// Who is not read from until it takes something would wait for that in vain if it takes
    /// nothing any more, also if the pause came with what it said before it went.
    fn end_if_stuck(&self, engine: &mut Engine, now: Now) {
        if self.end == KnownEnd::Broken {
            engine.receive_error(self.key, now);
        }
    }

    fn write(&mut self, slices: &Slices<'_>) -> io::Result<usize> {
        if !self.writable {
            return Ok(0);
        }
        loop {
            let result = match slices.as_io() {
                [one] => self.stream.write(one),
                several => self.stream.write_vectored(several),
            };
            match result {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
                result => return result,
            }
        }
    }
}

#[cfg(test)]
mod tests;
