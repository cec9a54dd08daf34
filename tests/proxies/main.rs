//! Tidegate behind nginx and Caddy, set up as in `examples/proxies`, over TLS: what goes through them, and what does not.
//! They are Debian's; what is needed, `tests/run` installs; without it these tests fail and say so.

mod proxy;
mod quotes;
#[path = "../support/mod.rs"]
mod support;

use proxy::{HOST, Kind, Proxy};
use serde_json::{Value, json};
use support::{Backend, EventStream, Foreign, Server, WebSocket};
use support::{foreign, http, websocket};

/// Both of them, each before a Tidegate with these options more.
fn both(more: &[&str]) -> [(Server, Proxy); 2] {
    [Kind::Nginx, Kind::Caddy].map(|kind| {
        let server = kind.server(more);
        let proxy = kind.start(server.ws, server.http);
        (server, proxy)
    })
}

/// A WebSocket through the proxy, as the page of `origin` opens one.
fn puppet(proxy: &Proxy, path: &str, origin: &str) -> Foreign {
    let script = "tests/examples/puppet.js";
    let mut command = proxy.node(script, &["ws"], &proxy.url("wss", path));
    Foreign::converse(command.arg(json!({ "Origin": origin }).to_string()))
}

/// One that is let in.
fn member(proxy: &Proxy, path: &str) -> Foreign {
    let puppet = puppet(proxy, path, &format!("https://{HOST}"));
    assert_eq!(puppet.line(), "open");
    puppet
}

#[test]
fn members_hear_each_other_and_why_they_are_closed() {
    for (server, proxy) in both(&[]) {
        let mut reader = EventStream::open(server.http, "/events?room=my%20%2F%20room");
        let mut anna = member(&proxy, "/chat/my%20%2F%20room");
        let mut bert = member(&proxy, "/chat/my%20%2F%20room");
        anna.tell("text größer 🦀");
        assert_eq!(bert.line(), "text größer 🦀");
        bert.tell("binary AAH+/w==");
        assert_eq!(anna.line(), "binary AAH+/w==");
        bert.tell("ping are you there?");
        assert_eq!(bert.line(), "pong are you there?");
        let said = reader.take(2);
        let id = said[1].json()["connectionId"].as_str().unwrap().to_owned();
        anna.tell("close 4000 bye");
        assert_eq!(anna.finish(), ["closed 4000"]);
        let close = reader.take(1)[0].close();
        assert_eq!((close.code, &*close.reason, &*close.by), (4000, "bye", "client"));
        // A backend, which is behind the proxy.
        let target = format!("/api/connections/{id}?code=4001&reason=enough");
        let delete = http::request(server.http, "DELETE", &target, "");
        assert_eq!(http::exchange(server.http, &delete).status, 204);
        assert_eq!(bert.finish(), ["closed 4001 enough"]);
        let close = reader.take(1)[0].close();
        assert_eq!((close.code, &*close.by), (4001, "server"));
    }
}

#[test]
fn pages_of_other_origins_and_wrong_paths_are_told_no_by_tidegate_itself() {
    for (_server, proxy) in both(&[]) {
        let other = puppet(&proxy, "/echo", "https://elsewhere.example.com");
        assert_eq!(other.line(), "refused 403 origin-not-allowed");
        let lost = puppet(&proxy, "/nope", &format!("https://{HOST}"));
        assert_eq!(lost.line(), "refused 404 no-such-route");
        let mut large = member(&proxy, "/echo");
        large.tell(&format!("text {}", "x".repeat(64 * 1024 + 1)));
        assert!(large.finish()[0].starts_with("closed 1009 "));
    }
}

