//! H01: a head is looked at once, however it arrives.

use super::said::{Witness, patient};
use crate::support::Wire;
use crate::support::http::request;
use tidegate::http::{Fault, HeadScan};
use tidegate::limits::Limits;

/// A head of exactly `length` bytes that asks for /hello.
pub(super) fn head_of(length: usize) -> String {
    let bare = "GET /hello HTTP/1.1\r\nHost: localhost\r\nX: \r\n\r\n".len();
    let filler = "x".repeat(length - bare);
    let head = format!("GET /hello HTTP/1.1\r\nHost: localhost\r\nX: {filler}\r\n\r\n");
    assert_eq!(head.len(), length);
    head
}

/// CVE-2023-43669: a head was parsed anew with each packet. Here each byte that was looked at is
/// spoilt before the next one comes: whoever looks again finds a bare line feed, and says so.
#[test]
fn what_was_looked_at_is_not_looked_at_again() {
    let limits = Limits::default();
    let many = "A: bcdefghi\r\n".repeat(1200);
    let heads = [
        head_of(limits.head_bytes_max),
        format!("GET /hello HTTP/1.1\r\nHost: localhost\r\n{many}\r\n"),
        format!("\r\n\r\nPOST /{} HTTP/1.1\r\n\r\n", "x".repeat(4000)),
    ];
    for head in heads {
        let mut bytes = Vec::with_capacity(head.len());
        let mut scan = HeadScan::default();
        for (at, byte) in head.bytes().enumerate() {
            bytes.push(byte);
            let found = scan.find(&bytes, &limits);
            let expected = if at + 1 == head.len() { Some(head.len()) } else { None };
            assert_eq!(found, Ok(expected), "at {at}");
            bytes[at] = b'\n';
        }
    }
    // The proof works: a scan that does begin anew finds what was spoilt.
    let spoilt = b"\nET / HTTP/1.1\r\n";
    assert_eq!(HeadScan::default().find(spoilt, &limits), Err(Fault::BadLineEnd));
}

#[test]
fn the_largest_head_may_come_in_as_many_pieces_as_it_has_bytes() {
    let server = patient(&[]);
    let mut wire = Wire::connect(server.http);
    wire.write_slowly(head_of(16 * 1024).as_bytes());
    assert_eq!(wire.read_response().unwrap().status, 200);
    wire.write_slowly(head_of(16 * 1024 + 1).as_bytes());
    let answer = wire.read_response().unwrap();
    assert_eq!((answer.status, answer.code().as_str()), (431, "head-too-large"));
    assert_eq!(wire.read_to_end(), b"");
}

/// What is behind the limit is not even waited for.
#[test]
fn ten_megabytes_of_a_header_are_refused_at_the_first_byte_too_many() {
    let server = patient(&["--max-linger", "64MiB"]);
    let mut witness = Witness::of(&server);
    for addr in [server.http, server.ws] {
        let mut wire = Wire::connect(addr);
        let begun = request(addr, "GET", "/hello", "").replace("\r\n\r\n", "\r\nX: ");
        wire.write(begun.as_bytes());
        wire.write("x".repeat(16 * 1024 - begun.len()).as_bytes());
        witness.sees();
        wire.write(b"x");
        let answer = wire.read_response().unwrap();
        assert_eq!((answer.status, answer.code().as_str()), (431, "head-too-large"));
        wire.write("x".repeat(10_000_000).as_bytes());
        assert_eq!(wire.read_to_end(), b"");
        assert!(!wire.is_reset());
    }
}
