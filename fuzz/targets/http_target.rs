//! Request targets alone: percent signs, dot segments, queries, hosts.
//!
//! Knows: the input is a target, of GET, or of OPTIONS where it begins with `*`.
//! Must not know: heads, beyond the one that it is put into.

use super::http_head;

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    let method: &[u8] = if data.starts_with(b"*") { b"OPTIONS " } else { b"GET " };
    for version in [b" HTTP/1.1\r\nHost: h\r\n\r\n", b" HTTP/1.0\r\nHost: h\r\n\r\n"] {
        http_head::run(&[method, data, version].concat());
    }
}
