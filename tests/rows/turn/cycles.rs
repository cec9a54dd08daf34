//! Connections that end at every stage, again and again: nothing of them stays (L16).
//!
//! `TIDEGATE_CYCLES=100000` runs that many.

use super::descriptors::{descriptors, raise_own_limit, reset};
use crate::support::websocket::{frame, handshake};
use crate::support::{EventStream, Server, WebSocket, Wire, http, wait_until};
use socket2::SockRef;
use std::cell::RefCell;
use std::time::Instant;
use std::{env, thread};

const CYCLES: usize = 1000;

/// How far a connection comes before it is cut.
const STAGES: usize = 11;

fn reach(server: &Server, stage: usize, number: usize) -> Wire {
    let id = format!(r#"{{"connectionId":"{number}"}}"#);
    match stage {
        0 => Wire::connect(server.ws),
        1 => begin(server, &handshake(server.ws, "/echo", "")[..60]),
        2 => begin(server, &handshake(server.ws, "/echo", "")),
        3 => {
            let mut wire = Wire::connect(server.http);
            wire.write(http::request(server.http, "GET", "/hello", "").as_bytes());
            wire.read_response().expect("an answer");
            wire
        }
        4 => {
            let mut wire = Wire::connect(server.http);
            let headers = "Content-Length: 1000\r\n";
            wire.write(http::request(server.http, "POST", "/hello", headers).as_bytes());
            wire.write(b"a part of it");
            wire
        }
        5 => WebSocket::connect(server.ws, "/ws/r?connectionId=same").wire,
        6 => {
            let mut client = WebSocket::connect(server.ws, "/");
            client.say(&id);
            let message = frame(1, true, &[b'x'; 9000]);
            client.wire.write(&message[..5000]);
            client.wire
        }
        7 => {
            let mut client = WebSocket::connect(server.ws, "/");
            client.say(&id);
            client.wire.write(&frame(1, false, b"a part"));
            client.wire
        }
        8 => EventStream::open(server.http, "/events?room=main&connectionId=same").wire,
        9 => {
            // Its answers are not read: it is paused.
            let mut client = WebSocket::connect(server.ws, "/echo");
            let handle = client.wire.handle();
            // Less to fill, so that many can be.
            SockRef::from(&handle).set_recv_buffer_size(4096).unwrap();
            SockRef::from(&handle).set_send_buffer_size(4096).unwrap();
            handle.set_nonblocking(true).unwrap();
            while client.wire.try_write(&frame(2, true, &[b'x'; 20_000])) {}
            handle.set_nonblocking(false).unwrap();
            client.wire
        }
        _ => {
            let mut client = WebSocket::connect(server.ws, "/chat/r");
            client.say_close(1000, "");
            client.wire
        }
    }
}

fn begin(server: &Server, said: &str) -> Wire {
    let mut wire = Wire::connect(server.ws);
    wire.write(said.as_bytes());
    wire
}

/// The page of `/metrics` that was read last: told when the test fails, as it says what stayed.
#[derive(Default)]
struct LastPage(RefCell<String>);

impl Drop for LastPage {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the last page of /metrics:\n{}", self.0.borrow());
        }
    }
}

#[test]
fn connections_that_end_at_every_stage_leave_nothing_behind() {
    raise_own_limit();
    let cycles = env::var("TIDEGATE_CYCLES").map_or(CYCLES, |count| count.parse().unwrap());
    // Whatever the timers would free counts as left behind.
    let hour = "1h";
    let mut options = Vec::new();
    for name in ["--head-time", "--keep-alive", "--write-stall", "--closing-time", "--linger"] {
        options.extend([name, hour]);
    }
    let server = Server::start(&options);
    let mut own = Wire::connect(server.http);
    let last = LastPage::default();
    let mut metrics = || {
        own.write(http::request(server.http, "GET", "/metrics", "").as_bytes());
        let page = own.read_response().expect("a page");
        last.0.borrow_mut().clone_from(&page.body);
        page
    };
    metrics();
    let before = descriptors(&server);
    let began = Instant::now();
    for number in 0..cycles {
        let wire = reach(&server, number % STAGES, number);
        if (number / STAGES).is_multiple_of(2) {
            reset(wire);
        }
    }
    let took = began.elapsed();
    wait_until("all are gone", || {
        let all = metrics();
        all.sample("tidegate_connections{kind=\"http\"}") == 1
            && all.sample("tidegate_connections{kind=\"websocket\"}") == 0
            && all.sample("tidegate_connections{kind=\"event_stream\"}") == 0
    });
    wait_until("their names are free", || metrics().sample("tidegate_connection_ids") == 0);
    wait_until("their descriptors are closed", || descriptors(&server) == before);
    let all = metrics();
    let sum = |what: &str| -> u64 {
        let of = |listener| {
            all.sample(&format!("tidegate_connections_{what}_total{{listener=\"{listener}\"}}"))
        };
        of("ws") + of("http")
    };
    assert_eq!(sum("opened") - sum("closed"), 1, "each that came has gone, but for this one");
    if cycles != CYCLES {
        eprintln!("{cycles} cycles over {STAGES} stages in {took:?}");
    }
}
