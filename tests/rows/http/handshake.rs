//! H03 to H09: handshakes that are none, or that say too much.

use super::corpus::Listener;
use super::said::{Witness, in_words, next, outcome, patient};
use crate::support::http::{exchange, metric, request};
use crate::support::websocket::{frame, handshake};
use crate::support::{EventStream, Message, Server, WebSocket, Wire};

const CLOSED: &str = " | closed";

/// A handshake with these lines instead of its own of that name.
fn handshake_with(server: &Server, name: &str, lines: &str) -> String {
    let good = handshake(server.ws, "/echo", "");
    let is_other = |line: &&str| !line.starts_with(&format!("{name}: "));
    let rest: Vec<&str> = good.trim_end().split("\r\n").filter(is_other).collect();
    assert!(rest.len() < good.trim_end().split("\r\n").count(), "{name}");
    format!("{}\r\n{lines}\r\n", rest.join("\r\n"))
}

/// What comes of `request` with a handshake behind it that would publish.
fn followed(server: &Server, request: &str, ending: &str) -> String {
    let mut wire = Wire::connect(server.ws);
    wire.write(request.as_bytes());
    wire.write(&next(Listener::WebSocket, server.ws));
    outcome(wire, server.ws, ending)
}

/// With compression and without: offers are read in either case, as RFC 6455 §9.1 asks for.
const EITHER: [&[&str]; 2] =
    [&["--max-head", "256KiB"], &["--max-head", "256KiB", "--compression"]];

/// CVE-2021-32640, and others that took quadratic time or died of a name: what is no list is
/// refused, and what is one and means nothing is ignored.
#[test]
fn lists_of_nonsense_are_refused_or_ignored() {
    let spaces = format!("a{}b", " ".repeat(8000));
    let quotes = format!("x; y=\"{}", "\\\"".repeat(4000));
    let nonsense = [
        ("", true),
        ("constructor", true),
        ("__proto__, toString; hasOwnProperty", true),
        (&*" ,\t".repeat(2700), true),
        (&*"a;b=\"c\",".repeat(900), true),
        (&*spaces, false),
        (&*"\"".repeat(8000), false),
        (&*quotes, false),
        (&*"a;".repeat(4000), false),
        (&*"=".repeat(8000), false),
        ("a\u{1}b", false),
        ("a\u{7f}b", false),
        ("a\u{e9}b", false),
    ];
    for options in EITHER {
        let server = patient(options);
        for (value, is_list) in nonsense {
            let ask = |name: &str| {
                let head = handshake(server.ws, "/echo", &format!("{name}: {value}\r\n"));
                let answer = exchange(server.ws, &head);
                assert_eq!(answer.header(name), None, "{value}");
                in_words(&answer)
            };
            let is_text = value.bytes().all(|byte| byte == b'\t' || matches!(byte, 0x20..0x7f));
            let expected = match (is_list, is_text) {
                (true, _) => "101",
                (false, true) => "400 bad-websocket-extensions",
                (false, false) => "400 bad-header",
            };
            assert_eq!(ask("Sec-WebSocket-Extensions"), expected, "{value}");
            // Of subprotocols none is chosen, so they are not read.
            let expected = if is_text { "101" } else { "400 bad-header" };
            assert_eq!(ask("Sec-WebSocket-Protocol"), expected, "{value}");
        }
    }
}

#[test]
fn lists_that_are_looked_at_may_be_of_any_length() {
    let server = patient(&[]);
    let commas = ", \t,".repeat(2000);
    for (name, value, expected) in [
        ("Upgrade", format!("{commas}websocket{commas}"), "101"),
        ("Upgrade", commas.clone(), "426 upgrade-required"),
        ("Connection", format!("{commas}Upgrade"), "101"),
        ("Connection", "x,".repeat(4000), "426 upgrade-required"),
    ] {
        let head = handshake_with(&server, name, &format!("{name}: {value}\r\n"));
        assert_eq!(in_words(&exchange(server.ws, &head)), expected, "{name}");
    }
}

/// CVE-2025-11677: what was refused went on as if it had not been.
#[test]
fn an_upgrade_has_one_answer_whatever_it_names() {
    let server = patient(&[]);
    let refused = "426 upgrade-required | closed";
    for (lines, expected) in [
        ("Upgrade: h2c\r\n", refused),
        ("Upgrade: foo\r\n", refused),
        ("Upgrade:\r\n", refused),
        ("", refused),
        ("Upgrade: websocket/13\r\n", refused),
        ("Upgrade: web socket\r\n", refused),
        ("Upgrade: \"websocket\"\r\n", refused),
        ("Upgrade: foo, websocket\r\n", "101 | frames"),
        ("Upgrade: h2c\r\nUpgrade: websocket\r\n", "101 | frames"),
        ("Upgrade: WebSocket\r\n", "101 | frames"),
        ("Upgrade: ,websocket,websocket\r\n", "101 | frames"),
    ] {
        let head = handshake_with(&server, "Upgrade", lines);
        let ending = expected.rsplit(" | ").next().unwrap();
        assert_eq!(followed(&server, &head, ending), expected, "{lines}");
    }
    assert_eq!(metric(server.http, "tidegate_connection_ids"), 0);
}

