//! Compressed messages, however they come (RFC 7692 §6, §7.2).
//!
//! Knows: RSV1, which frames may have it.
//! Must not know: how messages are inflated.

use super::*;
use crate::ws::deflate::{Deflater, WINDOW_BITS};

fn deflated(payload: impl AsRef<[u8]>) -> Vec<u8> {
    let mut deflater = Deflater::new(0);
    deflater.deflate(payload.as_ref(), WINDOW_BITS).expect("it becomes smaller").to_vec()
}

impl Script {
    fn add_rsv1(mut self, fin: bool, opcode: Opcode, payload: impl AsRef<[u8]>) -> Script {
        let start = self.0.len();
        self = self.add(fin, opcode, payload);
        self.0[start] |= 0x40;
        self
    }
}

fn run(limits: Limits, input: &[u8], cuts: &[usize]) -> pieces::Outcome {
    let mut client = Client::that_may_deflate(limits);
    let mut from = 0;
    for &cut in cuts.iter().chain([&input.len()]) {
        client.feed(&input[from..cut]);
        from = cut;
    }
    client.outcome()
}

#[test]
fn compressed_messages_may_come_in_any_pieces() {
    let (words, bytes) = ("grød og bær 🫐 ".repeat(9), [0xff; 300]);
    let (front, back) = (&deflated(&words)[..7], &deflated(&words)[7..]);
    let script = Script::default()
        .add_rsv1(true, Opcode::Text, deflated(&words))
        .add_rsv1(true, Opcode::Binary, deflated(bytes))
        .text("as it is")
        .add_rsv1(false, Opcode::Text, front)
        .add(true, Opcode::Ping, "between")
        .add(false, Opcode::Continuation, "")
        .add(true, Opcode::Continuation, back)
        .add_rsv1(true, Opcode::Text, [0x00])
        .add_rsv1(true, Opcode::Text, [])
        .add_rsv1(false, Opcode::Binary, [])
        .add(true, Opcode::Continuation, [])
        .fragments(&[b"not ", b"compressed"])
        .0;
    let expected = vec![
        text(&words),
        binary(&bytes),
        text("as it is"),
        ping("between"),
        text(&words),
        text(""),
        text(""),
        binary(b""),
        text("not compressed"),
    ];
    for a in 0..=script.len() {
        let b = a + (script.len() - a) / 2;
        for cuts in [&[a][..], &[a, b]] {
            assert_eq!(run(Limits::default(), &script, cuts), (expected.clone(), None), "{cuts:?}");
        }
    }
}

#[test]
fn only_the_first_frame_of_a_message_says_that_it_is_compressed() {
    let cases = [
        Script::default().text("a").add_rsv1(true, Opcode::Ping, ""),
        Script::default().text("a").add_rsv1(true, Opcode::Pong, ""),
        Script::default().text("a").add_rsv1(true, Opcode::Close, ""),
        Script::default().text("a").add_rsv1(true, Opcode::Continuation, ""),
        Script::default()
            .text("a")
            .add_rsv1(false, Opcode::Text, deflated("words words words"))
            .add_rsv1(true, Opcode::Continuation, ""),
    ];
    for (number, script) in cases.into_iter().enumerate() {
        let outcome = run(Limits::default(), &script.0, &[]);
        assert_eq!(outcome, (vec![text("a")], Some(Fault::ReservedBits)), "{number}");
    }
    // Where it was not agreed on, nothing may say so.
    let script = Script::default().add_rsv1(true, Opcode::Text, deflated("words words words"));
    assert_eq!(super::run(&script.0, &[]), (vec![], Some(Fault::ReservedBits)));
}

#[test]
fn what_cannot_be_inflated_is_a_fault_when_all_of_it_has_come() {
    for (payload, fault) in [
        (&b"\xff\xff"[..], Fault::BadDeflate),
        (&deflated("words words words words")[..9], Fault::BadDeflate),
        (&deflated([0xff; 90]), Fault::BadUtf8),
    ] {
        let script = Script::default().text("a").add_rsv1(true, Opcode::Text, payload).text("b").0;
        for cut in 0..script.len() {
            let outcome = run(Limits::default(), &script, &[cut]);
            assert_eq!(outcome, (vec![text("a")], Some(fault)), "{cut}");
        }
    }
}

#[test]
fn the_limit_is_that_of_the_message_not_of_its_frames() {
    let max = 5000;
    let limits = || Limits { message_bytes_max: max, ..Limits::default() };
    for bytes in [max - 1, max, max + 1] {
        let (front, back) = (deflated(vec![b'a'; bytes]), deflated(vec![b'a'; bytes]));
        let (front, back) = (&front[..4], &back[4..]);
        for script in [
            Script::default().add_rsv1(true, Opcode::Text, deflated(vec![b'a'; bytes])),
            Script::default().add_rsv1(false, Opcode::Text, front).add(
                true,
                Opcode::Continuation,
                back,
            ),
        ] {
            let expected = match bytes > max {
                true => (vec![], Some(Fault::TooBig)),
                false => (vec![text(&"a".repeat(bytes))], None),
            };
            assert_eq!(run(limits(), &script.0, &[]), expected);
        }
    }
}

#[test]
fn compressed_bytes_are_bounded_before_they_are_inflated() {
    let max = 5000;
    let limits = || Limits { message_bytes_max: max, ..Limits::default() };
    let most = crate::ws::deflate::deflated_bytes_max(max);
    // The whole of it at once: decided at the header.
    let script = Script::default().add_rsv1(true, Opcode::Binary, vec![0; most + 1]).0;
    assert_eq!(run(limits(), &script[..8], &[]), (vec![], Some(Fault::TooBig)));
    // Bit by bit, without an end.
    let mut client = Client::that_may_deflate(limits());
    let first = Script::default().add_rsv1(false, Opcode::Binary, vec![0; 100]).0;
    client.feed(&first);
    let more = Script::default().add(false, Opcode::Continuation, vec![0; 100]).0;
    for _ in 1..most / 100 {
        client.feed(&more);
        assert_eq!(client.outcome(), (vec![], None));
        assert!(client.held() <= 2 * most, "{}", client.held());
    }
    client.feed(&more);
    assert_eq!(client.outcome(), (vec![], Some(Fault::TooBig)));
}
