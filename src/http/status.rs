//! The status codes that Tidegate sends, and no others (RFC 9110 §15).
//!
//! Knows: codes and reason phrases.
//! Must not know: when each is sent.

macro_rules! statuses {
    ($($name:ident = $code:literal $reason:literal,)+) => {
        /// A status code that Tidegate sends.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u16)]
        pub enum Status {
            $(#[doc = concat!(stringify!($code), " ", $reason)] $name = $code,)+
        }

        impl Status {
            /// All of them, by number.
            pub const ALL: &[Status] = &[$(Status::$name,)+];

            /// The words that follow the number in a status line.
            pub const fn reason(self) -> &'static str {
                match self {
                    $(Status::$name => $reason,)+
                }
            }
        }
    };
}

statuses! {
    SwitchingProtocols = 101 "Switching Protocols",
    Ok = 200 "OK",
    Created = 201 "Created",
    Accepted = 202 "Accepted",
    NoContent = 204 "No Content",
    NotModified = 304 "Not Modified",
    BadRequest = 400 "Bad Request",
    Unauthorized = 401 "Unauthorized",
    Forbidden = 403 "Forbidden",
    NotFound = 404 "Not Found",
    MethodNotAllowed = 405 "Method Not Allowed",
    NotAcceptable = 406 "Not Acceptable",
    RequestTimeout = 408 "Request Timeout",
    Conflict = 409 "Conflict",
    Gone = 410 "Gone",
    ContentTooLarge = 413 "Content Too Large",
    UriTooLong = 414 "URI Too Long",
    UnsupportedMediaType = 415 "Unsupported Media Type",
    ExpectationFailed = 417 "Expectation Failed",
    MisdirectedRequest = 421 "Misdirected Request",
    UnprocessableContent = 422 "Unprocessable Content",
    UpgradeRequired = 426 "Upgrade Required",
    TooManyRequests = 429 "Too Many Requests",
    HeaderFieldsTooLarge = 431 "Request Header Fields Too Large",
    InternalServerError = 500 "Internal Server Error",
    NotImplemented = 501 "Not Implemented",
    ServiceUnavailable = 503 "Service Unavailable",
    GatewayTimeout = 504 "Gateway Timeout",
    VersionNotSupported = 505 "HTTP Version Not Supported",
}

impl Status {
    /// The number, three digits.
    pub const fn code(self) -> u16 {
        self as u16
    }

    /// A 1xx or 204 has no body, and no field that would announce one (RFC 9110 §8.6); nor has a
    /// 304, whose length would be that of what the client has.
    pub const fn has_body(self) -> bool {
        self.code() >= 200 && self.code() != 204 && self.code() != 304
    }
}

#[cfg(test)]
mod tests {
    use super::Status;

    #[test]
    fn codes_are_three_digits_in_order_and_unique() {
        assert!(Status::ALL.iter().all(|status| (100..600).contains(&status.code())));
        assert!(Status::ALL.is_sorted_by(|a, b| a.code() < b.code()));
        assert_eq!(Status::ALL.len(), 29);
        assert_eq!(Status::HeaderFieldsTooLarge.code(), 431);
        assert_eq!(Status::ContentTooLarge.reason(), "Content Too Large");
    }
}
