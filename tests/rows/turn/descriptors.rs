//! Many at once, and more than there is room for (L01, L02, L12).

use crate::support::{EventStream, Message, Server, WebSocket, Wire, http, wait_until};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, prlimit, setrlimit};
use socket2::SockRef;
use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

/// This process, too, needs a descriptor for each connection.
pub(super) fn raise_own_limit() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).unwrap();
}

/// The descriptors that a server has open.
pub(super) fn descriptors(server: &Server) -> BTreeSet<u64> {
    let folder = format!("/proc/{}/fd", server.pid().as_raw_nonzero());
    let names = fs::read_dir(folder).expect("a Linux machine").map(|entry| entry.unwrap());
    names.map(|entry| entry.file_name().to_str().unwrap().parse().unwrap()).collect()
}

/// Cuts the connection as a crash would.
pub(super) fn reset(wire: Wire) {
    SockRef::from(&wire.handle()).set_linger(Some(Duration::ZERO)).unwrap();
}

/// While the server stands still all of them come, so that it finds them waiting at once.
#[test]
fn two_thousand_that_come_at_once_are_all_accepted() {
    raise_own_limit();
    let server = Server::start(&[]);
    server.signal(Signal::STOP);
    let mut all: Vec<Wire> = (0..2000).map(|_| Wire::connect(server.http)).collect();
    let request = http::request(server.http, "GET", "/hello", "Connection: close\r\n");
    for wire in &mut all {
        wire.write(request.as_bytes());
    }
    server.signal(Signal::CONT);
    for wire in &mut all {
        assert_eq!(wire.read_response().expect("an answer").status, 200);
    }
}

#[test]
fn a_thousand_that_are_reset_together_leave_nothing_behind() {
    raise_own_limit();
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    let before = descriptors(&server).len();
    let mut clients: Vec<WebSocket> =
        (0..500).map(|_| WebSocket::connect(server.ws, "/")).collect();
    for (number, client) in clients.iter_mut().enumerate() {
        client.say(&format!(r#"{{"connectionId":"{number}"}}"#));
    }
    let streams: Vec<_> =
        (0..500).map(|_| EventStream::open(server.http, "/events?room=r")).collect();
    reader.take(500);
    // They are cut while the server does not look: it meets them all in one turn.
    server.signal(Signal::STOP);
    clients.into_iter().for_each(|client| reset(client.wire));
    streams.into_iter().for_each(|stream| reset(stream.wire));
    server.signal(Signal::CONT);
    let closes = reader.take(500);
    let ids: BTreeSet<String> = closes.iter().map(|event| event.close().id).collect();
    assert_eq!(ids.len(), 500, "each had its close, once");
    assert!(closes.iter().all(|event| event.close().is(&event.close().id, 1006, "network")));
    wait_until("all are forgotten", || {
        let page = http::get(server.http, "/metrics");
        page.sample("tidegate_connections{kind=\"websocket\"}") == 0
            && page.sample("tidegate_connections{kind=\"event_stream\"}") == 1
            && page.sample("tidegate_connection_ids") == 0
    });
    wait_until("their descriptors too", || descriptors(&server).len() == before);
}

/// Somebody who comes: `true` if it is served, `false` if it is turned away.
fn is_served(server: &Server) -> bool {
    let mut wire = Wire::connect(server.http);
    wire.try_write(http::request(server.http, "GET", "/hello", "").as_bytes());
    wire.read_response().is_some_and(|response| response.status == 200)
}

#[test]
fn at_the_limit_of_descriptors_who_is_in_is_served_and_who_waits_comes_in_when_others_leave() {
    let server = Server::start(&[]);
    let began = Instant::now();
    let mut clients: Vec<_> = (0..30).map(|_| WebSocket::connect(server.ws, "/echo")).collect();
    let limit = |current| {
        let limit = Rlimit { current: Some(current), maximum: Some(1000) };
        prlimit(Some(server.pid()), Resource::Nofile, limit).unwrap();
    };
    let used = descriptors(&server);
    let free = (0..).find(|number| !used.contains(number)).unwrap();
    limit(free);
    let mut turned_away = 0;
    for client in clients.iter_mut().take(6) {
        // One may slip in by the descriptor that a core frees to turn another away.
        turned_away += u32::from(!is_served(&server));
        client.say("still there?");
        assert_eq!(client.hear(), Message::Text("still there?".to_owned()));
    }
    assert!(turned_away > 2, "there is no descriptor for them: {turned_away}");
    // Some leave: whoever comes now has their descriptors, without the limit being raised.
    for client in clients.drain(..10) {
        client.leave(1000, "");
    }
    wait_until("who waits comes in", || is_served(&server));
    for client in &mut clients {
        client.say("and now?");
        assert_eq!(client.hear(), Message::Text("and now?".to_owned()));
    }
    assert!(
        http::metric(server.http, "tidegate_connections_refused_total{reason=\"descriptors\"}") > 0
    );
    server.terminate();
    drop(clients);
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(0));
    let told = log.matches("cannot accept connections").count() as u64;
    let seconds = began.elapsed().as_secs();
    assert!((1..=seconds + 1).contains(&told), "{told} lines in {seconds} s");
}
