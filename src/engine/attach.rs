//! Where a reader begins, and how one that lags catches up.
//!
//! Knows: positions, the logs, this core's lists.
//! Must not know: protocols beyond formats, sockets.
//!
//! Every reader begins as one that lags, at a position that is exact: what was committed when its
//! core came through the door, before anything that core brought. So it gets all that its own turn
//! commits, once.

use super::Engine;
use super::conn::{Conn, EventStream, State};
use super::cursor::{Cursor, Lag, Making, Opening, Reader, Scope};
use super::desk::Desk;
use super::end::End;
use super::events::Begin;
use super::membership::Attach;
use super::reach::Ids;
use super::rooms::slot_of;
use crate::bytes::{ConnKey, Outbox};
use crate::hub::{Class, Format, Piece, Taste};
use crate::sse::{self, LastEventId, Sequence};
use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

/// Pieces fetched from the logs at once.
const PIECES_MAX: usize = 16;
/// Pieces fetched for a reader whose format may have to be made for it.
const PIECES_TO_MAKE_MAX: usize = 2;
/// Bytes made for readers of history in one turn, all together: nobody else is to wait for them.
const MADE_BYTES_MAX: usize = 512 * 1024;
/// Fetches for one reader in one turn, if they bring nothing that it wants.
const FETCHES_MAX: usize = 4;

impl Engine {
    /// Gives those that came this turn their first position. The door has been passed.
    pub(super) fn attach(&mut self) {
        let mut attaching = mem::take(&mut self.desk.attaching);
        for (key, attach) in attaching.drain(..) {
            let Engine { conns, desk } = self;
            let Some(conn) = conns.find_mut(key) else { continue };
            match (&conn.state, attach) {
                (State::WebSocket(_), Attach::New(since)) => {
                    conn.begin_reading(desk, since);
                    self.go_on(key);
                }
                (State::WebSocket(_), change) => self.change_rooms(key, change),
                (State::EventStream(_), Attach::New(begin)) => conn.begin_stream(desk, begin),
                (State::Http(_) | State::EventStream(_) | State::Closing(_), _) => continue,
            }
            self.catch_up(key);
        }
        self.desk.attaching = attaching;
    }

    /// Gives a reader that lags something to write, or lists it if it has all that its core has
    /// seen.
    pub(super) fn catch_up(&mut self, key: ConnKey) {
        let Engine { conns, desk } = self;
        let Some(conn) = conns.find_mut(key) else { return };
        if conn.mood.blocked {
            return;
        }
        match conn.refill(desk) {
            Refill::Nothing => {}
            Refill::InHand => desk.flush(key, &mut conn.mood),
            Refill::Later => desk.again.push(key),
            Refill::CaughtUp => {
                if let Some(cursor) = conn.cursor_mut() {
                    cursor.lag = None;
                    desk.rooms.list(cursor, slot_of(key));
                }
            }
            Refill::AtEnd => self.end(key, End::ANSWERED),
            Refill::FellOff => self.end(key, End::FELL_OFF),
        }
        self.settle(key);
    }

    /// Goes on with those that had more to get than one turn gives.
    pub(super) fn go_on_writing(&mut self) {
        for key in mem::take(&mut self.desk.again) {
            let lags = |conn: &Conn| conn.cursor().is_some_and(|cursor| cursor.lag.is_some());
            if self.conns.find(key).is_some_and(lags) {
                self.catch_up(key);
            } else {
                self.settle(key);
            }
        }
    }
}

fn pieces_max(format: Format) -> usize {
    match format {
        Format::Events | Format::Frames => PIECES_MAX,
        Format::SealedEvents
        | Format::FullEvents
        | Format::SealedFullEvents
        | Format::Lines
        | Format::SealedLines
        | Format::DeflatedFrames => PIECES_TO_MAKE_MAX,
    }
}

