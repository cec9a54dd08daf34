//! One engine with a clock that the test moves, for limits that real sockets cannot show exactly.

use crate::support::websocket::handshake;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;
use tidegate::bytes::{ConnKey, Now, Slices};
use tidegate::engine::{Action, Engine, Listener, Policy, Serves, Setup, Space};
use tidegate::hub::Hub;
use tidegate::limits::Limits;
use tidegate::metrics::Counters;

pub(super) const WS: u8 = 0;
pub(super) const HTTP: u8 = 1;

/// An engine, one connection that is looked at, and what became of it.
pub(super) struct Core {
    pub(super) engine: Engine,
    pub(super) limits: Arc<Limits>,
    now: Now,
    pub(super) key: Option<ConnKey>,
    pub(super) written: Vec<u8>,
    /// It is read no more: the kernel takes nothing for it.
    pub(super) stuck: bool,
    pub(super) half_closed: bool,
    pub(super) closed: bool,
    /// Turns in a row before which it did not sleep.
    idle_turns: u32,
}

impl Core {
    pub(super) fn new(limits: Limits) -> Core {
        let limits = Arc::new(limits);
        // Not the beginning of a tick.
        let now = Now { monotonic: Duration::from_millis(10_007), unix_ms: 1_700_000_000_000 };
        let listener = |serves| Listener { serves, loopback: true, port: 0 };
        let engine = Engine::new(Setup {
            policy: Arc::new(Policy { limits: Arc::clone(&limits), ..Policy::default() }),
            core: 0,
            hub: Arc::new(Hub::new(1, &limits, [1, 2, 3], now.unix_ms)),
            listeners: Arc::new([listener(Serves::WebSocket), listener(Serves::Http)]),
            counters: Arc::new([Counters::default()]),
            connections: Arc::default(),
            vault: Arc::default(),
            seed: [4, 5],
        });
        let (stuck, half_closed, closed) = (false, false, false);
        Core {
            engine,
            limits,
            now,
            key: None,
            written: Vec::new(),
            stuck,
            half_closed,
            closed,
            idle_turns: 0,
        }
    }

    /// The connection begins.
    pub(super) fn accept(&mut self, listener: u8) {
        self.key = self.engine.accept(listener, IpAddr::V4(Ipv4Addr::LOCALHOST), self.now);
        self.turn();
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        let key = self.key.expect("a connection");
        self.engine.receive(key, &mut bytes.to_vec(), self.now);
        self.turn();
    }

    /// The connection begins as a WebSocket at `path`; what is written from now on is looked at.
    pub(super) fn websocket(&mut self, path: &str) {
        self.accept(WS);
        self.receive(handshake("127.0.0.1:1".parse().unwrap(), path, "").as_bytes());
        assert!(self.written.starts_with(b"HTTP/1.1 101 "));
        self.written.clear();
    }

    pub(super) fn is_paused(&mut self) -> bool {
        let key = self.key.expect("a connection");
        matches!(self.engine.space(key), Space::Paused)
    }

    /// The second half of a turn.
    pub(super) fn turn(&mut self) {
        self.engine.commit(self.now);
        while let Some(action) = self.engine.poll_action() {
            match action {
                Action::Flush(key) => self.flush(key),
                Action::Post(_, letter) => self.engine.collect(letter, self.now),
                Action::Shutdown(_) => self.half_closed = true,
                Action::Close(_) => self.closed = true,
                Action::Read(_) | Action::Ring(_) | Action::Vet(..) | Action::Tell(_) => {}
            }
        }
    }

    pub(super) fn flush(&mut self, key: ConnKey) {
        loop {
            let mut slices = Slices::default();
            self.engine.output(key, &mut slices);
            let offered = slices.bytes();
            let bytes = slices.as_io().iter().flat_map(|slice| slice.iter().copied());
            let taken: Vec<u8> = bytes.take(if self.stuck { 0 } else { offered }).collect();
            self.written.extend_from_slice(&taken);
            if offered == 0 || !self.engine.sent(key, taken.len(), offered, self.now) {
                return;
            }
        }
    }

    pub(super) fn drain(&mut self) {
        self.engine.drain(self.now);
        self.turn();
    }

    /// Sleeps and wakes as a reactor does until `is_so`; how long that took.
    pub(super) fn wait(&mut self, is_so: impl Fn(&Core) -> bool) -> Duration {
        let began = self.now.monotonic;
        while !is_so(self) {
            self.wake(began + Duration::from_secs(600));
            assert!(self.now.monotonic < began + Duration::from_secs(600), "nothing comes of it");
        }
        self.now.monotonic - began
    }

    /// So much time goes by, and what is due meanwhile is done when it is due.
    pub(super) fn pass(&mut self, span: Duration) {
        let until = self.now.monotonic + span;
        while self.now.monotonic < until {
            self.wake(until);
        }
    }

    /// So much time goes by in which nothing is done that is due.
    pub(super) fn stand_still(&mut self, span: Duration) {
        self.now.monotonic += span;
        self.now.unix_ms += span.as_millis() as u64;
        self.engine.expire(self.now);
        self.turn();
    }

    /// Sleeps until something is due, but no longer than `until`; then does it.
    fn wake(&mut self, until: Duration) {
        let next = self.engine.next_deadline().min(until);
        let slept = next.saturating_sub(self.now.monotonic);
        self.idle_turns = if slept.is_zero() { self.idle_turns + 1 } else { 0 };
        assert!(self.idle_turns < 10, "it wakes again and again with nothing to do");
        self.now.monotonic += slept;
        self.now.unix_ms += slept.as_millis() as u64;
        self.engine.expire(self.now);
        self.turn();
    }

    pub(super) fn says(&self, part: &[u8]) -> bool {
        self.written.windows(part.len()).any(|window| window == part)
    }
}
