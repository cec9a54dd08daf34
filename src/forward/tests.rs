//! Questions to a service that the test plays.

#[path = "../../tests/support/backend.rs"]
mod backend;

use super::*;
use crate::auth::{Forward, Refusing, Rights};
use crate::limits::FORWARD_ANSWER_BYTES_MAX;
use backend::{Backend, Heard};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// Nothing that a test waits for takes so long.
const LONG: Duration = Duration::from_secs(30);
const REFUSED: Verdict = Verdict::Refused(Refusing::Unauthorized);

/// What is asked at `url`; the answer is waited for long, and not kept.
pub(super) fn question(url: &str) -> Question {
    Question {
        forward: Arc::new(Forward::new(url, &Forward::HEADERS, Rights::usual()).unwrap()),
        method: "GET",
        host: Box::from("tide.example"),
        uri: Box::from("/chat/a?b=c%20d"),
        address: Some(Box::from("192.0.2.1")),
        fields: vec![(Box::from("cookie"), Box::from(*b"a=b"))],
        unix_ms: 1_000_000,
        patience: LONG,
        keep: Duration::ZERO,
        kept_max: 10,
    }
}

/// A service, and what asks it.
struct Rig {
    backend: Backend,
    forwarder: Forwarder,
}

impl Rig {
    fn start() -> Rig {
        Rig { backend: Backend::start(), forwarder: Forwarder::default() }
    }

    fn question(&self) -> Question {
        question(&self.backend.url())
    }

    fn ask(&self, question: Question) -> Receiver<Vetted> {
        let (tell, told) = channel();
        self.forwarder.ask(Box::new(question), move |answer| tell.send(answer).unwrap());
        told
    }

    /// What comes of an answer that `say` gives.
    fn judge(&self, say: impl FnOnce(Heard)) -> Verdict {
        let told = self.ask(self.question());
        say(self.backend.next());
        told.recv_timeout(LONG).unwrap().verdict
    }
}

#[test]
fn the_request_says_what_was_asked_and_nothing_else() {
    let rig = Rig::start();
    let told = rig.ask(rig.question());
    let heard = rig.backend.next();
    assert_eq!(heard.head[0], "GET /auth HTTP/1.1");
    for (name, value) in [
        ("Host", rig.backend.addr.to_string().as_str()),
        ("Cookie", "a=b"),
        ("X-Forwarded-Method", "GET"),
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-Host", "tide.example"),
        ("X-Forwarded-Uri", "/chat/a?b=c%20d"),
        ("X-Forwarded-For", "192.0.2.1"),
        ("Accept", "application/json"),
        ("User-Agent", concat!("tidegate/", env!("CARGO_PKG_VERSION"))),
    ] {
        assert_eq!(heard.fields(name), [value], "{name}");
    }
    assert_eq!(heard.head.len(), 10, "{heard:?}");
    heard.answer("204 No Content", "");
    let Verdict::In(grant) = told.recv_timeout(LONG).unwrap().verdict else { panic!("refused") };
    assert!(grant.may_connect() && !grant.may_manage());
}

