//! A core whose door asks somebody else.

use super::core::{Core, HTTP, WS, handshake, text};
use crate::auth::{Access, Door, Forward, Question, Refusing, Rights, Verdict, Vetted};
use crate::bytes::ConnKey;
use crate::engine::{Letter, Policy, Space, Wanted};
use crate::limits::Limits;
use crate::routes::Table;
use std::sync::Arc;
use std::time::Duration;

const URL: &str = "http://localhost:9000/";

fn forward(url: &str) -> Arc<Forward> {
    Arc::new(Forward::new(url, &Forward::HEADERS, Rights::usual()).unwrap())
}

fn policy(url: &str) -> Policy {
    let forward = forward(url);
    let door = Door { forward: Some(Arc::clone(&forward)), ..Door::default() };
    let access = Access { door: Arc::new(door), forwards: [forward].into(), ..Access::default() };
    Policy { access: Arc::new(access), routes: Table::default(), ..Policy::default() }
}

fn core() -> Core {
    Core::of(policy(URL))
}

fn granted(answer: &str) -> Verdict {
    let grant = forward(URL).grant(answer.as_bytes(), 1_700_000_000_000).unwrap();
    Verdict::In(Arc::new(grant))
}

const REFUSED: Verdict = Verdict::Refused(Refusing::Unauthorized);

impl Core {
    /// The one question that was asked since.
    fn question(&mut self) -> (ConnKey, Question) {
        assert_eq!(self.asked.len(), 1, "{:?}", self.asked);
        self.asked.remove(0)
    }

    fn judge(&mut self, key: ConnKey, verdict: Verdict) {
        self.judge_by(URL, key, verdict);
    }

    fn judge_by(&mut self, url: &str, key: ConnKey, verdict: Verdict) {
        let vetted = Box::new(Vetted { verdict, kept: false });
        self.engine.collect(Letter::Vetted(key, forward(url), vetted), self.now);
        self.turn();
        self.go_on(key);
    }

    /// As a reactor does with who may be read from again.
    fn go_on(&mut self, key: ConnKey) {
        if matches!(self.engine.space(key), Space::Backlog) {
            self.receive(key, b"");
        }
        self.turn();
    }

    /// So much time passes until a turn.
    pub(in crate::engine) fn pass(&mut self, time: Duration) {
        self.now.monotonic += time;
        self.now.unix_ms += time.as_millis() as u64;
        self.engine.expire(self.now);
        self.turn();
    }

    fn status(&mut self, key: ConnKey) -> String {
        let written = self.written(key);
        written.get(9..12).unwrap_or_default().to_owned()
    }
}

#[test]
fn a_request_waits_for_its_verdict_with_all_that_is_behind_it() {
    let mut core = core();
    let head = handshake("/echo");
    let (begin, end) = head.split_at(30);
    let key = core.connect(WS, begin.as_bytes());
    core.receive(key, &[end.as_bytes(), &text("early")].concat());
    core.turn();
    let (asker, question) = core.question();
    assert_eq!((asker, &*question.uri, question.method), (key, "/echo", "GET"));
    assert_eq!(question.address.as_deref(), Some("127.0.0.1"));
    assert!(matches!(core.engine.space(key), Space::Paused));
    assert_eq!(core.written(key), "");
    core.judge(key, granted(""));
    let written = core.written(key);
    assert!(written.starts_with("HTTP/1.1 101 ") && written.ends_with("early"), "{written}");
    assert!(matches!(core.engine.space(key), Space::Scratch));
    // A second verdict is nobody's.
    core.judge(key, REFUSED);
    assert_eq!(core.written(key), "");
}

