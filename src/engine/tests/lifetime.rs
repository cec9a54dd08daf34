//! Grants that end, and what becomes of whom they let in.
//!
//! Knows: one core by itself.
//! Must not know: how a credential is written.

use super::core::{Core, HTTP, WS, handshake};
use super::later;
use crate::auth::{Access, Door, Grant, Keyring, Rights, Secret};
use crate::bytes::{ConnKey, Now};
use crate::engine::conn::State;
use crate::engine::lifetime::Lapse;
use crate::engine::{Engine, Policy};
use crate::limits::Limits;
use crate::routes::{Behaviour, Pattern, Route, Table};
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

/// A server of those keys, each of which is its own secret.
pub(super) fn policy(keys: &[(&str, Rights)]) -> Policy {
    let mut keyring = Keyring::default();
    for (name, rights) in keys {
        keyring.add_static(name, &Secret::new(name.as_bytes().to_vec()), rights.clone());
    }
    let access = Arc::new(Access { keyring, ..Access::default() });
    Policy { access, ..Policy::default() }
}

pub(super) fn with_key(head: &str, key: &str) -> String {
    head.replacen("\r\n", &format!("\r\nAuthorization: Bearer {key}\r\n"), 1)
}

impl Core {
    /// A WebSocket that came with the key `key`.
    pub(super) fn websocket_with(&mut self, key: &str, path: &str) -> ConnKey {
        let head = with_key(&handshake(path), key);
        let conn = self.connect(WS, head.as_bytes());
        let written = self.written(conn);
        assert!(written.starts_with("HTTP/1.1 101 "), "{written}");
        conn
    }

