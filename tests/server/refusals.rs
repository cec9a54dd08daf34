//! Messages that break the rules are not published; their senders are told, and live on for a while.

use crate::support::{EventStream, Message, Server, WebSocket};

#[test]
fn each_rule_has_a_code() {
    let server = Server::start(&["--max-refusals", "100"]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut client = WebSocket::connect(server.ws, "/");
    let refused = |client: &mut WebSocket, text: &str, code: &str| {
        client.say(text);
        assert_eq!(client.hear().error_code(), code, "{text}");
    };
    for (text, code) in [
        (r#"{"message":"who?"}"#, "not-registered"),
        ("", "not-json"),
        ("hello", "not-json"),
        (r#"{"connectionId":"a"#, "not-json"),
        (r#"{"connectionId":"a"} {}"#, "not-json"),
        (r#"["connectionId"]"#, "not-an-object"),
        (r#"{"connectionId":7}"#, "bad-connection-id"),
        (r#"{"connectionId":""}"#, "bad-connection-id"),
        (r#"{"connectionId":"a\nb"}"#, "bad-connection-id"),
        (r#"{"connectionId":"a","connectionId":"a"}"#, "duplicate-key"),
        (r#"{"connectionId":"a","connection\u0049d":"b"}"#, "duplicate-key"),
        (r#"{"connectionId":"a","close":{}}"#, "reserved-key"),
        (r#"{"connectionId":"a","clos\u0065":1}"#, "reserved-key"),
    ] {
        refused(&mut client, text, code);
    }
    let deep = format!(r#"{{"connectionId":"a","x":{}{}}}"#, "[".repeat(500), "]".repeat(500));
    refused(&mut client, &deep, "too-deep");
    let long = format!(r#"{{"connectionId":"{}"}}"#, "x".repeat(129));
    refused(&mut client, &long, "bad-connection-id");
    client.say(r#"{"connectionId":"a"}"#);
    refused(&mut client, r#"{"connectionId":"b"}"#, "wrong-connection-id");
    refused(&mut client, r#"{"message":"hi"}"#, "bad-connection-id");
    client.leave(1000, "");
    assert_eq!(reader.next().unwrap().data, r#"{"connectionId":"a"}"#);
    assert!(reader.next().unwrap().close().is("a", 1000, "client"));
}

#[test]
fn too_many_in_a_row_are_enough() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut client = WebSocket::connect(server.ws, "/");
    for _ in 0..15 {
        client.say("nonsense");
        assert_eq!(client.hear().error_code(), "not-json");
    }
    // One good message, and the count begins anew.
    client.say(r#"{"connectionId":"a"}"#);
    for _ in 0..15 {
        client.say("nonsense");
        assert_eq!(client.hear().error_code(), "not-json");
    }
    client.say("nonsense");
    assert_eq!(client.hear().error_code(), "not-json");
    let (code, _) = client.hear_close();
    assert_eq!(code, 1008);
    assert_eq!(reader.next().unwrap().data, r#"{"connectionId":"a"}"#);
    assert!(reader.next().unwrap().close().is("a", 1008, "server"));
}

#[test]
fn who_never_registered_leaves_no_trace() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut client = WebSocket::connect(server.ws, "/");
    client.say("nonsense");
    client.hear();
    client.leave(1000, "");
    drop(WebSocket::connect(server.ws, "/"));
    let mut client = WebSocket::connect(server.ws, "/");
    client.say(r#"{"connectionId":"the first"}"#);
    assert_eq!(reader.next().unwrap().data, r#"{"connectionId":"the first"}"#);
}

#[test]
fn who_says_more_than_it_reads_is_slowed_then_closed() {
    let server = Server::start(&["--outbox", "4KiB", "--write-stall", "100ms"]);
    let mut client = WebSocket::connect(server.ws, "/echo");
    let long = "x".repeat(32_000);
    // It never reads, so what it is owed stays, and the server stops reading from it.
    while client.try_say(&long) {}
    while let Some(message) = client.next() {
        assert!(matches!(message, Message::Text(_) | Message::Close(Some(4408), _)), "{message:?}");
    }
}
