//! Readers who may read some rooms only: what they get, and that they learn nothing else.
//!
//! Knows: one core by itself, keys with rights to read.
//! Must not know: how a reader is fed.

mod interference;

use super::core::{Core, HTTP, WS, handshake};
use crate::auth::{Access, Door, Glob, Globs, Keyring, Rights, Secret};
use crate::bytes::{ConnKey, Now};
use crate::engine::{Policy, Said};
use crate::hub::Api;
use crate::limits::Limits;
use crate::sse::LastEventId;
use std::sync::Arc;
use std::time::Duration;

/// Keys by the first letters of what they may read.
const READERS: [(&str, &[&str]); 3] = [
    ("all-rooms-there-are", &["*"]),
    ("in-rooms-and-more", &["in.*", "also"]),
    ("in-a", &["in.a"]),
];
const SECRETS: [&str; 3] = ["key-of-all-000000", "key-of-in-0000000", "key-of-in-a-00000"];
pub(super) const ALL: usize = 0;
pub(super) const IN: usize = 1;
pub(super) const IN_A: usize = 2;

fn globs(texts: &[&str]) -> Globs {
    Globs::new(texts.iter().map(|text| Glob::parse(text).expect("a pattern")).collect())
}

/// A core that asks for keys.
pub(super) struct Node {
    pub(super) core: Core,
}

impl Node {
    pub(super) fn new(limits: Limits) -> Node {
        let mut keyring = Keyring::new(&limits);
        for ((name, rooms), secret) in READERS.iter().zip(SECRETS) {
            let rights = Rights { subscribe: globs(rooms), ..Rights::usual() };
            keyring.add_static(name, &Secret::new(secret.as_bytes().to_vec()), rights);
        }
        let access = Access { keyring, door: Arc::new(Door::default()), ..Access::default() };
        let limits = Arc::new(limits);
        Node { core: Core::of(Policy { limits, access: Arc::new(access), ..Policy::default() }) }
    }

    fn ask(&mut self, listener: u8, head: &str, reader: usize) -> ConnKey {
        let key = format!("\r\nAuthorization: Bearer {}\r\n\r\n", SECRETS[reader]);
        self.core.connect(listener, head.replace("\r\n\r\n", &key).as_bytes())
    }

    /// A WebSocket of somebody who may do anything.
    pub(super) fn websocket(&mut self, path: &str) -> ConnKey {
        let key = self.ask(WS, &handshake(path), ALL);
        self.core.written.remove(&key);
        key
    }

    /// A stream of what `query` says.
    pub(super) fn stream(&mut self, reader: usize, query: &str) -> ConnKey {
        let head = format!("GET /events?{query} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        self.ask(HTTP, &head, reader)
    }

    pub(super) fn say(&mut self, key: ConnKey, text: &str) {
        self.core.say(key, &[text]);
        self.turn();
    }

    /// Turns until nothing is left to do now.
    pub(super) fn turn(&mut self) {
        self.turn_taking(usize::MAX);
    }

    pub(super) fn turn_taking(&mut self, most: usize) {
        self.core.turn_taking(most);
        for _ in 0..100 {
            if self.core.engine.next_deadline() > self.core.now.monotonic {
                return;
            }
            self.core.turn_taking(most);
        }
        panic!("it never rests");
    }

    pub(super) fn later(&mut self, seconds: u64) {
        let Now { monotonic, unix_ms } = self.core.now;
        let monotonic = monotonic + Duration::from_secs(seconds);
        self.core.now = Now { monotonic, unix_ms: unix_ms + 1000 * seconds };
        self.core.engine.expire(self.core.now);
        self.turn();
    }

    /// What a stream was sent since it was last looked at, without its head.
    pub(super) fn read(&mut self, stream: ConnKey) -> String {
        let written = self.core.written(stream);
        match written.split_once("\r\n\r\n") {
            Some((head, body)) if head.starts_with("HTTP/1.1 ") => {
                assert!(head.starts_with("HTTP/1.1 200 "), "{written}");
                body.to_owned()
            }
            _ => written,
        }
    }

    /// What was said, of all that a stream was sent.
    fn said(&mut self, stream: ConnKey) -> Vec<String> {
        let read = self.read(stream);
        let data = read.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| data.rsplit("\"n\":").next().unwrap_or(data).replace('}', "")).collect()
    }

    fn relay(&mut self, room: &str, name: &str) -> ConnKey {
        self.websocket(&format!("/ws/{room}?connectionId={name}"))
    }
}

