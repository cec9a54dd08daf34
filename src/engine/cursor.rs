//! A cursor: where a reader is in the logs.
//!
//! Knows: chunks, what of them a reader wants.
//! Must not know: connections, protocols beyond a chunk's formats.
//!
//! A cursor that has all its core has seen is *live*: it owns no position, it stands in its core's
//! lists, and `due` is its share of this turn's inbox. One whose write stayed unfinished, or that
//! begins in the past, *lags*: it owns a position and what it holds in its hand, and is in no list.

use super::history::History;
pub(super) use super::scope::{Scope, Selected};
use crate::bytes::Slices;
use crate::hub::{Chunk, Class, Format, Piece, RoomKey, Sender, Taste, Wanted, What, Who};
use crate::sse::Sequence;
use crate::ws::deflate::Deflater;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// A reader's position.
#[derive(Debug)]
pub(super) struct Cursor {
    pub(super) scope: Scope,
    pub(super) taste: Taste,
    /// Its place in its list while it is live, [`Cursor::NOWHERE`] while it is not.
    pub(super) place: u32,
    /// Its share of this turn's inbox.
    pub(super) due: Option<Due>,
    pub(super) lag: Option<Box<Lag>>,
}

/// A share of the inbox: which gather of the delivery, and how many of its bytes have left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) gather: u32,
    pub(super) sent: u32,
}

/// The position of a cursor that is behind its core.
#[derive(Debug, Default)]
pub(super) struct Lag {
    /// The first sequence that is not in hand.
    pub(super) next: Sequence,
    /// Which of its room's events that is, if the cursor knows.
    pub(super) ordinal: Option<u64>,
    /// What it reads now and next.
    pub(super) hand: VecDeque<Reading>,
    /// Only `who`s in here; empty: all.
    pub(super) whos: Vec<Who>,
    /// Not this one's.
    pub(super) except: Option<Own>,
    /// What it reads of rooms' pasts, before it reads on.
    pub(super) history: History,
    /// Its first block, which is due when it is known where it begins.
    pub(super) opening: Option<Opening>,
}

/// How a stream begins that asked for the oldest that there is of what it may read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    /// The reconnection time that it is told.
    pub(super) retry: Duration,
    /// It is told first that something may be gone, as nobody knows what it had.
    pub(super) has_gap: bool,
}

/// What a member published itself, and is not sent: word of its own coming and going, and most do
/// not want their messages back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Own {
    /// What an earlier session of its name published is not its own.
    pub(super) session: u64,
    /// Messages too.
    pub(super) messages: bool,
}

impl Own {
    fn is(self, sender: &Sender, what: What) -> bool {
        sender.session == self.session && (self.messages || !what.is_message())
    }
}

/// Who reads: what of it decides over a chunk as a whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reader {
    pub(super) taste: Taste,
    /// Its name, if it has one.
    pub(super) who: Option<Who>,
}

impl Reader {
    /// Whether it is of the audience of `chunk`, and not left out.
    pub(super) fn may_have(self, chunk: &Chunk) -> bool {
        chunk.is_for(self.taste.class) && !chunk.leaves_out(self.who)
    }
}

/// Something in hand.
#[derive(Debug)]
pub(super) enum Reading {
    /// A chunk, and what is still to be read of its bytes in the cursor's format.
    Chunk(Arc<Chunk>, Range<usize>),
    /// Events that are gone.
    Gap { last: Sequence, missed: Option<u64> },
}

/// All bytes of a chunk from byte `from` on, however many there are.
pub(super) fn rest(from: usize) -> Range<usize> {
    from..usize::MAX
}

/// What a reader wants of a chunk: the ranges of bytes, in order, within `part`.
pub(super) fn wanted<'a>(
    chunk: &'a Chunk,
    Taste { class, format }: Taste,
    part: Range<usize>,
    whos: &'a [Who],
    except: Option<Own>,
) -> impl Iterator<Item = Range<usize>> + 'a {
    let is_theirs = chunk.is_for(class);
    let is_plain = whos.is_empty() && except.is_none();
    let bytes = if is_theirs { chunk.bytes(format).len() } else { 0 };
    let whole = is_plain.then_some(0..bytes);
    let senders = if is_plain || !is_theirs { &[] } else { chunk.senders() };
    let runs = senders.iter().enumerate().filter_map(move |(number, (first, sender))| {
        let after = senders.get(number + 1).map_or(chunk.index().len(), |(next, _)| *next as usize);
        let is_own =
            || except.is_some_and(|own| own.is(sender, chunk.index()[*first as usize].what()));
        let is_wanted = (whos.is_empty() || whos.contains(&sender.who)) && !is_own();
        let start = chunk.span(format, *first as usize).start;
        is_wanted.then(|| start..chunk.span(format, after - 1).end)
    });
    let within = move |range: Range<usize>| range.start.max(part.start)..range.end.min(part.end);
    whole.into_iter().chain(runs).map(within).filter(|range| range.start < range.end)
}

