//! HTTP responses as a client receives them (RFC 9112), and requests as it writes them.
//!
//! Knows: heads, bodies of a known length, percent-encoding.
//! Must not know: the server's own code.

/// A response, and its body if that has a length.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        let value = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} is there twice");
        value
    }

    /// Whether the connection ends with it.
    pub(crate) fn is_last(&self) -> bool {
        let fields =
            self.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("connection"));
        fields.flat_map(|(_, value)| value.split(", ")).any(|one| one.eq_ignore_ascii_case("close"))
    }
}

/// Takes a whole response off the front of `bytes`; of one that goes on for ever, or that ends
/// HTTP, the head. To HEAD (`head_only`) no body is sent.
pub(crate) fn take(bytes: &mut Vec<u8>, head_only: bool) -> Option<Response> {
    // RFC 9110 §15.2: what comes before the response.
    const GO_ON: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
    while bytes.starts_with(GO_ON) {
        bytes.drain(..GO_ON.len());
    }
    let head_length = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let head = str::from_utf8(&bytes[..head_length - 4]).expect("a head is text");
    let mut lines = head.split("\r\n");
    let status_line = lines.next().expect("a status line");
    let status = status_line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3));
    let status: u16 = status.and_then(|digits| digits.parse().ok()).expect(status_line);
    let headers = lines.map(|line| {
        let (name, value) = line.split_once(": ").expect("name and value");
        (name.to_owned(), value.to_owned())
    });
    let mut response = Response { status, headers: headers.collect(), body: Vec::new() };
    assert!(response.header("date").is_some(), "RFC 9110 §6.6.1: a Date");
    let length = response.header("content-length").map(|value| value.parse::<usize>());
    let length = match length {
        _ if head_only => 0,
        Some(length) => length.expect("a number"),
        None => 0,
    };
    let body = bytes.get(head_length..head_length + length)?;
    response.body = body.to_vec();
    bytes.drain(..head_length + length);
    Some(response)
}

/// `text` with everything but letters and digits percent-encoded.
pub(crate) fn encode(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    encoded.collect()
}
