//! Responses, written whole (RFC 9112 §4, §6; RFC 9110 §8.6; RFC 9457).
//!
//! Knows: status lines, fields, body framing, problem documents.
//! Must not know: which response is due.
//!
//! A response is begun with its status and date, takes fields, and is finished by one of the
//! methods that say what follows the head: a body, nothing, a stream up to the connection's end, or
//! another protocol.

use std::io::Write;

use serde_json::Value;

use super::{DATE_BYTES, Fault, Status, Version};
use crate::limits::Limits;

/// RFC 9110 §15.2.1: what a peer that expects it is sent before its body is read.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// What a response must heed of its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The request was HEAD: fields as for GET, but no body.
    pub head_only: bool,
    /// The version that the peer speaks.
    pub version: Version,
    /// The connection stays open behind the response.
    pub keep_alive: bool,
}

impl Terms {
    /// For what ends its connection, such as a refusal: where a next request begins is not known.
    pub const CLOSE: Terms =
        Terms { head_only: false, version: Version::Http11, keep_alive: false };

    /// The same for a request of which only `head` came, or only a part of that: HEAD is sent no
    /// body, whatever else is wrong (RFC 9110 §9.3.2).
    pub fn of_broken(head: &[u8]) -> Terms {
        Terms { head_only: head.trim_ascii_start().starts_with(b"HEAD "), ..Terms::CLOSE }
    }

    /// The same, but the connection ends behind the response.
    pub fn closing(self) -> Terms {
        Terms { keep_alive: false, ..self }
    }
}

/// A response being written; it must be finished.
#[must_use = "a response without its end is not one"]
pub struct Response<'v> {
    out: &'v mut Vec<u8>,
    status: Status,
}

impl<'v> Response<'v> {
    /// Appends status line and date. The status line says HTTP/1.1 to a peer of HTTP/1.0 too: it is
    /// the highest version that we speak (RFC 9110 §2.5).
    pub fn begin(out: &'v mut Vec<u8>, status: Status, date: &[u8; DATE_BYTES]) -> Response<'v> {
        let (code, reason) = (status.code(), status.reason());
        // Writing to a Vec cannot fail, here and below.
        let _ = write!(out, "HTTP/1.1 {code} {reason}\r\nDate: ");
        out.extend_from_slice(date);
        out.extend_from_slice(b"\r\n");
        Response { out, status }
    }

    /// Answers what could not be understood, in one go; the connection is to be closed. `head` is
    /// what came of the request; the `limits` in force are told.
    pub fn refuse(
        out: &'v mut Vec<u8>,
        fault: Fault,
        limits: &Limits,
        head: &[u8],
        date: &[u8; DATE_BYTES],
    ) {
        let response = Response::begin(out, fault.status(), date);
        response.problem(Terms::of_broken(head), fault.code(), &fault.detail_under(limits));
    }

    /// Appends one field.
    pub fn header(self, name: &str, value: &str) -> Response<'v> {
        debug_assert!(!name.bytes().chain(value.bytes()).any(splits), "{name}: {value}");
        self.out.extend(name.bytes().filter(|byte| !splits(*byte)));
        self.out.extend_from_slice(b": ");
        self.out.extend(value.bytes().filter(|byte| !splits(*byte)));
        self.out.extend_from_slice(b"\r\n");
        self
    }

