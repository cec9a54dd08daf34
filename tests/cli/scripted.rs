//! A server that does what a test says, and nothing by itself.

use crate::support::Wire;
use std::net::TcpListener;
use tidegate::ws::frame::{Opcode, decode_header};
use tidegate::ws::handshake::accept_key;
use tidegate::ws::mask::unmask;

/// Where it listens.
pub(crate) struct Scripted(TcpListener);

/// One client of it.
pub(crate) struct Connected {
    pub(crate) wire: Wire,
    /// The request, line by line.
    pub(crate) request: Vec<String>,
}

impl Scripted {
    pub(crate) fn start() -> Scripted {
        Scripted::at("127.0.0.1:0")
    }

    pub(crate) fn at(address: &str) -> Scripted {
        Scripted(TcpListener::bind(address).unwrap())
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.local_addr().unwrap().port()
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port())
    }

    /// Waits for a client, and for the end of its request.
    pub(crate) fn accept(&self) -> Connected {
        let mut wire = Wire::of(self.0.accept().unwrap().0);
        let head = wire.read_through(b"\r\n\r\n").expect("a request");
        let head = String::from_utf8(head).unwrap();
        Connected { wire, request: head.lines().map(str::to_owned).collect() }
    }

    /// The same, and makes a WebSocket of it; `first` comes right behind the answer.
    pub(crate) fn welcome(&self, first: &[u8]) -> Connected {
        let mut client = self.accept();
        let answer = client.answer("Upgrade: websocket\r\nConnection: Upgrade\r\n");
        client.wire.write(&[answer.as_bytes(), first].concat());
        client
    }
}

impl Connected {
    /// The answer to its key, with these fields.
    pub(crate) fn answer(&self, fields: &str) -> String {
        let key = self.field("Sec-WebSocket-Key").expect("a key");
        let accept = String::from_utf8(accept_key(key.as_bytes()).to_vec()).unwrap();
        format!("HTTP/1.1 101 x\r\nSec-WebSocket-Accept: {accept}\r\n{fields}\r\n")
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let start = format!("{name}: ");
        self.request.iter().find_map(|line| line.strip_prefix(&start))
    }

    /// The next frame, and what it was masked with.
    pub(crate) fn hear_masked(&mut self) -> (Opcode, Vec<u8>, [u8; 4]) {
        let mut head = Vec::new();
        loop {
            head.extend(self.wire.read_exactly(1).expect("a frame"));
            if let Some((header, used)) = decode_header(&head, false).expect("a frame of a client")
            {
                assert!(header.fin && used == head.len());
                let mut payload = self.wire.read_exactly(header.payload_bytes()).unwrap();
                unmask(&mut payload, header.mask, 0);
                return (header.opcode, payload, header.mask);
            }
        }
    }

    /// The next frame that is no ping; pings are answered.
    pub(crate) fn hear(&mut self) -> (Opcode, Vec<u8>) {
        loop {
            match self.hear_masked() {
                (Opcode::Ping, payload, _) => {
                    assert_eq!(payload, b"");
                    self.wire.write(b"\x8a\0");
                }
                (opcode, payload, _) => return (opcode, payload),
            }
        }
    }

    /// A frame of up to 125 bytes; `first` is its first byte.
    pub(crate) fn say(&mut self, first: u8, payload: &[u8]) {
        self.wire.write(&frame(first, payload));
    }

    /// Answers the client's close frame, which must have this payload, and ends the connection.
    pub(crate) fn hear_close(mut self, payload: &[u8]) {
        assert_eq!(self.hear(), (Opcode::Close, payload.to_vec()));
        self.wire.try_write(&frame(0x88, payload));
    }
}

pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 126);
    [&[first, payload.len() as u8], payload].concat()
}
