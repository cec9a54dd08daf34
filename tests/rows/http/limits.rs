//! H02, H13: each limit at one less, exactly, one more; with its default and with others.

use super::heads::head_of;
use super::said::{Witness, in_words, patient};
use crate::support::http::{exchange, get, request};
use crate::support::websocket::{KEY, handshake};
use crate::support::{EventStream, Server, Wire};
use std::net::SocketAddr;

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

fn answer(addr: SocketAddr, request: &str) -> String {
    in_words(&exchange(addr, request))
}

/// A handshake of `count` fields, of which `Upgrade` is the last.
fn handshake_of(count: usize) -> String {
    let fillers = "A: b\r\n".repeat(count - 5);
    format!(
        "GET /echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\
         {fillers}Upgrade: websocket\r\n\r\n"
    )
}

/// CVE-2024-37890: what came behind the last header that was kept was as if it had not been sent.
#[test]
fn a_header_too_many_is_refused_and_not_left_out() {
    for (options, max) in
        [(&[][..], 64), (&["--max-headers", "8"], 8), (&["--max-headers", "128"], 128)]
    {
        let server = Server::start(&[options, &["--max-head", "256KiB"]].concat());
        let too_many = "431 too-many-headers";
        for (count, expected) in
            [(max - 1, "101"), (max, "101"), (max + 1, too_many), (500, too_many), (5000, too_many)]
        {
            assert_eq!(answer(server.ws, &handshake_of(count)), expected, "{count} of {max}");
            let more = "A: b\r\n".repeat(count - 1);
            let plain = answer(server.http, &request(server.http, "GET", "/hello", &more));
            let expected = if expected == "101" { "200 world" } else { expected };
            assert_eq!(plain, expected, "{count} of {max}");
        }
    }
    // With the default size of a head, what is too much is the size.
    let server = Server::start(&[]);
    assert_eq!(answer(server.ws, &handshake_of(5000)), "431 head-too-large");
}

#[test]
fn the_size_of_a_head_is_limited_to_the_byte() {
    for (options, max) in [
        (&[][..], 16 << 10),
        (&["--max-head", "1KiB"], 1 << 10),
        (&["--max-head", "256KiB"], 256 << 10),
    ] {
        let server = Server::start(options);
        for (length, plain, at_ws) in [
            (max - 1, "200 world", "426 upgrade-required"),
            (max, "200 world", "426 upgrade-required"),
            (max + 1, "431 head-too-large", "431 head-too-large"),
        ] {
            assert_eq!(answer(server.http, &head_of(length)), plain, "{length} of {max}");
            assert_eq!(answer(server.ws, &head_of(length)), at_ws, "{length} of {max}");
        }
    }
}

#[test]
fn the_target_is_limited_to_the_byte() {
    for (options, max) in [
        (&[][..], 4 << 10),
        (&["--max-uri", "256B"], 256),
        (&["--max-uri", "64KiB", "--max-head", "128KiB"], 64 << 10),
    ] {
        let server = Server::start(options);
        for (length, plain, at_ws) in [
            (max - 1, "200 world", "101"),
            (max, "200 world", "101"),
            (max + 1, "414 uri-too-long", "414 uri-too-long"),
        ] {
            let target = format!("/hello?{}", "x".repeat(length - "/hello?".len()));
            assert_eq!(in_words(&get(server.http, &target)), plain, "{length} of {max}");
            let target = format!("/echo?_={}", "x".repeat(length - "/echo?_=".len()));
            assert_eq!(answer(server.ws, &handshake(server.ws, &target, "")), at_ws, "{length}");
        }
    }
}

#[test]
fn limits_do_not_depend_on_where_the_pieces_end() {
    let server = patient(&["--max-uri", "256B", "--max-head", "1KiB"]);
    let mut witness = Witness::of(&server);
    let target =
        |length: usize| request(server.http, "GET", &format!("/{}", "x".repeat(length - 1)), "");
    for (request, expected) in [
        (head_of(1024), "200 world"),
        (head_of(1025), "431 head-too-large"),
        (target(256), "404 not-found"),
        (target(257), "414 uri-too-long"),
    ] {
        for cut in 1..request.len() {
            let mut wire = Wire::connect(server.http);
            witness.write_in_pieces(&mut wire, request.as_bytes(), &[cut]);
            let answer = wire.read_response().map(|response| in_words(&response));
            assert_eq!(answer.as_deref(), Some(expected), "cut at {cut}");
        }
    }
}

#[test]
fn a_body_is_limited_to_the_byte() {
    for (options, max) in [(&[][..], 1 << 20), (&["--max-body", "1KiB"], 1 << 10)] {
        let server = patient(&[options, &["--max-linger", "4MiB"]].concat());
        for (length, expected) in [
            (max - 1, "405 method-not-allowed | 200 next"),
            (max, "405 method-not-allowed | 200 next"),
            (max + 1, "413 body-too-large"),
        ] {
            let more = format!("Content-Length: {length}\r\n");
            assert_eq!(with_body(&server, &more, &"x".repeat(length)), expected, "{length}");
        }
        // Chunks are counted together, and the one that is too much is not waited for.
        for (last, expected) in [
            (0, "405 method-not-allowed | 200 next"),
            (1, "405 method-not-allowed | 200 next"),
            (2, "405 method-not-allowed"),
        ] {
            let first = max - 1;
            let body = format!("{first:x}\r\n{}\r\n{last:x}\r\n", "x".repeat(first));
            let end =
                if last == 0 { "\r\n" } else { &*format!("{}\r\n0\r\n\r\n", "y".repeat(last)) };
            assert_eq!(with_body(&server, CHUNKED, &(body + end)), expected, "{last}");
        }
    }
}

/// What is answered to a POST with that body and to a request behind it.
fn with_body(server: &Server, more: &str, body: &str) -> String {
    let mut wire = Wire::connect(server.http);
    let head = request(server.http, "POST", "/hello", more);
    let next = request(server.http, "GET", "/livez", "Connection: close\r\n");
    // Whoever is refused may be closed before all is written.
    wire.try_write([&head, body, &next].concat().as_bytes());
    let answers: Vec<String> =
        std::iter::from_fn(|| wire.read_response()).map(|response| in_words(&response)).collect();
    answers.join(" | ")
}

#[test]
fn filters_are_limited_one_by_one() {
    for (options, max) in
        [(&[][..], 32), (&["--max-filters", "1"], 1), (&["--max-filters", "100"], 100)]
    {
        let server = Server::start(options);
        for name in ["room", "connectionId"] {
            let target = |count: usize| {
                let pairs: Vec<_> = (0..count).map(|n| format!("{name}={n}")).collect();
                format!("/events?follow=false&{}", pairs.join("&"))
            };
            for count in [max - 1, max] {
                EventStream::open(server.http, &target(count));
            }
            let answer = get(server.http, &target(max + 1));
            assert_eq!(in_words(&answer), "400 too-many-filters", "{name}, {max}");
            // The same name again is no other filter.
            EventStream::open(server.http, &format!("{}&{name}=0", target(max)));
        }
    }
}
