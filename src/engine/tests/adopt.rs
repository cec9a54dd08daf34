//! A new policy, and who is there already.
//!
//! Knows: one core by itself.
//! Must not know: how a policy is read.

use super::core::{Core, HTTP, WS, handshake, text};
use crate::engine::Policy;
use crate::limits::Limits;
use crate::routes::{Behaviour, Pattern, Route, Table};
use std::sync::Arc;
use std::time::Duration;

fn policy(limits: Limits) -> Arc<Policy> {
    Arc::new(Policy { limits: Arc::new(limits), ..Policy::default() })
}

#[test]
fn who_comes_finds_new_routes_and_who_is_there_keeps_its_own() {
    let mut core = Core::new();
    let old = core.websocket("/echo");
    let route = Route::new(Pattern::parse("/new").unwrap(), Behaviour::Echo);
    let routes = Table::new(vec![route]).unwrap();
    core.engine.adopt(Arc::new(Policy { routes, ..Policy::default() }));
    core.say(old, &["still here"]);
    core.turn();
    assert!(core.written(old).ends_with("still here"));
    for (path, status) in [("/echo", "404"), ("/new", "101")] {
        let key = core.connect(WS, handshake(path).as_bytes());
        assert!(core.written(key).starts_with(&format!("HTTP/1.1 {status}")), "{path}");
    }
}

#[test]
fn what_was_let_in_by_wider_limits_is_not_lost() {
    let mut core = Core::new();
    let key = core.websocket("/echo");
    let long = "x".repeat(50_000);
    core.say(key, &[&long]);
    core.engine.adopt(policy(Limits {
        outbox_bytes_max: 1024,
        message_bytes_max: 1024,
        head_bytes_max: 1024,
        ..Limits::default()
    }));
    core.say(key, &["short"]);
    core.turn();
    core.receive(key, &[]);
    core.turn();
    let written = core.written(key);
    assert!(written.contains(&long) && written.ends_with("short"));
    core.receive(key, &text(&"x".repeat(1025)));
    core.turn();
    assert!(core.written(key).contains("\u{3}\u{fffd}"), "1009");
}

#[test]
fn shorter_times_hold_from_now_on() {
    let limits = Limits {
        ping_interval: Duration::from_secs(3600),
        keep_alive: Duration::from_secs(3600),
        ..Limits::default()
    };
    let mut core = Core::with(limits, false);
    let client = core.websocket("/echo");
    let asker = core.connect(HTTP, b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    core.engine.adopt(policy(Limits {
        ping_interval: Duration::from_secs(1),
        keep_alive: Duration::from_secs(1),
        ..Limits::default()
    }));
    assert!(core.engine.next_deadline() <= core.now.monotonic + Duration::from_secs(2));
    core.now.monotonic += Duration::from_secs(2);
    core.engine.expire(core.now);
    core.turn();
    assert_eq!(core.written.remove(&client), Some(vec![0x89, 0]), "a ping");
    core.now.monotonic += Duration::from_secs(2);
    core.engine.expire(core.now);
    core.turn();
    assert!(core.closed.contains(&asker), "its time is up");
}

/// What a route has for itself stays with whoever came by it; nothing else of the server's does.
#[test]
fn limits_that_a_route_does_not_set_are_those_of_the_server() {
    let routed = |limits: Limits| {
        let own = Limits { message_bytes_max: 1000, ..limits.clone() };
        let echo = Route::new(Pattern::parse("/echo").unwrap(), Behaviour::Echo);
        let routes = Table::new(vec![Route { limits: Some(Box::new(own)), ..echo }]).unwrap();
        Policy { limits: Arc::new(limits), routes, ..Policy::default() }
    };
    let mut core = Core::of(routed(Limits::default()));
    let key = core.websocket("/echo");
    for seconds in [3, 1] {
        let ping_interval = Duration::from_secs(seconds);
        core.engine.adopt(Arc::new(routed(Limits { ping_interval, ..Limits::default() })));
    }
    core.now.monotonic += Duration::from_secs(2);
    core.engine.expire(core.now);
    core.turn();
    assert_eq!(core.written.remove(&key), Some(vec![0x89, 0]), "a ping");
    core.receive(key, &text(&"x".repeat(1001)));
    core.turn();
    assert!(core.written(key).contains("\u{3}\u{fffd}"), "1009");
}

/// Pages may be many megabytes.
#[test]
fn nobody_holds_a_policy_that_is_no_more() {
    let mut core = Core::new();
    let (first, second) = (policy(Limits::default()), policy(Limits::default()));
    core.engine.adopt(Arc::clone(&first));
    core.engine.adopt(second);
    assert_eq!(Arc::strong_count(&first), 1);
}

#[test]
fn what_is_compressed_changes_for_who_is_there() {
    let limits = |deflate_bytes_min| Limits { deflate_bytes_min, ..Limits::default() };
    let mut core = Core::with(limits(1000), true);
    let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let head = handshake("/echo").replace("\r\n\r\n", &format!("\r\n{offer}\r\n"));
    let key = core.connect(WS, head.as_bytes());
    let first_byte = |core: &mut Core| {
        core.written.remove(&key);
        core.say(key, &[&"x".repeat(600)]);
        core.turn();
        core.written[&key][0]
    };
    assert_eq!(first_byte(&mut core), 0x81, "too short to be compressed");
    core.engine.adopt(policy(limits(500)));
    assert_eq!(first_byte(&mut core), 0xc1);
}
