//! H13: names of rooms and connections, limited in bytes of UTF-8 wherever they are said.

use super::said::in_words;
use crate::support::http::{exchange, get};
use crate::support::websocket::handshake;
use crate::support::{EventStream, Server, WebSocket};

/// A name of so many bytes, in letters of one byte and in letters of two, percent-encoded.
fn names_of(length: usize) -> [(String, String); 2] {
    let (pairs, rest) = (length / 2, length % 2);
    let wide = |letter: &str| format!("{}{}", letter.repeat(pairs), "r".repeat(rest));
    [("r".repeat(length), "r".repeat(length)), (wide("ü"), wide("%C3%BC"))]
}

#[test]
fn the_name_of_a_room_is_limited_to_the_byte() {
    for (options, max) in
        [(&[][..], 128), (&["--max-room-name", "4B"], 4), (&["--max-room-name", "255B"], 255)]
    {
        let server = Server::start(options);
        for (length, is_good) in [(max - 1, true), (max, true), (max + 1, false)] {
            for (name, encoded) in names_of(length) {
                let expected = if is_good { "101" } else { "400 bad-room" };
                for route in ["ws", "chat"] {
                    let request = handshake(server.ws, &format!("/{route}/{encoded}"), "");
                    assert_eq!(in_words(&exchange(server.ws, &request)), expected, "{name}");
                }
                let target = format!("/events?room={encoded}");
                if is_good {
                    EventStream::open(server.http, &target);
                } else {
                    assert_eq!(in_words(&get(server.http, &target)), expected, "{name}");
                }
            }
        }
    }
}

#[test]
fn a_connection_id_is_limited_to_the_byte() {
    for (options, max) in [
        (&[][..], 128),
        (&["--max-connection-id", "36B"], 36),
        (&["--max-connection-id", "255B"], 255),
    ] {
        let server = Server::start(options);
        for (length, is_good) in [(max - 1, true), (max, true), (max + 1, false)] {
            for (id, encoded) in names_of(length) {
                let mut reader = EventStream::open(server.http, "/events");
                let expected = if is_good { "101" } else { "400 bad-connection-id" };
                let request = handshake(server.ws, &format!("/?connectionId={encoded}"), "");
                assert_eq!(in_words(&exchange(server.ws, &request)), expected, "{id}");
                let target = format!("/events?connectionId={encoded}");
                let mut client = WebSocket::connect(server.ws, "/");
                let message = format!(r#"{{"connectionId":"{id}","n":1}}"#);
                client.say(&message);
                if is_good {
                    EventStream::open(server.http, &target);
                    while reader.next().unwrap().data != message {}
                } else {
                    assert_eq!(in_words(&get(server.http, &target)), expected, "{id}");
                    assert_eq!(client.hear().error_code(), "bad-connection-id");
                }
            }
        }
    }
}
