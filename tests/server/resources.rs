//! When there is no more room: those who are in are served, those who come are told, and it passes.

use crate::support::{EventStream, Message, Server, WebSocket, Wire, http, wait_until};
use rustix::process::{Resource, Rlimit, prlimit};
use std::collections::BTreeSet;
use std::fs;

#[test]
fn one_connection_too_many_is_told_so() {
    let server = Server::start(&["--max-connections", "3"]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut client = WebSocket::connect(server.ws, "/");
    let third = WebSocket::connect(server.ws, "/echo");
    for addr in [server.ws, server.http] {
        let mut wire = Wire::connect(addr);
        let refusal = wire.read_response().unwrap();
        assert_eq!(refusal.status, 503);
        assert_eq!(refusal.code(), "too-many-connections");
        assert!(refusal.header("retry-after").is_some());
        assert_eq!(wire.read_to_end(), b"");
    }
    client.say(r#"{"connectionId":"a"}"#);
    assert_eq!(reader.next().unwrap().data, r#"{"connectionId":"a"}"#);
    third.leave(1000, "");
    wait_until("there is room again", || {
        let mut wire = Wire::connect(server.http);
        wire.try_write(http::request(server.http, "GET", "/hello", "").as_bytes());
        wire.read_response().is_some_and(|response| response.status == 200)
    });
}

#[test]
fn one_room_too_many_is_told_so() {
    let server = Server::start(&["--max-rooms", "2"]);
    let first = WebSocket::connect(server.ws, "/ws/a");
    let _second = WebSocket::connect(server.ws, "/ws/b");
    let refusal = WebSocket::try_connect(server.ws, "/ws/c", "").expect_err("no room for a room");
    assert_eq!((refusal.status, refusal.code().as_str()), (503, "too-many-rooms"));
    assert_eq!(http::get(server.http, "/events?room=c").code(), "too-many-rooms");
    // A room that nobody uses any more makes room for another.
    first.leave(1000, "");
    wait_until("there is room for a room", || {
        WebSocket::try_connect(server.ws, "/ws/c", "").is_ok()
    });
}

/// The lowest descriptor that the server does not use: with its limit there, the next one fails.
fn lowest_free_descriptor(server: &Server) -> u64 {
    let folder = format!("/proc/{}/fd", server.pid().as_raw_nonzero());
    let names = fs::read_dir(folder).expect("a Linux machine").map(|entry| entry.unwrap());
    let used: BTreeSet<u64> =
        names.map(|entry| entry.file_name().to_str().unwrap().parse().unwrap()).collect();
    (0..).find(|number| !used.contains(number)).unwrap()
}

#[test]
fn without_descriptors_those_who_are_in_are_served_and_it_passes() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut clients: Vec<_> = (0..8).map(|_| WebSocket::connect(server.ws, "/echo")).collect();
    let limit = |descriptors| {
        let limit = Rlimit { current: Some(descriptors), maximum: Some(1000) };
        prlimit(Some(server.pid()), Resource::Nofile, limit).unwrap();
    };
    limit(lowest_free_descriptor(&server));
    // On each core somebody is turned away, not left hanging.
    for _ in 0..4 {
        assert_eq!(Wire::connect(server.ws).read_to_end(), b"");
    }
    server.wait_for_log("cannot accept connections");
    for client in &mut clients {
        client.say("still there?");
        assert_eq!(client.hear(), Message::Text("still there?".to_owned()));
    }
    limit(1000);
    wait_until("the server accepts again", || {
        let mut wire = Wire::connect(server.http);
        wire.try_write(http::request(server.http, "GET", "/hello", "").as_bytes());
        wire.read_response().is_some_and(|response| response.status == 200)
    });
    let mut client = WebSocket::connect(server.ws, "/");
    client.say(r#"{"connectionId":"a"}"#);
    assert_eq!(reader.next().unwrap().data, r#"{"connectionId":"a"}"#);
}
