//! What a reader must get, by the shadow, and what it gets from the hub.
//!
//! Knows: events that are there and events that are gone.
//! Must not know: chunks' insides.

use super::shadow::Shadow;
use super::*;
use crate::hub::Meaning;
use std::collections::BTreeMap;

/// A step of a reader: an event, or word of events that are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Got {
    Event(Sequence),
    Gap(Sequence, Option<u64>),
}

/// Adds a gap, or makes the gap that is there longer.
fn gap(got: &mut Vec<Got>, last: Sequence, missed: Option<u64>) {
    if let Some(Got::Gap(told, so_far)) = got.last_mut() {
        (*told, *so_far) = (last, so_far.zip(missed).map(|(a, b)| a + b));
    } else {
        got.push(Got::Gap(last, missed));
    }
}

/// What a reader asks for.
#[derive(Clone, Debug)]
pub(super) struct Ask {
    pub(super) rooms: Option<Vec<RoomKey>>,
    pub(super) class: Class,
    pub(super) whole: bool,
    pub(super) next: Sequence,
    pub(super) upto: Sequence,
    pub(super) seen: Sequence,
    /// Whether it knows which of its room's events it expects.
    pub(super) counts: bool,
    pub(super) pieces_max: usize,
}

impl Ask {
    fn is_one_room(&self) -> bool {
        self.rooms.as_ref().is_some_and(|rooms| rooms.len() == 1)
    }

    /// Reads until there is no more, as a cursor does.
    pub(super) fn read(&self, hub: &Hub, shadow: &Shadow) -> (Vec<Got>, Sequence) {
        let counts = self.counts && self.is_one_room();
        let mut ordinal = counts.then(|| shadow.ordinal(self));
        let (mut got, mut next) = (Vec::new(), self.next);
        loop {
            let (mut pieces, rooms) = (VecDeque::new(), self.rooms.as_deref());
            let Ask { class, whole, upto, seen, .. } = *self;
            let wanted = Wanted { rooms, class, whole, next, upto, seen, ordinal };
            let after = hub.fetch(wanted, &mut pieces, self.pieces_max);
            assert!(pieces.len() <= self.pieces_max + 1);
            let is_stuck = pieces.is_empty() && after == next;
            for piece in pieces {
                match piece {
                    Piece::Gap { last, missed } => {
                        assert!(next <= last + 1, "nothing is told twice");
                        let is_between = last <= self.upto || self.is_one_room();
                        assert!(is_between, "other rooms have events behind the end");
                        gap(&mut got, last, missed);
                        (next, ordinal) = (last + 1, None);
                        if self.class != Class::Subscriber {
                            return (got, next);
                        }
                    }
                    Piece::Chunk(chunk) => {
                        assert!(next <= chunk.last(), "there is something new in it");
                        assert!(chunk.last() <= self.upto);
                        got.extend((next.max(chunk.first())..=chunk.last()).map(Got::Event));
                        next = chunk.last() + 1;
                        ordinal = counts.then(|| chunk.next_ordinal());
                    }
                }
            }
            assert!(after >= next.min(upto + 1));
            next = after;
            if is_stuck || next > self.upto {
                return (got, next);
            }
        }
    }
}

/// Whoever means rooms by their names, and remembers what it once found out.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) meant: Vec<&'static str>,
    /// Some rooms it forgets at once.
    pub(super) forgets: u64,
    pub(super) known: BTreeMap<RoomKey, bool>,
}

impl Meaning for Names {
    fn known(&self, key: RoomKey) -> Option<bool> {
        self.known.get(&key).copied()
    }

    fn is_meant(&mut self, key: RoomKey, name: &str) -> bool {
        let is_meant = self.meant.contains(&name);
        if self.forgets & 1 << (key.0 % 64) == 0 {
            self.known.insert(key, is_meant);
        }
        is_meant
    }
}

