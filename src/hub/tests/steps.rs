//! Any steps at all, taken by a hub and by its shadow: they agree on everything.
//!
//! Knows: what cores may do, and in which order.
//! Must not know: what a shadow is made of.

use super::formats::Spoken;
use super::readers::{Ask, Names};
use super::shadow::Shadow;
use super::*;
use crate::bytes::{Keyed, Place};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::mem;

const CORES: u16 = 3;
const ROOMS: [&str; 5] = ["main", "a", "ab", "c", EVERYONE];
const NAMES: [&str; 3] = ["ann", "bob", "cy"];

#[derive(Clone, Debug)]
enum Step {
    Enter(u16, usize),
    Leave(u16, usize),
    /// What a core wants of a room from now on, and how many are in it there.
    Follow(u16, usize, Interest, Counts),
    Everything(u16, bool),
    Publish(u16, usize, Vec<(Said, usize)>),
    Exchange(u16, u64),
    /// Makes a format of something that came in an inbox.
    Encode(u16, usize, Format),
    /// Lets go of all that came in inboxes.
    Drop(u16),
    Claim(u16, usize, usize),
    Release(u16, usize, usize),
    Read(Option<u8>, Class, Like),
    /// By whoever means rooms by their names, there or not.
    ReadMeant(u8, u64, Like),
    List(usize, usize),
}

/// How a reader asks.
#[derive(Clone, Debug)]
struct Like {
    whole: bool,
    counts: bool,
    next: u64,
    upto: usize,
    seen: usize,
    pieces_max: usize,
}

/// One core: what it is in, and what it will bring.
struct Core {
    turn: Turn,
    rooms: BTreeMap<usize, Entered>,
    /// What the hub was told, or will be.
    counts: BTreeMap<usize, Counts>,
    brings: Vec<(RoomKey, Spoken)>,
    releases: Vec<(Who, Place)>,
    /// What came in inboxes, with its place in the shadow.
    inbox: Vec<(usize, Arc<Chunk>)>,
    charges: Vec<(RoomKey, Sequence, usize)>,
    conns: Vec<Place>,
}

struct World {
    hub: Hub,
    shadow: Shadow,
    cores: Vec<Core>,
    now_ms: u64,
    /// Heads that a core has seen.
    seen: Vec<Sequence>,
    /// The name that spoke last, and its session.
    session: (usize, u64),
    granted: u64,
    tickets: u64,
}

impl World {
    fn new(limits: Limits) -> World {
        let mut keyed = Keyed::default();
        let cores = (0..CORES).map(|core| Core {
            turn: Turn::new(core),
            rooms: BTreeMap::new(),
            counts: BTreeMap::new(),
            brings: Vec::new(),
            releases: Vec::new(),
            inbox: Vec::new(),
            charges: Vec::new(),
            conns: (0..3).map(|_| Place { core, key: keyed.insert(()) }).collect(),
        });
        World {
            hub: hub(CORES as usize, &limits),
            cores: cores.collect(),
            shadow: Shadow::new(limits, CORES as usize),
            now_ms: 0,
            seen: vec![0],
            session: (0, 1),
            granted: 0,
            tickets: 0,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Enter(core, room) => self.enter(core, room),
            Step::Leave(core, room) => self.leave(core, room),
            Step::Follow(core, room, interest, counts) => {
                self.follow(core, room, interest, counts);
            }
            Step::Everything(core, on) => {
                let turn = &mut self.cores[core as usize].turn;
                (turn.everything, turn.readers) = (on, if on { 2 } else { 0 });
            }
            Step::Publish(core, room, said) => self.publish(core, room, said),
            Step::Exchange(core, wait_ms) => {
                self.now_ms += wait_ms;
                self.exchange(core);
            }
            Step::Encode(core, place, format) => self.encode(core, place, format),
            Step::Drop(core) => self.cores[core as usize].inbox.clear(),
            Step::Claim(core, conn, name) => self.claim(core, conn, name),
            Step::Release(core, conn, name) => {
                let core = &mut self.cores[core as usize];
                let who = self.hub.who_keys().who(NAMES[name]);
                core.releases.push((who, core.conns[conn]));
            }
            Step::Read(rooms, class, like) => self.read(rooms, class, &like),
            Step::ReadMeant(names, forgets, like) => self.read_meant(names, forgets, &like),
            Step::List(prefix, limit) => self.list(["", "a", "main", "x"][prefix], limit),
        }
        for name in NAMES {
            let who = self.hub.who_keys().who(name);
            let place = self.shadow.owners.get(&who).map(|(place, _)| *place);
            let owner = place.map(|place| Owner { place, session: self.shadow.sessions[&who] });
            assert_eq!(self.hub.owner(who), owner);
        }
        let unpublished: usize =
            self.cores.iter().flat_map(|core| &core.turn.chunks).map(|chunk| chunk.cost()).sum();
        assert_eq!(self.hub.holdings(), self.shadow.holdings(unpublished));
    }

