//! Numbers, names and levels of accounts, also where an answer comes late or too early.
//!
//! Knows: the engine's face.
//! Must not know: where accounts go.

use super::*;
use crate::engine::tests::core::text;

const CHUNKED: &str = "POST /api/messages HTTP/1.1\r\nHost: localhost\r\n\
                       Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Somewhat longer than `span`, in steps: who sleeps for so long was stopped, and cuts nobody off.
fn wait(core: &mut Core, span: Duration) {
    let step = Duration::from_millis(500);
    (0..span.as_millis() / step.as_millis() + 3).for_each(|_| core.pass(step));
}

/// The one account there is.
fn only(core: &mut Core) -> String {
    let told = told(core);
    let [line] = &told[..] else { panic!("{told:?}") };
    line.clone()
}

#[test]
fn each_side_is_told_with_its_own_bytes_also_in_a_slot_that_was_anothers() {
    let mut core = Core::new().telling(Wanted::ALL);
    let head = handshake("/echo");
    let mut slots = Vec::new();
    for (peer, words) in [([127, 0, 0, 1], 3), ([127, 0, 0, 2], 1)] {
        core.peer = IpAddr::from(peer);
        let key = core.connect(WS, head.as_bytes());
        (0..words).for_each(|_| core.say(key, &["hello"]));
        core.turn();
        told(&mut core);
        let sent = core.written[&key].len();
        core.engine.receive_error(key, core.now);
        core.turn();
        let line = only(&mut core);
        let read = head.len() + words * text("hello").len();
        let numbers = format!(" bytes-in={read} bytes-out={sent} messages-in={words}");
        assert!(line.ends_with(&numbers) && read != sent, "{line} is not{numbers}");
        assert!(line.contains(&format!(" peer={} ", core.peer)), "{line}");
        slots.push(key.slot());
    }
    assert_eq!(slots[0], slots[1]);
}

#[test]
fn a_stream_is_as_old_as_its_request_and_not_as_its_connection() {
    let mut core = Core::new().telling(Wanted::ALL);
    let key = core.connect(HTTP, get("/hello").as_bytes());
    core.pass(Duration::from_secs(5));
    core.receive(key, get("/events").as_bytes());
    core.pass(Duration::from_secs(2));
    told(&mut core);
    core.engine.receive_end(key, core.now);
    core.turn();
    assert!(only(&mut core).contains(" seconds=2 "));
}

/// Clocks of machines are set, forth and back.
#[test]
fn a_websocket_is_as_old_as_it_is_whatever_the_date() {
    let mut core = Core::new().telling(Wanted::ALL);
    let key = core.websocket("/echo");
    core.now.monotonic += Duration::from_secs(2);
    core.now.unix_ms += 3_600_000;
    told(&mut core);
    core.engine.receive_error(key, core.now);
    core.turn();
    let line = only(&mut core);
    assert!(line.contains(" seconds=2 "), "{line}");
}

#[test]
fn an_answer_is_told_with_all_its_bytes() {
    for request in [get("/hello"), get("/nothing"), get("/hello").replacen("GET", "HEAD", 1)] {
        let mut core = Core::new().telling(Wanted::ALL);
        let key = core.connect(HTTP, request.as_bytes());
        let bytes = core.written(key).len();
        let line = only(&mut core);
        assert!(line.ends_with(&format!(" bytes-out={bytes}")), "{line}: {bytes}");
    }
}

#[test]
fn a_body_that_has_a_fault_is_told_with_what_it_was_for() {
    let mut core = Core::new().telling(Wanted::PROBLEMS);
    let key = core.connect(HTTP, format!("{CHUNKED}no length\r\n").as_bytes());
    let bytes = core.written(key).len();
    let line = only(&mut core);
    let begin = "access Info: request refused peer=127.0.0.1 method=POST path=/api/messages ";
    assert!(line.starts_with(&format!("{begin}status=400 code=")), "{line}");
    assert!(line.ends_with(&format!(" bytes-out={bytes}")), "{line}: {bytes}");
}

#[test]
fn a_body_that_is_too_long_is_told_with_what_it_was_for() {
    let request =
        "POST /api/messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n";
    let told = told_of(Wanted::PROBLEMS, HTTP, request);
    let begin = "access Info: request refused peer=127.0.0.1 method=POST path=/api/messages \
                 status=413 code=body-too-large seconds=0 bytes-in=99999999 bytes-out=";
    assert!(matches!(&told[..], [line] if line.starts_with(begin)), "{told:?}");
}