/// libwebsockets b0073c7: a table for offers overflowed.
#[test]
fn any_number_of_offers_of_extensions_is_no_more_than_one() {
    let parameters = |count: usize| (0..count).map(|n| format!(";p{n}=1")).collect::<String>();
    let offer = |count: usize| format!("permessage-deflate{}", parameters(count));
    let good = "permessage-deflate; client_max_window_bits";
    let twice = "permessage-deflate; server_no_context_takeover; server_no_context_takeover";
    let lists = [
        (vec![offer(0); 1000].join(", "), true),
        (vec![offer(20); 1000].join(","), false),
        (vec![offer(200); 100].join(", "), false),
        (vec![twice; 1000].join(","), false),
        (format!("{}, {good}", vec![offer(20); 999].join(", ")), true),
        (format!("{}, {good}", vec![twice; 999].join(",")), true),
        ((0..1000).map(|n| format!("x-offer-{n}")).collect::<Vec<_>>().join(", "), false),
        (vec![good; 50].join("\r\nSec-WebSocket-Extensions: "), true),
    ];
    for options in EITHER {
        let server = patient(options);
        for (list, is_good) in &lists {
            let lines = format!("Sec-WebSocket-Extensions: {list}\r\n");
            let mut wire = Wire::connect(server.ws);
            wire.write(handshake(server.ws, "/echo", &lines).as_bytes());
            let answer = wire.read_response().unwrap();
            assert_eq!(answer.status, 101);
            let agreed = answer.header("sec-websocket-extensions");
            assert_eq!(agreed.is_some(), *is_good && options.contains(&"--compression"));
            assert!(agreed.is_none_or(|one| one.matches("permessage-deflate").count() == 1));
            let mut client = WebSocket { wire };
            client.say("hello");
            assert_eq!(client.hear(), Message::Text("hello".to_owned()));
        }
    }
}

/// kemal #767: what came behind a refused handshake was executed. One line for each way to be
/// refused.
#[test]
fn whatever_refuses_a_handshake_also_closes() {
    let server = patient(&["--max-rooms", "1"]);
    let _in_the_only_room = WebSocket::connect(server.ws, "/ws/a");
    let good = |target: &str, more: &str| handshake(server.ws, target, more);
    let instead = |name: &str, lines: &str| handshake_with(&server, name, lines);
    let cases = [
        (good("/echo", "X : y\r\n"), "400 bad-header"),
        (instead("Host", "Host: evil.example\r\n"), "421 host-not-allowed"),
        (instead("Host", ""), "400 missing-host"),
        (good("/echo", "Origin: https://evil.example\r\n"), "403 origin-not-allowed"),
        (good("/echo", "Origin: null\r\n"), "403 origin-not-allowed"),
        (good("/echo", "").replace("GET ", "POST "), "405 method-not-allowed"),
        (request(server.ws, "GET", "/echo", ""), "426 upgrade-required"),
        (instead("Connection", "Connection: keep-alive\r\n"), "426 upgrade-required"),
        (good("/echo", "").replace("HTTP/1.1", "HTTP/1.0"), "400 http-1-1-required"),
        (good("/echo", "Content-Length: 5\r\n") + "hello", "400 unexpected-body"),
        (
            instead("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8\r\n"),
            "426 bad-websocket-version",
        ),
        (instead("Sec-WebSocket-Key", ""), "400 missing-websocket-key"),
        (instead("Sec-WebSocket-Key", "Sec-WebSocket-Key: x\r\n"), "400 bad-websocket-key"),
        (good("/echo", "Sec-WebSocket-Extensions: =\r\n"), "400 bad-websocket-extensions"),
        (good("/?token=x", ""), "400 unknown-parameter"),
        (good("/nowhere", ""), "404 no-such-route"),
        (good("/chat/a?echo=maybe", ""), "400 bad-parameter"),
        (good("/ws/%0a", ""), "400 bad-room"),
        (good("/echo?connectionId=a", ""), "400 unknown-parameter"),
        (good("/?connectionId=", ""), "400 bad-connection-id"),
        (good("/ws/b", ""), "503 too-many-rooms"),
    ];
    for (request, expected) in cases {
        let expected = format!("{expected}{CLOSED}");
        assert_eq!(followed(&server, &request, "closed"), expected, "{request}");
    }
    assert_eq!(metric(server.http, "tidegate_rooms"), 1, "and nobody came into another");
    assert_eq!(metric(server.http, "tidegate_connection_ids"), 0);
}

