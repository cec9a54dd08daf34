//! A request's head, read and checked (RFC 9112 §3, §5, §6; RFC 9110 §7.2).
//!
//! Knows: request lines, header fields, what they say of host, body and connection.
//! Must not know: which paths and methods are served, WebSocket, SSE, bodies' bytes.
//!
//! Where the RFCs let a recipient be lenient this one is not: what two implementations could read
//! differently is refused, so that no proxy before us can be made to see other requests than we do.

use std::borrow::Cow;

use super::fields::Fields;
use super::target::Target;
use super::{Fault, Framing, HeadScan, Host, Terms, accept, token};
use crate::limits::Limits;

/// A request's method; methods are case-sensitive (RFC 9110 §9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// `GET`
    Get,
    /// `HEAD`: as GET, but the body is not sent.
    Head,
    /// `POST`
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `DELETE`
    Delete,
    /// `OPTIONS`
    Options,
    /// Any other: to be answered 501 (RFC 9110 §9.1).
    Other,
}

impl Method {
    fn parse(token: &str) -> Method {
        match token {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "PATCH" => Method::Patch,
            "DELETE" => Method::Delete,
            "OPTIONS" => Method::Options,
            _ => Method::Other,
        }
    }

    /// As it is written; nobody is told of any other what it was.
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Head => "HEAD",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
            Method::Options => "OPTIONS",
            Method::Other => "OTHER",
        }
    }
}

/// The versions of HTTP that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

/// A request without its body, borrowed from the bytes of its head.
pub struct Request<'a> {
    method: Method,
    version: Version,
    target: Target<'a>,
    host: Option<Host<'a>>,
    framing: Framing,
    keep_alive: bool,
    expects_continue: bool,
    fields: Fields<'a>,
}

impl<'a> Request<'a> {
    /// Reads a complete head: the bytes that [`HeadScan::find`] has counted, no more and no fewer.
    pub fn parse(head: &'a [u8], limits: &Limits) -> Result<Request<'a>, Fault> {
        // Looked at again on purpose: httparse takes a bare LF for a line end, and a caller's
        // mistake must not open that door. It costs a memchr a line.
        if HeadScan::default().find(head, limits)? != Some(head.len()) {
            return Err(Fault::BadLineEnd);
        }
        let (line, fields) = Fields::parse(head, limits)?;
        let version = if line.minor == 0 { Version::Http10 } else { Version::Http11 };
        let method = Method::parse(line.method);
        let target = Target::parse(line.target, method)?;
        let host = host(&fields, &target, version)?;
        let framing = framing(&fields, version)?;
        let expected = expectation(&fields)?;
        Ok(Request {
            method,
            version,
            target,
            host,
            framing,
            keep_alive: keep_alive(&fields, version),
            // RFC 9110 §10.1.1: to be ignored in HTTP/1.0, and without a body there is no wait.
            expects_continue: expected && version == Version::Http11 && framing.has_body(),
            fields,
        })
    }

    /// The method.
    pub fn method(&self) -> Method {
        self.method
    }

    /// The version in the request line.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The path as its segments, each percent-decoded once; none is `.` or `..`. `/` has one
    /// segment, an empty one, `/a/` has two, `OPTIONS *` has none. What decides by path decides by
    /// these.
    pub fn segments(&self) -> impl Iterator<Item = Cow<'a, str>> + use<'a> {
        self.target.segments()
    }

    /// The path in its one canonical spelling, for logs and messages: equal for two requests if and
    /// only if their segments are, and without control characters.
    pub fn path(&self) -> Cow<'a, str> {
        self.target.path()
    }

    /// The query's pairs in order, decoded, `+` as a space; a name alone has an empty value.
    pub fn query(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> + use<'a> {
        self.target.query()
    }

