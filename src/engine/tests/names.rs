//! Who is called what, by which route.
//!
//! Knows: one core by itself.
//! Must not know: sockets.

use super::core::{Core, HTTP, WS, handshake, message, text};
use super::routes::{core_of, route};
use crate::bytes::ConnKey;
use crate::engine::panics::Trap;
use crate::engine::panics::tests::set;
use crate::routes::{Behaviour, Broadcast, Duplicate, Names, Route};

fn named(path: &str, duplicate: Duplicate) -> Route {
    let broadcast = Behaviour::Broadcast(Broadcast::default());
    Route { names: Names::Client, duplicate, ..route(path, broadcast) }
}

fn relay(path: &str, duplicate: Duplicate) -> Route {
    Route { duplicate, ..route(path, Behaviour::Relay { wrap: false }) }
}

/// The status and the code of the answer to a handshake.
fn refusal(core: &mut Core, path: &str) -> String {
    let key = core.connect(WS, handshake(path).as_bytes());
    let written = core.written(key);
    let code = written.split("\"code\":\"").nth(1).and_then(|rest| rest.split('"').next());
    format!("{} {}", &written[9..12], code.unwrap_or_default())
}

fn registered(core: &Core) -> usize {
    core.hub.holdings().registered
}

fn leave(core: &mut Core, key: ConnKey) {
    core.engine.receive_error(key, core.now);
    core.turn();
    core.turn();
}

