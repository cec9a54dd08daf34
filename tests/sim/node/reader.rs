//! A subscriber: what it asked for, where it is.
//!
//! Knows: filters, positions, what the shadow saw.
//! Must not know: the engine.

use super::check;
use super::client::Moment;
use super::reach;
use super::shadow::{Logged, Shadow};
use super::sse::{EventSource, Heard, json_line};
use serde_json::Value;
use std::collections::BTreeMap;
use tidegate::hub::What;

/// How it wants its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    Events,
    Full,
    Lines,
}

/// Where it asked to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    Now,
    Earliest,
    At(u64),
    /// With one that was of the future when it was chosen.
    Near(u64),
    /// With an id that says nothing: of another epoch, of the future, or none.
    Unknown,
}

/// One subscriber.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) rooms: Vec<String>,
    pub(crate) ids: Vec<String>,
    pub(crate) form: Form,
    pub(crate) begin: Begin,
    pub(crate) follows: bool,
    /// Nothing was asked before it on its connection.
    pub(crate) is_alone: bool,
    /// It may not read every room.
    pub(crate) is_limited: bool,
    source: EventSource,
    /// All up to here it has had, or been told that it will not get.
    pub(crate) position: Option<u64>,
    /// Ids that it has seen, to resume at.
    pub(crate) seen: Vec<String>,
    /// A gap must come first.
    owes_gap: bool,
    /// Rooms of several that it reads, and their last event that it was not given: a gap must tell.
    debts: BTreeMap<String, u64>,
    /// The next gap has a number.
    is_exact: bool,
    /// Gaps it was told, and those of them without a number although nothing was filtered.
    pub(crate) gaps: (usize, usize),
    /// It was told that it may be here no more.
    pub(crate) is_lapsed: bool,
}

impl Reader {
    /// One that has heard nothing.
    pub(crate) fn new(rooms: Vec<String>, ids: Vec<String>, form: Form, begin: Begin) -> Reader {
        Reader {
            is_exact: rooms.is_empty() && ids.is_empty(),
            rooms,
            ids,
            form,
            begin,
            follows: true,
            is_alone: true,
            is_limited: false,
            source: EventSource::default(),
            position: None,
            seen: Vec::new(),
            owes_gap: begin == Begin::Unknown,
            debts: BTreeMap::new(),
            gaps: (0, 0),
            is_lapsed: false,
        }
    }

    /// It may read some rooms only.
    pub(crate) fn limit(&mut self) {
        self.is_limited = true;
        self.is_exact &= !self.rooms.is_empty();
    }

    /// It reads all the rooms that it may read, and those are not all that there are.
    pub(crate) fn reads_reach(&self) -> bool {
        self.is_limited && self.rooms.is_empty()
    }

    /// It reads one room, or everything.
    fn reads_one_thing(&self) -> bool {
        self.rooms.len() < 2 && !self.reads_reach()
    }

    /// The number in an id, which is sealed where it has to be.
    fn number(&self, id: &str, moment: &Moment<'_>) -> u64 {
        let is_sealed = reach::sealed(id, moment.hub).is_some();
        assert_eq!(is_sealed, self.is_limited, "{id}: {self:?}");
        check::number(id, moment.hub)
    }

    fn wants(&self, event: &Logged) -> bool {
        event.subscribers
            && (!self.is_limited || reach::has(&event.room))
            && (self.rooms.is_empty() || self.rooms.contains(&event.room))
            && (self.ids.is_empty() || self.ids.contains(&event.id))
    }