/// What a reader that lags can do next.
enum Refill {
    /// It does not read any more.
    Nothing,
    /// Write what it holds.
    InHand,
    /// Look further in the next turn.
    Later,
    /// Be listed.
    CaughtUp,
    /// End: it was asked to end at the present.
    AtEnd,
    /// Be closed: its next frame is gone.
    FellOff,
}

impl Conn {
    fn refill(&mut self, desk: &mut Desk) -> Refill {
        let until = match &self.state {
            State::EventStream(stream) => stream.until,
            State::WebSocket(_) => EventStream::FOLLOWS,
            State::Http(_) | State::Closing(_) => return Refill::Nothing,
        };
        let who = self.who();
        for _ in 0..FETCHES_MAX {
            let Some(cursor) = self.cursor_mut() else { return Refill::Nothing };
            let taste @ Taste { format, .. } = cursor.taste;
            let Some(lag) = &mut cursor.lag else { return Refill::Nothing };
            // What others have lost is not to show by where a gap of one's own is cut in two: it is
            // told when it is known how far it reaches.
            let may_reach_on = cursor.scope.group().is_some() && lag.hand.len() == 1;
            let is_open = may_reach_on && lag.next <= until.min(desk.seen);
            if !is_open && let Some((last, missed)) = lag.pop_gap() {
                if format.is_frames() {
                    return Refill::FellOff;
                }
                push_gap(&mut self.outbox, desk, format, last, missed);
                continue;
            }
            if lag.has_in_hand() {
                return Refill::InHand;
            }
            let mut pieces = VecDeque::new();
            let Some(next) = desk.look_up(lag, &cursor.scope, taste, until, &mut pieces) else {
                if let Some(opening) = lag.opening.take() {
                    let at = lag.next - 1;
                    self.open_stream(desk, opening, at);
                }
                let is_end = until != EventStream::FOLLOWS;
                return if is_end { Refill::AtEnd } else { Refill::CaughtUp };
            };
            let making =
                &mut Making { charges: &mut desk.turn.charges, deflater: &mut desk.deflater };
            desk.made_bytes += lag.take(&mut pieces, next, Reader { taste, who }, making);
            // It may leave with this very write.
            if let Some(opening) = lag.opening.take_if(|_| !lag.hand.is_empty()) {
                let at = lag.before_hand(format);
                self.open_stream(desk, opening, at);
            }
        }
        Refill::Later
    }

    /// The first block of a stream, which says where it begins, and its position.
    fn begin_stream(&mut self, desk: &mut Desk, begin: Begin) {
        let State::EventStream(stream) = &mut self.state else { return };
        let keys = desk.rooms.keys(&stream.cursor.scope, Class::Subscriber);
        let earliest = || desk.hub.gone_through(keys, Class::Subscriber);
        let before = desk.turn.before;
        let (at, opening) = match begin {
            Begin::Now => (before, None),
            Begin::Resume(LastEventId::At(last)) if last <= before => (last, None),
            Begin::Earliest => (earliest(), Some(false)),
            // What was missed cannot be known: all that there is, and word that there may have been
            // more.
            Begin::Resume(_) => (earliest(), Some(true)),
        };
        let mut lag = Lag::after(at);
        if let Scope::Selected(selected) = &stream.cursor.scope {
            lag.whos.clone_from(&selected.whos);
        }
        let opening = opening.map(|has_gap| Opening { retry: desk.retry(), has_gap });
        let is_of_group = stream.cursor.scope.group().is_some();
        // Up to where all is gone says something of all rooms: where its own begin is to be found.
        lag.opening = opening.filter(|_| is_of_group);
        let is_opened = lag.opening.is_none();
        stream.cursor.lag = Some(lag);
        if stream.until != EventStream::FOLLOWS {
            stream.until = desk.seen;
        }
        if is_opened {
            let opening =
                opening.unwrap_or_else(|| Opening { retry: desk.retry(), has_gap: false });
            self.open_stream(desk, opening, at);
        }
    }

