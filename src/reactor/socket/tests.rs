//! The pump and a real engine against a kernel that does whatever a kernel may do.
//!
//! Knows: what a client can say, and what has to come of it.
//! Must not know: how the pump is written.

mod faults;
mod heartbeat;
mod rig;

use crate::ws::frame::{Opcode, push_masked};
use proptest::prelude::*;
use rig::{End, HTTP, Rig, Signals, WS};

const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const STREAM: &str = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";
const HELLO: &str = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";

fn handshake(path: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .into_bytes()
}

fn frame(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    push_masked(&mut out, true, opcode, MASK, payload);
    out
}

fn text(payload: &str) -> Vec<u8> {
    frame(Opcode::Text, payload.as_bytes())
}

/// A message of `a`, with `filler` bytes more than it needs.
fn message(number: usize, filler: usize) -> String {
    format!("{{\"connectionId\":\"a\",\"n\":{number},\"x\":\"{}\"}}", "x".repeat(filler))
}

const GOODBYE: &[u8] = &[0x03, 0xe8];

/// A whole visit: handshake, messages small and large, a fragmented one, a ping, a close.
fn visit() -> Vec<u8> {
    let mut script = handshake("/");
    script.extend(text(&message(1, 0)));
    script.extend(text(&message(2, 20)));
    let third = message(3, 10);
    let (front, back) = third.as_bytes().split_at(7);
    push_masked(&mut script, false, Opcode::Text, MASK, front);
    script.extend(frame(Opcode::Ping, b"are you there?"));
    push_masked(&mut script, true, Opcode::Continuation, MASK, back);
    script.extend(text("refused"));
    script.extend(text(&message(4, 6000)));
    script.extend(frame(Opcode::Close, GOODBYE));
    script
}

/// A stream that follows everything, open and settled.
fn stream(rig: &mut Rig) -> usize {
    let line = rig.open(HTTP);
    rig.arrive(line, STREAM.as_bytes());
    rig.settle();
    line
}

fn websocket(rig: &mut Rig, path: &str) -> usize {
    let line = rig.open(WS);
    rig.arrive(line, &handshake(path));
    rig.settle();
    assert!(rig.written(line).starts_with("HTTP/1.1 101 "), "{}", rig.written(line));
    rig.io(line).written.clear();
    line
}

/// The data of the events that were written to a stream.
fn events(rig: &mut Rig, stream: usize) -> Vec<String> {
    let written = rig.written(stream);
    let (_, body) = written.split_once("\r\n\r\n").expect("a head");
    assert!(body.ends_with("\n\n"), "whole events");
    let data = body.split("\n\n").filter_map(|event| event.split_once("\ndata: "));
    data.map(|(_, data)| data.to_owned()).collect()
}

/// What a close event says, sessions aside.
fn close_event(code: u16, by: &str) -> (String, String) {
    let start = format!("{{\"close\":{{\"connectionId\":\"a\",\"code\":{code},\"reason\":");
    (start, format!(",\"by\":\"{by}\""))
}

fn assert_close(event: &str, code: u16, by: &str) {
    let (start, by) = close_event(code, by);
    assert!(event.starts_with(&start) && event.contains(&by), "{event}");
}

/// What two lines were sent: a visitor and a stream.
type Outcome = (Vec<u8>, Vec<u8>);

/// Has the visit come in `pieces`, each with its own edge, and takes what is written in pieces too.
fn play(pieces: &[&[u8]], rooms: &mut dyn Iterator<Item = usize>, signals: Signals) -> Outcome {
    let mut rig = Rig::new();
    let stream = stream(&mut rig);
    let visitor = rig.open(WS);
    for line in [stream, visitor] {
        rig.io(line).room = 0;
        rig.io(line).signals = signals;
    }
    for piece in pieces {
        rig.arrive(visitor, piece);
        rig.settle();
        // Two edges that mean nothing.
        rig.edge(visitor, true, false, false);
        rig.edge(stream, true, true, false);
        rig.settle();
    }
    for room in rooms {
        let before = rig.io(stream).written.len() + rig.io(visitor).written.len();
        let is_full = rig.io(stream).room > 0 && rig.io(visitor).room > 0;
        if is_full {
            break;
        }
        rig.make_room(stream, room);
        rig.make_room(visitor, room);
        rig.settle();
        let after = rig.io(stream).written.len() + rig.io(visitor).written.len();
        assert!(after > before || rig.io(stream).room > 0, "what there is is written");
    }
    assert!(rig.io(visitor).is_shut.get(), "the server closes its half first (RFC 6455 §7.1.1)");
    rig.finish(visitor, End::Fin);
    rig.settle();
    assert!(!rig.is_open(visitor));
    (rig.io(stream).written.clone(), rig.io(visitor).written.clone())
}