/// What it takes to make another format of a chunk.
#[derive(Debug)]
pub(super) struct Making<'a> {
    /// What was newly made for all, and has to be charged to the logs.
    pub(super) charges: &'a mut Vec<(RoomKey, Sequence, usize)>,
    pub(super) deflater: &'a mut Deflater,
}

impl Making<'_> {
    /// Has `chunk` encoded in `format`, which somebody of its audience reads, for all who do, and
    /// gives the work in bytes.
    pub(super) fn make(&mut self, chunk: &Chunk, format: Format) -> usize {
        let (_, new_bytes) = chunk.encoded(format, self.deflater);
        if new_bytes == 0 {
            return 0;
        }
        self.charges.push((chunk.room(), chunk.first(), new_bytes));
        new_bytes.max(chunk.made_bytes())
    }

    /// The chunk for a reader that lags and wants `format`, and the work in bytes. What members
    /// read was sent a moment ago, to many who may lag together: they share it. Who reads history
    /// has it made alone.
    fn make_for_one(&mut self, chunk: &Arc<Chunk>, format: Format) -> (Arc<Chunk>, usize) {
        if format.is_frames() {
            return (Arc::clone(chunk), self.make(chunk, format));
        }
        chunk.rendered(format, self.deflater)
    }
}

/// What is left of the event that byte `at` is in the middle of.
pub(super) fn begun(chunk: &Chunk, format: Format, at: usize) -> Option<Range<usize>> {
    let (entry, within) = chunk.entry_at(format, at);
    (within > 0).then(|| at..chunk.span(format, entry).end)
}

impl Lag {
    /// Whether the first thing in hand is begun: nothing else may be written before its end.
    pub(super) fn begun(&self, format: Format) -> Option<(&Chunk, Range<usize>)> {
        let Some(Reading::Chunk(chunk, part)) = self.hand.front() else { return None };
        begun(chunk, format, part.start).map(|range| (&**chunk, range))
    }