#[test]
fn each_event_comes_at_once_by_http_1_and_2_and_as_lines_of_json() {
    for (server, proxy) in both(&["--heartbeat", "200ms"]) {
        let source = proxy.event_source("/events");
        let stream = |options: &[&str]| Foreign::start(&mut proxy.curl("/events", options));
        let first = stream(&["--http1.1"]);
        let second = stream(&["--http2"]);
        let lines = stream(&["--http2", "-H", "Accept: application/x-ndjson"]);
        for curl in [&first, &second] {
            assert!(curl.line().starts_with("retry: "));
            assert!(curl.line().starts_with("id: ") && curl.line().is_empty());
        }
        assert_eq!(lines.json()["type"], "position");
        let mut client = WebSocket::connect(server.ws, "/");
        // Whatever waited for more would be missed before the next is said.
        for n in 0..3 {
            let said = json!({"connectionId": "a", "n": n}).to_string();
            client.say(&said);
            assert_eq!(source.json()["data"], said);
            for curl in [&first, &second] {
                let data = std::iter::repeat_with(|| curl.line())
                    .find_map(|line| line.strip_prefix("data: ").map(str::to_owned));
                assert_eq!(data, Some(said.clone()));
            }
            let event = std::iter::repeat_with(|| lines.line()).find(|line| !line.is_empty());
            let event: Value = serde_json::from_str(&event.unwrap()).unwrap();
            assert_eq!(event["data"]["n"], n);
        }
        // Nothing is said any more: what still comes are heartbeats.
        assert_eq!([first.line(), first.line()], ["", ":"]);
        assert_eq!([second.line(), second.line()], ["", ":"]);
        assert_eq!(lines.line(), "");
    }
}

#[test]
fn a_reader_goes_on_where_it_was() {
    for (server, proxy) in both(&[]) {
        let mut reader = EventStream::open(server.http, "/events");
        let mut client = WebSocket::connect(server.ws, "/");
        for n in 0..3 {
            client.say(&json!({"connectionId": "a", "n": n}).to_string());
        }
        let events = reader.take(3);
        let last = format!("Last-Event-ID: {}", events[0].id);
        for version in ["--http1.1", "--http2"] {
            let (status, told) = proxy.ask("/events?follow=false", &[version, "-H", &last]);
            assert!(status.success());
            let data: Vec<_> =
                told.lines().filter_map(|line| line.strip_prefix("data: ")).collect();
            assert_eq!(data, [&*events[1].data, &*events[2].data]);
        }
    }
}

