//! H16: nothing of a request is in its answer.

use super::said::patient;
use crate::support::Wire;
use crate::support::http::{exchange, request};
use crate::support::websocket::handshake;
use std::net::SocketAddr;

/// What is looked for in answers, in capitals and in small letters.
pub(super) const CANARY: &str = "c4n4ry";

/// Everything that is answered to `request`, or as much as says whether it was accepted.
fn answer(addr: SocketAddr, request: &[u8]) -> String {
    let mut wire = Wire::connect(addr);
    wire.write(request);
    let head = wire.read_through(b"\r\n\r\n").expect("an answer");
    let mut answer = String::from_utf8(head).unwrap();
    if answer.starts_with("HTTP/1.1 101 ") {
        return answer;
    }
    wire.finish();
    answer.push_str(&String::from_utf8(wire.read_to_end()).unwrap());
    answer
}

fn sings(answer: &str) -> bool {
    let answer = answer.to_ascii_lowercase();
    answer.contains(CANARY) || answer.contains("x-injected")
}

/// CVE-2020-7695, CVE-2026-1527: a value with line ends came back as lines of the head.
#[test]
fn no_answer_repeats_the_request() {
    let server = patient(&[]);
    let injections = [
        "c4n4ry",
        "c4n4ry\r\nX-Injected: c4n4ry",
        "c4n4ry\nX-Injected: c4n4ry",
        "c4n4ry\rX-Injected: c4n4ry",
        "c4n4ry%0d%0aX-Injected:%20c4n4ry",
        "c4n4ry\0",
        "<script>c4n4ry</script>",
        "c4n4ry\u{2028}c4n4ry\u{85}",
    ];
    for canary in injections {
        let places = |addr: SocketAddr| {
            let plain = |target: &str, more: &str| request(addr, "GET", target, more);
            let upgrade = |target: &str, more: &str| handshake(addr, target, more);
            let in_field = |name: &str| format!("{name}: {canary}\r\n");
            let mut all = vec![
                plain(&format!("/{canary}"), ""),
                plain(&format!("/events?{canary}=1"), ""),
                plain(&format!("/events?room=a&format={canary}"), ""),
                plain(&format!("/events?follow=false&room={canary}"), ""),
                plain(&format!("/events?follow=false&connectionId={canary}"), ""),
                plain(&format!("/events?room=quiet&follow=false&lastEventId={canary}"), ""),
                plain(&format!("http://{canary}/hello"), ""),
                request(addr, canary, "/hello", ""),
                plain("/hello", "").replace("HTTP/1.1", &format!("HTTP/{canary}")),
                plain("/hello", &format!("{canary}: x\r\n")),
                upgrade(&format!("/{canary}"), ""),
                upgrade(&format!("/ws/{canary}"), ""),
                upgrade(&format!("/?connectionId={canary}"), ""),
                upgrade(&format!("/chat/a?echo={canary}"), ""),
                upgrade("/echo", "").replace("Key: ", &format!("Key: {canary}")),
                upgrade("/echo", "").replace("Version: 13", &format!("Version: {canary}")),
            ];
            for name in [
                "Host",
                "Origin",
                "Connection",
                "Accept",
                "Expect",
                "Content-Type",
                "Content-Length",
                "Transfer-Encoding",
                "Last-Event-ID",
                "Authorization",
                "Cookie",
                "Referer",
                "User-Agent",
                "X-Forwarded-Host",
                "Access-Control-Request-Headers",
                "Access-Control-Request-Method",
                "Sec-WebSocket-Protocol",
                "Sec-WebSocket-Extensions",
            ] {
                all.push(plain("/hello", &in_field(name)));
                all.push(request(addr, "OPTIONS", "/events", &in_field(name)));
                all.push(plain("/events?room=quiet&follow=false", &in_field(name)));
                all.push(upgrade("/echo", &in_field(name)));
            }
            all
        };
        for addr in [server.http, server.ws] {
            for request in places(addr) {
                let answer = answer(addr, request.as_bytes());
                assert!(!sings(&answer), "{request}\n{answer}");
            }
        }
    }
}

/// The one field that is repeated, when it is on the list.
#[test]
fn an_origin_is_repeated_only_if_it_is_allowed() {
    let server = patient(&["--allow-origin", "https://c4n4ry.example"]);
    for (origin, is_allowed) in [
        ("https://c4n4ry.example", true),
        ("http://localhost:3000", true),
        ("https://c4n4ry.example:443", false),
        ("https://c4n4ry.example.evil.example", false),
        ("https://evil.example/https://c4n4ry.example", false),
        ("https://c4n4ry.example, https://c4n4ry.example", false),
        ("https://c4n4ry.example/", false),
        ("http://localhost:3000/c4n4ry", false),
        ("http://c4n4ry@localhost:3000", false),
        ("http://localhost:3000%0d%0aX-Injected:c4n4ry", false),
        ("http://c4n4ry.localhost", false),
    ] {
        for target in ["/hello", "/nothing", "/events?follow=false"] {
            let more = format!("Origin: {origin}\r\n");
            let answer = exchange(server.http, &request(server.http, "GET", target, &more));
            let repeated = is_allowed.then_some(origin);
            assert_eq!(answer.header("access-control-allow-origin"), repeated, "{origin}");
            let has_it = |(_, value): &&(String, String)| value.contains(origin);
            let times = answer.headers.iter().filter(has_it).count();
            assert_eq!(times, usize::from(is_allowed), "{origin}: {answer:?}");
            assert!(!answer.body.contains(CANARY), "{origin}: {answer:?}");
        }
    }
}