    /// The value of the first field of that name, where it is UTF-8; without white space around it.
    pub fn header(&self, name: &str) -> Option<&'a str> {
        self.fields.text(name)
    }

    /// The same whatever its bytes are, to tell one that cannot be read from one that is not there.
    pub fn header_bytes(&self, name: &str) -> Option<&'a [u8]> {
        self.fields.bytes(name)
    }

    /// Path and query, as they came.
    pub fn target(&self) -> Cow<'a, str> {
        self.target.text()
    }

    /// The values of all fields of that name, whatever their bytes are.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.fields.all(name)
    }

    /// The values of all fields of that name, where they are UTF-8.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.fields.texts(name)
    }

    /// The elements of a list that may span several fields of one name; empty ones are left out.
    pub fn list(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.fields.list(name)
    }

    /// Whether that list has this element, in upper or lower case.
    pub fn lists(&self, name: &str, element: &str) -> bool {
        self.fields.lists(name, element)
    }

    /// Whom the request is for; always there in HTTP/1.1.
    pub fn host(&self) -> Option<Host<'a>> {
        self.host
    }

    /// The origin of the page that sent it, as a browser states it; `null` is one too.
    pub fn origin(&self) -> Option<&'a str> {
        self.fields.text("origin")
    }

    /// Whether the peer would send another request on this connection (RFC 9112 §9.3).
    pub fn keep_alive(&self) -> bool {
        self.keep_alive
    }

    /// How the body's end is known.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// Whether the peer may be waiting for [`CONTINUE`](super::CONTINUE) before it sends the body.
    pub fn expects_continue(&self) -> bool {
        self.expects_continue
    }

    /// Whether a response of that media type is welcome; everything is, if there is no `Accept`.
    pub fn accepts(&self, mime: &str) -> bool {
        accept::rank(self.list("accept"), mime).is_welcome()
    }

    /// Whether `mime` is asked for before `other`. `*/*` prefers nothing: between two types the
    /// server chooses.
    pub fn prefers(&self, mime: &str, other: &str) -> bool {
        let rank = |mime| accept::rank(self.list("accept"), mime);
        rank(mime).is_above(rank(other))
    }

    /// What a response to this request must heed; small enough to be kept until the response is
    /// there.
    pub fn terms(&self) -> Terms {
        Terms {
            head_only: self.method == Method::Head,
            version: self.version,
            keep_alive: self.keep_alive,
        }
    }
}

/// RFC 9112 §3.2, §3.2.2: one valid `Host` in HTTP/1.1, which an absolute target overrides.
fn host<'a>(
    fields: &Fields<'a>,
    target: &Target<'a>,
    version: Version,
) -> Result<Option<Host<'a>>, Fault> {
    let host = fields.text("host").map(Host::parse).transpose()?;
    if host.is_none() && version == Version::Http11 {
        return Err(Fault::MissingHost);
    }
    Ok(target.authority.or(host))
}

/// RFC 9112 §6.3, for requests: without either field there is no body.
fn framing(fields: &Fields<'_>, version: Version) -> Result<Framing, Fault> {
    match (fields.text("content-length"), fields.text("transfer-encoding")) {
        (None, None) => Ok(Framing::None),
        (Some(length), None) => content_length(length).map(Framing::Length),
        (None, Some(_)) if version == Version::Http10 => Err(Fault::EncodingOnHttp10),
        (None, Some(codings)) => check_codings(codings).map(|()| Framing::Chunked),
        // RFC 9112 §6.1 lets a server ignore the length; it also says that this may be an attack.
        (Some(_), Some(_)) => Err(Fault::LengthAndEncoding),
    }
}

/// RFC 9110 §8.6: `1*DIGIT`. The list `5, 5` may be taken for 5 or refused; it is refused.
fn content_length(text: &str) -> Result<u64, Fault> {
    // `parse` alone would take a sign.
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Fault::BadContentLength);
    }
    text.parse().map_err(|_| Fault::BadContentLength)
}

/// RFC 9112 §6.1, §6.3: chunked must be the last coding, once, else the body has no end: 400.
/// Others before it could be undone, by somebody else: 501.
fn check_codings(codings: &str) -> Result<(), Fault> {
    let is_chunked = |coding: &str| coding.eq_ignore_ascii_case("chunked");
    if is_chunked(codings) {
        return Ok(());
    }
    let mut before = codings.split(',').map(token::trim);
    let last = before.next_back().unwrap_or_default();
    if !is_chunked(last) || before.any(|coding| coding.is_empty() || is_chunked(coding)) {
        return Err(Fault::BadTransferEncoding);
    }
    Err(Fault::UnknownTransferEncoding)
}

/// RFC 9110 §10.1.1: 417 for any other expectation.
fn expectation(fields: &Fields<'_>) -> Result<bool, Fault> {
    if fields.list("expect").any(|expected| !expected.eq_ignore_ascii_case("100-continue")) {
        return Err(Fault::UnknownExpectation);
    }
    Ok(fields.lists("expect", "100-continue"))
}

