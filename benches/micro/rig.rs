//! An engine without sockets: whatever it writes is taken at once.
//!
//! Knows: the engine's face, the order of a turn.
//! Must not know: what is measured with it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use tidegate::auth::Access;
use tidegate::bytes::{ConnKey, Now, Slices};
use tidegate::engine::{Action, Engine, Listener, Policy, Serves, Setup, Wanted};
use tidegate::hub::Hub;
use tidegate::limits::Limits;
use tidegate::metrics::Counters;
use tidegate::routes::{Behaviour, Broadcast, Pattern, Route, Table};
use tidegate::ws::frame::{Opcode, push_masked};

const WS: u8 = 0;
const HTTP: u8 = 1;
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// What the hub is seeded with: its hashes of names are made with the last two.
pub(crate) const SEED: [u64; 3] = [1, 2, 3];

/// One core with a reactor that only moves bytes.
pub(crate) struct Rig {
    pub(crate) engine: Engine,
    now: Now,
    /// Bytes that the engine has written.
    pub(crate) taken: usize,
    /// Writes that it took.
    pub(crate) writes: usize,
}

impl Rig {
    pub(crate) fn new(limits: Limits) -> Rig {
        Rig::with(limits, Access::default())
    }

    /// One that lets in whom `access` lets in.
    pub(crate) fn with(limits: Limits, access: Access) -> Rig {
        let (limits, access) = (Arc::new(limits), Arc::new(access));
        let now = Now { monotonic: Duration::from_secs(1), unix_ms: 1_700_000_000_000 };
        let hub = Arc::new(Hub::new(1, &limits, SEED, now.unix_ms));
        let listener = |serves| Listener { serves, loopback: true, port: 0 };
        let engine = Engine::new(Setup {
            policy: Arc::new(Policy { limits, access, routes: routes(), ..Policy::default() }),
            core: 0,
            hub,
            listeners: Arc::new([listener(Serves::WebSocket), listener(Serves::Http)]),
            counters: Arc::new([Counters::default()]),
            connections: Arc::default(),
            vault: Arc::default(),
            seed: [4, 5],
        });
        // As a server tells it that is not told otherwise.
        let engine = engine.telling(Wanted::PROBLEMS);
        Rig { engine, now, taken: 0, writes: 0 }
    }

    /// A WebSocket at `path`, after its handshake.
    pub(crate) fn websocket(&mut self, path: &str) -> ConnKey {
        self.websocket_with(path, "")
    }

    /// The same, whose handshake has these `fields`, too.
    pub(crate) fn websocket_with(&mut self, path: &str, fields: &str) -> ConnKey {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n"
        );
        self.connect(WS, head)
    }

    /// An event stream of everything, that has had all there was.
    pub(crate) fn stream(&mut self) -> ConnKey {
        self.connect(HTTP, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned())
    }

    /// A WebSocket that has joined `room` beside its home, where all others are at home, too.
    pub(crate) fn joined(&mut self, room: &str) -> ConnKey {
        let key = self.websocket("/talk/home");
        self.receive(key, &mut text(format!("{{\"join\":\"{room}\"}}").as_bytes()));
        self.turn();
        key
    }

    /// An HTTP client between two requests.
    pub(crate) fn client(&mut self) -> ConnKey {
        self.connect(HTTP, "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned())
    }

    fn connect(&mut self, listener: u8, head: String) -> ConnKey {
        let key = self
            .engine
            .accept(listener, IpAddr::V4(Ipv4Addr::LOCALHOST), self.now)
            .expect("within the limit");
        self.engine.receive(key, &mut head.into_bytes(), self.now);
        self.turn();
        key
    }

    /// Bytes came for a connection.
    pub(crate) fn receive(&mut self, key: ConnKey, bytes: &mut [u8]) {
        self.engine.receive(key, bytes, self.now);
    }

    /// The second half of a turn: commit, then do what is to be done.
    pub(crate) fn turn(&mut self) {
        self.engine.commit(self.now);
        while let Some(action) = self.engine.poll_action() {
            match action {
                Action::Flush(key) => self.flush(key),
                Action::Post(_, letter) => self.engine.collect(letter, self.now),
                Action::Read(_) | Action::Shutdown(_) | Action::Close(_) => {}
                Action::Ring(_) | Action::Vet(..) | Action::Tell(_) => {}
            }
        }
    }

    fn flush(&mut self, key: ConnKey) {
        loop {
            let mut slices = Slices::default();
            self.engine.output(key, &mut slices);
            let n = slices.bytes();
            if n == 0 {
                return;
            }
            self.taken += n;
            self.writes += 1;
            if !self.engine.sent(key, n, n, self.now) {
                return;
            }
        }
    }
}

/// The built-in routes, and `/talk/{room}`, where members join other rooms.
fn routes() -> Table {
    let rooms = Broadcast { rooms: true, ..Broadcast::default() };
    let path = Pattern::parse("/talk/{room}").expect("a pattern");
    let talk = Route::new(path, Behaviour::Broadcast(rooms));
    let built_in = Table::built_in();
    Table::new(built_in.iter().cloned().chain([talk]).collect()).expect("no two are the same")
}

/// A text frame as a client sends it.
pub(crate) fn text(payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    push_masked(&mut out, true, Opcode::Text, MASK, payload);
    out
}

/// A request to the API, with a body of JSON.
pub(crate) fn post(path: &str, body: &str) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [&head, body].concat().into_bytes()
}

/// A message of `bytes` bytes from the connection that is called `id`.
pub(crate) fn message(id: &str, bytes: usize) -> Vec<u8> {
    let start = format!("{{\"connectionId\":\"{id}\",\"sent\":1700000000000,\"message\":\"");
    let filler = bytes - start.len() - "\"}".len();
    let words = "how are you all out there? ".bytes().cycle().take(filler);
    start.bytes().chain(words).chain(*b"\"}").collect()
}
