//! A server with keys, and requests that show them in every place.
//!
//! Knows: one core by itself.
//! Must not know: what is tested.

use crate::auth::{Access, Algorithm, Door, Expected, Glob, Globs, Keyring, Rights, Secret};
use crate::engine::Policy;
use crate::engine::tests::core::{Core, HTTP, WS};
use crate::limits::Limits;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::sync::Arc;

/// A static key with the usual rights.
pub(in crate::engine) const DEVICE: &str = "a-device-has-this-key";
/// A static key that may manage.
pub(in crate::engine) const MANAGER: &str = "a-manager-has-this-key";
/// Nobody's.
pub(in crate::engine) const WRONG: &str = "nobody-has-this-key";
const SECRET: &[u8; 32] = b"what only the issuer of it knows";

/// Everywhere that a credential may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Place {
    Bearer,
    Header,
    Cookie,
    Query,
    Path,
    Subprotocol,
}

impl Place {
    pub(in crate::engine) const ALL: [Place; 6] = [
        Place::Bearer,
        Place::Header,
        Place::Cookie,
        Place::Query,
        Place::Path,
        Place::Subprotocol,
    ];

    /// The lines that show `text` there, and the target with it.
    pub(in crate::engine) fn show(self, target: &str, text: &str) -> (String, String) {
        let lines = match self {
            Place::Bearer => format!("Authorization: Bearer {text}\r\n"),
            Place::Header => format!("X-WS-Auth-Key: {text}\r\n"),
            // As a browser sends it for a page of the same server.
            Place::Cookie => format!("Cookie: session={text}\r\nOrigin: http://localhost\r\n"),
            Place::Subprotocol => {
                format!("Sec-WebSocket-Protocol: tidegate, tidegate.bearer.{text}\r\n")
            }
            Place::Query | Place::Path => String::new(),
        };
        let target = target.replace("{token}", if self == Place::Path { text } else { "" });
        let target = match self {
            Place::Query => {
                let sign = if target.contains('?') { '&' } else { '?' };
                format!("{target}{sign}accessToken={text}")
            }
            _ => target,
        };
        (lines, target)
    }
}

/// A door that takes credentials in every place.
pub(in crate::engine) fn door() -> Door {
    Door {
        headers: vec!["x-api-key".to_owned(), "x-ws-auth-key".to_owned()],
        cookie: Some("session".to_owned()),
        query: Some("accessToken".to_owned()),
        ..Door::default()
    }
}

pub(in crate::engine) fn globs(texts: &[&str]) -> Globs {
    Globs::new(texts.iter().map(|text| Glob::parse(text).unwrap()).collect())
}

pub(in crate::engine) fn manage() -> Rights {
    Rights { connect: false, publish: globs(&[]), manage: true, ..Rights::usual() }
}

/// Keys of every kind: `devices`, `managers`, `people` (ann, who has a password), `app` (tokens).
pub(in crate::engine) fn keyring() -> Keyring {
    let secret = |text: &[u8]| Secret::new(text.to_vec());
    let mut keyring = Keyring::new(&Limits::default());
    keyring.add_static("devices", &secret(DEVICE.as_bytes()), Rights::usual());
    keyring.add_static("managers", &secret(MANAGER.as_bytes()), manage());
    keyring.add_password("people", "ann", &secret(b"correct horse"), Rights::usual());
    let (algorithm, expected) = (Algorithm::parse("HS256").unwrap(), Expected::default());
    keyring.add_hmac("app", algorithm, None, expected, &secret(SECRET), Rights::usual()).unwrap();
    keyring
}

pub(in crate::engine) fn policy(door: Door) -> Policy {
    let access = Access { keyring: keyring(), door: Arc::new(door), ..Access::default() };
    Policy { access: Arc::new(access), ..Policy::default() }
}

/// A token with these claims, beside `exp`.
pub(in crate::engine) fn token(claims: &str) -> String {
    token_until(claims, 1_700_000_100)
}

pub(in crate::engine) fn token_until(claims: &str, exp: u64) -> String {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
    let comma = if claims.is_empty() { "" } else { "," };
    let claims = URL_SAFE_NO_PAD.encode(format!("{{\"exp\":{exp}{comma}{claims}}}"));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
    let message = format!("{header}.{claims}");
    let signature = hmac::sign(&key, message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
}

pub(in crate::engine) fn basic(user: &str, password: &str) -> String {
    let text = STANDARD.encode(format!("{user}:{password}"));
    format!("Authorization: Basic {text}\r\n")
}

pub(in crate::engine) fn bearer(text: &str) -> String {
    format!("Authorization: Bearer {text}\r\n")
}

/// An answer, and whether more can be asked behind it.
#[derive(Debug)]
pub(in crate::engine) struct Told {
    pub(in crate::engine) status: u16,
    pub(in crate::engine) head: String,
    pub(in crate::engine) body: String,
}

impl Told {
    pub(in crate::engine) fn code(&self) -> String {
        let problem: serde_json::Value = serde_json::from_str(&self.body).expect(&self.body);
        problem["code"].as_str().expect("a code").to_owned()
    }

    pub(in crate::engine) fn detail(&self) -> String {
        let problem: serde_json::Value = serde_json::from_str(&self.body).expect(&self.body);
        problem["detail"].as_str().expect("a detail").to_owned()
    }

    /// The values of all fields of that name.
    pub(in crate::engine) fn fields(&self, name: &str) -> Vec<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.filter(|(field, _)| *field == name).map(|(_, value)| value).collect()
    }

    /// The status, and the code where there is one.
    pub(in crate::engine) fn verdict(&self) -> (u16, String) {
        let is_problem = self.head.contains("application/problem+json");
        (self.status, if is_problem { self.code() } else { String::new() })
    }
}

impl Core {
    /// What a whole request, of which this is the head, is answered. Of a refusal: that it ends the
    /// connection, and that nothing behind it was read.
    pub(in crate::engine) fn asked(&mut self, listener: u8, head: &str) -> Told {
        const BEHIND: &str = "GET /hello HTTP/1.1\r\nHost: localhost\r\n\r\n";
        let is_websocket = listener == WS;
        let behind = if is_websocket { "" } else { BEHIND };
        let key = self.connect(listener, format!("{head}{behind}").as_bytes());
        let all = self.written(key);
        let (head, rest) = all.split_once("\r\n\r\n").expect("a head");
        let status = head["HTTP/1.1 ".len()..][..3].parse().expect("a status");
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let length = length.map_or(rest.len(), |length| length.parse().unwrap());
        let length = length.min(rest.len());
        let told = Told { status, head: head.to_owned(), body: rest[..length].to_owned() };
        if matches!(status, 401 | 403 | 429) {
            assert_eq!(told.fields("Connection"), ["close"], "{head}");
            assert_eq!(rest.len(), length, "nothing more is answered: {all}");
        }
        told
    }

    /// `GET` of the HTTP side.
    pub(in crate::engine) fn get(&mut self, target: &str, lines: &str) -> Told {
        self.asked(HTTP, &format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n"))
    }

    /// A handshake.
    pub(in crate::engine) fn upgrade(&mut self, target: &str, lines: &str) -> Told {
        let head = crate::engine::tests::core::handshake(target);
        self.asked(WS, &head.replace("\r\n\r\n", &format!("\r\n{lines}\r\n")))
    }
}
