//! Times: never cut short, and up to 0.2 s late (PROTOCOL.md, Limits).

use super::core::{Core, HTTP, WS};
use crate::support::http::request;
use crate::support::websocket::frame;
use std::time::Duration;
use tidegate::limits::Limits;

const LATE_MAX: Duration = Duration::from_millis(200);

fn on_time(what: &str, limit: Duration, took: Duration) {
    assert!((limit..=limit + LATE_MAX).contains(&took), "{what}: {took:?} instead of {limit:?}");
}

fn core() -> Core {
    Core::new(Limits::default())
}

fn hello() -> Vec<u8> {
    request("127.0.0.1:1".parse().unwrap(), "GET", "/hello", "").into_bytes()
}

#[test]
fn a_head_has_its_time() {
    for listener in [WS, HTTP] {
        // From the accept, if nothing comes.
        let mut core = core();
        core.accept(listener);
        let limit = core.limits.head_time;
        on_time("no head", limit, core.wait(|core| core.half_closed));
        assert!(core.written.is_empty(), "closed without an answer");
    }
    // From the accept, too, if it comes slowly; later from the first byte of the request.
    let mut slow = core();
    slow.accept(HTTP);
    let limit = slow.limits.head_time;
    let mut took = Duration::ZERO;
    for byte in hello().chunks(1).take(12) {
        slow.receive(byte);
        slow.pass(limit / 14);
        took += limit / 14;
    }
    on_time("a slow head", limit, took + slow.wait(|slow| slow.half_closed));
    assert!(slow.says(b"HTTP/1.1 408 ") && slow.says(b"head-timeout"));
    let mut second = core();
    second.accept(HTTP);
    second.receive(&hello());
    second.pass(Duration::from_secs(10));
    second.receive(b"G");
    on_time("a second head", limit, second.wait(|second| second.half_closed));
    assert!(second.says(b"HTTP/1.1 200 ") && second.says(b"HTTP/1.1 408 "));
}

#[test]
fn a_quiet_http_connection_has_its_time() {
    let mut core = core();
    core.accept(HTTP);
    for _ in 0..3 {
        core.receive(&hello());
        core.pass(core.limits.keep_alive - Duration::from_millis(1));
        assert!(!core.half_closed);
    }
    core.receive(&hello());
    let limit = core.limits.keep_alive;
    on_time("silence", limit, core.wait(|core| core.half_closed));
    assert!(!core.says(b"408"));
}

/// It is told so, as nothing was answered yet: both when it is slow and when it stops.
#[test]
fn a_body_that_is_wanted_has_its_time() {
    let headers = "Content-Type: application/json\r\nContent-Length: 1000\r\n";
    let head = request("127.0.0.1:1".parse().unwrap(), "POST", "/api/messages", headers);
    let mut slow = core();
    slow.accept(HTTP);
    slow.receive(head.as_bytes());
    let limit = slow.limits.body_time;
    for _ in 0..9 {
        slow.pass(limit / 10);
        slow.receive(b" ");
        assert!(!slow.half_closed);
    }
    on_time("a slow body", limit, limit / 10 * 9 + slow.wait(|slow| slow.half_closed));
    assert!(slow.says(b"HTTP/1.1 408 ") && slow.says(b"body-timeout"));
    let mut silent = core();
    silent.accept(HTTP);
    silent.receive(head.as_bytes());
    let limit = silent.limits.keep_alive;
    on_time("a silent body", limit, silent.wait(|silent| silent.half_closed));
    assert!(silent.says(b"HTTP/1.1 408 ") && silent.says(b"body-timeout"));
}

#[test]
fn a_message_has_its_time() {
    let mut core = core();
    core.websocket("/echo");
    let limit = core.limits.message_time;
    core.receive(&frame(0x1, false, b"a"));
    core.pass(limit - Duration::from_millis(1));
    core.receive(&frame(0x0, true, b"b"));
    assert!(core.says(b"ab"), "it came in time");
    core.written.clear();
    // Neither more of it nor control frames make its time longer.
    core.receive(&frame(0x1, false, b"a"));
    for _ in 0..3 {
        core.pass(limit / 4);
        core.receive(&[frame(0x0, false, b""), frame(0xa, true, b"")].concat());
    }
    on_time("a message", limit, limit / 4 * 3 + core.wait(|core| core.says(b"\x03\xf0")));
}

