//! What one core tells of what happens to it.
//!
//! Knows: the engine's face.
//! Must not know: where accounts go.

mod accounting;

use super::*;
use crate::auth::Door;
use crate::engine::Policy;
use crate::engine::panics::{Trap, tests::set};
use crate::engine::tests::core::{Core, HTTP, WS, handshake, message};
use crate::engine::tests::keys::{DEVICE, MANAGER, policy};
use crate::limits::Limits;
use core::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;

/// Accounts as lines.
fn told(core: &mut Core) -> Vec<String> {
    core.told.drain(..).map(|account| line(&account)).collect()
}

fn line(account: &Account) -> String {
    let Account { target, level, message, fields, .. } = account;
    let mut line = format!("{} {level:?}: {message}", target.name());
    for (name, value) in fields {
        line += &match value {
            Value::Text(text) => format!(" {name}={text}"),
            Value::Number(number) => format!(" {name}={number}"),
            Value::Span(span) => format!(" {name}={}", span.as_secs_f64()),
        };
    }
    line
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// What was told of `bytes` that came to a listener.
fn told_of(wanted: Wanted, listener: u8, bytes: &str) -> Vec<String> {
    let mut core = Core::new().telling(wanted);
    core.connect(listener, bytes.as_bytes());
    told(&mut core)
}

#[test]
fn nothing_is_told_and_nothing_kept_where_nobody_wants_it() {
    let mut core = Core::new();
    core.connect(HTTP, get("/nothing").as_bytes());
    let client = core.websocket("/echo");
    core.receive(client, &[0xff; 16]);
    core.turn();
    assert_eq!(told(&mut core), [""; 0]);
    assert!(core.engine.desk.chronicle.lives.is_empty());
    let mut core = Core::new().telling(Wanted::PROBLEMS);
    core.websocket("/echo");
    assert!(core.engine.desk.chronicle.lives.is_empty());
}

#[test]
fn a_request_that_is_refused_is_told_once_with_what_it_asked_for() {
    let wrong_type = "POST /api/rooms/lab/messages HTTP/1.1\r\nHost: h\r\n\
                      Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}";
    let wrong_body = "POST /api/messages HTTP/1.1\r\nHost: localhost\r\n\
                      Content-Type: application/json\r\nContent-Length: 2\r\n\r\n[]";
    for (listener, bytes, expected) in [
        (HTTP, &*get("/nothing?a=b"), "refused method=GET path=/* status=404 code=not-found"),
        (HTTP, wrong_type, "refused method=POST path=/api/rooms/{room}/messages status=421"),
        (HTTP, wrong_body, "refused method=POST path=/api/messages status=400 code=bad-body"),
        (
            HTTP,
            "DELETE /events HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "refused method=DELETE path=/events status=405 code=method-not-allowed",
        ),
    ] {
        let told = told_of(Wanted::PROBLEMS, listener, bytes);
        let [line] = &told[..] else { panic!("{bytes}: {told:?}") };
        let begin = "access Info: request refused peer=127.0.0.1 ";
        let rest = expected.strip_prefix("refused ").unwrap();
        assert!(line.starts_with(&format!("{begin}{rest}")), "{line}");
    }
    let told = told_of(Wanted::PROBLEMS, WS, &handshake("/no/such/route"));
    let begin = "access Info: handshake refused peer=127.0.0.1 method=GET path=/*/*/* \
                 status=404 code=no-such-route seconds=0 bytes-out=";
    assert!(matches!(&told[..], [line] if line.starts_with(begin)), "{told:?}");
}

#[test]
fn what_is_no_http_is_told_as_what_it_is() {
    let tls = "\u{16}\u{3}\u{1}\u{0}\u{0}\u{1}\u{0}\u{0}\u{0}\u{0}\u{0}";
    for listener in [WS, HTTP] {
        for (bytes, expected) in [
            (tls, "somebody spoke TLS to a plain port peer=127.0.0.1 port=0 status=400"),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "somebody spoke HTTP/2 to a port for HTTP/1.1"),
            ("\u{4}\u{1}\u{1f}\r\n\r\n", "somebody spoke something else than HTTP"),
            ("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", "request refused"),
        ] {
            let told = told_of(Wanted::PROBLEMS, listener, bytes);
            let [line] = &told[..] else { panic!("{bytes}: {told:?}") };
            assert!(line.starts_with(&format!("access Info: {expected}")), "{line}");
            assert!(!line.contains("method=") && !line.contains("path="), "{line}");
        }
    }
}

#[test]
fn what_is_as_it_should_be_is_told_only_where_all_is_wanted() {
    for (listener, bytes) in [
        (HTTP, get("/hello")),
        (HTTP, get("/events")),
        (WS, handshake("/echo")),
        (HTTP, "GET /hello HTTP/1.1\r\nHost: localhost\r\n".to_owned()),
    ] {
        assert_eq!(told_of(Wanted::PROBLEMS, listener, &bytes), [""; 0], "{bytes}");
    }
    let told = told_of(Wanted::ALL, HTTP, &get("/hello?token=a"));
    let [line] = &told[..] else { panic!("{told:?}") };
    let begin = "access Debug: request peer=127.0.0.1 method=GET path=/hello status=200 seconds=0 \
                 bytes-out=";
    assert!(line.starts_with(begin), "{line}");
}