    /// Adds what is in hand to `slices`, up to the first gap, from byte `skip` of it on.
    pub(super) fn gather<'a>(&'a self, taste: Taste, slices: &mut Slices<'a>, mut skip: usize) {
        for reading in &self.hand {
            let Reading::Chunk(chunk, part) = reading else { return };
            let bytes = chunk.bytes(taste.format);
            for range in wanted(chunk, taste, part.clone(), &self.whos, self.except) {
                let skipped = skip.min(range.len());
                skip -= skipped;
                if !slices.push(&bytes[range.start + skipped..range.end]) {
                    return;
                }
            }
        }
    }

    /// `n` bytes of what is in hand have left, `n` no more than [`Lag::gather`] could give.
    pub(super) fn sent(&mut self, taste: Taste, mut n: usize) {
        while let Some(Reading::Chunk(chunk, part)) = self.hand.front_mut() {
            let mut reached = None;
            for range in wanted(chunk, taste, part.clone(), &self.whos, self.except) {
                if n < range.len() {
                    reached = Some(range.start + n);
                    break;
                }
                n -= range.len();
            }
            if let Some(reached) = reached {
                part.start = reached;
                return;
            }
            self.hand.pop_front();
        }
        debug_assert_eq!(n, 0, "no more leaves than was in hand");
    }

    /// Takes what the logs had for `reader` into its hand, and gives the bytes that had to be made.
    pub(super) fn take(
        &mut self,
        pieces: &mut VecDeque<Piece>,
        next: Sequence,
        reader: Reader,
        making: &mut Making<'_>,
    ) -> usize {
        let mut made = 0;
        for piece in pieces.drain(..) {
            match piece {
                Piece::Gap { last, missed } => self.take_gap(last, missed),
                Piece::Chunk(chunk) => made += self.take_chunk(&chunk, reader, making),
            }
        }
        *self.place_mut() = next;
        made
    }

    fn take_chunk(&mut self, chunk: &Arc<Chunk>, reader: Reader, making: &mut Making<'_>) -> usize {
        let Reader { taste: taste @ Taste { format, .. }, .. } = reader;
        let had = self.place().saturating_sub(chunk.first()) as usize;
        *self.place_mut() = chunk.last() + 1;
        self.ordinal = Some(chunk.next_ordinal());
        if !self.may_want(chunk, reader) {
            return 0;
        }
        let (chunk, made) = making.make_for_one(chunk, format);
        let at = if had == 0 { 0 } else { chunk.span(format, had).start };
        let part = at..self.history.end_in(&chunk, format);
        let is_wanted =
            wanted(&chunk, taste, part.clone(), &self.whos, self.except).next().is_some();
        if is_wanted {
            self.hand.push_back(Reading::Chunk(chunk, part));
        }
        made
    }

    /// Whether there can be anything for it in `chunk`: asked before a format is made for nothing.
    fn may_want(&self, chunk: &Chunk, reader: Reader) -> bool {
        let is_plain = self.whos.is_empty();
        let is_one_of = |who: &Who| self.whos.contains(who);
        reader.may_have(chunk)
            && (is_plain || chunk.senders().iter().any(|(_, sender)| is_one_of(&sender.who)))
    }

    /// A gap that directly follows another is told together with it.
    fn take_gap(&mut self, last: Sequence, missed: Option<u64>) {
        *self.place_mut() = last + 1;
        // Where it begins is where the first is that it gets: nothing is missing before.
        let is_before = self.opening.is_some() && self.hand.is_empty();
        if self.history.is_a_favour() || is_before {
            return;
        }
        self.ordinal = self.ordinal.zip(missed).map(|(ordinal, missed)| ordinal + missed);
        if let Some(Reading::Gap { last: told, missed: so_far }) = self.hand.back_mut() {
            *told = last;
            *so_far = so_far.zip(missed).map(|(so_far, missed)| so_far + missed);
            return;
        }
        self.hand.push_back(Reading::Gap { last, missed });
    }

    /// The event behind which the first is that is in hand.
    pub(super) fn before_hand(&self, format: Format) -> Sequence {
        match self.hand.front() {
            Some(Reading::Chunk(chunk, part)) => {
                let (entry, _) = chunk.entry_at(format, part.start);
                chunk.first() + entry as u64 - 1
            }
            Some(Reading::Gap { .. }) | None => self.next - 1,
        }
    }

    /// Takes the gap that is due now, if one is.
    pub(super) fn pop_gap(&mut self) -> Option<(Sequence, Option<u64>)> {
        let Some(Reading::Gap { last, missed }) = self.hand.front() else { return None };
        let gap = (*last, *missed);
        self.hand.pop_front();
        Some(gap)
    }

    /// The reader is stuck: it keeps the one chunk that it is in the middle of, and will read the
    /// rest of the log when it can go on.
    pub(super) fn let_go(&mut self) {
        // A gap of another room that is told behind this chunk is not found again by looking there.
        let keeps_gap = match (self.hand.front(), self.hand.get(1)) {
            (Some(Reading::Chunk(chunk, _)), Some(Reading::Gap { last, .. })) => {
                *last <= chunk.last()
            }
            _ => false,
        };
        self.hand.truncate(if keeps_gap { 2 } else { 1 });
        let (last, ordinal) = match self.hand.front() {
            Some(Reading::Chunk(chunk, _)) => (chunk.last(), Some(chunk.next_ordinal())),
            Some(Reading::Gap { last, .. }) => (*last, None),
            None => return,
        };
        (*self.place_mut(), self.ordinal) = (last + 1, ordinal);
    }
}

impl Cursor {
    /// The place of a cursor that is in no list.
    pub(super) const NOWHERE: u32 = u32::MAX;

    /// A cursor that has no place yet.
    pub(super) fn new(scope: Scope, taste: Taste) -> Cursor {
        Cursor { scope, taste, place: Cursor::NOWHERE, due: None, lag: None }
    }

    /// What the logs are asked for on behalf of it; `rooms` are those of its scope.
    pub(super) fn wants<'a>(
        lag: &Lag,
        class: Class,
        rooms: Option<&'a [RoomKey]>,
        (upto, seen): (Sequence, Sequence),
    ) -> Wanted<'a> {
        let is_one_room = rooms.is_some_and(|rooms| rooms.len() == 1);
        Wanted {
            rooms,
            class,
            whole: lag.whos.is_empty() && (rooms.is_none() || is_one_room),
            next: lag.place(),
            upto,
            seen,
            // Who reads frames is not told how much is missing.
            ordinal: lag.ordinal.filter(|_| is_one_room && class == Class::Subscriber),
        }
    }
}

#[cfg(test)]
mod tests;
