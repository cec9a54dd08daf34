//! Bytes that are counted where no client sees the count.

use super::core::{Core, HTTP};
use crate::support::websocket::frame;
use std::time::Duration;
use tidegate::limits::Limits;

const MAX: usize = 4096;

/// Echoes with two bytes before each: so many that `bytes` wait.
fn echoes(bytes: usize) -> Vec<u8> {
    let whole = frame(0x2, true, &[7; 98]).repeat(bytes / 100);
    match bytes % 100 {
        0 => whole,
        rest => [whole, frame(0x2, true, &vec![7; rest - 2])].concat(),
    }
}

#[test]
fn at_half_an_outbox_reading_pauses() {
    for (waiting, is_paused) in [(MAX / 2 - 1, false), (MAX / 2, true), (MAX / 2 + 1, true)] {
        let mut core = Core::new(Limits { outbox_bytes_max: MAX, ..Limits::default() });
        core.websocket("/echo");
        core.stuck = true;
        core.receive(&echoes(waiting));
        assert_eq!(core.is_paused(), is_paused, "{waiting}");
        // It goes on when it has taken something, and nothing is lost or said twice.
        core.stuck = false;
        core.flush(core.key.unwrap());
        assert_eq!((core.written.len(), core.is_paused()), (waiting, false));
    }
}

/// Half an outbox and one answer: more never waits, however large that answer.
#[test]
fn one_answer_may_come_on_top_of_half_an_outbox() {
    let mut core = Core::new(Limits { outbox_bytes_max: MAX, ..Limits::default() });
    core.websocket("/echo");
    core.stuck = true;
    let large = frame(0x2, true, &[7; 60_000]);
    core.receive(&[echoes(MAX / 2 - 1), large.repeat(3)].concat());
    assert!(core.is_paused());
    core.stuck = false;
    core.flush(core.key.unwrap());
    assert_eq!(core.written.len(), MAX / 2 - 1 + 60_004);
}

#[test]
fn pipelined_requests_pause_at_half_an_outbox_too() {
    let mut core = Core::new(Limits { outbox_bytes_max: MAX, ..Limits::default() });
    core.accept(HTTP);
    core.stuck = true;
    core.receive(&b"GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n".repeat(1000));
    assert!(core.is_paused());
    core.stuck = false;
    core.flush(core.key.unwrap());
    let answers = core.written.windows(9).filter(|window| window == b"HTTP/1.1 ").count();
    let each = core.written.len() / answers;
    assert_eq!(answers, (MAX / 2).div_ceil(each), "{each} bytes each");
}

#[test]
fn input_behind_the_end_is_thrown_away() {
    for (bytes, is_cut_off) in [(MAX - 1, false), (MAX, true), (MAX + 1, true)] {
        let limits = Limits { linger_bytes_max: MAX, ..Limits::default() };
        let mut core = Core::new(limits);
        core.websocket("/echo");
        core.receive(&frame(0x8, true, b""));
        assert!(core.half_closed && !core.closed);
        for byte in vec![b'x'; bytes].chunks(1000) {
            core.receive(byte);
        }
        assert_eq!(core.closed, is_cut_off, "{bytes}");
        if !is_cut_off {
            core.wait(|core| core.closed);
        }
    }
}

/// What comes behind a fault does not keep its sender from being told of it.
#[test]
fn who_talks_on_behind_a_fault_is_told_of_it_first() {
    let mut core = Core::new(Limits { linger_bytes_max: MAX, ..Limits::default() });
    core.websocket("/echo");
    core.stuck = true;
    let unmasked = [0x81, 0x01, b'x'];
    core.receive(&unmasked);
    core.receive(&vec![b'x'; 2 * MAX]);
    assert!(!core.closed && core.is_paused());
    core.stuck = false;
    core.flush(core.key.unwrap());
    assert!(core.says(b"\x03\xea"), "1002");
    core.turn();
    assert!(core.half_closed && core.is_paused(), "it has time to read that");
    core.wait(|core| core.closed);
}

/// A client that takes nothing does not make the server forget the time.
#[test]
fn who_is_paused_is_still_cut_off() {
    let mut core = Core::new(Limits { outbox_bytes_max: MAX, ..Limits::default() });
    core.websocket("/echo");
    core.stuck = true;
    core.receive(&echoes(MAX));
    let stall = core.limits.write_stall;
    let waited = core.wait(|core| core.closed);
    assert!((stall..stall + Duration::from_millis(200)).contains(&waited), "{waited:?}");
}
