//! What configured routes do that the built-in ones do not.
//!
//! Knows: one core by itself.
//! Must not know: sockets, how a configuration is written.

use super::core::{Core, HTTP, WS, handshake, text};
use crate::bytes::{ConnKey, Now};
use crate::engine::Policy;
use crate::limits::Limits;
use crate::routes::{Behaviour, Broadcast, Names, Pattern, Replies, Route, Table};
use crate::ws::frame::{Opcode, push_masked};
use std::sync::Arc;
use std::time::Duration;

pub(super) fn route(path: &str, behaviour: Behaviour) -> Route {
    Route::new(Pattern::parse(path).unwrap(), behaviour)
}

pub(super) fn core_of(routes: Vec<Route>) -> Core {
    Core::of(Policy { routes: Table::new(routes).unwrap(), ..Policy::default() })
}

fn desk() -> Behaviour {
    let pair = |wanted: &str, answer: &str| (wanted.into(), answer.to_owned());
    Behaviour::Reply(Replies {
        table: vec![pair("help", "What with?"), pair("hello", "Hi there")],
        otherwise: Some("Sorry".to_owned()),
        ignore_case: false,
    })
}

fn binary(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    push_masked(&mut frame, true, Opcode::Binary, [1, 2, 3, 4], payload);
    frame
}

/// The handshake with these fields more, and what it is answered.
fn ask(core: &mut Core, path: &str, fields: &str) -> String {
    let head = handshake(path).replace("\r\n\r\n", &format!("\r\n{fields}\r\n"));
    let key = core.connect(WS, head.as_bytes());
    core.written(key)
}

fn later(core: &mut Core, ms: u64) {
    for _ in 0..ms.div_ceil(100) {
        let Now { monotonic, unix_ms } = core.now;
        let step = Duration::from_millis(100);
        core.now = Now { monotonic: monotonic + step, unix_ms: unix_ms + 100 };
        core.engine.expire(core.now);
        core.turn();
    }
}

#[test]
fn the_last_keyword_in_a_message_answers_text_or_binary() {
    let mut core = core_of(vec![route("/", desk())]);
    let key = core.websocket("/");
    core.say(key, &["help, hello", "what?"]);
    core.receive(key, &binary(b"\xff help \xff"));
    core.turn();
    assert_eq!(core.written(key), "\u{fffd}\u{8}Hi there\u{fffd}\u{5}Sorry\u{fffd}\nWhat with?");
}

#[test]
fn without_an_answer_for_all_else_nothing_is_said() {
    let replies = Replies { table: vec![("a".into(), "b".to_owned())], ..Replies::default() };
    let mut core = core_of(vec![route("/", Behaviour::Reply(replies))]);
    let key = core.websocket("/");
    core.say(key, &["x", "a", "y"]);
    core.turn();
    assert_eq!(core.written(key), "\u{fffd}\u{1}b");
}

#[test]
fn long_answers_are_compressed_if_that_was_agreed_on() {
    let long = "x".repeat(2000);
    let behaviour =
        Behaviour::Reply(Replies { otherwise: Some(long.clone()), ..Replies::default() });
    let routes = vec![Route { greeting: Some(long.clone()), ..route("/", behaviour) }];
    let routes = Table::new(routes).unwrap();
    let mut core = Core::of(Policy { routes, compression: true, ..Policy::default() });
    let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let head = handshake("/").replace("\r\n\r\n", &format!("\r\n{offer}\r\n"));
    let key = core.connect(WS, head.as_bytes());
    core.say(key, &["?"]);
    core.turn();
    let written = core.written.remove(&key).unwrap();
    let at = written.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let (greeting, answer) = written[at..].split_at(written[at..].len() / 2);
    assert_eq!(greeting, answer);
    assert!(greeting[0] == 0xc1 && greeting.len() < 100, "{greeting:?}");
    let plain = core.websocket("/");
    core.say(plain, &["?"]);
    core.turn();
    assert!(core.written(plain).ends_with(&long));
}