impl Names {
    /// All that it gets from `next` to `upto`.
    pub(super) fn read(
        &mut self,
        hub: &Hub,
        (mut next, upto): (Sequence, Sequence),
        pieces_max: usize,
    ) -> Vec<Got> {
        let mut got = Vec::new();
        while next <= upto {
            let (rooms, class, ordinal) = (None, Class::Subscriber, None);
            let wanted = Wanted { rooms, class, whole: true, next, upto, seen: upto, ordinal };
            let mut pieces = VecDeque::new();
            let after = hub.fetch_meant(wanted, self, &mut pieces, pieces_max);
            assert!(pieces.len() <= pieces_max && after > next && after <= upto + 1);
            for piece in pieces {
                match piece {
                    Piece::Gap { last, missed } => {
                        assert!((next..after).contains(&last) && missed.is_none());
                        gap(&mut got, last, None);
                        next = last + 1;
                    }
                    Piece::Chunk(chunk) => {
                        assert!(self.meant.contains(&chunk.room_name()));
                        got.extend((next.max(chunk.first())..=chunk.last()).map(Got::Event));
                        next = chunk.last() + 1;
                    }
                }
            }
            next = after;
        }
        got
    }
}

impl Shadow {
    /// Who means rooms by `names` gets each of their events that is there, in order; what of them
    /// is gone is told, and nothing else is: rooms that it does not mean could have
    /// lost whatever they have without a trace.
    pub(super) fn check_meant(&self, names: &Names, next: Sequence, upto: Sequence, got: &[Got]) {
        let is_theirs = |at: &Sequence| {
            self.audience(*at).has(Class::Subscriber) && names.meant.contains(&self.name(*at))
        };
        let theirs: Vec<Sequence> = (next..=upto).filter(is_theirs).collect();
        let (there, lost): (Vec<_>, Vec<_>) = theirs.iter().partition(|at| self.event(**at).0);
        let events = got.iter().filter(|got| matches!(got, Got::Event(_))).copied();
        let there: Vec<Got> = there.into_iter().map(Got::Event).collect();
        assert_eq!(events.collect::<Vec<_>>(), there, "{names:?}");
        let mut from = next;
        for (place, told) in got.iter().enumerate() {
            let Got::Gap(last, _) = *told else { continue };
            let events = got[..place].iter().rev();
            let before = events.clone().find_map(|got| match got {
                Got::Event(at) => Some(*at + 1),
                Got::Gap(..) => None,
            });
            from = from.max(before.unwrap_or(from));
            // What a room has lost behind the end it may have begun to lose before.
            let is_lost = |at: Sequence| is_theirs(&at) && !self.event(at).0;
            // Of several rooms, one's loss may be found behind what is there of the others.
            let of_others = (next..=last).any(is_lost);
            let behind = (upto + 1..=self.head).any(is_lost);
            assert!(
                (from..=last).any(is_lost) || of_others || behind,
                "{last} from {from}: {names:?}"
            );
            from = last + 1;
        }
        let told = got.iter().filter_map(|got| match got {
            Got::Gap(last, _) => Some(*last),
            Got::Event(_) => None,
        });
        let told = told.max();
        for lost in lost {
            assert!(told >= Some(lost), "{lost} is lost: {names:?} {got:?}");
        }
    }

    /// Holes that reach beyond what a core has seen, or beyond its reader's end, may be told more
    /// than once and wider than they are; but each event that is there is read, and none lost untold.
    pub(super) fn check(&self, ask: &Ask, got: &[Got], after: Sequence, expected: &[Got]) {
        let events = |got: &[Got]| -> Vec<Got> {
            got.iter().filter(|got| matches!(got, Got::Event(_))).copied().collect()
        };
        assert_eq!(events(got), events(expected), "{ask:?}");
        let is_lost = |at: &Sequence| !self.event(*at).0 && self.is_of(*at, ask);
        // One that has to come again will be told then.
        let end = if after > ask.upto { after } else { ask.next };
        for lost in (ask.next..end).filter(is_lost) {
            let tells = |got: &Got| matches!(got, Got::Gap(last, _) if *last >= lost);
            assert!(got.iter().any(tells), "{ask:?} {lost}");
        }
    }

