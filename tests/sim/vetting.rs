//! One core whose door asks somebody else, from a seed: verdicts that come soon, late, twice or
//! never, while clients talk on and go, and while whoever is asked changes.
//!
//! Knows: the engine's face, what a client may be answered and when.
//! Must not know: who is asked, and how.

use crate::node::dice::Dice;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tidegate::auth::{Access, Door, Forward, Question, Refusing, Rights, Verdict, Vetted};
use tidegate::bytes::{ConnKey, Now, Slices};
use tidegate::engine::{Action, Engine, Letter, Listener, Policy, Serves, Setup, Space};
use tidegate::hub::Hub;
use tidegate::metrics::Counters;
use tidegate::routes::Table;
use tidegate::ws::frame::{Opcode, push_masked};

const SEEDS: u64 = 300;
const STEPS: usize = 150;
const URLS: [&str; 2] = ["http://localhost:9000/a", "http://localhost:9000/b"];

#[test]
fn whoever_comes_in_was_let_in_whatever_happens_meanwhile() {
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for seed in 0..SEEDS {
        let run = || World::new(Dice::new(seed)).run();
        let clients = match seed % 8 {
            0 => {
                let clients = run();
                assert_eq!(clients, run(), "seed {seed} is the same run twice");
                clients
            }
            _ => run(),
        };
        let answers = clients.iter().filter_map(|client| client.status());
        answers.for_each(|status| *statuses.entry(status).or_default() += 1);
    }
    // It is worth something only if all of it happens.
    for status in [101, 401, 403, 503] {
        assert!(statuses.get(&status).is_some_and(|count| *count > 20), "{statuses:?}");
    }
}

/// A client of `/echo`, and what it can know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Client {
    /// What it has yet to say.
    left: Vec<u8>,
    /// What it says once it is in.
    says: Vec<String>,
    heard: Vec<u8>,
    /// Verdicts on it that may be why it is answered.
    told: Vec<Verdict>,
    /// The end of the time in which it must be answered.
    until: Option<Duration>,
    has_ended: bool,
    is_closed: bool,
}

impl Client {
    fn status(&self) -> Option<u16> {
        let digits = self.heard.get(9..12)?;
        str::from_utf8(digits).ok()?.parse().ok()
    }
}

/// A question that somebody thinks about.
struct Asked {
    key: ConnKey,
    url: usize,
    due: Duration,
    verdict: Verdict,
}

struct World {
    dice: Dice,
    engine: Engine,
    counters: Arc<[Counters]>,
    now: Duration,
    url: usize,
    clients: Vec<Client>,
    /// Whose connections are there.
    keys: BTreeMap<ConnKey, usize>,
    asked: Vec<Asked>,
}

fn forward(url: usize) -> Arc<Forward> {
    Arc::new(Forward::new(URLS[url], &Forward::HEADERS, Rights::usual()).unwrap())
}

fn policy(url: usize) -> Policy {
    let forward = forward(url);
    let door = Door { forward: Some(Arc::clone(&forward)), ..Door::default() };
    let access = Access { door: Arc::new(door), forwards: [forward].into(), ..Access::default() };
    Policy { access: Arc::new(access), routes: Table::default(), ..Policy::default() }
}

impl World {
    fn new(dice: Dice) -> World {
        let policy = Arc::new(policy(0));
        let hub = Arc::new(Hub::new(1, &policy.limits, [1, 2, 3], 0));
        let counters: Arc<[Counters]> = Arc::new([Counters::default()]);
        let engine = Engine::new(Setup {
            core: 0,
            policy,
            hub,
            listeners: Arc::new([Listener { serves: Serves::WebSocket, loopback: true, port: 0 }]),
            counters: Arc::clone(&counters),
            connections: Arc::default(),
            vault: Arc::default(),
            seed: [4, 5],
        });
        let (clients, keys, asked) = Default::default();
        let now = Duration::from_secs(1);
        World { dice, engine, counters, now, url: 0, clients, keys, asked }
    }

