//! A connection: what it is at the moment, and what waits for it.
//!
//! Knows: the states a connection can be in.
//! Must not know: sockets, clocks, other connections.

use super::cursor::Cursor;
use super::desk::Desk;
use super::end::End;
use super::http::Http;
use super::websocket::{Name, WebSocket};
use crate::auth::Grant;
use crate::bytes::{Outbox, Tick};
use crate::hub::Who;
use crate::limits::PAGE_BYTES_MAX;
use crate::sse::Sequence;
use crate::ws::Farewell;
use crate::ws::frame::{CONTROL_BYTES_MAX, HEADER_BYTES_MAX};
use std::sync::Arc;

/// What a listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// WebSockets.
    WebSocket,
    /// Event streams and the API.
    Http,
    /// Both: their addresses are equal.
    Both,
}

/// One connection.
#[derive(Debug)]
pub(super) struct Conn {
    pub(super) state: State,
    pub(super) outbox: Outbox,
    /// The end of its input, which cannot be used until more has come, or until it may go on.
    pub(super) partial: Vec<u8>,
    /// When something was last read from it.
    pub(super) heard: Tick,
    /// When it last took something, or was given something while it waited for nothing.
    pub(super) took: Tick,
    pub(super) listener: u8,
    pub(super) mood: Mood,
}

/// What the reactor was told about a connection, and what it told us.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mood {
    /// A `Flush` is on its way.
    pub(super) dirty: bool,
    /// The kernel takes no more at the moment: we wait until it does.
    pub(super) blocked: bool,
    /// It is not read from, because too much waits for it or because it waits for its name.
    pub(super) paused: bool,
    /// There is input in `partial` that it could use as soon as it may go on.
    pub(super) backlog: bool,
    /// It closed its half.
    pub(super) ended: bool,
    /// It has published to a room this turn.
    pub(super) published: bool,
    /// A room that it joins or leaves is waited for.
    pub(super) changing: bool,
}

/// What a connection is; what cannot be at once is not stored together.
#[derive(Debug)]
pub(super) enum State {
    /// Reading requests, answering them.
    Http(Box<Http>),
    /// After the 101.
    WebSocket(WebSocket),
    /// After the head of an event stream: only its end is waited for.
    EventStream(EventStream),
    /// What is begun and what is due leaves; then we close.
    Closing(Closing),
}

/// A subscriber.
#[derive(Debug)]
pub(super) struct EventStream {
    pub(super) cursor: Cursor,
    /// The position that it was told, or read past, last.
    pub(super) told: Sequence,
    /// It ends at this position: `follow=false`, or [`EventStream::FOLLOWS`].
    pub(super) until: Sequence,
    /// Bytes that came although nothing should.
    pub(super) unasked: u32,
    /// What it was let in with; nothing, where everybody may come in.
    pub(super) grant: Option<Arc<Grant>>,
}

impl EventStream {
    /// The end of a stream that has none.
    pub(super) const FOLLOWS: Sequence = Sequence::MAX;
}

/// A connection that ends.
#[derive(Debug)]
pub(super) struct Closing {
    /// The event it was in the middle of.
    pub(super) rest: Option<Box<Cursor>>,
    /// When it is cut off. `None`: it has yet to take what is due, and may do so as slowly as at
    /// any other time.
    pub(super) until: Option<Tick>,
    /// Our half is closed: the rest of its input is thrown away.
    pub(super) half_closed: bool,
    /// Its close frame is waited for.
    pub(super) awaiting: Option<Farewell>,
    /// It closed its own half before.
    pub(super) heard_end: bool,
    /// How much more is thrown away.
    pub(super) patience: u32,
}

const _: () = assert!(size_of::<Conn>() <= 192, "the budget of an idle connection, DESIGN part 9");

impl Conn {
    /// The cursor, if it is a live or lagging reader.
    pub(super) fn cursor_mut(&mut self) -> Option<&mut Cursor> {
        match &mut self.state {
            State::Http(_) => None,
            State::WebSocket(websocket) => websocket.cursor.as_deref_mut(),
            State::EventStream(stream) => Some(&mut stream.cursor),
            State::Closing(closing) => closing.rest.as_deref_mut(),
        }
    }

    /// How it ends if it closed its half, and everything is answered that it had asked before. A
    /// stream, or a WebSocket, that it had asked for has nobody to go on for.
    pub(super) fn end_if_left(&self) -> Option<End> {
        if !self.mood.ended || self.mood.backlog {
            return None;
        }
        match &self.state {
            State::Http(http) if http.is_waiting() => None,
            State::Http(_) | State::EventStream(_) => Some(End::ANSWERED),
            State::WebSocket(_) => Some(End::HALF_CLOSED),
            State::Closing(_) => None,
        }
    }

    /// Whatever a peer sends: no more of it is kept, and no more waits for it.
    pub(super) fn invariants(&self, desk: &Desk) {
        const MASK_BYTES: usize = 4;
        /// The longest, pages aside, is a list, and what makes an answer of it.
        const RESPONSE_BYTES_MAX: usize = PAGE_BYTES_MAX + 64 * 1024;
        const FRAME_BYTES_MAX: usize = HEADER_BYTES_MAX + MASK_BYTES + CONTROL_BYTES_MAX;
        let (limits, largest) = (&desk.widest, desk.answer_bytes_max);
        let (kept, answer) = match &self.state {
            State::Http(_) => (limits.head_bytes_max, largest + RESPONSE_BYTES_MAX),
            State::WebSocket(_) => (FRAME_BYTES_MAX, largest),
            State::EventStream(_) => (0, largest + RESPONSE_BYTES_MAX),
            State::Closing(_) => (FRAME_BYTES_MAX, largest + RESPONSE_BYTES_MAX),
        };
        // Of what was read in one piece the rest waits with its connection.
        let is_kept = self.partial.len() <= kept || self.mood.paused;
        debug_assert!(is_kept, "{} bytes of {:?} are kept", self.partial.len(), self.state);
        // A head, an error or a close frame may come on top.
        let most = limits.outbox_bytes_max / 2 + answer + limits.head_bytes_max;
        let waiting = self.outbox.len();
        debug_assert!(waiting <= most, "{waiting} bytes wait for {:?}", self.state);
    }

    /// The name that it owns, if it has one.
    pub(super) fn who(&self) -> Option<Who> {
        let State::WebSocket(websocket) = &self.state else { return None };
        let Name::Owned(sender) = &websocket.name else { return None };
        Some(sender.who)
    }

    /// Like [`Conn::cursor_mut`], to look at.
    pub(super) fn cursor(&self) -> Option<&Cursor> {
        match &self.state {
            State::Http(_) => None,
            State::WebSocket(websocket) => websocket.cursor.as_deref(),
            State::EventStream(stream) => Some(&stream.cursor),
            State::Closing(closing) => closing.rest.as_deref(),
        }
    }
}
