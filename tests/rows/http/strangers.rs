//! H22: other protocols, and none at all.

use super::said::{in_words, patient};
use crate::support::http::get;
use crate::support::http::metric;
use crate::support::{Wire, wait_until};

/// The record and the beginning of a ClientHello (RFC 8446 §4.1.2), as long as a browser's.
fn client_hello() -> Vec<u8> {
    let mut hello = vec![0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];
    hello.resize(5 + 512, 0x5a);
    hello
}

#[test]
fn who_speaks_another_protocol_is_told_so_and_closed() {
    let server = patient(&[]);
    let proxied = b"PROXY TCP4 127.0.0.1 127.0.0.1 1 2\r\nGET /hello HTTP/1.1\r\n\r\n".to_vec();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("TLS", client_hello(), "400 tls-on-plain-port"),
        ("an alert of TLS", b"\x15\x03\x01\x00\x02\x02\x28".to_vec(), "400 not-http"),
        ("SSH", b"SSH-2.0-OpenSSH_9.6p1 Debian-3\r\n".to_vec(), "400 bad-request-line"),
        ("SSH without more", b"SSH-2.0-OpenSSH_9.6\r\n".to_vec(), "400 bad-request-line"),
        (
            "HTTP/2",
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00".to_vec(),
            "505 http2-not-supported",
        ),
        (
            "SMTP",
            b"EHLO example.com\r\nMAIL FROM:<a@example.com>\r\n".to_vec(),
            "400 bad-request-line",
        ),
        ("Redis", b"*1\r\n$4\r\nPING\r\n".to_vec(), "400 bad-request-line"),
        ("Redis, inline", b"PING\r\nSET a b\r\n".to_vec(), "400 bad-request-line"),
        ("SOCKS 5", b"\x05\x01\x00".to_vec(), "400 not-http"),
        ("RDP", b"\x03\x00\x00\x13\x0e\xe0\x00\x00\x00\x00\x00".to_vec(), "400 not-http"),
        ("a proxy's header", proxied, "400 bad-request-line"),
        ("a proxy's header, binary", b"\r\n\r\n\0\r\nQUIT\n\x21\x11".to_vec(), "400 not-http"),
        ("RTSP", b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n".to_vec(), "400 bad-request-line"),
        (
            "a frame of WebSocket",
            b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58".to_vec(),
            "400 not-http",
        ),
        ("JSON", b"{\"connectionId\":\"a\"}\n".to_vec(), "400 not-http"),
    ];
    for addr in [server.http, server.ws] {
        for (what, bytes, expected) in &cases {
            let mut wire = Wire::connect(addr);
            wire.write(bytes);
            let answer = wire.read_response().expect(what);
            assert_eq!(in_words(&answer), *expected, "{what}");
            assert!(answer.closes(), "{what}");
            assert_eq!(wire.read_to_end(), b"", "{what}");
            assert!(!wire.is_reset(), "{what}");
        }
    }
}

/// Bytes that look like anything, by xorshift; the same each time.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    // Seeds that are neighbours must not begin alike.
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(step).take(length).collect()
}

#[test]
fn noise_is_answered_once_and_closed() {
    let server = patient(&["--max-linger", "1MiB"]);
    for seed in 1..=64 {
        for addr in [server.http, server.ws] {
            let mut wire = Wire::connect(addr);
            wire.write(&noise(seed, 64 * 1024));
            let answer = wire.read_response().expect("an answer");
            assert!(matches!(answer.status, 400 | 501), "{seed}: {answer:?}");
            assert!(answer.closes(), "{seed}");
            answer.code();
            assert_eq!(wire.read_to_end(), b"", "{seed}");
        }
    }
    wait_until("all are gone", || metric(server.http, "tidegate_connections{kind=\"http\"}") == 1);
    assert_eq!(get(server.http, "/metrics").sample("tidegate_panics_total"), 0);
    let faults = metric(server.http, "tidegate_http_faults_total");
    assert_eq!(faults, 128, "each is counted");
}