/// What `name` says.
pub(super) fn said_by(name: &str, n: u32) -> String {
    format!("{{\"connectionId\":\"{name}\",\"n\":{n}}}")
}

fn ids(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.strip_prefix("id: ")).map(str::to_owned).collect()
}

#[test]
fn who_names_no_room_reads_all_in_reach_also_those_that_come_later() {
    let mut node = Node::new(Limits::default());
    let (a, out) = (node.relay("in.a", "a"), node.relay("out", "out"));
    let whole = [node.stream(IN, ""), node.stream(IN, "format=full")];
    let of_out = node.stream(IN, "connectionId=out");
    let of_a = node.stream(IN_A, "");
    let all = node.stream(ALL, "");
    for stream in [whole[0], whole[1], of_out, of_a, all] {
        node.read(stream);
    }
    node.say(a, &said_by("a", 1));
    node.say(out, &said_by("out", 2));
    let late = node.relay("in.b", "b");
    node.say(late, &said_by("b", 3));
    let also = node.relay("also", "c");
    node.say(also, &said_by("c", 4));
    // The name is worth nothing without the room: `out` in a room that may be read is read.
    node.core.engine.receive_error(out, node.core.now);
    node.turn();
    let again = node.relay("in.b", "out");
    node.say(again, &said_by("out", 5));
    let api = Api { ticket: 1, except: Box::default() };
    assert!(node.core.engine.publish("*", Said::Text("{\"n\":6}"), api), "to everybody");
    node.turn();
    for stream in whole {
        let said = node.said(stream);
        let numbers: Vec<&str> =
            said.iter().filter(|one| one.len() == 1).map(String::as_str).collect();
        assert_eq!(numbers, ["1", "3", "4", "5"], "{said:?}");
    }
    assert_eq!(node.said(of_out).last().expect("it was read"), "5");
    assert_eq!(node.said(of_a), ["1"]);
    assert!(node.said(all).iter().any(|said| said == "6"), "and others read everything");
}

#[test]
fn ids_are_sealed_for_those_who_may_not_read_everything() {
    let mut node = Node::new(Limits::default());
    let a = node.relay("in.a", "a");
    let (all, other) = (node.stream(ALL, "room=in.a"), node.relay("out", "out"));
    let some: Vec<ConnKey> =
        ["", "room=in.a", "room=in.a&room=also", "connectionId=a", "room=in.a&connectionId=a"]
            .into_iter()
            .map(|query| node.stream(IN, query))
            .collect();
    for n in 0..3 {
        node.say(a, &said_by("a", n));
        node.say(other, &said_by("out", n));
    }
    let epoch = *node.core.hub.epoch();
    let plain = ids(&node.read(all));
    assert!(plain.iter().all(|id| id.contains('-')), "{plain:?}");
    let mut told = Vec::new();
    for stream in some {
        let read = node.read(stream);
        let sealed = ids(&read);
        assert_eq!(sealed.len(), 4, "a position and three events: {read}");
        for (id, plain) in sealed[1..].iter().zip(&plain[1..]) {
            let open = LastEventId::parse(id.as_bytes(), &epoch);
            assert_eq!(open, LastEventId::parse(plain.as_bytes(), &epoch));
            assert_eq!((id.len(), &id[7..8]), (19, "."));
        }
        told.push(sealed[0].clone());
    }
    // All but the first begin at the same place, and none of them can tell.
    told.sort_unstable();
    told.dedup();
    assert_eq!(told.len(), 5);
}

#[test]
fn a_sealed_id_is_come_back_with_and_a_number_that_was_never_told_says_nothing() {
    let mut node = Node::new(Limits::default());
    let (a, out) = (node.relay("in.a", "a"), node.relay("out", "out"));
    let (sealed, plain) = (node.stream(IN, ""), node.stream(ALL, ""));
    for n in 0..5 {
        node.say(a, &said_by("a", n));
        node.say(out, &said_by("out", n));
    }
    let (sealed, plain) = (ids(&node.read(sealed)), ids(&node.read(plain)));
    for (at, id) in sealed.iter().enumerate() {
        for query in ["", "room=in.a&", "connectionId=a&"] {
            let stream = node.stream(IN, &format!("{query}lastEventId={id}"));
            let expected: Vec<String> = (at..5).map(|n| n.to_string()).collect();
            assert_eq!(node.said(stream), expected, "{id}");
        }
        // Whoever may read everything may come back with one, too.
        let stream = node.stream(ALL, &format!("room=in.a&lastEventId={id}"));
        assert_eq!(node.said(stream).len(), 5 - at);
    }
    for id in plain.iter().map(String::as_str).chain(["0000001-00000000000", "odd"]) {
        let stream = node.stream(IN, &format!("lastEventId={id}"));
        let read = node.read(stream);
        assert!(read.contains("event: gap\n") && read.contains("{\"missed\":null}"), "{read}");
        assert_eq!(read.matches("\"n\":").count(), 5, "{read}");
    }
}

