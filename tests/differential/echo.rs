//! What our server sends, read by tungstenite as a client.
//!
//! Knows: what `/echo` answers to each thing that it hears.
//! Must not know: how it is heard.

use crate::compare::{End, Heard, Seen, tungstenite as foreign};
use crate::dice::Dice;
use crate::frames::Stream;
use crate::node::Node;
use crate::words::text;
use tidegate::limits::Limits;
use tidegate::ws::Fault;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::{Error, Message, WebSocket};

/// tungstenite, after its handshake with a server of ours.
fn connect(limits: &Limits, dice: &mut Dice) -> WebSocket<Node> {
    let node = Node::new(limits);
    let config = WebSocketConfig::default().read_buffer_size(2048);
    let url = "ws://localhost:8080/echo";
    let (mut socket, response) =
        tungstenite::client::client_with_config(url, node, Some(config)).expect("a handshake");
    assert_eq!(response.status(), 101);
    // Not before: it takes an answer in such small pieces for an attack.
    socket.get_mut().read_at_most(*dice.pick(&[1, 7, 1000, usize::MAX]));
    socket
}

/// The client sends the stream, whatever is in it, and understands each answer.
pub(crate) fn answers_are_understood(
    stream: &Stream,
    ours: &(Heard, Option<Fault>),
    dice: &mut Dice,
) {
    let mut socket = connect(&stream.limits, dice);
    socket.get_mut().send(&stream.bytes, &stream.cuts);
    let (heard, fault) = ours;
    let mut expected: Vec<Message> = heard.events.iter().filter_map(answer).collect();
    if let Some(fault) = fault {
        expected.push(close(fault.close_code().0, fault.reason()));
    }
    assert_eq!(socket.get_ref().is_over(), heard.end != End::Open, "{:?}", heard.end);
    for expected in expected {
        assert_eq!(socket.read().expect("an answer"), expected);
    }
    match (heard.end, socket.read()) {
        (End::Open, Err(Error::Io(_))) => {}
        (End::Closed | End::Refused(_), Err(Error::ConnectionClosed)) => {}
        (end, more) => panic!("{end:?}, and then {more:?}"),
    }
    socket.into_inner().leave();
}

/// PROTOCOL.md, "Control frames and closing".
fn answer(seen: &Seen) -> Option<Message> {
    match seen {
        Seen::Message { binary: true, payload } => Some(Message::binary(payload.clone())),
        Seen::Message { binary: false, payload } => {
            Some(Message::text(String::from_utf8(payload.clone()).expect("text")))
        }
        Seen::Ping(payload) => Some(Message::Pong(payload.clone().into())),
        Seen::Pong => None,
        Seen::Close(None, _) => Some(Message::Close(None)),
        // What tungstenite makes of it, see `Difference::BadGateway`.
        Seen::Close(Some(1014), _) => Some(close(1002, "Protocol violation")),
        Seen::Close(Some(code), _) => Some(close(*code, "")),
    }
}

fn close(code: u16, reason: &'static str) -> Message {
    let (code, reason) = (code.into(), reason.into());
    Message::Close(Some(tungstenite::protocol::CloseFrame { code, reason }))
}

/// tungstenite speaks by itself, and hears what it said.
pub(crate) fn a_client_is_echoed(dice: &mut Dice) {
    let mut socket = connect(&Limits::default(), dice);
    for _ in 0..dice.between(1, 8) {
        let bytes = *dice.pick(&[0, 1, 125, 126, 127, 4095, 4096, 4097, 65_535, 65_536]);
        let (message, answer) = match dice.below(3) {
            0 => {
                let text = String::from_utf8(text(dice, bytes)).expect("text");
                (Message::text(text.clone()), Message::text(text))
            }
            1 => {
                let bytes: Vec<u8> = (0..bytes).map(|_| dice.roll() as u8).collect();
                (Message::binary(bytes.clone()), Message::binary(bytes))
            }
            _ => {
                let payload = vec![b'?'; bytes.min(125)];
                (Message::Ping(payload.clone().into()), Message::Pong(payload.into()))
            }
        };
        socket.send(message).expect("sent");
        assert_eq!(socket.read().expect("an answer"), answer);
    }
    let code = *dice.pick(&[None, Some(1000), Some(3000), Some(4999)]);
    let goodbye = code.map(|code| close(code, "bye"));
    let (frame, answer) = match goodbye {
        Some(Message::Close(frame)) => (frame, close(code.unwrap_or_default(), "")),
        _ => (None, Message::Close(None)),
    };
    socket.close(frame).expect("sent");
    assert_eq!(foreign::seen(socket.read().expect("an answer")), foreign::seen(answer));
    assert!(matches!(socket.read(), Err(Error::ConnectionClosed)));
    socket.into_inner().leave();
}
