//! The parts that every message passes, beside their naive twins.
//!
//! Knows: unmasking, headers, UTF-8, the envelope scan; the head and the body of a request.
//! Must not know: connections.

use std::hint::black_box;

use serde::de::IgnoredAny;
use tidegate::http::{Decoder, Framing, HeadScan, Request};
use tidegate::json;
use tidegate::limits::{HEADERS_CAPACITY, Limits};
use tidegate::ws::frame::decode_header;
use tidegate::ws::mask::unmask;
use tidegate::ws::utf8::is_utf8;

use crate::rig;
use crate::{Run, row};

/// Calls in one measured call: clocks are slow.
const CALLS: usize = 1000;

/// A handshake as a browser sends it.
const HANDSHAKE: &[u8] = b"GET /ws/main?connectionId=a%20b HTTP/1.1\r\n\
    Host: server.example.com:8080\r\nConnection: Upgrade\r\nPragma: no-cache\r\n\
    Cache-Control: no-cache\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36\r\n\
    Upgrade: websocket\r\nOrigin: http://example.com\r\nSec-WebSocket-Version: 13\r\n\
    Accept-Encoding: gzip, deflate, br\r\nAccept-Language: en-GB,en;q=0.9\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// Measures them.
pub(crate) fn rows(run: &Run) {
    messages(run);
    requests(run);
}

fn messages(run: &Run) {
    for bytes in [16, 128, 1024, 65_536] {
        let (mut one, mut other) = (vec![b'x'; bytes], vec![b'x'; bytes]);
        let key = [1, 2, 3, 4];
        let fast = || unmask(black_box(&mut one), key, 0);
        let slow = || naive_unmask(black_box(&mut other), key);
        compare(run, &format!("unmask, {bytes} B"), "payload", fast, slow);
    }
    for bytes in [16, 128, 1024] {
        let payload = vec![b'x'; bytes];
        let fast = || _ = black_box(is_utf8(black_box(&payload)));
        let slow = || _ = black_box(str::from_utf8(black_box(&payload)));
        compare(run, &format!("UTF-8, {bytes} B"), "payload", fast, slow);
    }
    for bytes in [16, 128, 1024] {
        let frame = rig::text(&vec![b'x'; bytes]);
        let fast = || _ = black_box(decode_header(black_box(&frame), false));
        let slow = || _ = black_box(naive_header(black_box(&frame)));
        compare(run, &format!("header of a frame of {bytes} B"), "header", fast, slow);
    }
    for bytes in [128, 1024] {
        let text = rig::message("1700000000000", bytes);
        let fast = || _ = black_box(json::scan(black_box(&text)));
        let slow = || _ = black_box(serde_json::from_slice::<IgnoredAny>(black_box(&text)).is_ok());
        compare(run, &format!("scan, {bytes} B (twin: serde_json)"), "message", fast, slow);
    }
}

fn requests(run: &Run) {
    let limits = Limits::default();
    let fast = || _ = black_box(HeadScan::default().find(black_box(HANDSHAKE), &limits));
    let slow = || _ = black_box(black_box(HANDSHAKE).windows(4).position(|end| end == b"\r\n\r\n"));
    compare(run, "end of a handshake's head", "head", fast, slow);
    let fast = || _ = black_box(Request::parse(black_box(HANDSHAKE), &limits)).is_ok();
    let slow = || {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_CAPACITY];
        let _ = black_box(httparse::Request::new(&mut headers).parse(black_box(HANDSHAKE)));
    };
    compare(run, "handshake's head (twin: httparse)", "head", fast, slow);
    let chunk = [b"80\r\n".as_slice(), &[b'x'; 128], b"\r\n"].concat();
    let chunks = [chunk.repeat(7), b"0\r\n\r\n".to_vec()].concat();
    let fast = || _ = black_box(dechunk(black_box(&chunks), &limits));
    let slow = || drop(black_box(black_box(&chunks).to_vec()));
    compare(run, "body of 7 chunks (twin: a copy)", "body", fast, slow);
}

/// How many bytes of a body there are without the chunks around it.
fn dechunk(mut bytes: &[u8], limits: &Limits) -> usize {
    let (mut decoder, mut sum) = (Decoder::new(Framing::Chunked), 0);
    while let Ok(step) = decoder.decode(bytes, limits) {
        sum += step.data.len();
        bytes = &bytes[step.used..];
        if step.done {
            break;
        }
    }
    sum
}

fn compare(run: &Run, name: &str, unit: &str, mut fast: impl FnMut(), mut slow: impl FnMut()) {
    if !run.wants(name) {
        return;
    }
    let fast = run.measure(CALLS, || (0..CALLS).for_each(|_| fast()));
    let slow = run.measure(CALLS, || (0..CALLS).for_each(|_| slow()));
    row(name, fast, unit, Some(slow));
}

/// RFC 6455 §5.3, word for word.
fn naive_unmask(bytes: &mut [u8], key: [u8; 4]) {
    for (i, byte) in bytes.iter_mut().enumerate() {
        *byte ^= key[i % 4];
    }
}

/// RFC 6455 §5.2, without a look at whether the header is all there: fin, opcode, mask and length.
fn naive_header(bytes: &[u8]) -> (bool, u8, [u8; 4], u64) {
    let (length, end) = match bytes[1] & 127 {
        126 => (u64::from(bytes[2]) << 8 | u64::from(bytes[3]), 4),
        127 => (bytes[2..10].iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)), 10),
        short => (u64::from(short), 2),
    };
    let mask = [bytes[end], bytes[end + 1], bytes[end + 2], bytes[end + 3]];
    (bytes[0] & 128 != 0, bytes[0] & 15, mask, length)
}
