//! A client's WebSocket: the same events however its bytes are cut, and as the naive reader has it.
//!
//! Knows: the first byte chooses the limits, three more say how the input is cut; the rest is what
//! the client sent.
//! Must not know: how a session keeps what is unfinished.

use super::naive::session::{End, Seen, read};
use super::pieces::{pieces, single_bytes};
use tidegate::bytes::{Pool, Tick};
use tidegate::limits::Limits;
use tidegate::ws::frame::CONTROL_BYTES_MAX;
use tidegate::ws::{Event, Fault, Session};

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
    let expected = read(bytes, &limits);
    let cut = pieces(bytes, [*a, *b, *c]);
    let mut all = vec![vec![bytes], cut];
    // Byte by byte the tail of a control frame is moved each time: only for what is short.
    if bytes.len() <= 2000 {
        all.push(single_bytes(bytes));
    }
    for pieces in all {
        for uses_room in [false, true] {
            let mut client = Client::new(&limits, uses_room);
            pieces.iter().for_each(|piece| client.feed(piece));
            assert_eq!(client.outcome(), expected, "{} pieces, {uses_room}", pieces.len());
        }
    }
}

/// A reader of one WebSocket, as an engine is one.
struct Client<'a> {
    session: Session,
    limits: &'a Limits,
    pool: Pool,
    now: Tick,
    uses_room: bool,
    partial: Vec<u8>,
    seen: Vec<Seen>,
    fault: Option<Fault>,
}

impl<'a> Client<'a> {
    fn new(limits: &'a Limits, uses_room: bool) -> Client<'a> {
        Client {
            session: Session::default(),
            limits,
            pool: Pool::default(),
            now: Tick(0),
            uses_room,
            partial: Vec::new(),
            seen: Vec::new(),
            fault: None,
        }
    }

    fn outcome(self) -> (Vec<Seen>, End) {
        let end = match (self.fault, self.seen.last()) {
            (Some(fault), _) => End::Wrong(fault),
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
            let n = if self.uses_room { self.read_into_room(piece) } else { 0 };
            if n == 0 {
                return self.read_anywhere(piece);
            }
            piece = &piece[n..];
        }
    }

    /// Reads what fits of `piece` into the room of a large frame, if there is one.
    fn read_into_room(&mut self, piece: &[u8]) -> usize {
        if !self.partial.is_empty() {
            return 0;
        }
        let Some(room) = self.session.room() else { return 0 };
        assert!(!room.is_empty());
        let n = room.len().min(piece.len());
        room[..n].copy_from_slice(&piece[..n]);
        match self.session.filled(n) {
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
            match self.session.next(&mut rest, self.limits, self.now, &mut self.pool) {
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