/// The same while the server stops.
#[test]
fn a_handshake_that_comes_too_late_closes() {
    let server = patient(&["--drain", "1h", "--closing-time", "1h"]);
    // It does not answer the close frame, so that the way to the end is long enough to look at.
    let mut stays = WebSocket::connect(server.ws, "/");
    let late = handshake(server.ws, "/echo", "");
    let (begin, end) = late.split_at(20);
    let mut wire = Wire::connect(server.ws);
    wire.write(begin.as_bytes());
    // Whoever is not accepted when the server begins to stop is refused instead.
    Witness::of(&server).sees();
    server.terminate();
    assert!(matches!(stays.hear(), Message::Close(Some(1012), _)));
    wire.write(end.as_bytes());
    wire.write(&next(Listener::WebSocket, server.ws));
    assert_eq!(outcome(wire, server.ws, "closed"), "503 stopping | closed");
    stays.say_close(1012, "");
    assert_eq!(stays.next(), None);
    drop(stays);
    assert_eq!(server.wait().0.code(), Some(0));
}

/// CVE-2026-2833: bytes behind the handshake are held until it is answered.
#[test]
fn early_frames_are_read_behind_the_answer_and_never_behind_a_refusal() {
    let server = patient(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    let padding = "x".repeat(4000);
    let messages: Vec<String> =
        (0..5).map(|n| format!(r#"{{"connectionId":"early","n":{n},"x":"{padding}"}}"#)).collect();
    let frames: Vec<u8> =
        messages.iter().flat_map(|message| frame(0x1, true, message.as_bytes())).collect();
    for refused in [
        handshake_with(&server, "Sec-WebSocket-Version", ""),
        handshake(server.ws, "/nowhere", ""),
        handshake(server.ws, "/", "Origin: https://evil.example\r\n"),
    ] {
        let mut wire = Wire::connect(server.ws);
        wire.write(&[refused.as_bytes(), &frames].concat());
        assert!(wire.read_response().unwrap().closes());
        assert_eq!(wire.read_to_end(), b"", "and that is all");
    }
    let mut wire = Wire::connect(server.ws);
    wire.write(&[handshake(server.ws, "/", "").as_bytes(), &frames].concat());
    assert_eq!(wire.read_response().unwrap().status, 101);
    for message in messages {
        assert_eq!(reader.next().unwrap().data, message, "the first that is published at all");
    }
}

/// RFC 9110 §9.3.2: whatever HEAD is answered has no body. A proxy would take one for the beginning
/// of the next answer.
#[test]
fn a_refused_head_has_no_body() {
    let server = patient(&[]);
    for (lines, status) in [
        ("", 405),
        ("Host: localhost\r\n", 400),
        ("Content-Length: 1048577\r\n", 413),
        ("X: a\nb\r\n", 400),
        ("Origin: https://evil.example\r\n", 403),
    ] {
        for blank in ["", "\r\n", "\r\n\r\n"] {
            let mut wire = Wire::connect(server.ws);
            let request = request(server.ws, "HEAD", "/", lines);
            wire.write([blank, &request].concat().as_bytes());
            let answer = wire.read_head().unwrap();
            assert_eq!(answer.status, status, "{lines}");
            assert_ne!(answer.header("content-length"), Some("0"), "what GET would have");
            assert_eq!(wire.read_to_end(), b"", "{lines}");
        }
    }
}

/// A handshake whose body is framed in any way is none.
#[test]
fn a_handshake_has_no_body() {
    let server = patient(&[]);
    for (lines, body, expected) in [
        ("Content-Length: 5\r\n", "hello", "400 unexpected-body | closed"),
        ("Content-Length: 1048576\r\n", "", "400 unexpected-body | closed"),
        ("Content-Length: 1048577\r\n", "", "413 body-too-large | closed"),
        ("Transfer-Encoding: chunked\r\n", "0\r\n\r\n", "400 unexpected-body | closed"),
        ("Transfer-Encoding: gzip, chunked\r\n", "", "501 unknown-transfer-encoding | closed"),
        ("Transfer-Encoding: identity\r\n", "", "400 bad-transfer-encoding | closed"),
        ("Content-Length: 0\r\n", "", "101 | frames"),
    ] {
        let request = handshake(server.ws, "/echo", lines) + body;
        let ending = expected.rsplit(" | ").next().unwrap();
        assert_eq!(followed(&server, &request, ending), expected, "{lines}");
    }
}

#[test]
fn another_version_is_told_the_one_that_there_is() {
    let server = patient(&[]);
    for version in ["", "0", "8", "12", "14", "013", "13.0", "+13", "13, 8", "0x0d", "130", "a"] {
        let lines = format!("Sec-WebSocket-Version: {version}\r\n");
        let head = handshake_with(&server, "Sec-WebSocket-Version", &lines);
        let answer = exchange(server.ws, &head);
        assert_eq!(in_words(&answer), "426 bad-websocket-version", "{version}");
        assert_eq!(answer.header("sec-websocket-version"), Some("13"));
        assert_eq!(answer.header("upgrade"), Some("websocket"));
        assert!(answer.closes());
    }
    let twice = "Sec-WebSocket-Version: 13\r\n";
    let head = handshake(server.ws, "/echo", twice);
    assert_eq!(in_words(&exchange(server.ws, &head)), "400 duplicate-header");
}