    /// Appends each of these fields.
    pub fn headers(self, fields: &[(&str, &str)]) -> Response<'v> {
        fields.iter().fold(self, |response, (name, value)| response.header(name, value))
    }

    /// Ends with a body. HEAD is told its type and length, and not sent it.
    pub fn body(self, terms: Terms, content_type: &str, body: &[u8]) {
        debug_assert!(self.status.has_body(), "{:?} has no body", self.status);
        let response = self.header("Content-Type", content_type).length(body.len());
        let out = response.end(terms);
        if !terms.head_only {
            out.extend_from_slice(body);
        }
    }

    /// Ends the head of a body of `bytes` bytes, which the caller appends unless the request was
    /// HEAD.
    pub fn announce(self, terms: Terms, content_type: &str, bytes: usize) {
        debug_assert!(self.status.has_body(), "{:?} has no body", self.status);
        self.header("Content-Type", content_type).length(bytes).end(terms);
    }

    /// Ends without a body.
    pub fn empty(self, terms: Terms) {
        // RFC 9110 §8.6: a 204 must not have a Content-Length, what can have a body needs it.
        let response = if self.status.has_body() { self.length(0) } else { self };
        response.end(terms);
    }

    /// Ends with a problem document (RFC 9457) of a stable `code` and one sentence.
    pub fn problem(self, terms: Terms, code: &str, detail: &str) {
        let body = problem_body(self.status, code, detail);
        // Some statuses could be kept by whoever is in between otherwise (RFC 9110 §15.1).
        self.header("Cache-Control", "no-store").body(terms, "application/problem+json", &body);
    }

    /// Ends the head of a body that goes on until the connection closes (RFC 9112 §6.3, the last
    /// case).
    pub fn stream(self, content_type: &str) {
        self.header("Content-Type", content_type).end(Terms::CLOSE);
    }

    /// Ends a 101: what follows is in that protocol (RFC 9110 §7.8).
    pub fn upgrade(self, protocol: &str) {
        debug_assert_eq!(self.status, Status::SwitchingProtocols);
        let response = self.header("Connection", "Upgrade").header("Upgrade", protocol);
        response.out.extend_from_slice(b"\r\n");
    }

    fn length(self, bytes: usize) -> Response<'v> {
        let _ = write!(self.out, "Content-Length: {bytes}\r\n");
        self
    }

    /// RFC 9112 §9.3: HTTP/1.1 need not be told that the connection stays, HTTP/1.0 must.
    fn end(self, terms: Terms) -> &'v mut Vec<u8> {
        self.out.extend_from_slice(match (terms.keep_alive, terms.version) {
            (true, Version::Http11) => b"\r\n".as_slice(),
            (true, Version::Http10) => b"Connection: keep-alive\r\n\r\n",
            (false, Version::Http10 | Version::Http11) => b"Connection: close\r\n\r\n",
        });
        self.out
    }
}

