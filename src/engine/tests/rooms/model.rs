//! Members that come, join, speak, dawdle and leave in any order, and what each of them is owed.
//!
//! Knows: every event there ever was, from a stream of all.
//! Must not know: cursors.

use super::*;
use crate::engine::conn::State;
use crate::engine::websocket::{Name, WebSocket};
use crate::sse::LastEventId;
use proptest::prelude::*;
use std::collections::BTreeSet;

const ROOMS: [&str; 4] = ["home", "a", "b", "c d"];
const ROUTES: [&str; 4] = ["/plain/home", "/all/home", "/last/home", "/echoing/home"];

#[derive(Clone, Copy, Debug)]
enum Since {
    Now,
    Earliest,
    /// After so many hundredths of all events that there are.
    Id(u64),
}

#[derive(Clone, Debug)]
enum Step {
    Come(usize),
    Join(usize, usize, Since),
    Leave(usize, usize),
    /// To a room that it may not be in, or to its home.
    Say(usize, Option<usize>, usize),
    /// A write of which so many bytes are taken.
    Write(usize, usize),
    /// A turn in which each write takes so many bytes.
    Turn(usize),
    End(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let (member, room) = (0..4usize, 0..ROOMS.len());
    let since = prop_oneof![
        4 => Just(Since::Now),
        1 => Just(Since::Earliest),
        2 => (0..=100u64).prop_map(Since::Id),
    ];
    let taken = prop_oneof![3 => Just(usize::MAX), 2 => 0..40usize, 1 => 0..3000usize];
    let size = prop_oneof![6 => 0..60usize, 1 => 1000..30_000usize];
    prop_oneof![
        1 => (0..ROUTES.len()).prop_map(Step::Come),
        4 => (member.clone(), room.clone(), since).prop_map(|(m, r, s)| Step::Join(m, r, s)),
        2 => (member.clone(), room.clone()).prop_map(|(m, r)| Step::Leave(m, r)),
        8 => (member.clone(), prop::option::of(room), size)
            .prop_map(|(m, r, size)| Step::Say(m, r, size)),
        3 => (member.clone(), taken.clone()).prop_map(|(m, n)| Step::Write(m, n)),
        6 => taken.prop_map(Step::Turn),
        1 => member.prop_map(Step::End),
    ]
}

/// What a member is answered.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Answer {
    /// It is in the room; whether it was before, and whether it asked for the past.
    Joined {
        room: usize,
        again: bool,
        since: bool,
    },
    Left(usize),
    NotJoined,
}

/// A member, and what of it is not in what it was sent.
struct Client {
    key: ConnKey,
    route: &'static str,
    session: u64,
    /// The last event before it came.
    came: u64,
    is_gone: bool,
    joined: BTreeSet<usize>,
    answers: Vec<Answer>,
}

impl Client {
    fn join(&mut self, room: usize, since: bool) {
        let again = !self.joined.insert(room);
        self.answers.push(Answer::Joined { room, again, since });
    }

    fn leave(&mut self, room: usize) {
        let was_in = self.joined.remove(&room);
        self.answers.push(if was_in { Answer::Left(room) } else { Answer::NotJoined });
    }
}

struct World {
    core: Core,
    clients: Vec<Client>,
    stream: ConnKey,
    said: u32,
}

/// An event, as the stream of all tells it.
#[derive(Debug)]
struct Event {
    at: u64,
    room: String,
    session: u64,
    is_message: bool,
    /// As members get it.
    text: String,
}

impl World {
    fn new() -> World {
        let mut core = core_with(Limits { refusals_max: 1000, ..Limits::default() });
        let stream = core.stream_of("since=earliest&format=full");
        World { core, clients: Vec::new(), stream, said: 0 }
    }

    fn come(&mut self, route: usize) {
        let came = self.core.engine.desk.seen;
        let key =
            self.core.engine.accept(WS, self.core.peer, self.core.now).expect("within the limit");
        self.core.receive(key, handshake(ROUTES[route]).as_bytes());
        let conn = self.core.engine.conns.find(key).expect("it is there");
        let State::WebSocket(WebSocket { name: Name::Owned(sender), .. }) = &conn.state else {
            panic!("it has a name")
        };
        self.clients.push(Client {
            key,
            route: ROUTES[route],
            session: sender.session,
            came,
            is_gone: false,
            joined: BTreeSet::from([0]),
            answers: Vec::new(),
        });
        self.core.turn();
    }

    fn client(&mut self, number: usize) -> Option<&mut Client> {
        let number = number.checked_rem(self.clients.len())?;
        self.clients.get_mut(number).filter(|client| !client.is_gone)
    }

