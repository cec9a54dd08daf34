//! W09, W10, W13, W14, W15: how it ends, and that every byte that is sent is one that was meant.

use crate::support::websocket::frame;
use crate::support::{EventStream, Message, Server, WebSocket, http, wait_until};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Barrier;
use std::thread;
use tidegate::ws::Fault;

fn text(text: &str) -> Message {
    Message::Text(text.to_owned())
}

/// A server that waits for a close frame waits for an hour here, and the test would not end.
#[test]
fn a_client_that_broke_the_protocol_is_not_waited_for() {
    let server = Server::start(&["--closing-time", "1h", "--max-fragments", "2"]);
    let too_many = [frame(1, false, b""), frame(0, false, b""), frame(0, false, b"")].concat();
    for (bytes, code) in [
        (frame(0x3, true, b""), 1002),
        (frame(0x1, true, b"\xff"), 1007),
        (frame(0x2, true, &[0; 65_537]), 1009),
        (too_many, 1009),
    ] {
        let mut client = WebSocket::connect(server.ws, "/echo");
        client.wire.write(&bytes);
        assert!(matches!(client.next(), Some(Message::Close(Some(said), _)) if said == code));
        assert_eq!(client.next(), None, "{code}");
    }
}

#[test]
fn a_client_that_ignores_a_close_frame_is_freed() {
    let server = Server::start(&["--closing-time", "100ms", "--max-refusals", "1"]);
    let mut clients: Vec<_> = (0..20).map(|_| WebSocket::connect(server.ws, "/")).collect();
    for client in &mut clients {
        client.say("nonsense");
        assert_eq!(client.next().unwrap().error_code(), "not-json");
        assert!(matches!(client.next(), Some(Message::Close(Some(1008), _))));
        // What it says instead of the close frame that is due neither counts nor helps.
        client.try_say("more nonsense");
        client.wire.try_write(&frame(0x9, true, b"still there?"));
    }
    for client in &mut clients {
        assert_eq!(client.next(), None);
    }
    wait_until("all are freed", || {
        let page = http::get(server.http, "/metrics");
        page.sample("tidegate_connections_closed_total{listener=\"ws\"}") == 20
    });
}

#[test]
fn empty_messages_are_delivered_as_empty() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events?room=a");
    let mut members: Vec<_> = (0..4).map(|_| WebSocket::connect(server.ws, "/chat/a")).collect();
    for member in &mut members {
        member.ping(b"in");
        assert_eq!(member.hear(), Message::Pong(b"in".to_vec()));
    }
    members[0].say("");
    members[0].say_binary(b"");
    members[0]
        .wire
        .write(&[frame(1, false, b""), frame(0, false, b""), frame(0, true, b"")].concat());
    for member in &mut members[1..] {
        assert_eq!(member.hear(), text(""));
        assert_eq!(member.hear(), Message::Binary(Vec::new()));
        assert_eq!(member.hear(), text(""));
    }
    assert_eq!(reader.next().unwrap().json()["message"], "");
    let binary = reader.next().unwrap();
    assert_eq!((binary.name.as_str(), &binary.json()["base64"]), ("binary", &"".into()));
    assert_eq!(reader.next().unwrap().json()["message"], "");
    // On a relay an empty message is no JSON, which is said and harms nobody.
    let mut relay = WebSocket::connect(server.ws, "/ws/a?connectionId=r");
    relay.say("");
    assert_eq!(relay.hear().error_code(), "not-json");
    relay.say_binary(b"");
    reader.take(1);
    assert_eq!(reader.next().unwrap().data, r#"{"connectionId":"r","base64":""}"#);
}

/// What the server must say, byte by byte: RFC 6455 §5.2 written once more, for short payloads.
fn server_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    [&[first, payload.len() as u8], payload].concat()
}

