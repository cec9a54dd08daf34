//! Taking new connections.
//!
//! Knows: gates, the engine's word on who may come.
//! Must not know: HTTP, WebSocket, SSE, rooms.

use super::Reactor;
use crate::bytes::Now;
use crate::reactor::socket::{Socket, Stream};
use mio::net::TcpStream;
use mio::{Interest, Token};
use std::io::{self, Write};
use std::mem;
use std::net::SocketAddr;

impl Reactor<'_> {
    /// Takes whoever waits at the gates, so many a turn.
    pub(super) fn accept(&mut self, now: Now) {
        let mut gates = mem::take(&mut self.gates);
        if self.want.meet(self.shared.vacancy()) {
            gates.note_room();
        }
        let most = self.setup.policy.limits.accepts_per_turn;
        gates.take(most, now.monotonic, |gate, taken| self.greet(gate, taken, now));
        self.want.set(gates.want_room(), self.shared.vacancy());
        self.gates = gates;
    }

    /// Takes nobody new; whoever had got through to us is told so.
    pub(super) fn stop_listening(&mut self, now: Now) {
        self.draining = true;
        self.engine.drain(now);
        let gates = mem::take(&mut self.gates);
        gates.take_last(now.monotonic, |gate, taken| self.greet(gate, taken, now));
        self.want.set(false, self.shared.vacancy());
    }

    fn greet(&mut self, gate: usize, taken: io::Result<(TcpStream, SocketAddr)>, now: Now) {
        match taken {
            Ok((stream, peer)) => self.welcome(gate as u8, stream, peer, now),
            Err(error) => {
                self.engine.note_no_room();
                if self.shared.vacancy().may_complain(now.monotonic) {
                    log::error!("cannot accept connections: {error}");
                }
            }
        }
    }

    fn welcome(&mut self, gate: u8, mut stream: TcpStream, peer: SocketAddr, now: Now) {
        let Some(key) = self.engine.accept(gate, peer, now) else {
            // One try is enough: the socket's buffer is empty. What the client sent is not waited
            // for.
            let _ = Write::write(&mut stream, &self.engine.refusal(now));
            let _ = Stream::shutdown(&stream);
            return;
        };
        let interest = Interest::READABLE | Interest::WRITABLE;
        let result = self.poll.registry().register(&mut stream, Token(key.token()), interest);
        if self.sockets.len() <= key.slot() {
            self.sockets.resize_with(key.slot() + 1, || None);
        }
        self.sockets[key.slot()] = Some(Socket::new(key, stream));
        if let Err(error) = result {
            log::error!("cannot watch a connection: {error}");
            self.engine.receive_error(key, now);
        }
    }
}
