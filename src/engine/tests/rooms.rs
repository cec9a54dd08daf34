//! What members of several rooms get, and what their rooms are told of them.
//!
//! Knows: one core by itself, control messages.
//! Must not know: sockets.

mod model;

use super::core::{Core, WS, handshake, text};
use crate::bytes::ConnKey;
use crate::engine::Policy;
use crate::limits::Limits;
use crate::routes::{Behaviour, Broadcast, Names, Pattern, Route, Table};
use crate::ws::deflate::Inflater;
use serde_json::{Value, json};
use std::sync::Arc;

const ALL: Broadcast =
    Broadcast { echo: false, rooms: true, presence: true, last_value: true, since: true };

/// A core with a route for each set of settings.
fn core_with(limits: Limits) -> Core {
    let plain = Broadcast { presence: false, last_value: false, ..ALL };
    let routes = [
        ("/all/{room}", ALL, true),
        ("/plain/{room}", plain, true),
        ("/told/{room}", Broadcast { rooms: false, ..ALL }, true),
        ("/last/{room}", Broadcast { presence: false, ..ALL }, true),
        ("/silent/{room}", Broadcast { last_value: false, ..ALL }, false),
        ("/echoing/{room}", Broadcast { echo: true, last_value: false, ..ALL }, true),
        ("/bare/{room}", Broadcast { since: false, ..plain }, true),
    ];
    let route = |(path, broadcast, publish)| {
        let path = Pattern::parse(path).expect("a path");
        Route { publish, ..Route::new(path, Behaviour::Broadcast(broadcast)) }
    };
    let named = Route { names: Names::Client, ..route(("/named/{room}", ALL, true)) };
    let routes = Table::new(routes.map(route).into_iter().chain([named]).collect());
    let routes = routes.expect("no two of them clash");
    let limits = Arc::new(limits);
    Core::of(Policy { limits, routes, compression: true, ..Policy::default() })
}

fn core() -> Core {
    core_with(Limits::default())
}

impl Core {
    /// Says each in a turn of its own.
    pub(super) fn told(&mut self, key: ConnKey, texts: &[&str]) {
        for text in texts {
            self.say(key, &[text]);
            // What it said while it was not read from waits for the reactor to come again.
            self.turn();
            self.receive(key, b"");
            self.turn();
        }
    }

    /// The texts that a WebSocket was sent since, as far as they are whole.
    pub(super) fn heard(&mut self, key: ConnKey) -> Vec<String> {
        let written = self.written.remove(&key).unwrap_or_default();
        texts(&written).into_iter().map(without_names).collect()
    }
}

/// The payloads of frames as a server sends them, as far as they are whole; of a close, its code.
fn texts(mut bytes: &[u8]) -> Vec<String> {
    let mut texts = Vec::new();
    loop {
        let (length, rest) = match bytes {
            [_, 126, high, low, rest @ ..] => (usize::from(*high) << 8 | usize::from(*low), rest),
            [_, length @ ..126, rest @ ..] => (usize::from(*length), rest),
            _ => return texts,
        };
        let Some((payload, behind)) = rest.split_at_checked(length) else { return texts };
        texts.push(match bytes[0] & 0xf {
            8 => format!("close {}", u16::from_be_bytes([payload[0], payload[1]])),
            _ => String::from_utf8(payload.to_vec()).expect("text"),
        });
        bytes = behind;
    }
}

/// Names and positions are different in each run; errors are known by their codes.
fn without_names(text: String) -> String {
    let Ok(Value::Object(object)) = serde_json::from_str(&text) else { return text };
    let code = object.get("error").and_then(|error| error["code"].as_str());
    let joined = object
        .get("joined")
        .map(|joined| format!("joined {} {}", joined["room"].as_str().unwrap(), joined["missed"]));
    let word =
        ["join", "leave"].into_iter().find(|word| object.get(*word).is_some_and(Value::is_object));
    code.map(str::to_owned).or(joined).or(word.map(str::to_owned)).unwrap_or(text)
}

