//! W07, W11, W12: many small frames, which cost work but must not cost memory.
//!
//! What the engine allocates for them is counted in `tests/alloc.rs`; here the whole process is
//! looked at, generously: what a leak would need is far more.

use crate::support::websocket::frame;
use crate::support::{Message, Server, WebSocket, http};

const MIB: u64 = 1024 * 1024;
const FRAGMENTS: usize = 131_000;
const PONGS: usize = 100_000;
const PINGS: u32 = 50_000;

/// A message in so many fragments, but for its end.
fn begun(payload: &[u8], fragments: usize) -> Vec<u8> {
    let mut bytes = frame(0x2, false, payload);
    bytes.extend(frame(0x0, false, payload).repeat(fragments - 1));
    bytes
}

#[test]
fn so_many_fragments_are_one_buffer() {
    let server = Server::start(&["--max-fragments", "200000", "--max-message", "256KiB"]);
    for payload in [&b"x"[..], b""] {
        let mut client = WebSocket::connect(server.ws, "/echo");
        let before = server.resident_bytes();
        client.wire.write(&begun(payload, FRAGMENTS));
        // The pong tells that all of it was read.
        client.ping(b"read?");
        assert_eq!(client.next(), Some(Message::Pong(b"read?".to_vec())));
        let grown = server.resident_bytes().saturating_sub(before);
        // An object of 16 bytes for each would be 2 MiB.
        assert!(grown < MIB, "{grown} bytes for fragments of {}", payload.len());
        client.wire.write(&frame(0x0, true, b"end"));
        let whole = [&payload.repeat(FRAGMENTS), &b"end"[..]].concat();
        assert!(client.next() == Some(Message::Binary(whole)));
    }
}

#[test]
fn a_message_of_too_many_fragments_is_refused_and_one_that_never_ends_too() {
    let server = Server::start(&["--message-time", "200ms"]);
    for payload in [&b"x"[..], b""] {
        let mut client = WebSocket::connect(server.ws, "/echo");
        client.wire.write(&begun(payload, 129));
        assert!(matches!(client.next(), Some(Message::Close(Some(1009), _))));
    }
    let server = Server::start(&["--message-time", "200ms", "--max-fragments", "1000000"]);
    let mut client = WebSocket::connect(server.ws, "/echo");
    client.wire.write(&frame(0x1, false, b"once upon a time"));
    // That more of it comes does not help: it is the whole message that has to come in time.
    let close = loop {
        client.wire.write(&frame(0x0, false, b""));
        client.ping(b"");
        match client.next().unwrap() {
            Message::Pong(_) => {}
            message => break message,
        }
    };
    assert!(matches!(close, Message::Close(Some(1008), _)), "{close:?}");
}

#[test]
fn unsolicited_pongs_are_ignored() {
    let server = Server::start(&[]);
    let mut client = WebSocket::connect(server.ws, "/echo");
    client.say("a");
    assert_eq!(client.hear(), Message::Text("a".to_owned()));
    let before = server.resident_bytes();
    client.wire.write(&frame(0xa, true, &[b'p'; 125]).repeat(PONGS));
    client.ping(b"read?");
    assert_eq!(client.next(), Some(Message::Pong(b"read?".to_vec())), "nothing else is answered");
    let grown = server.resident_bytes().saturating_sub(before);
    // They are 13 MB.
    assert!(grown < MIB, "{grown} bytes");
}

/// A client that sends pings and reads nothing: of the pongs that wait for it only the newest is
/// kept, so it is read on from, and nothing grows.
#[test]
fn of_pongs_that_nobody_reads_the_newest_is_kept() {
    let server = Server::start(&[]);
    let mut client = WebSocket::connect(server.ws, "/echo");
    client.say("a");
    assert_eq!(client.hear(), Message::Text("a".to_owned()));
    let before = server.resident_bytes();
    let mut payload = [b'p'; 125];
    let mut pings = Vec::new();
    for n in 0..PINGS {
        payload[..4].copy_from_slice(&n.to_be_bytes());
        pings.extend(frame(0x9, true, &payload));
    }
    // It takes all of them although it gets rid of nothing.
    client.wire.write(&pings);
    let read = || http::metric(server.http, "tidegate_received_bytes_total{listener=\"ws\"}");
    crate::support::wait_until("all pings are read", || read() >= pings.len() as u64);
    let grown = server.resident_bytes().saturating_sub(before);
    // The pongs are 6 MB.
    assert!(grown < 2 * MIB, "{grown} bytes");
    client.say("b");
    let (mut last, mut count) = (None, 0);
    loop {
        match client.next().unwrap() {
            Message::Pong(pong) => {
                let n = u32::from_be_bytes(pong[..4].try_into().unwrap());
                assert!(last < Some(n) && pong[4..] == payload[4..], "{last:?} {n}");
                (last, count) = (Some(n), count + 1);
            }
            message => {
                assert_eq!(message, Message::Text("b".to_owned()));
                break;
            }
        }
    }
    assert_eq!(last, Some(PINGS - 1), "the newest is answered");
    assert!(count < PINGS, "the kernel took all: this shows nothing");
}
