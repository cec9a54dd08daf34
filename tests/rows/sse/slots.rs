//! What an event stream may cost, and for how long (S05, S07, S08, S09, S10).

use crate::support::{EventStream, Server, WebSocket, Wire, http, wait_until};
use socket2::SockRef;
use std::time::Duration;

const STREAMS: &str = "tidegate_connections{kind=\"event_stream\"}";

#[test]
fn who_talks_to_a_stream_is_cut_off_after_4_kib() {
    let server = Server::start(&[]);
    let mut talker = EventStream::open(server.http, "/events");
    let mut client = WebSocket::connect(server.ws, "/");
    talker.wire.write(&[b'x'; 4096]);
    client.say(r#"{"connectionId":"a","n":1}"#);
    assert_eq!(talker.next().unwrap().json()["n"], 1, "so much is let pass");
    talker.wire.write(b"x");
    assert_eq!(talker.rest(), []);
    wait_until("it is gone", || http::metric(server.http, STREAMS) == 0);
}

#[test]
fn what_follows_the_request_for_a_stream_counts_as_talk() {
    let server = Server::start(&[]);
    let mut wire = Wire::connect(server.http);
    let request = http::request(server.http, "GET", "/events", "");
    wire.write(&[request.as_bytes(), request.repeat(100).as_bytes()].concat());
    assert_eq!(wire.read_head().unwrap().status, 200);
    let body = wire.read_to_end();
    // How much of the stream was written before is a matter of how the bytes came.
    assert!(!body.windows(5).any(|part| part == b"HTTP/"), "none of it is another request");
}

/// A log of four events, and far more than that while a reader does not read.
#[test]
fn a_ring_of_four_gives_a_slow_reader_messages_or_gaps_and_never_silence() {
    const MESSAGES: u64 = 3000;
    let options = ["--room-log-events", "4", "--write-stall", "10m"];
    let server = Server::start(&options);
    let mut reader = EventStream::open(server.http, "/events");
    SockRef::from(&reader.wire.handle()).set_recv_buffer_size(4096).unwrap();
    let mut client = WebSocket::connect(server.ws, "/");
    let padding = "x".repeat(2000);
    for n in 0..MESSAGES {
        client.say(&format!(r#"{{"connectionId":"a","n":{n},"padding":"{padding}"}}"#));
    }
    client.leave(1000, "");
    let (mut next, mut gaps) = (0, 0);
    loop {
        let event = reader.next().expect("a stream never just ends");
        if event.name == "gap" {
            next += event.missed().expect("the number is known");
            gaps += 1;
        } else if event.is_close() {
            break;
        } else {
            assert_eq!(event.json()["n"], next);
            next += 1;
        }
    }
    assert_eq!(next, MESSAGES);
    assert!(gaps > 0);
}

#[test]
fn streams_that_end_in_any_way_leave_no_ghost() {
    let server = Server::start(&["--max-connections", "40"]);
    for round in 0..5 {
        let streams: Vec<_> = (0..30)
            .map(|n| {
                EventStream::open(
                    server.http,
                    if n % 3 == 0 { "/events" } else { "/events?room=r" },
                )
            })
            .collect();
        for (number, stream) in streams.into_iter().enumerate() {
            match (number + round) % 3 {
                0 => SockRef::from(&stream.wire.handle()).set_linger(Some(Duration::ZERO)).unwrap(),
                1 => stream.wire.finish(),
                _ => {}
            }
        }
        // The cap would refuse the next round if one of them were still counted.
        wait_until("all are gone", || {
            let mut wire = Wire::connect(server.http);
            wire.try_write(http::request(server.http, "GET", "/metrics", "").as_bytes());
            wire.read_response().is_some_and(|page| page.status == 200 && page.sample(STREAMS) == 0)
        });
    }
    let page = http::get(server.http, "/metrics");
    assert_eq!(page.sample("tidegate_rooms"), 0, "nobody follows a room any more");
}

#[test]
fn at_the_cap_the_newcomer_is_refused_and_nobody_else_is_touched() {
    let server = Server::start(&["--max-connections", "4"]);
    let mut streams: Vec<_> = (0..3).map(|_| EventStream::open(server.http, "/events")).collect();
    let mut client = WebSocket::connect(server.ws, "/");
    for _ in 0..50 {
        let refusal = Wire::connect(server.http).read_response().unwrap();
        assert_eq!((refusal.status, refusal.code().as_str()), (503, "too-many-connections"));
        let after: u64 = refusal.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=10).contains(&after));
    }
    client.say(r#"{"connectionId":"a","n":1}"#);
    for stream in &mut streams {
        assert_eq!(stream.next().unwrap().json()["n"], 1);
    }
}

/// A reader that vanished takes nothing: whatever is written to it stays, and that is noticed.
#[test]
fn a_stream_that_takes_nothing_is_freed_although_only_heartbeats_wait() {
    let options = ["--write-stall", "200ms", "--heartbeat", "50ms"];
    let server = Server::start(&options);
    let stuck = EventStream::open(server.http, "/events");
    let mut client = WebSocket::connect(server.ws, "/echo");
    let mut other = WebSocket::connect(server.ws, "/");
    let padding = "x".repeat(60_000);
    // More than sockets hold: then it is as if its cable were pulled.
    for n in 0..200 {
        other.say(&format!(r#"{{"connectionId":"a","n":{n},"padding":"{padding}"}}"#));
    }
    wait_until("it is freed", || http::metric(server.http, STREAMS) == 0);
    client.say("still there?");
    client.hear();
    drop(stuck);
}
