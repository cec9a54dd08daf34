//! W19: rooms that come and go leave nothing behind.

use crate::support::{Server, WebSocket, http, wait_until};
use std::net::SocketAddr;
use std::thread;

const THREADS: usize = 4;
const ROUNDS: usize = 1250;

/// Joins a room of its own and leaves it, again and again.
fn churn(addr: SocketAddr, path: impl Fn(usize) -> String + Sync) {
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let path = &path;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    WebSocket::connect(addr, &path(thread * ROUNDS + round)).leave(1000, "");
                }
            });
        }
    });
}

#[test]
fn rooms_that_come_and_go_are_counted_and_forgotten() {
    let server =
        Server::start(&["--node-log", "256KiB", "--room-log", "64KiB", "--max-body", "1KiB"]);
    let metric = |name: &str| http::metric(server.http, name);
    let total = (THREADS * ROUNDS) as u64;
    // Rooms in which nobody says anything: none of them is left.
    churn(server.ws, |n| format!("/ws/silent-{n}"));
    wait_until("all rooms are gone", || metric("tidegate_rooms") == 0);
    let before = server.resident_bytes();
    churn(server.ws, |n| format!("/ws/again-{n}"));
    wait_until("all rooms are gone", || metric("tidegate_rooms") == 0);
    // Rooms that are said something in, by ever new clients: their logs are bounded together.
    churn(server.ws, |n| format!("/ws/loud-{}?connectionId=client-{n}", n % 100));
    wait_until("all connections are gone", || {
        metric("tidegate_connections_closed_total{listener=\"ws\"}") == 3 * total
    });
    assert_eq!(metric("tidegate_connections_opened_total{listener=\"ws\"}"), 3 * total);
    assert_eq!(metric("tidegate_connections{kind=\"websocket\"}"), 0);
    assert_eq!(metric("tidegate_connection_ids"), 0);
    assert_eq!(metric("tidegate_events_published_total{type=\"message\"}"), total);
    assert_eq!(metric("tidegate_events_published_total{type=\"close\"}"), total);
    assert!(metric("tidegate_rooms") <= 100);
    assert!(metric("tidegate_log_bytes") <= 256 * 1024);
    let grown = server.resident_bytes().saturating_sub(before);
    // 400 bytes for each room that was would be 4 MiB.
    assert!(grown < 2 * 1024 * 1024, "{grown} bytes");
}