#[test]
fn every_byte_of_an_end_is_one_that_was_meant() {
    let server = Server::start(&[]);
    let long_reason = [&1000_u16.to_be_bytes()[..], &[b'r'; 123]].concat();
    let cases: [(Vec<u8>, Fault); 8] = [
        (vec![0xc1], Fault::ReservedBits),
        (vec![0x8b], Fault::UnknownOpcode(11)),
        (vec![0x81, 0x00], Fault::Unmasked),
        (vec![0x09], Fault::FragmentedControl),
        (vec![0x89, 0xfe], Fault::LongControl),
        (frame(0x8, true, b"\x03"), Fault::BadCloseBody),
        (frame(0x8, true, &[&1000_u16.to_be_bytes()[..], b"\xff"].concat()), Fault::BadUtf8),
        (vec![0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0], Fault::TooBig),
    ];
    let before = [frame(0x1, true, b"a"), frame(0x9, true, &[7; 125]), frame(0x2, true, b"")];
    let answers =
        [server_frame(0x81, b"a"), server_frame(0x8a, &[7; 125]), server_frame(0x82, b"")];
    for (bytes, fault) in cases {
        let code = fault.close_code().0.to_be_bytes();
        let close = server_frame(0x88, &[&code[..], fault.reason().as_bytes()].concat());
        let mut client = WebSocket::connect(server.ws, "/echo");
        client.wire.write(&[&before.concat()[..], &bytes].concat());
        assert_eq!(client.wire.read_to_end(), [answers.concat(), close].concat(), "{fault:?}");
    }
    // Of a reason that was sent to it nothing comes back, however long it was.
    let mut client = WebSocket::connect(server.ws, "/echo");
    client.wire.write(&frame(0x8, true, &long_reason));
    assert_eq!(client.wire.read_to_end(), [0x88, 2, 3, 232]);
}

#[test]
fn no_part_of_the_server_writes_memory_by_hand() {
    for root in ["src/lib.rs", "src/main.rs"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(root);
        let code = std::fs::read_to_string(path).unwrap();
        assert!(code.contains("\n#![forbid(unsafe_code)]\n"), "{root}");
    }
}

const TALKERS: u64 = 4;
const MESSAGES: u64 = 250;

/// What talker `k` of the room `room` says as its `n`-th.
fn said(room: &str, k: u64, n: u64) -> String {
    format!("{room}-canary {k} {n} {}", "x".repeat((n * 31 % 700) as usize))
}

/// Says all it has to, and hears what the others say.
fn talk(addr: SocketAddr, room: &str, k: u64, all_in: &Barrier) {
    let mut client = joined(addr, room);
    all_in.wait();
    for n in 0..MESSAGES {
        client.say(&said(room, k, n));
    }
    let mut heard = Heard::new(room);
    for _ in 0..(TALKERS - 1) * MESSAGES {
        heard.take(client.hear());
    }
    assert_eq!(client.leave(1000, ""), []);
    assert_eq!(heard.next, (0..TALKERS).filter(|l| *l != k).map(|l| (l, MESSAGES)).collect());
}

/// Reads a while, then closes in the middle of the storm.
fn leave_early(addr: SocketAddr, room: &str, after: u64, all_in: &Barrier) {
    let mut client = joined(addr, room);
    all_in.wait();
    let mut heard = Heard::new(room);
    (0..after).for_each(|_| heard.take(client.hear()));
    // The answer is the last that comes; `leave` looks for more.
    client.leave(4000, "enough").into_iter().for_each(|message| heard.take(message));
}

fn joined(addr: SocketAddr, room: &str) -> WebSocket {
    let mut client = WebSocket::connect(addr, &format!("/chat/{room}"));
    client.ping(b"in");
    assert_eq!(client.hear(), Message::Pong(b"in".to_vec()));
    client
}

/// Each talker's messages, in order, none left out, none of anybody else's.
struct Heard<'a> {
    room: &'a str,
    next: HashMap<u64, u64>,
}

impl Heard<'_> {
    fn new(room: &str) -> Heard<'_> {
        Heard { room, next: HashMap::new() }
    }

    fn take(&mut self, message: Message) {
        let Message::Text(message) = message else { panic!("{message:?}") };
        let mut words = message.split(' ').skip(1);
        let mut number = || words.next().and_then(|word| word.parse().ok()).expect(&message);
        let (k, n): (u64, u64) = (number(), number());
        let next = self.next.entry(k).or_default();
        assert_eq!((message.as_str(), n), (said(self.room, k, *next).as_str(), *next));
        *next += 1;
    }
}

#[test]
fn in_a_storm_members_that_close_get_nothing_behind_it_and_nothing_foreign() {
    const LEAVERS: u64 = 10;
    let server = Server::start(&[]);
    let (addr, rooms) = (server.ws, ["red", "blue"]);
    // Nobody says anything before all are there: what is heard then is all that was said.
    let all_in = Barrier::new(rooms.len() * (TALKERS + LEAVERS) as usize);
    thread::scope(|scope| {
        for room in rooms {
            for k in 0..TALKERS {
                let all_in = &all_in;
                scope.spawn(move || talk(addr, room, k, all_in));
            }
            for k in 0..LEAVERS {
                let all_in = &all_in;
                scope.spawn(move || leave_early(addr, room, k * 37, all_in));
            }
        }
    });
    assert_eq!(http::metric(server.http, "tidegate_panics_total"), 0);
}