    /// Says where a stream begins, if that has yet to be said: behind event `at`.
    fn open_stream(&mut self, desk: &mut Desk, opening: Opening, at: Sequence) {
        let State::EventStream(stream) = &mut self.state else { return };
        stream.told = at;
        let Taste { format, .. } = stream.cursor.taste;
        if format.opened() != Format::Lines {
            self.outbox.append(&mut desk.pool, |out| sse::retry_line(out, opening.retry));
        }
        // A gap stands in the first block itself: whoever had the position and was cut off before
        // the gap would come back there, and never hear of it.
        if opening.has_gap {
            push_gap(&mut self.outbox, desk, format, at, None);
        } else {
            push_position(&mut self.outbox, desk, format, at);
        }
    }
}

impl Lag {
    /// Everything after `position` is still to be read.
    pub(super) fn after(position: Sequence) -> Box<Lag> {
        Box::new(Lag { next: position + 1, ..Lag::default() })
    }
}

impl Desk {
    /// Asks the logs for what a cursor of `scope` that lags reads next, up to `until`. Gives where
    /// it then is; `None`: it has come to the end.
    fn look_up(
        &mut self,
        lag: &mut Lag,
        scope: &Scope,
        Taste { class, format }: Taste,
        until: Sequence,
        pieces: &mut VecDeque<Piece>,
    ) -> Option<Sequence> {
        let (seen, most) = (self.seen, pieces_max(format));
        let group = scope.group();
        let keys = if group.is_some() { None } else { self.rooms.keys(scope, class) };
        let (keys, upto) = lag.errand(keys, until.min(seen))?;
        if self.made_bytes >= MADE_BYTES_MAX {
            return Some(lag.place());
        }
        let Some(group) = group else {
            let wanted = Cursor::wants(lag, class, keys.as_deref(), (upto, seen));
            return Some(self.hub.fetch(wanted, pieces, most));
        };
        let wanted = Cursor::wants(lag, class, None, (upto, seen));
        let mut meaning = self.rooms.groups.meaning(group);
        Some(self.hub.fetch_meant(wanted, &mut meaning, pieces, most))
    }

    /// A reconnection time of its own for each stream, so that not all come back at once.
    fn retry(&mut self) -> Duration {
        let shortest = self.limits.retry;
        shortest + Duration::from_millis(self.random.below(2 * shortest.as_millis() as u64 + 1))
    }
}

/// The id of a place between events, for whoever reads `format`.
fn id_of_place(desk: &mut Desk, format: Format, at: Sequence) -> Vec<u8> {
    let salt = if format.is_sealed() { desk.random.next() } else { 0 };
    Ids { hub: &desk.hub, are_sealed: format.is_sealed() }.of_place(at, salt)
}

/// Tells a stream where it is.
pub(super) fn push_position(outbox: &mut Outbox, desk: &mut Desk, format: Format, at: Sequence) {
    let id = id_of_place(desk, format, at);
    outbox.append(&mut desk.pool, |out| {
        if format.opened() == Format::Lines {
            out.extend_from_slice(b"{\"id\":\"");
            out.extend_from_slice(&id);
            out.extend_from_slice(b"\",\"type\":\"position\"}\n");
        } else {
            sse::position_block(out, &id);
        }
    });
}

fn push_gap(
    outbox: &mut Outbox,
    desk: &mut Desk,
    format: Format,
    last: Sequence,
    missed: Option<u64>,
) {
    desk.counters().gaps.add(1);
    desk.counters().gap_missed.add(missed.unwrap_or(0));
    let id = id_of_place(desk, format, last);
    outbox.append(&mut desk.pool, |out| {
        if format.opened() == Format::Lines {
            let missed = missed.map_or("null".to_owned(), |count| count.to_string());
            out.extend_from_slice(b"{\"id\":\"");
            out.extend_from_slice(&id);
            let end = format!("\",\"type\":\"gap\",\"missed\":{missed}}}\n");
            out.extend_from_slice(end.as_bytes());
        } else {
            sse::gap_event(out, &id, missed);
        }
    });
}