    fn enter(&mut self, core: u16, room: usize) {
        let core = &mut self.cores[core as usize];
        if core.rooms.contains_key(&room) {
            return;
        }
        let entered = self.hub.enter(ROOMS[room]);
        assert_eq!(entered.is_some(), self.shadow.may_enter(ROOMS[room]));
        if let Some(entered) = entered {
            assert_eq!(&*entered.name, ROOMS[room]);
            self.shadow.enter(ROOMS[room], entered.key);
            core.rooms.insert(room, entered);
        }
    }

    fn leave(&mut self, core: u16, room: usize) {
        self.follow(core, room, Interest::Nothing, Counts::default());
        let core = &mut self.cores[core as usize];
        core.turn.left.extend(core.rooms.remove(&room).map(|room| room.key));
    }

    fn follow(&mut self, core: u16, room: usize, interest: Interest, counts: Counts) {
        let core = &mut self.cores[core as usize];
        let Some(Entered { key, .. }) = core.rooms.get(&room) else { return };
        let before = core.counts.insert(room, counts).unwrap_or_default();
        // What is for everybody every core gets.
        let interest = if *key == RoomKey::EVERYONE { Interest::Everything } else { interest };
        let more = counts - before;
        core.turn.follows.push(Follow { room: *key, interest, more, ordinal: u64::MAX });
    }

    /// All rooms, `limit` at a time.
    fn list(&self, prefix: &str, limit: usize) {
        let mut listed: Vec<RoomInfo> = Vec::new();
        loop {
            let after = listed.last().map(|room| Arc::clone(&room.name));
            let page = self.hub.rooms(after.as_deref(), prefix, limit);
            assert!(page.len() <= limit);
            let is_last = page.len() < limit;
            listed.extend(page);
            if is_last {
                break;
            }
        }
        assert_eq!(listed, self.shadow.rooms(prefix));
        for room in &listed {
            assert_eq!(self.hub.room_info(&room.name).as_ref(), Some(room));
        }
        assert_eq!(self.hub.room_info(EVERYONE), None);
        assert_eq!(self.hub.room_info("mai"), None);
    }

    fn publish(&mut self, core: u16, room: usize, said: Vec<(Said, usize)>) {
        let core = &mut self.cores[core as usize];
        let Some(room) = core.rooms.get(&room) else { return };
        let audience = said[0].0.audience();
        let mut batch = publish::batch(&self.hub, room, audience);
        let mut spoken = Spoken::new();
        if audience == Audience::ALL {
            let (said, name) = said.into_iter().next().expect("something is said");
            self.tickets += 1;
            said.push(&mut batch, &Sender::API);
            let except = [self.hub.who_keys().who(NAMES[name])].into();
            batch.set_api(Api { ticket: self.tickets, except });
            core.turn.chunks.push(batch.seal());
            return core.brings.push((room.key, vec![(said, Sender::API)]));
        }
        for (said, name) in said.into_iter().filter(|(said, _)| said.audience() == audience) {
            // A session has one name; a name may come again in another session.
            self.session.1 += u64::from(self.session.0 != name);
            self.session.0 = name;
            let sender = publish::sender(&self.hub, NAMES[name], self.session.1);
            said.push(&mut batch, &sender);
            spoken.push((said, sender));
        }
        core.turn.chunks.push(batch.seal());
        core.brings.push((room.key, spoken));
    }

