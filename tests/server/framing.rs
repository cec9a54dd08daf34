//! Frames as RFC 6455 wants them, and the codes that answer the others.

use crate::support::websocket::{KEY, frame, handshake};
use crate::support::{EventStream, Message, Server, WebSocket, Wire, http};

fn text(text: &str) -> Message {
    Message::Text(text.to_owned())
}

#[test]
fn handshake_and_frames_may_come_byte_by_byte() {
    let server = Server::start(&[]);
    let mut wire = Wire::connect(server.ws);
    wire.write_slowly(handshake(server.ws, "/echo", "").as_bytes());
    assert_eq!(wire.read_response().unwrap().status, 101);
    let mut client = WebSocket { wire };
    client.wire.write_slowly(&frame(0x1, true, "größer".as_bytes()));
    assert_eq!(client.hear(), text("größer"));
    client.wire.write_slowly(&frame(0x1, true, &[b'x'; 300]));
    assert_eq!(client.hear(), text(&"x".repeat(300)));
}

#[test]
fn what_follows_the_handshake_at_once_is_not_lost() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut bytes = handshake(server.ws, "/", "").into_bytes();
    bytes.extend(frame(0x1, true, br#"{"connectionId":"a"}"#));
    bytes.extend(frame(0x8, true, &1000_u16.to_be_bytes()));
    let mut wire = Wire::connect(server.ws);
    wire.write(&bytes);
    assert_eq!(wire.read_response().unwrap().status, 101);
    assert_eq!(WebSocket { wire }.next(), Some(Message::Close(Some(1000), String::new())));
    assert_eq!(reader.next().unwrap().data, r#"{"connectionId":"a"}"#);
    assert!(reader.next().unwrap().close().is("a", 1000, "client"));
}

#[test]
fn fragments_are_one_message_and_control_frames_may_stand_between() {
    let server = Server::start(&[]);
    let mut client = WebSocket::connect(server.ws, "/echo");
    let euro = "€".as_bytes();
    client.wire.write(&frame(0x1, false, b"one "));
    client.wire.write(&frame(0x9, true, b"ping"));
    client.wire.write(&frame(0x0, false, b""));
    client.wire.write(&frame(0x0, false, &euro[..1]));
    client.wire.write(&frame(0xa, true, b"nobody asked"));
    client.wire.write(&frame(0x0, true, &euro[1..]));
    assert_eq!(client.next(), Some(Message::Pong(b"ping".to_vec())));
    assert_eq!(client.next(), Some(text("one €")));
    client.ping(&[7; 125]);
    assert_eq!(client.next(), Some(Message::Pong(vec![7; 125])));
}

#[test]
fn the_largest_message_passes() {
    let server = Server::start(&[]);
    let mut client = WebSocket::connect(server.ws, "/echo");
    for length in [125, 126, 127, 4095, 4096, 65_535, 65_536] {
        let message = "x".repeat(length);
        client.say(&message);
        assert_eq!(client.hear(), text(&message));
    }
}

#[test]
fn each_mistake_has_its_code() {
    let server = Server::start(&["--max-fragments", "8"]);
    let close = |payload: &[u8]| frame(0x8, true, payload);
    let mut unmasked = frame(0x1, true, b"");
    unmasked[1] &= 0x7f;
    let mut reserved = frame(0x1, true, b"x");
    reserved[0] |= 0x40;
    let long_form = [&[0x81, 0xfe, 0, 5, 0, 0, 0, 0][..], b"hello"].concat();
    let mut top_bit = vec![0x82, 0xff, 0x80];
    top_bit.extend([0; 11]);
    let many: Vec<u8> = std::iter::once(frame(0x1, false, b""))
        .chain((0..8).map(|_| frame(0x0, false, b"")))
        .flatten()
        .collect();
    let too_big = [frame(0x2, false, &[0; 40_000]), frame(0x0, true, &[0; 40_000])].concat();
    let cases = [
        ("an unknown opcode", frame(0x3, true, b""), 1002),
        ("an unknown control opcode", frame(0xb, true, b""), 1002),
        ("no mask", unmasked, 1002),
        ("a reserved bit", reserved, 1002),
        ("a ping in pieces", frame(0x9, false, b""), 1002),
        ("a long ping", frame(0x9, true, &[0; 126]), 1002),
        ("a length longer than it needs", long_form, 1002),
        ("a length with the top bit", top_bit, 1002),
        ("a continuation of nothing", frame(0x0, true, b"x"), 1002),
        ("a message within one", [frame(1, false, b"x"), frame(1, true, b"y")].concat(), 1002),
        ("half a close code", close(&[3]), 1002),
        ("close code 999", close(&999_u16.to_be_bytes()), 1002),
        ("close code 1005", close(&1005_u16.to_be_bytes()), 1002),
        ("close code 1006", close(&1006_u16.to_be_bytes()), 1002),
        ("close code 5000", close(&5000_u16.to_be_bytes()), 1002),
        ("a reason that is no UTF-8", close(&[3, 232, 0xff]), 1007),
        ("text that is no UTF-8", frame(0x1, true, b"\xc0\x80"), 1007),
        ("a surrogate", frame(0x1, true, b"\xed\xa0\x80"), 1007),
        ("half a character", frame(0x1, true, "€".as_bytes().split_last().unwrap().1), 1007),
        ("a large message", frame(0x2, true, &[0; 65_537]), 1009),
        ("a large message in pieces", too_big, 1009),
        ("many fragments", many, 1009),
    ];
    for (what, bytes, code) in cases {
        let mut client = WebSocket::connect(server.ws, "/echo");
        client.wire.write(&bytes);
        assert!(matches!(client.hear(), Message::Close(Some(said), _) if said == code), "{what}");
        client.say_close(code, "");
        assert_eq!(client.next(), None, "{what}");
    }
}

#[test]
fn a_handshake_that_is_none_is_told_why() {
    let server = Server::start(&[]);
    let addr = server.ws;
    let good = handshake(addr, "/", "");
    let without = |line: &str| {
        assert!(good.contains(line));
        good.replace(line, "")
    };
    let upgrade = "Upgrade: websocket\r\n";
    let version = "Sec-WebSocket-Version: 13\r\n";
    let key = format!("Sec-WebSocket-Key: {KEY}\r\n");
    let cases = [
        ("a plain request", http::request(addr, "GET", "/", ""), 426),
        ("no upgrade", without(upgrade), 426),
        ("no version", without(version), 426),
        ("another version", good.replace("Version: 13", "Version: 8"), 426),
        ("no key", without(&key), 400),
        ("a short key", good.replace(KEY, "c2hvcnQ="), 400),
        ("two keys", good.replace(&key, &key.repeat(2)), 400),
        ("a POST", good.replace("GET ", "POST "), 405),
        ("a body", good.replace(upgrade, &format!("{upgrade}Content-Length: 4\r\n")), 400),
        ("HTTP/1.0", good.replace("HTTP/1.1", "HTTP/1.0"), 400),
        ("no such route", handshake(addr, "/nothing", ""), 404),
        ("a room without a name", handshake(addr, "/ws/", ""), 400),
        ("a bad parameter", handshake(addr, "/chat/a?echo=perhaps", ""), 400),
        ("an unknown parameter", handshake(addr, "/?ech=true", ""), 400),
        ("a bad name", handshake(addr, "/?connectionId=", ""), 400),
    ];
    for (what, request, status) in cases {
        let mut wire = Wire::connect(addr);
        wire.write(request.as_bytes());
        let response = wire.read_response().unwrap();
        assert_eq!(response.status, status, "{what}: {response:?}");
        response.code();
        assert!(response.closes(), "{what}");
        if status == 426 {
            assert_eq!(response.header("upgrade"), Some("websocket"), "{what}");
            assert_eq!(response.header("sec-websocket-version"), Some("13"), "{what}");
        }
        // Nothing behind a refused handshake is taken for another request.
        wire.try_write(good.as_bytes());
        assert_eq!(wire.read_to_end(), b"", "{what}");
    }
}
