//! A heartbeat, and events that a kernel takes in pieces.
//!
//! Knows: when a heartbeat is due, what one is.
//! Must not know: how the pump is written.

use super::rig::Rig;
use super::{message, stream, text, websocket};
use crate::limits::Limits;
use std::time::Duration;

const HEARTBEAT: Duration = Duration::from_secs(2);

/// The bytes behind a stream's first block.
fn body(rig: &mut Rig, stream: usize) -> String {
    let written = rig.written(stream);
    let (_, body) = written.split_once("\r\n\r\n").expect("a head");
    body.split_once("\n\n").expect("a first block").1.to_owned()
}

/// A stream that gets one event of which the kernel takes `cut` bytes, and the rest when the time
/// for several heartbeats is over.
fn play(cut: usize) -> String {
    let limits = Limits {
        heartbeat: HEARTBEAT,
        write_stall: Duration::from_secs(1000),
        ..Limits::default()
    };
    let mut rig = Rig::with(limits);
    let reader = stream(&mut rig);
    let sender = websocket(&mut rig, "/");
    rig.io(reader).room = cut;
    rig.arrive(sender, &text(&message(1, 20)));
    rig.settle();
    for _ in 0..3 {
        rig.pass(HEARTBEAT * 2);
        rig.settle();
    }
    // A byte at a time, and time enough for another heartbeat between them. There are so many that
    // this would never end.
    for _ in 0..100 {
        rig.make_room(reader, 1);
        rig.settle();
        rig.pass(HEARTBEAT * 2);
        rig.settle();
    }
    rig.make_room(reader, usize::MAX);
    rig.pass(HEARTBEAT * 2);
    rig.settle();
    rig.arrive(sender, &text(&message(2, 0)));
    rig.settle();
    body(&mut rig, reader)
}

#[test]
fn a_heartbeat_never_lands_inside_an_event() {
    let whole = play(usize::MAX);
    let events = |body: &str| body.replace(":\n", "\n").replace("\n\n\n", "\n\n");
    assert!(whole.contains("\n\n:\n"), "there are heartbeats: {whole}");
    let first = whole.split_inclusive("\n\n").next().expect("an event");
    let first = first.trim_start_matches(":\n");
    for cut in 0..first.len() + 3 {
        let body = play(cut);
        let lines: Vec<&str> = body.lines().filter(|line| *line != ":").collect();
        let expected: Vec<&str> = whole.lines().filter(|line| *line != ":").collect();
        assert_eq!(lines, expected, "cut at {cut}: {body}");
        // Between the lines of one event there is none either.
        assert!(!events(&body).contains("\n:\n"), "cut at {cut}: {body}");
        assert!(body.contains(first.trim_end()), "cut at {cut}: {body}");
    }
}

#[test]
fn a_quiet_stream_has_one_heartbeat_after_each_silence() {
    let mut rig = Rig::with(Limits { heartbeat: HEARTBEAT, ..Limits::default() });
    let reader = stream(&mut rig);
    for _ in 0..3 {
        rig.pass(HEARTBEAT * 2);
        rig.settle();
    }
    assert_eq!(body(&mut rig, reader), ":\n:\n:\n");
}
