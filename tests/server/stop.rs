//! SIGTERM: everybody is told, everything that was said arrives, and the exit status is 0.

use crate::support::{EventStream, Message, Server, WebSocket, Wire, http, wait_until};
use std::collections::BTreeSet;

#[test]
fn everybody_is_told_and_nothing_is_lost() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut slow = EventStream::open(server.http, "/events");
    let mut clients = Vec::new();
    let padding = "x".repeat(10_000);
    for k in 0..10 {
        let mut client = WebSocket::connect(server.ws, "/");
        for n in 0..20 {
            client.say(&format!(r#"{{"connectionId":"{k}","n":{n},"padding":"{padding}"}}"#));
        }
        clients.push(client);
    }
    let mut nameless = WebSocket::connect(server.ws, "/");
    nameless.say("nonsense");
    assert_eq!(nameless.hear().error_code(), "not-json");
    clients.push(nameless);
    let said = reader.take(200);
    server.terminate();
    for client in clients {
        assert_eq!(client.hear_close(), (1012, "server restarts".to_owned()));
    }
    let closes = reader.rest();
    let ids: BTreeSet<_> = closes.iter().map(|event| event.close().id).collect();
    assert_eq!(ids, (0..10).map(|k| k.to_string()).collect());
    assert_eq!(closes.len(), 10);
    assert!(closes.iter().all(|event| event.close().is(&event.close().id, 1012, "server")));
    assert_eq!(slow.rest(), [said, closes].concat());
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("] SIGTERM: closing connections"), "{log}");
    let last = log.lines().next_back().unwrap_or_default();
    assert!(last.contains("] stopped: 13 connections closed in "), "{last}");
}

#[test]
fn an_interrupt_does_the_same_to_an_idle_server() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    server.signal(rustix::process::Signal::INT);
    assert_eq!(reader.rest(), []);
    assert_eq!(server.wait().0.code(), Some(0));
}

#[test]
fn whoever_was_about_to_ask_is_told_too() {
    // The client does not answer the close frame, so that the way to the end is long enough to look at.
    let server = Server::start(&["--closing-time", "10m", "--drain", "10m"]);
    let mut stays = WebSocket::connect(server.ws, "/");
    let ask = |wire: &mut Wire, target: &str| {
        let request = http::request(server.http, "GET", target, "");
        let (begin, end) = request.split_at(20);
        wire.write(begin.as_bytes());
        end.to_owned()
    };
    let targets = ["/readyz", "/events", "/livez"];
    let mut asking: Vec<_> = targets
        .iter()
        .map(|target| {
            let mut wire = Wire::connect(server.http);
            let end = ask(&mut wire, target);
            (wire, end)
        })
        .collect();
    wait_until_accepted(&server, asking.len() as u64);
    server.terminate();
    assert!(matches!(stays.hear(), Message::Close(Some(1012), _)));
    for ((wire, end), status) in asking.iter_mut().zip([503, 503, 200]) {
        wire.write(end.as_bytes());
        let answer = wire.read_response().unwrap();
        assert_eq!((answer.status, answer.header("connection")), (status, Some("close")));
        assert_eq!(wire.read_to_end(), b"");
    }
    stays.say_close(1012, "");
    assert_eq!(stays.next(), None);
    drop((stays, asking));
    assert_eq!(server.wait().0.code(), Some(0));
}

/// Whoever is not accepted when the server begins to stop is refused instead.
fn wait_until_accepted(server: &Server, count: u64) {
    let mut own = Wire::connect(server.http);
    wait_until("all are accepted", || {
        own.write(http::request(server.http, "GET", "/metrics", "").as_bytes());
        let page = own.read_response().unwrap();
        page.sample("tidegate_connections{kind=\"http\"}") == count + 1
    });
}

#[test]
fn nobody_is_waited_for_longer_than_allowed() {
    let server = Server::start(&["--drain", "100ms", "--closing-time", "10m"]);
    let mut stays = WebSocket::connect(server.ws, "/");
    server.terminate();
    assert!(matches!(stays.hear(), Message::Close(Some(1012), _)));
    assert_eq!(server.wait().0.code(), Some(0));
}

#[test]
fn a_second_signal_ends_at_once() {
    // Whichever core the connection falls to, also if no other has one left.
    for _ in 0..8 {
        let server = Server::start(&["--drain", "10m", "--closing-time", "10m"]);
        let mut stays = WebSocket::connect(server.ws, "/");
        server.terminate();
        assert!(matches!(stays.hear(), Message::Close(Some(1012), _)));
        server.terminate();
        let (status, log) = server.wait();
        assert_eq!(status.code(), Some(1), "{log}");
    }
}
