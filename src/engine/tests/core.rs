//! One core by itself, and what it has written to whom.
//!
//! Knows: the engine's face, requests and frames as clients write them.
//! Must not know: sockets, what is tested.

use crate::auth::{Question, Vault};
use crate::bytes::{ConnKey, Now, Slices};
use crate::engine::{Account, Action, Engine, Listener, Policy, Serves, Setup, Wanted};
use crate::hub::Hub;
use crate::limits::Limits;
use crate::metrics::Counters;
use crate::ws::frame::{Opcode, push_masked};
use core::net::{IpAddr, Ipv4Addr};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

pub(in crate::engine) const WS: u8 = 0;
pub(in crate::engine) const HTTP: u8 = 1;
pub(in crate::engine) const BOTH: u8 = 2;
pub(in crate::engine) const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// One core, and what it has written to whom.
pub(in crate::engine) struct Core {
    pub(in crate::engine) engine: Engine,
    pub(in crate::engine) now: Now,
    pub(in crate::engine) counters: Arc<[Counters]>,
    pub(in crate::engine) hub: Arc<Hub>,
    pub(in crate::engine) written: HashMap<ConnKey, Vec<u8>>,
    pub(in crate::engine) closed: Vec<ConnKey>,
    /// What somebody else was asked about whom.
    pub(in crate::engine) asked: Vec<(ConnKey, Question)>,
    /// What was told to whoever reads the log.
    pub(in crate::engine) told: Vec<Account>,
    /// Where whoever connects comes from.
    pub(in crate::engine) peer: IpAddr,
    pub(in crate::engine) vault: Arc<Vault>,
}

impl Core {
    pub(in crate::engine) fn new() -> Core {
        Core::with(Limits::default(), false)
    }

    pub(in crate::engine) fn with(limits: Limits, compression: bool) -> Core {
        Core::of(Policy { limits: Arc::new(limits), compression, ..Policy::default() })
    }

    pub(in crate::engine) fn of(policy: Policy) -> Core {
        let limits = Arc::clone(&policy.limits);
        let now = Now { monotonic: Duration::from_secs(1), unix_ms: 1_700_000_000_000 };
        let hub = Arc::new(Hub::new(1, &limits, [1, 2, 3], now.unix_ms));
        let counters: Arc<[Counters]> = Arc::new([Counters::default()]);
        let serves = [Serves::WebSocket, Serves::Http, Serves::Both];
        let listeners = serves.map(|serves| Listener { serves, loopback: true, port: 0 });
        let vault: Arc<Vault> = Arc::default();
        let engine = Engine::new(Setup {
            policy: Arc::new(policy),
            core: 0,
            hub: Arc::clone(&hub),
            listeners: Arc::new(listeners),
            counters: Arc::clone(&counters),
            connections: Arc::default(),
            vault: Arc::clone(&vault),
            seed: [4, 5],
        });
        Core {
            engine,
            now,
            counters,
            hub,
            written: HashMap::new(),
            closed: Vec::new(),
            asked: Vec::new(),
            told: Vec::new(),
            peer: LOCALHOST,
            vault,
        }
    }

    /// The same, which tells what is `wanted`.
    pub(in crate::engine) fn telling(mut self, wanted: Wanted) -> Core {
        self.engine = self.engine.telling(wanted);
        self
    }

    pub(in crate::engine) fn connect(&mut self, listener: u8, head: &[u8]) -> ConnKey {
        let key = self.engine.accept(listener, self.peer, self.now).expect("within the limit");
        self.receive(key, head);
        self.turn();
        key
    }

    /// A WebSocket that has its 101; what it is sent from now on is looked at.
    pub(in crate::engine) fn websocket(&mut self, path: &str) -> ConnKey {
        let key = self.connect(WS, handshake(path).as_bytes());
        self.written.remove(&key);
        key
    }

    pub(in crate::engine) fn stream(&mut self) -> ConnKey {
        let key = self.connect(HTTP, b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.written.remove(&key);
        key
    }

    /// A stream of what `query` says, which has been told where it begins.
    pub(in crate::engine) fn stream_of(&mut self, query: &str) -> ConnKey {
        let head = format!("GET /events?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let key = self.connect(HTTP, head.as_bytes());
        self.written.remove(&key);
        key
    }

    pub(in crate::engine) fn receive(&mut self, key: ConnKey, bytes: &[u8]) {
        self.engine.receive(key, &mut bytes.to_vec(), self.now);
    }

    pub(in crate::engine) fn say(&mut self, key: ConnKey, texts: &[&str]) {
        let frames: Vec<u8> = texts.iter().flat_map(|message| text(message)).collect();
        self.receive(key, &frames);
    }

    pub(in crate::engine) fn turn(&mut self) {
        self.turn_taking(usize::MAX);
    }

    /// A turn in which the kernel takes so many bytes of each write.
    pub(in crate::engine) fn turn_taking(&mut self, most: usize) {
        self.engine.commit(self.now);
        while let Some(action) = self.engine.poll_action() {
            match action {
                Action::Flush(key) if most == usize::MAX => self.flush(key),
                Action::Flush(key) => _ = self.write(key, most),
                Action::Post(_, letter) => self.engine.collect(letter, self.now),
                Action::Close(key) => self.closed.push(key),
                Action::Vet(key, question) => self.asked.push((key, *question)),
                Action::Tell(account) => self.told.push(*account),
                Action::Read(_) | Action::Shutdown(_) | Action::Ring(_) => {}
            }
        }
    }

    pub(in crate::engine) fn flush(&mut self, key: ConnKey) {
        if self.write(key, usize::MAX) {
            self.flush(key);
        }
    }

    /// One write, of which the kernel takes so many bytes; whether there is more to write at once.
    pub(in crate::engine) fn write(&mut self, key: ConnKey, most: usize) -> bool {
        let mut slices = Slices::default();
        self.engine.output(key, &mut slices);
        let offered = slices.bytes();
        let n = offered.min(most);
        let bytes = slices.as_io().iter().flat_map(|slice| slice.iter().copied());
        self.written.entry(key).or_default().extend(bytes.take(n));
        offered > 0 && self.engine.sent(key, n, offered, self.now)
    }

    pub(in crate::engine) fn written(&mut self, key: ConnKey) -> String {
        String::from_utf8_lossy(&self.written.remove(&key).unwrap_or_default()).into_owned()
    }

    /// The data of the events that a stream was sent.
    pub(in crate::engine) fn events(&mut self, stream: ConnKey) -> Vec<String> {
        let written = self.written(stream);
        let data = written.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| data.split(",\"session\"").next().unwrap_or(data).to_owned()).collect()
    }

    pub(in crate::engine) fn panics(&self) -> u64 {
        self.counters[0].panics.value()
    }
}

pub(in crate::engine) fn handshake(path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
}

pub(in crate::engine) fn text(message: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    push_masked(&mut frame, true, Opcode::Text, [1, 2, 3, 4], message.as_bytes());
    frame
}

pub(in crate::engine) fn message(id: &str, n: u32) -> String {
    format!("{{\"connectionId\":\"{id}\",\"n\":{n}}}")
}
