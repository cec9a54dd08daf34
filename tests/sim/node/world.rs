//! One node: its cores, its clients, its time.
//!
//! Knows: everything that takes part in a run, and what can happen next.
//! Must not know: what is right; that is checked elsewhere.

use super::client::{Client, Moment};
use super::dice::Dice;
use super::errands::Ticket;
use super::policies::{One, Policies};
use super::shadow::Shadow;
use std::cell::Cell;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;
use tidegate::auth::{Revocation, Vault};
use tidegate::bytes::{ConnKey, Now};
use tidegate::engine::{Engine, Letter, Listener, Serves, Setup, Wanted};
use tidegate::hub::{Hub, Turn};
use tidegate::metrics::Counters;

/// One core: its engine, and what a reactor keeps beside it.
pub(crate) struct Core {
    pub(crate) engine: Engine,
    /// What it goes by.
    pub(crate) by: One,
    /// Connections that are open, and whose they are.
    pub(crate) keys: BTreeMap<ConnKey, usize>,
    pub(crate) ready: Vec<ConnKey>,
    pub(crate) again: Vec<ConnKey>,
    pub(crate) writable: Vec<ConnKey>,
    /// Letters by who posted them.
    pub(crate) mail: Vec<VecDeque<Letter>>,
    /// What the API has yet to publish here, by its tickets.
    pub(crate) to_publish: Vec<usize>,
    pub(crate) is_rung: bool,
    pub(crate) is_draining: bool,
}

/// How far a run is, for whoever reports its failure.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    pub(crate) step: Cell<u64>,
}

/// A node and its clients.
pub(crate) struct World<'p> {
    pub(crate) dice: Dice,
    pub(crate) now: Duration,
    /// What the wall clock is ahead by, in milliseconds.
    pub(crate) wall_ms: u64,
    /// The latest that it ever was, and when it was last set.
    pub(crate) latest_ms: u64,
    pub(crate) set_at: Duration,
    pub(crate) policies: Policies,
    pub(crate) hub: Arc<Hub>,
    pub(crate) counters: Arc<[Counters]>,
    pub(crate) connections: Arc<AtomicUsize>,
    /// The most that there ever were.
    pub(crate) connections_peak: usize,
    pub(crate) cores: Vec<Core>,
    /// The shadow's visits to the door.
    pub(crate) observer: Turn,
    pub(crate) shadow: Shadow,
    pub(crate) clients: Vec<Client>,
    pub(crate) claims: BTreeMap<String, usize>,
    pub(crate) vault: Arc<Vault>,
    /// What is revoked now, and the tickets that there ever were.
    pub(crate) revoked: Vec<Revocation>,
    pub(crate) tickets: Vec<Ticket>,
    /// How many tokens there ever were.
    pub(crate) tokens: usize,
    pub(crate) is_draining: bool,
    /// Rooms that there were after the last turn.
    pub(crate) rooms: usize,
    /// How many of a hundred clients are strangers; whether one has come.
    pub(crate) strangers: usize,
    pub(crate) has_strangers: bool,
    /// Everything that happened, in one number.
    pub(crate) hash: u64,
    pub(crate) is_traced: bool,
    pub(crate) progress: &'p Progress,
}

const EPOCH_MS: u64 = 1_700_000_000_000;

