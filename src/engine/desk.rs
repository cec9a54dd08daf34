//! What the handling of one connection may touch beside that connection.
//!
//! Knows: limits, the hub, rooms of this core, deadlines, counters.
//! Must not know: connections.

use super::api::Calls;
use super::chronicle::Chronicle;
use super::conn::{Mood, Serves};
use super::delivery::Delivery;
use super::heads::Heads;
use super::letters::{Action, Letter};
use super::membership::Attach;
use super::policy::Policy;
use super::random::Random;
use super::rooms::LocalRooms;
use crate::auth::Vault;
use crate::bytes::{ConnKey, Deadlines, Now, Place, Pool, Tick};
use crate::http::{HttpDate, Response, Status, Terms};
use crate::hub::{Hub, Turn, Who};
use crate::limits::Limits;
use crate::metrics::{Counters, Watch};
use crate::routes::Route;
use crate::sse::Sequence;
use crate::ws::Tools;
use crate::ws::deflate::{Deflater, Inflater, Tally};
use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// One listener, as the engine sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    /// What it serves.
    pub serves: Serves,
    /// Whether only this machine reaches it.
    pub loopback: bool,
    /// The port that it is bound to: refusals and pages name it.
    pub port: u16,
}

/// What an engine is made of.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Its number: 0 and up.
    pub core: u16,
    /// What the configuration decides.
    pub policy: Arc<Policy>,
    /// What the cores share.
    pub hub: Arc<Hub>,
    /// The listeners, in the order that [`super::Engine::accept`] numbers them.
    pub listeners: Arc<[Listener]>,
    /// Every core's counters.
    pub counters: Arc<[Counters]>,
    /// How many connections all cores have.
    pub connections: Arc<AtomicUsize>,
    /// What all cores know of tickets, of what was revoked, and of who guesses.
    pub vault: Arc<Vault>,
    /// From the operating system's random source.
    pub seed: [u64; 2],
}

#[derive(Debug)]
pub(super) struct Desk {
    pub(super) core: u16,
    pub(super) policy: Arc<Policy>,
    /// Those of the policy, which are asked for most.
    pub(super) limits: Arc<Limits>,
    /// The widest that they ever were: so much may wait for who came before. For checks.
    pub(super) widest: Limits,
    /// The longest that a policy lets one answer be: an echo, a reply, a page. For checks.
    pub(super) answer_bytes_max: usize,
    pub(super) hub: Arc<Hub>,
    pub(super) setup: Setup,
    /// This turn's time.
    pub(super) now: Now,
    /// The same for deadlines.
    pub(super) tick: Tick,
    /// When the process began, by the wall clock as it was looked at last.
    pub(super) began_ms: u64,
    /// When the turn before this one was.
    pub(super) turned: Duration,
    /// Nobody is cut off before this: our own process had stood still.
    pub(super) grace: Tick,
    /// When the logs are next looked through for what is too old.
    pub(super) housekeeping: Tick,
    pub(super) rooms: LocalRooms,
    pub(super) turn: Turn,
    pub(super) delivery: Delivery,
    /// Streams and members that begin with this turn's commit, or read something else from it on.
    pub(super) attaching: Vec<(ConnKey, Attach)>,
    /// Members that published this turn.
    pub(super) publishers: Vec<ConnKey>,
    /// Readers that have more to get than one turn gives.
    pub(super) again: Vec<ConnKey>,
    /// Bytes made for readers of history this turn.
    pub(super) made_bytes: usize,
    pub(super) deadlines: Deadlines,
    pub(super) actions: VecDeque<Action>,
    pub(super) pool: Pool,
    pub(super) inflater: Inflater,
    pub(super) deflater: Deflater,
    pub(super) random: Random,
    pub(super) date: HttpDate,
    /// The last sequence that this core has seen: the position of its live cursors.
    pub(super) seen: Sequence,
    pub(super) websockets: usize,
    /// Requests whose answer is still being made.
    pub(super) calls: Calls,
    /// What waits of requests of which nobody knows yet who sent them.
    pub(super) heads: Heads,
    /// What the connection holds whose handshake is dealt with.
    pub(super) arriving: Arriving,
    pub(super) drain: Option<Drain>,
    /// What is told of all that happens here.
    pub(super) chronicle: Chronicle,
    /// Who is asked about the process.
    pub(super) watch: Option<Arc<dyn Watch>>,
}

