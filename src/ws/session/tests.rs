//! What [`Session`] makes of frames, however they come.
//!
//! Knows: frames as a client sends them, a reader that takes its input in any pieces.
//! Must not know: connections, what messages mean.

mod deflated;
mod naive;
mod pieces;

use super::*;
use crate::ws::close::CloseCode;
use crate::ws::frame::push_masked;
use pieces::{Client, Seen, binary, close, ping, run, run_in_room, text};

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Frames one after the other, as a client sends them.
#[derive(Default)]
struct Script(Vec<u8>);

impl Script {
    fn add(mut self, fin: bool, opcode: Opcode, payload: impl AsRef<[u8]>) -> Script {
        push_masked(&mut self.0, fin, opcode, KEY, payload.as_ref());
        self
    }

    fn text(self, payload: impl AsRef<[u8]>) -> Script {
        self.add(true, Opcode::Text, payload)
    }

    /// A text message of several frames.
    fn fragments(mut self, fragments: &[&[u8]]) -> Script {
        for (number, fragment) in fragments.iter().enumerate() {
            let opcode = if number == 0 { Opcode::Text } else { Opcode::Continuation };
            self = self.add(number + 1 == fragments.len(), opcode, fragment);
        }
        self
    }

    /// Several fragments with control frames between them, empty frames, characters cut in two.
    fn of_everything() -> Script {
        let (front, back) = "grød 🫐".as_bytes().split_at(7);
        Script::default()
            .text("{}")
            .add(false, Opcode::Text, front)
            .add(true, Opcode::Ping, "still there?")
            .add(false, Opcode::Continuation, "")
            .add(true, Opcode::Pong, "")
            .add(true, Opcode::Continuation, back)
            .add(false, Opcode::Binary, b"\xff\xfe")
            .add(true, Opcode::Continuation, "")
            .add(true, Opcode::Ping, "")
            .fragments(&[b"", b"", b""])
            .add(true, Opcode::Close, b"\x03\xe8bye")
            .text("nothing that follows counts")
    }
}

#[test]
fn the_examples_of_the_rfc_are_understood() {
    // RFC 6455 §5.7, those that a client may send: the others are masked here as §5.3 demands.
    let hello = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    let pong = b"\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58";
    assert_eq!(run(hello, &[]), (vec![text("Hello")], None));
    assert_eq!(run(pong, &[]), (vec![Seen::Pong], None));
    let fragments = Script::default().fragments(&[b"Hel", b"lo"]);
    assert_eq!(run(&fragments.0, &[]), (vec![text("Hello")], None));
    let hello = Script::default().add(true, Opcode::Ping, "Hello");
    assert_eq!(run(&hello.0, &[]), (vec![ping("Hello")], None));
    for bytes in [256, 65536] {
        let payload = vec![7; bytes];
        let frame = Script::default().add(true, Opcode::Binary, &payload);
        assert_eq!(run(&frame.0, &[]), (vec![binary(&payload)], None), "{bytes}");
    }
}

#[test]
fn a_client_hears_what_is_not_masked_and_nothing_else() {
    let (limits, mut pool) = (Limits::default(), Pool::default());
    let mut inflater = Inflater::default();
    let mut tools = Tools { limits: &limits, pool: &mut pool, inflater: &mut inflater };
    // A text in two frames, a ping between them (RFC 6455 §5.7).
    let mut bytes = *b"\x01\x03Hel\x89\x02hi\x80\x02lo\x81\x85";
    let mut rest = &mut bytes[..];
    let mut session = Session::of_client();
    let next = session.next(&mut rest, Tick(0), &mut tools);
    assert_eq!(next, Ok(Some(Event::Ping(b"hi"))));
    let payload = Payload::Owned(b"Hello".to_vec());
    let next = session.next(&mut rest, Tick(0), &mut tools);
    assert_eq!(next, Ok(Some(Event::Message { binary: false, payload })));
    assert_eq!(session.next(&mut rest, Tick(0), &mut tools), Err(Fault::Masked));
}

