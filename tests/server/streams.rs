//! Event streams: where they begin, what they leave out, and that nothing is left out silently.

use crate::support::events::Lines;
use crate::support::{Event, EventStream, Server, WebSocket, http};

/// A client in `room` that said `n` = 0 to `count` - 1 under its name, and is still there.
fn speak(server: &Server, path: &str, id: &str, count: usize) -> WebSocket {
    let mut client = WebSocket::connect(server.ws, path);
    (0..count).for_each(|n| client.say(&format!(r#"{{"connectionId":"{id}","n":{n}}}"#)));
    client
}

fn numbers(events: &[Event]) -> Vec<u64> {
    events.iter().map(|event| event.json()["n"].as_u64().expect(&event.data)).collect()
}

#[test]
fn the_head_says_what_proxies_and_caches_must_know() {
    let server = Server::start(&[]);
    let stream = EventStream::open(server.http, "/events");
    assert_eq!(stream.head.header("cache-control"), Some("no-store, no-transform"));
    assert_eq!(stream.head.header("x-accel-buffering"), Some("no"));
    assert_eq!(stream.head.header("transfer-encoding"), None);
    assert_eq!(stream.head.header("content-length"), None);
    let retry = stream.retry.unwrap();
    assert!((1000..=3000).contains(&retry), "{retry}");
    let ids = [stream.last_id.as_str()];
    let is_id_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
    assert!(ids.iter().all(|id| id.len() <= 128 && id.bytes().all(is_id_byte)));
}

#[test]
fn a_stream_goes_on_where_it_was_cut() {
    let server = Server::start(&[]);
    let mut first = EventStream::open(server.http, "/events");
    let mut client = speak(&server, "/", "a", 10);
    let seen = first.take(4);
    let last_id = first.last_id.clone();
    drop(first);
    let mut header = EventStream::resume(server.http, "/events", &last_id);
    let parameter = format!("/events?lastEventId={last_id}");
    let mut parameter = EventStream::open(server.http, &parameter);
    // The header is what a browser knows; the parameter is what a page once wrote.
    let stale = format!("/events?lastEventId={}", seen[0].id);
    let mut both = EventStream::resume(server.http, &stale, &last_id);
    client.say(r#"{"connectionId":"a","n":10}"#);
    for stream in [&mut header, &mut parameter, &mut both] {
        assert_eq!(numbers(&stream.take(7)), [4, 5, 6, 7, 8, 9, 10]);
    }
}

#[test]
fn a_stream_that_saw_no_event_yet_loses_none() {
    let server = Server::start(&[]);
    let cut = EventStream::open(server.http, "/events").last_id;
    let mut client = speak(&server, "/", "a", 2);
    client.ping(b"all said");
    client.hear();
    let mut back = EventStream::resume(server.http, "/events", &cut);
    assert_eq!(numbers(&back.take(2)), [0, 1]);
}

#[test]
fn the_past_can_be_had_and_the_end_too() {
    let server = Server::start(&[]);
    let client = speak(&server, "/", "a", 3);
    client.leave(1000, "");
    let mut earliest = EventStream::open(server.http, "/events?since=earliest&follow=false");
    let events = earliest.rest();
    assert_eq!(numbers(&events[..3]), [0, 1, 2]);
    assert!(events[3].close().is("a", 1000, "client") && events.len() == 4);
    let target = format!("/events?follow=false&lastEventId={}", events[1].id);
    assert_eq!(EventStream::open(server.http, &target).rest(), events[2..]);
    assert_eq!(EventStream::open(server.http, "/events?follow=false").rest(), []);
    let mut follows = EventStream::open(server.http, "/events?since=earliest");
    let _client = speak(&server, "/", "b", 1);
    let all = follows.take(5);
    assert_eq!(all[..4], events);
    assert_eq!(all[4].json()["connectionId"], "b");
}

#[test]
fn filters_by_room_and_connection_hold_for_past_and_present() {
    let server = Server::start(&[]);
    let target = "/events?connectionId=b&connectionId=c&room=main";
    let mut live = EventStream::open(server.http, target);
    let a = speak(&server, "/", "a", 2);
    let b = speak(&server, "/", "b", 2);
    let c = speak(&server, "/ws/elsewhere", "c", 2);
    for client in [a, b, c] {
        client.leave(1000, "");
    }
    let seen = live.take(3);
    assert_eq!(numbers(&seen[..2]), [0, 1]);
    assert_eq!(seen[2].close().id, "b");
    let past = format!("{target}&since=earliest&follow=false");
    assert_eq!(EventStream::open(server.http, &past).rest(), seen);
    let none = "/events?room=empty&since=earliest&follow=false";
    assert_eq!(EventStream::open(server.http, none).rest(), []);
    let all = EventStream::open(server.http, "/events?since=earliest&follow=false").rest();
    assert_eq!(all.len(), 9);
    // An id is good with any filter.
    let target = format!("/events?connectionId=c&follow=false&lastEventId={}", seen[2].id);
    let rest = EventStream::open(server.http, &target).rest();
    assert_eq!(rest.last().map(|event| event.close().id), Some("c".to_owned()));
}

#[test]
fn the_full_format_says_all_that_is_known() {
    let server = Server::start(&[]);
    let mut plain = EventStream::open(server.http, "/events");
    let mut full = EventStream::open(server.http, "/events?format=full");
    let mut lines = Lines::open(server.http, "/events");
    let mut client = speak(&server, "/ws/blue", "a", 1);
    client.say_binary(b"xyz");
    client.leave(4000, "enough");
    for kind in ["message", "binary", "close"] {
        let (event, full, line) =
            (plain.next().unwrap(), full.next().unwrap(), lines.next().unwrap());
        assert_eq!(full.json(), line);
        assert_eq!(full.name, "message");
        assert_eq!((&line["id"], &line["room"]), (&event.id.clone().into(), &"blue".into()));
        assert_eq!((&line["connectionId"], &line["type"]), (&"a".into(), &kind.into()));
        assert_eq!(line["data"], event.json());
        assert!(line["session"].is_u64() && line["at"].as_u64() > Some(1_600_000_000_000));
    }
    let mut ended = Lines::open(server.http, "/events?since=earliest&follow=false");
    assert_eq!(std::iter::from_fn(|| ended.next()).count(), 3);
}

#[test]
fn what_is_wrong_with_a_stream_is_told() {
    let server = Server::start(&["--max-filters", "2"]);
    for (query, code) in [
        ("roomm=x", "unknown-parameter"),
        ("since=yesterday", "bad-parameter"),
        ("follow=perhaps", "bad-parameter"),
        ("format=xml", "bad-parameter"),
        ("room=", "bad-room"),
        ("room=a%0Ab", "bad-room"),
        ("connectionId=", "bad-connection-id"),
        ("room=a&room=b&room=c", "too-many-filters"),
    ] {
        let response = http::get(server.http, &format!("/events?{query}"));
        assert_eq!((response.status, response.code().as_str()), (400, code), "{query}");
    }
    // What keeps caches off is not ours to judge.
    EventStream::open(server.http, "/events?_=123");
}

/// Another status than 200 would end an EventSource for good, so any id is taken.
#[test]
fn an_id_that_means_nothing_gets_what_there_is_and_is_told_so() {
    let server = Server::start(&[]);
    speak(&server, "/", "a", 2).leave(1000, "");
    let mut stream = EventStream::open(server.http, "/events?since=earliest");
    let events = stream.take(3);
    let (epoch, _) = events[0].id.split_once('-').unwrap();
    let future = format!("{epoch}-zzzzzzzzzzz");
    for id in ["nonsense", "zzzzzzz-00000000001", &future, "ümläut", &"9".repeat(500)] {
        let mut back = EventStream::resume(server.http, "/events", id);
        assert_eq!(back.next().unwrap().missed(), None, "{id}");
        assert_eq!(back.take(3), events, "{id}");
    }
    // An EventSource that has no id yet sends an empty one.
    let mut empty = EventStream::resume(server.http, "/events?since=earliest", "");
    assert_eq!(empty.take(3), events);
}

const SMALL_LOG: [&str; 6] =
    ["--room-log", "64KiB", "--max-message", "16KiB", "--write-stall", "10m"];

fn speak_at_length(client: &mut WebSocket, n: usize) {
    let padding = "x".repeat(8000);
    client.say(&format!(r#"{{"connectionId":"a","n":{n},"padding":"{padding}"}}"#));
}

#[test]
fn who_comes_back_too_late_is_told_how_much_is_gone() {
    let server = Server::start(&SMALL_LOG);
    let mut stream = EventStream::open(server.http, "/events");
    let mut client = WebSocket::connect(server.ws, "/");
    (0..3).for_each(|n| speak_at_length(&mut client, n));
    stream.take(3);
    let last_id = stream.last_id.clone();
    drop(stream);
    // Whatever is committed together is forgotten together: each is committed by itself.
    let mut witness = EventStream::open(server.http, "/events");
    for n in 3..43 {
        speak_at_length(&mut client, n);
        witness.take(1);
    }
    client.leave(1000, "");
    let mut back = EventStream::resume(server.http, "/events?follow=false", &last_id);
    let gap = back.next().unwrap();
    let missed = gap.missed().expect("on an unfiltered stream the number is known");
    let rest = back.rest();
    let (close, messages) = rest.split_last().unwrap();
    assert!(close.close().is("a", 1000, "client"));
    assert!(missed > 0 && !messages.is_empty());
    assert_eq!(numbers(messages), (3 + missed..43).collect::<Vec<_>>());
    // Whoever is cut right behind the gap is not told of it again.
    let mut again = EventStream::resume(server.http, "/events?follow=false", &gap.id);
    assert_eq!(again.rest(), rest);
}

#[test]
fn a_reader_that_falls_off_the_log_is_told_and_goes_on() {
    let server = Server::start(&SMALL_LOG);
    let mut slow = EventStream::open(server.http, "/events");
    let mut of_room = EventStream::open(server.http, "/events?room=main");
    let mut client = WebSocket::connect(server.ws, "/");
    // More than any socket holds, so that both have to fall behind.
    const MESSAGES: u64 = 2000;
    (0..MESSAGES).for_each(|n| speak_at_length(&mut client, n as usize));
    client.leave(1000, "");
    for stream in [&mut slow, &mut of_room] {
        let (mut next, mut gaps) = (0, 0);
        loop {
            let event = stream.next().unwrap();
            if event.name == "gap" {
                next += event.missed().expect("the number is known");
                gaps += 1;
            } else if event.is_close() {
                break;
            } else {
                assert_eq!(event.json()["n"], next);
                next += 1;
            }
        }
        assert_eq!(next, MESSAGES);
        assert!(gaps > 0, "the log was too small not to lose anything");
    }
}

#[test]
fn a_quiet_stream_has_a_heartbeat() {
    let server = Server::start(&["--heartbeat", "50ms"]);
    let mut stream = EventStream::open(server.http, "/events");
    for _ in 0..3 {
        assert_eq!(stream.wire.read_exactly(2).unwrap(), b":\n");
    }
    // One that leaves things out is told how far it has come.
    let mut filtered = EventStream::open(server.http, "/events?room=elsewhere");
    let start = filtered.last_id.clone();
    let _client = speak(&server, "/", "a", 3);
    while filtered.last_id == start {
        assert_eq!(filtered.block(), Some(None));
    }
    let back = format!("/events?follow=false&lastEventId={}", filtered.last_id);
    assert!(EventStream::open(server.http, &back).rest().len() < 3);
}
