//! A reader that writes what it gets in any portions, live or behind as an engine would have it.
//!
//! Knows: cursors' positions, deliveries.
//! Must not know: how ranges of bytes are found.

use super::*;
use crate::engine::delivery::{Choice, Delivery, Of};

/// What a reader was sent.
#[derive(Debug)]
pub(super) enum Told {
    Bytes(Vec<u8>),
    Gap(Sequence, Option<u64>),
    /// A member whose next frame is gone is closed.
    FellOff,
}

#[derive(Debug)]
pub(super) struct Recipient {
    pub(super) who: super::Reader,
    pub(super) rooms: Option<Vec<RoomKey>>,
    whos: Vec<Who>,
    except: Option<Own>,
    delivery: Delivery,
    due: Option<Due>,
    lag: Option<Lag>,
    pub(super) told: Vec<Told>,
}

impl Recipient {
    pub(super) fn new(
        stage: &Stage,
        who: super::Reader,
        rooms: &[usize],
        whos: &[usize],
        except: Option<usize>,
    ) -> Recipient {
        let keys: Vec<RoomKey> = rooms.iter().map(|room| stage.rooms[*room].key).collect();
        Recipient {
            who,
            rooms: (!keys.is_empty()).then_some(keys),
            whos: whos.iter().map(|speaker| stage.who(*speaker)).collect(),
            except: except.map(|speaker| stage.own(speaker)),
            delivery: Delivery::default(),
            due: None,
            lag: None,
            told: Vec::new(),
        }
    }

    /// Whether it reads all of something, so that what it misses can be counted. What a member
    /// misses is not told: it is closed.
    pub(super) fn is_whole(&self) -> bool {
        let is_one = self.rooms.as_ref().is_none_or(|rooms| rooms.len() == 1);
        is_one && self.whos.is_empty()
    }

    /// Every event that it wants of all there ever was.
    pub(super) fn wanted(&self, stage: &Stage) -> Vec<(Sequence, Vec<u8>)> {
        let mut events = Vec::new();
        for chunk in &stage.all {
            let is_theirs = self.rooms.as_ref().is_none_or(|rooms| rooms.contains(&chunk.room()))
                && chunk.audience().has(self.who.taste.class)
                && !self.who.who.is_some_and(|who| chunk.except().contains(&who));
            for (entry, sequence) in (0..chunk.index().len()).zip(chunk.first()..) {
                let who = chunk.index()[entry].who;
                let is_wanted = self.whos.is_empty() || self.whos.contains(&who);
                if is_theirs && is_wanted && !stage.is_own(who, self.except) {
                    let (bytes, _) = chunk.encoded(self.who.taste.format, &mut deflater());
                    events
                        .push((sequence, bytes[chunk.span(self.who.taste.format, entry)].to_vec()));
                }
            }
        }
        events
    }

    fn has_fallen_off(&self) -> bool {
        matches!(self.told.last(), Some(Told::FellOff))
    }

    pub(super) fn is_up_to_date(&self, stage: &Stage) -> bool {
        let has_all = self.lag.as_ref().is_none_or(|lag| lag.next > stage.turn.seen);
        let holds = self.lag.as_ref().is_some_and(|lag| !lag.hand.is_empty());
        self.has_fallen_off() || has_all && !holds && self.due.is_none()
    }

    /// A turn begins: what is committed is owed to it if it is live.
    pub(super) fn turn(&mut self, stage: &mut Stage, batches: &[Batch]) {
        self.delivery.clear();
        self.delivery.begin(&mut stage.commit(batches));
        self.catch_up(stage);
        if self.lag.is_none() {
            let of = self.rooms.as_deref().map_or(Of::All, Of::Rooms);
            let choice = Choice { of, whos: &self.whos, except: self.except };
            self.due = self.delivery.gather(
                self.who,
                choice,
                &mut making(&mut stage.turn.charges, &mut deflater()),
            );
        }
    }