fn forever(room: usize) -> impl Iterator<Item = usize> {
    std::iter::repeat_n(room, 100_000)
}

fn undisturbed() -> Outcome {
    play(&[&visit()], &mut forever(usize::MAX), Signals::Never)
}

#[test]
fn a_visit_is_what_it_should_be() {
    let mut rig = Rig::new();
    let stream = stream(&mut rig);
    let visitor = rig.open(WS);
    rig.arrive(visitor, &visit());
    rig.settle();
    let events = events(&mut rig, stream);
    let expected = [message(1, 0), message(2, 20), message(3, 10), message(4, 6000)];
    assert_eq!(events[..4], expected);
    assert_close(&events[4], 1000, "client");
    assert_eq!(events.len(), 5);
    let answers = rig.io(visitor).written.clone();
    let error = answers.windows(14).filter(|some| some == b"{\"error\":{\"cod");
    assert_eq!(error.count(), 1);
    assert!(answers.ends_with(&[0x88, 2, 0x03, 0xe8]), "{answers:02x?}");
}

#[test]
fn cutting_the_input_anywhere_changes_nothing() {
    let (whole, script) = (undisturbed(), visit());
    // Within the large message cuts are all alike.
    let cuts = (1..700).chain(script.len() - 100..script.len());
    for cut in cuts {
        let (front, back) = script.split_at(cut);
        let outcome = play(&[front, back], &mut forever(usize::MAX), Signals::Never);
        assert_eq!(outcome, whole, "cut at {cut}");
    }
}

#[test]
fn pieces_of_any_size_change_nothing() {
    let (whole, script) = (undisturbed(), visit());
    for size in [1, 2, 3, 4, 5, 7, 13, 100, 1000, 4095, 4096] {
        let pieces: Vec<&[u8]> = script.chunks(size).collect();
        let outcome = play(&pieces, &mut forever(usize::MAX), Signals::Never);
        assert_eq!(outcome, whole, "{size} bytes at a time");
    }
}

#[test]
fn a_kernel_that_takes_little_gets_the_same() {
    let (whole, script) = (undisturbed(), visit());
    for room in (1..=64).chain([100, 1000, 4096]) {
        let outcome = play(&[&script], &mut forever(room), Signals::Never);
        assert_eq!(outcome, whole, "{room} bytes at a time");
    }
}

