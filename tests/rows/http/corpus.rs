//! `tests/corpora/http-desync.txt`: what the file says, as cases. The file explains its format.

use super::echoes::CANARY;
use crate::support::http::request;
use crate::support::websocket::handshake;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

/// Which listener a case is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listener {
    Http,
    WebSocket,
}

/// A request, and what must come of it.
#[derive(Debug, Default)]
pub(super) struct Case {
    pub(super) name: String,
    bytes: Vec<u8>,
    fields: Vec<u8>,
    body: Vec<u8>,
    http: String,
    ws: String,
}

impl Case {
    /// All cases of the file.
    pub(super) fn all() -> Vec<Case> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = fs::read_to_string(root.join("tests/corpora/http-desync.txt")).unwrap();
        let mut cases: Vec<Case> = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (key, text) = line.split_once(':').expect(line);
            let text = text.strip_prefix(' ').unwrap_or(text);
            if key == "case" {
                cases.push(Case { name: text.to_owned(), ..Case::default() });
                continue;
            }
            let case = cases.last_mut().expect("a case begins with its name");
            match key {
                "bytes" => case.bytes.extend(unescape(text)),
                "fields" => case.fields.extend(unescape(text)),
                "body" => case.body.extend(unescape(text)),
                "http" => case.http.push_str(text),
                "ws" => case.ws.push_str(text),
                _ => panic!("a key that there is not: {line}"),
            }
        }
        cases
    }

    /// Whether it is sent as it is, without a good request around it.
    pub(super) fn is_whole(&self) -> bool {
        !self.bytes.is_empty()
    }

    /// What must come of it.
    pub(super) fn expected(&self, listener: Listener) -> &str {
        match listener {
            Listener::Http => &self.http,
            Listener::WebSocket => &self.ws,
        }
    }

    /// What is sent to `addr`, without the next request.
    pub(super) fn payload(&self, listener: Listener, addr: SocketAddr) -> Vec<u8> {
        if self.is_whole() {
            return self.bytes.clone();
        }
        // Names and values that no answer may repeat.
        let canary = format!("X-{CANARY}: {CANARY}\r\n");
        let head = match listener {
            Listener::Http => request(addr, "POST", &format!("/hello?{CANARY}"), &canary),
            Listener::WebSocket => handshake(addr, &format!("/echo?_={CANARY}"), &canary),
        };
        let head = head.strip_suffix("\r\n").unwrap().as_bytes();
        [head, &self.fields, b"\r\n", &self.body].concat()
    }
}

/// Undoes `\r`, `\n`, `\t`, `\\` and `\xNN`.
fn unescape(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let (&sign, behind) = rest.split_first().expect(text);
        rest = behind;
        match sign {
            b'r' => bytes.push(b'\r'),
            b'n' => bytes.push(b'\n'),
            b't' => bytes.push(b'\t'),
            b'\\' => bytes.push(b'\\'),
            b'x' => {
                let digits = std::str::from_utf8(&rest[..2]).expect(text);
                bytes.push(u8::from_str_radix(digits, 16).expect(text));
                rest = &rest[2..];
            }
            _ => panic!("an escape that there is not: {text}"),
        }
    }
    bytes
}

#[test]
fn the_file_says_of_each_case_what_comes_of_it() {
    let cases = Case::all();
    assert!(cases.len() >= 72, "{}", cases.len());
    let mut names: Vec<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), cases.len(), "two cases of one name");
    for case in &cases {
        assert!(case.bytes.is_empty() != case.fields.is_empty(), "{}", case.name);
        assert!(!case.is_whole() || case.body.is_empty(), "{}", case.name);
        for expected in [&case.http, &case.ws] {
            let ending = expected.rsplit(" | ").next().unwrap();
            let endings = ["closed", "cut", "open", "waits", "frames"];
            assert!(endings.contains(&ending), "{}: {expected}", case.name);
        }
    }
}