/// What a handshake has got hold of, to be given back if no WebSocket comes of it.
#[derive(Debug, Default)]
pub(super) struct Arriving {
    pub(super) room: Option<u32>,
    pub(super) claim: Option<(Who, Place)>,
}

impl Arriving {
    /// All of it, which has an owner from now on.
    pub(super) fn take(&mut self) -> Arriving {
        mem::take(self)
    }
}

/// The way to the end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Drain {
    /// When whoever is left is cut off.
    pub(super) until: Tick,
    /// WebSockets closed in one tick.
    pub(super) pace: usize,
    /// When the next are closed.
    pub(super) next: Tick,
    /// All WebSockets of all cores are gone: streams may end.
    pub(super) streams_too: bool,
}

impl Desk {
    pub(super) fn new(setup: Setup) -> Desk {
        Desk {
            core: setup.core,
            limits: Arc::clone(&setup.policy.limits),
            widest: Limits::clone(&setup.policy.limits),
            policy: Arc::clone(&setup.policy),
            answer_bytes_max: setup.policy.answer_bytes_max(),
            hub: Arc::clone(&setup.hub),
            now: Now { monotonic: Duration::ZERO, unix_ms: 0 },
            tick: Tick(0),
            began_ms: 0,
            turned: Duration::ZERO,
            grace: Tick(0),
            housekeeping: Tick(0),
            rooms: LocalRooms::default(),
            turn: Turn::new(setup.core),
            delivery: Delivery::default(),
            attaching: Vec::new(),
            publishers: Vec::new(),
            again: Vec::new(),
            made_bytes: 0,
            deadlines: Deadlines::default(),
            actions: VecDeque::new(),
            pool: Pool::default(),
            inflater: Inflater::default(),
            deflater: Deflater::new(setup.policy.limits.deflate_bytes_min),
            random: Random::new(setup.seed),
            date: HttpDate::default(),
            seen: 0,
            websockets: 0,
            calls: Calls::default(),
            heads: Heads::of(&setup.policy.limits, setup.counters.len()),
            arriving: Arriving::default(),
            drain: None,
            chronicle: Chronicle::default(),
            watch: None,
            setup,
        }
    }

    /// It is `now`.
    pub(super) fn at(&mut self, now: Now) {
        // Asked for with every read and write of a turn: the division is for the first.
        if self.now != now {
            self.now = now;
            self.tick = Tick::at(now.monotonic);
        }
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.setup.counters[self.core as usize]
    }

    pub(super) fn is_draining(&self) -> bool {
        self.drain.is_some()
    }

    /// Counts one connection more, if there may be one.
    pub(super) fn admit(&self, listener: u8) -> bool {
        let before = self.setup.connections.fetch_add(1, Ordering::Relaxed);
        if before >= self.limits.connections_max {
            self.setup.connections.fetch_sub(1, Ordering::Relaxed);
            self.counters().refused.limit.add(1);
            return false;
        }
        self.by_listener(listener, |counters| &counters.opened, 1);
        true
    }

    /// Counts one connection less.
    pub(super) fn dismiss(&self, listener: u8) {
        self.setup.connections.fetch_sub(1, Ordering::Relaxed);
        self.by_listener(listener, |counters| &counters.closed, 1);
    }

    pub(super) fn count_in(&self, listener: u8, bytes: usize) {
        self.by_listener(listener, |counters| &counters.bytes_in, bytes);
    }

    pub(super) fn count_out(&self, listener: u8, bytes: usize) {
        self.by_listener(listener, |counters| &counters.bytes_out, bytes);
        self.counters().writes.add(1);
    }

