//! What [`Session`] hears.
//!
//! Knows: both ways to give it input, what is left over between two pieces.
//! Must not know: what anybody else hears.

use super::{End, Heard, Pieces, Seen};
use tidegate::bytes::{Pool, Tick};
use tidegate::limits::Limits;
use tidegate::ws::deflate::Inflater;
use tidegate::ws::{Event, Fault, Session, Tools};

/// How its bytes reach a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// All from a buffer of the reader's.
    Anywhere,
    /// Large frames into the room that the session makes for them.
    Room,
}

struct Reader<'a> {
    session: Session,
    limits: &'a Limits,
    pool: Pool,
    inflater: Inflater,
    partial: Vec<u8>,
    events: Vec<Seen>,
    fault: Option<Fault>,
}

/// As a server of clients that send `input`.
pub(crate) fn hear(
    input: &[u8],
    cuts: &[usize],
    limits: &Limits,
    way: Way,
) -> (Heard, Option<Fault>) {
    let mut reader = Reader {
        // The others know no compression.
        session: Session::new(false),
        limits,
        pool: Pool::default(),
        inflater: Inflater::default(),
        partial: Vec::new(),
        events: Vec::new(),
        fault: None,
    };
    let mut pieces = Pieces::new(input, cuts);
    while !reader.is_over() {
        if way == Way::Room && reader.read_into_room(&mut pieces) {
            continue;
        }
        match pieces.next(usize::MAX) {
            [] => break,
            piece => reader.read(piece),
        }
    }
    let end = match (&reader.fault, reader.events.last()) {
        (Some(fault), _) => End::Refused(fault.close_code().0),
        (None, Some(Seen::Close(..))) => End::Closed,
        (None, _) => End::Open,
    };
    (Heard { events: reader.events, end }, reader.fault)
}

impl Reader<'_> {
    fn is_over(&self) -> bool {
        self.fault.is_some() || matches!(self.events.last(), Some(Seen::Close(..)))
    }

    /// Whether there was room, and something to put there.
    fn read_into_room(&mut self, pieces: &mut Pieces<'_>) -> bool {
        if !self.partial.is_empty() {
            return false;
        }
        let Some(room) = self.session.room() else { return false };
        let piece = pieces.next(room.len());
        room[..piece.len()].copy_from_slice(piece);
        if piece.is_empty() {
            return false;
        }
        let Reader { session, limits, pool, inflater, .. } = self;
        match session.filled(piece.len(), &mut Tools { limits, pool, inflater }) {
            Ok(event) => self.events.extend(event.map(seen)),
            Err(fault) => self.fault = Some(fault),
        }
        true
    }

    fn read(&mut self, piece: &[u8]) {
        let mut input = std::mem::take(&mut self.partial);
        input.extend_from_slice(piece);
        let mut rest = input.as_mut_slice();
        while !self.is_over() {
            let Reader { session, limits, pool, inflater, .. } = self;
            match session.next(&mut rest, Tick(0), &mut Tools { limits, pool, inflater }) {
                Ok(Some(event)) => self.events.push(seen(event)),
                Ok(None) => break,
                Err(fault) => self.fault = Some(fault),
            }
        }
        self.partial = rest.to_vec();
    }
}

fn seen(event: Event<'_>) -> Seen {
    match event {
        Event::Message { binary, payload } => {
            Seen::Message { binary, payload: payload.as_bytes().to_vec() }
        }
        Event::Ping(payload) => Seen::Ping(payload.to_vec()),
        Event::Pong => Seen::Pong,
        Event::Close { code, reason } => Seen::Close(code.map(|code| code.0), reason.to_owned()),
    }
}
