//! H23: nobody is believed who says for whom a request comes.

use super::said::patient;
use crate::support::http::{exchange, request};
use crate::support::server::tidegate;
use crate::support::websocket::handshake;
use crate::support::{Server, Wire};

fn forwarded() -> Vec<String> {
    let hops: Vec<_> = (0..1000).map(|n| format!("10.0.{}.{}", n / 250, n % 250)).collect();
    let values = [
        String::new(),
        ",,,".to_owned(),
        "127.0.0.1".to_owned(),
        "not an address".to_owned(),
        "<script>alert(1)</script>".to_owned(),
        "[::1]:80, \"evil\"; for=_x".to_owned(),
        "9".repeat(8 * 1024),
        hops.join(", "),
        "\u{fc}\u{2028}".to_owned(),
    ];
    let names = ["X-Forwarded-For", "Forwarded", "X-Real-IP", "X-Forwarded-Proto", "X-Client-IP"];
    let all =
        names.iter().flat_map(|name| values.iter().map(move |one| format!("{name}: {one}\r\n")));
    all.collect()
}

/// NATS died of an empty one, Undertow parsed it without bounds: here it is a field like any other.
#[test]
fn forwarded_addresses_change_nothing() {
    let server = patient(&[]);
    let ask = |more: &str| {
        let mut plain = exchange(server.http, &request(server.http, "GET", "/hello", more));
        let mut upgrade = exchange(server.ws, &handshake(server.ws, "/echo", more));
        for answer in [&mut plain, &mut upgrade] {
            answer.headers.retain(|(name, _)| name != "Date");
        }
        (plain.status, plain.headers, plain.body, upgrade.status, upgrade.headers)
    };
    let without = ask("");
    assert_eq!((without.0, without.3), (200, 101));
    for more in forwarded() {
        assert_eq!(ask(&more), without, "{more}");
    }
}

#[test]
fn a_forwarded_host_is_not_the_host() {
    let server = patient(&[]);
    let ask = |host: &str, more: &str| {
        let request = format!("GET /hello HTTP/1.1\r\nHost: {host}\r\n{more}\r\n");
        exchange(server.http, &request).status
    };
    let forwarded = |host: &str| {
        format!("X-Forwarded-Host: {host}\r\nForwarded: host={host}\r\nX-Host: {host}\r\n")
    };
    assert_eq!(ask("localhost", &forwarded("evil.example")), 200);
    assert_eq!(ask("evil.example", &forwarded("localhost")), 421);
    // Nor do the headers of some frameworks name another path or method.
    let other =
        "X-Original-URL: /nothing\r\nX-Rewrite-URL: /nothing\r\nX-HTTP-Method-Override: POST\r\n";
    assert_eq!(ask("localhost", other), 200);
}

#[test]
fn forwarded_addresses_are_not_logged() {
    let server = Server::start_with(tidegate().env("TIDEGATE_LOG", "trace"));
    let more = "X-Forwarded-For: 5ecre7\r\nForwarded: for=5ecre7\r\nX-Real-IP: 5ecre7\r\n";
    for addr in [server.http, server.ws] {
        for request in [request(addr, "GET", "/hello", more), handshake(addr, "/echo", more)] {
            let mut wire = Wire::connect(addr);
            wire.write(request.as_bytes());
            assert!(wire.read_response().is_some());
        }
    }
    server.terminate();
    let (status, log) = server.wait();
    assert!(status.success() && !log.is_empty());
    assert!(!log.contains("5ecre7"), "{log}");
}