    /// Which of its room's events a reader of that room expects.
    fn ordinal(&self, ask: &Ask) -> u64 {
        let is_theirs = |sequence: &Sequence| self.is_of(*sequence, ask);
        (1..ask.next).filter(is_theirs).count() as u64
    }

    fn is_of(&self, sequence: Sequence, ask: &Ask) -> bool {
        let is_theirs = self.audience(sequence).has(ask.class);
        let (_, room) = self.event(sequence);
        is_theirs && ask.rooms.as_ref().is_none_or(|rooms| rooms.contains(&room))
    }

    /// What a reader must get, and where it then must be. `None`: a hole reaches beyond what its
    /// core has seen, so it may have to come again.
    pub(super) fn read(&self, ask: &Ask) -> (Vec<Got>, Option<Sequence>) {
        match &ask.rooms {
            None => self.read_all(ask),
            Some(rooms) if ask.class == Class::Subscriber => self.read_rooms(ask, rooms),
            Some(rooms) => self.read_frames(ask, rooms),
        }
    }

    /// For a WebSocket a gap is the end, so it comes before everything else.
    fn read_frames(&self, ask: &Ask, rooms: &[RoomKey]) -> (Vec<Got>, Option<Sequence>) {
        let holes = rooms.iter().map(|room| self.lives[room].gone(ask.class));
        let hole = holes.filter(|hole| *hole >= ask.next).min();
        match hole.filter(|_| ask.next <= ask.upto) {
            None => {
                let theirs = (ask.next..=ask.upto).filter(|at| self.is_of(*at, ask));
                (theirs.map(Got::Event).collect(), Some(ask.upto + 1))
            }
            Some(hole) if hole > ask.seen => (Vec::new(), None),
            Some(hole) => {
                let last = if rooms.len() == 1 { hole } else { hole.min(ask.upto) };
                (vec![Got::Gap(last, None)], None)
            }
        }
    }

    /// What is gone at the beginning is told in one, and counted unless something is among it that
    /// nobody there would have got.
    fn read_all(&self, ask: &Ask) -> (Vec<Got>, Option<Sequence>) {
        let mut got = Vec::new();
        let gone = self.gone_through(None, ask.class);
        let last = |published: bool| {
            let is_so = |at: &Sequence| self.audience(*at).has(Class::Subscriber) == published;
            (ask.next..=gone).rev().find(is_so)
        };
        let first = (gone.min(ask.upto) + 1).max(ask.next);
        if first > ask.next && last(true).is_some() {
            let is_counted = ask.whole && last(false).is_none();
            gap(&mut got, first - 1, is_counted.then_some(first - ask.next));
        }
        for sequence in (first..=ask.upto).filter(|at| self.is_of(*at, ask)) {
            match self.event(sequence) {
                (true, _) => got.push(Got::Event(sequence)),
                (false, _) => gap(&mut got, sequence, ask.whole.then_some(1)),
            }
        }
        (got, Some(ask.upto + 1))
    }

    /// Each room has one place up to which it is gone, and that is told where it stands.
    fn read_rooms(&self, ask: &Ask, rooms: &[RoomKey]) -> (Vec<Got>, Option<Sequence>) {
        let mut got = Vec::new();
        let holes: Vec<Sequence> =
            rooms.iter().map(|room| self.lives[room].gone(ask.class)).collect();
        for sequence in ask.next..=self.head {
            let (is_there, _) = self.event(sequence);
            let is_wanted = self.is_of(sequence, ask);
            if holes.contains(&sequence) {
                if sequence > ask.seen {
                    return (got, None);
                }
                let gone = |at: &Sequence| !self.event(*at).0 && self.is_of(*at, ask);
                let missed = (ask.next..=sequence).filter(gone).count() as u64;
                let is_counted = ask.counts && ask.whole && rooms.len() == 1;
                gap(&mut got, sequence, is_counted.then_some(missed));
            } else if is_there && is_wanted {
                if sequence > ask.upto {
                    break;
                }
                got.push(Got::Event(sequence));
            }
        }
        let is_clear = holes.iter().all(|hole| *hole <= ask.seen);
        (got, is_clear.then_some(ask.upto + 1))
    }
}