/// A core that tells all, to which a proxy on this machine has come.
fn proxied() -> (Core, String) {
    let mut core = Core::of(policy(Door::default())).telling(Wanted::ALL);
    let peer = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 50_123);
    let key = core.engine.accept(WS, SocketAddr::V4(peer), core.now).expect("within the limit");
    let fields =
        format!("Authorization: Bearer {DEVICE}\r\nX-Forwarded-For: 203.0.113.7\r\nUpgrade");
    let head = handshake("/ws/lab?connectionId=ann").replacen("Upgrade", &fields, 1);
    core.receive(key, head.as_bytes());
    core.turn();
    let opened = told(&mut core).join("\n");
    core.say(key, &[&message("ann", 1), "no message", &message("ann", 2)]);
    core.now.unix_ms += 1500;
    core.now.monotonic += Duration::from_millis(1500);
    core.receive(key, &[0x88, 0x82, 0, 0, 0, 0, 3, 0xe8]);
    core.turn();
    (core, opened)
}

#[test]
fn a_websocket_is_told_when_it_opens_and_when_it_closes() {
    let (mut core, opened) = proxied();
    let who = "peer=127.0.0.1:50123 forwarded-for=203.0.113.7";
    let holder = "subject=devices key=devices";
    let [handshake, opened] = opened.lines().collect::<Vec<_>>()[..] else { panic!("{opened}") };
    let begin = format!("access Debug: handshake {who} {holder} method=GET path=/ws/{{room}} ");
    assert!(handshake.starts_with(&format!("{begin}status=101 ")), "{handshake}");
    let known = format!(
        "{who} connectionId=ann session=1700000000000001 {holder} route=/ws/{{room}} room=lab"
    );
    assert_eq!(opened, format!("connection Debug: WebSocket opened {known}"));
    let told = told(&mut core);
    let [closed] = &told[..] else { panic!("{told:?}") };
    let begin =
        format!("connection Debug: WebSocket closed {known} code=1000 by=client seconds=1.5");
    assert!(closed.starts_with(&format!("{begin} bytes-in=")), "{closed}");
    assert!(closed.ends_with("messages-in=3"), "{closed}");
}

#[test]
fn a_stream_is_told_when_it_opens_and_when_it_ends() {
    let mut core = Core::new().telling(Wanted::ALL);
    let stream = core.stream_of("room=b&room=a&connectionId=x");
    let told_at_first = told(&mut core);
    assert!(told_at_first[0].starts_with("access Debug: request "), "{told_at_first:?}");
    let known = "peer=127.0.0.1 room=a, b connectionIds=1";
    assert_eq!(told_at_first[1..], [format!("connection Debug: stream opened {known}")]);
    core.engine.receive_end(stream, core.now);
    core.turn();
    let told = told(&mut core);
    let begin = format!("connection Debug: stream ended {known} by=client seconds=0 bytes-out=");
    assert!(matches!(&told[..], [line] if line.starts_with(&begin)), "{told:?}");
}

#[test]
fn how_a_connection_ends_says_how_much_it_matters() {
    type Does = fn(&mut Core, ConnKey);
    let cases: [(Does, &str); 6] = [
        (
            |core, key| core.receive(key, &[0xff; 8]),
            "Info code=1002 by=server reason=reserved bits are set where none may be",
        ),
        (
            |core, key| (0..16).for_each(|_| core.say(key, &["no message"])),
            "Info code=1008 by=server reason=too many messages were refused",
        ),
        (
            |core, key| {
                set(Trap::Published);
                core.say(key, &[&message("a", 1)]);
            },
            "Warn code=1011 by=server reason=internal error",
        ),
        (|core, key| core.engine.receive_error(key, core.now), "Debug code=1006 by=network"),
        // What a client says of it is between it and whom it says it to.
        (
            |core, key| core.receive(key, b"\x88\x86\0\0\0\0\x03\xe8bye!"),
            "Debug code=1000 by=client seconds",
        ),
        (
            |core, _| _ = core.websocket("/?connectionId=a"),
            "Debug code=4409 by=server reason=replaced",
        ),
    ];
    for (does, expected) in cases {
        let (level, how) = expected.split_once(' ').unwrap();
        for wanted in [Wanted::ALL, Wanted::PROBLEMS] {
            let mut core = Core::new().telling(wanted);
            let key = core.websocket("/?connectionId=a");
            does(&mut core, key);
            (0..3).for_each(|_| core.turn());
            let closed = core.told.iter().find(|account| account.message == "WebSocket closed");
            if level == "Debug" && wanted == Wanted::PROBLEMS {
                assert_eq!(closed, None);
                continue;
            }
            let closed = closed.expect(expected);
            let line = line(closed);
            assert!(line.starts_with(&format!("connection {level}: ")), "{line}");
            assert!(line.contains(how), "{line} is not {how}");
            // Who it was is known here, or by whoever has its socket.
            assert_eq!(closed.about, (wanted == Wanted::PROBLEMS).then_some(key));
        }
    }
}