    /// What is in hand is told, and then more is taken; with nothing left, it is live from the next
    /// turn on.
    fn catch_up(&mut self, stage: &mut Stage) {
        while !self.has_fallen_off()
            && let Some(lag) = &mut self.lag
        {
            if let Some((last, missed)) = lag.pop_gap() {
                let is_member = self.who.taste.format.is_frames();
                self.told.push(if is_member { Told::FellOff } else { Told::Gap(last, missed) });
            } else if !lag.hand.is_empty() {
                return;
            } else if lag.next > stage.turn.seen {
                // What was committed in this turn it has read from the logs.
                self.delivery.clear();
                self.lag = None;
            } else {
                let (rooms, seen) = (self.rooms.as_deref(), stage.turn.seen);
                let mut pieces = VecDeque::new();
                let next = stage.hub.fetch(
                    Cursor::wants(lag, self.who.taste.class, rooms, (seen, seen)),
                    &mut pieces,
                    3,
                );
                let (charges, deflater) = (&mut stage.turn.charges, &mut deflater());
                lag.take(&mut pieces, next, self.who, &mut making(charges, deflater));
            }
        }
    }

    /// One write, of which only a `portion` leaves; `None`: all of it.
    pub(super) fn write(&mut self, stage: &mut Stage, portion: Option<prop::sample::Index>) {
        if self.has_fallen_off() {
            return;
        }
        self.check_begun();
        let mut slices = Slices::default();
        match (&self.lag, self.due) {
            (Some(lag), _) => lag.gather(self.who.taste, &mut slices, 0),
            (None, Some(due)) => self.delivery.add(due, &mut slices),
            (None, None) => {}
        }
        let offered: Vec<u8> = slices.as_io().iter().flat_map(|slice| slice.to_vec()).collect();
        assert!(offered.len() == slices.bytes());
        let n = portion.map_or(offered.len(), |portion| portion.index(offered.len() + 1));
        self.sent(&offered[..n]);
        if n < offered.len() {
            self.fall_behind(stage);
        }
        self.catch_up(stage);
    }

    fn sent(&mut self, bytes: &[u8]) {
        if let Some(Told::Bytes(so_far)) = self.told.last_mut() {
            so_far.extend_from_slice(bytes);
        } else if !bytes.is_empty() {
            self.told.push(Told::Bytes(bytes.to_vec()));
        }
        if let Some(lag) = &mut self.lag {
            lag.sent(self.who.taste, bytes.len());
        } else if let Some(due) = &mut self.due {
            due.sent += bytes.len() as u32;
            let left = self.delivery.left(*due);
            assert_eq!(left == 0, self.delivery.position(*due).is_none());
            self.due.take_if(|_| left == 0);
        }
    }

    fn fall_behind(&mut self, stage: &Stage) {
        if let Some(lag) = &mut self.lag {
            return lag.let_go();
        }
        let mut lag = Lag { next: stage.turn.seen + 1, ..Lag::default() };
        (lag.whos, lag.except) = (self.whos.clone(), self.except);
        lag.hand =
            self.due.take().and_then(|due| self.delivery.position(due)).into_iter().collect();
        if let Some([room]) = self.rooms.as_deref() {
            lag.ordinal = Some(stage.ordinal(*room));
        }
        lag.let_go();
        self.lag = Some(lag);
    }

    /// At the end of a turn nobody is owed anything of its inbox.
    pub(super) fn write_all_or_fall_behind(&mut self, stage: &mut Stage) {
        if self.due.is_some() {
            self.fall_behind(stage);
        }
    }

    /// The rest of what is begun is the front of what is offered, and can be left out of it.
    fn check_begun(&self) {
        let Some(lag) = &self.lag else { return };
        let Some((chunk, rest)) = lag.begun(self.who.taste.format) else { return };
        let (mut all, mut behind) = (Slices::default(), Slices::default());
        lag.gather(self.who.taste, &mut all, 0);
        lag.gather(self.who.taste, &mut behind, rest.len());
        let bytes = |slices: &Slices<'_>| -> Vec<u8> {
            slices.as_io().iter().flat_map(|slice| slice.to_vec()).collect()
        };
        let joined = [&chunk.bytes(self.who.taste.format)[rest], &bytes(&behind)].concat();
        let (all, length) = (bytes(&all), all.bytes());
        assert_eq!(
            all,
            joined[..length],
            "with the rest in front there is room for less behind it"
        );
    }
}