/// The problem document alone (RFC 9457 §3).
pub fn problem_body(status: Status, code: &str, detail: &str) -> Vec<u8> {
    let (number, title) = (status.code(), Value::from(status.reason()));
    let (code, detail) = (Value::from(code), Value::from(detail));
    let mut body = Vec::new();
    let _ = write!(body, r#"{{"type":"about:blank","title":{title},"status":{number},"#);
    let _ = write!(body, r#""code":{code},"detail":{detail}}}"#);
    body
}

/// A byte that would end the field, or that no field may hold (RFC 9110 §5.5).
fn splits(byte: u8) -> bool {
    byte.is_ascii_control() && byte != b'\t'
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATE: &[u8; DATE_BYTES] = b"Sun, 06 Nov 1994 08:49:37 GMT";
    const STAYS: Terms = Terms { head_only: false, version: Version::Http11, keep_alive: true };

    fn written(status: Status, finish: impl FnOnce(Response<'_>)) -> String {
        let mut out = b"before|".to_vec();
        finish(Response::begin(&mut out, status, DATE));
        let text = String::from_utf8(out).expect("ASCII");
        let (line, rest) =
            text.split_once("\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n").expect("a date");
        let line = line.strip_prefix("before|HTTP/1.1 ").expect("appended");
        assert_eq!(line, format!("{} {}", status.code(), status.reason()));
        rest.to_owned()
    }

    #[test]
    fn bodies_have_type_and_length() {
        let text = written(Status::Ok, |r| r.body(STAYS, "application/json", b"{\"a\":1}"));
        assert_eq!(text, "Content-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}");
        let head = Terms { head_only: true, ..STAYS };
        let text = written(Status::Ok, |r| r.body(head, "text/plain", b"abc"));
        assert_eq!(text, "Content-Type: text/plain\r\nContent-Length: 3\r\n\r\n");
    }

    #[test]
    fn a_body_can_follow_by_itself() {
        let text = written(Status::Ok, |r| r.announce(STAYS, "text/css", 70_000));
        assert_eq!(text, "Content-Type: text/css\r\nContent-Length: 70000\r\n\r\n");
        assert_eq!(written(Status::NotModified, |r| r.empty(STAYS)), "\r\n");
    }

    #[test]
    fn connections_are_told_what_they_need_to_know() {
        for (version, keep_alive, expected) in [
            (Version::Http11, true, "\r\n"),
            (Version::Http11, false, "Connection: close\r\n\r\n"),
            (Version::Http10, true, "Connection: keep-alive\r\n\r\n"),
            (Version::Http10, false, "Connection: close\r\n\r\n"),
        ] {
            let terms = Terms { head_only: false, version, keep_alive };
            assert_eq!(written(Status::NoContent, |r| r.empty(terms)), expected);
            let closing = written(Status::NoContent, |r| r.empty(terms.closing()));
            assert_eq!(closing, "Connection: close\r\n\r\n");
        }
        let text = written(Status::Accepted, |r| r.empty(STAYS));
        assert_eq!(text, "Content-Length: 0\r\n\r\n");
    }

    #[test]
    fn streams_end_with_the_connection() {
        let fields = [("Cache-Control", "no-store"), ("X-Accel-Buffering", "no")];
        let text = written(Status::Ok, |r| r.headers(&fields).stream("text/event-stream"));
        assert_eq!(
            text,
            "Cache-Control: no-store\r\nX-Accel-Buffering: no\r\n\
             Content-Type: text/event-stream\r\nConnection: close\r\n\r\n"
        );
    }

    #[test]
    fn upgrades_have_no_body_fields() {
        let text = written(Status::SwitchingProtocols, |r| r.header("A", "b").upgrade("websocket"));
        assert_eq!(text, "A: b\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    }

    #[test]
    fn problems_are_json_whatever_they_say() {
        let body = problem_body(Status::NotFound, "no-\"such\"", "a\\b\n\u{1}ü");
        let value: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(
            value,
            serde_json::json!({
                "type": "about:blank", "title": "Not Found", "status": 404,
                "code": "no-\"such\"", "detail": "a\\b\n\u{1}ü",
            })
        );
    }

    #[test]
    fn every_fault_is_a_problem_that_closes() {
        let limits = Limits::default();
        for fault in Fault::ALL {
            let mut out = Vec::new();
            Response::refuse(&mut out, *fault, &limits, b"GET /", DATE);
            let text = String::from_utf8(out).expect("ASCII");
            assert!(text.starts_with(&format!("HTTP/1.1 {} ", fault.status().code())));
            let (head, body) = text.split_once("\r\n\r\n").expect("a head");
            assert!(head.contains("\r\nConnection: close"));
            assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", body.len())));
            let value: Value = serde_json::from_str(body).expect("JSON");
            assert_eq!(
                (&value["code"], &value["detail"]),
                (&fault.code().into(), &fault.detail_under(&limits).into())
            );
            let mut out = Vec::new();
            Response::refuse(&mut out, *fault, &limits, b"\r\nHEAD /", DATE);
            assert_eq!(out, text.as_bytes()[..head.len() + 4], "the head, and no body");
        }
    }

    #[test]
    #[cfg(not(debug_assertions))]
    fn line_breaks_never_leave_a_field() {
        let text = written(Status::Ok, |r| r.header("A\r\nB", "c\r\nD: e\0").empty(STAYS));
        assert_eq!(text, "AB: cD: e\r\nContent-Length: 0\r\n\r\n");
    }

    #[test]
    #[cfg(debug_assertions)]
    #[should_panic(expected = "A: b")]
    fn line_breaks_in_our_own_fields_are_a_bug() {
        let _ = written(Status::Ok, |r| r.header("A", "b\r\nC: d").empty(STAYS));
    }
}