fn to(room: &str, n: u32) -> String {
    json!({"to": room, "n": n}).to_string()
}

#[test]
fn who_joins_a_room_gets_what_is_said_there_and_what_it_had_before() {
    let mut core = core();
    let (a, b) = (core.websocket("/plain/home"), core.websocket("/plain/home"));
    core.told(a, &[r#"{"join":"r"}"#, r#"{"join":"r"}"#]);
    assert_eq!(core.heard(a), ["joined r 0", "joined r 0"]);
    core.told(b, &["hello", &to("r", 1)]);
    assert_eq!(core.heard(b), ["not-joined"]);
    assert_eq!(core.heard(a), ["hello"]);
    core.told(b, &[r#"{"join":"r"}"#, &to("r", 2), &to("home", 3)]);
    assert_eq!(core.heard(a), [to("r", 2), to("home", 3)]);
    assert_eq!(core.heard(b), ["joined r 0"]);
    core.told(a, &[r#"{"leave":"r"}"#, r#"{"leave":"r"}"#]);
    core.told(b, &[&to("r", 4), "still here"]);
    assert_eq!(core.heard(a), [r#"{"left":{"room":"r"}}"#, "not-joined", "still here"]);
}

#[test]
fn answers_come_in_the_order_of_the_questions() {
    let mut core = core();
    let a = core.websocket("/plain/home");
    let said = [
        r#"{"join":"r"}"#,
        r#"{"leave":"x"}"#,
        r#"{"join":1}"#,
        r#"{"leave":"r"}"#,
        r#"{"join":"r"}"#,
        r#"{"join":"home"}"#,
        r#"{"leave":"home"}"#,
        r#"{"join":"home"}"#,
        r#"{"join":""}"#,
    ];
    core.say(a, &said);
    for _ in said {
        core.turn();
        core.receive(a, b"");
    }
    core.turn();
    let expected = [
        "joined r 0",
        "not-joined",
        "bad-control",
        r#"{"left":{"room":"r"}}"#,
        "joined r 0",
        "joined home 0",
        r#"{"left":{"room":"home"}}"#,
        "joined home 0",
        "bad-room",
    ];
    assert_eq!(core.heard(a), expected);
}

#[test]
fn a_room_is_told_who_comes_and_who_goes() {
    let mut core = core();
    let stream = core.stream_of("room=home&room=r&format=full");
    let a = core.websocket("/all/home");
    let b = core.websocket("/all/home");
    assert_eq!(core.heard(a), ["join"]);
    core.told(a, &[r#"{"join":"r"}"#]);
    core.told(b, &[r#"{"join":"r"}"#]);
    assert_eq!(core.heard(a), ["joined r 0", "join"]);
    assert_eq!(core.heard(b), ["joined r 0"], "nobody is told of its own coming");
    core.told(b, &[r#"{"leave":"r"}"#, r#"{"leave":"home"}"#, r#"{"join":"r"}"#]);
    assert_eq!(core.heard(a), ["leave", "leave", "join"]);
    core.engine.receive_error(b, core.now);
    core.turn();
    assert_eq!(core.heard(a), ["leave"], "of the home room it was no member any more");
    let expected = [
        "join home",
        "join home",
        "join r",
        "join r",
        "leave r",
        "leave home",
        "join r",
        "leave r",
        "close home",
    ];
    assert_eq!(told_of(&mut core, stream), expected);
}

#[test]
fn only_the_server_says_who_comes_and_goes() {
    let mut core = core();
    let (a, b) = (core.websocket("/told/r"), core.websocket("/told/r"));
    core.heard(b);
    let fake = r#"{"join":{"connectionId":"nobody","session":1}}"#;
    core.told(a, &[fake, r#"{"le\u0061ve":1}"#, r#"{"to":"r"}"#, r#"["join"]"#]);
    core.written.remove(&a);
    assert_eq!(core.heard(b), [r#"{"to":"r"}"#, r#"["join"]"#]);
    let c = core.websocket("/all/r");
    core.written.clear();
    core.told(c, &[fake, r#"{"to":"r","join":{}}"#]);
    assert_eq!(core.heard(c), ["bad-control", "bad-control"]);
    assert_eq!(core.heard(b), [""; 0]);
}

#[test]
fn a_route_that_does_not_publish_tells_members_alone() {
    let mut core = core();
    let stream = core.stream();
    let (a, b) = (core.websocket("/silent/r"), core.websocket("/silent/r"));
    core.written.remove(&a);
    core.told(b, &["hi", r#"{"join":"x"}"#, &to("r", 1)]);
    core.engine.receive_error(b, core.now);
    core.turn();
    assert_eq!(core.heard(a), ["hi", &to("r", 1), "leave"]);
    assert_eq!(core.events(stream), [""; 0]);
}

#[test]
fn who_wants_its_own_messages_is_still_not_told_of_itself() {
    let mut core = core();
    let a =
        core.connect(WS, [handshake("/echoing/r").into_bytes(), text("first")].concat().as_slice());
    core.receive(a, b"");
    core.turn();
    let written = core.written.remove(&a).unwrap_or_default();
    let head = written.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    assert_eq!(texts(&written[head..]), ["first"]);
    core.told(a, &[r#"{"join":"x"}"#, &to("x", 1), "second", r#"{"leave":"x"}"#]);
    let expected = ["joined x 0", &to("x", 1), "second", r#"{"left":{"room":"x"}}"#];
    assert_eq!(core.heard(a), expected);
}

#[test]
fn who_joins_may_ask_for_what_was_said_before() {
    let mut core = core();
    let a = core.websocket("/plain/r");
    core.told(a, &["1", "2"]);
    let b = core.websocket("/plain/home");
    core.told(b, &[r#"{"join":"r","since":"earliest"}"#, r#"{"join":"r","since":"earliest"}"#]);
    let written = core.written.remove(&b).unwrap_or_default();
    let joined: Value = serde_json::from_str(&texts(&written)[0]).unwrap();
    assert_eq!(texts(&written)[1..3], ["1", "2"]);
    core.told(a, &["3"]);
    core.told(b, &[r#"{"leave":"r"}"#]);
    core.told(a, &["4"]);
    core.written.clear();
    let id = joined["joined"]["id"].as_str().unwrap();
    core.told(b, &[&json!({"join": "r", "since": id}).to_string()]);
    assert_eq!(core.heard(b), ["joined r 0", "1", "2", "3", "4"]);
    // At the handshake it is the home room's; one that cannot be placed begins with the oldest.
    for (since, missed) in [("earliest", "0"), (id, "0"), ("odd", "null"), ("0000000-0", "null")] {
        let c = core.connect(WS, handshake(&format!("/plain/r?since={since}")).as_bytes());
        let written = core.written.remove(&c).unwrap_or_default();
        let head = written.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        let heard: Vec<_> = texts(&written[head..]).into_iter().map(without_names).collect();
        assert_eq!(heard, [&format!("joined r {missed}"), "1", "2", "3", "4"], "{since}");
    }
    for (path, code) in [
        ("/bare/r?since=earliest", "unknown-parameter"),
        ("/plain/r?since=a%20b", "bad-parameter"),
        ("/plain/r?since=", "bad-parameter"),
    ] {
        let refused = core.connect(WS, handshake(path).as_bytes());
        assert!(core.written(refused).contains(code), "{path}");
    }
}

#[test]
fn what_the_log_has_lost_is_not_promised() {
    let mut core = core_with(Limits { room_log_events_max: 2, ..Limits::default() });
    let a = core.websocket("/plain/r");
    core.told(a, &["1", "2", "3"]);
    let b = core.websocket("/plain/home");
    let id = String::from_utf8(core.hub.epoch().id(0).to_vec()).unwrap();
    core.told(b, &[&json!({"join": "r", "since": id}).to_string()]);
    assert_eq!(core.heard(b), ["joined r null", "2", "3"]);
    core.told(b, &[r#"{"leave":"r"}"#, r#"{"join":"r","since":"earliest"}"#]);
    assert_eq!(core.heard(b)[1..], ["joined r 0", "2", "3"]);
}

#[test]
fn who_joins_gets_the_last_message_if_the_log_has_it() {
    let mut core = core_with(Limits { room_log_events_max: 4, ..Limits::default() });
    let a = core.websocket("/all/r");
    core.told(a, &["1", "2"]);
    let b = core.websocket("/all/home");
    core.told(b, &[r#"{"join":"r"}"#]);
    assert_eq!(core.heard(b), ["joined r 0", "2"]);
    core.told(b, &[r#"{"leave":"r"}"#, r#"{"join":"r"}"#]);
    assert_eq!(core.heard(b)[1..], ["joined r 0", "2"], "word of who comes is no message");
    core.told(b, &[&to("r", 3), r#"{"leave":"r"}"#, r#"{"join":"r"}"#]);
    assert_eq!(core.heard(b)[1..], ["joined r 0"], "its own it does not get");
    let c = core.connect(WS, handshake("/last/r").as_bytes());
    assert!(core.written(c).ends_with(&to("r", 3)), "at the handshake, too");
    (0..2).for_each(|_| core.told(b, &[r#"{"leave":"r"}"#, r#"{"join":"r"}"#]));
    let d = core.connect(WS, handshake("/last/r").as_bytes());
    assert!(core.written(d).ends_with("\r\n\r\n"), "it is gone");
}

#[test]
fn so_many_rooms_and_no_more() {
    for max in [1, 2, 5] {
        let mut core = core_with(Limits { joined_rooms_max: max, ..Limits::default() });
        let a = core.websocket("/plain/home");
        for n in 1..=max {
            core.told(a, &[&format!(r#"{{"join":"r{n}"}}"#)]);
            let answer =
                if n < max { format!("joined r{n} 0") } else { "too-many-joined".to_owned() };
            assert_eq!(core.heard(a), [answer], "{max}");
        }
        core.told(a, &[r#"{"join":"home"}"#, r#"{"leave":"home"}"#, r#"{"join":"one more"}"#]);
        assert_eq!(core.heard(a)[2], "joined one more 0");
    }
    let mut core = core_with(Limits { rooms_max: 2, ..Limits::default() });
    let a = core.websocket("/plain/home");
    core.told(a, &[r#"{"join":"r"}"#, r#"{"join":"s"}"#, r#"{"leave":"r"}"#, r#"{"join":"s"}"#]);
    let expected = ["joined r 0", "too-many-rooms", r#"{"left":{"room":"r"}}"#, "joined s 0"];
    assert_eq!(core.heard(a), expected, "a room that nobody is in is none");
    assert_eq!(core.hub.holdings().rooms, 2);
}

#[test]
fn who_ends_leaves_every_room_and_its_rooms_go_with_it() {
    let mut core = core();
    let a = core.websocket("/plain/home");
    let joins: Vec<String> = (0..20).map(|n| format!(r#"{{"join":"r{n}"}}"#)).collect();
    core.told(a, &joins.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(core.hub.holdings().rooms, 21);
    let counts =
        |core: &Core, room| core.hub.room_info(room).map(|info| (info.connections, info.members));
    assert_eq!(counts(&core, "r7"), Some((1, 1)));
    // It ends with a join on its way.
    core.say(a, &[r#"{"join":"one more"}"#]);
    core.engine.receive_error(a, core.now);
    core.turn();
    core.turn();
    assert_eq!(core.hub.holdings().rooms, 1, "the close event is in the log of one");
    assert_eq!(counts(&core, "home"), Some((0, 0)));
}

#[test]
fn refusals_in_a_row_end_the_connection_and_what_is_accepted_ends_the_row() {
    let mut core = core_with(Limits { refusals_max: 2, ..Limits::default() });
    let a = core.websocket("/plain/home");
    for accepted in [r#"{"join":"r"}"#, r#"{"join":"r"}"#, "x", &to("r", 1), r#"{"leave":"r"}"#] {
        core.told(a, &[r#"{"leave":"nowhere"}"#, accepted]);
    }
    core.told(a, &[r#"{"leave":"nowhere"}"#, r#"{"join":0}"#]);
    assert_eq!(core.heard(a).last().map(String::as_str), Some("close 1008"));
}

#[test]
fn a_reload_changes_nothing_for_those_who_are_there() {
    let mut core = core();
    let (a, b) = (core.websocket("/all/home"), core.websocket("/all/home"));
    core.told(a, &[r#"{"join":"r"}"#]);
    core.engine.adopt(Arc::new(Policy::default()));
    core.told(b, &[r#"{"join":"r","since":"earliest"}"#, &to("r", 1)]);
    core.told(a, &[r#"{"leave":"r"}"#]);
    assert_eq!(core.heard(a)[1..], ["joined r 0", "join", &to("r", 1), r#"{"left":{"room":"r"}}"#]);
    let refused = core.connect(WS, handshake("/all/home").as_bytes());
    assert!(core.written(refused).contains("no-such-route"));
}

/// `type` and `room` of each event that a full stream was sent.
fn told_of(core: &mut Core, stream: ConnKey) -> Vec<String> {
    let written = core.written(stream);
    let data = written.lines().filter_map(|line| line.strip_prefix("data: "));
    let events = data.map(|data| serde_json::from_str::<Value>(data).expect("JSON"));
    let word = |event: Value| {
        format!("{} {}", event["type"].as_str().unwrap(), event["room"].as_str().unwrap())
    };
    events.map(word).collect()
}

#[test]
fn who_takes_over_a_name_comes_when_the_other_has_gone() {
    let mut core = core();
    let stream = core.stream_of("format=full");
    let old = core.websocket("/named/home?connectionId=a");
    core.told(old, &[r#"{"join":"r"}"#]);
    let new = core.websocket("/named/home?connectionId=a&since=earliest");
    core.turn();
    core.told(new, &["mine"]);
    let expected =
        ["join home", "join r", "leave home", "leave r", "close home", "join home", "message home"];
    assert_eq!(told_of(&mut core, stream), expected);
    // It hears what the session before it did, and nothing of its own.
    assert_eq!(core.heard(new), ["leave"]);
}

#[test]
fn the_last_message_comes_alone_also_when_it_is_compressed() {
    let mut core = core();
    let a = core.websocket("/all/r");
    let said: Vec<String> = (0..3).map(|n| format!("{n}{}", "x".repeat(1000))).collect();
    core.say(a, &said.iter().map(String::as_str).collect::<Vec<_>>());
    core.turn();
    let b = core.connect(WS, &super::offer("/last/r"));
    let written = core.written.remove(&b).unwrap_or_default();
    let head = written.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let frame = &written[head..];
    assert_eq!((frame[0], usize::from(frame[1])), (0xc1, frame.len() - 2), "one frame, compressed");
    let mut read = Vec::new();
    let inflated = Inflater::default().inflate(&frame[2..], true, 2000, &mut read);
    assert_eq!((inflated, String::from_utf8(read).as_ref()), (Ok(()), Ok(&said[2])));
}

#[test]
fn who_has_left_its_home_room_still_speaks_there() {
    let mut core = core();
    let (a, b) = (core.websocket("/plain/home"), core.websocket("/plain/home"));
    core.told(a, &[r#"{"leave":"home"}"#, "hello", &to("home", 1)]);
    assert_eq!(core.heard(a), [r#"{"left":{"room":"home"}}"#, "not-joined"]);
    core.told(b, &["do you hear?"]);
    assert_eq!(core.heard(a), [""; 0]);
    assert_eq!(core.heard(b), ["hello"]);
}