/// RFC 9112 §9.3: `close` wins; HTTP/1.1 stays by default, HTTP/1.0 only if asked to.
fn keep_alive(fields: &Fields<'_>, version: Version) -> bool {
    let asked = version == Version::Http11 || fields.lists("connection", "keep-alive");
    asked && !fields.lists("connection", "close")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(head: &[u8]) -> Result<Request<'_>, Fault> {
        Request::parse(head, &Limits::default())
    }

    /// A request with a Host and these lines besides.
    fn with(lines: &str) -> Result<Request<'static>, Fault> {
        parse(format!("POST /a HTTP/1.1\r\nHost: h\r\n{lines}\r\n").leak().as_bytes())
    }

    fn ok(lines: &str) -> Request<'static> {
        with(lines).expect(lines)
    }

    fn fault(lines: &str) -> Option<Fault> {
        with(lines).err()
    }

    #[test]
    fn a_handshake_like_a_browsers_is_read() {
        // RFC 6455 §1.2, with what a proxy adds.
        let request = parse(
            b"GET /ws/main?connectionId=a%20b HTTP/1.1\r\nHost: server.example.com:8080\r\n\
              Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
              Origin: http://example.com\r\n\
              Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
              Sec-WebSocket-Protocol: chat, superchat\r\n\
              Sec-WebSocket-Version: 13\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n",
        )
        .expect("a handshake");
        assert_eq!((request.method(), request.version()), (Method::Get, Version::Http11));
        assert_eq!(request.segments().collect::<Vec<_>>(), ["ws", "main"]);
        assert_eq!(request.path(), "/ws/main");
        assert_eq!(request.query().collect::<Vec<_>>(), [("connectionId".into(), "a b".into())]);
        let host = request.host().expect("a host");
        assert_eq!((host.name(), host.port()), ("server.example.com", Some(8080)));
        assert_eq!(request.origin(), Some("http://example.com"));
        assert_eq!(request.header("sec-websocket-key"), Some("dGhlIHNhbXBsZSBub25jZQ=="));
        let protocols: Vec<_> = request.list("sec-websocket-protocol").collect();
        assert_eq!(protocols, ["chat", "superchat"]);
        assert!(request.lists("connection", "upgrade") && request.keep_alive());
        assert_eq!(request.framing(), Framing::None);
    }

    #[test]
    fn methods_are_case_sensitive_tokens() {
        for (token, method) in [
            ("GET", Method::Get),
            ("HEAD", Method::Head),
            ("POST", Method::Post),
            ("PUT", Method::Put),
            ("PATCH", Method::Patch),
            ("DELETE", Method::Delete),
            ("OPTIONS", Method::Options),
            ("get", Method::Other),
            ("TRACE", Method::Other),
            ("M-SEARCH", Method::Other),
            ("GETX", Method::Other),
        ] {
            let head = format!("{token} / HTTP/1.1\r\nHost: h\r\n\r\n");
            assert_eq!(parse(head.as_bytes()).ok().map(|r| r.method()), Some(method), "{token}");
        }
        let head = b"CONNECT example.com:80 HTTP/1.1\r\nHost: example.com:80\r\n\r\n";
        assert_eq!(parse(head).err(), Some(Fault::BadTarget));
    }

    #[test]
    fn there_is_one_valid_host() {
        for (head, expected) in [
            ("GET / HTTP/1.1\r\n\r\n", Err(Fault::MissingHost)),
            ("GET http://a/ HTTP/1.1\r\n\r\n", Err(Fault::MissingHost)),
            ("GET / HTTP/1.0\r\n\r\n", Ok(None)),
            ("GET http://a/ HTTP/1.0\r\n\r\n", Ok(Some("a"))),
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Ok(Some("a"))),
            ("GET / HTTP/1.1\r\nhOST:a\r\n\r\n", Ok(Some("a"))),
            ("GET http://b:1/ HTTP/1.1\r\nHost: a\r\n\r\n", Ok(Some("b"))),
            ("GET http://b/ HTTP/1.1\r\nHost: a b\r\n\r\n", Err(Fault::BadHost)),
            ("GET / HTTP/1.1\r\nHost:\r\n\r\n", Err(Fault::BadHost)),
            ("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", Err(Fault::BadHost)),
            ("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", Err(Fault::BadHost)),
            ("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", Err(Fault::BadHost)),
            ("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n", Err(Fault::BadHost)),
            ("GET / HTTP/1.0\r\nHost: a b\r\n\r\n", Err(Fault::BadHost)),
            ("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Err(Fault::DuplicateHeader)),
            ("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n", Err(Fault::DuplicateHeader)),
            ("GET / HTTP/1.1\r\nHost : a\r\n\r\n", Err(Fault::BadHeader)),
        ] {
            let host = parse(head.as_bytes()).map(|request| request.host().map(|host| host.name()));
            assert_eq!(host, expected, "{head}");
        }
    }

    #[test]
    fn content_lengths_are_digits() {
        for (value, length) in
            [("0", 0), ("5", 5), ("0005", 5), (" 5 ", 5), ("18446744073709551615", u64::MAX)]
        {
            let request = ok(&format!("Content-Length: {value}\r\n"));
            assert_eq!(request.framing(), Framing::Length(length), "{value}");
        }
        for value in [
            "",
            "+1",
            "-1",
            "0x10",
            "1, 1",
            "1,1",
            "1 1",
            "1.0",
            "1e3",
            "1_0",
            "five",
            "\"1\"",
            "18446744073709551616",
            "99999999999999999999999",
            "1;a",
            "+",
            "0+",
        ] {
            let lines = format!("Content-Length: {value}\r\n");
            assert_eq!(fault(&lines), Some(Fault::BadContentLength), "{value}");
        }
        for lines in [
            "Content-Length: 1\r\nContent-Length: 1\r\n",
            "content-length: 0\r\nContent-Length: 1\r\n",
        ] {
            assert_eq!(fault(lines), Some(Fault::DuplicateHeader), "{lines}");
        }
    }

    #[test]
    fn the_only_transfer_encoding_is_chunked() {
        let framing = |value: &str| {
            with(&format!("Transfer-Encoding: {value}\r\n")).map(|request| request.framing())
        };
        for value in ["chunked", "Chunked", " chunked\t"] {
            assert_eq!(framing(value), Ok(Framing::Chunked), "{value}");
        }
        for value in ["gzip, chunked", "identity,chunked", "a,b ,\tchunked"] {
            assert_eq!(framing(value), Err(Fault::UnknownTransferEncoding), "{value}");
        }
        for value in [
            "",
            "identity",
            "gzip",
            "xchunked",
            "chunkedx",
            "chunk ed",
            "\"chunked\"",
            "chunked;a=b",
            ",chunked",
            "chunked,",
            "chunked, chunked",
            "chunked, identity",
            "chunked, gzip, chunked",
        ] {
            assert_eq!(framing(value), Err(Fault::BadTransferEncoding), "{value}");
        }
    }

    #[test]
    fn a_transfer_encoding_cannot_be_hidden_or_doubled() {
        const CODED: &str = "Transfer-Encoding: chunked\r\n";
        let with_coded = |line: &str, expected| {
            assert_eq!(fault(&format!("{line}{CODED}")), Some(expected), "{line}");
            assert_eq!(fault(&format!("{CODED}{line}")), Some(expected), "{line}");
        };
        with_coded(CODED, Fault::DuplicateHeader);
        with_coded("transfer-encoding: gzip\r\n", Fault::DuplicateHeader);
        with_coded("Content-Length: 5\r\n", Fault::LengthAndEncoding);
        with_coded("Content-Length: x\r\n", Fault::LengthAndEncoding);
        for (lines, expected) in [
            ("Transfer-Encoding : chunked\r\n", Fault::BadHeader),
            ("Transfer-Encoding:\r\n chunked\r\n", Fault::BadHeader),
            ("Transfer-Encoding: chunked\0\r\n", Fault::BadHeader),
            ("Transfer-Encoding\r\n : chunked\r\n", Fault::BadHeader),
            ("Transfer-Encoding: chunked\u{a0}\r\n", Fault::BadHeader),
            ("Transfer-Encoding: chunked\n\r\n", Fault::BadLineEnd),
            ("X: y\nTransfer-Encoding: chunked\r\n", Fault::BadLineEnd),
            ("X: y\rTransfer-Encoding: chunked\r\n", Fault::BadLineEnd),
        ] {
            assert_eq!(fault(lines), Some(expected), "{lines}");
        }
        let head = b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert_eq!(parse(head).err(), Some(Fault::EncodingOnHttp10));
    }

    #[test]
    fn other_names_that_look_alike_frame_nothing() {
        for lines in [
            "X-Transfer-Encoding: chunked\r\n",
            "Transfer_Encoding: chunked\r\n",
            "Content_Length: 5\r\n",
        ] {
            assert_eq!(ok(lines).framing(), Framing::None, "{lines}");
        }
    }

    #[test]
    fn connections_are_kept_as_the_version_says() {
        for (version, connection, expected) in [
            ("1.1", "", true),
            ("1.1", "Connection: close\r\n", false),
            ("1.1", "Connection: Upgrade\r\nConnection: x, CLOSE\r\n", false),
            ("1.1", "Connection: closed\r\n", true),
            ("1.0", "", false),
            ("1.0", "Connection: Keep-Alive\r\n", true),
            ("1.0", "Connection: keep-alive, close\r\n", false),
        ] {
            let head = format!("GET / HTTP/{version}\r\nHost: h\r\n{connection}\r\n");
            let request = parse(head.as_bytes()).expect("a request");
            assert_eq!(request.keep_alive(), expected, "{head}");
            assert_eq!(request.terms().keep_alive, expected);
        }
    }

    #[test]
    fn the_only_expectation_is_100_continue() {
        assert!(ok("Content-Length: 1\r\nExpect: 100-Continue\r\n").expects_continue());
        assert!(ok("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n").expects_continue());
        assert!(!ok("Expect: 100-continue\r\n").expects_continue());
        assert!(!ok("Content-Length: 0\r\nExpect: 100-continue\r\n").expects_continue());
        assert_eq!(fault("Expect: 200-ok\r\n"), Some(Fault::UnknownExpectation));
        assert_eq!(fault("Expect: 100-continue, x\r\n"), Some(Fault::UnknownExpectation));
        // RFC 9110 §10.1.1: in HTTP/1.0 it must be ignored.
        let head = b"POST / HTTP/1.0\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n";
        assert!(!parse(head).expect("a request").expects_continue());
    }

    #[test]
    fn accept_chooses_among_stream_formats() {
        let (lines, sse) = ("application/x-ndjson", "text/event-stream");
        let curl = ok("Accept: */*\r\n");
        assert!(curl.accepts(sse) && curl.accepts(lines) && !curl.prefers(lines, sse));
        let browser = ok("Accept: text/event-stream\r\n");
        assert!(browser.accepts(sse) && !browser.accepts(lines));
        let tool = ok("Accept: text/html;q=0.1\r\nAccept: application/x-ndjson, */*;q=0.5\r\n");
        assert!(tool.prefers(lines, sse) && tool.accepts(sse));
        assert!(ok("").accepts(sse) && !ok("").prefers(lines, sse));
    }

    #[test]
    fn a_last_event_id_is_never_refused_for_its_bytes() {
        let head = b"GET / HTTP/1.1\r\nHost: h\r\nLast-Event-ID: \xff\r\n\r\n";
        let request = parse(head).expect("a request");
        assert_eq!(request.header("last-event-id"), None);
        assert_eq!(request.header_bytes("last-event-id"), Some(&b"\xff"[..]));
        assert_eq!(ok("Last-Event-ID: ü\r\n").header("Last-Event-ID"), Some("ü"));
    }

    #[test]
    fn a_head_that_is_cut_or_too_long_is_no_head() {
        let head = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n";
        for cut in 0..head.len() {
            assert_eq!(parse(&head[..cut]).err(), Some(Fault::BadLineEnd), "{cut}");
        }
        assert_eq!(parse(b"GET / HTTP/1.1\r\nHost: h\r\n\r\nx").err(), Some(Fault::BadLineEnd));
        assert!(parse(b"\r\n\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n").is_ok());
    }

    #[test]
    fn the_limits_hold_through_the_whole_parse() {
        let limits = Limits { uri_bytes_max: 4, headers_max: 2, ..Limits::default() };
        let fault = |head: &[u8]| Request::parse(head, &limits).err();
        assert_eq!(fault(b"GET /abc HTTP/1.1\r\nHost: h\r\nA: b\r\n\r\n"), None);
        assert_eq!(fault(b"GET /abcd HTTP/1.1\r\nHost: h\r\n\r\n"), Some(Fault::UriTooLong));
        let three = b"GET / HTTP/1.1\r\nHost: h\r\nA: b\r\nA: b\r\n\r\n";
        assert_eq!(fault(three), Some(Fault::TooManyHeaders));
    }

    proptest! {
        #[test]
        fn nothing_panics(head in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&head);
        }

        #[test]
        fn no_damage_to_a_request_panics(at in 0usize..90, byte in any::<u8>()) {
            let mut head = b"POST /a%20b?c=d+e HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\
                Content-Length: 5\r\n\r\n".to_vec();
            if let Some(place) = head.get_mut(at) {
                *place = byte;
            }
            if let Ok(request) = parse(&head) {
                let _ = (request.path(), request.query().count(), request.segments().count());
                prop_assert!(matches!(request.framing(), Framing::None | Framing::Length(_)));
            }
        }
    }
}
