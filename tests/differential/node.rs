//! A connection to a whole engine, without sockets: what is written to it reaches the server, what
//! the server answers is read from it.
//!
//! Knows: the engine's face, the order of a turn.
//! Must not know: what is said.

use crate::compare::Pieces;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use tidegate::bytes::{ConnKey, Now, Slices};
use tidegate::engine::{Action, Engine, Listener, Policy, Serves, Setup, Space};
use tidegate::hub::Hub;
use tidegate::limits::Limits;
use tidegate::metrics::Counters;

const NOW: Now = Now { monotonic: Duration::from_secs(1), unix_ms: 1_700_000_000_000 };

/// One core, and one client of it.
pub(crate) struct Node {
    engine: Engine,
    key: ConnKey,
    /// What the server has said; the first `read` bytes of it were read.
    said: Vec<u8>,
    read: usize,
    /// The most that one read gives.
    read_bytes_max: usize,
    /// The server has closed its half.
    is_over: bool,
}

impl Node {
    /// A client that has connected to the listener for WebSockets.
    pub(crate) fn new(limits: &Limits) -> Node {
        let limits = Arc::new(limits.clone());
        let mut engine = Engine::new(Setup {
            core: 0,
            hub: Arc::new(Hub::new(1, &limits, [1, 2, 3], NOW.unix_ms)),
            policy: Arc::new(Policy { limits, compression: true, ..Policy::default() }),
            listeners: Arc::new([Listener { serves: Serves::WebSocket, loopback: true, port: 0 }]),
            counters: Arc::new([Counters::default()]),
            connections: Arc::default(),
            vault: Arc::default(),
            seed: [4, 5],
        });
        let key = engine.accept(0, IpAddr::V4(Ipv4Addr::LOCALHOST), NOW).expect("within the limit");
        Node { engine, key, said: Vec::new(), read: 0, read_bytes_max: usize::MAX, is_over: false }
    }

    /// From now on one read gives so many bytes at most.
    pub(crate) fn read_at_most(&mut self, bytes: usize) {
        self.read_bytes_max = bytes;
    }

    /// The client sends `bytes`, which arrive cut at `cuts`.
    pub(crate) fn send(&mut self, bytes: &[u8], cuts: &[usize]) {
        let mut pieces = Pieces::new(bytes, cuts);
        loop {
            let piece = match self.engine.space(self.key) {
                Space::Paused | Space::Backlog => &[],
                Space::Scratch => pieces.next(usize::MAX),
                Space::Own(room) => {
                    let piece = pieces.next(room.len());
                    room[..piece.len()].copy_from_slice(piece);
                    self.engine.received(self.key, piece.len(), NOW);
                    self.turn();
                    if piece.is_empty() {
                        return;
                    }
                    continue;
                }
            };
            match self.engine.space(self.key) {
                Space::Paused => return,
                Space::Backlog => self.engine.receive(self.key, &mut [], NOW),
                _ if piece.is_empty() => return,
                _ => self.engine.receive(self.key, &mut piece.to_vec(), NOW),
            }
            self.turn();
        }
    }

    /// The second half of a turn. What is written is taken at once, so nothing stays paused.
    fn turn(&mut self) {
        self.engine.commit(NOW);
        while let Some(action) = self.engine.poll_action() {
            match action {
                Action::Flush(_) => self.flush(),
                Action::Shutdown(_) | Action::Close(_) => self.is_over = true,
                Action::Post(_, letter) => self.engine.collect(letter, NOW),
                Action::Read(_) | Action::Ring(_) | Action::Vet(..) | Action::Tell(_) => {}
            }
        }
    }

    fn flush(&mut self) {
        loop {
            let mut slices = Slices::default();
            self.engine.output(self.key, &mut slices);
            let n = slices.bytes();
            slices.as_io().iter().for_each(|slice| self.said.extend_from_slice(slice));
            assert!(n == 0 || !self.is_over, "nothing is written after the end");
            if n == 0 || !self.engine.sent(self.key, n, n, NOW) {
                return;
            }
        }
    }

    /// All that the server has said so far.
    pub(crate) fn said(&self) -> &[u8] {
        &self.said
    }

    /// Whether the server will say no more.
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// The client goes: of a server that is over nothing may be left then.
    pub(crate) fn leave(mut self) {
        self.engine.receive_end(self.key, NOW);
        self.turn();
        assert_eq!(self.engine.connections(), 0, "nothing is left of a connection that ended");
    }
}

impl Read for Node {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let rest = &self.said[self.read..];
        let n = rest.len().min(into.len()).min(self.read_bytes_max);
        if n == 0 && !self.is_over {
            return Err(ErrorKind::WouldBlock.into());
        }
        into[..n].copy_from_slice(&rest[..n]);
        self.read += n;
        Ok(n)
    }
}

impl Write for Node {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send(bytes, &[]);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
