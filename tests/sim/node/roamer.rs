//! A client that is a member of several rooms: what it asks for, what it is owed in each of them.
//!
//! Knows: control messages, every event there ever was.
//! Must not know: how a member is given what it gets.
//!
//! Word of who comes and goes does not say to which room, so the client keeps each set of places
//! that what it has heard can mean.

use super::act::ROOMS;
use super::check;
use super::client::Moment;
use super::dice::Dice;
use super::frames::{BINARY, Frame, TEXT};
use super::http::encode;
use super::shadow::{Logged, Shadow};
use super::speaker::{Answer, Speaker, Talk};
use super::world::World;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::mem;
use tidegate::hub::{EVERYONE, What};

/// Where it wants to begin in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Since {
    Now,
    Earliest,
    After(u64),
}

/// What it has said that may have to be answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// Said when there were so many events.
    Join {
        room: String,
        since: Since,
        head: u64,
    },
    Leave(String),
    /// A message, to a room or to its home. It is answered only if it is not in that room.
    Say(Option<String>),
}

/// By room that it is in, the last event that it has had there.
type Places = BTreeMap<String, u64>;

/// What a client that is in several rooms knows of them.
#[derive(Debug, Default)]
pub(crate) struct Roaming {
    pub(crate) joined: BTreeSet<String>,
    /// Where it ever was.
    pub(crate) ever: BTreeSet<String>,
    places: BTreeSet<Places>,
    has_begun: bool,
    /// The rooms of what it said, and how much of it was published in each.
    said_to: Vec<String>,
    published: BTreeMap<String, usize>,
    /// What it said to rooms that it was not in.
    pub(crate) refused: usize,
    /// Refusals in a row.
    row: u32,
    /// Positions that it was told.
    told: Vec<u64>,
}

impl Roaming {
    /// What it said as number `place` is published in `room`.
    pub(crate) fn publish(&mut self, place: usize, room: &str) {
        assert_eq!(self.said_to[place], room, "where it was to go");
        let before = self.published.insert(room.to_owned(), place);
        assert!(before.is_none_or(|before| before < place), "{room}: {place} after {before:?}");
    }

    fn begin(&mut self, begun_at: Option<u64>) {
        if !mem::replace(&mut self.has_begun, true) {
            let at = begun_at.expect("it has come");
            let here = self.joined.iter().map(String::as_str).chain([EVERYONE]);
            self.places = BTreeSet::from([here.map(|room| (room.to_owned(), at)).collect()]);
        }
    }

    fn set(&mut self, room: &str, at: Option<u64>) {
        let with = |mut places: Places| {
            places.remove(room);
            places.extend(at.map(|at| (room.to_owned(), at)));
            places
        };
        self.places = mem::take(&mut self.places).into_iter().map(with).collect();
    }
}

impl Speaker {
    /// Something to be said to the server, and what is waited for then.
    pub(crate) fn order(
        &mut self,
        dice: &mut Dice,
        shadow: &Shadow,
        ids: &str,
    ) -> Option<(String, Answer)> {
        let roaming = self.roaming.as_ref()?;
        let room = (*dice.pick(&ROOMS)).to_owned();
        Some(match dice.below(10) {
            0 => {
                let (text, code) = *dice.pick(&[
                    ("{\"join\":1}", "bad-control"),
                    ("{\"to\":\"r1\",\"leave\":\"r1\"}", "bad-control"),
                    ("{\"join\":\"r1\",\"since\":\"?\"}", "bad-control"),
                    ("{\"join\":\"*\"}", "bad-room"),
                ]);
                (text.to_owned(), Answer::Error(code))
            }
            1..=3 => (json!({"leave": room}).to_string(), Answer::Order(Order::Leave(room))),
            kind => {
                let since = match kind {
                    4 => Since::Earliest,
                    5..=6 if !roaming.told.is_empty() => Since::After(*dice.pick(&roaming.told)),
                    _ => Since::Now,
                };
                let text = match since {
                    Since::Now => json!({"join": room}),
                    Since::Earliest => json!({"join": room, "since": "earliest"}),
                    Since::After(at) => json!({"join": room, "since": id(ids, at)}),
                };
                let head = shadow.head();
                (text.to_string(), Answer::Order(Order::Join { room, since, head }))
            }
        })
    }

