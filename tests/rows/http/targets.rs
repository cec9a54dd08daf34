//! H14, H15: one reading of each target, one of each field.

use super::said::{in_words, patient};
use crate::support::http::{exchange, request};
use crate::support::websocket::handshake;
use crate::support::{EventStream, Message, Server, WebSocket, Wire};

/// Either it is refused, or what decides by path sees the one path that the answer is for.
#[test]
fn a_target_has_one_reading() {
    let server = patient(&["--demo=false"]);
    for (target, expected) in [
        ("/hello", "200 world"),
        ("/hello?../../events", "200 world"),
        ("/hello?a#b", "400 bad-target"),
        ("/%68ello", "200 world"),
        ("/%68%65%6C%6c%6F", "200 world"),
        ("http://localhost/hello", "200 world"),
        ("HTTP://LOCALHOST:1/hello", "200 world"),
        ("https://[::1]:65535/hello", "200 world"),
        ("http://localhost", "404 not-found"),
        ("/hello/", "404 not-found"),
        ("//hello", "404 not-found"),
        ("/hello//", "404 not-found"),
        ("/Hello", "404 not-found"),
        ("/hello%2F", "404 not-found"),
        ("/%2Fhello", "404 not-found"),
        ("/hello;a=b", "404 not-found"),
        ("/hello%3Fa", "404 not-found"),
        ("/hello%20", "404 not-found"),
        ("/hello%0d%0aX:%20y", "404 not-found"),
        ("/%2568ello", "404 not-found"),
        ("/a\\..\\hello", "404 not-found"),
        ("/x/../hello", "400 dot-segment"),
        ("/./hello", "400 dot-segment"),
        ("/x/%2e%2E/hello", "400 dot-segment"),
        ("/hello/.", "400 dot-segment"),
        ("/hello#x", "400 bad-target"),
        ("/hello%", "400 bad-percent-escape"),
        ("/hello%1", "400 bad-percent-escape"),
        ("/hello%zz", "400 bad-percent-escape"),
        ("/hello%u0041", "400 bad-percent-escape"),
        ("/hello%00", "400 bad-percent-escape"),
        ("/hello?a=%00", "400 bad-percent-escape"),
        ("/%c0%afhello", "400 bad-target-utf8"),
        ("/hello%ff", "400 bad-target-utf8"),
        ("*", "400 bad-target"),
        ("hello", "400 bad-target"),
        ("localhost:8082", "400 bad-target"),
        ("file:///hello", "400 bad-target"),
        ("ws://localhost/hello", "400 bad-target"),
        ("http:/hello", "400 bad-target"),
        ("http:///hello", "400 bad-host"),
        ("http://localhost:98777/hello", "400 bad-host"),
        ("http://[::1]./hello", "400 bad-host"),
        ("http://[::1/hello", "400 bad-host"),
        ("http://user@localhost/hello", "400 bad-host"),
        ("http://localhost\\hello", "400 bad-host"),
        ("http://localhost%2Fhello", "400 bad-host"),
        ("http://evil.example/hello", "421 host-not-allowed"),
    ] {
        let answer = exchange(server.http, &request(server.http, "GET", target, ""));
        assert_eq!(in_words(&answer), expected, "{target}");
    }
    for byte in (0..=0x20).chain([0x7f, 0x80, 0xff]).filter(|byte| *byte != b'\r' && *byte != b'\n')
    {
        let mut bytes = request(server.http, "GET", "/hello?", "").into_bytes();
        bytes.insert("GET /hello".len(), byte);
        let mut wire = Wire::connect(server.http);
        wire.write(&bytes);
        assert_eq!(wire.read_response().unwrap().status, 400, "{byte:#x}");
    }
}

