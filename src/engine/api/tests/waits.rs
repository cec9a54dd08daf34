//! Clients whose answer is still being made, whatever becomes of them meanwhile.
//!
//! Knows: several cores and their letters.
//! Must not know: sockets.

use super::node::{Node, bare, code, post};
use crate::engine::{Policy, Space};
use crate::limits::Limits;
use std::sync::Arc;
use std::time::Duration;

const A: &str = "/api/connections/a";
const HELLO: &str = r#"{"text":"hello"}"#;

/// What it asks for behind what it waits for would have nobody to read it.
#[test]
fn a_stream_that_is_asked_for_by_a_client_that_has_left_ends() {
    let mut node = Node::new(2);
    node.websocket(1, "/?connectionId=a");
    let client = node.ask(0, &[bare("GET", A), bare("GET", "/events")].concat());
    node.end(client);
    node.settle();
    let text = node.take(client);
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    assert!(node.closed.contains(&client), "nobody reads the stream: {text}");
}

/// Only the half of a request will ever come behind it.
#[test]
fn a_client_that_ends_in_the_middle_of_its_next_request_is_answered_the_first() {
    for half in ["GET /hel", "POST /api/messages HTTP/1.1\r\nHost: localhost\r\n", "\r\n"] {
        let mut node = Node::new(2);
        node.websocket(1, "/?connectionId=a");
        let client = node.ask(0, &(bare("GET", A) + half));
        node.end(client);
        node.settle();
        assert_eq!(node.answer(client).0, 200, "{half:?}");
        assert!(node.closed.contains(&client), "{half:?}");
    }
}

/// In one turn the answer comes and its time is over, in either order.
#[test]
fn an_answer_that_comes_when_its_time_is_over_is_given_once() {
    for is_late in [false, true] {
        let mut node = Node::new(2);
        node.websocket(1, "/?connectionId=a");
        let client = node.ask(0, &bare("GET", A));
        node.deliver(0);
        let (_, answer) = node.mail.pop().expect("the answer");
        node.now.monotonic += Limits::default().api_time + Duration::from_millis(200);
        if is_late {
            node.cores[0].expire(node.now);
            node.cores[0].collect(answer, node.now);
        } else {
            node.cores[0].collect(answer, node.now);
            node.cores[0].expire(node.now);
        }
        node.settle();
        assert_eq!(node.answer(client).0, if is_late { 504 } else { 200 });
        node.receive(client, bare("GET", "/hello").as_bytes());
        assert_eq!(node.answer(client).0, 200, "it goes on");
    }
}

/// Neither silence nor a head that never came is held against who waits for us.
#[test]
fn who_waits_is_not_late_with_anything() {
    let limits = Limits {
        api_time: Duration::from_secs(60),
        keep_alive: Duration::from_secs(1),
        head_time: Duration::from_secs(1),
        body_time: Duration::from_secs(1),
        ..Limits::default()
    };
    let mut node = Node::with(2, limits);
    node.websocket(1, "/?connectionId=a");
    let clients = [bare("GET", A), post(A, "", HELLO)].map(|request| node.ask(0, &request));
    node.pass(Duration::from_secs(10));
    for client in clients {
        assert_eq!((node.take(client).as_str(), node.closed.contains(&client)), ("", false));
    }
    node.settle();
    for client in clients {
        assert!(node.answer(client).0 / 100 == 2);
    }
}

/// Its slot has somebody else in it when the answer comes.
#[test]
fn an_answer_is_for_nobody_but_who_asked() {
    let mut node = Node::new(2);
    node.websocket(1, "/?connectionId=a");
    let client = node.ask(0, &bare("GET", A));
    node.cores[0].receive_error(client.1, node.now);
    node.turn(0);
    let other = node.ask(0, &bare("GET", "/api/connections/a?_"));
    assert_eq!(client.1.slot(), other.1.slot(), "the same slot");
    node.deliver(0);
    node.deliver(1);
    assert_eq!((node.take(client), node.take(other)), (String::new(), String::new()));
    node.settle();
    assert_eq!(node.answer(other).0, 200);
}

/// What it wrote meanwhile is no reason to read on: all that would come would be kept.
#[test]
fn who_waits_is_not_read_from() {
    let mut node = Node::new(2);
    node.websocket(1, "/?connectionId=a");
    let client = node.ask(0, "");
    node.stuck.push(client);
    node.receive(client, [bare("GET", "/hello"), bare("GET", A)].concat().as_bytes());
    node.stuck.clear();
    node.flush(client);
    assert_eq!(node.answer(client).0, 200, "the first");
    assert!(matches!(node.cores[0].space(client.1), Space::Paused));
    node.settle();
    assert_eq!(node.answer(client).0, 200, "the second");
    assert!(matches!(node.cores[0].space(client.1), Space::Scratch));
}

/// Nobody would be told of it.
#[test]
fn what_was_given_up_is_not_asked_of_a_successor() {
    let mut node = Node::new(3);
    let old = node.websocket(1, "/?connectionId=a");
    let client = node.ask(0, &post(A, "", HELLO));
    let question = node.mail.pop().expect("the question");
    node.pass(Limits::default().api_time + Duration::from_millis(200));
    assert_eq!(node.answer(client).0, 504);
    let new = node.websocket(2, "/?connectionId=a");
    node.mail.push(question);
    node.settle();
    assert_eq!(node.take(new), "");
    assert!(!node.take(old).contains("hello"));
}