/// An answer of 502 would end an EventSource for good.
#[test]
fn an_event_source_outlives_a_restart_of_tidegate() {
    for kind in [Kind::Nginx, Kind::Caddy] {
        let mut server = kind.server(&["--retry", "50ms"]);
        let proxy = kind.start(server.ws, server.http);
        let source = proxy.event_source("/events");
        let client = member(&proxy, "/?connectionId=before");
        assert_eq!(source.json()["data"], r#"{"connectionId":"before"}"#);
        server.stop();
        assert_eq!(client.finish(), ["closed 1012 server restarts"]);
        let close = source.json();
        assert!(close["data"].as_str().unwrap().contains(r#""code":1012"#), "{close}");
        for version in ["--http1.1", "--http2"] {
            let (status, told) = proxy.ask("/events", &[version, "-w", "%{http_code}"]);
            assert!(!status.success() && told == "000", "{kind:?} {version}: {told}");
        }
        let (_, told) = proxy.ask("/hello", &["-o", "/dev/null", "-w", "%{http_code}"]);
        assert_eq!(told, "502");
        let server = kind.server_at([server.ws, server.http], &["--retry", "50ms"]);
        assert_eq!(source.line(), "open");
        assert_eq!(source.json()["type"], "gap");
        WebSocket::connect(server.ws, "/?connectionId=after").leave(1000, "");
        assert_eq!(source.json()["data"], r#"{"connectionId":"after"}"#);
    }
}

#[test]
fn what_is_for_backends_cannot_be_reached_however_it_is_spelt() {
    let paths = [
        "/api",
        "/api/",
        "/api/connections",
        "/api/messages",
        "/api/tickets",
        "/metrics",
        "/metrics/",
        "/@connections/a",
        "/%40connections/a",
        "/%61pi/connections",
        "/API/connections",
        "//api/connections",
        "/api//connections",
        "/./api/connections",
        "/%2e/metrics",
        "/hello/../api/connections",
        "/hello/%2e%2e/metrics",
        "/api%2Fconnections",
        "/api;a/connections",
        "/metrics%2F",
        "/api\\connections",
        "/events/../metrics",
        "/metrics?a=/events",
        "/metrics%00",
    ];
    for (server, proxy) in both(&[]) {
        let _somebody = WebSocket::connect(server.ws, "/?connectionId=a");
        for path in paths {
            for options in [&["--http1.1"][..], &["--http2"], &["--http1.1", "--json", "{}"]] {
                let (_, told) = proxy.ask(path, &[options, &["-w", "\n%{http_code}"]].concat());
                let (body, status) = told.rsplit_once('\n').unwrap();
                assert!(["404", "400"].contains(&status), "{path}: {told}");
                assert!(
                    !body.contains("connectionId") && !body.contains("# TYPE"),
                    "{path}: {told}"
                );
            }
        }
        // A request that calls itself a handshake comes no further.
        let handshake = format!(
            "Upgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Version: 13\nSec-WebSocket-Key: {}",
            websocket::KEY
        );
        let fields: Vec<_> = handshake.lines().flat_map(|line| ["-H", line]).collect();
        let (_, told) = proxy.ask("/api/connections", &[&["--http1.1"], &fields[..]].concat());
        assert!(!told.contains("no-such-route") && !told.contains(r#""connections""#), "{told}");
    }
}

#[test]
fn what_a_client_claims_to_be_is_not_passed_on() {
    for kind in [Kind::Nginx, Kind::Caddy] {
        let backend = Backend::start();
        let proxy = kind.start(backend.addr, backend.addr);
        let claim = ["-H", "X-Forwarded-For: 192.0.2.1", "--http1.1"];
        let curl = Foreign::start(&mut proxy.curl("/hello?a=%2F&b", &claim));
        let heard = backend.next();
        assert_eq!(heard.head[0], "GET /hello?a=%2F&b HTTP/1.1");
        assert_eq!(heard.fields("X-Forwarded-For"), ["127.0.0.1"], "{kind:?}");
        let host = heard.fields("Host")[0].split(':').next().unwrap().to_owned();
        assert_eq!(host, HOST);
        heard.answer("200 OK", "yes");
        assert_eq!(curl.finish(), ["yes"]);
    }
}

#[test]
fn a_reload_of_the_proxy_loses_no_event() {
    for (server, proxy) in both(&["--retry", "50ms"]) {
        let source = proxy.event_source("/events");
        WebSocket::connect(server.ws, "/?connectionId=before").leave(1000, "");
        assert_eq!(source.json()["data"], r#"{"connectionId":"before"}"#);
        assert!(source.json()["data"].as_str().unwrap().contains("close"));
        proxy.reload();
        WebSocket::connect(server.ws, "/?connectionId=after").leave(1000, "");
        let mut line = source.line();
        // It may have been cut off, and have come back.
        while line == "open" {
            line = source.line();
        }
        let event: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(event["data"], r#"{"connectionId":"after"}"#);
        let mut echo = member(&proxy, "/echo");
        echo.tell("text still there?");
        assert_eq!(echo.line(), "text still there?");
    }
}

#[test]
fn the_logs_of_the_proxies_have_no_query() {
    let server = Kind::Nginx.server(&[]);
    let proxy = Kind::Nginx.start(server.ws, server.http);
    let (status, _) = proxy.ask("/events?follow=false&ticket=not-to-be-seen", &[]);
    assert!(status.success());
    let log = proxy.access_log();
    assert!(log.contains(r#""GET /events" "#), "{log}");
    assert!(!log.contains("ticket"), "{log}");
}