#[test]
fn a_host_has_one_reading() {
    let server = patient(&[]);
    for (host, expected) in [
        ("localhost", "200 world"),
        ("LocalHost:1", "200 world"),
        ("localhost:", "200 world"),
        ("[::1]", "200 world"),
        ("[0:0:0:0:0:0:0:1]:80", "200 world"),
        ("127.255.255.254", "200 world"),
        ("localhost:98777", "400 bad-host"),
        ("localhost:+80", "400 bad-host"),
        ("[::1].", "400 bad-host"),
        ("[::1]80", "400 bad-host"),
        ("::1", "400 bad-host"),
        ("user@localhost", "400 bad-host"),
        ("localhost/hello", "400 bad-host"),
        ("localhost#", "400 bad-host"),
        ("localhost, evil.example", "400 bad-host"),
        ("local%68ost", "400 bad-host"),
        ("", "400 bad-host"),
        ("localh\u{f6}st", "400 bad-header"),
        // As a browser would resolve them, these are this machine; nobody has to call it so.
        ("localhost.", "421 host-not-allowed"),
        ("2130706433", "421 host-not-allowed"),
        ("0x7f.1", "421 host-not-allowed"),
        ("0.0.0.0", "421 host-not-allowed"),
        ("127.0.0.1.evil.example", "421 host-not-allowed"),
    ] {
        let request = format!("GET /hello HTTP/1.1\r\nHost: {host}\r\n\r\n");
        assert_eq!(in_words(&exchange(server.http, &request)), expected, "{host}");
    }
}

/// The same on the other listener: what is routed is what is decoded, once.
#[test]
fn a_room_is_what_its_segment_decodes_to() {
    let server = Server::start(&[]);
    for (path, room) in [
        ("/ws/%61", "a"),
        ("http://localhost/ws/b", "b"),
        ("/ws/a%2Fb", "a%2Fb"),
        ("/ws/%2561", "%2561"),
        ("/ws/a%3Fb", "a%3Fb"),
    ] {
        let mut reader = EventStream::open(server.http, &format!("/events?room={room}"));
        let mut client = WebSocket::connect(server.ws, path);
        client.say(r#"{"connectionId":"a"}"#);
        assert_eq!(reader.next().unwrap().data, r#"{"connectionId":"a"}"#, "{path}");
        assert!(matches!(client.leave(1000, "").as_slice(), [] | [Message::Ping(_)]));
    }
    for (path, expected) in [
        ("/ws/a/", "404 no-such-route"),
        ("/ws//a", "404 no-such-route"),
        ("//ws/a", "404 no-such-route"),
        ("/ws%2Fa", "404 no-such-route"),
        ("/ws/", "400 bad-room"),
        ("/ws/a/b", "404 no-such-route"),
        ("/ws/../echo", "400 dot-segment"),
        ("/ws/%2e%2e", "400 dot-segment"),
        ("/ws/a#b", "400 bad-target"),
        ("/ws/%0d%0a", "400 bad-room"),
        ("/ws/%C2%85", "400 bad-room"),
    ] {
        let request = handshake(server.ws, path, "");
        assert_eq!(in_words(&exchange(server.ws, &request)), expected, "{path}");
    }
}

/// The first of two or the last: whichever one takes, the other could have been checked.
#[test]
fn what_may_stand_once_stands_once() {
    let server = patient(&[]);
    for name in [
        "Host",
        "Authorization",
        "Origin",
        "Content-Length",
        "Content-Type",
        "Transfer-Encoding",
        "Last-Event-ID",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
    ] {
        for second in ["0", "1"] {
            let twice = format!("{name}: 0\r\nX: y\r\n{}: {second}\r\n", name.to_lowercase());
            let plain = exchange(server.http, &request(server.http, "GET", "/events", &twice));
            assert_eq!(in_words(&plain), "400 duplicate-header", "{name}");
            let upgrade = exchange(server.ws, &handshake(server.ws, "/", &twice));
            assert_eq!(in_words(&upgrade), "400 duplicate-header", "{name}");
            assert!(plain.closes() && upgrade.closes());
        }
    }
}
