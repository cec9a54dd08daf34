//! A client's WebSocket: the same events however its bytes are cut, and as the naive reader has it.
//!
//! Knows: the first byte chooses the limits and whether to compress was agreed on, three more say how the input is cut; the rest is what
//! the client sent.
//! Must not know: how a session keeps what is unfinished.

use super::naive::session::{End, Seen, Terms, read};
use super::pieces::{pieces, single_bytes};
use tidegate::bytes::{Pool, Tick};
use tidegate::limits::Limits;
use tidegate::ws::deflate::Inflater;
use tidegate::ws::frame::CONTROL_BYTES_MAX;
use tidegate::ws::{Event, Fault, Session, Tools};

/// The longest header of a control frame.
const CONTROL_HEADER_BYTES: usize = 6;

const MESSAGE_BYTES_MAX: [usize; 4] = [64 * 1024, 10_000, 126, 5];
const FRAGMENTS_MAX: [usize; 4] = [128, 3, 2, 1];

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    let [knobs, a, b, c, bytes @ ..] = data else { return };
    let limits = Limits {
        message_bytes_max: MESSAGE_BYTES_MAX[usize::from(knobs & 3)],
        fragments_max: FRAGMENTS_MAX[usize::from(knobs >> 2 & 3)],
        ..Limits::default()
    };
    let terms = Terms { limits: &limits, may_deflate: knobs >> 4 & 1 == 1 };
    let (expected, expected_end) = read(bytes, terms);
    let mut ends = Vec::new();
    let cut = pieces(bytes, [*a, *b, *c]);
    let mut all = vec![vec![bytes], cut];
    // Byte by byte the tail of a control frame is moved each time: only for what is short.
    if bytes.len() <= 2000 {
        all.push(single_bytes(bytes));
    }
    for pieces in all {
        for room in [Room::Ignored, Room::Used, Room::LookedAt] {
            let mut client = Client::new(terms, room);
            pieces.iter().for_each(|piece| client.feed(piece));
            let (seen, end) = client.outcome();
            assert_eq!(seen, expected, "{} pieces, {room:?}", pieces.len());
            ends.push(end);
        }
    }
    assert!(ends.iter().all(|end| *end == ends[0]), "cuts change the end: {ends:?}");
    let is_expected = match (&ends[0], &expected_end) {
        (End::Wrong(told), End::Wrong(faults)) => told.iter().all(|fault| faults.contains(fault)),
        (end, expected) => end == expected,
    };
    assert!(is_expected, "{:?} is not {expected_end:?}", ends[0]);
}

/// What is done with the room that a session makes for a large frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Ignored,
    Used,
    /// Nothing was there to be read into it, and later something is read elsewhere.
    LookedAt,
}

/// A reader of one WebSocket, as an engine is one.
struct Client<'a> {
    session: Session,
    limits: &'a Limits,
    pool: Pool,
    inflater: Inflater,
    now: Tick,
    room: Room,
    partial: Vec<u8>,
    seen: Vec<Seen>,
    fault: Option<Fault>,
}

impl<'a> Client<'a> {
    fn new(terms: Terms<'a>, room: Room) -> Client<'a> {
        Client {
            session: Session::new(terms.may_deflate),
            limits: terms.limits,
            pool: Pool::default(),
            inflater: Inflater::default(),
            now: Tick(0),
            room,
            partial: Vec::new(),
            seen: Vec::new(),
            fault: None,
        }
    }

    fn outcome(self) -> (Vec<Seen>, End) {
        let end = match (self.fault, self.seen.last()) {
            (Some(fault), _) => End::Wrong(vec![fault]),
            (None, Some(Seen::Close(..))) => End::Closed,
            (None, _) => End::Open(self.session.open_since().is_some()),
        };
        (self.seen, end)
    }

    fn is_over(&self) -> bool {
        self.fault.is_some() || matches!(self.seen.last(), Some(Seen::Close(..)))
    }

    fn feed(&mut self, mut piece: &[u8]) {
        self.now = Tick(self.now.0 + 1);
        let since = self.session.open_since();
        assert!(since.is_none_or(|since| since < self.now));
        while !piece.is_empty() && !self.is_over() {
            let n = self.read_into_room(piece);
            if n == 0 {
                return self.read_anywhere(piece);
            }
            piece = &piece[n..];
        }
    }

    /// Reads what fits of `piece` into the room of a large frame, if there is one.
    fn read_into_room(&mut self, piece: &[u8]) -> usize {
        if self.room == Room::Ignored || !self.partial.is_empty() {
            return 0;
        }
        let Some(room) = self.session.room() else { return 0 };
        assert!(!room.is_empty());
        if self.room == Room::LookedAt {
            return 0;
        }
        let n = room.len().min(piece.len());
        room[..n].copy_from_slice(&piece[..n]);
        let mut tools =
            Tools { limits: self.limits, pool: &mut self.pool, inflater: &mut self.inflater };
        match self.session.filled(n, &mut tools) {
            Ok(event) => self.seen.extend(event.map(seen)),
            Err(fault) => self.fault = Some(fault),
        }
        n
    }

    fn read_anywhere(&mut self, piece: &[u8]) {
        self.partial.extend_from_slice(piece);
        let mut input = std::mem::take(&mut self.partial);
        let mut rest = input.as_mut_slice();
        while !self.is_over() {
            let mut tools =
                Tools { limits: self.limits, pool: &mut self.pool, inflater: &mut self.inflater };
            match self.session.next(&mut rest, self.now, &mut tools) {
                Ok(Some(event)) => self.seen.push(seen(event)),
                Ok(None) => break,
                Err(fault) => self.fault = Some(fault),
            }
        }
        if !self.is_over() {
            assert!(rest.len() < CONTROL_HEADER_BYTES + CONTROL_BYTES_MAX, "no more is left over");
        }
        self.partial = rest.to_vec();
    }
}

fn seen(event: Event<'_>) -> Seen {
    match event {
        Event::Message { binary, payload } => {
            let payload = payload.as_bytes().to_vec();
            assert!(binary || str::from_utf8(&payload).is_ok(), "text is UTF-8");
            Seen::Message { binary, payload }
        }
        Event::Ping(payload) => Seen::Ping(payload.to_vec()),
        Event::Pong => Seen::Pong,
        Event::Close { code, reason } => Seen::Close(code.map(|code| code.0), reason.to_owned()),
    }
}
