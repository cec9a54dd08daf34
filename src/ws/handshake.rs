//! The opening handshake, as far as it is not plain HTTP (RFC 6455 §4.2).
//!
//! Knows: what a request must say to become a WebSocket, and what a refused one is answered.
//! Must not know: how a request is parsed or an answer written, paths, origins, who may come in.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// RFC 6455 §1.3: proves that the server knows what it is being asked.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The only version there is (RFC 6455 §4.1).
const VERSION: &str = "13";

/// What a request says about becoming a WebSocket.
#[derive(Clone, Copy, Debug)]
pub struct Offer<'a> {
    /// Its method is `GET`.
    pub method_is_get: bool,
    /// It is HTTP/1.1, not HTTP/1.0.
    pub http_1_1: bool,
    /// `Connection` lists `upgrade`, in any case.
    pub connection_has_upgrade: bool,
    /// `Upgrade` lists `websocket`, in any case.
    pub upgrade_has_websocket: bool,
    /// A body follows, and not an empty one.
    pub has_body: bool,
    /// `Sec-WebSocket-Key`.
    pub key: Option<&'a str>,
    /// `Sec-WebSocket-Version`.
    pub version: Option<&'a str>,
}

/// Why a request does not become a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Not with this method.
    Method,
    /// A plain request: someone opened the address in a browser, or a proxy dropped the headers.
    NotUpgrade,
    /// HTTP/1.0 knows no upgrade (RFC 9110 §7.8).
    OldHttp,
    /// A handshake has no body.
    Body,
    /// Another version of the protocol, or none.
    BadVersion,
    /// No `Sec-WebSocket-Key`.
    MissingKey,
    /// A `Sec-WebSocket-Key` that is not 16 bytes in base64.
    BadKey,
}

/// Checks the conditions of RFC 6455 §4.2.1, and gives the key to answer.
///
/// What a person is most likely to have done comes first: the address of a WebSocket in a browser's
/// address bar is answered with a sentence about that, not with one about keys.
pub fn check<'a>(offer: &Offer<'a>) -> Result<&'a str, Refusal> {
    if !offer.method_is_get {
        return Err(Refusal::Method);
    }
    if !offer.connection_has_upgrade || !offer.upgrade_has_websocket {
        return Err(Refusal::NotUpgrade);
    }
    if !offer.http_1_1 {
        return Err(Refusal::OldHttp);
    }
    if offer.has_body {
        return Err(Refusal::Body);
    }
    // Before the key: other versions have keys of other kinds.
    if offer.version != Some(VERSION) {
        return Err(Refusal::BadVersion);
    }
    let key = offer.key.ok_or(Refusal::MissingKey)?;
    if is_key(key) { Ok(key) } else { Err(Refusal::BadKey) }
}

/// Is it 16 bytes in base64? The four bits that the last digit has to spare need not be zero: they
/// are not in the RFC's own example, `AQIDBAUGBwgJCgsMDQ4PEC==` (§4.1).
fn is_key(key: &str) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    match key.as_bytes().split_last_chunk::<2>() {
        Some((digits, b"==")) => digits.len() == 22 && digits.iter().all(is_digit),
        _ => false,
    }
}

/// The `Sec-WebSocket-Accept` that answers a `Sec-WebSocket-Key` (RFC 6455 §4.2.2).
pub fn accept_key(key: &[u8]) -> [u8; 28] {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    let mut accept = [0; 28];
    let written = STANDARD.encode_slice(digest, &mut accept);
    debug_assert_eq!(written, Ok(accept.len()), "20 bytes are 28 digits");
    accept
}

impl Refusal {
    /// The status of the answer.
    pub fn status_code(self) -> u16 {
        match self {
            Refusal::Method => 405,
            Refusal::NotUpgrade | Refusal::BadVersion => 426,
            Refusal::OldHttp | Refusal::Body | Refusal::MissingKey | Refusal::BadKey => 400,
        }
    }

