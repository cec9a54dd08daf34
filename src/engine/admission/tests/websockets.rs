//! Which WebSockets are opened, and what becomes of what comes behind a handshake.
//!
//! Knows: one core by itself.
//! Must not know: sockets.

use super::keys::{DEVICE, MANAGER, Place, WRONG, basic, bearer, door, policy, token};
use crate::auth::{Access, Door};
use crate::engine::Policy;
use crate::engine::tests::core::{BOTH, Core, HTTP, WS, handshake, message, text};
use crate::routes::{Behaviour, Broadcast, Pattern, Route, Table};
use std::sync::Arc;

/// Routes of every kind; one has a door of its own, one is open.
fn core() -> Core {
    let route = |path: &str, behaviour| Route::new(Pattern::parse(path).unwrap(), behaviour);
    let own = Door {
        keys: Some(Box::new([Arc::from("devices")])),
        headers: vec!["x-own".to_owned()],
        ..Door::default()
    };
    let routes = vec![
        route("/", Behaviour::Relay { wrap: false }),
        route("/ws/{room}", Behaviour::Relay { wrap: true }),
        route("/chat/{room}", Behaviour::Broadcast(Broadcast::default())),
        route("/echo", Behaviour::Echo),
        route("/by/{token}/{room}", Behaviour::Relay { wrap: false }),
        Route { door: Some(Arc::new(own)), ..route("/own", Behaviour::Echo) },
        Route {
            door: Some(Arc::new(Door { open: true, ..Door::default() })),
            ..route("/open", Behaviour::Echo)
        },
    ];
    Core::of(Policy { routes: Table::new(routes).unwrap(), ..policy(door()) })
}

const PATHS: [&str; 6] = ["/", "/ws/a", "/chat/a", "/echo", "/by/{token}/a", "/own"];

/// Whether a good key of devices is looked for in that place of that path.
fn counts(path: &str, place: Place) -> bool {
    match place {
        Place::Bearer | Place::Subprotocol => true,
        Place::Path => path.contains("{token}"),
        Place::Header | Place::Cookie | Place::Query => path != "/own",
    }
}

#[test]
fn exactly_the_good_ones_come_in_by_exactly_the_ways_that_there_are() {
    let mut core = core();
    let app = token("\"sub\":\"ann\"");
    for path in PATHS {
        for place in Place::ALL {
            for (credential, is_good, may) in [
                (DEVICE, true, true),
                (MANAGER, path != "/own", false),
                (app.as_str(), path != "/own", true),
                (WRONG, false, false),
            ] {
                let (lines, target) = place.show(path, credential);
                let told = core.upgrade(&target, &lines);
                // With a door of its own the parameter is not one of the route; but nobody gets
                // as far as to be told.
                let expected = match (counts(path, place), is_good, may) {
                    (false, ..) => (401, "credentials-missing"),
                    (true, false, _) => (401, "credentials-invalid"),
                    (true, true, false) => (403, "not-allowed"),
                    (true, true, true) => (101, ""),
                };
                let verdict = told.verdict();
                assert_eq!((verdict.0, &*verdict.1), expected, "{path} {place:?} {credential}");
            }
        }
        let person = core.upgrade(&path.replace("{token}", ""), &basic("ann", "correct horse"));
        assert_eq!(person.status, if path == "/own" { 401 } else { 101 }, "{path}");
        assert_eq!(core.upgrade(&path.replace("{token}", ""), "").status, 401, "{path}");
    }
    assert_eq!(core.upgrade("/own", &format!("X-Own: {DEVICE}\r\n")).status, 101);
    assert_eq!(core.upgrade("/open", "").status, 101);
}