#[test]
fn silence_is_pinged_and_then_cut_off() {
    let mut core = core();
    core.websocket("/echo");
    let (interval, timeout) = (core.limits.ping_interval, core.limits.ping_timeout);
    for _ in 0..2 {
        on_time("a ping", interval, core.wait(|core| core.written == [0x89, 0]));
        core.pass(timeout - Duration::from_millis(1));
        assert!(!core.closed);
        core.written.clear();
        core.receive(&frame(0xa, true, b""));
    }
    on_time("a ping", interval, core.wait(|core| core.written == [0x89, 0]));
    on_time("no pong", timeout, core.wait(|core| core.closed));
    assert_eq!(core.written, [0x89, 0], "no close frame: nobody is there");
}

#[test]
fn a_close_frame_is_waited_for_its_time() {
    let mut core = Core::new(Limits { refusals_max: 1, ..Limits::default() });
    core.websocket("/");
    core.receive(&frame(0x1, true, b"nonsense"));
    assert!(core.says(b"\x03\xf0") && !core.half_closed);
    let limit = core.limits.closing;
    core.receive(&frame(0x1, true, b"more nonsense"));
    on_time("no close frame", limit, core.wait(|core| core.closed));
}

/// What is late after a standstill is so by our fault: the last words still leave.
#[test]
fn who_is_being_closed_is_not_cut_off_for_a_standstill() {
    let mut core = Core::new(Limits { refusals_max: 1, ..Limits::default() });
    core.websocket("/");
    core.stuck = true;
    core.receive(&frame(0x1, true, b"nonsense"));
    let span = core.limits.write_stall + core.limits.closing;
    core.stand_still(span);
    assert!(!core.closed, "it is not at fault");
    core.stuck = false;
    core.flush(core.key.unwrap());
    assert!(core.says(b"\x03\xf0"), "it is told why");
    core.wait(|core| core.closed);
}

#[test]
fn the_last_bytes_have_their_time() {
    let mut core = core();
    core.websocket("/echo");
    core.receive(&frame(0x8, true, b""));
    assert!(core.half_closed);
    let limit = core.limits.linger;
    on_time("the other half", limit, core.wait(|core| core.closed));
}

#[test]
fn a_reader_that_takes_nothing_has_its_time() {
    let mut core = core();
    core.websocket("/echo");
    core.stuck = true;
    core.receive(&frame(0x1, true, b"hello"));
    let limit = core.limits.write_stall;
    core.pass(limit - Duration::from_millis(1));
    assert!(!core.closed);
    core.stuck = false;
    core.flush(core.key.unwrap());
    assert!(core.says(b"hello"), "it took it in time");
    core.stuck = true;
    core.receive(&frame(0x1, true, b"hello"));
    on_time("a stall", limit, core.wait(|core| core.closed));
}

#[test]
fn a_quiet_stream_has_its_heartbeat() {
    let mut core = core();
    core.accept(HTTP);
    core.receive(&request("127.0.0.1:1".parse().unwrap(), "GET", "/events", "").into_bytes());
    for _ in 0..3 {
        core.written.clear();
        let limit = core.limits.heartbeat;
        on_time("a heartbeat", limit, core.wait(|core| core.written == b":\n"));
    }
}

#[test]
fn the_reconnection_time_is_within_its_bounds() {
    let shortest = 20;
    let retry = Duration::from_millis(shortest);
    let mut told = Vec::new();
    let mut core = Core::new(Limits { retry, ..Limits::default() });
    for _ in 0..2000 {
        core.written.clear();
        core.accept(HTTP);
        core.receive(&request("127.0.0.1:1".parse().unwrap(), "GET", "/events", "").into_bytes());
        let text = String::from_utf8(core.written.clone()).unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix("retry: ")).unwrap();
        told.push(value.parse::<u64>().unwrap());
    }
    assert_eq!(told.iter().min(), Some(&shortest));
    assert_eq!(told.iter().max(), Some(&(3 * shortest)));
}

#[test]
fn whoever_stays_is_cut_off_when_the_drain_is_over() {
    let mut core = core();
    core.websocket("/echo");
    core.stuck = true;
    core.receive(&frame(0x1, true, b"hello"));
    // It would be cut off by its stall long before.
    let mut patient = Core::new(Limits {
        write_stall: Duration::from_secs(500),
        closing: Duration::from_secs(500),
        ..Limits::default()
    });
    patient.websocket("/echo");
    patient.stuck = true;
    patient.receive(&frame(0x1, true, b"hello"));
    patient.drain();
    let limit = patient.limits.drain;
    on_time("the drain", limit, patient.wait(|patient| patient.closed));
    assert!(patient.engine.is_drained());
}
