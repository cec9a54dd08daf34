//! Bodies in pieces, slow ones, large ones, and what comes behind them.

use super::{post, post_with, registered};
use crate::support::http::request;
use crate::support::server::tidegate;
use crate::support::websocket::handshake;
use crate::support::{EventStream, Message, Server, Wire, wait_until};
use std::net::TcpListener;

const TARGET: &str = "/api/connections/a";
const TYPE: &str = "Content-Type: application/json\r\n";

fn hear(client: &mut crate::support::WebSocket, text: &str) {
    assert_eq!(client.hear(), Message::Text(text.to_owned()));
}

#[test]
fn a_body_may_come_in_any_pieces() {
    let server = Server::start(&[]);
    let mut client = registered(&server, "a");
    let mut wire = Wire::connect(server.http);
    wire.write_slowly(post_with(server.http, TARGET, "", r#"{"text":"slowly"}"#).as_bytes());
    assert_eq!(wire.read_response().unwrap().status, 202);
    hear(&mut client, "slowly");
    let chunked = format!("{TYPE}Transfer-Encoding: chunked\r\n");
    let head = request(server.http, "POST", TARGET, &chunked);
    wire.write(head.as_bytes());
    wire.write_slowly(
        b"5;x=y\r\n{\"tex\r\n9\r\nt\":\"chunk\r\n2\r\n\"}\r\n0\r\nTrailer: x\r\n\r\n",
    );
    assert_eq!(wire.read_response().unwrap().status, 202);
    hear(&mut client, "chunk");
    // On the same connection, whatever was said before.
    wire.write(request(server.http, "GET", "/hello", "").as_bytes());
    assert_eq!(wire.read_response().unwrap().status, 200);
}

#[test]
fn who_asks_to_go_on_may() {
    let server = Server::start(&[]);
    let mut client = registered(&server, "a");
    let mut wire = Wire::connect(server.http);
    let body = r#"{"text":"hello"}"#;
    for _ in 0..2 {
        let headers = format!("{TYPE}Content-Length: {}\r\nExpect: 100-continue\r\n", body.len());
        wire.write(request(server.http, "POST", TARGET, &headers).as_bytes());
        let go_on = wire.read_head().unwrap();
        assert_eq!((go_on.status, go_on.headers.len()), (100, 0));
        wire.write(body.as_bytes());
        let answer = wire.read_response().unwrap();
        assert_eq!((answer.status, answer.closes()), (202, false));
        hear(&mut client, "hello");
    }
    // Refused by its head alone, nobody has to send the body.
    for (headers, code) in [
        ("Content-Length: 5\r\nExpect: 100-continue\r\n", "unsupported-media-type"),
        (
            "Content-Type: application/json\r\nContent-Length: 9999999\r\n\
             Expect: 100-continue\r\n",
            "body-too-large",
        ),
    ] {
        let mut wire = Wire::connect(server.http);
        wire.write(request(server.http, "POST", TARGET, headers).as_bytes());
        let answer = wire.read_response().unwrap();
        assert_eq!((answer.code().as_str(), answer.closes()), (code, true));
        assert_eq!(wire.read_to_end(), b"");
    }
}

#[test]
fn a_body_is_limited_to_the_byte() {
    let server = Server::start(&["--max-body", "2KiB"]);
    let mut client = registered(&server, "a");
    for bytes in [2047, 2048, 2049] {
        let text = "x".repeat(bytes - r#"{"text":""}"#.len());
        let body = format!(r#"{{"text":"{text}"}}"#);
        let fits = bytes <= 2048;
        let (status, code) = if fits { (202, "") } else { (413, "body-too-large") };
        let chunked = format!("{TYPE}Transfer-Encoding: chunked\r\n");
        let chunked = request(server.http, "POST", TARGET, &chunked);
        for request in [
            post_with(server.http, TARGET, "", &body),
            format!("{chunked}{bytes:x}\r\n{body}\r\n0\r\n\r\n"),
            // It is known by the second chunk only.
            format!(
                "{chunked}a\r\n{}\r\n{:x}\r\n{}\r\n0\r\n\r\n",
                &body[..10],
                bytes - 10,
                &body[10..]
            ),
        ] {
            let mut wire = Wire::connect(server.http);
            wire.write(request.as_bytes());
            let answer = wire.read_response().unwrap();
            assert_eq!(answer.status, status, "{bytes}: {answer:?}");
            if fits {
                hear(&mut client, &text);
            } else {
                assert_eq!((answer.code().as_str(), answer.closes()), (code, true));
                assert_eq!(wire.read_to_end(), b"");
            }
        }
    }
}

#[test]
fn a_broken_body_is_answered_and_nothing_is_done() {
    let server = Server::start(&[]);
    let mut client = registered(&server, "a");
    let headers = format!("{TYPE}Transfer-Encoding: chunked\r\n");
    let head = request(server.http, "POST", TARGET, &headers);
    for body in ["x\r\n", "5\r\nhello0\r\n", "1\n"] {
        let mut wire = Wire::connect(server.http);
        wire.write([&head, body].concat().as_bytes());
        let answer = wire.read_response().unwrap();
        assert_eq!((answer.code().as_str(), answer.closes()), ("bad-chunk", true), "{body}");
        assert_eq!(wire.read_to_end(), b"");
    }
    // Of one that never comes to its end nothing is done either.
    let mut wire = Wire::connect(server.http);
    let whole = post_with(server.http, TARGET, "", r#"{"text":"hello"}"#);
    wire.write(&whole.as_bytes()[..whole.len() - 1]);
    wire.finish();
    assert_eq!(wire.read_to_end(), b"");
    client.ping(b"x");
    assert_eq!(client.next(), Some(Message::Pong(b"x".to_vec())), "nothing came before");
}

/// Each waits for its own answer, and all are in order; also with bodies that say nothing.
#[test]
fn what_stands_behind_a_request_waits_for_its_answer() {
    let server = Server::start(&[]);
    let mut client = registered(&server, "a");
    let addr = server.http;
    let say = |n: usize| post_with(addr, TARGET, "", &format!(r#"{{"text":"{n}"}}"#));
    let mut pipeline = String::new();
    for n in 0..50 {
        pipeline += &say(n);
        pipeline += &request(addr, "GET", "/hello", "");
        pipeline += &(request(addr, "GET", TARGET, "Content-Length: 5\r\n") + "GET /");
        pipeline += &post_with(addr, "/api/rooms/a/messages", "", r#"{"text":"x"}"#);
        pipeline += &request(addr, "HEAD", "/api/connections", "");
    }
    let mut wire = Wire::connect(addr);
    wire.write(pipeline.as_bytes());
    wire.finish();
    for n in 0..50 {
        let statuses: Vec<u16> =
            (0..4).map(|_| wire.read_response().expect("an answer").status).collect();
        assert_eq!(statuses, [202, 200, 200, 200], "{n}");
        assert_eq!(wire.read_head().expect("a head").status, 200);
        hear(&mut client, &n.to_string());
    }
    assert_eq!(wire.read_to_end(), b"");
}

#[test]
fn a_client_of_http_1_0_is_answered_too() {
    let server = Server::start(&[]);
    let mut client = registered(&server, "a");
    let request = post_with(server.http, TARGET, "", r#"{"text":"old"}"#);
    let mut wire = Wire::connect(server.http);
    wire.write(request.replace("HTTP/1.1", "HTTP/1.0").as_bytes());
    let answer = wire.read_response().unwrap();
    assert_eq!((answer.status, answer.closes()), (202, true));
    assert_eq!(wire.read_to_end(), b"");
    hear(&mut client, "old");
}

/// A proxy that took the first for an upgrade may have let anybody write the second.
#[test]
fn a_post_behind_a_refused_handshake_is_never_read() {
    let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let server = Server::spawn(tidegate().args(["--ws-addr", &addr, "--http-addr", &addr]));
    let mut events = EventStream::open(server.http, "/events");
    let behind = post_with(server.http, "/api/messages", "", r#"{"text":"smuggled"}"#);
    for refused in ["Origin: https://evil.example\r\n", "Sec-WebSocket-Extensions: =\r\n"] {
        let mut wire = Wire::connect(server.ws);
        wire.write((handshake(server.ws, "/", refused) + &behind).as_bytes());
        assert!((400..500).contains(&wire.read_response().unwrap().status));
        assert!(wire.read_response().is_none(), "nothing behind it is answered");
    }
    assert_eq!(post(&server, "/api/messages", r#"{"json":{"n":1}}"#).status, 200);
    assert_eq!(events.next().unwrap().data, r#"{"n":1}"#, "the first that was published");
}

#[test]
fn all_bodies_together_are_limited() {
    let server = Server::start(&["--max-body", "4KiB", "--node-bodies", "4KiB"]);
    let client = registered(&server, "a");
    let head = |length: usize| {
        request(server.http, "POST", TARGET, &format!("{TYPE}Content-Length: {length}\r\n"))
    };
    let mut slow = Wire::connect(server.http);
    slow.write(format!("{}{}", head(4096), " ".repeat(4000)).as_bytes());
    let body = r#"{"text":"hello"}"#;
    let fits = format!("{}{body}", head(body.len()));
    let full = format!("{}{}{body}", head(200 + body.len()), " ".repeat(200));
    // The slow one is looked at first, sooner or later.
    wait_until("the other body is there", || {
        let mut wire = Wire::connect(server.http);
        wire.write(full.as_bytes());
        wire.read_response().unwrap().status == 503
    });
    let mut wire = Wire::connect(server.http);
    wire.write(full.as_bytes());
    let refused = wire.read_response().unwrap();
    assert_eq!((refused.status, refused.code().as_str()), (503, "too-many-bodies"));
    assert_eq!(refused.header("retry-after"), Some("2"));
    assert!(wire.read_response().is_none(), "it is closed");
    let mut small = Wire::connect(server.http);
    small.write(fits.as_bytes());
    assert_eq!(small.read_response().unwrap().status, 202);
    // Who leaves makes room.
    drop(slow);
    wait_until("there is room again", || {
        let mut wire = Wire::connect(server.http);
        wire.write(full.as_bytes());
        wire.read_response().unwrap().status == 202
    });
    drop(client);
}