    /// A stream that came with the key `key`, and was told where it begins.
    pub(super) fn stream_with(&mut self, key: &str, query: &str) -> ConnKey {
        let head = format!("GET /events?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let conn = self.connect(HTTP, with_key(&head, key).as_bytes());
        let written = self.written(conn);
        assert!(written.starts_with("HTTP/1.1 200 "), "{written}");
        conn
    }

    /// Its grant is over in so many milliseconds, as a token would say.
    pub(super) fn expires_in(&mut self, key: ConnKey, ms: u64) {
        let Engine { conns, desk } = &mut self.engine;
        let conn = conns.find_mut(key).expect("it is there");
        let grant = Grant::clone(conn.grant().expect("it came with a key"));
        let grant = Some(Arc::new(grant.until(Some(self.now.unix_ms + ms))));
        match &mut conn.state {
            State::WebSocket(websocket) => {
                websocket.grant = grant;
                websocket.weigh(&desk.rooms);
            }
            State::EventStream(stream) => stream.grant = grant,
            State::Http(_) | State::Closing(_) => {}
        }
        conn.watch_grant(desk, key);
    }

    /// What happens when nothing happens but that time passes, until `ms` are over: the core sleeps
    /// until it wants to be called.
    pub(super) fn sleeps(&mut self, ms: u64) {
        let until = self.now.monotonic + Duration::from_millis(ms);
        while self.now.monotonic < until {
            let next = self.engine.next_deadline().clamp(self.now.monotonic, until);
            let step = next.saturating_sub(self.now.monotonic).max(Duration::from_millis(1));
            self.now = Now {
                monotonic: self.now.monotonic + step,
                unix_ms: self.now.unix_ms + step.as_millis() as u64,
            };
            self.engine.expire(self.now);
            self.turn();
        }
    }

    fn says_expired(&mut self, key: ConnKey, reason: &str) {
        let written = self.written(key);
        let stream = format!("event: expired\ndata: {{\"reason\":\"{reason}\"}}\n\n");
        let line = format!("{{\"type\":\"expired\",\"reason\":\"{reason}\"}}\n");
        // 4401 is 0x1131.
        let frame = format!("\u{11}1{reason}");
        let is_told = [stream, line, frame].iter().any(|end| written.ends_with(end.as_str()));
        assert!(is_told, "{written:?}");
    }
}

/// Two keys, and clients that are not pinged.
fn usual() -> Core {
    let limits = Arc::new(Limits { ping_interval: HOUR, ..Limits::default() });
    let keys = [("app", Rights::usual()), ("other", Rights::usual())];
    Core::of(Policy { limits, ..policy(&keys) })
}

#[test]
fn what_is_over_is_ended_a_second_later_at_most() {
    let mut core = usual();
    let reader = core.stream_with("app", "");
    let others = [core.stream_with("app", ""), core.websocket_with("app", "/echo")];
    let client = core.websocket_with("app", "/?connectionId=a");
    let ending = [client, core.stream_with("app", ""), core.stream_with("app", "room=main")];
    for key in ending {
        core.expires_in(key, 3000);
    }
    core.sleeps(2900);
    core.written.clear();
    core.sleeps(99);
    assert!(core.written.is_empty(), "not before: {:?}", core.written);
    core.sleeps(1000);
    for key in ending {
        core.says_expired(key, "expired");
    }
    let close = r#"{"close":{"connectionId":"a","code":4401,"reason":"expired","by":"server""#;
    assert_eq!(core.events(reader), [close]);
    core.written.clear();
    core.sleeps(60_000);
    assert_eq!(core.engine.connections(), 3, "the others live");
    assert!(others.iter().all(|key| !core.closed.contains(key)));
}

#[test]
fn lines_end_as_lines() {
    let mut core = usual();
    let head = "GET /events HTTP/1.1\r\nHost: localhost\r\nAccept: application/x-ndjson\r\n\r\n";
    let key = core.connect(HTTP, with_key(head, "app").as_bytes());
    core.expires_in(key, 0);
    core.sleeps(1000);
    core.says_expired(key, "expired");
}

/// A pause of ours cuts nobody off who was only silent; but what is over is over.
#[test]
fn a_process_that_stood_still_gives_nobody_more_time() {
    let mut core = Core::of(policy(&[("app", Rights::usual())]));
    let client = core.websocket_with("app", "/");
    let silent = core.websocket_with("app", "/");
    core.expires_in(client, 3000);
    core.now = Now {
        monotonic: core.now.monotonic + HOUR,
        unix_ms: core.now.unix_ms + HOUR.as_millis() as u64,
    };
    core.engine.expire(core.now);
    core.turn();
    core.says_expired(client, "expired");
    assert_eq!(core.written.remove(&silent), Some(vec![0x89, 0]), "it is asked whether it lives");
}

#[test]
fn the_wall_clock_decides() {
    let mut core = usual();
    let (stream, client) = (core.stream_with("app", ""), core.websocket_with("app", "/"));
    core.expires_in(stream, 100_000);
    core.expires_in(client, 100_000);
    // It is set back while they wait: they have more time.
    core.now.unix_ms -= 50_000;
    core.sleeps(110_000);
    assert!(!core.written(stream).contains("expired"));
    // It is set ahead, which no timer notices: the next turn does.
    core.now.unix_ms += 45_000;
    core.engine.expire(core.now);
    core.turn();
    core.sleeps(200);
    core.says_expired(stream, "expired");
    core.says_expired(client, "expired");
}

#[test]
fn who_reads_nothing_is_ended_as_anybody() {
    let limits = Limits::default();
    let (stall, closing) = (limits.write_stall, limits.closing);
    let mut core = usual();
    let writer = core.websocket_with("app", "/chat/main");
    let stream = core.stream_with("app", "");
    let member = core.websocket_with("app", "/chat/main");
    core.say(writer, &["0123456789"]);
    core.turn_taking(7);
    let begun = [stream, member].map(|key| core.written[&key].len());
    assert_eq!(begun, [7, 7], "in the middle of an event");
    core.say(writer, &["never to be read"]);
    core.turn_taking(0);
    for key in [stream, member] {
        core.expires_in(key, 1000);
    }
    later(&mut core, 2000);
    core.turn_taking(0);
    // The one reads on: what is begun, that it is over, and nothing else.
    core.flush(stream);
    let written = core.written(stream);
    let event = written.strip_suffix("event: expired\ndata: {\"reason\":\"expired\"}\n\n");
    let event = event.expect("its end is told");
    assert!(
        event.ends_with("0123456789\"}\n\n") && event.matches("data: ").count() == 1,
        "{event}"
    );
    // The other is waited for as long as for anybody who takes nothing.
    later(&mut core, (stall + closing).as_millis() as u64);
    core.turn_taking(0);
    assert!(core.closed.contains(&member));
    assert_eq!(core.written[&member].len(), 7);
}

#[test]
fn a_paused_reader_does_not_delay_its_end() {
    let mut core = usual();
    let client = core.websocket_with("app", "/echo");
    let long = "x".repeat(60_000);
    for _ in 0..4 {
        core.say(client, &[&long]);
    }
    core.turn_taking(1000);
    core.expires_in(client, 1000);
    later(&mut core, 2000);
    core.turn_taking(0);
    core.flush(client);
    core.says_expired(client, "expired");
}

#[test]
fn who_comes_in_a_turn_may_be_ended_in_it() {
    let mut core = usual();
    let head = with_key("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n", "app");
    let stream = core.engine.accept(HTTP, core.peer, core.now).expect("there is room");
    core.receive(stream, head.as_bytes());
    let client = core.engine.accept(WS, core.peer, core.now).expect("there is room");
    core.receive(client, with_key(&handshake("/?connectionId=b"), "app").as_bytes());
    for key in [stream, client] {
        core.engine.end_grant(key, Lapse::Revoked);
    }
    core.turn();
    core.turn();
    for (key, status) in [(stream, "HTTP/1.1 200 "), (client, "HTTP/1.1 101 ")] {
        let written = String::from_utf8_lossy(&core.written[&key]);
        assert!(written.starts_with(status), "{written}");
        core.says_expired(key, "revoked");
    }
    core.sleeps(20_000);
    assert_eq!(core.engine.connections(), 0);
}

#[test]
fn a_request_that_was_let_in_is_finished() {
    let manage = Rights { manage: true, ..Rights::usual() };
    let mut core = Core::of(policy(&[("ops", manage)]));
    let head = "POST /api/messages HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/json\r\nContent-Length: 16\r\n\r\n";
    let asker = core.connect(HTTP, with_key(head, "ops").as_bytes());
    core.engine.adopt(Arc::new(policy(&[("other", Rights::usual())])));
    core.receive(asker, b"{\"text\":\"hello\"}");
    core.turn();
    core.turn();
    let answer = core.written(asker);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
}

#[test]
fn who_came_by_a_key_that_is_no_more_is_ended() {
    let mut core = usual();
    let removed = [core.stream_with("other", ""), core.websocket_with("other", "/")];
    let kept = [core.stream_with("app", ""), core.websocket_with("app", "/")];
    core.engine.adopt(Arc::new(policy(&[("app", Rights::usual())])));
    core.turn();
    for key in removed {
        core.says_expired(key, "key-removed");
    }
    assert!(kept.iter().all(|key| core.written(*key).is_empty()));
    // Another key of the same name is another key.
    let mut keyring = Keyring::default();
    keyring.add_static("app", &Secret::new(b"another".to_vec()), Rights::usual());
    let access = Arc::new(Access { keyring, ..Access::default() });
    core.engine.adopt(Arc::new(Policy { access, ..Policy::default() }));
    core.turn();
    for key in kept {
        core.says_expired(key, "key-removed");
    }
}

#[test]
fn who_came_when_nobody_was_asked_is_asked_when_everybody_is() {
    let open = Door { open: true, ..Door::default() };
    let route = |path: &str, door| {
        let route = Route::new(Pattern::parse(path).unwrap(), Behaviour::Echo);
        Route { door, ..route }
    };
    let routes = |door: Option<Door>| {
        Table::new(vec![route("/a", None), route("/b", door.map(Arc::new))]).unwrap()
    };
    let mut core = Core::of(Policy { routes: routes(None), ..Policy::default() });
    let (a, b, stream) = (core.websocket("/a"), core.websocket("/b"), core.stream());
    let asker = core.connect(HTTP, b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    core.written.clear();
    let keys = || policy(&[("app", Rights::usual())]);
    core.engine.adopt(Arc::new(Policy { routes: routes(Some(open)), ..keys() }));
    core.turn();
    core.says_expired(a, "key-removed");
    core.says_expired(stream, "key-removed");
    core.say(b, &["still here"]);
    core.turn();
    assert!(core.written(b).ends_with("still here"), "its door is open");
    core.engine.adopt(Arc::new(Policy { routes: routes(None), ..keys() }));
    core.turn();
    core.says_expired(b, "key-removed");
    // A connection that asks with each request is told so with the next.
    core.receive(asker, b"GET /api/rooms HTTP/1.1\r\nHost: localhost\r\n\r\n");
    core.turn();
    assert!(core.written(asker).starts_with("HTTP/1.1 401 "));
}