#[test]
fn cutting_the_input_anywhere_changes_nothing() {
    let script = Script::of_everything().0;
    let whole = run(&script, &[]);
    let expected = [
        text("{}"),
        ping("still there?"),
        Seen::Pong,
        text("grød 🫐"),
        binary(b"\xff\xfe"),
        ping(""),
        text(""),
        close(1000, "bye"),
    ];
    assert_eq!(whole, (expected.to_vec(), None));
    for a in 0..script.len() {
        for b in a..script.len() {
            assert_eq!(run(&script, &[a, b]), whole, "{a} {b}");
        }
    }
    let byte_by_byte: Vec<usize> = (0..script.len()).collect();
    assert_eq!(run(&script, &byte_by_byte), whole);
}

#[test]
fn a_large_frame_may_be_read_into_its_own_room() {
    let (first, second) = ("🫐".repeat(1500), "x".repeat(9000));
    let frames = Script::default()
        .add(false, Opcode::Text, &first.as_bytes()[..5999])
        .add(true, Opcode::Ping, "between")
        .add(true, Opcode::Continuation, [&first.as_bytes()[5999..], second.as_bytes()].concat())
        .text("after");
    let expected = vec![ping("between"), text(&(first + &second)), text("after")];
    let whole = (expected, None);
    assert_eq!(run(&frames.0, &[]), whole);
    for a in (0..frames.0.len()).step_by(7) {
        assert_eq!(run_in_room(&frames.0, &[a]), whole, "{a}");
        let b = a + (frames.0.len() - a) / 3;
        assert_eq!(run_in_room(&frames.0, &[a, b]), whole, "{a} {b}");
    }
    let mut client = Client::in_room(Limits::default());
    frames.0.chunks(1000).for_each(|piece| client.feed(piece));
    assert_eq!(client.outcome(), whole);
    assert!(client.read_into_room > OWNED_BYTES_MIN, "{}", client.read_into_room);
}

#[test]
fn a_message_that_is_there_in_one_piece_is_borrowed() {
    let (mut session, mut pool, mut inflater) = <(Session, Pool, Inflater)>::default();
    let limits = &Limits::default();
    let mut script = Script::default().text("all").fragments(&[b"in ", b"two"]).0;
    let mut rest = script.as_mut_slice();
    let mut next = |rest: &mut &mut [u8]| -> bool {
        let (pool, inflater) = (&mut pool, &mut inflater);
        let event = session.next(rest, Tick(0), &mut Tools { limits, pool, inflater });
        match event.expect("no fault").expect("a message") {
            Event::Message { payload, .. } => matches!(payload, Payload::Borrowed(_)),
            other => panic!("{other:?}"),
        }
    };
    assert!(next(&mut rest));
    assert!(!next(&mut rest));
    assert!(rest.is_empty() && session.open.is_none());
}

#[test]
fn a_message_may_be_as_long_as_the_limit() {
    for max in [0usize, 1, 124, 125, 126, 4096, 65535, 65536] {
        let limits = Limits { message_bytes_max: max, ..Limits::default() };
        for length in [max.saturating_sub(1), max, max + 1] {
            let payload = "x".repeat(length);
            let (front, back) = payload.as_bytes().split_at(length / 2);
            let scripts = [
                Script::default().text(&payload),
                Script::default().fragments(&[payload.as_bytes(), b""]),
                Script::default().fragments(&[b"", front, b"", back]),
            ];
            for script in scripts {
                let mut client = Client::new(limits.clone());
                client.feed(&script.0);
                let fits = (vec![text(&payload)], None);
                let expected = if length <= max { fits } else { (vec![], Some(Fault::TooBig)) };
                assert_eq!(client.outcome(), expected, "{max} {length}");
            }
        }
    }
}

