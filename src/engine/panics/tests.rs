//! A panic on purpose, and what everybody else sees of it.
//!
//! Knows: the engine's face, the places where it can be made to panic.
//! Must not know: sockets.

use super::*;
use crate::engine::Policy;
use crate::engine::tests::core::{Core, HTTP, WS, handshake, message, text};
use crate::engine::{Action, Letter};
use crate::limits::Limits;
use crate::routes::{Behaviour, Broadcast, Pattern, Route, Table};
use std::cell::Cell;

thread_local! {
    static SET: Cell<Option<Trap>> = const { Cell::new(None) };
}

pub(in crate::engine) fn set(trap: Trap) {
    SET.set(Some(trap));
}

pub(super) fn spring(here: Trap) {
    if SET.get() == Some(here) {
        SET.set(None);
        panic!("on purpose");
    }
}

const CLOSE_1011: &str = "\u{fffd}\u{10}\u{3}\u{fffd}internal error";
const CLOSE_OF_A: &str =
    r#"{"close":{"connectionId":"a","code":1011,"reason":"internal error","by":"server""#;

#[test]
fn a_panic_costs_one_connection_and_no_other() {
    let mut core = Core::new();
    let stream = core.stream();
    let (a, b) = (core.websocket("/?connectionId=a"), core.websocket("/?connectionId=b"));
    core.written.clear();
    core.say(a, &[&message("a", 1)]);
    core.say(b, &[&message("b", 1)]);
    SET.set(Some(Trap::Published));
    // What came with the message at which it panicked is not published: not even what was before.
    core.say(a, &[&message("a", 3), &message("a", 4)]);
    core.say(b, &[&message("b", 2)]);
    core.turn();
    assert_eq!((core.panics(), SET.get()), (1, None));
    assert_eq!(core.written(a), CLOSE_1011);
    let expected =
        [message("a", 1), message("b", 1), message("b", 2), CLOSE_OF_A.to_owned()].to_vec();
    assert_eq!(core.events(stream), expected);
    // Nothing that it says now counts, its name is free, and everybody else goes on.
    core.say(a, &[&message("a", 5)]);
    let again = core.websocket("/?connectionId=a");
    core.say(again, &[&message("a", 6)]);
    core.say(b, &[&message("b", 3)]);
    core.turn();
    let a = r#"{"connectionId":"a"}"#.to_owned();
    assert_eq!(core.events(stream), [a, message("a", 6), message("b", 3)]);
    assert_eq!(core.panics(), 1);
}

#[test]
fn what_was_sealed_on_the_way_is_taken_back_too() {
    let mut core = Core::new();
    let stream = core.stream();
    let (a, b) = (core.websocket("/?connectionId=a"), core.websocket("/?connectionId=b"));
    core.written.clear();
    core.say(b, &[&message("b", 1)]);
    // Two of them fill a chunk. The last byte of the last is in a read of its own, and it panics
    // there: when the chunk before it has been sealed.
    let long = format!("{{\"connectionId\":\"a\",\"x\":\"{}\"}}", "x".repeat(30_000));
    (0..2).for_each(|_| core.say(a, &[&long]));
    let held = core.hub.holdings().pinned_bytes;
    let frames: Vec<u8> = (0..5).flat_map(|_| text(&long)).collect();
    let last = frames.len() - 1;
    core.receive(a, &frames[..last]);
    let grown = core.hub.holdings().pinned_bytes;
    assert!(grown > held, "chunks were sealed: {held} {grown}");
    SET.set(Some(Trap::Published));
    core.receive(a, &frames[last..]);
    core.say(b, &[&message("b", 2)]);
    core.turn();
    let expected: Vec<String> = [message("b", 1)]
        .into_iter()
        .chain(std::iter::repeat_n(long, 6))
        .chain([message("b", 2), CLOSE_OF_A.to_owned()])
        .collect();
    assert_eq!(core.events(stream), expected);
    assert_eq!(core.hub.holdings().pinned_bytes, 0, "nothing is held that no log has");
}

#[test]
fn a_panic_with_the_handshake_in_one_read_takes_back_what_it_published() {
    for trap in [Trap::Handshake, Trap::Published] {
        let mut core = Core::new();
        let stream = core.stream();
        let b = core.websocket("/?connectionId=b");
        core.written.clear();
        core.say(b, &[&message("b", 1)]);
        SET.set(Some(trap));
        let bytes = [handshake("/?connectionId=a").into_bytes(), text(&message("a", 1))].concat();
        let a = core.connect(WS, &bytes);
        assert_eq!(core.panics(), 1, "{trap:?}");
        let written = core.written(a);
        let (head, close) = written.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 101 "), "{written}");
        assert_eq!(close, CLOSE_1011);
        assert_eq!(core.events(stream), [message("b", 1), CLOSE_OF_A.to_owned()], "{trap:?}");
        assert_eq!(core.hub.holdings().registered, 1);
    }
}

