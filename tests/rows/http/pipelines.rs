//! H20, H21: who asks more than it reads, and who stops talking.

use super::said::{in_words, patient};
use crate::support::http::{metric, request};
use crate::support::{EventStream, Message, Server, WebSocket, Wire, wait_until};
use std::fs;

const METRICS: &str = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
const OPEN: &str = "tidegate_connections{kind=\"http\"}";
const ANSWERED: &str = "tidegate_http_responses_total{code=\"200\"}";

/// The most memory that the server has had so far, in KiB.
fn peak_memory_kib(server: &Server) -> u64 {
    let path = format!("/proc/{}/status", server.pid().as_raw_nonzero());
    let status = fs::read_to_string(path).expect("a Linux machine");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// The answers together would be many times what any buffer holds. So the server stops reading
/// until somebody reads from it; what waits meanwhile is bounded.
#[test]
fn ten_thousand_requests_of_one_who_never_reads_are_not_all_answered() {
    let server = patient(&["--write-stall", "1s"]);
    // What is allocated once is not counted.
    assert!(metric(server.http, OPEN) > 0);
    let before = peak_memory_kib(&server);
    let mut wire = Wire::connect(server.http);
    wire.write(METRICS.repeat(10_000).as_bytes());
    wait_until("it is cut off, as it takes nothing", || metric(server.http, OPEN) == 1);
    let answered = metric(server.http, ANSWERED);
    let grown = peak_memory_kib(&server) - before;
    assert!(answered < 5000, "{answered} were answered");
    // 256 KiB wait at most, and what came of the requests; unbounded it were 80 MiB.
    assert!(grown < 8 * 1024, "{grown} KiB more");
}

/// And once it reads, nothing is missing.
#[test]
fn ten_thousand_requests_of_one_who_reads_late_are_all_answered() {
    let server = patient(&["--write-stall", "1h"]);
    let mut wire = Wire::connect(server.http);
    wire.write(METRICS.repeat(3000).as_bytes());
    wire.write(request(server.http, "GET", "/hello", "").repeat(7000).as_bytes());
    wire.finish();
    // Others are served meanwhile.
    for _ in 0..10 {
        assert!(metric(server.http, ANSWERED) < 9000);
    }
    for _ in 0..3000 {
        let page = wire.read_response().unwrap();
        assert!(page.status == 200 && page.body.contains("tidegate_turns_total"));
    }
    for _ in 0..7000 {
        assert_eq!(in_words(&wire.read_response().unwrap()), "200 world");
    }
    assert_eq!(wire.read_to_end(), b"");
}

/// Who waits to be read from is not silent: what it asked is answered, however late it takes it.
#[test]
fn requests_that_wait_for_a_slow_reader_are_not_an_idle_connection() {
    let options = ["--heartbeat", "300ms", "--write-stall", "1h", "--keep-alive", "100ms"];
    let server = Server::start(&options);
    let mut wire = Wire::connect(server.http);
    wire.write(METRICS.repeat(2500).as_bytes());
    let mut reader = EventStream::open(server.http, "/events");
    assert_eq!(reader.wire.read_through(b"\n").unwrap(), b":\n");
    for n in 0..2500 {
        assert_eq!(wire.read_response().map(|page| page.status), Some(200), "{n}");
    }
    // Then it is, and is closed.
    assert_eq!(wire.read_to_end(), b"");
}

/// hyper #4086: a half-closed connection whose body was open kept the loop turning.
#[test]
fn a_half_closed_connection_does_not_keep_the_loop_turning() {
    // With a small outbox the server does not get to read the end; with a large one it does, and
    // what it has to say still waits.
    for outbox in ["256KiB", "256MiB"] {
        let options = ["--outbox", outbox, "--heartbeat", "300ms", "--write-stall", "1h"];
        let server = patient(&options);
        let mut half_closed = Wire::connect(server.http);
        half_closed.write(METRICS.repeat(2500).as_bytes());
        half_closed.finish();
        let mut in_a_body = Wire::connect(server.http);
        in_a_body.write(request(server.http, "POST", "/hello", "Content-Length: 9\r\n").as_bytes());
        in_a_body.write(b"half");
        in_a_body.finish();
        assert_eq!(in_words(&in_a_body.read_response().unwrap()), "405 method-not-allowed");
        assert_eq!(in_a_body.read_to_end(), b"", "what is half a body stays so");
        let mut reader = EventStream::open(server.http, "/events");
        let turns = || metric(server.http, "tidegate_turns_total");
        let heartbeat = |reader: &mut EventStream| {
            assert_eq!(reader.wire.read_through(b"\n").unwrap(), b":\n");
        };
        heartbeat(&mut reader);
        let before = turns();
        heartbeat(&mut reader);
        heartbeat(&mut reader);
        let turned = turns() - before;
        assert!(turned < 100, "{turned} turns in which nothing happened");
        for _ in 0..2500 {
            assert_eq!(half_closed.read_response().unwrap().status, 200);
        }
        assert_eq!(half_closed.read_to_end(), b"");
    }
}

/// The bytes that are still to come do not have to come within a time, as long as some come.
#[test]
fn the_last_answers_wait_for_a_slow_reader() {
    let options = ["--outbox", "256MiB", "--heartbeat", "300ms", "--write-stall", "1h"];
    let server = patient(&[&options[..], &["--closing-time", "100ms"]].concat());
    let mut wire = Wire::connect(server.http);
    wire.write(METRICS.repeat(2500).as_bytes());
    wire.finish();
    let mut reader = EventStream::open(server.http, "/events");
    assert_eq!(reader.wire.read_through(b"\n").unwrap(), b":\n");
    for n in 0..2500 {
        assert_eq!(wire.read_response().map(|page| page.status), Some(200), "{n}");
    }
    assert_eq!(wire.read_to_end(), b"");
}

#[test]
fn a_request_and_the_end_of_its_client_in_one_go_is_answered() {
    let server = patient(&[]);
    for (request, expected) in [
        (request(server.http, "GET", "/hello", ""), Some("200 world")),
        (
            request(server.http, "POST", "/hello", "Content-Length: 9\r\n"),
            Some("405 method-not-allowed"),
        ),
        (request(server.http, "GET", "/hello", "").trim_end().to_owned(), None),
        (String::new(), None),
    ] {
        let mut wire = Wire::connect(server.http);
        wire.write(request.as_bytes());
        wire.finish();
        let answer = wire.read_response().map(|response| in_words(&response));
        assert_eq!(answer.as_deref(), expected, "{request}");
        assert_eq!(wire.read_to_end(), b"");
    }
    // A stream and a WebSocket have no half that could be closed: there the client has left.
    let mut reader = EventStream::open(server.http, "/events");
    reader.wire.finish();
    assert_eq!(reader.rest(), []);
    let mut client = WebSocket::connect(server.ws, "/echo");
    client.say("the last word");
    assert_eq!(client.hear(), Message::Text("the last word".to_owned()));
    client.wire.finish();
    assert_eq!(client.next(), None);
    wait_until("all are gone", || metric(server.http, OPEN) == 1);
}