    /// It says a message, to a room or to its home; gives how it is told to which.
    pub(crate) fn say_to(&mut self, dice: &mut Dice, binary: bool) -> Option<String> {
        let home = self.room.clone()?;
        let roaming = self.roaming.as_mut()?;
        let room = (!binary && dice.chance(60)).then(|| (*dice.pick(&ROOMS)).to_owned());
        roaming.said_to.push(room.clone().unwrap_or(home));
        room
    }

    /// What it said to rooms that it is in is not answered.
    pub(crate) fn settle(&mut self) {
        let Some(roaming) = &mut self.roaming else { return };
        while let Some(Answer::Order(Order::Say(room))) = self.answers.front()
            && room.as_ref().is_none_or(|room| roaming.joined.contains(room))
        {
            self.answers.pop_front();
            roaming.row = 0;
        }
    }

    /// Takes a message, as one that is in several rooms.
    pub(crate) fn hear_as_roamer(
        &mut self,
        number: usize,
        frame: &Frame,
        begun_at: Option<u64>,
        (shadow, moment): (&Shadow, &Moment<'_>),
    ) {
        let Some(roaming) = &mut self.roaming else { return };
        roaming.begin(begun_at);
        let value = serde_json::from_slice::<Value>(&frame.payload).unwrap_or_default();
        let is_answer = ["joined", "left", "error"].iter().any(|key| value.get(key).is_some());
        if frame.opcode == TEXT && is_answer {
            return self.hear_order(number, &value, shadow, moment);
        }
        let own = self.id.clone().expect("it named itself");
        let before = mem::take(&mut roaming.places);
        for places in &before {
            for (room, at) in places {
                let next = next_event((room, *at), &own, shadow);
                let Some((sequence, event)) = next else { continue };
                let kind = if event.what == What::Binary { BINARY } else { TEXT };
                if kind == frame.opcode && event.raw == frame.payload {
                    let mut places = places.clone();
                    places.insert(room.clone(), sequence);
                    roaming.places.insert(places);
                }
            }
        }
        let is_due = !roaming.places.is_empty();
        assert!(is_due, "client {number}: {frame:?} is not due: {before:?} of {roaming:?}");
    }

    fn hear_order(&mut self, number: usize, said: &Value, shadow: &Shadow, moment: &Moment<'_>) {
        self.settle();
        let own = self.id.clone().expect("it named itself");
        let answer = self.answers.pop_front();
        let Some(roaming) = &mut self.roaming else { return };
        let code = said["error"]["code"].as_str();
        let is_refused = match answer {
            Some(Answer::Order(Order::Join { room, since, head })) => {
                let joined = &said["joined"];
                match joined["id"].as_str() {
                    Some(id) => {
                        assert_eq!(joined["room"], room.as_str(), "client {number}");
                        let at = check::number(id, moment.hub);
                        roaming.told.push(at);
                        let is_whole = joined["missed"] == 0;
                        assert!(is_whole || joined["missed"].is_null());
                        roaming.join(&room, (since, head), (at, is_whole), &own, shadow);
                    }
                    None => assert_eq!(code, Some("too-many-rooms"), "client {number}: {said}"),
                }
                joined.is_null()
            }
            Some(Answer::Order(Order::Leave(room))) => {
                let was_in = roaming.joined.remove(&room);
                let expected = if was_in {
                    json!({"left": {"room": room}})
                } else {
                    json!({"error": {"code": "not-joined", "message": said["error"]["message"]}})
                };
                assert_eq!(*said, expected, "client {number}");
                roaming.set(&room, None);
                !was_in
            }
            Some(Answer::Order(Order::Say(room))) => {
                assert_eq!(code, Some("not-joined"), "client {number}: {said} of {room:?}");
                roaming.refused += 1;
                true
            }
            Some(Answer::Error(due)) => {
                assert_eq!(code, Some(due), "client {number}");
                true
            }
            other => panic!("client {number}: {said} in place of {other:?}"),
        };
        roaming.row = if is_refused { roaming.row + 1 } else { 0 };
        self.most_refusals = self.most_refusals.max(roaming.row);
        if roaming.row >= moment.bounds.most.refusals_max {
            self.doom = Some(1008);
        }
    }

    /// Whether it has had all that it is owed, and every answer.
    pub(crate) fn has_all(&self, begun_at: Option<u64>, shadow: &Shadow) -> bool {
        let (Some(roaming), Some(own)) = (&self.roaming, &self.id) else { return true };
        let is_settled = |answer: &Answer| match answer {
            Answer::Order(Order::Say(room)) => {
                room.as_ref().is_none_or(|room| roaming.joined.contains(room))
            }
            _ => false,
        };
        if !self.answers.iter().all(is_settled) {
            return false;
        }
        if !roaming.has_begun {
            let here = roaming.joined.iter().map(String::as_str).chain([EVERYONE]);
            let mut places = here.filter_map(|room| Some((room, begun_at?)));
            return !places.any(|(room, at)| next_event((room, at), own, shadow).is_some());
        }
        roaming.places.iter().any(|places| {
            !places.iter().any(|(room, at)| next_event((room, *at), own, shadow).is_some())
        })
    }
}

impl Roaming {
    fn join(
        &mut self,
        room: &str,
        (since, head): (Since, u64),
        (at, is_whole): (u64, bool),
        own: &str,
        shadow: &Shadow,
    ) {
        assert!(at <= shadow.head());
        if !self.joined.insert(room.to_owned()) {
            assert!(is_whole);
            // Who resumes there loses nothing.
            let before = self.places.clone();
            self.places.retain(|places| {
                let next = next_event((room, places[room]), own, shadow);
                next.is_none_or(|(sequence, _)| sequence > at)
            });
            assert!(!self.places.is_empty(), "{at} of {room}: {before:?}");
            return;
        }
        match since {
            Since::Now => assert!(is_whole && at >= head, "{room} from {at}, not {head}"),
            Since::Earliest => assert!(is_whole),
            Since::After(after) if is_whole => assert_eq!(at, after, "{room}"),
            Since::After(after) => assert!(at > after, "{room} from {at}, not {after}"),
        }
        self.ever.insert(room.to_owned());
        self.set(room, Some(at));
    }
}

/// The next event of a room that a member of it called `own` is to get.
fn next_event<'s>(
    (room, at): (&str, u64),
    own: &str,
    shadow: &'s Shadow,
) -> Option<(u64, &'s Logged)> {
    shadow.after(at).find(|(_, event)| {
        let is_own = event.id == own || event.except.iter().any(|name| name == own);
        event.room == room && event.members && !is_own
    })
}