    fn run(mut self) -> Vec<Client> {
        for _ in 0..STEPS {
            self.step();
            self.turn();
        }
        // Everybody says all it has to say, and nobody is asked about for longer than may be.
        for _ in 0..60 {
            self.keys.clone().into_keys().for_each(|key| self.deliver(key, usize::MAX));
            self.now += Duration::from_millis(100);
            self.turn();
        }
        // Who said nothing for too long is told nothing.
        let stayed = |client: &&Client| !client.has_ended && client.until.is_some();
        for client in self.clients.iter().filter(stayed) {
            assert!(client.status().is_some(), "nobody waits for ever: {client:?}");
        }
        self.engine.drain(self.clock());
        while !self.engine.is_drained() {
            self.now += Duration::from_millis(100);
            self.turn();
        }
        assert!(self.keys.is_empty() && self.counters[0].panics.value() == 0);
        self.clients
    }

    fn step(&mut self) {
        let key = match self.keys.len() {
            0 => None,
            n => self.keys.keys().nth(self.dice.below(n)).copied(),
        };
        match (self.dice.below(100), key) {
            (0..=19, _) => self.connect(),
            (20..=59, Some(key)) => {
                let n = self.dice.between(1, 300);
                self.deliver(key, n);
            }
            (60..=64, Some(key)) => {
                self.clients[self.keys[&key]].has_ended = true;
                self.engine.receive_error(key, self.clock());
            }
            (65..=67, Some(key)) if self.clients[self.keys[&key]].left.is_empty() => {
                self.clients[self.keys[&key]].has_ended = true;
                self.engine.receive_end(key, self.clock());
            }
            (68..=69, _) => {
                self.url = self.dice.below(URLS.len());
                self.engine.adopt(Arc::new(policy(self.url)));
            }
            _ => self.now += Duration::from_millis(self.dice.between(1, 400) as u64),
        }
    }

    fn connect(&mut self) {
        let number = self.clients.len();
        let head = format!(
            "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Authorization: Bearer {number}\r\n\r\n"
        );
        let says: Vec<_> =
            (0..self.dice.below(4)).map(|n| format!("client {number} says {n}")).collect();
        let mut left = head.into_bytes();
        for text in &says {
            push_masked(&mut left, true, Opcode::Text, [1, 2, 3, 4], text.as_bytes());
        }
        let localhost = std::net::IpAddr::from(std::net::Ipv4Addr::LOCALHOST);
        let key = self.engine.accept(0, localhost, self.clock()).expect("there is room");
        self.keys.insert(key, number);
        self.clients.push(Client { left, says, ..Client::default() });
    }

    /// The core reads so much of what the client says, if it reads at all.
    fn deliver(&mut self, key: ConnKey, n: usize) {
        let client = &mut self.clients[self.keys[&key]];
        if client.has_ended || !matches!(self.engine.space(key), Space::Scratch) {
            return;
        }
        let n = n.min(client.left.len());
        let mut bytes: Vec<u8> = client.left.drain(..n).collect();
        let now = self.clock();
        self.engine.receive(key, &mut bytes, now);
    }

    fn clock(&self) -> Now {
        let unix_ms = 1_700_000_000_000 + self.now.as_millis() as u64;
        Now { monotonic: self.now, unix_ms }
    }

    fn turn(&mut self) {
        let now = self.clock();
        self.tell_verdicts();
        self.engine.expire(now);
        self.engine.commit(now);
        // As a reactor does: what may be read again is read in a turn of its own.
        loop {
            let mut again = Vec::new();
            while let Some(action) = self.engine.poll_action() {
                again.extend(self.act(action));
            }
            if again.is_empty() {
                break;
            }
            for key in again {
                if matches!(self.engine.space(key), Space::Backlog) {
                    self.engine.receive(key, &mut [], now);
                }
            }
            self.engine.commit(now);
        }
        for (key, number) in &self.keys {
            let client = &self.clients[*number];
            let is_late = client.until.is_some_and(|until| until < self.now);
            assert!(!is_late || client.status().is_some(), "{client:?} waits at {:?}", self.now);
            let is_over = matches!(client.status(), Some(status) if status != 101);
            assert!(!is_over || !matches!(self.engine.space(*key), Space::Own(_)));
        }
    }

