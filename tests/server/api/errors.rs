//! Each error of the API, by its code.

use super::{ask, post, post_with, registered};
use crate::support::http::{exchange, request};
use crate::support::websocket::frame;
use crate::support::{Message, Server, WebSocket};

#[test]
fn each_mistake_has_its_code() {
    let server = Server::start(&["--max-message", "1KiB"]);
    let _client = registered(&server, "a");
    let a = "/api/connections/a";
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(1025));
    let addr = server.http;
    let get = |target: &str| request(addr, "GET", target, "");
    let delete = |query: &str| request(addr, "DELETE", &format!("{a}{query}"), "");
    let json = |target: &str, body: &str| post_with(addr, target, "", body);
    let typed = |mime: &str| {
        let headers = format!("{mime}Content-Length: 12\r\n");
        request(addr, "POST", a, &headers) + r#"{"text":"a"}"#
    };
    let raw = |bytes: usize| {
        let headers = format!("Content-Length: {bytes}\r\n");
        request(addr, "POST", "/@connections/a", &headers) + &"x".repeat(bytes)
    };
    let reason = "x".repeat(124);
    let cases = [
        (get("/api/connections/nobody"), 404, "no-such-connection"),
        (get("/api/connections/%00"), 400, "bad-percent-escape"),
        (get("/api/connections/a?room=b"), 400, "unknown-parameter"),
        (get("/api/connections?rooms=b"), 400, "unknown-parameter"),
        (get("/api/connections?limit=0"), 400, "bad-parameter"),
        (get("/api/connections?limit=1001"), 400, "bad-parameter"),
        (get("/api/connections?limit=ten"), 400, "bad-parameter"),
        (get("/api/connections?limit=+1"), 400, "bad-parameter"),
        (get("/api/connections?after=nonsense"), 400, "bad-parameter"),
        (get("/api/connections?after=7-0"), 400, "bad-parameter"),
        (get("/api/rooms?room=b"), 400, "unknown-parameter"),
        (get("/api/rooms?after=%25"), 400, "bad-parameter"),
        (get("/api/rooms?limit=0"), 400, "bad-parameter"),
        (get("/api/rooms/nobody"), 404, "no-such-room"),
        (get("/api/rooms/*"), 404, "no-such-room"),
        (get("/api/rooms/main?limit=1"), 400, "unknown-parameter"),
        (delete("?code=1005"), 400, "bad-parameter"),
        (delete("?code=1006"), 400, "bad-parameter"),
        (delete("?code=2000"), 400, "bad-parameter"),
        (delete("?code=5000"), 400, "bad-parameter"),
        (delete("?code=66536"), 400, "bad-parameter"),
        (delete(&format!("?reason={reason}")), 400, "bad-parameter"),
        (delete("?session=x"), 400, "bad-parameter"),
        (delete("?session=1"), 404, "no-such-connection"),
        (delete("?status=1000"), 400, "unknown-parameter"),
        (json(a, "nonsense"), 400, "not-json"),
        (json(a, ""), 400, "not-json"),
        (request(addr, "POST", a, "Content-Type: application/json\r\n"), 400, "not-json"),
        (json(a, "[]"), 400, "bad-body"),
        (json(a, "{}"), 400, "bad-body"),
        (json(a, &long), 413, "message-too-large"),
        (json(&format!("{a}?x=y"), r#"{"text":"a"}"#), 400, "unknown-parameter"),
        (json("/api/connections/nobody", r#"{"text":"a"}"#), 404, "no-such-connection"),
        (json(a, r#"{"text":"a","session":1}"#), 404, "no-such-connection"),
        (json("/api/rooms/*/messages", r#"{"text":"a"}"#), 400, "bad-room"),
        (json("/api/rooms/a%07/messages", r#"{"text":"a"}"#), 400, "bad-room"),
        (json("/api/rooms/a/messages", r#"{"text":"a","to":"all"}"#), 400, "bad-body"),
        (json("/api/messages", r#"{"text":"a","to":"some"}"#), 400, "bad-body"),
        (json("/api/batch", r#"{"messages":[]}"#), 400, "bad-body"),
        (typed(""), 415, "unsupported-media-type"),
        (typed("Content-Type: text/plain\r\n"), 415, "unsupported-media-type"),
        (typed("Content-Type: application/jsonp\r\n"), 415, "unsupported-media-type"),
        (raw(1025), 413, "message-too-large"),
    ];
    for (request, status, code) in cases {
        let answer = exchange(addr, &request);
        let line = request.lines().next().unwrap_or_default();
        assert_eq!((answer.status, answer.code().as_str()), (status, code), "{line}: {answer:?}");
    }
    // And what is nearly one of them.
    for good in [
        typed("Content-Type: Application/JSON; charset=latin-1\r\n"),
        json(&format!("{a}?_=123"), r#"{"text":"a"}"#),
        raw(1024),
        get("/api/connections?limit=1000&_=1"),
        get("/api/connections?limit=1"),
        get("/api/rooms?limit=1000"),
    ] {
        let answer = exchange(addr, &good);
        assert!((200..300).contains(&answer.status), "{answer:?}");
    }
    assert!(exchange(addr, &typed("")).body.contains("curl --json"));
}

#[test]
fn a_close_reason_may_be_as_long_as_a_close_frame_has_room_for() {
    let server = Server::start(&[]);
    let client = registered(&server, "a");
    let reason = "x".repeat(123);
    let answer = ask(&server, "DELETE", &format!("/api/connections/a?reason={reason}"));
    assert_eq!(answer.status, 204);
    assert_eq!(client.hear_close(), (1000, reason));
}

/// A client that does not read: what the kernel has taken for it does not count, then it is told.
#[test]
fn one_that_does_not_read_is_not_sent_more_and_more() {
    let server = Server::start(&["--outbox", "64KiB"]);
    let mut client = registered(&server, "a");
    let body = format!(r#"{{"text":"{}"}}"#, "x".repeat(30_000));
    let mut queued = 0;
    let refused = loop {
        let answer = post(&server, "/api/connections/a", &body);
        if answer.status != 202 {
            break answer;
        }
        queued += 1;
        assert!(queued < 10_000, "nobody can take so much");
    };
    assert_eq!((refused.status, refused.code().as_str()), (429, "outbox-full"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    // What was queued arrives, and then there is room.
    for _ in 0..queued {
        assert!(matches!(client.hear(), Message::Text(text) if text.len() == 30_000));
    }
    assert_eq!(post(&server, "/api/connections/a", &body).status, 202);
    // The same in a batch stands among the results.
    assert!(matches!(client.hear(), Message::Text(_)));
}

#[test]
fn rooms_are_limited_for_the_api_too() {
    let server = Server::start(&["--max-rooms", "1"]);
    let _client = WebSocket::connect(server.ws, "/chat/a");
    let publish =
        |room: &str| post(&server, &format!("/api/rooms/{room}/messages"), r#"{"text":"x"}"#);
    assert_eq!(publish("a").status, 200);
    let refused = publish("b");
    assert_eq!((refused.status, refused.code().as_str()), (503, "too-many-rooms"));
    assert_eq!(refused.header("retry-after"), Some("2"));
    // Everyone is always there.
    assert_eq!(post(&server, "/api/messages", r#"{"text":"x","to":"all"}"#).status, 200);
}

/// A connection that has yet to register has no name, and what it owned is free when it ends: its
/// close frame is not answered before that is so. Many times: what comes too early does so for a
/// moment only.
#[test]
fn a_name_is_known_from_its_registration_to_its_end() {
    let server = Server::start(&[]);
    for round in 0..50 {
        let name = format!("/api/connections/{round}");
        let mut client = WebSocket::connect(server.ws, "/");
        assert_eq!(ask(&server, "GET", &name).status, 404);
        client.say(&format!(r#"{{"connectionId":"{round}"}}"#));
        client.ping(b"x");
        assert_eq!(client.next(), Some(Message::Pong(b"x".to_vec())));
        assert_eq!(ask(&server, "GET", &name).status, 200);
        client.wire.write(&frame(0x8, true, &1000u16.to_be_bytes()));
        assert!(matches!(client.next(), Some(Message::Close(..))));
        assert_eq!(ask(&server, "GET", &name).status, 404);
    }
}
