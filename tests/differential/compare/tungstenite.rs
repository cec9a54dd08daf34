//! What tungstenite hears.
//!
//! Knows: tungstenite's messages and errors, and the close code that each error stands for.
//! Must not know: what anybody else hears.

use super::{End, Heard, Pieces, Seen};
use tidegate::limits::Limits;
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

/// As a server of clients that send `input`.
pub(crate) fn hear(input: &[u8], cuts: &[usize], limits: &Limits) -> Heard {
    let config = WebSocketConfig::default()
        .read_buffer_size(2048)
        .max_frame_size(Some(limits.message_bytes_max))
        .max_message_size(Some(limits.message_bytes_max));
    let pieces = Pieces::new(input, cuts);
    let mut socket = WebSocket::from_raw_socket(pieces, Role::Server, Some(config));
    let mut events = Vec::new();
    loop {
        let end = match socket.read() {
            Ok(message) => {
                events.push(seen(message));
                if !matches!(events.last(), Some(Seen::Close(..))) {
                    continue;
                }
                End::Closed
            }
            Err(Error::Io(_)) => End::Open,
            Err(Error::Utf8(_)) => End::Refused(1007),
            Err(Error::Capacity(_)) => End::Refused(1009),
            Err(Error::Protocol(_)) => End::Refused(1002),
            Err(other) => panic!("tungstenite says {other:?}"),
        };
        return Heard { events, end };
    }
}

pub(crate) fn seen(message: Message) -> Seen {
    match message {
        Message::Text(text) => Seen::Message { binary: false, payload: text.as_bytes().to_vec() },
        Message::Binary(bytes) => Seen::Message { binary: true, payload: bytes.to_vec() },
        Message::Ping(payload) => Seen::Ping(payload.to_vec()),
        Message::Pong(_) => Seen::Pong,
        Message::Close(None) => Seen::Close(None, String::new()),
        Message::Close(Some(frame)) => {
            Seen::Close(Some(frame.code.into()), frame.reason.to_string())
        }
        Message::Frame(_) => unreachable!("never read, says its documentation"),
    }
}

/// The close frame that it answers, and reports, where a client closes with a code that must not be
/// sent.
pub(crate) fn bad_code() -> Seen {
    Seen::Close(Some(1002), "Protocol violation".to_owned())
}
