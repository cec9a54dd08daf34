//! What the API says of connections that are on other cores, that leave and are replaced meanwhile.
//!
//! Knows: several cores and their letters.
//! Must not know: sockets.

mod anything;
mod credentials;
mod doors;
mod lists;
mod node;
mod waits;

use crate::engine::Letter;
use crate::engine::tests::core::{WS, handshake};
use crate::limits::Limits;
use node::{Node, bare, code, post};
use std::time::Duration;

const A: &str = "/api/connections/a";

fn hello(more: &str) -> String {
    post(A, more, r#"{"text":"hello"}"#)
}

#[test]
fn a_connection_on_another_core_is_asked_by_letter() {
    let mut node = Node::new(3);
    let a = node.websocket(2, "/ws/lab?connectionId=a");
    let client = node.ask(0, &bare("GET", A));
    assert_eq!(node.take(client), "", "it waits");
    assert!(matches!(node.mail.as_slice(), [(2, Letter::Ask(_))]));
    node.settle();
    let (status, body) = node.answer(client);
    let shown: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, &shown["connectionId"]), (200, &"a".into()));
    assert_eq!((&shown["room"], &shown["route"]), (&"lab".into(), &"/ws/{room}".into()));
    assert_eq!(shown["rooms"], serde_json::json!(["lab"]));
    assert_eq!(shown["connectedAt"], node.now.unix_ms);
    node.receive(client, hello("").as_bytes());
    node.settle();
    assert_eq!(node.answer(client), (202, r#"{"queued":1}"#.to_owned()));
    assert_eq!(node.take(a), "\u{fffd}\u{5}hello");
    node.receive(client, bare("DELETE", &format!("{A}?code=4000&reason=bye")).as_bytes());
    node.settle();
    assert_eq!(node.answer(client), (204, String::new()));
    assert!(node.take(a).ends_with("bye"));
    node.receive(client, bare("GET", A).as_bytes());
    let (status, body) = node.answer(client);
    assert_eq!((status, code(&body).as_str()), (404, "no-such-connection"));
    // Nobody asked for a session.
    assert!(!body.contains("session"), "{body}");
}

#[test]
fn one_that_ends_while_it_is_asked_is_gone() {
    for request in [bare("GET", A), hello(""), bare("DELETE", A)] {
        let mut node = Node::new(2);
        let a = node.websocket(1, "/?connectionId=a");
        let client = node.ask(0, &request);
        node.leave(a);
        node.settle();
        let (status, body) = node.answer(client);
        assert_eq!((status, code(&body).as_str()), (410, "connection-gone"), "{request}");
        assert!(!node.take(a).contains("hello"));
    }
}

/// The name passes to somebody else while the letter is on its way; `session` is asked for or not.
#[test]
fn one_that_is_replaced_while_it_is_asked_is_its_successor() {
    for with_session in [false, true] {
        let mut node = Node::new(3);
        let old = node.websocket(1, "/?connectionId=a");
        let shown = node.ask(0, &bare("GET", A));
        node.settle();
        let shown: serde_json::Value = serde_json::from_str(&node.answer(shown).1).unwrap();
        let mut body = serde_json::json!({"text": "hello"});
        if with_session {
            body["session"] = shown["session"].clone();
        }
        let client = node.ask(0, &post(A, "", &body.to_string()));
        let (_, question) = node.mail.pop().expect("the question");
        let new = node.websocket(2, "/?connectionId=a");
        node.take(old);
        node.mail.push((1, question));
        node.settle();
        let (status, answer) = node.answer(client);
        assert!(!node.take(old).contains("hello"));
        if with_session {
            assert_eq!((status, code(&answer).as_str()), (410, "connection-gone"));
            assert_eq!(node.take(new), "");
        } else {
            assert_eq!((status, node.take(new).as_str()), (202, "\u{fffd}\u{5}hello"));
        }
    }
}

#[test]
fn another_session_of_the_name_is_not_meant() {
    let mut node = Node::new(2);
    let a = node.websocket(1, "/?connectionId=a");
    for request in
        [post(A, "", r#"{"text":"hello","session":7}"#), bare("DELETE", &format!("{A}?session=7"))]
    {
        let client = node.ask(0, &request);
        let (status, body) = node.answer(client);
        assert_eq!((status, code(&body).as_str()), (404, "no-such-connection"));
        assert!(body.contains("this session"), "{body}");
    }
    node.settle();
    assert_eq!(node.take(a), "");
}

/// Also of a list; and the connection that asked goes on.
#[test]
fn a_core_that_does_not_answer_is_waited_for_its_time() {
    for request in [bare("GET", A), hello(""), bare("GET", "/api/connections")] {
        let mut node = Node::new(2);
        node.websocket(1, "/?connectionId=a");
        let client = node.ask(0, &[request.as_str(), &bare("GET", "/hello")].concat());
        node.mail.retain(|(core, _)| *core == 1);
        let asked_first = request.contains("connections ");
        if asked_first {
            // Its own core has answered; the page goes no further.
            assert_eq!(node.mail.len(), 0);
        }
        node.pass(Limits::default().api_time - Duration::from_millis(1));
        assert_eq!(node.take(client), "", "what is behind it waits, too");
        node.pass(Duration::from_millis(201));
        let text = node.take(client);
        assert_eq!(text.matches("HTTP/1.1 ").count(), 2, "{text}");
        assert!(text.starts_with("HTTP/1.1 504 ") && text.contains("\"no-answer\""), "{text}");
        assert!(text.ends_with(r#"{"response":"world"}"#), "{text}");
        // What is answered now is nobody's any more.
        node.settle();
        assert_eq!(node.take(client), "");
    }
}

/// Some of the list was there in time: that is a page.
#[test]
fn a_list_that_stops_half_way_says_where() {
    let mut node = Node::new(2);
    node.websocket(0, "/?connectionId=a");
    node.websocket(1, "/?connectionId=b");
    let client = node.ask(0, &bare("GET", "/api/connections"));
    node.deliver(0);
    node.deliver(0);
    assert!(matches!(node.mail.as_slice(), [(1, Letter::Ask(_))]));
    node.pass(Limits::default().api_time + Duration::from_millis(200));
    let (status, body) = node.answer(client);
    let page: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!((status, page["connections"][0]["connectionId"].as_str()), (200, Some("a")));
    assert_eq!(page["connections"].as_array().map(Vec::len), Some(1));
    let next = page["next"].as_str().expect("there is more");
    node.settle();
    let client = node.ask(0, &bare("GET", &format!("/api/connections?after={next}")));
    node.settle();
    let page: serde_json::Value = serde_json::from_str(&node.answer(client).1).unwrap();
    assert_eq!(page["connections"][0]["connectionId"].as_str(), Some("b"));
    assert_eq!(page["next"], serde_json::Value::Null);
}

#[test]
fn a_client_that_closes_its_half_is_answered_first() {
    let mut node = Node::new(2);
    let a = node.websocket(1, "/?connectionId=a");
    let client = node.ask(0, &[hello(""), hello("")].concat());
    node.end(client);
    node.settle();
    let text = node.take(client);
    assert_eq!(text.matches("HTTP/1.1 202 ").count(), 2, "{text}");
    assert_eq!(node.take(a), "\u{fffd}\u{5}hello".repeat(2));
    assert!(node.closed.contains(&client), "it had asked all");
}

/// Whoever asked is gone before the answer. What it wanted is done, and its key says so.
#[test]
fn an_answer_that_nobody_waits_for_is_kept_under_its_key() {
    let mut node = Node::new(2);
    let a = node.websocket(1, "/?connectionId=a");
    let key = "Idempotency-Key: once\r\n";
    let client = node.ask(0, &hello(key));
    let second = node.ask(1, &hello(key));
    let (status, body) = node.answer(second);
    assert_eq!((status, code(&body).as_str()), (409, "idempotency-key-in-use"));
    node.cores[0].receive_error(client.1, node.now);
    node.settle();
    assert_eq!(node.take(client), "");
    let third = node.ask(1, &hello(key));
    let text = node.take(third);
    assert!(text.contains("\r\nIdempotency-Replayed: true\r\n"), "{text}");
    assert!(text.starts_with("HTTP/1.1 202 ") && text.ends_with(r#"{"queued":1}"#), "{text}");
    assert_eq!(node.take(a), "\u{fffd}\u{5}hello", "once");
}

/// Half an outbox and one message: more never waits, however large that message.
#[test]
fn a_connection_that_takes_nothing_is_not_given_more_than_half_an_outbox() {
    const MAX: usize = 4096;
    for (waiting, fits) in [(MAX / 2 - 1, true), (MAX / 2, false), (MAX / 2 + 1, false)] {
        let limits = Limits { outbox_bytes_max: MAX, ..Limits::default() };
        let mut node = Node::with(2, limits);
        let a = node.websocket(1, "/?connectionId=a");
        node.stuck.push(a);
        let mut say = |bytes: usize| {
            let text = "x".repeat(bytes);
            let client = node.ask(0, &post(A, "", &format!("{{\"text\":\"{text}\"}}")));
            node.settle();
            node.take(client)
        };
        // Two bytes of header, four from 126 bytes on.
        assert!(say(waiting - 4).starts_with("HTTP/1.1 202 "));
        let answer = say(60_000);
        assert_eq!(answer.starts_with("HTTP/1.1 202 "), fits, "{answer}");
        if !fits {
            assert!(answer.starts_with("HTTP/1.1 429 "), "{answer}");
            assert!(answer.contains("\r\nRetry-After: 1\r\n") && answer.contains("outbox-full"));
        }
    }
}

#[test]
fn a_server_that_stops_answers_what_waits_and_closes_behind_it() {
    let mut node = Node::new(2);
    let a = node.websocket(1, "/?connectionId=a");
    let client = node.ask(0, &hello(""));
    let idle = node.ask(0, &bare("GET", "/hello"));
    node.cores[0].drain(node.now);
    node.turn(0);
    node.settle();
    let text = node.take(client);
    assert!(text.starts_with("HTTP/1.1 202 "), "{text}");
    assert!(text.contains("\r\nConnection: close\r\n"), "{text}");
    assert_eq!(node.take(a), "\u{fffd}\u{5}hello");
    node.take(idle);
    for path in ["/api/connections", "/api/rooms", "/api/rooms/main"] {
        // It takes nobody new, so one that is there asks.
        let mut node = Node::new(1);
        let client = node.ask(0, "");
        node.cores[0].drain(node.now);
        node.receive(client, bare("GET", path).as_bytes());
        let (status, body) = node.answer(client);
        assert_eq!((status, code(&body).as_str()), (503, "stopping"), "{path}");
    }
}

#[test]
fn nothing_is_kept_of_what_no_room_was_left_for() {
    let mut node = Node::with(1, Limits { rooms_max: 1, ..Limits::default() });
    let target = |room: &str| format!("/api/rooms/{room}/messages");
    for (room, expected) in [("a", 200), ("b", 503), ("c", 503), ("a", 200)] {
        let client = node.ask(0, &post(&target(room), "", r#"{"text":"hello"}"#));
        node.settle();
        assert_eq!(node.answer(client).0, expected, "{room}");
        assert_eq!(node.cores[0].desk.calls.tickets(), 0, "{room}");
    }
}

#[test]
fn what_is_published_is_answered_when_it_is_committed() {
    let mut node = Node::new(2);
    let member = node.websocket(1, "/chat/lab");
    let relay = node.websocket(0, "/ws/lab?connectionId=r");
    let stream = node.ask(1, &bare("GET", "/events?room=lab"));
    node.settle();
    node.take(stream);
    let body = r#"{"json":{"a": 1},"except":["r"]}"#;
    let client = node.ask(0, &post("/api/rooms/lab/messages", "", body));
    let (status, answer) = node.answer(client);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!(status, 200);
    assert_eq!((&answer["subscribers"], &answer["members"]), (&1.into(), &2.into()));
    node.settle();
    assert_eq!(node.take(member), "\u{fffd}\u{8}{\"a\": 1}");
    assert_eq!(node.take(relay), "", "it was left out");
    let id = answer["id"].as_str().unwrap();
    assert_eq!(node.take(stream), format!("id: {id}\ndata: {{\"a\": 1}}\n\n"));
}

/// The name is the newcomer's, but it has not heard of that when the first of two messages comes.
#[test]
fn a_batch_stays_in_order_while_a_name_changes_hands() {
    let mut node = Node::new(3);
    let old = node.websocket(1, "/?connectionId=a");
    let new = node.connect(2, WS, &handshake("/?connectionId=a"));
    assert!(matches!(node.mail.as_slice(), [(1, Letter::Replaced(_))]));
    node.deliver(0);
    assert!(matches!(node.mail.as_slice(), [(2, Letter::Granted(..))]));
    let body = r#"{"messages":[{"connectionId":"a","text":"1"},{"connectionId":"a","text":"2"}]}"#;
    let client = node.ask(0, &post("/api/batch", "", body));
    assert_eq!(node.mail.len(), 3);
    node.deliver(1);
    node.settle();
    let (_, answer) = node.answer(client);
    assert_eq!(answer.matches("\"status\":202").count(), 2, "{answer}");
    let heard = node.take(new);
    let ends = heard.ends_with("\u{fffd}\u{1}1\u{fffd}\u{1}2");
    assert!(ends, "{heard:?}");
    assert!(!node.take(old).contains("\u{1}1"));
}
