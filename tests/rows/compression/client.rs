//! A WebSocket that may compress: what it sends is up to each test, what it hears is inflated.

use crate::support::websocket::{frame, handshake};
use crate::support::{Server, Wire};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};

pub(super) const OFFER: &str =
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
const RSV1: u8 = 0x40;

/// What came, and whether it was compressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) opcode: u8,
    pub(super) deflated: bool,
    pub(super) payload: Vec<u8>,
}

impl Heard {
    pub(super) fn close_code(&self) -> Option<u16> {
        let code = self.payload.first_chunk().filter(|_| self.opcode == 0x8);
        code.map(|code| u16::from_be_bytes(*code))
    }
}

/// A connection on which permessage-deflate was agreed on.
pub(super) struct Client {
    pub(super) wire: Wire,
}

/// A payload as a compressor leaves it (RFC 7692 §7.2.1).
pub(super) fn deflated(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len() + payload.len() / 8 + 64);
    let mut compress = Compress::new(Compression::best(), false);
    compress.compress_vec(payload, &mut bytes, FlushCompress::Sync).unwrap();
    bytes.strip_suffix(&TAIL).expect("an empty block ends it").to_vec()
}

/// A masked frame with RSV1.
pub(super) fn deflated_frame(opcode: u8, fin: bool, payload: &[u8]) -> Vec<u8> {
    let mut bytes = frame(opcode, fin, payload);
    bytes[0] |= RSV1;
    bytes
}

impl Client {
    pub(super) fn connect(server: &Server, target: &str) -> Client {
        Client::connect_with(server, target, OFFER)
    }

    pub(super) fn connect_with(server: &Server, target: &str, offer: &str) -> Client {
        let mut wire = Wire::connect(server.ws);
        wire.write(handshake(server.ws, target, offer).as_bytes());
        let response = wire.read_response().expect("a response");
        let agreed = response.header("sec-websocket-extensions").expect("it is agreed on");
        assert!(agreed.starts_with("permessage-deflate; server_no_context_takeover"), "{agreed}");
        Client { wire }
    }

    /// Says something compressed, in one frame.
    pub(super) fn say(&mut self, opcode: u8, payload: &[u8]) {
        self.wire.write(&deflated_frame(opcode, true, &deflated(payload)));
    }

    /// The next frame, inflated by itself; `None` at the end.
    pub(super) fn next(&mut self) -> Option<Heard> {
        let head = self.wire.read_exactly(2)?;
        assert_eq!(head[0] & 0xb0, 0x80, "whole messages, RSV2 and RSV3 clear");
        let length = match head[1] {
            126 => u16::from_be_bytes(self.wire.read_exactly(2)?.try_into().unwrap()) as usize,
            127 => u64::from_be_bytes(self.wire.read_exactly(8)?.try_into().unwrap()) as usize,
            length => length as usize,
        };
        let (opcode, deflated) = (head[0] & 0xf, head[0] & RSV1 != 0);
        assert!(!deflated || matches!(opcode, 0x1 | 0x2), "only messages are compressed");
        let mut payload = self.wire.read_exactly(length)?;
        if deflated {
            payload.extend_from_slice(&TAIL);
            let mut inflated = Vec::with_capacity(17 << 20);
            let mut inflate = Decompress::new(false);
            inflate.decompress_vec(&payload, &mut inflated, FlushDecompress::Sync).unwrap();
            assert_eq!(inflate.total_in(), payload.len() as u64, "all of it is one message");
            payload = inflated;
        }
        Some(Heard { opcode, deflated, payload })
    }

    /// The next frame that is no ping; those are answered.
    pub(super) fn hear(&mut self) -> Heard {
        loop {
            let heard = self.next().expect("a frame");
            if heard.opcode != 0x9 {
                return heard;
            }
            // The server may have closed already; that is for the caller to see.
            self.wire.try_write(&frame(0xa, true, &heard.payload));
        }
    }

    /// Reads on to the server's close frame.
    pub(super) fn close_code(&mut self) -> u16 {
        loop {
            if let Some(code) = self.hear().close_code() {
                return code;
            }
        }
    }
}
