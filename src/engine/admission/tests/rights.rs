//! What a good credential allows of what a request asks for.
//!
//! Knows: one core by itself.
//! Must not know: sockets.

use super::keys::{DEVICE, bearer, door, policy, token};
use crate::auth::{Access, Door, Keyring, Revocation, Rights, Secret, Whom};
use crate::engine::Policy;
use crate::engine::admission::tests::keys::globs;
use crate::engine::tests::core::Core;
use crate::limits::Limits;
use crate::routes::{Behaviour, Broadcast, Names, Pattern, Route, Table};
use std::sync::Arc;

fn core() -> Core {
    let route = |path: &str, behaviour| Route::new(Pattern::parse(path).unwrap(), behaviour);
    let broadcast = || Behaviour::Broadcast(Broadcast::default());
    let routes = vec![
        route("/", Behaviour::Relay { wrap: false }),
        route("/chat/{room}", broadcast()),
        Route { names: Names::Client, ..route("/named/{room}", broadcast()) },
        route("/echo", Behaviour::Echo),
    ];
    Core::of(Policy { routes: Table::new(routes).unwrap(), ..policy(door()) })
}

fn with(rights: &str) -> String {
    bearer(&token(&format!("\"sub\":\"ann\",\"tidegate\":{{{rights}}}")))
}

const NOT_ALLOWED: (u16, &str) = (403, "not-allowed");

#[test]
fn a_handshake_takes_the_right_to_connect_and_for_members_to_read_the_room() {
    let mut core = core();
    for (rights, path, expected) in [
        ("", "/echo", NOT_ALLOWED),
        ("\"connect\":false,\"subscribe\":[\"*\"]", "/echo", NOT_ALLOWED),
        ("\"connect\":true", "/echo", (101, "")),
        ("\"connect\":true", "/", (101, "")),
        ("\"connect\":true", "/chat/a", NOT_ALLOWED),
        ("\"connect\":true,\"publish\":[\"*\"]", "/chat/a", NOT_ALLOWED),
        ("\"connect\":true,\"subscribe\":[\"b\"]", "/chat/a", NOT_ALLOWED),
        ("\"connect\":true,\"subscribe\":[\"b\",\"a*\"]", "/chat/a.b", (101, "")),
        // What else is wrong comes before.
        ("\"connect\":true", "/chat/a?since=now", (400, "unknown-parameter")),
        ("\"connect\":true", "/chat/", (400, "bad-room")),
    ] {
        let verdict = core.upgrade(path, &with(rights)).verdict();
        assert_eq!((verdict.0, &*verdict.1), expected, "{rights} {path}");
    }
    assert_eq!(core.hub.holdings().rooms, 2, "who was refused has left no room behind");
}

#[test]
fn a_name_is_one_that_the_credential_allows() {
    let mut core = core();
    let name = |globs: &str| format!("\"connect\":true,\"subscribe\":[\"*\"],{globs}");
    for (rights, path, expected) in [
        ("\"connectionId\":\"ann\"", "/?connectionId=ann", (101, "")),
        ("\"connectionId\":\"ann\"", "/?connectionId=bob", NOT_ALLOWED),
        ("\"connectionId\":[\"ann-*\",\"x\"]", "/?connectionId=ann-2", (101, "")),
        ("\"connectionId\":[\"ann-*\",\"x\"]", "/named/a?connectionId=ann", NOT_ALLOWED),
        ("\"publish\":[]", "/named/a?connectionId=anything", (101, "")),
    ] {
        let verdict = core.upgrade(path, &with(&name(rights))).verdict();
        assert_eq!((verdict.0, &*verdict.1), expected, "{rights} {path}");
    }
    let whom = Whom::ConnectionId(Arc::from("ann"));
    let revoked = Revocation::new(whom, core.now.unix_ms, None);
    core.vault.revocations.add(revoked, 10).unwrap();
    let told = core.upgrade("/?connectionId=ann", &with(&name("\"connectionId\":\"ann\"")));
    assert_eq!(told.verdict().0, 403);
    assert!(told.detail().contains("revoked"));
}

/// It is what others reach it by.
#[test]
fn who_may_be_called_one_thing_alone_is_called_that() {
    let mut core = core();
    let rights = "\"connect\":true,\"subscribe\":[\"*\"],\"connectionId\":";
    let owns = |core: &Core, name: &str| core.hub.owner(core.hub.who_keys().who(name)).is_some();
    for (globs, path, is_own) in [
        ("\"ann\"", "/chat/a", true),
        ("\"ann\"", "/named/a", true),
        ("\"ann\"", "/echo", true),
        ("[\"ann\",\"ann-2\"]", "/chat/a", false),
        ("\"ann*\"", "/chat/a", false),
        // There it says so itself.
        ("\"ann\"", "/", false),
    ] {
        let head = crate::engine::tests::core::handshake(path);
        let lines = with(&format!("{rights}{globs}"));
        let head = head.replace("\r\n\r\n", &format!("\r\n{lines}\r\n"));
        let key = core.connect(crate::engine::tests::core::WS, head.as_bytes());
        assert!(core.written(key).starts_with("HTTP/1.1 101 "), "{path}");
        assert_eq!(owns(&core, "ann"), is_own, "{globs} {path}");
        core.engine.receive_error(key, core.now);
        core.turn();
        assert!(!owns(&core, "ann"));
    }
    // A name that no connection can have is none to be given.
    let long = format!("{rights}\"{}\"", "x".repeat(200));
    assert_eq!(core.upgrade("/chat/a", &with(&long)).status, 403);
}

#[test]
fn a_stream_has_no_room_that_the_credential_does_not_allow() {
    let mut core = core();
    let some = "\"connect\":true,\"subscribe\":[\"acme.*\",\"b\"]";
    for (rights, target, expected) in [
        ("\"connect\":true", "/events?room=a", NOT_ALLOWED),
        ("\"connect\":true", "/events", NOT_ALLOWED),
        (some, "/events?room=acme.a&room=b", (200, "")),
        (some, "/events?room=acme.a&room=a", NOT_ALLOWED),
        (some, "/events?room=*", NOT_ALLOWED),
        (some, "/events?room=acme.a&room=*", NOT_ALLOWED),
        (some, "/events?room=acme.a&connectionId=x&lastEventId=y", (200, "")),
        (some, "/events?room=", (400, "bad-room")),
        ("\"subscribe\":[\"*\"]", "/events?room=*", (200, "")),
        ("\"subscribe\":[\"*\"]", "/events?connectionId=x", (200, "")),
    ] {
        let verdict = core.get(target, &with(rights)).verdict();
        assert_eq!((verdict.0, &*verdict.1), expected, "{rights} {target}");
    }
    let told = core.get("/events?room=secret", &with(some)).body;
    assert_eq!(told, core.get("/events?room=acme", &with(some)).body, "whether it exists or not");
}

/// A subject that is a star is no star.
#[test]
fn a_subject_is_meant_literally() {
    let subject = Rights { subscribe: globs(&["{sub}"]), ..Rights::usual() };
    let mut keyring = Keyring::new(&Limits::default());
    keyring.add_static("*", &Secret::new(DEVICE.into()), subject);
    let access = Access { keyring, door: Arc::new(Door::default()), ..Access::default() };
    let mut core = Core::of(Policy { access: Arc::new(access), ..Policy::default() });
    assert_eq!(core.get("/events?room=a", &bearer(DEVICE)).status, 403);
    assert_eq!(core.get("/events?room=*", &bearer(DEVICE)).status, 403);
}
