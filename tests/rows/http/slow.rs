//! H18: heads that never end, and connections that only sit there.

use super::said::in_words;
use crate::support::http::{metric, request};
use crate::support::websocket::handshake;
use crate::support::{EventStream, Message, Server, WebSocket, Wire, wait_until};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const COUNT: usize = 200;
const OPEN: &str = "tidegate_connections{kind=\"http\"}";

/// Times that pass soon, though not for a good client on a slow machine, and a head that may be so
/// long that none of these ends before.
const SHORT: [&str; 6] = ["--head-time", "1s", "--keep-alive", "1s", "--max-head", "256KiB"];

/// Slow clients: to each a byte is sent, and another, until it is closed.
fn drip(wires: &mut [Wire], mut each: impl FnMut(&mut Wire)) {
    let handles: Vec<TcpStream> = wires.iter().map(Wire::handle).collect();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                for mut handle in &handles {
                    // It may be closed already.
                    let _ = handle.write(b"x");
                }
                // Slow is what they are; nothing waits for this.
                thread::sleep(Duration::from_millis(5));
            }
        });
        let _at_the_end = Sets(&is_over);
        wires.iter_mut().for_each(&mut each);
    });
}

/// Sets it when a test ends, be it by a panic.
struct Sets<'a>(&'a AtomicBool);

impl Drop for Sets<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A good client on each listener, and that it is served.
struct Witnesses {
    client: WebSocket,
    reader: EventStream,
    said: u64,
}

impl Witnesses {
    fn of(server: &Server) -> Witnesses {
        let reader = EventStream::open(server.http, "/events");
        Witnesses { client: WebSocket::connect(server.ws, "/"), reader, said: 0 }
    }

    fn are_served(&mut self) {
        self.said += 1;
        let message = format!(r#"{{"connectionId":"witness","n":{}}}"#, self.said);
        self.client.say(&message);
        assert_eq!(self.reader.next().unwrap().data, message);
    }
}

fn begun(addr: SocketAddr, head: &str) -> Wire {
    let mut wire = Wire::connect(addr);
    wire.write(head.trim_end().as_bytes());
    wire
}

#[test]
fn a_head_has_its_time_however_busily_it_comes() {
    let server = Server::start(&SHORT);
    let mut witnesses = Witnesses::of(&server);
    let mut wires: Vec<Wire> = (0..COUNT)
        .map(|n| match n % 2 {
            0 => begun(server.http, &request(server.http, "GET", "/hello", "X: y\r\n")),
            _ => begun(server.ws, &handshake(server.ws, "/echo", "X: y\r\n")),
        })
        .collect();
    drip(&mut wires, |wire| {
        assert_eq!(in_words(&wire.read_response().expect("an answer")), "408 head-timeout");
        witnesses.are_served();
    });
    wait_until("all are closed", || metric(server.http, OPEN) == 1);
    witnesses.are_served();
}

/// hyper #3828: after the first answer there was no deadline any more.
#[test]
fn the_second_head_has_its_time_too() {
    let server = Server::start(&SHORT);
    let mut witnesses = Witnesses::of(&server);
    let hello = request(server.http, "GET", "/hello", "");
    let mut wires: Vec<Wire> = (0..COUNT)
        .map(|_| {
            let mut wire = Wire::connect(server.http);
            // The next head begins in the same packet.
            wire.write([hello.as_str(), "GET /hello HTTP/1.1\r\nX: "].concat().as_bytes());
            wire
        })
        .collect();
    drip(&mut wires, |wire| {
        assert_eq!(in_words(&wire.read_response().expect("an answer")), "200 world");
        assert_eq!(in_words(&wire.read_response().expect("an answer")), "408 head-timeout");
    });
    wait_until("all are closed", || metric(server.http, OPEN) == 1);
    witnesses.are_served();
}

#[test]
fn whoever_only_sits_there_is_closed_without_a_word() {
    let server = Server::start(&SHORT);
    let mut witnesses = Witnesses::of(&server);
    let hello = request(server.http, "GET", "/hello", "");
    let body = request(server.http, "POST", "/hello", "Content-Length: 9\r\n") + "half";
    let three = hello.repeat(3);
    let mut wires: Vec<(Wire, usize)> = (0..COUNT)
        .map(|n| {
            let said = [&*hello, &three, &body, ""][n % 4];
            let mut wire = Wire::connect(if n % 8 == 7 { server.ws } else { server.http });
            wire.write(said.as_bytes());
            (wire, [1, 3, 1, 0][n % 4])
        })
        .collect();
    for (wire, answers) in &mut wires {
        for _ in 0..*answers {
            assert!(wire.read_response().is_some());
        }
        assert_eq!(wire.read_to_end(), b"");
        assert!(!wire.is_reset());
    }
    wait_until("all are closed", || metric(server.http, OPEN) == 1);
    witnesses.are_served();
    assert!(matches!(witnesses.client.leave(1000, "").as_slice(), [] | [Message::Ping(_)]));
}

/// It is answered already; what is left is how long it may hold its place.
#[test]
fn a_body_has_its_time_however_steadily_it_comes() {
    let options = ["--body-time", "1s", "--keep-alive", "1h", "--max-body", "1MiB"];
    let server = Server::start(&options);
    let mut witnesses = Witnesses::of(&server);
    let mut good = Wire::connect(server.http);
    good.write(request(server.http, "POST", "/hello", "Content-Length: 4\r\n").as_bytes());
    good.write(b"body");
    assert_eq!(good.read_response().expect("an answer").status, 405);
    let fields = ["Content-Length: 1000000\r\n", "Transfer-Encoding: chunked\r\n"];
    let mut wires: Vec<Wire> = (0..COUNT)
        .map(|n| {
            let mut wire = Wire::connect(server.http);
            wire.write(request(server.http, "POST", "/hello", fields[n % 2]).as_bytes());
            if n % 2 == 1 {
                wire.write(b"fffff\r\n");
            }
            wire
        })
        .collect();
    drip(&mut wires, |wire| {
        assert_eq!(wire.read_response().expect("an answer").status, 405);
        assert_eq!(wire.read_to_end(), b"");
    });
    // Beside the one that asks there is the good one.
    wait_until("all are closed", || metric(server.http, OPEN) == 2);
    witnesses.are_served();
    // Meanwhile a body that came in time held nothing up, nor did the silence behind it.
    good.write(request(server.http, "GET", "/hello", "").as_bytes());
    assert_eq!(in_words(&good.read_response().expect("an answer")), "200 world");
}
