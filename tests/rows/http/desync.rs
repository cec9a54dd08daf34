//! H10, H11, H12, H19: the corpus of requests that two programs may read in two ways.

use super::corpus::{Case, Listener};
use super::said::{Witness, next, outcome, patient};
use crate::support::http::{exchange, metric, request};
use crate::support::server::tidegate;
use crate::support::{Server, Wire};
use std::net::{SocketAddr, TcpListener};

const LISTENERS: [Listener; 2] = [Listener::Http, Listener::WebSocket];

fn addr_of(server: &Server, listener: Listener) -> SocketAddr {
    match listener {
        Listener::Http => server.http,
        Listener::WebSocket => server.ws,
    }
}

/// Plays every case on both listeners, cut where `cut` says, and looks whether anything was
/// executed.
fn play_all(options: &[&str], cut: impl Fn(&[u8]) -> Vec<usize>) {
    let server = patient(options);
    let mut witness = Witness::of(&server);
    for listener in LISTENERS {
        let addr = addr_of(&server, listener);
        for case in Case::all() {
            let bytes = [case.payload(listener, addr), next(listener, addr)].concat();
            let mut wire = Wire::connect(addr);
            match cut(&bytes).as_slice() {
                [] => assert!(wire.try_write(&bytes)),
                cuts => witness.write_in_pieces(&mut wire, &bytes, cuts),
            }
            let expected = case.expected(listener);
            let ending = expected.rsplit(" | ").next().unwrap();
            assert_eq!(outcome(wire, addr, ending), expected, "{listener:?}: {}", case.name);
        }
    }
    nothing_was_executed(&server);
}

fn nothing_was_executed(server: &Server) {
    let of = |name| metric(server.http, name);
    assert_eq!(of("tidegate_events_published_total{type=\"message\"}"), 0);
    assert_eq!(of("tidegate_connection_ids"), 0);
    assert_eq!(of("tidegate_connections{kind=\"event_stream\"}"), 0);
}

#[test]
fn each_request_has_its_one_answer() {
    play_all(&[], |_| Vec::new());
    play_all(&["--compression"], |_| Vec::new());
}

#[test]
fn each_request_cut_at_its_line_ends_has_the_same_answer() {
    play_all(&[], |bytes| {
        let is_end = |at: &usize| matches!(bytes[*at - 1], b'\r' | b'\n' | b':');
        (1..bytes.len()).filter(is_end).collect()
    });
}

#[test]
fn each_request_sent_byte_by_byte_has_the_same_answer() {
    play_all(&[], |bytes| (1..bytes.len()).collect());
}

/// There a handshake and any other request are told apart by the request itself.
#[test]
fn a_listener_that_serves_both_gives_the_same_answers() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let mut command = tidegate();
    command.args(["--ws-addr", &port, "--http-addr", &port, "--cores", "1", "--linger", "1h"]);
    let server = Server::spawn(command.args(["--head-time", "1h", "--keep-alive", "1h"]));
    for listener in LISTENERS {
        for case in Case::all().iter().filter(|case| !case.is_whole()) {
            let bytes = [case.payload(listener, server.http), next(listener, server.http)].concat();
            let mut wire = Wire::connect(server.http);
            wire.write(&bytes);
            let expected = case.expected(listener);
            let ending = expected.rsplit(" | ").next().unwrap();
            let outcome = outcome(wire, server.http, ending);
            assert_eq!(outcome, expected, "{listener:?}: {}", case.name);
        }
    }
    nothing_was_executed(&server);
}

/// H11: bodies too long to be written down in a file.
#[test]
fn chunks_of_any_size_of_nonsense_end_the_connection() {
    let server = patient(&["--max-linger", "4MiB"]);
    let head = request(server.http, "POST", "/hello", "Transfer-Encoding: chunked\r\n");
    let trailers = "T: x\r\n".repeat(1000);
    let bodies = [
        ("1 MiB of zeros before the size", format!("{}5\r\nhello\r\n", "0".repeat(1 << 20)), "cut"),
        ("8 KiB of an extension", format!("5;{}\r\nhello\r\n", "x".repeat(8192)), "cut"),
        (
            "8 KiB of extensions, a few in each chunk",
            format!("1;{}\r\nx\r\n", "y".repeat(16)).repeat(512),
            "cut",
        ),
        ("1,000 trailers", format!("0\r\n{trailers}\r\n"), "200 next | open"),
        (
            "1,000 large trailers",
            format!("0\r\n{}\r\n", trailers.replace('x', "0123456789abcdef")),
            "cut",
        ),
        (
            "a body over the limit in small chunks",
            "400\r\n".to_owned() + &"x".repeat(1024),
            "waits",
        ),
    ];
    for (what, body, rest) in bodies {
        let mut wire = Wire::connect(server.http);
        // The server may have closed before all is written.
        wire.try_write([&head, &*body].concat().as_bytes());
        wire.try_write(&next(Listener::Http, server.http));
        let ending = rest.rsplit(" | ").next().unwrap();
        let outcome = outcome(wire, server.http, ending);
        assert_eq!(outcome, format!("405 method-not-allowed | {rest}"), "{what}");
    }
}

/// H12: whatever the early answer, what is left of the body is never read as a request.
#[test]
fn a_body_behind_an_early_answer_is_never_a_request() {
    let server = patient(&["--max-body", "1KiB"]);
    let hidden = request(server.http, "GET", "/livez", "");
    let expect = "Expect: 100-continue\r\n";
    for (what, head, outcome_of) in [
        (
            "too large",
            ("POST", "/hello", "Content-Length: 4000\r\n"),
            "413 body-too-large | closed",
        ),
        ("to be asked for", ("POST", "/hello", expect), "405 method-not-allowed | closed"),
        ("for a page that is not there", ("POST", "/x", ""), "404 not-found | waits"),
        ("for a method that there is not", ("BREW", "/x", ""), "501 unknown-method | waits"),
        ("for a stream", ("GET", "/events", ""), "400 unexpected-body | waits"),
        (
            "for another listener",
            ("GET", "/", "Upgrade: websocket\r\n"),
            "421 websocket-elsewhere | closed",
        ),
        (
            "from a foreign page",
            ("POST", "/hello", "Origin: http://a.example\r\n"),
            "403 origin-not-allowed | waits",
        ),
    ] {
        let (method, target, more) = head;
        let length = if more.starts_with("Content") { "" } else { "Content-Length: 1000\r\n" };
        let mut wire = Wire::connect(server.http);
        let head = request(server.http, method, target, &format!("{more}{length}"));
        wire.write([head.as_str(), &hidden, &hidden].concat().as_bytes());
        let ending = outcome_of.rsplit(" | ").next().unwrap();
        assert_eq!(outcome(wire, server.http, ending), outcome_of, "{what}");
    }
    let answer = exchange(server.http, &request(server.http, "GET", "/hello", ""));
    assert_eq!(answer.status, 200, "and others are served");
}