/// The id of event `at`, with ids that begin with `epoch`.
fn id(epoch: &str, at: u64) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
    let digit = |place: u32| char::from(ALPHABET[(at >> (5 * place) & 31) as usize]);
    format!("{epoch}-{}", (0..11).rev().map(digit).collect::<String>())
}

impl World<'_> {
    /// Somebody comes who may be in several rooms.
    pub(crate) fn connect_roamer(&mut self) {
        let room = (*self.dice.pick(&ROOMS)).to_owned();
        // Nobody else has its name: what is its own is known from the first event on.
        let name = format!("roamer-{}", self.clients.len());
        self.claims.insert(name.clone(), 1);
        let mut path = format!("/roam/{}?connectionId={name}", encode(&room));
        let mut speaker = Speaker::new(Talk::Roam, Some(room.clone()), Some(name));
        speaker.is_registered = true;
        let mut roaming = Roaming { ever: BTreeSet::from([room.clone()]), ..Roaming::default() };
        if self.dice.chance(30) {
            path += "&since=earliest";
            let order = Order::Join { room, since: Since::Earliest, head: 0 };
            speaker.answers.push_back(Answer::Order(order));
        } else {
            roaming.joined.insert(room);
        }
        speaker.answers.push_back(Answer::Greeting);
        speaker.roaming = Some(Box::new(roaming));
        self.shake_hands(&path, speaker);
    }
}