#[test]
fn who_is_turned_away_is_told_of() {
    let limits = Arc::new(Limits { connections_max: 1, ..Limits::default() });
    let policy = Policy { limits, ..Policy::default() };
    let mut core = Core::of(policy).telling(Wanted::PROBLEMS);
    core.connect(HTTP, b"");
    assert!(core.engine.accept(HTTP, core.peer, core.now).is_none());
    core.turn();
    let expected = "access Warn: connection refused peer=127.0.0.1 port=0 status=503 \
                    code=too-many-connections";
    assert_eq!(told(&mut core), [expected]);
}

#[test]
fn a_flood_of_problems_is_counted_and_told_when_it_is_due() {
    let ask = |core: &mut Core| {
        for _ in 0..4 {
            core.connect(HTTP, get("/nothing").repeat(103).as_bytes());
        }
    };
    let mut core = Core::new().telling(Wanted::PROBLEMS);
    ask(&mut core);
    assert_eq!(told(&mut core).len(), 100);
    let due = core.engine.next_deadline();
    assert!(due <= core.now.monotonic + Duration::from_secs(2), "somebody wakes the core");
    core.now.monotonic = due;
    core.engine.expire(core.now);
    core.turn();
    assert_eq!(told(&mut core), ["access Info: 312 more requests were refused count=312"]);
    // Who wants everything gets it.
    let mut core = Core::new().telling(Wanted::ALL);
    ask(&mut core);
    assert_eq!(told(&mut core).len(), 412);
}

#[test]
fn who_manages_is_told_and_what_was_named_is_not() {
    let mut core = Core::of(policy(Door::default())).telling(Wanted::ALL);
    let body = r#"{"text":"5ecre7"}"#;
    let head = format!(
        "POST /api/rooms/5ecre7/messages?a=5ecre7 HTTP/1.1\r\nHost: localhost\r\n\
         Authorization: Bearer {MANAGER}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    core.connect(HTTP, format!("{head}{body}").replace("?a=5ecre7", "").as_bytes());
    (0..3).for_each(|_| core.turn());
    let told = told(&mut core);
    let [line] = &told[..] else { panic!("{told:?}") };
    let begin = "access Debug: request peer=127.0.0.1 subject=managers key=managers method=POST \
                 path=/api/rooms/{room}/messages status=200 seconds=0 bytes-in=17 bytes-out=";
    assert!(line.starts_with(begin), "{line}");
    assert!(!line.contains("5ecre7") && !line.contains(MANAGER), "{line}");
}

#[test]
fn who_may_not_do_it_is_told_with_the_key_that_does_not_give_it() {
    for (listener, holder, key, head, expected) in [
        (HTTP, "devices", DEVICE, get("/api/rooms"), "request refused path=/api/rooms"),
        (HTTP, "devices", DEVICE, get("/metrics"), "request refused path=/metrics"),
        (WS, "managers", MANAGER, handshake("/ws/a"), "handshake refused path=/ws/{room}"),
    ] {
        let mut core = Core::of(policy(Door::default())).telling(Wanted::PROBLEMS);
        let fields = format!("\r\nAuthorization: Bearer {key}\r\n");
        core.connect(listener, head.replacen("\r\n", &fields, 1).as_bytes());
        let told = told(&mut core);
        let [line] = &told[..] else { panic!("{told:?}") };
        let (message, path) = expected.rsplit_once(' ').unwrap();
        let who = format!("peer=127.0.0.1 subject={holder} key={holder} method=GET");
        let begin = format!("access Info: {message} {who} {path} status=403 code=not-allowed ");
        assert!(line.starts_with(&begin), "{line}");
    }
}

/// Where only WebSockets connect, and where a room stands in the place of a token.
#[test]
fn a_credential_in_a_path_is_told_nowhere() {
    for (listener, bytes) in [
        (HTTP, get("/5ecre7")),
        (HTTP, get("/ws/5ecre7")),
        (HTTP, handshake("/nothing/5ecre7")),
        (WS, get("/ws/5ecre7")),
        (WS, get("/5ecre7")),
        (WS, handshake("/5ecre7")),
        (WS, handshake("/api/5ecre7/rooms")),
    ] {
        let told = told_of(Wanted::ALL, listener, &bytes);
        let [line] = &told[..] else { panic!("{bytes}: {told:?}") };
        assert!(line.contains("path=/") && !line.contains("5ecre7"), "{line}");
    }
}
