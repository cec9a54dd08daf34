//! A connection that is told bytes and tells what came of them, and how to tell it in exact pieces.

use super::corpus::Listener;
use super::echoes::CANARY;
use crate::support::http::{Response, request};
use crate::support::server::tidegate;
use crate::support::websocket::handshake;
use crate::support::{Message, Server, WebSocket, Wire};
use std::net::SocketAddr;

/// A server that waits as long as a slow machine needs, so that nothing but bytes decides. One
/// core, so that [`Witness`] is read from by the same loop as everybody else.
pub(super) fn patient(options: &[&str]) -> Server {
    let mut command = tidegate();
    command.args(["--ws-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--cores", "1"]);
    command.args(["--head-time", "1h", "--keep-alive", "1h", "--linger", "1h"]);
    Server::spawn(command.args(options))
}

/// What follows each payload: a request that must not be taken for something else, nor found where
/// there is none.
pub(super) fn next(listener: Listener, addr: SocketAddr) -> Vec<u8> {
    match listener {
        Listener::Http => request(addr, "GET", "/livez", ""),
        // If it were taken for a request, it would publish.
        Listener::WebSocket => handshake(addr, "/ws/smuggled?connectionId=smuggled", ""),
    }
    .into_bytes()
}

/// Another connection to the same loop: once it is answered, the loop has read what was written to
/// others before. So pieces arrive as pieces.
#[derive(Debug)]
pub(super) struct Witness {
    wire: Wire,
    question: Vec<u8>,
}

impl Witness {
    pub(super) fn of(server: &Server) -> Witness {
        let question = request(server.http, "GET", "/livez", "").into_bytes();
        Witness { wire: Wire::connect(server.http), question }
    }

    pub(super) fn sees(&mut self) {
        self.wire.write(&self.question);
        assert_eq!(self.wire.read_response().expect("an answer").body, "ok\n");
    }

    /// Writes `bytes` to `wire`, cut at `cuts`, each piece when the one before was read.
    pub(super) fn write_in_pieces(&mut self, wire: &mut Wire, bytes: &[u8], cuts: &[usize]) {
        let mut from = 0;
        for &to in cuts.iter().chain(&[bytes.len()]) {
            wire.try_write(&bytes[from..to]);
            self.sees();
            from = to;
        }
    }
}

/// What came of a connection, in the words of the corpus. `ending` is the one that is expected: it
/// says how to find out.
pub(super) fn outcome(mut wire: Wire, addr: SocketAddr, ending: &str) -> String {
    match ending {
        "open" => wire.write(request(addr, "GET", "/hello", "Connection: close\r\n").as_bytes()),
        "waits" => wire.finish(),
        _ => {}
    }
    let (mut said, mut says_close) = (Vec::new(), false);
    while let Some(response) = wire.read_response() {
        says_close = response.closes();
        said.push(in_words(&response));
        if response.status == 101 {
            break;
        }
    }
    match (ending, said.last().map(String::as_str)) {
        (_, Some("101")) => {
            said.push(if fails(WebSocket { wire }) { "frames" } else { "no frames" }.to_owned());
            return said.join(" | ");
        }
        ("open", Some("200 world")) if says_close => *said.last_mut().unwrap() = "open".to_owned(),
        ("waits", _) => said.push("waits".to_owned()),
        _ => said.push(if says_close { "closed" } else { "cut" }.to_owned()),
    }
    assert_eq!(wire.read_to_end(), b"", "behind the last answer comes nothing");
    assert!(!wire.is_reset(), "what was said must arrive");
    said.join(" | ")
}

/// An answer as status and code, or as status and what it says.
pub(super) fn in_words(response: &Response) -> String {
    assert!(response.header("date").is_some(), "{response:?}");
    let repeated = format!("{response:?}").to_lowercase().contains(CANARY);
    assert!(!repeated, "what was asked is repeated: {response:?}");
    match (response.status, response.body.as_str()) {
        (200, "ok\n") => "200 next".to_owned(),
        (200, r#"{"response":"world"}"#) => "200 world".to_owned(),
        (101, "") => "101".to_owned(),
        (status, _) => format!("{status} {}", response.code()),
    }
}

/// Whether what comes is a close frame for one who does not speak WebSocket, and then the end.
fn fails(mut websocket: WebSocket) -> bool {
    let is_failed = matches!(websocket.next(), Some(Message::Close(Some(1002), _)));
    is_failed && websocket.next().is_none()
}
