//! The floor under every server: the same reads and writes over TCP, and no protocol at all.
//!
//! Knows: sockets, the size of messages on their way in and out.
//! Must not know: what is in a message.
//!
//! In one pass each ready socket is read once, and each receiver is written to once, with all that
//! came.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::ops::Range;

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(usize::MAX);
const READ_BYTES: usize = 256 * 1024;
/// A receiver that leaves so much unread is cut off.
const PENDING_BYTES_MAX: usize = 64 * 1024 * 1024;

struct Socket {
    stream: TcpStream,
    /// See [`crate::target::Role::letter`].
    role: Option<u8>,
    /// The first bytes of a message whose rest is still to come.
    partial: Vec<u8>,
    /// What the socket did not take yet, from `written` on.
    pending: Vec<u8>,
    written: usize,
    /// Its part of what came in this pass.
    own: Range<usize>,
}

struct Floor {
    sizes: (usize, usize),
    listener: TcpListener,
    poll: Poll,
    sockets: slab::Slab<Socket>,
    /// Who is to be read again, since it filled the buffer.
    again: Vec<usize>,
    scratch: Vec<u8>,
    /// What came in this pass for subscribers, and for members.
    shared: [Vec<u8>; 2],
}

/// Serves for ever; the address is printed first.
pub(crate) fn serve(inbound: usize, outbound: usize) -> io::Result<()> {
    let mut listener = TcpListener::bind(([127, 0, 0, 1], 0).into())?;
    println!("{}", listener.local_addr()?);
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut floor = Floor {
        sizes: (inbound, outbound),
        listener,
        poll,
        sockets: slab::Slab::new(),
        again: Vec::new(),
        scratch: vec![0; READ_BYTES],
        shared: [Vec::new(), Vec::new()],
    };
    let mut events = Events::with_capacity(1024);
    loop {
        floor.pass(&mut events)?;
    }
}

impl Floor {
    fn pass(&mut self, events: &mut Events) -> io::Result<()> {
        let sleep = if self.again.is_empty() { None } else { Some(std::time::Duration::ZERO) };
        match self.poll.poll(events, sleep) {
            Err(error) if error.kind() == ErrorKind::Interrupted => return Ok(()),
            other => other?,
        }
        for key in std::mem::take(&mut self.again) {
            self.read(key);
        }
        for event in events.iter() {
            match event.token() {
                LISTENER => self.accept()?,
                Token(key) if event.is_readable() => {
                    self.read(key);
                    // Bytes and the end may come as one edge: the end has to be read too.
                    if event.is_read_closed() {
                        self.again.push(key);
                    }
                }
                Token(key) => self.flush(key),
            }
        }
        self.deliver();
        Ok(())
    }

    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let entry = self.sockets.vacant_entry();
            let both = Interest::READABLE | Interest::WRITABLE;
            self.poll.registry().register(&mut stream, Token(entry.key()), both)?;
            entry.insert(Socket {
                stream,
                role: None,
                partial: Vec::new(),
                pending: Vec::new(),
                written: 0,
                own: 0..0,
            });
        }
    }

    fn read(&mut self, key: usize) {
        let Some(socket) = self.sockets.get_mut(key) else {
            return;
        };
        let read = match socket.stream.read(&mut self.scratch) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Ok(read) if read > 0 => read,
            _ => {
                self.sockets.remove(key);
                return;
            }
        };
        let mut bytes = &self.scratch[..read];
        if socket.role.is_none() {
            socket.role = Some(bytes[0]);
            bytes = &bytes[1..];
            socket.send(&[b"+"]);
        }
        match socket.role {
            Some(b'E') => socket.send(&[bytes]),
            Some(b'M' | b'A') => {
                let start = self.shared[1].len();
                resize(&mut socket.partial, bytes, self.sizes, &mut self.shared[1]);
                socket.own = start..self.shared[1].len();
            }
            _ => resize(&mut socket.partial, bytes, self.sizes, &mut self.shared[0]),
        }
        // As a WebSocket server does after a close frame: who ends first has the TIME_WAIT.
        if socket.role == Some(b'V') && !bytes.is_empty() && socket.partial.is_empty() {
            self.sockets.remove(key);
            return;
        }
        if read == READ_BYTES {
            self.again.push(key);
        }
    }

    fn deliver(&mut self) {
        let [events, frames] = &mut self.shared;
        if events.is_empty() && frames.is_empty() {
            return;
        }
        for (_, socket) in &mut self.sockets {
            let own = std::mem::take(&mut socket.own);
            match socket.role {
                Some(b'R') => socket.send(&[events]),
                Some(b'A') => socket.send(&[frames]),
                Some(b'M') => socket.send(&[&frames[..own.start], &frames[own.end..]]),
                _ => {}
            }
        }
        events.clear();
        frames.clear();
    }

    fn flush(&mut self, key: usize) {
        if let Some(socket) = self.sockets.get_mut(key) {
            socket.send(&[]);
        }
    }
}

impl Socket {
    /// One write, if nothing is pending; what is not taken is copied.
    fn send(&mut self, parts: &[&[u8]]) {
        let mut taken = 0;
        if !self.pending.is_empty() {
            self.written += self.stream.write(&self.pending[self.written..]).unwrap_or(0);
            if self.written > self.pending.len() / 2 {
                self.pending.drain(..self.written);
                self.written = 0;
            }
        } else if parts.iter().any(|part| !part.is_empty()) {
            taken = match parts {
                [one] => self.stream.write(one).unwrap_or(0),
                _ => {
                    let slices: Vec<_> = parts.iter().map(|part| IoSlice::new(part)).collect();
                    self.stream.write_vectored(&slices).unwrap_or(0)
                }
            };
        }
        for part in parts {
            let skipped = taken.min(part.len());
            taken -= skipped;
            self.pending.extend_from_slice(&part[skipped..]);
        }
        if self.pending.len() > PENDING_BYTES_MAX {
            // The reader never reads: the next event removes the socket.
            let _ = self.stream.shutdown(std::net::Shutdown::Both);
            self.pending.clear();
            self.written = 0;
        }
    }
}

/// Copies whole messages, each cut or filled from its size on the way in to that on the way out.
fn resize(
    partial: &mut Vec<u8>,
    mut bytes: &[u8],
    (inbound, outbound): (usize, usize),
    to: &mut Vec<u8>,
) {
    let mut put = |message: &[u8]| {
        let end = to.len() + outbound;
        to.extend_from_slice(&message[..inbound.min(outbound)]);
        to.resize(end, b'-');
    };
    if !partial.is_empty() {
        let (head, rest) = bytes.split_at(bytes.len().min(inbound - partial.len()));
        partial.extend_from_slice(head);
        bytes = rest;
        if partial.len() < inbound {
            return;
        }
        put(partial);
        partial.clear();
    }
    let messages = bytes.chunks_exact(inbound);
    partial.extend_from_slice(messages.remainder());
    messages.for_each(&mut put);
}
