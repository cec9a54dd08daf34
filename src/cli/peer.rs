//! The server's end of the WebSocket: bytes that come and go, in frames.
//!
//! Knows: a socket that does not block, frames as a client sends them.
//! Must not know: what messages mean, when anything is said, screens and lines.

use super::failure::Failure;
use crate::bytes::{Pool, Tick};
use crate::limits::Limits;
use crate::ws::close::CloseCode;
use crate::ws::deflate::Inflater;
use crate::ws::frame::{Opcode, push_masked};
use crate::ws::{Event, Fault, Session, Tools};
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;

/// The longest message of a server: what our own can be set to.
pub(super) const MESSAGE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// While so much waits to be sent, nothing more should be said. What comes is still heard: the
/// server may read no more until it is.
const OUTPUT_BYTES_MAX: usize = 256 * 1024;

const READ_BYTES: usize = 64 * 1024;

/// What the server says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close(Option<CloseCode>, String),
}

pub(super) struct Peer {
    pub(super) stream: TcpStream,
    session: Session,
    limits: Limits,
    pool: Pool,
    inflater: Inflater,
    /// What has come; what has been heard of it ends at `heard`.
    input: Vec<u8>,
    heard: usize,
    /// What has not been sent.
    output: Vec<u8>,
    /// The answer to a ping, behind all that waits. Only the newest is owed (RFC 6455 §5.5.3), so
    /// pings do not make ever more of it.
    pong: Option<Vec<u8>>,
    /// The connection has ended, perhaps with an error.
    pub(super) is_gone: Option<Option<io::Error>>,
}

impl Peer {
    /// On a `stream` that does not block, from which `input` was read already.
    pub(super) fn new(stream: TcpStream, input: Vec<u8>) -> Peer {
        let limits = Limits {
            message_bytes_max: MESSAGE_BYTES_MAX,
            fragments_max: usize::MAX,
            ..Limits::default()
        };
        Peer {
            stream,
            session: Session::of_client(),
            limits,
            pool: Pool::default(),
            inflater: Inflater::default(),
            input,
            heard: 0,
            output: Vec::new(),
            pong: None,
            is_gone: None,
        }
    }

    /// The next thing that it said, if all of that has come.
    pub(super) fn hear(&mut self) -> Result<Option<Heard>, Fault> {
        let mut rest = &mut self.input[self.heard..];
        let before = rest.len();
        let (limits, pool, inflater) = (&self.limits, &mut self.pool, &mut self.inflater);
        let mut tools = Tools { limits, pool, inflater };
        let event = self.session.next(&mut rest, Tick(0), &mut tools)?;
        let left = rest.len();
        let heard = event.map(Heard::from);
        self.heard += before - left;
        if heard.is_none() {
            self.forget();
        }
        Ok(heard)
    }

    /// What has come does not count.
    pub(super) fn ignore(&mut self) {
        self.heard = self.input.len();
        self.forget();
    }

    fn forget(&mut self) {
        self.input.drain(..self.heard);
        self.heard = 0;
    }

    /// Says something, with a mask that nobody can foresee (RFC 6455 §10.3).
    pub(super) fn say(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), Failure> {
        let mut mask = [0; 4];
        getrandom::fill(&mut mask).map_err(io::Error::from)?;
        push_masked(&mut self.output, true, opcode, mask, payload);
        Ok(())
    }

    /// Answers a ping as soon as not too much waits before it.
    pub(super) fn answer_ping(&mut self, payload: Vec<u8>) -> Result<(), Failure> {
        self.pong = Some(payload);
        self.say_pong()
    }

    fn say_pong(&mut self) -> Result<(), Failure> {
        if self.is_full() {
            return Ok(());
        }
        self.pong.take().map_or(Ok(()), |payload| self.say(Opcode::Pong, &payload))
    }

    /// Something waits to be sent.
    pub(super) fn has_output(&self) -> bool {
        !self.output.is_empty()
    }

    /// Nothing more should be said to it until it has read.
    pub(super) fn is_full(&self) -> bool {
        self.output.len() >= OUTPUT_BYTES_MAX
    }

    /// Sends as much as the connection takes.
    pub(super) fn send(&mut self) -> Result<(), Failure> {
        let mut sent = 0;
        while sent < self.output.len() {
            match self.stream.write(&self.output[sent..]) {
                Ok(n) => sent += n,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // It is over. Perhaps the server has said why: whoever reads will see.
                Err(_) => sent = self.output.len(),
            }
        }
        self.output.drain(..sent);
        self.say_pong()
    }

    /// Reads once.
    pub(super) fn receive(&mut self) {
        let filled = self.input.len();
        self.input.resize(filled + READ_BYTES, 0);
        let read = self.stream.read(&mut self.input[filled..]);
        self.input.truncate(filled + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => self.is_gone = Some(None),
            Ok(_) => {}
            Err(error)
                if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
            Err(error) => self.is_gone = Some(Some(error)),
        }
    }
}

impl From<Event<'_>> for Heard {
    fn from(event: Event<'_>) -> Heard {
        match event {
            Event::Message { binary, payload } => {
                let bytes = payload.as_bytes().to_vec();
                match String::from_utf8(bytes) {
                    Ok(text) if !binary => Heard::Text(text),
                    Ok(text) => Heard::Binary(text.into_bytes()),
                    Err(not_text) => Heard::Binary(not_text.into_bytes()),
                }
            }
            Event::Ping(payload) => Heard::Ping(payload.to_vec()),
            Event::Pong => Heard::Pong,
            Event::Close { code, reason } => Heard::Close(code, reason.to_owned()),
        }
    }
}