/// Without keys nothing is asked for, and nothing of this is a parameter or a subprotocol.
#[test]
fn where_nothing_is_asked_for_all_is_as_it_was() {
    let mut core = Core::new();
    let cookie = "Cookie: session=a\r\nOrigin: http://localhost:3000\r\n";
    let offers = "Sec-WebSocket-Protocol: tidegate, tidegate.bearer.a\r\n";
    for lines in ["", &bearer("x"), cookie, offers] {
        let told = core.upgrade("/", lines);
        assert_eq!(told.status, 101, "{lines}");
        assert!(told.fields("Sec-WebSocket-Protocol").is_empty(), "{}", told.head);
    }
    for target in ["/?ticket=a", "/?accessToken=a"] {
        assert_eq!(core.upgrade(target, "").code(), "unknown-parameter");
        let stream = core.get(&target.replace('/', "/events"), "");
        assert_eq!(stream.code(), "unknown-parameter");
    }
}

#[test]
fn a_credential_is_no_subprotocol_and_never_said_again() {
    let core = Core::of(policy(door()));
    let routes = Route {
        subprotocols: vec!["chat.v1".to_owned(), format!("tidegate.bearer.{DEVICE}")],
        ..Route::new(Pattern::parse("/").unwrap(), Behaviour::Echo)
    };
    let with = Policy { routes: Table::new(vec![routes]).unwrap(), ..policy(door()) };
    let spoken = Core::of(with);
    let mut cores = [core, spoken];
    for (which, offered, selected) in [
        (0, "tidegate.bearer.{}", None),
        (0, "tidegate.bearer.{}, tidegate", Some("tidegate")),
        (0, "chat.v1, tidegate.bearer.{}, tidegate", Some("tidegate")),
        (0, "chat.v1, tidegate.bearer.{}", None),
        (1, "tidegate.bearer.{}", None),
        (1, "tidegate, tidegate.bearer.{}, chat.v1", Some("chat.v1")),
        (1, "tidegate, tidegate.bearer.{}, chat.v2", Some("tidegate")),
    ] {
        let offer = offered.replace("{}", DEVICE);
        let told = cores[which].upgrade("/", &format!("Sec-WebSocket-Protocol: {offer}\r\n"));
        assert_eq!(told.status, 101, "{offered}");
        let selected: Vec<&str> = selected.into_iter().collect();
        assert_eq!(told.fields("Sec-WebSocket-Protocol"), selected, "{offered}");
        assert!(!told.head.contains(DEVICE));
    }
    let bad = format!("Sec-WebSocket-Protocol: a b, tidegate.bearer.{DEVICE}\r\n");
    assert_eq!(cores[0].upgrade("/", &bad).verdict(), (400, "bad-websocket-protocol".to_owned()));
}

/// What the parameters are is told to whoever was let in.
#[test]
fn the_parameters_of_the_door_are_parameters_of_every_route() {
    let mut core = core();
    let by_query = core.upgrade(&format!("/echo?accessToken={DEVICE}&_=1"), "");
    assert_eq!(by_query.status, 101);
    let told = core.upgrade("/echo?acesToken=1&accessToken=", &bearer(DEVICE));
    assert_eq!(told.verdict(), (400, "unknown-parameter".to_owned()));
    let takes = "The route /echo takes the parameters accessToken, ticket.";
    assert_eq!(told.detail(), takes);
    let told = core.upgrade("/own?accessToken=1", &bearer(DEVICE));
    assert_eq!(told.detail(), "The route /own takes the parameter ticket, and no other.");
    assert_eq!(core.upgrade("/open?ticket=anything", "").status, 101, "nobody looks at it");
}