    fn tell_verdicts(&mut self) {
        let (due, rest) = std::mem::take(&mut self.asked)
            .into_iter()
            .partition::<Vec<_>, _>(|asked| asked.due <= self.now);
        self.asked = rest;
        for Asked { key, url, verdict, .. } in due {
            // Who was asked, but would not be asked now, has no say.
            if let Some(number) = self.keys.get(&key).filter(|_| url == self.url) {
                self.clients[*number].told.push(verdict.clone());
            }
            let kept = self.dice.chance(10);
            for _ in 0..self.dice.between(1, 2) {
                let vetted = Box::new(Vetted { verdict: verdict.clone(), kept });
                let letter = Letter::Vetted(key, forward(url), vetted);
                self.engine.collect(letter, self.clock());
            }
        }
    }

    /// Does it; gives who may be read from again.
    fn act(&mut self, action: Action) -> Option<ConnKey> {
        match action {
            Action::Flush(key) => self.flush(key),
            Action::Read(key) => return Some(key),
            Action::Shutdown(_) | Action::Ring(_) => {}
            Action::Close(key) => {
                let number = self.keys.remove(&key).expect("closed once");
                self.clients[number].is_closed = true;
                self.check(number);
            }
            Action::Post(_, letter) => self.engine.collect(letter, self.clock()),
            Action::Vet(key, question) => self.ask(key, &question),
            Action::Tell(_) => {}
        }
        None
    }

    fn ask(&mut self, key: ConnKey, question: &Question) {
        let number = self.keys[&key];
        let own = (Box::from("authorization"), format!("Bearer {number}").into_bytes().into());
        assert_eq!(question.fields, [own], "everybody is asked about with its own");
        let url = URLS.iter().position(|url| *url == question.forward.url()).expect("ours");
        assert_eq!(url, self.url, "who is asked is who stands there");
        let (verdicts, delays) = (self.dice.below(10), self.dice.below(10));
        let verdict = match verdicts {
            0..=4 => {
                let grant = question.forward.grant(b"", question.unix_ms).expect("an answer");
                Verdict::In(Arc::new(grant))
            }
            5..=6 => Verdict::Refused(Refusing::Unauthorized),
            7..=8 => Verdict::Refused(Refusing::Forbidden),
            _ => Verdict::Unavailable,
        };
        let due = match delays {
            0..=2 => self.now,
            3..=7 => self.now + Duration::from_millis(self.dice.between(1, 2000) as u64),
            8 => self.now + Duration::from_millis(self.dice.between(2000, 6000) as u64),
            // Never.
            _ => Duration::MAX,
        };
        // Its time, what it takes to be told, and two ticks.
        let most = question.patience + Duration::from_millis(1200);
        self.clients[number].until = Some(self.now + most);
        self.asked.push(Asked { key, url, due, verdict });
    }

    fn flush(&mut self, key: ConnKey) {
        let Some(number) = self.keys.get(&key).copied() else { return };
        loop {
            let mut slices = Slices::default();
            self.engine.output(key, &mut slices);
            let offered = slices.bytes();
            let bytes = slices.as_io().iter().flat_map(|slice| slice.iter().copied());
            self.clients[number].heard.extend(bytes);
            if offered == 0 || !self.engine.sent(key, offered, offered, self.clock()) {
                break;
            }
        }
        self.check(number);
    }

    /// Whatever it hears, somebody said so.
    fn check(&self, number: usize) {
        let client = &self.clients[number];
        let Some(status) = client.status() else { return };
        let is_let_in = |verdict: &Verdict| matches!(verdict, Verdict::In(_));
        let may = match status {
            101 => client.told.iter().any(is_let_in),
            401 => client.told.contains(&Verdict::Refused(Refusing::Unauthorized)),
            403 => client.told.contains(&Verdict::Refused(Refusing::Forbidden)),
            // Its head, or its verdict, did not come in time, or the server stops.
            408 | 503 => true,
            _ => false,
        };
        assert!(may, "{client:?}");
        let heard = String::from_utf8_lossy(&client.heard);
        let echoes: Vec<&str> =
            client.says.iter().map(String::as_str).filter(|text| heard.contains(text)).collect();
        assert!(status == 101 || echoes.is_empty(), "nothing is read of who stays out: {client:?}");
        assert!(client.says.iter().zip(echoes).all(|(said, echo)| said == echo), "{client:?}");
    }
}
