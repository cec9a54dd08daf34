//! Requests as they are typed, responses as they are read.

use super::wire::Wire;
use serde_json::Value;
use std::net::SocketAddr;

/// A response.
#[derive(Clone, Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Response {
    /// The value of a header, if it is there once; panics if it is there twice.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} twice: {self:?}");
        value
    }

    /// Whether the server says that it closes behind this response.
    pub(crate) fn closes(&self) -> bool {
        let fields =
            self.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
        let mut options = fields.flat_map(|(_, value)| value.split(", "));
        options.any(|option| option.eq_ignore_ascii_case("close"))
    }

    /// The value of a metric, if this is the page of `/metrics`.
    pub(crate) fn sample(&self, name: &str) -> u64 {
        let value = self.body.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.expect(name).parse().expect(name)
    }

    /// The `code` of a problem document (RFC 9457).
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let body: Value = serde_json::from_str(&self.body).expect("a problem is JSON");
        assert_eq!(body["status"], self.status, "{body}");
        assert!(body["detail"].as_str().is_some_and(|text| text.ends_with('.')), "{body}");
        body["code"].as_str().expect("a problem has a code").to_owned()
    }
}

impl Wire {
    /// Status and headers of the next response; `None` if the connection ends instead.
    pub(crate) fn read_head(&mut self) -> Option<Response> {
        let head = String::from_utf8(self.read_through(b"\r\n\r\n")?).expect("a head is ASCII");
        let mut lines = head.trim_end().split("\r\n");
        let status_line = lines.next().unwrap();
        let status = status_line.strip_prefix("HTTP/1.1 ").expect(status_line);
        let status = status[..3].parse().expect(status_line);
        let headers = lines
            .map(|line| line.split_once(": ").expect(line))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Some(Response { status, headers, body: String::new() })
    }

    /// The next response with its body, which must have a length; `None` if the connection ends instead.
    pub(crate) fn read_response(&mut self) -> Option<Response> {
        let mut response = self.read_head()?;
        let length = response.header("content-length").map_or(0, |length| length.parse().unwrap());
        let body = self.read_exactly(length).expect("a whole body");
        response.body = String::from_utf8(body).unwrap();
        Some(response)
    }
}

/// Sends `request` on a connection of its own; the first response.
pub(crate) fn exchange(addr: SocketAddr, request: &str) -> Response {
    let mut wire = Wire::connect(addr);
    wire.write(request.as_bytes());
    wire.read_response().expect("a response")
}

/// Asks for `target`, with the Host field that is due.
pub(crate) fn get(addr: SocketAddr, target: &str) -> Response {
    exchange(addr, &request(addr, "GET", target, ""))
}

/// The head of a request; `more` is header lines, each with its CR LF.
pub(crate) fn request(addr: SocketAddr, method: &str, target: &str, more: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: {addr}\r\n{more}\r\n")
}

/// One sample of `/metrics`.
pub(crate) fn metric(addr: SocketAddr, name: &str) -> u64 {
    get(addr, "/metrics").sample(name)
}
