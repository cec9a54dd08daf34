//! What is typed, done: the binary as it is, and the least of a curl and of a WebSocket.
//!
//! In the table the server is at ports 8080 and 8082; it really is where the system had a place.

use crate::support::http::{Response, request};
use crate::support::server::tidegate;
use crate::support::websocket::handshake;
use crate::support::{Folder, Message, PATIENCE, Server, WebSocket, Wire};
use std::fs;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

const WS: &str = "8080";
const HTTP: &str = "8082";
/// The number of its process.
const PID: &str = "1234";

/// A shell of a kind.
#[derive(Debug)]
pub(crate) struct Doing {
    folder: Folder,
    server: Option<Server>,
}

impl Default for Doing {
    fn default() -> Doing {
        Doing { folder: Folder::new(), server: None }
    }
}

impl Doing {
    /// A file beside which everything is started. Nobody else may read it.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.folder.write(name, text);
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// Does what `line` says; what is said to that.
    pub(crate) fn run(&mut self, line: &str) -> String {
        let words = words(line);
        let at = words.iter().position(|word| !is_setting(word)).expect(line);
        let (settings, command) = words.split_at(at);
        match (command[0].as_str(), command.last().map(String::as_str)) {
            ("tidegate", Some("&")) => {
                self.serve(&command[1..command.len() - 1]);
                String::new()
            }
            ("tidegate", _) => self.start(settings, &command[1..]),
            ("curl", _) => {
                let [ws, http] = self.addresses();
                self.honest(&curl(&command[1..], ws, http))
            }
            ("websocket", _) => {
                let [ws, http] = self.addresses();
                self.honest(&websocket(&command[1..], ws, http))
            }
            _ => panic!("{line}"),
        }
    }

    fn serve(&mut self, options: &[String]) {
        self.server = None;
        let mut command = tidegate();
        command.args(options).current_dir(self.folder.path("."));
        self.server = Some(Server::start_with(&mut command));
    }

    /// Where WebSockets connect, and the other.
    fn addresses(&self) -> [SocketAddr; 2] {
        let server = self.server.as_ref().expect("a server");
        [server.ws, server.http]
    }

    /// The binary with these words behind it, from its beginning to its end.
    fn start(&self, settings: &[String], words: &[String]) -> String {
        // What the system is fit for is not the same everywhere.
        let (words, wanted) = match words {
            [words @ .., pipe, grep, wanted] if pipe == "|" && grep == "grep" => {
                (words, Some(wanted))
            }
            words => (words, None),
        };
        let (words, input) = match words {
            [words @ .., sign, text] if sign == "<<<" => (words, format!("{text}\n")),
            words => (words, String::new()),
        };
        let mut command = tidegate();
        command.args(words.iter().map(|word| self.really(word)));
        for setting in settings {
            let (name, value) = setting.split_once('=').unwrap();
            command.env(name, value);
        }
        let (status, said) = finish(command.current_dir(self.folder.path(".")), &input);
        let said = said.replace(&format!("{}/", self.folder.path(".")), "");
        let said = self
            .server
            .iter()
            .fold(said, |said, server| said.replace(&server.pid().to_string(), PID));
        match wanted {
            None => format!("{}(status {status})\n", self.as_written(&said)),
            Some(wanted) => {
                let lines: Vec<&str> = said.lines().filter(|line| line.contains(wanted)).collect();
                if lines.is_empty() { "(nothing)\n".to_owned() } else { lines.join("\n") }
            }
        }
    }

    /// With the ports that there really are.
    fn really(&self, text: &str) -> String {
        match self.ports() {
            None => text.to_owned(),
            Some([ws, http]) => exchanged(text, [(WS, &ws), (HTTP, &http)], |_| {}),
        }
    }

    /// With the ports of the table.
    fn as_written(&self, text: &str) -> String {
        match self.ports() {
            None => text.to_owned(),
            Some([ws, http]) => exchanged(text, [(&ws, WS), (&http, HTTP)], |_| {}),
        }
    }

    /// The same of what a server says, which has to know where it is.
    fn honest(&self, said: &str) -> String {
        let [ws, http] = self.ports().expect("a server");
        exchanged(said, [(&ws, WS), (&http, HTTP)], |rest| {
            assert!(!rest.contains(WS) && !rest.contains(HTTP), "no such port: {said}");
        })
    }

    fn ports(&self) -> Option<[String; 2]> {
        let server = self.server.as_ref()?;
        Some([server.ws, server.http].map(|addr| addr.port().to_string()))
    }
}

/// One text for the other; `check` sees what is neither. A port may be a part of another one.
fn exchanged(text: &str, pairs: [(&str, &str); 2], check: impl Fn(&str)) -> String {
    let marks = ["\u{1}", "\u{2}"];
    let marked = pairs
        .iter()
        .zip(marks)
        .fold(text.to_owned(), |text, ((from, _), mark)| text.replace(from, mark));
    check(&marked);
    pairs.iter().zip(marks).fold(marked, |text, ((_, to), mark)| text.replace(mark, to))
}

fn is_setting(word: &str) -> bool {
    let is_mark = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let is_name = |name: &str| name.bytes().all(is_mark);
    word.split_once('=').is_some_and(|(name, _)| is_name(name))
}

/// As a shell takes a line apart: by blanks, but for those in quotes.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut quote) = (Vec::new(), None);
    let mut word: Option<String> = None;
    for char in line.chars() {
        match (quote, char) {
            (None, ' ') => words.extend(word.take()),
            (None, '\'' | '"') => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (Some(open), char) if open == char => quote = None,
            (_, char) => word.get_or_insert_default().push(char),
        }
    }
    assert_eq!(quote, None, "{line}");
    words.extend(word);
    words.iter().map(|word| stretched(word)).collect()
}