    fn by_listener(
        &self,
        listener: u8,
        which: impl FnOnce(&Counters) -> &crate::metrics::ByListener,
        n: usize,
    ) {
        let counts = which(self.counters());
        let count = match self.listener(listener).serves {
            Serves::WebSocket => &counts.ws,
            Serves::Http => &counts.http,
            Serves::Both => &counts.both,
        };
        count.add(n as u64);
    }

    pub(super) fn listener(&self, listener: u8) -> Listener {
        self.setup.listeners[listener as usize]
    }

    /// The connection wants to be looked at by `due`; an earlier look it has asked for stays.
    pub(super) fn wake_by(&mut self, key: ConnKey, due: Tick) {
        let slot = key.slot() as u32;
        if self.deadlines.due(slot).is_none_or(|earlier| due < earlier) {
            self.deadlines.set(slot, due);
        }
    }

    /// Gives back what a handshake had got hold of.
    pub(super) fn give_back_arriving(&mut self) {
        let Arriving { room, claim } = self.arriving.take();
        room.into_iter().for_each(|room| self.rooms.leave(room));
        self.turn.released.extend(claim);
    }

    /// The limits of WebSockets on `route`.
    pub(super) fn limits_of<'l>(&'l self, route: &'l Route) -> &'l Limits {
        route.limits.as_deref().unwrap_or(&self.limits)
    }

    /// Whether it begins to read with this turn's commit, which is still to come.
    pub(super) fn is_attaching(&self, key: ConnKey) -> bool {
        self.attaching.iter().any(|(other, _)| *other == key)
    }

    /// Whether its close, and that its name is free, have yet to be committed.
    pub(super) fn is_leaving(&self, key: ConnKey) -> bool {
        self.turn.released.iter().any(|(_, place)| place.key == key)
    }

    /// Sends a letter that this core gets itself, in another turn.
    pub(super) fn post_to_self(&mut self, letter: Letter) {
        self.actions.push_back(Action::Post(self.core, letter));
    }

    /// Has the connection written to before the turn ends.
    pub(super) fn flush(&mut self, key: ConnKey, mood: &mut Mood) {
        if !mem::replace(&mut mood.dirty, true) {
            self.actions.push_back(Action::Flush(key));
        }
    }

    /// What reading a WebSocket on `route` takes.
    pub(super) fn tools<'t>(&'t mut self, route: &'t Route) -> Tools<'t> {
        let limits = route.limits.as_deref().unwrap_or(&self.limits);
        Tools { limits, pool: &mut self.pool, inflater: &mut self.inflater }
    }

    /// Begins a response in `out`.
    pub(super) fn respond<'v>(&mut self, out: &'v mut Vec<u8>, status: Status) -> Response<'v> {
        self.counters().responses.count(status.code());
        let date = self.date.of(self.now.unix_ms / 1000);
        Response::begin(out, status, date)
    }

    /// Counts what was compressed and decompressed since the last turn.
    pub(super) fn count_compression(&mut self) {
        let counters = &self.setup.counters[self.core as usize];
        for (tally, counts) in [
            (&mut self.inflater.tally, &counters.inflated),
            (&mut self.deflater.tally, &counters.deflated),
        ] {
            let Tally { messages, deflated_bytes, bytes } = mem::take(tally);
            if messages > 0 {
                counts.messages.add(messages);
                counts.compressed_bytes.add(deflated_bytes);
                counts.bytes.add(bytes);
            }
        }
    }

    /// What a connection too many is told.
    pub(super) fn refusal(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let after = (1 + self.random.below(10)).to_string();
        let (code, detail) = self.refusal_words();
        let response = self.respond(&mut out, Status::ServiceUnavailable);
        response.header("Retry-After", &after).problem(Terms::CLOSE, code, detail);
        out
    }

    /// Why nobody else is taken, if nobody is: a code, and a sentence.
    pub(super) fn refusal_words(&self) -> (&'static str, &'static str) {
        if self.is_draining() {
            return ("stopping", "The server is stopping; connect again.");
        }
        let detail =
            "The server has as many connections as it may have (--max-connections); try again.";
        ("too-many-connections", detail)
    }
}