    /// What it has to get next.
    pub(crate) fn next_event<'s>(&self, shadow: &'s Shadow) -> Option<(u64, &'s Logged)> {
        shadow.after(self.position?).find(|(_, event)| self.wants(event))
    }

    /// Takes one line.
    pub(crate) fn hear(
        &mut self,
        line: &str,
        begun_at: Option<u64>,
        shadow: &Shadow,
        moment: &Moment<'_>,
    ) {
        assert!(!self.is_lapsed, "{line} behind the last");
        let heard = match self.form {
            Form::Lines => Some(json_line(line)),
            Form::Events | Form::Full => self.source.line(line),
        };
        match heard {
            None | Some(Heard::Retry | Heard::Heartbeat) => {}
            Some(Heard::Event { name, data, .. }) if name == "expired" => {
                let said: Value = serde_json::from_str(&data).expect("it is JSON");
                assert_eq!(said["reason"], "key-removed");
                self.is_lapsed = true;
            }
            Some(Heard::Position(id)) => self.hear_position(&id, begun_at, shadow, moment),
            Some(Heard::Event { name, data, id }) if name == "gap" => {
                if self.position.is_none() {
                    self.hear_begin(&id, begun_at, shadow, moment);
                    assert!(self.owes_gap, "nothing is gone that nobody knows of");
                }
                self.hear_gap(&data, &id, shadow, moment);
            }
            Some(Heard::Event { name, data, id }) => {
                self.hear_event(&name, &data, &id, shadow, moment);
            }
        }
    }

    /// The first word of where it is.
    fn hear_begin(
        &mut self,
        id: &str,
        begun_at: Option<u64>,
        shadow: &Shadow,
        moment: &Moment<'_>,
    ) {
        let at = self.number(id, moment);
        let begun_at = begun_at.expect("it was asked for");
        match self.begin {
            Begin::Now if !self.is_alone => assert!(at >= begun_at),
            Begin::Now => assert_eq!(at, begun_at, "now is what was committed before"),
            Begin::At(asked) => assert_eq!(at, asked, "it resumes where it asked to"),
            Begin::Near(asked) if asked <= begun_at => assert_eq!(at, asked, "it was there"),
            Begin::Near(asked) if !self.is_alone && at == asked => {}
            Begin::Near(_) => {
                self.owes_gap = true;
                self.check_lost(0, at, shadow, moment);
            }
            Begin::Earliest | Begin::Unknown => self.check_lost(0, at, shadow, moment),
        }
        self.position = Some(at);
    }

    fn hear_position(
        &mut self,
        id: &str,
        begun_at: Option<u64>,
        shadow: &Shadow,
        moment: &Moment<'_>,
    ) {
        self.seen.push(id.to_owned());
        if self.position.is_none() {
            self.hear_begin(id, begun_at, shadow, moment);
            assert!(!self.owes_gap, "who is cut off here never hears of the gap: {self:?}");
            return;
        }
        let at = self.number(id, moment);
        let next = self.next_event(shadow).map(|(next, _)| next);
        assert!(next.is_none_or(|next| next > at), "told {at}, but {next:?} was due: {self:?}");
        assert!(Some(at) >= self.position, "a position never goes back");
        assert!(self.debts.is_empty(), "told {at}: {self:?}");
        self.position = Some(at);
    }

    fn hear_gap(&mut self, data: &str, id: &str, shadow: &Shadow, moment: &Moment<'_>) {
        let last = self.number(id, moment);
        let gap: Value = serde_json::from_str(data).expect("a gap is JSON");
        let missed = &gap["missed"];
        assert!(missed.is_null() || missed.is_u64(), "{data}");
        let position = self.position.expect("a position comes first");
        self.gaps.0 += 1;
        if self.owes_gap {
            self.owes_gap = false;
            assert!(missed.is_null() && last == position, "nobody can know: {data} {last}");
            self.seen.push(id.to_owned());
            return;
        }
        // Of several rooms, one's hole may be found only behind another's events.
        let is_late = last == position && (self.rooms.len() > 1 || self.reads_reach());
        assert!(last > position || is_late, "a gap goes back: {last} at {position}: {self:?}");
        let lost = shadow.after(position).take_while(|(at, _)| *at <= last);
        let lost = lost.filter(|(_, event)| self.wants(event)).count() as u64;
        match missed.as_u64() {
            Some(missed) => assert_eq!(missed, lost, "to {last} from {position}: {self:?}"),
            None => {
                self.gaps.1 += usize::from(self.ids.is_empty() && self.reads_one_thing());
                // What is not for streams is not counted, and nobody knows how much of it is gone;
                // a hole that began here may by now reach beyond what the core has seen.
                let mut later = shadow.after(position);
                let is_mixed = self.rooms.is_empty() && later.any(|(_, event)| !event.subscribers);
                assert!(!self.is_exact || is_mixed, "it can be counted: {self:?}");
            }
        }
        self.is_exact &= !missed.is_null();
        self.debts.retain(|_, lost| *lost > last);
        // A room that is there again cannot know what its forerunner lost.
        let is_all = self.rooms.is_empty() && self.ids.is_empty() && !self.is_limited;
        assert!(lost > 0 || !is_all, "a gap in which nothing is: {self:?}");
        self.check_in_reach(position, shadow, moment);
        self.check_lost(position, last, shadow, moment);
        self.position = Some(last);
        self.seen.push(id.to_owned());
    }

    /// Who reads all that it may is told of nothing else: something in its reach is gone.
    fn check_in_reach(&self, position: u64, shadow: &Shadow, moment: &Moment<'_>) {
        let alive = check::alive(moment.hub, position, shadow.head());
        let mut theirs = shadow
            .after(position)
            .filter(|(_, event)| event.subscribers && reach::has(&event.room));
        let is_lost = theirs.any(|(at, _)| alive.binary_search(&at).is_err());
        assert!(is_lost || !self.reads_reach(), "others have lost something: {self:?}");
    }

    /// What it wants between `position` and `last` must be lost indeed.
    fn check_lost(&self, position: u64, last: u64, shadow: &Shadow, moment: &Moment<'_>) {
        let alive = check::alive(moment.hub, position, last);
        let kept = alive.iter().find(|at| self.wants(shadow.event(**at)));
        assert_eq!(kept, None, "told lost from {position} to {last}, but the log has it: {self:?}");
    }

    fn hear_event(
        &mut self,
        name: &str,
        data: &str,
        id: &str,
        shadow: &Shadow,
        moment: &Moment<'_>,
    ) {
        assert!(!self.owes_gap, "word of a gap comes first");
        let at = self.number(id, moment);
        assert!(self.position.is_some_and(|position| position < at), "{at} again: {self:?}");
        let event = shadow.event(at);
        assert!(self.wants(event), "{at} is not for it: {self:?}");
        assert!(!self.debts.contains_key(&event.room), "{at} comes before a gap: {self:?}");
        self.skip_to(at, shadow, moment);
        // Of one room, or of all, what is lost from here on can be counted.
        self.is_exact |= self.ids.is_empty() && self.reads_one_thing();
        let expected = match event.what {
            _ if self.form != Form::Events => "",
            What::Text | What::Close => "",
            What::Binary => "binary",
            What::Join => "join",
            What::Leave => "leave",
        };
        assert_eq!(name, expected);
        match self.form {
            Form::Events => check::is_shown(&event.id, &event.shows, data.as_bytes()),
            Form::Full | Form::Lines => check::is_full(id, event, data),
        }
        self.position = Some(at);
        self.seen.push(id.to_owned());
    }

    /// What it wants before `at` it must have had already; only what another room has lost may be
    /// told later.
    fn skip_to(&mut self, at: u64, shadow: &Shadow, moment: &Moment<'_>) {
        let room = &shadow.event(at).room;
        while let Some((next, event)) = self.next_event(shadow).filter(|(next, _)| *next < at) {
            let is_lost = check::alive(moment.hub, next - 1, next).is_empty();
            let is_several = self.rooms.len() > 1 || self.reads_reach();
            let is_debt = is_several && event.room != *room && is_lost;
            assert!(is_debt, "{next} was due before {at}: {self:?}");
            self.debts.insert(event.room.clone(), next);
            self.position = Some(next);
        }
    }

    /// Whether a gap must be told yet.
    pub(crate) fn owes(&self) -> bool {
        self.owes_gap || !self.debts.is_empty()
    }

    /// The stream ended with all that was due.
    pub(crate) fn hear_end(
        &self,
        (begun_at, ended_at): (Option<u64>, Option<u64>),
        shadow: &Shadow,
        moment: &Moment<'_>,
    ) {
        assert!(!self.source.in_block, "it ends between two events");
        if self.is_lapsed {
            return;
        }
        assert!(!self.owes_gap);
        let next = self.next_event(shadow).map(|(next, _)| next);
        if self.follows {
            assert!(moment.is_draining, "a stream that follows ends when the server does");
            // The API may speak to the very end, when this stream is gone already.
            let (position, ended_at) = self.position.zip(ended_at).expect("it began and ended");
            let mut left = shadow.after(position).filter(|(_, event)| self.wants(event));
            let unsaid = left.find(|(at, event)| *at <= ended_at || event.ticket.is_none());
            assert!(unsaid.is_none(), "{unsaid:?} was to be said before the end: {self:?}");
            assert!(!self.owes(), "{self:?}");
        } else {
            let until = begun_at.expect("it was asked for");
            assert!(next.is_none_or(|next| next > until), "{next:?} was due: {self:?}");
            assert!(self.debts.values().all(|lost| *lost > until), "{self:?}");
        }
    }
}
