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

/// What a connection says first: its role's letter and its room.
pub(crate) fn request(letter: u8, room: usize) -> Vec<u8> {
    let mut request = vec![letter];
    request.extend((room as u32).to_be_bytes());
    request
}

struct Socket {
    stream: TcpStream,
    /// See [`crate::target::Role::letter`].
    role: Option<u8>,
    room: usize,
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
    rooms: Vec<Room>,
    /// The rooms in which something came in this pass.
    touched: Vec<usize>,
}

#[derive(Default)]
struct Room {
    sockets: Vec<usize>,
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
        rooms: Vec::new(),
        touched: Vec::new(),
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
                room: 0,
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
            _ => return self.remove(key),
        };
        let mut bytes = &self.scratch[..read];
        if socket.role.is_none() {
            // Five bytes do not come in pieces over loopback.
            let Some((head, rest)) = bytes.split_first_chunk::<5>() else {
                return self.remove(key);
            };
            socket.role = Some(head[0]);
            socket.room = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
            if self.rooms.len() <= socket.room {
                self.rooms.resize_with(socket.room + 1, Room::default);
            }
            self.rooms[socket.room].sockets.push(key);
            bytes = rest;
            socket.send(&[b"+"]);
        }
        let shared = &mut self.rooms[socket.room].shared;
        if shared.iter().all(Vec::is_empty) {
            self.touched.push(socket.room);
        }
        match socket.role {
            Some(b'E') => socket.send(&[bytes]),
            Some(b'M' | b'A') => {
                let start = shared[1].len();
                resize(&mut socket.partial, bytes, self.sizes, &mut shared[1]);
                socket.own = start..shared[1].len();
            }
            _ => resize(&mut socket.partial, bytes, self.sizes, &mut shared[0]),
        }
        // As a WebSocket server does after a close frame: who ends first has the TIME_WAIT.
        if socket.role == Some(b'V') && !bytes.is_empty() && socket.partial.is_empty() {
            return self.remove(key);
        }
        if read == READ_BYTES {
            self.again.push(key);
        }
    }

    fn remove(&mut self, key: usize) {
        let socket = self.sockets.remove(key);
        if let (Some(_), Some(room)) = (socket.role, self.rooms.get_mut(socket.room)) {
            room.sockets.retain(|other| *other != key);
        }
    }

    fn deliver(&mut self) {
        for room in self.touched.drain(..) {
            let Room { sockets, shared: [events, frames] } = &mut self.rooms[room];
            if events.is_empty() && frames.is_empty() {
                continue;
            }
            for key in sockets {
                let socket = &mut self.sockets[*key];
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