    fn encode(&mut self, core: u16, place: usize, format: Format) {
        let core = &mut self.cores[core as usize];
        if core.inbox.is_empty() {
            return;
        }
        let (place, chunk) = &core.inbox[place % core.inbox.len()];
        if format.is_frames() && !chunk.audience().has_frames() {
            return;
        }
        let cost = formats::check(chunk, &self.shadow.kept[*place].spoken, format);
        self.shadow.made(*place, cost);
        if cost > 0 {
            core.charges.push((chunk.room(), chunk.first(), cost));
        }
    }

    fn claim(&mut self, core: u16, conn: usize, name: usize) {
        let (who, place) =
            (self.hub.who_keys().who(NAMES[name]), self.cores[core as usize].conns[conn]);
        let claim = self.hub.claim(who, place, Standing::Stranger);
        let Some((owner, claimant)) = self.shadow.owners.get_mut(&who) else {
            let Claim::Granted { session } = claim else { panic!("nobody owns it: {claim:?}") };
            assert!(session > mem::replace(&mut self.granted, session));
            self.shadow.owners.insert(who, (place, None));
            self.shadow.sessions.insert(who, session);
            return;
        };
        assert_eq!(claim, Claim::Waiting { owner: *owner, displaced: *claimant });
        *claimant = Some(place);
    }

    /// One core's visit, and the same in the shadow, in the order that a hub promises.
    fn exchange(&mut self, number: u16) {
        let (hub, shadow) = (&self.hub, &mut self.shadow);
        let Core { turn, brings, releases, charges, inbox, .. } = &mut self.cores[number as usize];
        assert_eq!(hub.is_waiting(number), !shadow.inboxes[number as usize].is_empty());
        turn.now = at(self.now_ms);
        turn.websockets = number as usize + 1;
        turn.charges.clone_from(charges);
        turn.released.clone_from(releases);
        let costs: Vec<usize> = turn.chunks.iter().map(|chunk| chunk.cost()).collect();
        let left = turn.left.clone();
        hub.exchange(turn);

        for follow in turn.follows.drain(..) {
            assert_eq!(follow.ordinal, shadow.follow(number, &follow));
        }
        shadow.follow_everything(number, turn.everything);
        shadow.readers[number as usize] = turn.readers;
        assert_eq!(turn.before, shadow.head);
        let mut ring = CoreSet::default();
        let mut receipts = turn.receipts.iter();
        for ((room, spoken), cost) in brings.drain(..).zip(costs) {
            if spoken[0].1 == Sender::API {
                let receipt = receipts.next().expect("the API gets a receipt");
                assert_eq!(*receipt, shadow.receipt(receipt.ticket, room));
            }
            let receivers = shadow.commit(room, spoken, self.now_ms, cost);
            receivers.iter().for_each(|core| ring.insert(*core));
        }
        assert_eq!(receipts.next(), None);
        assert!(turn.receipts.is_sorted_by_key(|receipt| receipt.ticket));
        ring.remove(number);
        assert_eq!(turn.ring, ring);
        assert!(ring.iter().all(|core| hub.is_waiting(core)));
        assert!(!hub.is_waiting(number));
        let mut handed = turn.handed.drain(..);
        for (who, place) in releases.drain(..) {
            if let Some(to) = shadow.release(who, place) {
                let handed = handed.next().expect("it is handed on");
                assert_eq!(handed.to, to);
                assert!(handed.session > mem::replace(&mut self.granted, handed.session));
                shadow.sessions.insert(who, handed.session);
            }
        }
        assert_eq!(handed.next(), None);
        drop(handed);
        for (room, first, bytes) in charges.drain(..) {
            shadow.charge(room, first, bytes);
        }
        shadow.evict_old(self.now_ms);
        left.into_iter().for_each(|room| shadow.leave(room));
        assert_eq!(turn.seen, shadow.head);
        self.seen.push(turn.seen);
        note_chunks(hub, shadow, turn);
        take_inbox(shadow, turn, inbox);
    }