#[test]
fn a_name_that_somebody_has_is_refused_at_the_handshake() {
    for taken in [named("/a/{room}", Duplicate::Refuse), relay("/a/{room}", Duplicate::Refuse)] {
        let mut core = core_of(vec![taken]);
        let stream = core.stream();
        let first = core.websocket("/a/x?connectionId=n");
        core.written.clear();
        assert_eq!(refusal(&mut core, "/a/y?connectionId=n"), "409 connection-id-taken");
        core.turn();
        assert_eq!((registered(&core), core.hub.holdings().rooms), (1, 1), "nothing is left");
        assert!(!core.closed.contains(&first), "nobody was replaced");
        leave(&mut core, first);
        assert!(core.events(stream)[0].contains(r#"{"close":{"connectionId":"n""#));
        core.websocket("/a/y?connectionId=n");
        assert_eq!(registered(&core), 1);
    }
}

#[test]
fn a_name_that_somebody_has_is_refused_by_message_too() {
    let mut core = core_of(vec![relay("/", Duplicate::Refuse)]);
    let stream = core.stream();
    let (first, second) = (core.websocket("/"), core.websocket("/"));
    core.say(first, &[&message("n", 1)]);
    core.say(second, &[&message("n", 2), &message("m", 3)]);
    core.turn();
    let told = core.written(second);
    assert!(told.contains(r#"{"error":{"code":"connection-id-taken""#), "{told}");
    assert_eq!(core.events(stream), [message("n", 1), message("m", 3)]);
    assert_eq!(core.written(first), "", "it was left alone");
}

#[test]
fn a_refused_name_that_was_said_in_a_url_is_published_as_registered() {
    let mut core = core_of(vec![relay("/", Duplicate::Refuse)]);
    let stream = core.stream();
    core.websocket("/?connectionId=n");
    assert_eq!(core.events(stream), [r#"{"connectionId":"n"}"#]);
}

#[test]
fn members_may_name_themselves_and_replace_one_another() {
    let mut core = core_of(vec![named("/a/{room}", Duplicate::Replace)]);
    let stream = core.stream();
    let other = core.websocket("/a/x?connectionId=other");
    let old = core.websocket("/a/x?connectionId=n");
    let new = core.connect(WS, handshake("/a/x?connectionId=n").as_bytes());
    // What it says waits until the name is its own.
    core.say(new, &["hi"]);
    for _ in 0..4 {
        core.turn();
        core.receive(new, b"");
    }
    core.turn();
    assert!(core.written(old).ends_with("replaced"));
    let replaced = r#"{"close":{"connectionId":"n","code":4409,"reason":"replaced","by":"server""#;
    assert_eq!(core.events(stream), [replaced, r#"{"connectionId":"n","message":"hi"}"#]);
    assert_eq!(core.written(other), "\u{fffd}\u{2}hi");
    let answer = core.written(new);
    assert!(answer.starts_with("HTTP/1.1 101 ") && answer.ends_with("\r\n\r\n"), "{answer}");
    assert_eq!(registered(&core), 2);
}

#[test]
fn whoever_does_not_name_itself_gets_a_uuid_that_nobody_can_have() {
    let mut core = core_of(vec![
        named("/a/{room}", Duplicate::Replace),
        route("/echo", Behaviour::Echo),
        relay("/", Duplicate::Replace),
    ]);
    let stream = core.stream();
    let member = core.websocket("/a/x");
    core.say(member, &["hi"]);
    core.turn();
    let events = core.events(stream);
    let id = events[0].split('"').nth(3).unwrap();
    assert_eq!(id.len(), 36, "{id}");
    let path = format!("/a/x?connectionId={id}");
    assert_eq!(refusal(&mut core, &path), "409 connection-id-taken");
    assert_eq!(refusal(&mut core, "/echo?connectionId=n"), "400 unknown-parameter");
    // A relay that replaces tells it as it always has: behind the 101.
    assert_eq!(refusal(&mut core, &format!("/?connectionId={id}")), "101 connection-id-taken");
}

#[test]
fn echoes_are_registered_as_long_as_they_are_there() {
    let mut core = Core::new();
    let stream = core.stream();
    let echo = core.websocket("/echo");
    assert_eq!(registered(&core), 1);
    leave(&mut core, echo);
    assert_eq!((registered(&core), core.events(stream).len()), (0, 0), "and nobody hears of it");
}

#[test]
fn a_panic_before_the_101_gives_back_what_the_handshake_had() {
    for path in ["/a/x?connectionId=n", "/a/x", "/b/x?connectionId=n"] {
        let tables =
            vec![named("/a/{room}", Duplicate::Replace), named("/b/{room}", Duplicate::Refuse)];
        let mut core = core_of(tables);
        set(Trap::Claimed);
        let key = core.connect(WS, handshake(path).as_bytes());
        assert!(core.written(key).starts_with("HTTP/1.1 500 "), "{path}");
        core.turn();
        core.turn();
        let holdings = core.hub.holdings();
        assert_eq!((core.panics(), holdings.registered, holdings.rooms), (1, 0, 0), "{path}");
        let again = core.connect(WS, handshake(path).as_bytes());
        assert!(core.written(again).starts_with("HTTP/1.1 101 "), "{path}");
    }
}

#[test]
fn whoever_waited_for_a_name_when_a_handshake_failed_still_gets_an_answer() {
    let mut core = core_of(vec![named("/a/{room}", Duplicate::Replace)]);
    let old = core.websocket("/a/x?connectionId=n");
    set(Trap::Claimed);
    core.connect(WS, handshake("/a/x?connectionId=n").as_bytes());
    core.turn();
    core.turn();
    // Its owner was told to go, and is gone; then the name is free.
    assert!(core.written(old).ends_with("replaced"));
    assert_eq!(registered(&core), 0);
    core.websocket("/a/x?connectionId=n");
    assert_eq!(registered(&core), 1);
}

#[test]
fn a_refused_handshake_is_no_obstacle_on_its_listener() {
    let mut core = core_of(vec![relay("/", Duplicate::Refuse)]);
    core.websocket("/?connectionId=n");
    let both = [handshake("/?connectionId=n").into_bytes(), text("{}")].concat();
    let key = core.connect(WS, &both);
    let written = core.written(key);
    assert!(written.contains("\r\nConnection: close\r\n"), "{written}");
    assert_eq!(written.matches("HTTP/1.1").count(), 1, "{written}");
    let hello = core.connect(HTTP, b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(core.written(hello).starts_with("HTTP/1.1 200 "));
}
