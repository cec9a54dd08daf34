//! A WebSocket client (RFC 6455): one frame at a time, nothing checked that the server must check.

use super::http::{self, Response};
use super::wire::Wire;
use serde_json::Value;
use std::net::SocketAddr;

/// The example of RFC 6455 §1.3.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// Any key will do, but it must be one that changes bytes (§5.3).
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// What the server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
}

impl Message {
    /// The `code` of a refusal; panics if it is none.
    pub(crate) fn error_code(&self) -> String {
        let Message::Text(text) = self else { panic!("{self:?}") };
        let json: Value = serde_json::from_str(text).expect(text);
        assert!(json["error"]["message"].as_str().is_some_and(|message| !message.is_empty()));
        json["error"]["code"].as_str().expect(text).to_owned()
    }
}

/// A connection after the handshake.
#[derive(Debug)]
pub(crate) struct WebSocket {
    pub(crate) wire: Wire,
}

/// The head of a handshake; `more` is header lines, each with its CR LF.
pub(crate) fn handshake(addr: SocketAddr, target: &str, more: &str) -> String {
    let headers = format!(
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {KEY}\r\n\
         Sec-WebSocket-Version: 13\r\n{more}"
    );
    http::request(addr, "GET", target, &headers)
}

/// A masked frame.
pub(crate) fn frame(opcode: u8, fin: bool, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![u8::from(fin) << 7 | opcode];
    match payload.len() {
        n @ ..126 => bytes.push(0x80 | n as u8),
        n @ 126..0x1_0000 => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(n as u16).to_be_bytes());
        }
        n => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(n as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

impl WebSocket {
    /// Connects to `target`.
    pub(crate) fn connect(addr: SocketAddr, target: &str) -> WebSocket {
        match WebSocket::try_connect(addr, target, "") {
            Ok(websocket) => websocket,
            Err(response) => panic!("refused: {response:?}"),
        }
    }

    /// Connects with more header lines, or tells how it was refused.
    pub(crate) fn try_connect(
        addr: SocketAddr,
        target: &str,
        more: &str,
    ) -> Result<WebSocket, Response> {
        let mut wire = Wire::connect(addr);
        wire.write(handshake(addr, target, more).as_bytes());
        let response = wire.read_response().expect("a response");
        if response.status != 101 {
            return Err(response);
        }
        assert_eq!(response.header("sec-websocket-accept"), Some(ACCEPT), "{response:?}");
        assert!(response.header("upgrade").is_some_and(|to| to.eq_ignore_ascii_case("websocket")));
        assert!(response.header("connection").is_some_and(|to| to.eq_ignore_ascii_case("upgrade")));
        Ok(WebSocket { wire })
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.wire.write(&frame(0x1, true, text.as_bytes()));
    }

    /// Says something to somebody who may have closed already.
    pub(crate) fn try_say(&mut self, text: &str) -> bool {
        self.wire.try_write(&frame(0x1, true, text.as_bytes()))
    }

    pub(crate) fn say_binary(&mut self, bytes: &[u8]) {
        self.wire.write(&frame(0x2, true, bytes));
    }

    pub(crate) fn ping(&mut self, payload: &[u8]) {
        self.wire.write(&frame(0x9, true, payload));
    }

    pub(crate) fn pong(&mut self, payload: &[u8]) {
        self.wire.write(&frame(0xa, true, payload));
    }

    pub(crate) fn say_close(&mut self, code: u16, reason: &str) {
        let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
        self.wire.try_write(&frame(0x8, true, &payload));
    }

    /// Closes as one should: a close frame, the answer to it, then the server ends the connection. Gives
    /// what came before the answer.
    pub(crate) fn leave(mut self, code: u16, reason: &str) -> Vec<Message> {
        self.say_close(code, reason);
        let mut before = Vec::new();
        loop {
            match self.next().expect("the answer to a close frame") {
                Message::Close(answer, _) => {
                    assert_eq!(answer, Some(code));
                    break;
                }
                message => before.push(message),
            }
        }
        assert_eq!(self.next(), None, "after a close frame nothing comes");
        before
    }

    /// The next frame, which the server must not split; `None` at the end.
    pub(crate) fn next(&mut self) -> Option<Message> {
        let head = self.wire.read_exactly(2)?;
        assert_eq!(head[0] & 0x70, 0, "no extension was agreed on");
        assert_eq!(head[0] & 0x80, 0x80, "the server sends whole messages");
        assert_eq!(head[1] & 0x80, 0, "a server does not mask");
        let length = match head[1] {
            126 => u16::from_be_bytes(self.wire.read_exactly(2)?.try_into().unwrap()) as usize,
            127 => u64::from_be_bytes(self.wire.read_exactly(8)?.try_into().unwrap()) as usize,
            n => n as usize,
        };
        let payload = self.wire.read_exactly(length)?;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Some(match head[0] & 0xf {
            0x1 => Message::Text(text(&payload)),
            0x2 => Message::Binary(payload),
            0x8 => match payload.split_first_chunk() {
                Some((code, reason)) => {
                    Message::Close(Some(u16::from_be_bytes(*code)), text(reason))
                }
                None => Message::Close(None, String::new()),
            },
            0x9 => Message::Ping(payload),
            0xa => Message::Pong(payload),
            opcode => panic!("opcode {opcode}"),
        })
    }

    /// The next message that is no ping.
    pub(crate) fn hear(&mut self) -> Message {
        loop {
            match self.next().expect("a message") {
                Message::Ping(payload) => self.pong(&payload),
                message => return message,
            }
        }
    }

    /// Skips to the server's close frame, answers it, and sees the connection end.
    pub(crate) fn hear_close(mut self) -> (u16, String) {
        loop {
            if let Message::Close(code, reason) = self.hear() {
                let code = code.expect("the server says why");
                self.say_close(code, "");
                assert_eq!(self.next(), None, "after a close frame nothing comes");
                return (code, reason);
            }
        }
    }
}