#[test]
fn a_message_that_is_too_long_is_refused_by_its_header() {
    let (mut header, limits) = (Vec::new(), Limits::default());
    let payload = vec![0; limits.message_bytes_max + 1];
    push_masked(&mut header, true, Opcode::Binary, KEY, &payload);
    header.truncate(14);
    assert_eq!(run(&header[..13], &[]), (vec![], None));
    assert_eq!(run(&header, &[]), (vec![], Some(Fault::TooBig)));
    // A length that no memory holds.
    let absurd = b"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0";
    assert_eq!(run(absurd, &[]), (vec![], Some(Fault::TooBig)));
    let begun = [&Script::default().add(false, Opcode::Binary, "x").0, &absurd[..]].concat();
    let mut continued = begun;
    continued[7] = 0x80;
    assert_eq!(run(&continued, &[]), (vec![], Some(Fault::TooBig)));
}

#[test]
fn a_message_may_have_as_many_fragments_as_the_limit() {
    for max in [1usize, 2, 7] {
        let limits = Limits { fragments_max: max, ..Limits::default() };
        for (payload, count) in ["", "x"].into_iter().flat_map(|p| [(p, max), (p, max + 1)]) {
            let mut script = Script::default();
            for number in 1..=count {
                let opcode = if number == 1 { Opcode::Text } else { Opcode::Continuation };
                // Control frames between fragments are none themselves.
                script = script.add(true, Opcode::Pong, "").add(number == count, opcode, payload);
            }
            let mut client = Client::new(limits.clone());
            client.feed(&script.0);
            let mut seen = vec![Seen::Pong; count];
            let too_many = (seen.clone(), Some(Fault::TooManyFragments));
            seen.push(text(&payload.repeat(count)));
            let fits = (seen, None);
            let expected = if count <= max { fits } else { too_many };
            assert_eq!(client.outcome(), expected, "{max} {count} {payload}");
        }
    }
}

/// A server's limits may change in the middle of a message.
#[test]
fn a_message_that_has_too_many_fragments_already_gets_no_more() {
    let mut client = Client::new(Limits::default());
    let begun = Script::default().add(false, Opcode::Text, "a");
    client.feed(&begun.add(false, Opcode::Continuation, "b").0);
    client.limits.fragments_max = 1;
    client.feed(&Script::default().add(true, Opcode::Continuation, "c").0);
    assert_eq!(client.outcome(), (vec![], Some(Fault::TooManyFragments)));
}

#[test]
fn every_fault_is_found_and_has_its_code() {
    let begun = || Script::default().add(false, Opcode::Text, "a");
    let frame = |opcode, payload: &[u8]| Script::default().add(true, opcode, payload);
    let cases: Vec<(Vec<u8>, Fault, u16)> = vec![
        (b"\xa1".to_vec(), Fault::ReservedBits, 1002),
        (b"\x91".to_vec(), Fault::ReservedBits, 1002),
        (b"\xc1\x80\0\0\0\0".to_vec(), Fault::ReservedBits, 1002),
        (b"\x83".to_vec(), Fault::UnknownOpcode(3), 1002),
        (b"\x8b".to_vec(), Fault::UnknownOpcode(0xb), 1002),
        (b"\x81\x05Hello".to_vec(), Fault::Unmasked, 1002),
        (b"\x09".to_vec(), Fault::FragmentedControl, 1002),
        (frame(Opcode::Ping, &[0; 126]).0, Fault::LongControl, 1002),
        (b"\x81\xfe\0\x7d".to_vec(), Fault::NonMinimalLength, 1002),
        (b"\x81\xff\0\0\0\0\0\0\xff\xff".to_vec(), Fault::NonMinimalLength, 1002),
        (b"\x81\xff\x80".to_vec(), Fault::LengthTopBit, 1002),
        (frame(Opcode::Continuation, b"").0, Fault::BareContinuation, 1002),
        (begun().text("b").0, Fault::Interleaved, 1002),
        (begun().add(false, Opcode::Binary, "b").0, Fault::Interleaved, 1002),
        (frame(Opcode::Close, b"\x03").0, Fault::BadCloseBody, 1002),
        (begun().add(true, Opcode::Close, b"\x03\xed").0, Fault::BadCloseCode(1005), 1002),
        (frame(Opcode::Close, b"\x03\xe8\xff").0, Fault::BadUtf8, 1007),
        (frame(Opcode::Text, b"\xff").0, Fault::BadUtf8, 1007),
        (frame(Opcode::Text, b"\xe2\x82").0, Fault::BadUtf8, 1007),
        (begun().add(true, Opcode::Continuation, b"\xe2\x82").0, Fault::BadUtf8, 1007),
        (begun().add(false, Opcode::Continuation, b"\x80").0, Fault::BadUtf8, 1007),
    ];
    for (bytes, fault, code) in cases {
        assert_eq!(run(&bytes, &[]), (vec![], Some(fault)), "{bytes:02x?}");
        assert_eq!(fault.close_code(), CloseCode(code));
        for cut in 0..bytes.len() {
            assert_eq!(run(&bytes, &[cut]), (vec![], Some(fault)), "{bytes:02x?} {cut}");
        }
    }
}

