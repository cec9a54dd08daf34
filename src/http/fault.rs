//! What can be wrong with a request, and what its sender is told: one table.
//!
//! Knows: faults, their status, code and sentence.
//! Must not know: how a fault is found.

use super::status::Status;
use crate::limits::Limits;
use std::borrow::Cow;

macro_rules! faults {
    ($($name:ident => $status:ident, $code:literal, $detail:literal;)+) => {
        /// Why a request is refused. The connection is closed behind the answer: where the next
        /// request would begin is not known any more (RFC 9112 §9.6).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Fault {
            $(#[doc = $detail] $name,)+
        }

        impl Fault {
            /// All of them, in the order of the table.
            pub const ALL: &[Fault] = &[$(Fault::$name,)+];

            /// The status of the answer.
            pub const fn status(self) -> Status {
                match self {
                    $(Fault::$name => Status::$status,)+
                }
            }

            /// The stable name of this fault, the `code` of the problem document.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Fault::$name => $code,)+
                }
            }

            /// One sentence: what is wrong and what to do about it.
            pub const fn detail(self) -> &'static str {
                match self {
                    $(Fault::$name => $detail,)+
                }
            }
        }
    };
}

faults! {
    Tls => BadRequest, "tls-on-plain-port",
        "This port does not speak TLS: use http:// or ws://, not https:// or wss://, or put a \
         TLS proxy before it.";
    NotHttp => BadRequest, "not-http",
        "What came is no HTTP request: it must begin with a method such as GET.";
    BadRequestLine => BadRequest, "bad-request-line",
        "The first line must be a method, one space, a target, one space and HTTP/1.1.";
    BadLineEnd => BadRequest, "bad-line-end",
        "Each line of the head must end with CR LF, and neither may stand alone.";
    MethodTooLong => NotImplemented, "method-not-implemented",
        "No method has so long a name: use GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS.";
    Http2 => VersionNotSupported, "http2-not-supported",
        "This port does not speak HTTP/2: send the request as HTTP/1.1, and have a proxy do so.";
    UnsupportedVersion => VersionNotSupported, "unsupported-version",
        "Only HTTP/1.1 and HTTP/1.0 are spoken here: send the request as HTTP/1.1.";
    UriTooLong => UriTooLong, "uri-too-long",
        "The request target is longer than this server allows: move data into the body.";
    BadTarget => BadRequest, "bad-target",
        "The target must be a path such as /events?room=main, in visible ASCII and without #.";
    BadEscape => BadRequest, "bad-percent-escape",
        "Each % in the target must be followed by two hex digits, and %00 is not allowed.";
    BadTargetUtf8 => BadRequest, "bad-target-utf8",
        "What is percent-encoded in the target must be UTF-8.";
    DotSegment => BadRequest, "dot-segment",
        "The path must not contain the segments . and .. : resolve them before sending.";
    HeadTooLarge => HeaderFieldsTooLarge, "head-too-large",
        "Request line and headers together are larger than this server allows: send fewer cookies.";
    TooManyHeaders => HeaderFieldsTooLarge, "too-many-headers",
        "The request has more header fields than this server allows: send fewer.";
    BadHeader => BadRequest, "bad-header",
        "A header must be name: value on one line, no space before the colon, no control bytes.";
    DuplicateHeader => BadRequest, "duplicate-header",
        "A header that must stand once was sent more often: send it once.";
    MissingHost => BadRequest, "missing-host",
        "An HTTP/1.1 request must have a Host header: send one.";
    BadHost => BadRequest, "bad-host",
        "The host must be a name or an address, IPv6 in brackets, with a port of at most 65535.";
    BadContentLength => BadRequest, "bad-content-length",
        "Content-Length must be one decimal number, digits only.";
    LengthAndEncoding => BadRequest, "length-with-transfer-encoding",
        "A request must not have both Content-Length and Transfer-Encoding: send one of them.";
    EncodingOnHttp10 => BadRequest, "transfer-encoding-on-http-1.0",
        "HTTP/1.0 has no Transfer-Encoding: send Content-Length, or HTTP/1.1.";
    BadTransferEncoding => BadRequest, "bad-transfer-encoding",
        "The body's end cannot be known: Transfer-Encoding must end with chunked, once.";
    UnknownTransferEncoding => NotImplemented, "unknown-transfer-encoding",
        "The only Transfer-Encoding spoken here is chunked: send the body without another.";
    UnknownExpectation => ExpectationFailed, "unknown-expectation",
        "The only Expect understood here is 100-continue: leave the other out.";
    BadChunk => BadRequest, "bad-chunk",
        "The body is not in chunks: each is its size in hex, CR LF, that many bytes, CR LF.";
    ExtensionsTooLong => BadRequest, "chunk-extensions-too-long",
        "The chunk extensions of the body are longer than this server allows: leave them out.";
    BadTrailer => BadRequest, "bad-trailer",
        "A trailer must be name: value on one line, ended by CR LF.";
    TrailersTooLarge => HeaderFieldsTooLarge, "trailers-too-large",
        "The trailers of the body are larger than this server allows: leave them out.";
    BodyTooLarge => ContentTooLarge, "body-too-large",
        "The body is larger than this server allows.";
}

