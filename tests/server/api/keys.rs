//! `Idempotency-Key`: done once, however often it is asked.

use super::{post_with, registered};
use crate::support::http::{Response, exchange};
use crate::support::{EventStream, Message, Server, wait_until};

fn under(server: &Server, key: &str, target: &str, body: &str) -> Response {
    let header = format!("Idempotency-Key: {key}\r\n");
    exchange(server.http, &post_with(server.http, target, &header, body))
}

const LAB: &str = "/api/rooms/lab/messages";

#[test]
fn a_request_that_is_repeated_is_done_once() {
    let server = Server::start(&[]);
    let mut client = registered(&server, "a");
    let mut events = EventStream::open(server.http, "/events?room=lab");
    let first = under(&server, "k", LAB, r#"{"text":"once"}"#);
    assert_eq!((first.status, first.header("idempotency-replayed")), (200, None));
    for path in [LAB, "/api/rooms/l%61b/messages"] {
        // However its path is spelt, and whichever core it comes to.
        let again = under(&server, "k", path, r#"{"text":"once"}"#);
        assert_eq!((again.status, &again.body), (200, &first.body));
        assert_eq!(again.header("idempotency-replayed"), Some("true"));
    }
    for (path, body) in [
        (LAB, r#"{"text":"other"}"#),
        (LAB, r#"{"text":"once" }"#),
        ("/api/rooms/other/messages", r#"{"text":"once"}"#),
        ("/api/messages", r#"{"text":"once"}"#),
    ] {
        let reused = under(&server, "k", path, body);
        assert_eq!((reused.status, reused.code().as_str()), (422, "idempotency-key-reused"));
    }
    let second = under(&server, "k2", LAB, r#"{"text":"once"}"#);
    assert_ne!(second.body, first.body);
    let ids: Vec<String> = (0..2).map(|_| events.next().expect("an event").id).collect();
    assert!(first.body.contains(&ids[0]) && second.body.contains(&ids[1]), "and no third");
    // What is queued is queued once, too.
    for replayed in [None, Some("true")] {
        let answer = under(&server, "to a", "/api/connections/a", r#"{"text":"1"}"#);
        assert_eq!((answer.status, answer.header("idempotency-replayed")), (202, replayed));
    }
    under(&server, "to a again", "/api/connections/a", r#"{"text":"2"}"#);
    assert_eq!(client.hear(), Message::Text("1".to_owned()));
    assert_eq!(client.hear(), Message::Text("2".to_owned()));
}

#[test]
fn a_request_that_failed_may_be_repeated() {
    let server = Server::start(&[]);
    let body = r#"{"text":"hello"}"#;
    assert_eq!(under(&server, "k", "/api/connections/a", body).status, 404);
    let mut client = registered(&server, "a");
    let done = under(&server, "k", "/api/connections/a", body);
    assert_eq!((done.status, done.header("idempotency-replayed")), (202, None));
    assert_eq!(client.hear(), Message::Text("hello".to_owned()));
}

#[test]
fn a_key_is_so_long_and_printable() {
    let server = Server::start(&[]);
    let status = |key: &str| under(&server, key, LAB, r#"{"text":"x"}"#).status;
    for length in [1, 254, 255] {
        assert_eq!(status(&"~".repeat(length)), 200, "{length}");
    }
    for key in ["", &"k".repeat(256), "ü", "a\tb"] {
        let answer = under(&server, key, LAB, r#"{"text":"x"}"#);
        assert_eq!((answer.status, answer.code().as_str()), (400, "bad-idempotency-key"), "{key}");
    }
    let twice = "Idempotency-Key: a\r\nIdempotency-Key: b\r\n";
    let answer = exchange(server.http, &post_with(server.http, LAB, twice, r#"{"text":"x"}"#));
    assert_eq!(answer.code(), "bad-idempotency-key");
    assert_eq!(status("with spaces: and = signs"), 200);
}

#[test]
fn an_answer_is_kept_for_its_time() {
    let server = Server::start(&["--idempotency-age", "100ms"]);
    let body = r#"{"text":"x"}"#;
    let first = under(&server, "k", LAB, body);
    wait_until("it is forgotten", || under(&server, "k", LAB, body).body != first.body);
}

#[test]
fn at_the_limit_the_oldest_key_goes() {
    let server = Server::start(&["--max-idempotency-keys", "2"]);
    let is_kept = |key: &str| {
        under(&server, key, LAB, r#"{"text":"x"}"#).header("idempotency-replayed").is_some()
    };
    assert!(!is_kept("1") && !is_kept("2"));
    assert!(is_kept("1") && is_kept("2"));
    assert!(!is_kept("3"));
    assert!(is_kept("2") && is_kept("3"));
    assert!(!is_kept("1"));
}
