//! What a core does for members that are behind, and for connections that end.
//!
//! Knows: one core by itself.
//! Must not know: sockets.

mod adopt;
pub(super) mod core;
mod everyone;
pub(super) mod keys;
mod lifetime;
mod names;
mod pages;
mod reach;
mod ready;
mod refresh;
mod rights;
mod rooms;
mod routes;
mod vetting;

use crate::bytes::{ConnKey, Now};
use crate::limits::Limits;
use crate::ws::deflate::{Deflater, WINDOW_BITS};
use crate::ws::frame::{Opcode, push_masked};
use core::{Core, HTTP, WS, handshake, text};
use std::time::Duration;

/// A handshake that offers compression.
fn offer(path: &str) -> Vec<u8> {
    let offer = "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    handshake(path).replace("\r\n\r\n", offer).into_bytes()
}

fn deflated_frame(payload: &[u8]) -> Vec<u8> {
    let mut deflater = Deflater::new(0);
    let deflated = deflater.deflate(payload, WINDOW_BITS).expect("it becomes smaller");
    let mut frame = Vec::new();
    push_masked(&mut frame, true, Opcode::Text, [1, 2, 3, 4], deflated);
    frame[0] |= 0x40;
    frame
}

fn compressions(core: &Core) -> u64 {
    core.counters[0].deflated.messages.value()
}

#[test]
fn members_that_lag_share_one_compression_too() {
    let mut core = Core::with(Limits::default(), true);
    let writer = core.websocket("/chat/a");
    let members: Vec<ConnKey> = (0..10).map(|_| core.connect(WS, &offer("/chat/a"))).collect();
    core.say(writer, &[&"x".repeat(2000)]);
    core.turn();
    assert_eq!(compressions(&core), 1, "all are up to date");
    // Of the next frame none takes the last byte: they lag.
    core.say(writer, &["small"]);
    core.turn_taking(6);
    core.written.clear();
    for _ in 0..3 {
        core.say(writer, &[&"y".repeat(2000)]);
        core.turn();
    }
    members.iter().for_each(|member| core.flush(*member));
    core.turn();
    assert_eq!(compressions(&core), 4, "three messages, once each");
    let all: Vec<Vec<u8>> =
        members.iter().map(|member| core.written.remove(member).unwrap_or_default()).collect();
    assert!(all[0].len() > 30 && all.iter().all(|one| *one == all[0]), "{all:?}");
}

/// Ends a connection that did nothing but break a rule of messages.
fn too_many_refusals(core: &mut Core) -> ConnKey {
    let key = core.connect(WS, &offer("/"));
    let refused: Vec<u8> = (0..16).flat_map(|_| text("no JSON")).collect();
    core.receive(key, &refused);
    core.turn();
    key
}

#[test]
fn what_comes_behind_our_close_frame_is_passed_over_unread() {
    let mut core = Core::with(Limits::default(), true);
    let key = too_many_refusals(&mut core);
    let open = core.engine.connections();
    let bomb = deflated_frame(&vec![b'0'; 65_000]);
    for piece in bomb.repeat(20).chunks(7) {
        core.receive(key, piece);
    }
    // Nor is it judged: a message far too large, and one in the middle of which the close comes not.
    let mut large = Vec::new();
    push_masked(&mut large, true, Opcode::Binary, [1, 2, 3, 4], &vec![7; 100_000]);
    core.receive(key, &large);
    core.turn();
    assert_eq!(core.counters[0].inflated.messages.value(), 0);
    assert_eq!((core.engine.connections(), core.closed.len()), (open, 0), "it still waits");
    let mut close = Vec::new();
    push_masked(&mut close, true, Opcode::Close, [1, 2, 3, 4], &1008u16.to_be_bytes());
    core.receive(key, &close);
    core.engine.receive_end(key, core.now);
    core.turn();
    assert_eq!(core.closed, [key]);
}

/// Time passes, in steps: a core that slept through a deadline would think that it was stopped.
fn later(core: &mut Core, ms: u64) {
    for _ in 0..ms.div_ceil(100) {
        let Now { monotonic, unix_ms } = core.now;
        let step = Duration::from_millis(100);
        core.now = Now { monotonic: monotonic + step, unix_ms: unix_ms + 100 };
        core.engine.expire(core.now);
        core.engine.commit(core.now);
    }
}