    /// The rooms of a set that somebody is in.
    fn keys(&self, rooms: u8) -> Vec<RoomKey> {
        let is_meant = |(room, _): &(&usize, &Entered)| rooms & 1 << **room != 0;
        let entered = self.cores.iter().flat_map(|core| core.rooms.iter().filter(is_meant));
        let mut keys: Vec<RoomKey> = entered.map(|(_, entered)| entered.key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn read(&self, rooms: Option<u8>, class: Class, like: &Like) {
        let upto = like.upto % self.seen.len();
        let (upto, later) = (self.seen[upto], &self.seen[upto..]);
        let rooms = rooms.map(|rooms| self.keys(rooms));
        // WebSockets read rooms, and are not told how much they miss.
        let class = if rooms.is_none() { Class::Subscriber } else { class };
        let ask = Ask {
            class,
            whole: like.whole && rooms.as_ref().is_none_or(|rooms| rooms.len() == 1),
            rooms,
            next: 1 + like.next % (upto + 1),
            upto,
            seen: later[like.seen % later.len()],
            counts: like.counts && class == Class::Subscriber,
            pieces_max: like.pieces_max,
        };
        let (got, after) = ask.read(&self.hub, &self.shadow);
        let (expected, end) = self.shadow.read(&ask);
        self.shadow.check(&ask, &got, after, &expected);
        if let Some(end) = end {
            assert_eq!(after.min(ask.upto + 1), end, "{ask:?}");
            if ask.seen == ask.upto {
                assert_eq!(got, expected, "{ask:?}");
            }
        }
        let gone_through = self.hub.gone_through(ask.rooms.as_deref(), class);
        assert_eq!(gone_through, self.shadow.gone_through(ask.rooms.as_deref(), class));
    }

    fn read_meant(&self, names: u8, forgets: u64, like: &Like) {
        let upto = self.seen[like.upto % self.seen.len()];
        let next = 1 + like.next % (upto + 1);
        let is_meant = |(number, _): &(usize, &&str)| names & 1 << number != 0;
        let meant = ROOMS.iter().enumerate().filter(is_meant).map(|(_, name)| *name).collect();
        let mut names = Names { meant, forgets, ..Names::default() };
        // What it found out the first time it knows the second time.
        for _ in 0..2 {
            let got = names.read(&self.hub, (next, upto), like.pieces_max);
            self.shadow.check_meant(&names, next, upto, &got);
        }
    }

    /// Everybody leaves, and time passes.
    fn end(mut self) {
        for core in 0..CORES {
            (0..ROOMS.len()).for_each(|room| self.leave(core, room));
            for (conn, name) in (0..9).map(|number| (number / 3, number % 3)) {
                self.step(Step::Release(core, conn, name));
            }
            self.step(Step::Everything(core, false));
            self.step(Step::Drop(core));
            self.step(Step::Exchange(core, 0));
        }
        for core in 0..CORES {
            for (conn, name) in (0..9).map(|number| (number / 3, number % 3)) {
                self.step(Step::Release(core, conn, name));
            }
            self.step(Step::Exchange(core, 1 << 30));
            self.step(Step::Drop(core));
        }
        assert_eq!(self.hub.holdings(), Holdings::default());
        assert_eq!(self.hub.held_bytes().load(Ordering::Relaxed), 0);
        assert!((0..CORES).all(|core| !self.hub.is_waiting(core)));
    }
}

/// Lets the shadow know the chunks that were committed: a hub takes only such that nobody knows.
fn note_chunks(hub: &Hub, shadow: &mut Shadow, turn: &mut Turn) {
    let (next, upto) = (turn.before + 1, turn.seen);
    let mut pieces = VecDeque::new();
    let rooms: Vec<RoomKey> = shadow.lives.keys().copied().collect();
    // One by one: a WebSocket's gap covers what other rooms still have.
    for (class, room) in Class::ALL.iter().flat_map(|class| rooms.iter().map(|room| (*class, room)))
    {
        let rooms = Some(std::slice::from_ref(room));
        let wanted = Wanted { rooms, class, whole: true, next, upto, seen: upto, ordinal: None };
        hub.fetch(wanted, &mut pieces, 1000);
    }
    let there = pieces.into_iter().filter_map(|piece| match piece {
        Piece::Chunk(chunk) => Some(chunk),
        Piece::Gap { .. } => None,
    });
    for chunk in there.chain(turn.evicted.drain(..)).filter(|chunk| chunk.first() >= next) {
        let kept = shadow.kept.iter_mut().find(|kept| kept.first == chunk.first());
        kept.expect("it was committed").chunk = Arc::downgrade(&chunk);
    }
}

/// What came in the inbox is what the shadow has for it, chunk by chunk.
fn take_inbox(shadow: &mut Shadow, turn: &mut Turn, inbox: &mut Vec<(usize, Arc<Chunk>)>) {
    let expected = mem::take(&mut shadow.inboxes[turn.core as usize]);
    assert_eq!(turn.inbox.len(), expected.len());
    for (place, chunk) in expected.into_iter().zip(turn.inbox.drain(..)) {
        let kept = &shadow.kept[place];
        assert_eq!((chunk.first(), chunk.last()), (kept.first, kept.last()));
        assert_eq!((chunk.room(), chunk.ordinal()), (kept.room, kept.ordinal));
        assert_eq!((chunk.room_name(), chunk.at()), (kept.name, at(kept.at_ms)));
        assert_eq!(chunk.audience(), kept.spoken[0].0.audience());
        assert_eq!(chunk.ticket().is_some(), chunk.audience() == Audience::ALL);
        for (place, (said, sender)) in kept.spoken.iter().enumerate() {
            let entry = chunk.index()[place];
            assert_eq!((entry.what(), entry.who), (said.what(), sender.who));
            assert_eq!(chunk.sender(place), Some(sender));
        }
        assert_eq!(formats::check(&chunk, &kept.spoken, chunk.made), 0);
        inbox.push((place, chunk));
    }
}

fn said() -> impl Strategy<Value = Vec<(Said, usize)>> {
    let bytes = || prop::collection::vec(any::<u8>(), 0..40);
    let relayed = prop_oneof![
        4 => "[a-z \"]{0,60}".prop_map(|text| Said::Text(format!("{{\r\n\"a\":{text:?}}}"))),
        1 => bytes().prop_map(Said::Binary),
        1 => "\\PC{0,9}".prop_map(|reason| Said::Close(1000, reason)),
    ];
    let chat = prop_oneof![
        4 => "[a-z\r\n]{0,60}".prop_map(Said::Chat),
        1 => "[a-z]{0,60}".prop_map(|text| Said::ChatObject(format!("{{\"a\":{text:?}}}"))),
        1 => bytes().prop_map(Said::ChatBinary),
        1 => Just(Said::Join),
        1 => Just(Said::Leave),
    ];
    let quiet = "[a-z]{0,60}".prop_map(Said::Quiet);
    let api = prop_oneof![
        2 => "[a-z\r\n]{0,60}".prop_map(Said::Api),
        1 => "[a-z]{0,60}".prop_map(|text| Said::ApiObject(format!("{{\"a\":{text:?}}}"))),
        1 => bytes().prop_map(Said::ApiBinary),
    ];
    prop_oneof![
        3 => prop::collection::vec((relayed, 0usize..3), 1..5),
        3 => prop::collection::vec((chat, 0usize..3), 1..5),
        2 => prop::collection::vec((quiet, 0usize..3), 1..5),
        2 => prop::collection::vec((api, 0usize..3), 1..2),
    ]
}

fn like() -> impl Strategy<Value = Like> {
    let places = (any::<u64>(), any::<usize>(), prop_oneof![Just(0), any::<usize>()]);
    (any::<bool>(), any::<bool>(), places, 1usize..5).prop_map(|(whole, counts, places, most)| {
        let (next, upto, seen) = places;
        Like { whole, counts, next, upto, seen, pieces_max: most }
    })
}

fn class() -> impl Strategy<Value = Class> {
    prop::sample::select(Class::ALL.to_vec())
}

fn interest() -> impl Strategy<Value = Interest> {
    prop_oneof![
        1 => Just(Interest::Nothing),
        1 => Just(Interest::Api),
        2 => Just(Interest::Everything),
    ]
}

fn counts() -> impl Strategy<Value = Counts> {
    (0..5i64, 0..5i64, 0..5i64).prop_map(|(members, listeners, subscribers)| Counts {
        connections: members + listeners,
        members,
        subscribers,
    })
}

fn step() -> impl Strategy<Value = Step> {
    let format = prop_oneof![
        Just(Format::Events),
        Just(Format::FullEvents),
        Just(Format::Lines),
        Just(Format::SealedEvents),
        Just(Format::SealedLines),
        Just(Format::Frames),
        Just(Format::DeflatedFrames),
    ];
    let (core, room, name) = (0..CORES, 0..ROOMS.len(), 0..NAMES.len());
    prop_oneof![
        4 => (core.clone(), room.clone()).prop_map(|(core, room)| Step::Enter(core, room)),
        1 => (core.clone(), room.clone()).prop_map(|(core, room)| Step::Leave(core, room)),
        3 => (core.clone(), room.clone(), interest(), counts()).prop_map(
            |(core, room, interest, counts)| Step::Follow(core, room, interest, counts)),
        1 => (core.clone(), any::<bool>()).prop_map(|(core, on)| Step::Everything(core, on)),
        8 => (core.clone(), room, said())
            .prop_map(|(core, room, said)| Step::Publish(core, room, said)),
        6 => (core.clone(), prop_oneof![4 => 0u64..50, 1 => 100u64..1500])
            .prop_map(|(core, wait)| Step::Exchange(core, wait)),
        3 => (core.clone(), 0usize..64, format)
            .prop_map(|(core, place, format)| Step::Encode(core, place, format)),
        1 => core.clone().prop_map(Step::Drop),
        2 => (core.clone(), 0usize..3, name.clone())
            .prop_map(|(core, conn, name)| Step::Claim(core, conn, name)),
        2 => (core, 0usize..3, name)
            .prop_map(|(core, conn, name)| Step::Release(core, conn, name)),
        5 => (prop::option::of(1u8..32), class(), like())
            .prop_map(|(rooms, class, like)| Step::Read(rooms, class, like)),
        5 => (0u8..32, any::<u64>(), like())
            .prop_map(|(names, forgets, like)| Step::ReadMeant(names, forgets, like)),
        1 => (0usize..4, 1usize..4).prop_map(|(prefix, limit)| Step::List(prefix, limit)),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    let bytes = || prop_oneof![Just(1 << 30), Just(1200), Just(300)];
    let events = prop_oneof![Just(1 << 30), Just(5), Just(1)];
    (bytes(), bytes(), events, 2usize..5).prop_map(|(room, node, events, rooms_max)| Limits {
        room_log_bytes_max: room,
        node_log_bytes_max: 3 * node,
        room_log_events_max: events,
        rooms_max,
        log_age: Duration::from_secs(1),
        ..Limits::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    #[test]
    fn a_hub_agrees_with_its_shadow(
        limits in limits(),
        steps in prop::collection::vec(step(), 1..120),
    ) {
        let mut world = World::new(limits);
        for room in 0..ROOMS.len() {
            world.enter(room as u16 % CORES, room);
            world.follow(room as u16 % CORES, room, Interest::Everything, Counts::default());
        }
        steps.into_iter().for_each(|step| world.step(step));
        world.end();
    }
}