    fn take(&mut self, step: Step) {
        let epoch = *self.core.hub.epoch();
        let seen = self.core.engine.desk.seen;
        match step {
            Step::Come(route) => self.come(route),
            Step::Join(member, room, since) => {
                let since = match since {
                    Since::Now => None,
                    Since::Earliest => Some("earliest".to_owned()),
                    Since::Id(part) => {
                        Some(String::from_utf8(epoch.id(seen * part / 100).to_vec()).unwrap())
                    }
                };
                let order = match since {
                    None => json!({"join": ROOMS[room]}),
                    Some(since) => json!({"join": ROOMS[room], "since": since}),
                };
                let has_since = order.get("since").is_some();
                self.client(member).into_iter().for_each(|client| client.join(room, has_since));
                self.say(member, &order.to_string());
            }
            Step::Leave(member, room) => {
                self.client(member).into_iter().for_each(|client| client.leave(room));
                self.say(member, &json!({"leave": ROOMS[room]}).to_string());
            }
            Step::Say(member, room, size) => {
                self.said += 1;
                let mut message = json!({"n": self.said, "x": "x".repeat(size)});
                if let Some(room) = room {
                    message["to"] = ROOMS[room].into();
                    if let Some(client) =
                        self.client(member).filter(|one| !one.joined.contains(&room))
                    {
                        client.answers.push(Answer::NotJoined);
                    }
                }
                self.say(member, &message.to_string());
            }
            Step::Write(member, most) => {
                if let Some(key) = self.client(member).map(|client| client.key) {
                    self.core.write(key, most);
                }
            }
            Step::Turn(most) => self.turn(most),
            Step::End(member) => {
                if let Some(key) = self.client(member).map(|client| client.key) {
                    self.core.engine.receive_error(key, self.core.now);
                    self.client(member).into_iter().for_each(|client| client.is_gone = true);
                }
            }
        }
    }

    fn say(&mut self, member: usize, text: &str) {
        if let Some(key) = self.client(member).map(|client| client.key) {
            self.core.say(key, &[text]);
        }
    }

    fn turn(&mut self, most: usize) {
        self.core.turn_taking(most);
        // The reactor reads on from who was not read from.
        for client in self.clients.iter().filter(|client| !client.is_gone) {
            self.core.engine.receive(client.key, &mut [], self.core.now);
        }
        self.core.flush(self.stream);
    }

    /// Everybody reads to the end.
    fn finish(&mut self) {
        let asked = self.clients.iter().map(|client| client.answers.len()).max();
        for _ in 0..asked.unwrap_or(0) + 20 {
            self.turn(usize::MAX);
            let keys: Vec<ConnKey> =
                self.clients.iter().filter(|one| !one.is_gone).map(|one| one.key).collect();
            keys.into_iter().for_each(|key| self.core.flush(key));
        }
        assert!(!self.core.engine.desk.has_more_to_bring());
    }

    fn events(&mut self) -> Vec<Event> {
        let epoch = *self.core.hub.epoch();
        let written = self.core.written(self.stream);
        let data = written.lines().filter_map(|line| line.strip_prefix("data: "));
        let event = |data: &str| {
            let event: Value = serde_json::from_str(data).expect("JSON");
            let id = event["id"].as_str().expect("an id");
            let LastEventId::At(at) = LastEventId::parse(id.as_bytes(), &epoch) else {
                panic!("{id}")
            };
            let (kind, text) = (&event["type"], event["data"].to_string());
            (kind != "close").then(|| Event {
                at,
                room: event["room"].as_str().expect("a room").to_owned(),
                session: event["session"].as_u64().expect("a session"),
                is_message: kind == "message",
                text,
            })
        };
        data.filter_map(event).collect()
    }
}

/// What a member was sent: its own answers, and texts of others.
fn sent(world: &mut World, key: ConnKey) -> Vec<Value> {
    let written = world.core.written.remove(&key).unwrap_or_default();
    let Some(head) = written.windows(4).position(|four| four == b"\r\n\r\n") else { return vec![] };
    let texts = texts(&written[head + 4..]);
    texts.iter().map(|text| serde_json::from_str(text).expect("JSON")).collect()
}

/// Where a member is in each room that it is in: how many of the events that it is owed it has had.
type Places = Vec<Option<usize>>;

/// What one member is owed, and has had.
struct Ledger<'e> {
    events: &'e [Event],
    session: u64,
    route: &'static str,
    /// By room, from the last time that it was joined.
    owed: Vec<Vec<&'e Event>>,
    /// Word of who comes and goes does not say to which room: any place that fits may be the one.
    places: BTreeSet<Places>,
}