#[test]
fn an_answer_that_is_half_written_is_never_sent() {
    let mut core = Core::new();
    let echo = core.websocket("/echo");
    let other = core.websocket("/echo");
    core.say(echo, &["one"]);
    SET.set(Some(Trap::HalfAnAnswer));
    core.say(echo, &["two"]);
    core.say(other, &["three"]);
    core.turn();
    assert_eq!(core.written(echo), format!("\u{fffd}\u{3}one{CLOSE_1011}"));
    assert_eq!(core.written(other), "\u{fffd}\u{5}three");
}

#[test]
fn a_request_is_told_that_the_server_failed_on_it() {
    let mut core = Core::new();
    let hello = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let other = core.connect(HTTP, hello.as_bytes());
    assert!(core.written(other).starts_with("HTTP/1.1 200 "));
    SET.set(Some(Trap::Request));
    let key = core.connect(HTTP, hello.repeat(3).as_bytes());
    let written = core.written(key);
    assert!(written.starts_with("HTTP/1.1 500 Internal Server Error\r\n"), "{written}");
    assert!(written.contains("\r\nConnection: close\r\n"), "{written}");
    assert!(written.contains(r#""code":"internal-error""#), "{written}");
    assert_eq!(written.matches("HTTP/1.1").count(), 1, "nothing behind it is answered: {written}");
    core.receive(other, hello.as_bytes());
    core.turn();
    assert!(core.written(other).starts_with("HTTP/1.1 200 "));
    assert_eq!(core.panics(), 1);
}

#[test]
fn a_deadline_at_which_it_panics_ends_the_connection() {
    let mut core = Core::new();
    let stream = core.stream();
    let a = core.websocket("/?connectionId=a");
    core.written.clear();
    // Nobody was late: the process was. The next look is the one that counts.
    core.now.monotonic += Limits::default().ping_interval;
    SET.set(Some(Trap::Deadline));
    core.engine.expire(core.now);
    core.turn();
    assert_eq!((core.panics(), SET.get()), (1, None));
    let told = [core.written(a), core.events(stream).concat()];
    assert_eq!(told, [CLOSE_1011, CLOSE_OF_A]);
}

#[test]
fn a_name_at_whose_hand_over_it_panics_is_free_again() {
    let mut core = Core::new();
    let stream = core.stream();
    let (old, new) = (core.websocket("/?connectionId=a"), core.websocket("/"));
    core.written.clear();
    SET.set(None);
    core.say(new, &[&message("a", 1)]);
    core.engine.commit(core.now);
    // The owner is told first; the trap is for the letter that hands the name over.
    let mut letters: Vec<Letter> = Vec::new();
    while let Some(action) = core.engine.poll_action() {
        if let Action::Post(_, letter) = action {
            letters.push(letter);
        }
    }
    assert_eq!(letters, [Letter::Replaced(old)]);
    core.engine.collect(letters[0].clone(), core.now);
    SET.set(Some(Trap::Published));
    core.turn();
    core.turn();
    assert_eq!((core.panics(), SET.get()), (1, None));
    let replaced = r#"{"close":{"connectionId":"a","code":4409,"reason":"replaced","by":"server""#;
    assert_eq!(core.events(stream), [replaced, CLOSE_OF_A]);
    assert_eq!(core.written(new), CLOSE_1011);
    assert_eq!(core.hub.holdings().registered, 0);
}

/// A core with one route whose members join rooms and are told of one another.
fn core_with_rooms() -> Core {
    let settings = Broadcast { rooms: true, presence: true, ..Broadcast::default() };
    let path = Pattern::parse("/rooms/{room}").expect("a path");
    let routes = Table::new(vec![Route::new(path, Behaviour::Broadcast(settings))]);
    Core::of(Policy { routes: routes.expect("one route"), ..Policy::default() })
}

/// What a stream was told since, without the longest.
fn told(core: &mut Core, stream: ConnKey) -> Vec<String> {
    let events = core.written(stream);
    let events = events.split("\n\n").filter(|event| event.contains("data: "));
    let word = |event: &str| {
        let name = event.lines().find_map(|line| line.strip_prefix("event: "));
        let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap_or_default();
        let message = data.split("\"message\":").nth(1).map(|text| text.trim_end_matches('}'));
        let word = if data.contains("\"close\"") { Some("close") } else { name };
        word.or(message).unwrap_or(data).to_owned()
    };
    events.map(word).collect()
}

#[test]
fn what_was_published_to_several_rooms_is_taken_back_from_each() {
    let mut core = core_with_rooms();
    let (a, b) = (core.websocket("/rooms/one"), core.websocket("/rooms/one"));
    for key in [a, b] {
        core.say(key, &[r#"{"join":"two"}"#]);
        core.turn();
        core.receive(key, b"");
    }
    core.turn();
    let (one, two) = (core.stream_of("room=one"), core.stream_of("room=two"));
    core.say(b, &["1", r#"{"to":"two","n":1}"#]);
    core.say(a, &["2", r#"{"to":"two","n":2}"#]);
    // Enough to fill a chunk in each; then it asks for what it has, and is not answered.
    let long = "x".repeat(40_000);
    let to_two = format!(r#"{{"to":"two","x":"{long}"}}"#);
    SET.set(Some(Trap::HalfAnAnswer));
    core.say(a, &["3", &to_two, &long, &to_two, &long, &to_two, r#"{"join":"one"}"#, "4"]);
    core.say(b, &["5", r#"{"to":"two","n":5}"#]);
    core.turn();
    assert_eq!((core.panics(), SET.get()), (1, None));
    assert_eq!(told(&mut core, one), [r#""1""#, r#""2""#, "leave", r#""5""#, "close"]);
    let to_two = |n: u32| format!(r#"{{"to":"two","n":{n}}}"#);
    assert_eq!(told(&mut core, two), [to_two(1), to_two(2), "leave".to_owned(), to_two(5)]);
    // What streams were shown is charged to the logs with the next visit.
    core.turn();
    assert_eq!(core.hub.holdings().pinned_bytes, 0);
}

#[test]
fn a_room_in_whose_joining_it_panics_was_never_joined() {
    let mut core = core_with_rooms();
    let stream = core.stream();
    let a = core.websocket("/rooms/one");
    SET.set(Some(Trap::Published));
    core.say(a, &[r#"{"join":"two"}"#]);
    core.turn();
    core.turn();
    assert_eq!((core.panics(), SET.get()), (1, None));
    assert_eq!(told(&mut core, stream), ["join", "leave", "close"]);
    assert_eq!(core.hub.room_info("two").map(|room| room.members), None, "nobody is in it");
    // So it is with one that it joins by coming.
    SET.set(Some(Trap::Handshake));
    core.websocket("/rooms/three");
    core.turn();
    assert_eq!((core.panics(), SET.get()), (2, None));
    assert_eq!(told(&mut core, stream), ["close"]);
    let counts = core.hub.room_info("three").map(|room| (room.connections, room.members));
    assert_eq!(counts, Some((0, 0)), "its log has the close");
}

/// It is closed, so who asked is told that it is gone; nothing of the message is sent.
#[test]
fn a_connection_that_panics_while_the_api_tells_it_something_is_gone() {
    let mut core = Core::new();
    let a = core.websocket("/?connectionId=a");
    SET.set(Some(Trap::HalfAnAnswer));
    let body = r#"{"text":"hello"}"#;
    let head = "POST /api/connections/a HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/json\r\nContent-Length: 16\r\n\r\n";
    let client = core.connect(HTTP, format!("{head}{body}").as_bytes());
    core.turn();
    assert_eq!((core.panics(), SET.get()), (1, None));
    let answer = core.written(client);
    assert!(answer.starts_with("HTTP/1.1 410 ") && answer.contains("connection-gone"), "{answer}");
    assert_eq!(core.written(a), CLOSE_1011);
    // Whoever asked goes on.
    core.receive(client, format!("{head}{body}").as_bytes());
    core.turn();
    assert!(core.written(client).starts_with("HTTP/1.1 404 "));
}

/// A request that panics publishes nothing, although it was answered with nothing yet.
#[test]
fn a_request_that_panics_is_told_so() {
    let mut core = Core::new();
    let stream = core.stream();
    SET.set(Some(Trap::Request));
    let head = "POST /api/messages HTTP/1.1\r\nHost: localhost\r\n\
                Content-Type: application/json\r\nContent-Length: 16\r\n\r\n";
    let client = core.connect(HTTP, format!("{head}{{\"text\":\"hello\"}}").as_bytes());
    let answer = core.written(client);
    assert!(answer.starts_with("HTTP/1.1 500 ") && answer.contains("internal-error"), "{answer}");
    assert_eq!(core.events(stream), [""; 0]);
}