#[test]
fn text_that_is_none_is_found_before_its_frame_is_whole() {
    // Autobahn 6.4: the text goes bad with its 13th byte, long before the end of its frame.
    let bad = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90";
    let payload = [&bad[..], &[b'x'; 8000]].concat();
    let cases = [
        (Script::default().text(&payload), 8 + 13),
        (Script::default().fragments(&[&payload[..5], &payload[5..]]), 11 + 8 + 8),
        (Script::default().fragments(&[b"", &payload, b"end"]), 6 + 8 + 13),
    ];
    for (Script(frames), found_at) in cases {
        for cut in [0, 3, found_at - 2] {
            for run in [run, run_in_room] {
                assert_eq!(run(&frames[..found_at - 1], &[cut]), (vec![], None));
                assert_eq!(run(&frames[..found_at], &[cut]), (vec![], Some(Fault::BadUtf8)));
                assert_eq!(run(&frames, &[cut]), (vec![], Some(Fault::BadUtf8)));
            }
        }
    }
}

#[test]
fn what_a_header_announces_is_not_believed() {
    let limits = Limits { message_bytes_max: 1 << 30, ..Limits::default() };
    let mut client = Client::in_room(limits);
    client.feed(b"\x82\xff\0\0\0\0\x3f\xff\xff\xff\0\0\0\0");
    client.feed(b"x");
    assert!(client.held() < 8 * 1024, "{}", client.held());
    for _ in 0..40 {
        let come = client.session.open.as_ref().map_or(0, |open| open.filled);
        let room = client.session.room().map_or(0, |room| room.len());
        assert!((OWNED_BYTES_MIN..=(4 * come).max(OWNED_BYTES_MIN)).contains(&room), "{come}");
        // A growing vector may double.
        assert!(client.held() <= 8 * 1024 + 10 * come, "{} for {come}", client.held());
        client.feed(&vec![0; 1 + come / 2]);
        assert_eq!(client.outcome(), (vec![], None));
    }
}

#[test]
fn a_message_is_open_since_its_first_frame() {
    let mut client = Client::default();
    let script = Script::default()
        .add(false, Opcode::Text, "a")
        .add(true, Opcode::Ping, "")
        .add(false, Opcode::Continuation, "b")
        .add(true, Opcode::Continuation, "c")
        .text("d");
    assert_eq!(client.session.open_since(), None);
    for (tick, byte) in script.0.iter().enumerate() {
        client.now = Tick(tick as u32);
        client.feed(&[*byte]);
        // The header is whole with byte 5; the message with byte 26; "d" is whole with byte 33.
        let since = match tick {
            5..26 => Some(Tick(5)),
            32 => Some(Tick(32)),
            _ => None,
        };
        assert_eq!(client.session.open_since(), since, "{tick}");
    }
    assert_eq!(client.outcome(), (vec![ping(""), text("abc"), text("d")], None));
}
