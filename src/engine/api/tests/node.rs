//! Several cores on one hub, whose letters are passed by hand.
//!
//! Knows: the engine's face, requests and frames as clients write them.
//! Must not know: sockets, what is tested.

use crate::bytes::{ConnKey, Now, Slices};
use crate::engine::tests::core::{HTTP, LOCALHOST, WS, handshake, text};
use crate::engine::{Action, Engine, Letter, Listener, Policy, Serves, Setup};
use crate::hub::Hub;
use crate::limits::Limits;
use crate::metrics::Counters;
use crate::ws::frame::{Opcode, push_masked};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// A connection of one of the cores.
pub(super) type Peer = (usize, ConnKey);

pub(super) struct Node {
    pub(super) cores: Vec<Engine>,
    hub: Arc<Hub>,
    pub(super) now: Now,
    /// Letters on their way, with the core that each is for.
    pub(super) mail: Vec<(usize, Letter)>,
    pub(super) written: HashMap<Peer, Vec<u8>>,
    pub(super) closed: Vec<Peer>,
    /// Whose kernel takes nothing.
    pub(super) stuck: Vec<Peer>,
}

impl Node {
    pub(super) fn new(cores: usize) -> Node {
        Node::with(cores, Limits::default())
    }

    pub(super) fn with(cores: usize, limits: Limits) -> Node {
        Node::of(cores, Policy { limits: Arc::new(limits), ..Policy::default() })
    }

    pub(super) fn of(cores: usize, policy: Policy) -> Node {
        let now = Now { monotonic: Duration::from_millis(1007), unix_ms: 1_700_000_000_000 };
        let hub = Arc::new(Hub::new(cores, &policy.limits, [1, 2, 3], now.unix_ms));
        let policy = Arc::new(policy);
        let counters: Arc<[Counters]> = (0..cores).map(|_| Counters::default()).collect();
        let listener = |serves| Listener { serves, loopback: true, port: 0 };
        let (connections, vault) = (Arc::default(), Arc::default());
        let engine = |core: usize| {
            Engine::new(Setup {
                policy: Arc::clone(&policy),
                core: core as u16,
                hub: Arc::clone(&hub),
                listeners: Arc::new([listener(Serves::WebSocket), listener(Serves::Http)]),
                counters: Arc::clone(&counters),
                connections: Arc::clone(&connections),
                vault: Arc::clone(&vault),
                seed: [4, core as u64],
            })
        };
        let cores = (0..cores).map(engine).collect();
        let (mail, written) = (Vec::new(), HashMap::new());
        Node { cores, hub, now, mail, written, closed: Vec::new(), stuck: Vec::new() }
    }

    /// Who owns a name at the moment.
    pub(super) fn owner(&self, name: &str) -> Option<crate::hub::Owner> {
        self.hub.owner(self.hub.who_keys().who(name))
    }

    /// A connection that says `head` first.
    pub(super) fn connect(&mut self, core: usize, listener: u8, head: &str) -> Peer {
        let key = self.cores[core].accept(listener, LOCALHOST, self.now).expect("within the limit");
        self.receive((core, key), head.as_bytes());
        (core, key)
    }

    /// A WebSocket after its handshake; what it is sent from now on is looked at.
    pub(super) fn websocket(&mut self, core: usize, path: &str) -> Peer {
        let peer = self.connect(core, WS, &handshake(path));
        self.settle();
        assert!(self.take(peer).starts_with("HTTP/1.1 101 "), "{path}");
        peer
    }

    /// A client that asks for something, whose answer may take letters.
    pub(super) fn ask(&mut self, core: usize, request: &str) -> Peer {
        self.connect(core, HTTP, request)
    }

    pub(super) fn receive(&mut self, peer: Peer, bytes: &[u8]) {
        self.cores[peer.0].receive(peer.1, &mut bytes.to_vec(), self.now);
        self.turn(peer.0);
    }

    pub(super) fn say(&mut self, peer: Peer, message: &str) {
        self.receive(peer, &text(message));
    }