#[test]
fn a_greeting_comes_right_behind_the_101() {
    let greeting = Some("Hi from server".to_owned());
    let behaviours = [
        Behaviour::Relay { wrap: false },
        Behaviour::Relay { wrap: true },
        Behaviour::Broadcast(Broadcast { echo: true, ..Broadcast::default() }),
        Behaviour::Echo,
        desk(),
    ];
    for behaviour in behaviours {
        let table = vec![Route { greeting: greeting.clone(), ..route("/", behaviour.clone()) }];
        let mut core = core_of(table);
        let both = [handshake("/").into_bytes(), text("hello")].concat();
        let key = core.connect(WS, &both);
        let written = core.written(key);
        let (head, rest) = written.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{behaviour:?}");
        let rest = rest.strip_prefix("\u{fffd}\u{e}Hi from server").expect("the greeting");
        assert_eq!(rest.is_empty(), matches!(behaviour, Behaviour::Relay { wrap: true }));
    }
}

#[test]
fn a_relay_that_wraps_takes_anything_at_once() {
    let mut core = core_of(vec![Route {
        names: Names::Client,
        ..route("/{room}", Behaviour::Relay { wrap: true })
    }]);
    let stream = core.stream();
    let key = core.websocket("/lab?connectionId=n");
    core.receive(key, &binary(b"abc"));
    core.say(key, &["21\r\n°", "{\"t\":\n21}", r#"{"connectionId":"n"}"#]);
    core.say(key, &[r#"{"connectionId":"m"}"#, r#"{"close":1}"#, ""]);
    core.turn();
    let wrapped = |text: &str| format!(r#"{{"connectionId":"n","message":"{text}"}}"#);
    assert_eq!(
        core.events(stream),
        [
            r#"{"connectionId":"n","base64":"YWJj"}"#.to_owned(),
            wrapped("21\\r\\n°"),
            r#"{"t": 21}"#.to_owned(),
            r#"{"connectionId":"n"}"#.to_owned(),
            wrapped(r#"{\"connectionId\":\"m\"}"#),
            wrapped(r#"{\"close\":1}"#),
            wrapped(""),
        ]
    );
    assert_eq!(core.written(key), "", "nothing comes back");
}

#[test]
fn what_is_said_to_an_echo_or_a_desk_can_be_published() {
    for behaviour in [Behaviour::Echo, desk()] {
        let mut core = core_of(vec![Route { publish: true, ..route("/{room}", behaviour) }]);
        let stream = core.stream();
        let key = core.websocket("/lab");
        core.say(key, &[r#"{"a":1}"#, "hello"]);
        core.receive(key, &binary(b"abc"));
        core.turn();
        let events = core.events(stream);
        assert_eq!(events[0], r#"{"a":1}"#);
        assert!(events[1].ends_with(r#","message":"hello"}"#), "{events:?}");
        assert!(events[2].ends_with(r#","base64":"YWJj"}"#), "{events:?}");
        assert!(!core.written(key).is_empty());
        core.engine.receive_error(key, core.now);
        core.turn();
        assert!(core.events(stream)[0].starts_with(r#"{"close":{"connectionId":""#));
    }
}

#[test]
fn a_room_that_publishes_nothing_is_for_its_members_alone() {
    let broadcast = Behaviour::Broadcast(Broadcast::default());
    let mut core = core_of(vec![Route { publish: false, ..route("/{room}", broadcast) }]);
    let stream = core.stream();
    let lab = core.connect(HTTP, b"GET /events?room=lab HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let keys = ["/lab", "/lab", "/other"].map(|path| core.websocket(path));
    core.written.clear();
    core.say(keys[0], &["hi"]);
    core.receive(keys[0], &binary(b"abc"));
    core.turn();
    let told = keys.map(|key| core.written(key));
    assert_eq!(told, ["", "\u{fffd}\u{2}hi\u{fffd}\u{3}abc", ""]);
    keys.iter().for_each(|key| core.engine.receive_error(*key, core.now));
    core.turn();
    core.turn();
    assert_eq!((core.written(stream), core.written(lab)), (String::new(), String::new()));
    assert_eq!(core.hub.holdings().registered, 0);
}

#[test]
fn the_first_subprotocol_of_the_client_that_the_route_has_is_spoken() {
    let subprotocols = ["v1", "v2"].map(str::to_owned).to_vec();
    let spoken = Route { subprotocols, ..route("/a", Behaviour::Echo) };
    let mut core = core_of(vec![spoken, route("/b", Behaviour::Echo)]);
    let mut answer = |path: &str, fields: &str| {
        let answer = ask(&mut core, path, fields);
        let field = |line: &str| line.strip_prefix("Sec-WebSocket-Protocol: ").map(str::to_owned);
        format!("{} {:?}", &answer[9..12], answer.lines().find_map(field))
    };
    let offer = |names: &str| format!("Sec-WebSocket-Protocol: {names}\r\n");
    assert_eq!(answer("/a", &offer("v3, v2, v1")), "101 Some(\"v2\")");
    assert_eq!(answer("/a", &(offer("v3") + &offer("v1"))), "101 Some(\"v1\")");
    assert_eq!(answer("/a", &offer("V1")), "101 None");
    assert_eq!(answer("/a", ""), "101 None");
    assert_eq!(answer("/a", &offer("v1;")), "400 None");
    assert_eq!(answer("/b", &offer("v1;")), "101 None", "nobody asks for it there");
}

#[test]
fn a_route_may_have_origins_of_its_own() {
    let own = |origins: &[&str]| Some(origins.iter().map(|one| (*one).to_owned()).collect());
    let mut core = core_of(vec![
        Route { allow_origins: own(&["https://a.example"]), ..route("/a", Behaviour::Echo) },
        Route { allow_origins: own(&["*"]), ..route("/any", Behaviour::Echo) },
        Route { allow_origins: own(&[]), ..route("/none/{room}", Behaviour::Echo) },
        route("/b", Behaviour::Echo),
    ]);
    let local = "http://localhost:3000";
    for (path, origin, status) in [
        ("/a", "https://A.example", 101),
        ("/a", "https://b.example", 403),
        ("/a", local, 403),
        ("/a", "null", 403),
        ("/any", "https://b.example", 101),
        ("/any", "null", 101),
        ("/none/x", local, 403),
        ("/none/%0a", local, 403),
        ("/b", "https://a.example", 403),
        ("/b", local, 101),
        ("/nowhere", "https://a.example", 403),
        ("/nowhere", local, 404),
    ] {
        let answer = ask(&mut core, path, &format!("Origin: {origin}\r\n"));
        assert_eq!(answer[9..12], status.to_string(), "{path} {origin}: {answer}");
    }
    assert!(ask(&mut core, "/a", "").starts_with("HTTP/1.1 101 "), "no page, no origin");
    let refused = ask(&mut core, "/a", &format!("Origin: {local}\r\n"));
    assert!(refused.contains("the route's allow-origin"), "{refused}");
    let called = handshake("/any").replace("localhost", "evil.example");
    let key = core.connect(WS, called.as_bytes());
    assert!(core.written(key).starts_with("HTTP/1.1 421 "), "whoever may come, by our name only");
}

#[test]
fn refusals_speak_of_the_routes_that_there_are() {
    let broadcast = Behaviour::Broadcast(Broadcast::default());
    let mut core = core_of(vec![
        route("/live/{room}", broadcast.clone()),
        Route { names: Names::Client, ..route("/named", broadcast) },
        route("/in", Behaviour::Relay { wrap: false }),
        route("/e", Behaviour::Echo),
    ]);
    for (path, words) in [
        ("/", "WebSockets connect to /live/{room}, /named, /in or /e."),
        ("/e?echo=1", "The route /e takes no parameters."),
        ("/in?echo=1", "The route /in takes the parameter connectionId, and no other."),
        ("/live/a?connectionId=a", "The route /live/{room} takes the parameter echo,"),
        ("/named?x=1", "The route /named takes the parameters connectionId, echo."),
        ("/?x=1", "Only the parameters connectionId, echo and since are known."),
    ] {
        let answer = ask(&mut core, path, "");
        assert!(answer.contains(words), "{path}: {answer}");
    }
}

#[test]
fn a_route_may_have_limits_of_its_own() {
    let server = Limits::default();
    let own = Limits {
        message_bytes_max: 10,
        refusals_max: 2,
        ping_interval: Duration::from_secs(2),
        ping_timeout: Duration::from_secs(1),
        message_time: Duration::from_secs(4),
        ..server.clone()
    };
    let small =
        Route { limits: Some(Box::new(own)), ..route("/a", Behaviour::Relay { wrap: false }) };
    let mut core = core_of(vec![small, route("/b", Behaviour::Relay { wrap: false })]);
    let pair = |core: &mut Core| [core.websocket("/a"), core.websocket("/b")];
    let told = |core: &mut Core, keys: [ConnKey; 2]| {
        keys.map(|key| core.written.remove(&key).unwrap_or_default())
    };
    let is_closed = |told: &[u8], code: u16| told.windows(2).any(|two| two == code.to_be_bytes());
    let keys = pair(&mut core);
    keys.iter().for_each(|key| core.say(*key, &["{\"a\":12345}"]));
    core.turn();
    let [small, large] = told(&mut core, keys);
    assert!(is_closed(&small, 1009) && !is_closed(&large, 1009), "{small:?} {large:?}");
    let keys = pair(&mut core);
    keys.iter().for_each(|key| core.say(*key, &["1", "2"]));
    core.turn();
    let [small, large] = told(&mut core, keys);
    assert!(is_closed(&small, 1008) && !is_closed(&large, 1008), "{small:?} {large:?}");
    // A ping after 2 s of silence, and the end 1 s after that; on the other, the server's times.
    let keys = pair(&mut core);
    later(&mut core, 2200);
    assert_eq!(told(&mut core, keys), [vec![0x89, 0], vec![]]);
    later(&mut core, 1200);
    assert!(core.closed.contains(&keys[0]) && !core.closed.contains(&keys[1]));
    // A message that is begun, and kept alive by pongs.
    let keys = pair(&mut core);
    let mut begun = Vec::new();
    push_masked(&mut begun, false, Opcode::Text, [1, 2, 3, 4], b"x");
    keys.iter().for_each(|key| core.receive(*key, &begun));
    let mut pong = Vec::new();
    push_masked(&mut pong, true, Opcode::Pong, [1, 2, 3, 4], b"");
    for _ in 0..5 {
        later(&mut core, 900);
        keys.iter().for_each(|key| core.receive(*key, &pong));
    }
    core.turn();
    let [small, large] = told(&mut core, keys);
    assert!(is_closed(&small, 1008) && large.is_empty(), "{small:?} {large:?}");
}

#[test]
fn a_websocket_keeps_its_route_when_the_policy_changes() {
    let greeting = Some("old".to_owned());
    let mut core = core_of(vec![
        Route { greeting, ..route("/a", Behaviour::Echo) },
        Route { publish: true, ..route("/b", Behaviour::Echo) },
    ]);
    let stream = core.stream();
    let [a, b] = ["/a", "/b"].map(|path| core.websocket(path));
    let limits = Arc::new(Limits { message_bytes_max: 10, ..Limits::default() });
    let routes =
        Table::new(vec![Route { greeting: Some("new".to_owned()), ..route("/a", desk()) }]);
    core.engine.adopt(Arc::new(Policy { limits, routes: routes.unwrap(), ..Policy::default() }));
    core.say(a, &["hello"]);
    core.say(b, &["hello"]);
    core.turn();
    assert_eq!(core.written(a), "\u{fffd}\u{5}hello", "it still comes back");
    assert_eq!(core.events(stream).len(), 1, "and is still published");
    assert!(ask(&mut core, "/b", "").starts_with("HTTP/1.1 404 "), "nobody comes by it now");
    let newcomer = core.connect(WS, &[handshake("/a").into_bytes(), text("hello")].concat());
    let told = core.written(newcomer);
    assert!(told.ends_with("\r\n\r\n\u{fffd}\u{3}new\u{fffd}\u{8}Hi there"), "{told}");
    // The server's limits are everybody's at once.
    core.say(a, &["hello hello"]);
    core.turn();
    assert!(core.written(a).contains("\u{3}\u{fffd}"), "1009");
    core.engine.receive_error(b, core.now);
    core.turn();
    assert!(core.events(stream)[0].contains("close"), "as its own route says");
}