#[test]
fn an_interrupted_call_is_made_again() {
    let (whole, script) = (undisturbed(), visit());
    let pieces: Vec<&[u8]> = script.chunks(500).collect();
    for call in 0..80 {
        let outcome = play(&pieces, &mut forever(300), Signals::At(call));
        assert_eq!(outcome, whole, "call {call} is interrupted");
    }
    assert_eq!(play(&pieces, &mut forever(300), Signals::Always), whole);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_the_kernel_does_the_same_comes_out(
        sizes in prop::collection::vec(1usize..900, 1..40),
        rooms in prop::collection::vec(1usize..900, 1..40),
        always in any::<bool>(),
    ) {
        let script = visit();
        let (mut rest, mut pieces) = (script.as_slice(), Vec::new());
        for size in sizes.into_iter().cycle() {
            let (piece, behind) = rest.split_at(size.min(rest.len()));
            pieces.push(piece);
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        let signals = if always { Signals::Always } else { Signals::Never };
        let outcome = play(&pieces, &mut rooms.into_iter().cycle(), signals);
        prop_assert_eq!(outcome, undisturbed());
    }
}

/// What a connection was saying when it ended.
struct Case {
    name: &'static str,
    listener: u8,
    said: Vec<u8>,
    /// What it is sent ends with this.
    answer: &'static [u8],
    /// The code of the close event, if there is one, and who ended it.
    close: Option<(u16, &'static str)>,
}

fn cases() -> Vec<Case> {
    let of =
        |name, listener, said: Vec<u8>| Case { name, listener, said, answer: b"", close: None };
    let registered = [handshake("/"), text(&message(1, 0))].concat();
    let with = |more: &[u8]| [registered.as_slice(), more].concat();
    let large = text(&message(2, 9000));
    let lost = Some((1006, "network"));
    vec![
        of("nothing", WS, Vec::new()),
        of("half a head", WS, handshake("/")[..50].to_vec()),
        of("half a head to the API", HTTP, HELLO.as_bytes()[..20].to_vec()),
        Case { answer: b"{\"response\":\"world\"}", ..of("a request", HTTP, HELLO.into()) },
        Case {
            answer: b"{\"response\":\"world\"}",
            ..of("a request and half of one", HTTP, [HELLO, &HELLO[..9]].concat().into())
        },
        of("a WebSocket without a name", WS, handshake("/")),
        Case { close: lost, ..of("a WebSocket", WS, registered.clone()) },
        Case { close: lost, ..of("half a frame's header", WS, with(&[0x81])) },
        Case { close: lost, ..of("half a frame", WS, with(&text(&message(2, 0))[..20])) },
        Case { close: lost, ..of("half a large frame", WS, with(&large[..5000])) },
        Case { close: lost, ..of("half a message", WS, with(&[1, 0x80, 0, 0, 0, 0])) },
        of("an event stream", HTTP, STREAM.into()),
        Case {
            close: Some((1000, "client")),
            answer: &[0x88, 2, 0x03, 0xe8],
            ..of("a close", WS, with(&frame(Opcode::Close, GOODBYE)))
        },
        Case {
            close: Some((1002, "server")),
            ..of("a protocol error", WS, with(&[0xf1, 0x80, 0, 0, 0, 0]))
        },
    ]
}

/// Plays `case` and checks what is common to all ends. `at_once`: its bytes and the end come with
/// one edge.
fn end_of(case: &Case, end: End, at_once: bool) {
    let label = format!("{}, {end:?}, at once: {at_once}", case.name);
    let mut rig = Rig::new();
    let reader = stream(&mut rig);
    let before = rig.engine.connections();
    let line = rig.open(case.listener);
    rig.arrive(line, &case.said);
    if !at_once {
        rig.settle();
    }
    rig.finish(line, end);
    rig.settle();
    assert!(!rig.is_open(line), "{label}: it is closed at once, by no timer");
    assert_eq!(rig.engine.connections(), before, "{label}: and forgotten");
    assert!(rig.io(line).waiting.is_empty(), "{label}: everything was read");
    if !(end == End::Reset && at_once) {
        let written = rig.io(line).written.clone();
        assert!(written.ends_with(case.answer), "{label}: {}", rig.written(line));
    }
    let events = events(&mut rig, reader);
    match case.close {
        None => assert_eq!(events, [""; 0], "{label}"),
        Some((code, by)) => {
            assert_eq!(events[0], message(1, 0), "{label}");
            assert_close(&events[1], code, by);
            assert_eq!(events.len(), 2, "{label}");
        }
    }
}

#[test]
fn an_end_in_any_state_is_seen_behind_all_that_was_said() {
    for case in cases() {
        for end in [End::Fin, End::Reset] {
            for at_once in [false, true] {
                end_of(&case, end, at_once);
            }
        }
    }
}

#[test]
fn what_came_with_an_end_is_read_in_full_before_it() {
    for end in [End::Fin, End::Reset] {
        let mut rig = Rig::new();
        let reader = stream(&mut rig);
        let sender = websocket(&mut rig, "/");
        let messages: Vec<String> = (0..3000).map(|number| message(number, 30)).collect();
        let bytes: Vec<u8> = messages.iter().flat_map(|message| text(message)).collect();
        assert!(bytes.len() > 3 * 65536, "several turns' worth");
        rig.io(sender).waiting.extend(&bytes);
        rig.finish(sender, end);
        rig.settle();
        let events = events(&mut rig, reader);
        assert_eq!(events[..3000], messages);
        assert_close(&events[3000], 1006, "network");
        assert_eq!(events.len(), 3001);
        assert!(!rig.is_open(sender));
    }
}

#[test]
fn a_budget_that_ends_keeps_the_connection_readable() {
    let mut rig = Rig::new();
    let reader = stream(&mut rig);
    let sender = websocket(&mut rig, "/");
    let (mut bytes, mut messages) = (Vec::new(), Vec::new());
    while bytes.len() < 65_537 - 400 {
        messages.push(message(messages.len(), 100));
        bytes.extend(text(messages.last().expect("just pushed")));
    }
    // A header of 8 bytes from a payload of 126 on.
    let filler = 65_537 - bytes.len() - 8 - message(messages.len(), 0).len();
    messages.push(message(messages.len(), filler));
    bytes.extend(text(messages.last().expect("just pushed")));
    assert_eq!(bytes.len(), 65_537, "one byte more than a turn reads");
    rig.arrive(sender, &bytes);
    let reads = rig.io(sender).reads;
    rig.turn();
    assert_eq!(rig.io(sender).waiting.len(), 1);
    assert_eq!(rig.io(sender).reads - reads, 1);
    assert_eq!(events(&mut rig, reader), messages[..messages.len() - 1]);
    rig.turn();
    assert_eq!(events(&mut rig, reader), messages, "although no edge has come");
    assert_eq!(rig.io(sender).reads - reads, 2);
}

#[test]
fn a_budget_used_up_by_the_last_byte_costs_one_read_more() {
    let mut rig = Rig::new();
    let echo = websocket(&mut rig, "/echo");
    let mut bytes = Vec::new();
    while bytes.len() < 65_536 {
        // A pong without a payload is six bytes; 65,536 is four more than a multiple.
        let more = if bytes.len() == 65_526 { 4 } else { 0 };
        bytes.extend(frame(Opcode::Pong, &vec![0; more]));
    }
    assert_eq!(bytes.len(), 65_536);
    let reads = rig.io(echo).reads;
    rig.arrive(echo, &bytes);
    rig.settle();
    assert_eq!(rig.io(echo).reads - reads, 2, "as much came as was asked for: there may be more");
}

#[test]
fn nobody_is_told_that_it_reads_before_its_core_has_come_through_the_door() {
    for (listener, said) in [(WS, handshake("/chat/room")), (HTTP, STREAM.into())] {
        let mut rig = Rig::new();
        let line = rig.open(listener);
        rig.io(line).waiting.extend(&said);
        // As the kernel tells of a new connection on which something has come.
        rig.edge(line, true, true, false);
        rig.turn_up_to_commit();
        assert_eq!(rig.written(line), "", "another core could commit before this one does");
        rig.turn();
        assert!(rig.written(line).starts_with("HTTP/1.1 "), "{}", rig.written(line));
    }
}

#[test]
fn a_paused_connection_goes_on_without_an_edge() {
    let mut rig = Rig::new();
    let echo = websocket(&mut rig, "/echo");
    rig.io(echo).room = 0;
    let payload = vec![b'e'; 10_000];
    let sent: Vec<u8> = (0..40).flat_map(|_| frame(Opcode::Binary, &payload)).collect();
    rig.arrive(echo, &sent);
    rig.settle();
    let unread = rig.io(echo).waiting.len();
    assert!(unread > 200_000, "half an outbox is enough, {unread} bytes stay where they are");
    let reads = rig.io(echo).reads;
    rig.edge(echo, true, false, false);
    rig.settle();
    assert_eq!(rig.io(echo).reads, reads, "nothing is read while it is paused");
    rig.make_room(echo, usize::MAX);
    rig.settle();
    assert_eq!(rig.io(echo).waiting.len(), 0);
    let answer = [&[0x82, 126, 0x27, 0x10], payload.as_slice()].concat();
    assert!(rig.io(echo).written == answer.repeat(40), "everything comes back, once and in order");
}

#[test]
fn a_paused_connection_that_is_reset_is_gone_at_once() {
    let mut rig = Rig::new();
    let reader = stream(&mut rig);
    let sender = websocket(&mut rig, "/");
    rig.io(sender).room = 0;
    // So many refusals in a row as may be, again and again.
    let answered = [text("?").repeat(15), text(&message(1, 0))].concat();
    rig.arrive(sender, &answered.repeat(200));
    rig.settle();
    rig.arrive(sender, &answered);
    rig.settle();
    assert!(!rig.io(sender).waiting.is_empty(), "so much waits that it is not read from");
    rig.finish(sender, End::Reset);
    rig.settle();
    assert!(!rig.is_open(sender), "nothing can end the pause any more");
    let events = events(&mut rig, reader);
    assert_close(events.last().expect("a close"), 1006, "network");
}

#[test]
fn the_input_of_a_paused_connection_that_was_read_already_is_used_when_it_goes_on() {
    let mut rig = Rig::new();
    let echo = websocket(&mut rig, "/echo");
    rig.io(echo).room = 0;
    let sent: Vec<u8> = (0..30_000).flat_map(|_| frame(Opcode::Text, b"12345")).collect();
    rig.arrive(echo, &sent);
    rig.settle();
    assert!(rig.io(echo).written.is_empty());
    rig.make_room(echo, usize::MAX);
    rig.settle();
    assert!(rig.io(echo).written == b"\x81\x0512345".repeat(30_000));
}

#[test]
fn small_messages_in_many_pieces_come_back_although_one_turn_cannot_write_them() {
    let mut rig = Rig::new();
    let echo = websocket(&mut rig, "/echo");
    let mut sent = Vec::new();
    for _ in 0..4000 {
        push_masked(&mut sent, false, Opcode::Text, MASK, b"1");
        push_masked(&mut sent, true, Opcode::Continuation, MASK, b"2");
    }
    rig.arrive(echo, &sent);
    rig.settle();
    assert_eq!(rig.io(echo).written.len(), 4 * 4000);
}

#[test]
fn readiness_without_reason_changes_nothing() {
    let mut rig = Rig::new();
    let reader = stream(&mut rig);
    let sender = websocket(&mut rig, "/");
    for line in [reader, sender] {
        let (reads, writes) = (rig.io(line).reads, rig.io(line).writes);
        let written = rig.io(line).written.len();
        for _ in 0..3 {
            rig.edge(line, true, true, false);
            rig.settle();
        }
        assert_eq!(rig.io(line).reads - reads, 3, "one look for each");
        assert_eq!(rig.io(line).writes, writes, "nothing to write, nothing is written");
        assert_eq!(rig.io(line).written.len(), written);
        assert!(rig.is_open(line));
    }
    rig.arrive(sender, &text(&message(1, 0)));
    rig.settle();
    assert_eq!(events(&mut rig, reader), [message(1, 0)]);
}

#[test]
fn a_short_read_is_the_last() {
    let mut rig = Rig::new();
    let sender = websocket(&mut rig, "/");
    for number in 0..5 {
        let reads = rig.io(sender).reads;
        rig.arrive(sender, &text(&message(number, number * 1000)));
        rig.settle();
        assert_eq!(rig.io(sender).reads - reads, 1, "no second read that finds nothing");
    }
    // Unless there is an end to be found: for that no other edge will come.
    let reads = rig.io(sender).reads;
    rig.arrive(sender, &text(&message(9, 0)));
    rig.finish(sender, End::Fin);
    rig.settle();
    assert_eq!(rig.io(sender).reads - reads, 2);
}

#[test]
fn a_short_write_is_the_last() {
    let mut rig = Rig::new();
    let echo = websocket(&mut rig, "/echo");
    rig.io(echo).room = 3;
    let writes = rig.io(echo).writes;
    rig.arrive(echo, &text("12345"));
    rig.arrive(echo, &text("67890"));
    rig.settle();
    assert_eq!(rig.io(echo).writes - writes, 1);
    rig.arrive(echo, &text("more"));
    rig.settle();
    assert_eq!(rig.io(echo).writes - writes, 1, "nothing is tried before there is room");
    rig.make_room(echo, 100);
    rig.settle();
    assert_eq!(rig.io(echo).writes - writes, 2, "then all of it at once");
    assert_eq!(rig.written(echo), "\u{fffd}\u{5}12345\u{fffd}\u{5}67890\u{fffd}\u{4}more");
}

#[test]
fn a_write_that_fails_leads_to_the_end_of_what_was_said() {
    let mut rig = Rig::new();
    let reader = stream(&mut rig);
    let sender = websocket(&mut rig, "/");
    rig.arrive(sender, &text(&message(1, 0)));
    rig.settle();
    // It says more, is refused something, and is gone before the answer; the poll has not told yet.
    let said = [text("refused"), text(&message(2, 0)), text(&message(3, 0))].concat();
    rig.arrive(sender, &said[..15]);
    rig.io(sender).waiting.extend(&said[15..]);
    rig.io(sender).end = Some(End::Reset);
    rig.settle();
    let events = events(&mut rig, reader);
    assert_eq!(events[..3], [message(1, 0), message(2, 0), message(3, 0)]);
    assert_close(&events[3], 1006, "network");
    assert_eq!(events.len(), 4);
    assert!(!rig.is_open(sender));
}

#[test]
fn a_stream_whose_reader_is_gone_ends_with_the_write_that_fails() {
    let mut rig = Rig::new();
    let (gone, reader) = (stream(&mut rig), stream(&mut rig));
    let sender = websocket(&mut rig, "/");
    rig.io(gone).end = Some(End::Reset);
    rig.arrive(sender, &text(&message(1, 0)));
    rig.settle();
    assert!(!rig.is_open(gone));
    assert_eq!(events(&mut rig, reader), [message(1, 0)]);
}

#[test]
fn a_reader_that_is_behind_gets_everything_over_as_many_turns_as_it_takes() {
    let mut rig = Rig::new();
    let reader = stream(&mut rig);
    let sender = websocket(&mut rig, "/");
    rig.io(reader).room = 0;
    let mut messages = Vec::new();
    for turn in 0..1500 {
        messages.push(message(turn, 50));
        rig.arrive(sender, &text(&messages[turn]));
        rig.turn();
    }
    rig.make_room(reader, usize::MAX);
    rig.settle();
    assert_eq!(events(&mut rig, reader), messages);
}
