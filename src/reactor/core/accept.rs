//! Taking new connections.
//!
//! Knows: gates, the engine's word on who may come.
//! Must not know: HTTP, WebSocket, SSE, rooms.

use super::Reactor;
use crate::bytes::Now;
use crate::reactor::listen::Accepted;
use crate::reactor::socket::{Socket, Stream};
use mio::net::TcpStream;
use mio::{Interest, Token};
use std::io::Write;

impl Reactor<'_> {
    /// Takes whoever waits at the gates, so many a turn.
    pub(super) fn accept(&mut self, now: Now) {
        for number in 0..self.gates.len() {
            for _ in 0..self.setup.limits.accepts_per_turn {
                let gate = &mut self.gates[number];
                if !gate.is_open(now.monotonic) {
                    break;
                }
                match gate.accept(now.monotonic, &mut self.reserve) {
                    Accepted::Stream(stream) => self.welcome(number as u8, stream, now),
                    Accepted::Again => {}
                    Accepted::None => break,
                    Accepted::NoRoom(error) => {
                        self.engine.note_no_room();
                        if gate.is_worth_a_line() {
                            log::error!("cannot accept connections: {error}");
                        }
                        break;
                    }
                }
            }
        }
    }

    fn welcome(&mut self, gate: u8, mut stream: TcpStream, now: Now) {
        let Some(key) = self.engine.accept(gate, now) else {
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