#[test]
fn who_was_let_in_and_how_long_that_took_is_told() {
    let mut core = core().telling(Wanted::ALL);
    let key = core.connect(WS, handshake("/echo").as_bytes());
    assert!(core.told.is_empty());
    core.pass(Duration::from_millis(1500));
    core.judge(key, granted(r#"{"subject":"ann"}"#));
    let field = |name| core.told[0].fields.iter().find(|(one, _)| *one == name);
    assert_eq!(field("subject"), Some(&("subject", String::from("ann").into())));
    assert_eq!(field("seconds"), Some(&("seconds", Duration::from_millis(1500).into())));
}

#[test]
fn each_request_of_a_connection_is_asked_about() {
    let mut core = core();
    let request = "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let key = core.connect(HTTP, request.repeat(2).as_bytes());
    for _ in 0..2 {
        assert_eq!(core.question().0, key);
        core.judge(key, granted(""));
        assert_eq!(core.status(key), "404");
    }
    assert!(core.asked.is_empty());
}

#[test]
fn whoever_is_gone_gets_no_verdict_nor_does_whoever_comes_after() {
    let mut core = core();
    let key = core.connect(WS, handshake("/echo").as_bytes());
    core.question();
    core.engine.receive_error(key, core.now);
    core.turn();
    let next = core.connect(WS, handshake("/echo").as_bytes());
    assert_eq!(next.slot(), key.slot());
    core.judge(key, granted(""));
    assert!(matches!(core.engine.space(next), Space::Paused));
    core.judge(next, REFUSED);
    assert_eq!(core.status(next), "401");
}

#[test]
fn who_has_closed_its_half_is_still_answered() {
    let mut core = core();
    let key = core.connect(HTTP, b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n");
    core.engine.receive_end(key, core.now);
    core.question();
    core.judge(key, granted(""));
    assert_eq!(core.status(key), "404");
    assert_eq!(core.closed, [key]);
}

#[test]
fn a_verdict_that_does_not_come_is_waited_for_as_long_as_it_takes_and_no_longer() {
    let limits = Limits {
        head_time: Duration::from_secs(1),
        keep_alive: Duration::from_secs(1),
        forward_time: Duration::from_secs(20),
        ..Limits::default()
    };
    let mut core = Core::of(Policy { limits: Arc::new(limits), ..policy(URL) });
    let keys = [(WS, "/echo"), (HTTP, "/events")].map(|(listener, path)| {
        core.connect(listener, handshake_or_get(listener, path).as_bytes())
    });
    // In steps, so that nobody takes it for a process that stood still.
    for _ in 0..20 {
        core.pass(Duration::from_secs(1));
        assert_eq!(keys.map(|key| core.written(key)), ["", ""]);
    }
    for _ in 0..2 {
        core.pass(Duration::from_secs(1));
        keys.into_iter().for_each(|key| core.go_on(key));
    }
    assert_eq!(keys.map(|key| core.status(key)), ["503", "503"]);
}

fn handshake_or_get(listener: u8, path: &str) -> String {
    match listener {
        WS => handshake(path),
        _ => format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    }
}

#[test]
fn a_verdict_of_somebody_who_is_asked_no_more_does_not_count() {
    let mut core = core();
    let key = core.connect(WS, handshake("/echo").as_bytes());
    core.question();
    core.engine.adopt(Arc::new(policy("http://localhost:9001/")));
    core.judge(key, granted(""));
    assert_eq!(core.written(key), "");
    let (_, question) = core.question();
    assert_eq!(question.forward.url(), "http://localhost:9001/");
    // Nor does it when it comes late.
    core.judge(key, granted(""));
    assert_eq!(core.written(key), "");
    core.judge_by("http://localhost:9001/", key, REFUSED);
    assert_eq!(core.status(key), "401");
}

#[test]
fn where_nobody_is_asked_any_more_everybody_comes_in() {
    let mut core = core();
    let key = core.connect(WS, handshake("/echo").as_bytes());
    core.question();
    core.engine.adopt(Arc::default());
    core.judge(key, REFUSED);
    assert_eq!(core.status(key), "101");
}

#[test]
fn a_server_that_stops_waits_for_no_verdict() {
    let mut core = core();
    let keys = [
        core.connect(WS, handshake("/echo").as_bytes()),
        core.connect(HTTP, b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    ];
    core.engine.drain(core.now);
    keys.into_iter().for_each(|key| core.go_on(key));
    assert_eq!(keys.map(|key| core.status(key)), ["503", "503"]);
}

#[test]
fn what_was_let_in_before_its_time_was_over_is_over() {
    let mut core = core();
    let key = core.connect(WS, handshake("/echo").as_bytes());
    core.question();
    core.now.unix_ms += 1000;
    core.judge(key, granted(r#"{"expiresIn":1}"#));
    let written = core.written(key);
    assert!(written.starts_with("HTTP/1.1 401 "), "{written}");
    assert!(written.contains("credentials-expired"), "{written}");
}

/// A cookie of somebody's browser, sent on for a foreign page, would let that page in; and so would
/// whatever it tells a service whose user it knows.
#[test]
fn nobody_is_asked_for_a_foreign_page() {
    for (field, is_asked) in [
        ("Cookie: a=b", false),
        ("Authorization: Basic YTpi", false),
        ("Authorization: digest username=\"a\"", false),
        ("Authorization: Negotiate YTpi", false),
        ("Authorization: NTLM YTpi", false),
        ("Authorization: Bearer abc", true),
        ("Accept: */*", true),
    ] {
        let mut core = core();
        let fields = format!("\r\n{field}\r\nOrigin: http://localhost:3000\r\n\r\n");
        let head = handshake("/echo").replacen("\r\n\r\n", &fields, 1);
        let key = core.connect(WS, head.as_bytes());
        assert_eq!(core.asked.len(), usize::from(is_asked), "{field}");
        assert_eq!(core.status(key), if is_asked { "" } else { "403" }, "{field}");
    }
}

/// What a target names overrules the field (RFC 9112 section 3.2.2), and is what was let in: the
/// service must not be told of another name.
#[test]
fn a_service_is_told_the_host_that_was_let_in() {
    for (target, host, told) in [
        ("/events", "LocalHost:8082", "LocalHost:8082"),
        ("/events", "[::1]:8082", "[::1]:8082"),
        ("http://127.0.0.1:1/events", "admin.example", "127.0.0.1:1"),
        ("http://[::1]/events", "admin.example", "[::1]"),
    ] {
        let mut core = core();
        let head = format!("GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        core.connect(HTTP, head.as_bytes());
        assert_eq!(&*core.question().1.host, told, "{target} {host}");
    }
}