#[test]
fn a_position_comes_with_every_heartbeat_whatever_others_do() {
    let mut node = Node::new(Limits::default());
    let out = node.relay("out", "out");
    let streams: Vec<ConnKey> =
        ["", "room=in.a", "format=full"].iter().map(|query| node.stream(IN, query)).collect();
    streams.iter().for_each(|stream| _ = node.read(*stream));
    let mut seen = Vec::new();
    for is_busy in [false, true, false] {
        if is_busy {
            node.say(out, &said_by("out", 1));
        }
        node.later(8);
        node.later(8);
        for stream in &streams {
            let read = node.read(*stream);
            assert!(read.starts_with("id: ") && read.lines().count() == 2, "{read}");
            seen.extend(ids(&read));
        }
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 9, "no two of them look the same");
}

#[test]
fn a_gap_is_told_for_what_is_in_reach_and_for_nothing_else() {
    let limits = Limits { room_log_events_max: 2, ..Limits::default() };
    let mut node = Node::new(limits);
    let (a, b, out) = (node.relay("in.a", "a"), node.relay("in.b", "b"), node.relay("out", "out"));
    let stream = node.stream(IN, "");
    let began = ids(&node.read(stream)).pop().expect("a position");
    let keeper = node.relay("also", "c");
    node.say(keeper, &said_by("c", 0));
    for n in 0..10 {
        node.say(out, &said_by("out", n));
    }
    node.say(b, &said_by("b", 1));
    let resume = |node: &mut Node, reader, id: &str| {
        let stream = node.stream(reader, &format!("lastEventId={id}&follow=false"));
        node.read(stream)
    };
    let read = resume(&mut node, IN, &began);
    assert!(!read.contains("gap"), "what is gone was out of reach: {read}");
    for n in 0..5 {
        node.say(a, &said_by("a", n));
        node.say(out, &said_by("out", n));
    }
    let read = resume(&mut node, IN, &began);
    assert_eq!(read.matches("event: gap\n").count(), 1, "{read}");
    assert_eq!(read.matches("{\"missed\":null}").count(), 1, "{read}");
    let places = ["\"c\"", "\"b\"", "gap", "\"n\":3", "\"n\":4"].map(|what| read.find(what));
    assert!(places.is_sorted() && places[0].is_some(), "where it is missing: {read}");
    // For somebody who may read less there is less to be told of.
    let read = resume(&mut node, IN_A, &began);
    assert_eq!((read.matches("gap").count(), read.matches("data: {\"conn").count()), (1, 2));
    // Rooms that are no more are remembered by their names, and so is what they lost.
    node.core.engine.receive_error(out, node.core.now);
    node.core.engine.receive_error(a, node.core.now);
    node.core.engine.receive_error(b, node.core.now);
    for _ in 0..40 {
        node.later(10);
    }
    assert_eq!(node.core.hub.holdings().rooms, 1);
    let now = node.stream(IN, "");
    let now = ids(&node.read(now)).pop().expect("a position");
    let another = node.relay("out", "out");
    for n in 0..10 {
        node.say(another, &said_by("out", n));
    }
    node.core.engine.receive_error(another, node.core.now);
    for _ in 0..40 {
        node.later(10);
    }
    assert_eq!(node.core.hub.holdings().rooms, 1);
    assert_eq!(resume(&mut node, IN, &now).matches("gap").count(), 0);
    assert_eq!(resume(&mut node, IN, &began).matches("gap").count(), 1);
}

#[test]
fn who_reads_some_connections_and_falls_behind_gets_theirs_and_no_others() {
    let mut node = Node::new(Limits::default());
    let (a, b) = (node.relay("in.a", "a"), node.relay("in.b", "b"));
    let stream = node.stream(IN, "connectionId=a");
    for n in 1..4 {
        node.core.say(a, &[&said_by("a", n)]);
        node.core.say(b, &[&said_by("b", 10 * n)]);
        node.turn_taking(10);
    }
    node.core.flush(stream);
    node.turn();
    assert_eq!(node.said(stream), ["1", "2", "3"]);
}
