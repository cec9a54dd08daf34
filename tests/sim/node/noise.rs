//! What a stranger says: heads, frames and pieces of them, whole or damaged, and bytes of no kind.
//!
//! Knows: what the protocols look like, and how to spoil it.
//! Must not know: what follows from it.

use super::deflate::deflated;
use super::dice::Dice;
use tidegate::limits::Limits;
use tidegate::ws::frame::{Opcode, push_masked};

const FIRST_LINES: [&str; 23] = [
    "GET / HTTP/1.1\r\n",
    "GET /ws/r1?connectionId=s HTTP/1.1\r\n",
    "GET /ws/r%201?connectionId=a HTTP/1.1\r\n",
    "GET /ws/new HTTP/1.1\r\n",
    "GET /chat/r1 HTTP/1.1\r\n",
    "GET /chat/r1?echo=true HTTP/1.1\r\n",
    "GET /echo HTTP/1.1\r\n",
    "GET /events HTTP/1.1\r\n",
    "GET /events?room=r1&room=main&follow=false HTTP/1.1\r\n",
    "GET /events?since=earliest&format=full&connectionId=s HTTP/1.1\r\n",
    "GET /hello HTTP/1.1\r\n",
    "HEAD /events HTTP/1.1\r\n",
    "POST http://localhost/hello HTTP/1.1\r\n",
    "OPTIONS * HTTP/1.1\r\n",
    "GET /hello HTTP/1.0\r\n",
    "GET /metrics HTTP/1.1\r\n",
    "GET /api/connections?limit=2 HTTP/1.1\r\n",
    "GET /api/connections/s HTTP/1.1\r\n",
    "GET /api/rooms?limit=1 HTTP/1.1\r\n",
    "POST /api/connections/s HTTP/1.1\r\n",
    "POST /api/batch HTTP/1.1\r\n",
    "POST /@connections/s HTTP/1.1\r\n",
    "DELETE /@connections/s HTTP/1.0\r\n",
];
const UPGRADE: &str = "Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                       Sec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
const FIELDS: [&str; 16] = [
    "Host: localhost\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate\r\n",
    "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9, x; y=\"z\"\r\n",
    "Content-Length: 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "Expect: 100-continue\r\n",
    "Accept: application/x-ndjson\r\n",
    "Last-Event-ID: \r\n",
    "Last-Event-ID: zzzzzzz-00000000001\r\n",
    "Origin: http://localhost\r\n",
    "Origin: null\r\n",
    "X: y\r\n",
    "Content-Type: application/json\r\n",
    "Idempotency-Key: k\r\n",
];
const PIECES: [&[u8]; 18] = [
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"5\r\nabcde\r\n",
    b"0\r\n\r\n",
    b"ffffffffffffffff\r\n",
    b"abcde",
    b"10\r\n{\"text\":\"hello\"}\r\n0\r\n\r\n",
    b"3c\r\n{\"messages\":[{\"connectionId\":\"s\",\"text\":\"a\"},{\"room\":5}]}   \r\n",
    b"GET",
    b" HTTP/1.1\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"\x81\xfe\xff\xff\x00\x00\x00\x00",
    b"\x82\xff\x00\x00\x00\x00\x00\x00\x10\x00\x01\x02\x03\x04",
    b"\x01\x80\x00\x00\x00\x00",
    b"\x00\x80\x00\x00\x00\x00",
    b"\x80\x80\x00\x00\x00\x00",
];
const PAYLOADS: [&[u8]; 14] = [
    b"",
    b"{\"connectionId\":\"s\"}",
    b"{\"connectionId\":\"a\",\"m\":[1e999,\"\\ud800\"]}",
    b"{\r\n\"connectionId\":\"s\",\"connection\":{\"close\":null}}",
    b"{\"connectionId\":\"s\",\"close\":1}",
    b"{\"connectionId\":\"s\",\"connectionId\":\"s\"}",
    b"{\"connectionId\":\"\"}",
    b"{}",
    b"\xc3\xbc \xe2\x82",
    b"\x03\xe8bye",
    b"\x0f\x9f",
    b"\x03\xed",
    b"\x03",
    b"text\r\n\0",
];

/// Something to say.
pub(crate) fn noise(dice: &mut Dice, limits: &Limits) -> Vec<u8> {
    let mut out = Vec::new();
    match dice.below(16) {
        0..=2 => push_head(dice, true, &mut out),
        3..=4 => push_head(dice, false, &mut out),
        5..=9 => push_frame(dice, limits, &mut out),
        10..=11 => out.extend_from_slice(dice.pick::<&[u8]>(&PIECES)),
        12 => {
            let (byte, n) = (dice.below(256), *dice.pick(&[10, 200, 3000, 30_000]));
            out.resize(n, byte as u8);
        }
        _ => out.extend((0..dice.between(1, 32)).map(|_| dice.below(256) as u8)),
    }
    if dice.chance(35) {
        (0..dice.between(1, 3)).for_each(|_| spoil(dice, &mut out));
    }
    // Only the well-behaved mark what they say; see `shadow::mark`.
    out.iter_mut().filter(|byte| **byte == b'#').for_each(|byte| *byte = b'!');
    out
}

fn push_head(dice: &mut Dice, is_upgrade: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(dice.pick(&FIRST_LINES).as_bytes());
    let begin = if is_upgrade { UPGRADE } else { FIELDS[0] };
    out.extend_from_slice(begin.as_bytes());
    for _ in 0..*dice.pick(&[0, 0, 1, 2, 70]) {
        out.extend_from_slice(dice.pick(&FIELDS).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

fn push_frame(dice: &mut Dice, limits: &Limits, out: &mut Vec<u8>) {
    let opcode = *dice.pick(&[
        Opcode::Text,
        Opcode::Text,
        Opcode::Text,
        Opcode::Binary,
        Opcode::Continuation,
        Opcode::Ping,
        Opcode::Pong,
        Opcode::Close,
    ]);
    let mut payload = dice.pick(&PAYLOADS).to_vec();
    if dice.chance(10) {
        let n = *dice.pick(&[125, 126, limits.message_bytes_max, limits.message_bytes_max + 1]);
        payload.resize(n, b' ');
    }
    let mask = (dice.below(256) as u32).wrapping_mul(0x0123_4567).to_be_bytes();
    if dice.chance(20) {
        payload = deflated(&payload, dice);
    }
    let start = out.len();
    push_masked(out, !dice.chance(20), opcode, mask, &payload);
    if dice.chance(20) {
        out[start] |= 0x40;
    }
}

fn spoil(dice: &mut Dice, bytes: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    let at = dice.below(bytes.len());
    match dice.below(6) {
        0 => bytes[at] = dice.below(256) as u8,
        1 => bytes[at] ^= 1 << dice.below(8),
        2 => bytes.insert(at, dice.below(256) as u8),
        3 => drop(bytes.remove(at)),
        4 => bytes.truncate(at),
        _ => bytes.extend_from_within(at..),
    }
}