impl<'e> Ledger<'e> {
    fn is_own(&self, event: &Event) -> bool {
        let wants_own = self.route.starts_with("/echoing") && event.is_message;
        self.session == event.session && !wants_own
    }

    fn open(&mut self, room: usize, after: u64, is_now: bool) {
        let of_room = self.events.iter().filter(|event| event.room == ROOMS[room]);
        let has_last = self.route.starts_with("/last") || self.route.starts_with("/all");
        let last = of_room.clone().rfind(|event| event.is_message && event.at <= after);
        let last = last.filter(|event| is_now && has_last && !self.is_own(event));
        let behind = of_room.filter(|event| event.at > after);
        // Another that was committed together with the join is the last one then.
        let may_skip = last.is_some() && behind.clone().any(|event| event.is_message);
        let behind = behind.filter(|event| !self.is_own(event));
        self.owed[room] = last.into_iter().chain(behind).collect();
        let begun = |places| [0, usize::from(may_skip)].map(|at| with(places, room, Some(at)));
        self.places = self.places.iter().flat_map(begun).collect();
    }

    fn close(&mut self, room: usize) {
        self.places = self.places.iter().map(|places| with(places, room, None)).collect();
    }

    fn hear(&mut self, said: &Value) {
        let before = std::mem::take(&mut self.places);
        for places in &before {
            for (room, place) in places.iter().enumerate() {
                let Some(place) = place else { continue };
                let next = self.owed[room].get(*place);
                let is_next = |event: &&&Event| {
                    serde_json::from_str::<Value>(&event.text).expect("JSON") == *said
                };
                if next.filter(is_next).is_some() {
                    self.places.insert(with(places, room, Some(place + 1)));
                }
            }
        }
        assert!(!self.places.is_empty(), "{said} is not owed: {before:?} of {:?}", self.owed);
    }

    /// Where a room that is joined already was said to be.
    fn confirm(&mut self, room: usize, at: u64) {
        let had = self.owed[room].iter().filter(|event| event.at <= at).count();
        let before = self.places.clone();
        self.places.retain(|places| places[room] == Some(had));
        assert!(!self.places.is_empty(), "{at} of {}: {before:?}", ROOMS[room]);
    }
}

fn with(places: &Places, room: usize, place: Option<usize>) -> Places {
    let mut places = places.clone();
    places[room] = place;
    places
}

fn check(world: &mut World, number: usize, events: &[Event]) {
    let sent = sent(world, world.clients[number].key);
    let Client { route, session, came, is_gone, ref answers, .. } = world.clients[number];
    let mut ledger = Ledger {
        events,
        session,
        route,
        owed: vec![Vec::new(); ROOMS.len()],
        places: BTreeSet::from([vec![None; ROOMS.len()]]),
    };
    ledger.open(0, came, true);
    let mut answers = answers.iter();
    for said in sent {
        if let Some(joined) = said.get("joined") {
            let Some(Answer::Joined { room, again, since }) = answers.next() else {
                panic!("{said} is no answer")
            };
            assert_eq!((&joined["room"], &joined["missed"]), (&json!(ROOMS[*room]), &json!(0)));
            let id = joined["id"].as_str().expect("an id");
            let at = match LastEventId::parse(id.as_bytes(), world.core.hub.epoch()) {
                LastEventId::At(at) => at,
                LastEventId::Unknown => panic!("{id}"),
            };
            match again {
                true => ledger.confirm(*room, at),
                false => ledger.open(*room, at, !since),
            }
        } else if let Some(left) = said.get("left") {
            let room = ROOMS.iter().position(|room| left["room"] == *room).expect("a room");
            assert_eq!(answers.next(), Some(&Answer::Left(room)));
            ledger.close(room);
        } else if let Some(error) = said.get("error") {
            assert_eq!(error["code"], "not-joined");
            assert_eq!(answers.next(), Some(&Answer::NotJoined));
        } else {
            ledger.hear(&said);
        }
    }
    let has_had = |(room, place): (usize, &Option<usize>)| {
        place.is_none_or(|place| place == ledger.owed[room].len())
    };
    let has_all = |places: &Places| places.iter().enumerate().all(has_had);
    let Ledger { places, owed, .. } = &ledger;
    assert!(is_gone || places.iter().any(has_all), "{places:?} {owed:?}");
    assert!(is_gone || answers.next().is_none(), "all is answered");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn members_get_what_they_are_owed_once_and_in_order(
        steps in prop::collection::vec(step(), 1..80),
    ) {
        let mut world = World::new();
        (0..3).for_each(|route| world.come(route));
        steps.into_iter().for_each(|step| world.take(step));
        world.finish();
        let events = world.events();
        (0..world.clients.len()).for_each(|number| check(&mut world, number, &events));
    }
}