    /// The client closes as one should, and is gone.
    pub(super) fn leave(&mut self, peer: Peer) {
        let mut frame = Vec::new();
        push_masked(&mut frame, true, Opcode::Close, [1, 2, 3, 4], &1000u16.to_be_bytes());
        self.receive(peer, &frame);
        self.end(peer);
    }

    pub(super) fn end(&mut self, peer: Peer) {
        self.cores[peer.0].receive_end(peer.1, self.now);
        self.turn(peer.0);
    }

    /// The second half of a turn of one core.
    pub(super) fn turn(&mut self, core: usize) {
        self.cores[core].commit(self.now);
        let mut readable = Vec::new();
        while let Some(action) = self.cores[core].poll_action() {
            match action {
                Action::Flush(key) => self.flush((core, key)),
                Action::Post(to, letter) => self.mail.push((to as usize, letter)),
                Action::Close(key) => self.closed.push((core, key)),
                Action::Read(key) => readable.push(key),
                Action::Shutdown(_) | Action::Ring(_) | Action::Vet(..) | Action::Tell(_) => {}
            }
        }
        // As a reactor does: what could not be used before comes first in the next turn.
        for key in readable {
            self.receive((core, key), &[]);
        }
    }

    pub(super) fn flush(&mut self, peer: Peer) {
        loop {
            let engine = &mut self.cores[peer.0];
            let mut slices = Slices::default();
            engine.output(peer.1, &mut slices);
            let offered = slices.bytes();
            let n = if self.stuck.contains(&peer) { 0 } else { offered };
            let bytes = slices.as_io().iter().flat_map(|slice| slice.iter().copied());
            self.written.entry(peer).or_default().extend(bytes.take(n));
            if offered == 0 || !engine.sent(peer.1, n, offered, self.now) {
                return;
            }
        }
    }

    /// Delivers the letter in that place of the mail.
    pub(super) fn deliver(&mut self, place: usize) {
        let (core, letter) = self.mail.remove(place);
        self.cores[core].collect(letter, self.now);
        self.turn(core);
    }

    /// Delivers letters, oldest first, and has everyone look at the hub, until nothing is left.
    pub(super) fn settle(&mut self) {
        loop {
            for core in 0..self.cores.len() {
                self.turn(core);
            }
            if self.mail.is_empty() {
                return;
            }
            self.deliver(0);
        }
    }

    /// Time goes by, in steps in which no core would think that it had stood still.
    pub(super) fn pass(&mut self, span: Duration) {
        let until = self.now.monotonic + span;
        while self.now.monotonic < until {
            let step = (until - self.now.monotonic).min(Duration::from_millis(50));
            self.now.monotonic += step;
            self.now.unix_ms += step.as_millis() as u64;
            for core in 0..self.cores.len() {
                self.cores[core].expire(self.now);
                self.turn(core);
            }
        }
    }

    /// What was written to the peer since this was last asked.
    pub(super) fn take(&mut self, peer: Peer) -> String {
        String::from_utf8_lossy(&self.written.remove(&peer).unwrap_or_default()).into_owned()
    }

    /// The status of the only answer that the peer was given since this was last asked, and its
    /// body.
    pub(super) fn answer(&mut self, peer: Peer) -> (u16, String) {
        let text = self.take(peer);
        assert_eq!(text.matches("HTTP/1.1 ").count(), 1, "one answer: {text:?}");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let status = head["HTTP/1.1 ".len()..][..3].parse().expect("a status");
        (status, body.to_owned())
    }
}

/// A request without a body.
pub(super) fn bare(method: &str, target: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// A POST of JSON; `more` are header lines.
pub(super) fn post(target: &str, more: &str, body: &str) -> String {
    format!(
        "POST {target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n{more}\r\n{body}",
        body.len()
    )
}

/// What a problem says it is.
pub(super) fn code(body: &str) -> String {
    let body: serde_json::Value = serde_json::from_str(body).expect(body);
    body["code"].as_str().expect("a code").to_owned()
}