impl<'p> World<'p> {
    /// The world that `dice` make.
    pub(crate) fn new(mut dice: Dice, is_traced: bool, progress: &'p Progress) -> World<'p> {
        let policies = Policies::new(&mut dice);
        let cores = dice.between(1, 4);
        let strangers = *dice.pick(&[0, 10, 40]);
        let strangers = if policies.have_keys() { 0 } else { strangers };
        let seeds = [dice.word(), dice.word(), dice.word()];
        // One more: the shadow is a core too.
        let hub = Arc::new(Hub::new(cores + 1, policies.of_logs(), seeds, EPOCH_MS));
        let counters: Arc<[Counters]> = (0..cores).map(|_| Counters::default()).collect();
        let connections = Arc::new(AtomicUsize::new(0));
        let vault: Arc<Vault> = Arc::default();
        let serves = [Serves::WebSocket, Serves::Http, Serves::Both];
        let listeners: Arc<[Listener]> =
            serves.iter().map(|&serves| Listener { serves, loopback: true, port: 0 }).collect();
        let cores: Vec<Core> = (0..cores)
            .map(|core| {
                let engine = Engine::new(Setup {
                    policy: Arc::clone(&policies.latest().policy),
                    core: core as u16,
                    hub: Arc::clone(&hub),
                    listeners: Arc::clone(&listeners),
                    counters: Arc::clone(&counters),
                    connections: Arc::clone(&connections),
                    vault: Arc::clone(&vault),
                    seed: [dice.word(), dice.word()],
                });
                // What is told changes nothing for anybody.
                let wanted = [Wanted::ALL, Wanted::PROBLEMS, Wanted::default()][core % 3];
                let engine = engine.telling(wanted);
                Core::new(engine, policies.latest().clone(), cores)
            })
            .collect();
        let mut observer = Turn::new(cores.len() as u16);
        observer.everything = true;
        hub.exchange(&mut observer);
        let epoch = hub.epoch().as_bytes().to_vec();
        World {
            dice,
            now: Duration::from_millis(1),
            wall_ms: EPOCH_MS,
            latest_ms: 0,
            set_at: Duration::ZERO,
            policies,
            hub,
            counters,
            connections,
            connections_peak: 0,
            cores,
            observer,
            shadow: Shadow::new(epoch),
            clients: Vec::new(),
            claims: BTreeMap::new(),
            vault,
            revoked: Vec::new(),
            tickets: Vec::new(),
            tokens: 0,
            is_draining: false,
            rooms: 0,
            strangers,
            has_strangers: false,
            hash: 0,
            is_traced,
            progress,
        }
    }

    /// It is now.
    pub(crate) fn clock(&self) -> Now {
        let unix_ms = self.wall_ms + self.now.as_millis() as u64;
        Now { monotonic: self.now, unix_ms }
    }

    /// Remembers that something happened.
    pub(crate) fn note(&mut self, what: &[u64]) {
        for word in what {
            self.hash = (self.hash.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
        }
    }

    /// Says what happened, if somebody wants to know.
    pub(crate) fn trace(&self, what: impl FnOnce() -> String) {
        if self.is_traced {
            eprintln!("[{} {:?}] {}", self.progress.step.get(), self.now, what());
        }
    }

    /// At most `n` of the client's bytes reach its core.
    pub(crate) fn carry(&mut self, number: usize, n: usize) -> bool {
        let client = &mut self.clients[number];
        if !client.wire.carry(n) {
            return false;
        }
        let core = &mut self.cores[client.core];
        let Some(key) = client.key.filter(|key| core.keys.contains_key(key)) else { return false };
        // Any edge tells of both directions, and a reset is one for both.
        let is_writable = client.wire.reset || client.wire.free(1) > 0;
        if is_writable {
            core.writable.push(key);
        }
        let is_new = !core.ready.contains(&key);
        if is_new {
            core.ready.push(key);
        }
        is_writable || is_new
    }

    /// The client reads at most `n` bytes of what waits for it.
    pub(crate) fn read(&mut self, number: usize, n: usize) -> bool {
        let client = &mut self.clients[number];
        let bytes = client.wire.read(n);
        let is_over = client.wire.is_over() && client.wire.queued.is_empty();
        let is_end = is_over && !client.has_seen_end;
        if bytes.is_empty() && !is_end {
            return false;
        }
        if client.wire.blocked && client.wire.free(1) > 0 {
            client.wire.blocked = false;
            let core = &mut self.cores[client.core];
            core.writable.extend(client.key.filter(|key| core.keys.contains_key(key)));
        }
        let moment = Moment {
            now: self.now,
            is_draining: self.is_draining,
            bounds: &self.policies.bounds,
            hub: &self.hub,
            connections_peak: self.connections_peak,
            claims: &self.claims,
            has_strangers: self.has_strangers,
            latest_ms: self.latest_ms,
        };
        client.hear(&bytes, &self.shadow, &moment);
        if is_end {
            client.hear_end(&self.shadow, &moment);
            if !client.is_lazy {
                client.wire.say_end();
            }
        }
        self.take_ticket(number);
        let words =
            bytes.chunks(8).map(|chunk| chunk.iter().fold(0, |n, b| n << 8 | u64::from(*b)));
        let words: Vec<u64> = words.chain([number as u64, u64::from(is_end)]).collect();
        self.note(&words);
        let end = if is_end { ", and the end" } else { "" };
        self.trace(|| format!("client {number} reads {}{end}", bytes.escape_ascii()));
        true
    }
}

impl Core {
    fn new(engine: Engine, by: One, cores: usize) -> Core {
        Core {
            engine,
            by,
            keys: BTreeMap::new(),
            ready: Vec::new(),
            again: Vec::new(),
            writable: Vec::new(),
            mail: vec![VecDeque::new(); cores],
            to_publish: Vec::new(),
            is_rung: false,
            is_draining: false,
        }
    }

    /// Whether a reactor would not sleep.
    pub(crate) fn is_wanted(&self, now: Duration) -> bool {
        self.is_rung
            || !self.ready.is_empty()
            || !self.writable.is_empty()
            || self.mail.iter().any(|letters| !letters.is_empty())
            || self.engine.next_deadline() <= now
    }
}