    /// The headers that this status asks for (RFC 9110 §15.5.6 and §15.5.22, RFC 6455 §4.4). With
    /// `Upgrade` goes `Connection: upgrade`, which is up to whoever writes the answer.
    pub fn headers(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Refusal::Method => &[("Allow", "GET")],
            Refusal::NotUpgrade | Refusal::BadVersion => {
                // RFC 9110 §7.8: who sends Upgrade names it in Connection too.
                &[
                    ("Upgrade", "websocket"),
                    ("Connection", "upgrade"),
                    ("Sec-WebSocket-Version", VERSION),
                ]
            }
            Refusal::OldHttp | Refusal::Body | Refusal::MissingKey | Refusal::BadKey => &[],
        }
    }

    /// The stable code that a program can compare.
    pub fn code(self) -> &'static str {
        match self {
            Refusal::Method => "method-not-allowed",
            Refusal::NotUpgrade => "upgrade-required",
            Refusal::OldHttp => "http-1-1-required",
            Refusal::Body => "unexpected-body",
            Refusal::BadVersion => "bad-websocket-version",
            Refusal::MissingKey => "missing-websocket-key",
            Refusal::BadKey => "bad-websocket-key",
        }
    }

    /// The same for a person.
    pub fn detail(self) -> &'static str {
        match self {
            Refusal::Method => "This is a WebSocket address: it is opened with GET.",
            Refusal::NotUpgrade => {
                "This is a WebSocket address: open it with a WebSocket client, such as \
                 new WebSocket(url) in a browser. If you did, a proxy in between dropped the \
                 Upgrade and Connection headers."
            }
            Refusal::OldHttp => {
                "A WebSocket needs HTTP/1.1, and this request is HTTP/1.0. Behind nginx, set \
                 proxy_http_version 1.1."
            }
            Refusal::Body => "The request that opens a WebSocket has no body.",
            Refusal::BadVersion => {
                "Sec-WebSocket-Version must be 13 (RFC 6455), which every client of today says."
            }
            Refusal::MissingKey => {
                "The Sec-WebSocket-Key header is missing: a WebSocket client sends one, and a \
                 proxy passes it on."
            }
            Refusal::BadKey => "Sec-WebSocket-Key must be 16 bytes in base64.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Offer<'_> = Offer {
        method_is_get: true,
        http_1_1: true,
        connection_has_upgrade: true,
        upgrade_has_websocket: true,
        has_body: false,
        key: Some("dGhlIHNhbXBsZSBub25jZQ=="),
        version: Some("13"),
    };

    /// What a browser says when it is given the address as that of a page.
    const PAGE: Offer<'_> = Offer {
        connection_has_upgrade: false,
        upgrade_has_websocket: false,
        key: None,
        version: None,
        ..GOOD
    };

    #[test]
    fn the_example_of_the_rfc_is_answered() {
        // RFC 6455 §1.3.
        let key = check(&GOOD).expect("a good offer");
        assert_eq!(accept_key(key.as_bytes()), *b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn offers_are_refused_for_the_first_thing_that_a_person_should_mend() {
        let cases = [
            (PAGE, Refusal::NotUpgrade),
            (Offer { http_1_1: false, ..PAGE }, Refusal::NotUpgrade),
            (Offer { method_is_get: false, ..PAGE }, Refusal::Method),
            (Offer { method_is_get: false, ..GOOD }, Refusal::Method),
            (Offer { connection_has_upgrade: false, ..GOOD }, Refusal::NotUpgrade),
            (Offer { upgrade_has_websocket: false, ..GOOD }, Refusal::NotUpgrade),
            (Offer { http_1_1: false, ..GOOD }, Refusal::OldHttp),
            (Offer { has_body: true, ..GOOD }, Refusal::Body),
            (Offer { version: None, ..GOOD }, Refusal::BadVersion),
            (Offer { version: Some("8"), key: None, ..GOOD }, Refusal::BadVersion),
            (Offer { version: Some("013"), ..GOOD }, Refusal::BadVersion),
            (Offer { key: None, ..GOOD }, Refusal::MissingKey),
            (Offer { key: Some(""), ..GOOD }, Refusal::BadKey),
        ];
        for (offer, refusal) in cases {
            assert_eq!(check(&offer), Err(refusal), "{offer:?}");
        }
    }

    #[test]
    fn keys_are_16_bytes_in_base64() {
        // The second is the example of §4.1, whose last digit has bits to spare.
        for key in
            ["dGhlIHNhbXBsZSBub25jZQ==", "AQIDBAUGBwgJCgsMDQ4PEC==", "+/+/+/+/+/+/+/+/+/+/+w=="]
        {
            assert!(is_key(key), "{key}");
        }
        for key in [
            "==",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ== ",
            "dGhlIHNhbXBsZSBub25jZ===",
            "dGhlIHNhbXBsZSBub25jZ-==",
            "dGhlIHNhbXBsZSBub25jZQaa",
            "dGhlIHNhbXBsZSBub25jZQaaaa==",
            "dGhlIHNhbXBsZSBub25j\u{e9}==",
            "dGhlIHNhbXBsZSBub2==",
        ] {
            assert!(!is_key(key), "{key}");
        }
    }

    #[test]
    fn every_status_comes_with_the_headers_that_it_asks_for() {
        for refusal in [
            Refusal::Method,
            Refusal::NotUpgrade,
            Refusal::OldHttp,
            Refusal::Body,
            Refusal::BadVersion,
            Refusal::MissingKey,
            Refusal::BadKey,
        ] {
            let has = |name| refusal.headers().iter().any(|(header, _)| *header == name);
            assert_eq!(has("Allow"), refusal.status_code() == 405);
            assert_eq!(has("Upgrade"), refusal.status_code() == 426);
            assert_eq!(has("Sec-WebSocket-Version"), refusal.status_code() == 426);
            assert!(refusal.detail().ends_with('.') && !refusal.code().contains(' '));
        }
    }
}