#[test]
fn what_a_status_means() {
    let rig = Rig::start();
    for (status, verdict) in [
        ("401 Unauthorized", REFUSED),
        ("403 Forbidden", Verdict::Refused(Refusing::Forbidden)),
        ("302 Found", Verdict::Unavailable),
        ("304 Not Modified", Verdict::Unavailable),
        ("400 Bad Request", Verdict::Unavailable),
        ("407 Proxy Authentication Required", Verdict::Unavailable),
        ("500 Internal Server Error", Verdict::Unavailable),
        ("503 Service Unavailable", Verdict::Unavailable),
    ] {
        assert_eq!(rig.judge(|heard| heard.answer(status, "no")), verdict, "{status}");
    }
    for status in ["200 OK", "202 Accepted"] {
        let verdict = rig.judge(|heard| heard.answer(status, r#"{"subject":"ada"}"#));
        assert!(matches!(verdict, Verdict::In(_)), "{status}");
    }
}

#[test]
fn an_answer_that_is_none_lets_nobody_in() {
    let rig = Rig::start();
    let say = |text: &'static str| {
        move |heard: Heard| {
            heard.say(text.as_bytes());
            heard.close();
        }
    };
    for text in [
        "\0\0\0",
        "SSH-2.0-Open\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n\x1f\x0b",
    ] {
        assert_eq!(rig.judge(say(text)), Verdict::Unavailable, "{text:?}");
    }
}

#[test]
fn an_answer_is_as_long_as_it_may_be_and_no_longer() {
    let rig = Rig::start();
    let of_length = |length: usize| {
        let body = format!("{:length$}", "{}");
        rig.judge(move |heard| heard.answer("200 OK", &body))
    };
    assert!(matches!(of_length(FORWARD_ANSWER_BYTES_MAX), Verdict::In(_)));
    assert_eq!(of_length(FORWARD_ANSWER_BYTES_MAX + 1), Verdict::Unavailable);
    // What has no end is not read to it.
    let verdict = rig.judge(|heard| {
        heard.say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        heard.say(
            &b"400\r\n"
                .iter()
                .copied()
                .chain([b' '; 1024])
                .chain(*b"\r\n")
                .collect::<Vec<_>>()
                .repeat(8),
        );
        std::mem::forget(heard);
    });
    assert_eq!(verdict, Verdict::Unavailable);
}

/// It has the whole time for it, however it spends that.
#[test]
fn a_service_that_takes_too_long_lets_nobody_in() {
    let rig = Rig::start();
    let soon = || Question { patience: Duration::from_millis(100), ..rig.question() };
    let parts: [&[&[u8]]; 4] = [
        &[],
        &[b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"],
        &[b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", b"{"],
        &[b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"],
    ];
    for parts in parts {
        let told = rig.ask(soon());
        let heard = rig.backend.next();
        parts.iter().take(1).for_each(|part| heard.say(part));
        let answer = loop {
            // It is never silent.
            parts.iter().skip(1).for_each(|part| heard.say(part));
            if let Ok(answer) = told.recv_timeout(Duration::from_millis(5)) {
                break answer;
            }
        };
        assert_eq!(answer, Vetted::UNAVAILABLE, "{parts:?}");
    }
}

#[test]
fn a_service_that_is_not_there_lets_nobody_in_until_it_is_back() {
    let rig = Rig::start();
    let Rig { backend, forwarder } = rig;
    let addr = backend.addr;
    drop(backend);
    let ask = || {
        let (tell, told) = channel();
        let question = question(&format!("http://{addr}/auth"));
        forwarder.ask(Box::new(question), move |answer| tell.send(answer).unwrap());
        told
    };
    assert_eq!(ask().recv_timeout(LONG).unwrap(), Vetted::UNAVAILABLE);
    let backend = Backend::start_at(addr);
    let told = ask();
    backend.answer(1, "401 Unauthorized", "");
    assert_eq!(told.recv_timeout(LONG).unwrap().verdict, REFUSED);
    // On the connection that it has, which the next one knows nothing of.
    drop(backend);
    let backend = Backend::start_at(addr);
    let told = ask();
    backend.answer(1, "403 Forbidden", "");
    let verdict = told.recv_timeout(LONG).unwrap().verdict;
    assert_eq!(verdict, Verdict::Refused(Refusing::Forbidden));
}

/// What a service writes behind its answer could pass for the answer to somebody else's question.
#[test]
fn each_question_has_a_connection_of_its_own() {
    let rig = Rig::start();
    for status in ["200 OK", "401 Unauthorized", "204 No Content", "403 Forbidden"] {
        rig.judge(|heard| heard.answer(status, ""));
    }
    assert_eq!(rig.backend.connections(), 4);
}

#[test]
fn what_was_asked_a_moment_ago_is_not_asked_again() {
    let rig = Rig::start();
    let kept = || Question { keep: LONG, ..rig.question() };
    let told = rig.ask(kept());
    rig.backend.answer(1, "401 Unauthorized", "");
    assert_eq!(told.recv_timeout(LONG).unwrap(), Vetted { verdict: REFUSED, kept: false });
    let told = rig.ask(kept()).try_recv().expect("here and now");
    assert_eq!(told, Vetted { verdict: REFUSED, kept: true });
    // One byte, or where one field ends and the next begins, makes it another question.
    let field = |name: &str, value: &str| (Box::from(name), Box::from(value.as_bytes()));
    for other in [
        Question { method: "HEAD", ..kept() },
        Question { host: Box::from("tide.example:80"), ..kept() },
        Question { uri: Box::from("/chat/a?b=c%20e"), ..kept() },
        Question { address: Some(Box::from("192.0.2.2")), ..kept() },
        Question { address: None, ..kept() },
        Question { fields: vec![], ..kept() },
        Question { fields: vec![field("cookie", "a=c")], ..kept() },
        Question { fields: vec![field("cookiea", "=b")], ..kept() },
        Question { fields: vec![field("cookie", "a="), field("cookie", "b")], ..kept() },
        Question { host: Box::from(""), uri: Box::from("tide.example/chat/a?b=c%20d"), ..kept() },
    ] {
        let told = rig.ask(other);
        rig.backend.answer(1, "403 Forbidden", "");
        assert!(!told.recv_timeout(LONG).unwrap().kept);
    }
}

/// Each of the threads waits for an answer, and as many questions as may wait for them.
#[test]
fn who_comes_when_too_many_wait_is_told_so_at_once() {
    let rig = Rig::start();
    let busy: Vec<_> = (0..FORWARD_THREADS_MAX).map(|_| rig.ask(rig.question())).collect();
    let heard: Vec<_> = busy.iter().map(|_| rig.backend.next()).collect();
    let waiting: Vec<_> = (0..FORWARD_QUEUE_MAX).map(|_| rig.ask(rig.question())).collect();
    assert_eq!(rig.ask(rig.question()).try_recv(), Ok(Vetted::UNAVAILABLE));
    assert_eq!(rig.backend.connections(), FORWARD_THREADS_MAX);
    heard.into_iter().for_each(|heard| heard.answer("401 Unauthorized", ""));
    for _ in &waiting {
        rig.backend.next().answer("401 Unauthorized", "");
    }
    for told in busy.iter().chain(&waiting) {
        assert_eq!(told.recv_timeout(LONG).unwrap().verdict, REFUSED);
    }
}

/// It waits in vain, and is not asked when its turn comes.
#[test]
fn time_passes_while_a_question_waits_for_a_thread() {
    let rig = Rig::start();
    let busy: Vec<_> = (0..FORWARD_THREADS_MAX).map(|_| rig.ask(rig.question())).collect();
    let heard: Vec<_> = busy.iter().map(|_| rig.backend.next()).collect();
    let told = rig.ask(Question { patience: Duration::ZERO, ..rig.question() });
    heard.into_iter().for_each(|heard| heard.answer("204 No Content", ""));
    assert_eq!(told.recv_timeout(LONG).unwrap(), Vetted::UNAVAILABLE);
    assert!(rig.backend.is_idle());
}

#[test]
fn threads_end_when_nobody_asks_any_more() {
    let rig = Rig::start();
    let shared = Arc::downgrade(&rig.forwarder.shared);
    let busy = rig.ask(rig.question());
    let heard = rig.backend.next();
    let waiting: Vec<_> = (0..3).map(|_| rig.ask(rig.question())).collect();
    let others: Vec<_> = waiting.iter().map(|_| rig.backend.next()).collect();
    drop(rig.forwarder);
    heard.answer("204 No Content", "");
    others.into_iter().for_each(|heard| heard.answer("204 No Content", ""));
    for told in [busy].iter().chain(&waiting) {
        assert!(told.recv_timeout(LONG).is_ok(), "what was begun is told");
    }
    let start = Instant::now();
    while shared.strong_count() > 0 {
        assert!(start.elapsed() < LONG, "they end");
        thread::yield_now();
    }
}

#[test]
fn a_panic_costs_an_answer_and_no_thread() {
    let rig = Rig::start();
    let panics = Box::new(|_| panic!("a test has this happen"));
    for _ in 0..2 * FORWARD_THREADS_MAX {
        rig.forwarder.ask(Box::new(rig.question()), panics.clone());
        rig.backend.next().answer("204 No Content", "");
    }
    assert_eq!(rig.judge(|heard| heard.answer("401 Unauthorized", "")), REFUSED);
}

#[test]
fn every_url_that_is_taken_can_be_asked() {
    for url in [
        "http://localhost",
        "HTTP://a-b.example:80/",
        "http://127.0.0.1:9000/auth?x=y&z",
        "http://[::1]:9000?x",
        "http://auth_service:9000/a/b;c=d",
    ] {
        assert!(Forward::new(url, &[], Rights::usual()).is_ok(), "{url}");
        let parsed: Result<ureq::http::Uri, _> = url.parse();
        assert!(parsed.is_ok_and(|url| url.host().is_some()), "{url}");
    }
}