/// With `xxx` for `{3}`.
fn stretched(word: &str) -> String {
    let of = |part: &str| {
        let (number, rest) = part.split_once('}')?;
        Some(format!("{}{rest}", "x".repeat(number.parse().ok()?)))
    };
    let mut parts = word.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |word, part| word + &of(part).unwrap_or_else(|| format!("{{{part}")))
}

/// Its status, and all it says. Who would stay for ever is stopped.
fn finish(command: &mut Command, input: &str) -> (i32, String) {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    // Whoever reads nothing has closed it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let reader = thread::spawn(move || {
        let mut text = String::new();
        out.read_to_string(&mut text).unwrap();
        text
    });
    let watched = Instant::now();
    let mut said = String::new();
    err.read_to_string(&mut said).unwrap();
    let status = child.wait().unwrap();
    assert!(watched.elapsed() < PATIENCE, "{command:?}");
    (status.code().expect("no signal"), reader.join().unwrap() + &said)
}

/// Scheme, address and target of a URL.
fn place(url: &str, ws: SocketAddr, http: SocketAddr) -> (&str, SocketAddr, &str) {
    let (scheme, rest) = url.split_once("://").expect(url);
    let end = rest.find('/').expect(url);
    let (authority, target) = rest.split_at(end);
    let addr = match authority.rsplit_once(':').expect(url).1 {
        WS => ws,
        HTTP => http,
        other => panic!("{other}"),
    };
    (scheme, addr, target)
}

fn curl(words: &[String], ws: SocketAddr, http: SocketAddr) -> String {
    let (mut method, mut fields, mut body, mut url) = ("GET", String::new(), "", "");
    let (mut is_http_1_0, mut is_http_2) = (false, false);
    let mut words = words.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "-X" => method = words.next().unwrap(),
            "-H" => fields.push_str(&format!("{}\r\n", words.next().unwrap())),
            "-d" => {
                body = words.next().unwrap();
                method = if method == "GET" { "POST" } else { method };
            }
            "--http1.0" => is_http_1_0 = true,
            "--http2-prior-knowledge" => is_http_2 = true,
            word => url = word,
        }
    }
    let (scheme, addr, target) = place(url, ws, http);
    if !body.is_empty() {
        fields.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    let mut bytes = match (scheme, is_http_2) {
        ("https", _) => client_hello(),
        (_, true) => b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec(),
        _ => request(addr, method, target, &fields).into_bytes(),
    };
    if fields.contains("Host: ") {
        bytes = format!("{method} {target} HTTP/1.1\r\n{fields}\r\n").into_bytes();
    }
    if is_http_1_0 {
        let text = String::from_utf8(bytes).unwrap();
        bytes = text.replacen("HTTP/1.1", "HTTP/1.0", 1).into_bytes();
    }
    bytes.extend_from_slice(body.as_bytes());
    let mut wire = Wire::connect(addr);
    wire.write(&bytes);
    let response = wire.read_response().expect("an answer");
    if response.closes() {
        assert_eq!(wire.read_to_end(), b"", "{url}");
        assert!(!wire.is_reset(), "what was said must arrive");
    }
    told(&response)
}

/// The record and the beginning of a ClientHello (RFC 8446 §4.1.2).
fn client_hello() -> Vec<u8> {
    let mut hello = vec![0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03];
    hello.resize(5 + 512, 0x5a);
    hello
}

/// An answer as a person would tell it.
fn told(response: &Response) -> String {
    let is_problem = response.header("content-type") == Some("application/problem+json");
    if !is_problem {
        return format!("{} {}\n", response.status, response.body.lines().next().unwrap_or(""));
    }
    let body: serde_json::Value = serde_json::from_str(&response.body).unwrap();
    let detail = body["detail"].as_str().unwrap();
    format!("{} {}: {detail}\n", response.status, response.code())
}

/// `URL [--header LINE]… [MESSAGE]…`: opens one, and says something; what comes to that.
fn websocket(words: &[String], ws: SocketAddr, http: SocketAddr) -> String {
    let mut words = words.iter().map(String::as_str);
    let (scheme, addr, target) = place(words.next().unwrap(), ws, http);
    let (mut fields, mut messages) = (String::new(), Vec::new());
    while let Some(word) = words.next() {
        match word {
            "--header" => fields.push_str(&format!("{}\r\n", words.next().unwrap())),
            message => messages.push(message),
        }
    }
    let mut wire = Wire::connect(addr);
    let head = handshake(addr, target, &fields);
    // Of a field that is given only that one is sent.
    let head = match fields.contains("Sec-WebSocket-Version: ") {
        true => head.replacen("Sec-WebSocket-Version: 13\r\n", "", 1),
        false => head,
    };
    wire.write(if scheme == "wss" { client_hello() } else { head.into_bytes() }.as_slice());
    let response = wire.read_response().expect("an answer");
    if response.status != 101 {
        return told(&response);
    }
    let mut said = String::new();
    let mut websocket = WebSocket { wire };
    for message in messages {
        match message.strip_prefix("bytes:") {
            Some(hex) => websocket.say_binary(&bytes(hex)),
            None => websocket.say(message),
        }
        match websocket.hear() {
            Message::Text(text) => said.push_str(&format!("{text}\n")),
            other => said.push_str(&format!("{other:?}\n")),
        }
    }
    said
}

fn bytes(hex: &str) -> Vec<u8> {
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    hex.as_bytes().chunks(2).map(byte).collect()
}