/// H06: a proxy that kept the connection would have it run.
#[test]
fn nothing_behind_a_refused_handshake_is_ever_read() {
    let behind = "POST /api/messages HTTP/1.1\r\nHost: localhost\r\n\
                  Content-Type: application/json\r\nContent-Length: 12\r\n";
    let behind = format!("{behind}{}\r\n{{\"text\":\"a\"}}", bearer(MANAGER));
    let mut core = core();
    for (target, lines) in [
        ("/", String::new()),
        ("/", bearer(WRONG)),
        ("/", bearer(MANAGER)),
        ("/nowhere", bearer(DEVICE)),
        ("/", format!("{}X-API-Key: a\r\n", bearer(DEVICE))),
        ("/", "Origin: http://evil.example\r\n".to_owned()),
        ("/?nothing", bearer(DEVICE)),
    ] {
        for listener in [WS, BOTH] {
            let head = handshake(target).replace("\r\n\r\n", &format!("\r\n{lines}\r\n"));
            let key = core.connect(listener, format!("{head}{behind}").as_bytes());
            core.receive(key, behind.as_bytes());
            core.turn();
            let written = core.written(key);
            assert_eq!(written.matches("HTTP/1.1 ").count(), 1, "{target} {lines}: {written}");
            assert!(written.contains("\r\nConnection: close\r\n"), "{written}");
        }
    }
    assert_eq!(core.counters[0].published.message.value(), 0);
    let key = core.connect(HTTP, behind.as_bytes());
    assert!(core.written(key).contains(" 200 "), "it would have been done");
}

/// H07.
#[test]
fn early_bytes_are_frames_of_whoever_is_let_in_and_nothing_otherwise() {
    let mut core = core();
    let reader = core.connect(
        HTTP,
        format!("GET /events HTTP/1.1\r\nHost: localhost\r\n{}\r\n", bearer(DEVICE)).as_bytes(),
    );
    core.written(reader);
    for (credential, said) in [(DEVICE, 100), (WRONG, 0)] {
        let lines = bearer(credential);
        let mut bytes =
            handshake("/").replace("\r\n\r\n", &format!("\r\n{lines}\r\n")).into_bytes();
        for n in 0..100 {
            // 20 KiB in all.
            let filler = "x".repeat(180);
            let said = message("a", n).replace('}', &format!(",\"x\":\"{filler}\"}}"));
            bytes.extend_from_slice(&text(&said));
        }
        let key = core.connect(WS, &bytes);
        core.turn();
        assert_eq!(core.written(key).starts_with("HTTP/1.1 101 "), said > 0);
        assert_eq!(core.events(reader).len(), said, "{credential}");
    }
}

/// What a stranger may learn is what the first of these says.
#[test]
fn what_is_looked_at_first_is_told_first() {
    let mut core = core();
    let evil = "Origin: http://evil.example\r\n";
    assert_eq!(core.upgrade("/", evil).code(), "origin-not-allowed");
    let twice = format!("{}X-API-Key: a\r\n", bearer(DEVICE));
    assert_eq!(core.upgrade("/nowhere", &twice).code(), "several-credentials");
    assert_eq!(core.upgrade("/nowhere", "").code(), "credentials-missing");
    assert_eq!(core.upgrade("/nowhere", &bearer(MANAGER)).code(), "not-allowed");
    assert_eq!(core.upgrade("/nowhere", &bearer(DEVICE)).code(), "no-such-route");
    let plain = "GET /?nothing HTTP/1.1\r\nHost: localhost\r\n";
    let told = core.asked(WS, &format!("{plain}\r\n"));
    assert_eq!(told.code(), "credentials-missing", "before the handshake is looked at");
    let told = core.asked(WS, &format!("{plain}{}\r\n", bearer(DEVICE)));
    assert_eq!(told.code(), "upgrade-required");
    let waiting = core.connect(WS, b"");
    core.engine.drain(core.now);
    core.receive(waiting, handshake("/").as_bytes());
    core.turn();
    assert!(core.written(waiting).contains("\"stopping\""));
}

#[test]
fn a_policy_of_later_is_for_whoever_comes_later() {
    let mut core = Core::new();
    core.engine.adopt(Arc::new(policy(door())));
    assert_eq!(core.upgrade("/echo", "").status, 401);
    assert_eq!(core.upgrade("/echo", &bearer(DEVICE)).status, 101);
    let off = Policy { access: Arc::new(Access::default()), ..Policy::default() };
    core.engine.adopt(Arc::new(off));
    assert_eq!(core.upgrade("/echo", "").status, 101);
}
