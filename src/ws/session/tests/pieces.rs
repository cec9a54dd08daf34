//! A reader of one WebSocket that takes its input in any pieces, as an engine does.
//!
//! Knows: [`Session`], what is left over between two pieces.
//! Must not know: what is in the pieces.

use super::*;
use crate::ws::frame::CONTROL_BYTES_MAX;
use std::mem;

/// An event that borrows nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Message { binary: bool, payload: Vec<u8> },
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>, String),
}

pub(super) fn text(payload: &str) -> Seen {
    Seen::Message { binary: false, payload: payload.as_bytes().to_vec() }
}

pub(super) fn binary(payload: &[u8]) -> Seen {
    Seen::Message { binary: true, payload: payload.to_vec() }
}

pub(super) fn ping(payload: &str) -> Seen {
    Seen::Ping(payload.as_bytes().to_vec())
}

pub(super) fn close(code: u16, reason: &str) -> Seen {
    Seen::Close(Some(code), reason.to_owned())
}

impl From<Event<'_>> for Seen {
    fn from(event: Event<'_>) -> Seen {
        match event {
            Event::Message { binary, payload } => {
                Seen::Message { binary, payload: payload.as_bytes().to_vec() }
            }
            Event::Ping(payload) => Seen::Ping(payload.to_vec()),
            Event::Pong => Seen::Pong,
            Event::Close { code, reason } => {
                Seen::Close(code.map(|code| code.0), reason.to_owned())
            }
        }
    }
}

/// What came of an input: the events, and the fault that ended it.
pub(super) type Outcome = (Vec<Seen>, Option<Fault>);

#[derive(Default)]
pub(super) struct Client {
    pub(super) session: Session,
    pub(super) limits: Limits,
    pub(super) now: Tick,
    /// Whether large frames are read into their own room.
    uses_room: bool,
    pub(super) read_into_room: usize,
    pool: Pool,
    inflater: Inflater,
    partial: Vec<u8>,
    seen: Vec<Seen>,
    fault: Option<Fault>,
}

impl Client {
    pub(super) fn new(limits: Limits) -> Client {
        Client { limits, ..Client::default() }
    }

    /// That messages may be compressed was agreed on.
    pub(super) fn that_may_deflate(limits: Limits) -> Client {
        Client { session: Session::new(true), limits, ..Client::default() }
    }

    pub(super) fn in_room(limits: Limits) -> Client {
        Client { limits, uses_room: true, ..Client::default() }
    }

    pub(super) fn outcome(&self) -> Outcome {
        (self.seen.clone(), self.fault)
    }

    /// The memory that is held for the message that is open.
    pub(super) fn held(&self) -> usize {
        self.partial.capacity() + self.session.open.as_ref().map_or(0, |open| open.bytes.capacity())
    }

    fn is_over(&self) -> bool {
        self.fault.is_some() || matches!(self.seen.last(), Some(Seen::Close(..)))
    }

    pub(super) fn feed(&mut self, mut piece: &[u8]) {
        while !piece.is_empty() && !self.is_over() {
            let in_room = if self.uses_room { self.read_into_room(piece) } else { 0 };
            piece = &piece[in_room..];
            if in_room == 0 {
                self.read_anywhere(mem::take(&mut piece));
            }
        }
    }

    fn read_into_room(&mut self, piece: &[u8]) -> usize {
        if !self.partial.is_empty() {
            return 0;
        }
        let Some(room) = self.session.room() else { return 0 };
        let n = room.len().min(piece.len());
        room[..n].copy_from_slice(&piece[..n]);
        self.read_into_room += n;
        let Client { limits, pool, inflater, .. } = self;
        match self.session.filled(n, &mut Tools { limits, pool, inflater }) {
            Ok(event) => self.seen.extend(event.map(Seen::from)),
            Err(fault) => self.fault = Some(fault),
        }
        n
    }

    fn read_anywhere(&mut self, piece: &[u8]) {
        self.partial.extend_from_slice(piece);
        let mut input = mem::take(&mut self.partial);
        let mut rest = input.as_mut_slice();
        while !self.is_over() {
            let Client { limits, pool, inflater, .. } = self;
            let tools = &mut Tools { limits, pool, inflater };
            match self.session.next(&mut rest, self.now, tools) {
                Ok(Some(event)) => self.seen.push(event.into()),
                Ok(None) => break,
                Err(fault) => self.fault = Some(fault),
            }
        }
        if !self.is_over() {
            assert!(rest.len() < 6 + CONTROL_BYTES_MAX, "no more is left than a control frame");
        }
        self.partial = rest.to_vec();
    }
}

fn run_with(uses_room: bool, input: &[u8], cuts: &[usize]) -> Outcome {
    let mut client = Client { uses_room, ..Client::default() };
    let mut from = 0;
    for &cut in cuts {
        let cut = cut.clamp(from, input.len());
        client.feed(&input[from..cut]);
        from = cut;
    }
    client.feed(&input[from..]);
    client.outcome()
}

/// What comes of `input`, cut at `cuts`.
pub(super) fn run(input: &[u8], cuts: &[usize]) -> Outcome {
    run_with(false, input, cuts)
}

/// The same, where large frames are read into their own room.
pub(super) fn run_in_room(input: &[u8], cuts: &[usize]) -> Outcome {
    run_with(true, input, cuts)
}