/// One connection of a proxy may carry the requests of all its clients.
#[test]
fn who_was_let_in_before_is_not_told_of_who_comes_after() {
    let mut core = Core::of(policy(Door::default())).telling(Wanted::ALL);
    let known = format!("Host: localhost\r\nAuthorization: Bearer {MANAGER}");
    let key = core.connect(HTTP, get("/api/rooms").replace("Host: localhost", &known).as_bytes());
    assert!(only(&mut core).contains(" subject=managers key=managers "));
    core.receive(key, get("/api/rooms").as_bytes());
    core.turn();
    let line = only(&mut core);
    assert!(line.contains(" status=401 "), "{line}");
    assert!(!line.contains("subject=") && !line.contains("key="), "{line}");
}

#[test]
fn a_proxy_speaks_for_somebody_also_where_the_answer_takes_a_body() {
    let head = CHUNKED.replace("\r\n\r\n", "\r\nX-Forwarded-For: 203.0.113.7\r\n\r\n");
    let told = told_of(Wanted::PROBLEMS, HTTP, &format!("{head}2\r\n[]\r\n0\r\n\r\n"));
    let [line] = &told[..] else { panic!("{told:?}") };
    assert!(line.contains(" peer=127.0.0.1 forwarded-for=203.0.113.7 method=POST "), "{line}");
}

#[test]
fn what_is_sent_too_slowly_or_too_much_is_told_once() {
    let limits = Limits::default();
    for (begin, span, expected) in [
        ("GET /hello HT", limits.head_time, "status=408 code=head-timeout"),
        (CHUNKED, limits.keep_alive, "method=POST path=/api/messages status=408 code=body-timeout"),
    ] {
        let mut core = Core::new().telling(Wanted::PROBLEMS);
        core.connect(HTTP, begin.as_bytes());
        assert_eq!(told(&mut core), [""; 0]);
        wait(&mut core, span);
        let line = only(&mut core);
        let begin = "access Info: request refused peer=127.0.0.1 ";
        assert!(line.starts_with(&format!("{begin}{expected}")), "{line}");
    }
    let limits = Limits { node_bodies_bytes_max: 4, ..limits };
    let mut core = Core::with(limits, false).telling(Wanted::PROBLEMS);
    core.connect(HTTP, format!("{CHUNKED}5\r\n[1,2]\r\n").as_bytes());
    let line = only(&mut core);
    let begin = "access Warn: request failed peer=127.0.0.1 method=POST path=/api/messages ";
    assert!(line.starts_with(&format!("{begin}status=503 code=too-many-bodies")), "{line}");
    assert_eq!(core.counters[0].bodies_shed.value(), 1);
}

#[test]
fn heads_that_do_not_end_and_requests_that_we_fail_on_are_told() {
    let limits = Limits { head_bytes_max: 1024, node_heads_bytes_max: 1, ..Limits::default() };
    let mut core = Core::with(limits, false).telling(Wanted::PROBLEMS);
    let half = format!("GET /hello HTTP/1.1\r\nX: {}", "x".repeat(900));
    (0..4).for_each(|_| _ = core.connect(HTTP, half.as_bytes()));
    let shed = told(&mut core);
    let begin = "access Warn: request failed peer=127.0.0.1 status=503 code=";
    assert!(!shed.is_empty() && shed.iter().all(|line| line.starts_with(begin)), "{shed:?}");
    assert_eq!(core.counters[0].heads_shed.value(), shed.len() as u64);

    let mut core = Core::new().telling(Wanted::PROBLEMS);
    set(Trap::Request);
    core.connect(HTTP, get("/hello").as_bytes());
    let line = only(&mut core);
    let begin = "access Warn: request failed peer=127.0.0.1 status=500 code=internal-error";
    assert!(line.starts_with(begin), "{line}");
}

#[test]
fn readers_that_take_nothing_or_talk_are_problems() {
    let limits = Limits::default();
    let mut core = Core::new().telling(Wanted::PROBLEMS);
    let stream = core.stream();
    core.receive(stream, &[b'x'; 5000]);
    core.turn();
    let line = only(&mut core);
    assert!(line.starts_with("connection Info: stream ended by=server reason=it kept"), "{line}");
    let ended = |code| core.counters[0].streams_ended.iter().find(|(key, _)| *key == code);
    assert_eq!(ended(Some(1008)), Some((Some(1008), 1)));

    let (stalls, sender) = (core.stream(), core.websocket("/"));
    core.say(sender, &[&message("a", 1)]);
    core.turn_taking(0);
    core.engine.sent(stalls, 0, 1, core.now);
    wait(&mut core, limits.write_stall);
    let line = only(&mut core);
    assert!(line.starts_with("connection Info: stream ended by=timeout"), "{line}");
}
