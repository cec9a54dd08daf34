//! However a registered client ends: one close event, after its last message, that says how.

use crate::support::events::Close;
use crate::support::websocket::frame;
use crate::support::{EventStream, Message, PATIENCE, Server, WebSocket};
use socket2::SockRef;
use std::env;
use std::net::Shutdown;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A client that is registered as `id`, by a message that `reader` has seen.
fn registered(server: &Server, reader: &mut EventStream, id: &str) -> WebSocket {
    let mut client = WebSocket::connect(server.ws, "/");
    client.say(&format!(r#"{{"connectionId":"{id}"}}"#));
    assert_eq!(reader.next().unwrap().json()["connectionId"], id);
    client
}

/// Its last message and then its close, at once; and then nothing more of it.
fn end_of(server: &Server, reader: &mut EventStream, id: &str) -> Close {
    let message = reader.next().unwrap();
    assert_eq!(message.data, format!(r#"{{"connectionId":"{id}","last":true}}"#));
    let close = reader.next().unwrap().close();
    assert_eq!(close.id, id);
    registered(server, reader, "marker").leave(1000, "");
    assert_eq!(reader.next().unwrap().close().id, "marker");
    close
}

fn say_last(client: &mut WebSocket, id: &str) {
    client.say(&format!(r#"{{"connectionId":"{id}","last":true}}"#));
}

#[test]
fn a_polite_close_says_what_the_client_said() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    for (code, reason) in [(1000, ""), (1001, "away \"now\""), (3000, "x"), (4999, "ü")] {
        let mut client = registered(&server, &mut reader, "a");
        say_last(&mut client, "a");
        client.leave(code, reason);
        let close = end_of(&server, &mut reader, "a");
        assert!(close.is("a", u64::from(code), "client") && close.reason == reason, "{close:?}");
    }
    // RFC 6455 §7.4.1: 1005 stands for a close frame without a code.
    let mut client = registered(&server, &mut reader, "a");
    say_last(&mut client, "a");
    client.wire.write(&frame(0x8, true, b""));
    assert_eq!(client.next(), Some(Message::Close(None, String::new())));
    assert_eq!(client.next(), None);
    assert!(end_of(&server, &mut reader, "a").is("a", 1005, "client"));
}

#[test]
fn sessions_grow() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut before = 0;
    for _ in 0..8 {
        registered(&server, &mut reader, "a").leave(1000, "");
        let session = reader.next().unwrap().close().session;
        assert!(session > before);
        before = session;
    }
}

#[test]
fn a_connection_that_just_ends_is_lost() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut ended = registered(&server, &mut reader, "ended");
    say_last(&mut ended, "ended");
    drop(ended);
    assert!(end_of(&server, &mut reader, "ended").is("ended", 1006, "network"));
    let mut half = registered(&server, &mut reader, "half");
    say_last(&mut half, "half");
    half.wire.finish();
    assert!(end_of(&server, &mut reader, "half").is("half", 1006, "network"));
    let mut cut = registered(&server, &mut reader, "cut");
    cut.wire.write(&frame(0x1, false, b"the first half of"));
    drop(cut);
    assert!(reader.next().unwrap().close().is("cut", 1006, "network"));
    let mut reset = registered(&server, &mut reader, "reset");
    reset.ping(b"");
    assert_eq!(reset.hear(), Message::Pong(Vec::new()));
    let handle = reset.wire.handle();
    SockRef::from(&handle).set_linger(Some(Duration::ZERO)).unwrap();
    drop((reset, handle));
    assert!(reader.next().unwrap().close().is("reset", 1006, "network"));
}

const CHILD: &str = "TIDEGATE_TEST_CHILD";

#[test]
fn a_client_that_is_killed_is_lost() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "closes::in_a_process_of_its_own", "--ignored", "--nocapture"])
        .env(CHILD, server.ws.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(reader.next().unwrap().data, r#"{"connectionId":"child"}"#);
    let last = reader.next().unwrap();
    assert_eq!(last.data, r#"{"connectionId":"child","last":true}"#);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(reader.next().unwrap().close().is("child", 1006, "network"));
}

/// What the test above starts and kills.
#[test]
#[ignore = "a part of another test"]
fn in_a_process_of_its_own() {
    let Ok(addr) = env::var(CHILD) else { return };
    let mut client = WebSocket::connect(addr.parse().unwrap(), "/");
    client.say(r#"{"connectionId":"child"}"#);
    say_last(&mut client, "child");
    client.wire.handle().set_read_timeout(Some(2 * PATIENCE)).unwrap();
    client.hear();
}

#[test]
fn a_client_that_does_not_answer_pings_is_gone() {
    let server = Server::start(&["--ping-interval", "50ms", "--ping-timeout", "50ms"]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut client = registered(&server, &mut reader, "a");
    assert!(reader.next().unwrap().close().is("a", 1006, "timeout"));
    assert!(matches!(client.next(), Some(Message::Ping(_))));
    assert_eq!(client.next(), None);
}

/// Its answer comes at once, and so in the same tick of the server's coarse time.
#[test]
fn a_client_that_answers_pings_stays() {
    let server = Server::start(&["--ping-interval", "50ms", "--ping-timeout", "2s"]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut client = registered(&server, &mut reader, "a");
    for _ in 0..3 {
        let Some(Message::Ping(payload)) = client.next() else { panic!("a ping") };
        client.pong(&payload);
    }
    say_last(&mut client, "a");
    assert_eq!(reader.next().unwrap().json()["last"], true);
}

/// However long a ping may stay unanswered, the next one does not wait for that.
#[test]
fn pings_go_on_as_long_as_they_are_answered() {
    let server = Server::start(&["--ping-interval", "50ms", "--ping-timeout", "10m"]);
    let mut client = WebSocket::connect(server.ws, "/echo");
    for _ in 0..3 {
        let Some(Message::Ping(payload)) = client.next() else { panic!("a ping") };
        client.pong(&payload);
    }
    client.leave(1000, "");
}

#[test]
fn who_breaks_the_protocol_is_closed_by_the_server() {
    let server = Server::start(&["--message-time", "100ms"]);
    let mut reader = EventStream::open(server.http, "/events");
    for (bytes, code) in [
        (frame(0x3, true, b""), 1002),
        (frame(0x1, true, b"\xff"), 1007),
        (frame(0x1, true, &[b'x'; 65_537]), 1009),
        (frame(0x1, false, b"{"), 1008),
    ] {
        let mut client = registered(&server, &mut reader, "a");
        say_last(&mut client, "a");
        client.wire.write(&bytes);
        let close = end_of(&server, &mut reader, "a");
        assert!(close.is("a", code, "server") && !close.reason.is_empty(), "{close:?}");
        let (said, reason) = client.hear_close();
        assert_eq!((u64::from(said), reason), (code, close.reason));
    }
}

#[test]
fn a_member_that_takes_nothing_is_gone() {
    let server = Server::start(&["--write-stall", "100ms"]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut stuck = WebSocket::connect(server.ws, "/chat/a");
    let mut client = WebSocket::connect(server.ws, "/chat/a");
    stuck.say("in");
    let id = reader.next().unwrap().json()["connectionId"].as_str().unwrap().to_owned();
    // More than its socket holds, less than the log does.
    let long = "x".repeat(60_000);
    // The subscriber reads all the time: it must not be the one that is stuck.
    let said = (0..40).map(|_| client.say(&long)).chain(std::iter::repeat(()));
    let close = said.map(|()| reader.next().unwrap()).find(|event| event.is_close());
    let close = close.unwrap().close();
    assert!(close.is(&id, 4408, "timeout"), "{close:?}");
    stuck.wire.handle().shutdown(Shutdown::Both).ok();
}

#[test]
fn a_subscriber_that_takes_nothing_is_cut() {
    use crate::support::{http, wait_until};
    const STREAMS: &str = "tidegate_connections{kind=\"event_stream\"}";
    // Who comes back takes megabytes, on a machine that may be busy.
    let server = Server::start(&["--write-stall", "1s"]);
    let mut stuck = EventStream::open(server.http, "/events");
    assert_eq!(http::metric(server.http, STREAMS), 1);
    let mut client = WebSocket::connect(server.ws, "/?connectionId=a");
    let long = format!(r#"{{"connectionId":"a","text":"{}"}}"#, "x".repeat(60_000));
    (0..100).for_each(|_| client.say(&long));
    wait_until("the stream is cut", || http::metric(server.http, STREAMS) == 0);
    client.leave(1000, "");
    let last_id = stuck.last_id.clone();
    stuck.wire.read_to_end();
    // What it missed it gets when it comes back.
    let mut back = EventStream::resume(server.http, "/events?follow=false", &last_id);
    assert!(back.rest().last().unwrap().close().is("a", 1000, "client"));
}