impl Fault {
    /// The same with the limit that is in force, where it is one.
    pub fn detail_under(self, limits: &Limits) -> Cow<'static, str> {
        let (what, most, option, remedy) = match self {
            Fault::UriTooLong => {
                let most = size(limits.uri_bytes_max);
                ("The request target is longer", most, "--max-uri", "move data into the body")
            }
            Fault::HeadTooLarge => {
                let most = size(limits.head_bytes_max);
                ("Request line and headers are longer", most, "--max-head", "send fewer cookies")
            }
            Fault::TooManyHeaders => {
                let most = format!("{} header fields", limits.headers_max);
                ("The request has more", most, "--max-headers", "send fewer")
            }
            Fault::BodyTooLarge => {
                let most = size(limits.body_bytes_max);
                ("The body is longer", most, "--max-body", "send less, or in several requests")
            }
            other => return Cow::Borrowed(other.detail()),
        };
        Cow::Owned(format!("{what} than the {most} that are allowed here ({option}): {remedy}."))
    }
}

/// A number of bytes as it is written for an option.
fn size(bytes: usize) -> String {
    const KIB: usize = 1 << 10;
    const MIB: usize = 1 << 20;
    match bytes {
        MIB.. if bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        KIB.. if bytes.is_multiple_of(KIB) => format!("{} KiB", bytes / KIB),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_told_with_its_number() {
        let limits = Limits { body_bytes_max: 1000, ..Limits::default() };
        let told = |fault: Fault| fault.detail_under(&limits).into_owned();
        assert!(told(Fault::BodyTooLarge).contains(" 1000 bytes "));
        assert!(told(Fault::HeadTooLarge).contains(" 16 KiB "));
        assert!(told(Fault::TooManyHeaders).contains(" 64 header fields "));
        assert_eq!(told(Fault::Tls), Fault::Tls.detail());
        assert_eq!((size(1 << 20), size(1025)), ("1 MiB".to_owned(), "1025 bytes".to_owned()));
    }
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_kebab_case() {
        let codes: HashSet<_> = Fault::ALL.iter().map(|fault| fault.code()).collect();
        assert_eq!(codes.len(), Fault::ALL.len());
        let kebab =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
        assert!(codes.iter().all(|code| code.bytes().all(kebab)));
    }

    #[test]
    fn every_fault_is_an_error_status_with_a_sentence() {
        for fault in Fault::ALL {
            assert!(fault.status().code() >= 400, "{fault:?}");
            assert!(fault.detail().ends_with('.'), "{fault:?}");
            assert!(fault.detail().is_ascii(), "{fault:?}");
        }
    }
}
