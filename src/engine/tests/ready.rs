//! Whether new connections are welcome, and what is said of each thing that they need.
//!
//! Knows: one core by itself, and a watch that says what it is told to.
//! Must not know: sockets.

use super::core::{Core, HTTP};
use crate::limits::Limits;
use crate::metrics::{Vitals, Watch};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const WELL: &str = "ok: running\nok: connections\nok: descriptors\nok: cores\nready\n";

#[derive(Debug, Default)]
struct Guard {
    lacks_descriptors: AtomicBool,
}

impl Watch for Guard {
    fn vitals(&self) -> Vitals {
        Vitals::default()
    }

    fn lacks_descriptors(&self) -> bool {
        self.lacks_descriptors.load(Ordering::Relaxed)
    }
}

/// Not ready for one reason: the code, and the line of the report that says so.
fn assert_not_ready(core: &mut Core, code: &str, line: &str) {
    let told = core.get("/readyz", "");
    assert_eq!(told.verdict(), (503, code.to_owned()));
    assert_eq!(told.fields("Retry-After"), ["2"]);
    assert!(line.ends_with(&told.detail()), "{line}");
    let report = core.get("/readyz?verbose", "");
    assert_eq!((report.status, report.fields("Retry-After")), (503, vec!["2"]));
    let lines: Vec<_> = report.body.lines().collect();
    assert!(lines.contains(&line), "{lines:?}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("ok: ")).count(), 3, "{lines:?}");
    assert_eq!((lines.len(), lines.last()), (5, Some(&"not ready")));
    assert_eq!(core.get("/livez", "").status, 200);
    assert!(core.get("/metrics", "").body.contains("\ntidegate_ready 0\n"));
}

#[test]
fn a_server_that_is_well_says_so_in_as_many_words_as_it_was_asked_for() {
    let mut core = Core::new();
    assert_eq!(core.get("/readyz", "").body, "ok\n");
    for target in ["/readyz?verbose", "/readyz?verbose=1", "/readyz?a&verbose="] {
        let told = core.get(target, "");
        assert_eq!((told.status, told.body.as_str()), (200, WELL), "{target}");
        assert_eq!(told.fields("Content-Type"), ["text/plain; charset=utf-8"]);
        assert_eq!(told.fields("Retry-After"), Vec::<&str>::new());
    }
    assert_eq!(core.get("/readyz?terse", "").body, "ok\n");
    assert!(core.get("/metrics", "").body.contains("\ntidegate_ready 1\n"));
}

#[test]
fn with_as_many_connections_as_there_may_be_nobody_else_is_welcome() {
    let limits = Limits { connections_max: 3, ..Limits::default() };
    let mut core = Core::with(limits, false);
    let prober = core.connect(HTTP, b"");
    let ask = |core: &mut Core| {
        core.receive(prober, b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        core.turn();
        core.written(prober)
    };
    let other = core.connect(HTTP, b"");
    assert!(ask(&mut core).starts_with("HTTP/1.1 200 "));
    core.connect(HTTP, b"");
    let answer = ask(&mut core);
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("\"code\":\"full\"") && answer.contains("--max-connections"));
    core.engine.receive_error(other, core.now);
    core.turn();
    assert!(ask(&mut core).starts_with("HTTP/1.1 200 "), "there is room again");
}

#[test]
fn without_a_descriptor_nobody_else_is_welcome() {
    let mut core = Core::new();
    let guard = Arc::new(Guard::default());
    let engine = std::mem::replace(&mut core.engine, Core::new().engine);
    core.engine = engine.watched_by(Arc::clone(&guard) as Arc<dyn Watch>);
    assert_eq!(core.get("/readyz?verbose", "").body, WELL);
    guard.lacks_descriptors.store(true, Ordering::Relaxed);
    let line = "error: descriptors: out-of-descriptors: The process has no descriptor left for \
                another connection (ulimit -n).";
    assert_not_ready(&mut core, "out-of-descriptors", line);
    guard.lacks_descriptors.store(false, Ordering::Relaxed);
    assert_eq!(core.get("/readyz", "").status, 200);
}

/// Its connections would hang, and so would every new one that falls to it.
#[test]
fn a_core_that_does_not_get_to_the_end_of_its_turn_is_noticed() {
    let mut core = Core::new();
    let began = core.now.monotonic;
    turn_after(&mut core, Duration::from_millis(9999), began);
    turn_after(&mut core, Duration::from_millis(1), began);
    assert_eq!(core.get("/readyz", "").status, 200);
    turn_after(&mut core, Duration::from_millis(1), began);
    let line = "error: cores: core-stuck: A core of the server has done nothing for its \
                connections for 10 s.";
    assert_not_ready(&mut core, "core-stuck", line);
    core.engine.note_turn(core.now, core.now.monotonic);
    assert_eq!(core.get("/readyz", "").status, 200, "it was only slow");
}

/// Whoever asks has just woken up, as the core that it asks about has.
#[test]
fn a_process_that_was_stopped_has_no_core_that_is_stuck() {
    let mut core = Core::new();
    let began = core.now.monotonic;
    turn_after(&mut core, Duration::from_millis(1), began);
    core.engine.expire(core.now);
    turn_after(&mut core, Duration::from_secs(60), began);
    assert_eq!(core.get("/readyz", "").status, 200);
    core.engine.expire(core.now);
    turn_after(&mut core, Duration::from_millis(1), began);
    assert_eq!(core.get("/readyz", "").status, 200, "the other gets no time as soon");
    turn_after(&mut core, Duration::from_secs(11), began);
    assert_eq!(core.get("/readyz", "").code(), "core-stuck");
}

/// Lets so much time pass until a turn begins. What is known of turns is of another core, which
/// has been in one since `began`.
fn turn_after(core: &mut Core, span: Duration, began: Duration) {
    core.now.monotonic += span;
    core.engine.begin_turn(core.now);
    core.counters[0].in_turn.set(began);
}

#[test]
fn a_server_that_stops_says_so_first() {
    let limits = Limits { connections_max: 1, ..Limits::default() };
    let mut core = Core::with(limits, false);
    let prober = core.connect(HTTP, b"GET /readyz?verbose HTTP/1.1\r\n");
    core.engine.drain(core.now);
    core.receive(prober, b"Host: localhost\r\n\r\n");
    core.turn();
    let answer = core.written(prober);
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
    let lines: Vec<_> = body.lines().collect();
    assert_eq!(
        lines[..2],
        [
            "error: running: stopping: The server is stopping; connect again.",
            "error: connections: full: The server has as many connections as it may have \
             (--max-connections)."
        ]
    );
}
