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

/// Pages may be many megabytes.
#[test]
fn nobody_holds_a_policy_that_is_no_more() {
    let mut core = Core::new();
    let (first, second) = (policy(Limits::default()), policy(Limits::default()));
    core.engine.adopt(Arc::clone(&first));
    core.engine.adopt(second);
    assert_eq!(Arc::strong_count(&first), 1);
}