#[test]
fn the_time_for_closing_begins_when_the_close_frame_has_left() {
    let limits = Limits { drain: Duration::from_secs(3600), ..Limits::default() };
    let (closing, stall) = (limits.closing, limits.write_stall);
    assert!(closing < stall);
    let mut core = Core::with(limits, false);
    let key = core.websocket("/echo");
    let mut frame = Vec::new();
    push_masked(&mut frame, true, Opcode::Binary, [1, 2, 3, 4], &vec![7; 60_000]);
    core.receive(key, &frame);
    core.turn_taking(1000);
    core.engine.drain(core.now);
    // It takes a little every four seconds, for two minutes: slow, but never stuck.
    for _ in 0..30 {
        later(&mut core, 4000);
        core.turn_taking(0);
        core.write(key, 2000);
        assert_eq!(core.closed, [], "it takes what is due");
    }
    core.flush(key);
    let written = core.written.remove(&key).unwrap_or_default();
    assert!(written.ends_with(b"\x03\xf4server restarts"), "{}", written.len());
    core.turn();
    // From now on it has its time to answer, and no more.
    later(&mut core, closing.as_millis() as u64 - 200);
    core.turn();
    assert_eq!(core.closed, []);
    later(&mut core, 400);
    core.turn();
    assert_eq!(core.closed, [key]);
}

#[test]
fn a_head_that_comes_too_late_is_answered_as_it_asked() {
    let mut core = Core::new();
    for (begun, has_body) in
        [("GET /hello HTTP/1.1\r\n", true), ("HEAD /hello HTTP/1.1\r\n", false)]
    {
        let key = core.connect(HTTP, begun.as_bytes());
        later(&mut core, 6000);
        core.turn();
        let answer = core.written(key);
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        assert_eq!(!answer.ends_with("\r\n\r\n"), has_body, "{answer}");
    }
}

#[test]
fn a_request_that_waits_for_its_turn_is_answered_also_when_the_server_stops() {
    let mut core = Core::new();
    let hello = b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let key = core.connect(HTTP, hello);
    // So many that half the outbox is full, and the last are not looked at.
    core.receive(key, &hello.repeat(1000));
    core.turn_taking(0);
    core.written.clear();
    core.flush(key);
    let before = core.written(key).matches("HTTP/1.1 200 ").count();
    assert!((100..1000).contains(&before), "{before}");
    core.engine.drain(core.now);
    core.turn();
    assert_eq!(core.closed, []);
    // As the reactor does with what could not be used before.
    core.receive(key, b"");
    core.turn();
    let answer = core.written(key);
    assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1 200 ").count(), 1, "behind it there is nothing: {answer}");
}

#[test]
fn nobody_reads_that_it_is_closed_before_that_is_committed() {
    let mut core = Core::new();
    let client = core.websocket("/?connectionId=a");
    let mut close = Vec::new();
    push_masked(&mut close, true, Opcode::Close, [1, 2, 3, 4], &1000_u16.to_be_bytes());
    core.receive(client, &close);
    // It could have been told already that it can be written to.
    core.flush(client);
    assert_eq!(core.written(client), "");
    assert_eq!(core.hub.holdings().registered, 1);
    core.turn();
    assert_eq!(core.written(client), "\u{fffd}\u{2}\u{3}\u{fffd}");
    assert_eq!(core.hub.holdings().registered, 0);
}

/// The last id that a stream's reader knows who was cut off behind `body`, and the gaps it heard of.
/// What of a block came counts only with all of it.
fn known(body: &str) -> (Option<String>, usize) {
    let blocks = body.split_inclusive("\n\n").filter(|block| block.ends_with("\n\n"));
    let (mut id, mut gaps) = (None, 0);
    for line in blocks.flat_map(str::lines) {
        id = line.strip_prefix("id: ").map(str::to_owned).or(id);
        gaps += usize::from(line == "event: gap");
    }
    (id, gaps)
}

#[test]
fn who_is_cut_off_before_it_hears_of_the_gap_still_has_the_id_that_brings_it() {
    let head = "GET /events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 1234567-00000000001\r\n";
    for accept in ["", "Accept: application/x-ndjson\r\n"] {
        let mut core = Core::new();
        let sender = core.websocket("/?connectionId=a");
        core.say(sender, &[r#"{"connectionId":"a"}"#]);
        core.turn();
        let stream = core.connect(HTTP, format!("{head}{accept}\r\n").as_bytes());
        let written = core.written(stream);
        let (_, body) = written.split_once("\r\n\r\n").unwrap();
        if !accept.is_empty() {
            let first = body.lines().next().unwrap();
            assert!(first.ends_with(r#","type":"gap","missed":null}"#), "{first}");
            continue;
        }
        assert!(body.starts_with("retry: "), "{body}");
        assert_eq!(known(body).1, 1);
        for cut in 0..body.len() {
            let (id, gaps) = known(&body[..cut]);
            assert!(id.is_none() || gaps == 1, "{}", &body[..cut]);
        }
    }
}