/// It may be the very last moment in which a page of another name asks.
#[test]
fn a_page_may_read_an_answer_that_it_waited_for() {
    let mut node = Node::new(2);
    node.websocket(1, "/?connectionId=a");
    let page = "Origin: http://localhost:3000\r\n";
    for request in [post(A, page, HELLO), post("/api/connections/nobody", page, HELLO)] {
        let client = node.ask(0, &request);
        node.settle();
        let text = node.take(client);
        let allowed = "\r\nAccess-Control-Allow-Origin: http://localhost:3000\r\n";
        assert!(text.contains(allowed) && text.contains("\r\nVary: Origin\r\n"), "{text}");
    }
}

#[test]
fn a_request_that_was_given_up_is_not_in_use_any_more() {
    let mut node = Node::new(2);
    node.websocket(1, "/?connectionId=a");
    let request = post(A, "Idempotency-Key: k\r\n", HELLO);
    let client = node.ask(0, &request);
    node.pass(Limits::default().api_time + Duration::from_millis(200));
    assert_eq!(node.answer(client).0, 504);
    node.mail.clear();
    let again = node.ask(1, &request);
    node.settle();
    assert_eq!(node.answer(again).0, 202);
}

/// So many others come meanwhile that its key is the oldest of too many.
#[test]
fn a_key_that_is_in_use_is_not_forgotten() {
    let limits = Limits { idempotency_keys_max: 2, ..Limits::default() };
    let mut node = Node::with(2, limits);
    let a = node.websocket(1, "/?connectionId=a");
    let first = post(A, "Idempotency-Key: first\r\n", HELLO);
    let client = node.ask(0, &first);
    for n in 0..4 {
        let key = format!("Idempotency-Key: {n}\r\n");
        let other = node.ask(1, &post("/api/messages", &key, r#"{"text":"x"}"#));
        assert_eq!(node.answer(other).0, 200);
    }
    let second = node.ask(1, &first);
    let (status, body) = node.answer(second);
    assert_eq!((status, code(&body).as_str()), (409, "idempotency-key-in-use"));
    node.settle();
    assert_eq!(node.answer(client).0, 202);
    assert_eq!(node.take(a).matches("hello").count(), 1);
}

/// Who will not send a body that nobody needs is not led to believe that it is wanted.
#[test]
fn only_a_body_that_is_needed_is_asked_for() {
    for method in ["GET", "DELETE"] {
        let mut node = Node::new(1);
        node.websocket(0, "/?connectionId=a");
        let body = "Content-Length: 5\r\nExpect: 100-continue\r\n";
        let head = format!("{method} {A} HTTP/1.1\r\nHost: localhost\r\n{body}\r\n");
        let client = node.ask(0, &head);
        node.settle();
        let text = node.take(client);
        assert!(!text.contains("HTTP/1.1 100 "), "{method}: {text}");
        assert!(text.contains("\r\nConnection: close\r\n"), "{method}: {text}");
    }
}

/// What is not there now may be there in a moment.
#[test]
fn no_cache_keeps_what_the_api_says() {
    let mut node = Node::new(2);
    node.websocket(1, "/?connectionId=a");
    for request in [
        bare("GET", A),
        bare("GET", "/api/connections/nobody"),
        bare("GET", "/@connections/nobody"),
        bare("GET", "/api/rooms/nobody"),
        bare("GET", "/api/rooms?limit=0"),
        bare("PUT", A),
        post(A, "", "{}"),
    ] {
        let client = node.ask(0, &request);
        node.settle();
        let text = node.take(client);
        assert_eq!(text.matches("\r\nCache-Control: no-store\r\n").count(), 1, "{text}");
    }
}

/// Pages of other sites, pages of nobody, pages that call themselves by our name, in each way in
/// which a browser sends something without asking first.
#[test]
fn nobody_foreign_does_anything() {
    let mut node = Node::of(1, Policy { limits: Arc::default(), ..Policy::default() });
    let a = node.websocket(0, "/?connectionId=a");
    let foreign = [
        "Host: localhost\r\nOrigin: https://evil.example\r\n",
        "Host: localhost\r\nOrigin: null\r\n",
        "Host: localhost\r\nOrigin: \r\n",
        "Host: evil.example\r\n",
        "Host: evil.example\r\nOrigin: http://evil.example\r\n",
        "Host: evil.example\r\nOrigin: http://localhost\r\n",
        "Host: localhost\r\nOrigin: http://localhost.evil.example\r\n",
    ];
    let types = ["text/plain", "application/json", "application/x-www-form-urlencoded"];
    let paths = [A, "/@connections/a", "/api/messages", "/api/rooms/main/messages", "/api/batch"];
    for (who, path) in foreign.iter().flat_map(|who| paths.map(|path| (who, path))) {
        let requests = types.map(|mime| {
            let head = format!("POST {path} HTTP/1.1\r\n{who}Content-Type: {mime}\r\n");
            head + "Content-Length: 16\r\n\r\n" + HELLO
        });
        let more = ["GET", "DELETE"].map(|method| format!("{method} {path} HTTP/1.1\r\n{who}\r\n"));
        for request in requests.into_iter().chain(more) {
            let client = node.ask(0, &request);
            let (status, body) = node.answer(client);
            assert!(status == 403 || status == 421, "{request}: {status} {body}");
            assert!(node.mail.is_empty(), "{request}");
        }
    }
    assert_eq!(node.take(a), "");
}
