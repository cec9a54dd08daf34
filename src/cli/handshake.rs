//! The opening handshake as a client sees it (RFC 6455 §4.1).
//!
//! Knows: the request, the answer that proves that it was understood.
//! Must not know: what is said on the WebSocket afterwards, the command line.

use super::failure::Failure;
use super::fields::{Fields, Reserved};
use super::response::{HEAD_BYTES_MAX, Head};
use super::url::Url;
use crate::ws::handshake::accept_key;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// The fields of the handshake itself.
pub(super) const RESERVED: Reserved = Reserved {
    names: &[
        "Upgrade",
        "Connection",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "Sec-WebSocket-Extensions",
        "Content-Length",
    ],
    why: "is a part of the handshake itself",
};

/// Makes a WebSocket of `stream`, in the time of `patience`. Gives the bytes that came behind the
/// answer: the server may have spoken already.
pub(super) fn shake_hands(
    stream: &mut TcpStream,
    url: &Url,
    fields: &Fields,
    patience: Duration,
) -> Result<Vec<u8>, Failure> {
    let deadline = Instant::now() + patience;
    let mut nonce = [0; 16];
    getrandom::fill(&mut nonce).map_err(io::Error::from)?;
    let key = STANDARD.encode(nonce);
    stream.set_write_timeout(Some(patience))?;
    stream
        .write_all(request(url, fields, &key).as_bytes())
        .map_err(|error| unanswered(error, patience))?;
    let mut bytes = Vec::new();
    let (head, used) = loop {
        if !fill(stream, &mut bytes, deadline).map_err(|error| unanswered(error, patience))? {
            return Err(if bytes.is_empty() { Failure::HungUp(None) } else { Failure::NotHttp });
        }
        match Head::parse(&bytes)? {
            Some(found) => break found,
            None if bytes.len() > HEAD_BYTES_MAX => return Err(Failure::NotHttp),
            None => {}
        }
    };
    bytes.drain(..used);
    if head.status == 101 {
        check(&head, &key, fields).map_err(Failure::NotWebSocket)?;
        return Ok(bytes);
    }
    if head.status / 100 == 2 {
        return Err(Failure::NotWebSocket("it takes the handshake for an ordinary request"));
    }
    // Whatever of it is missing, the status is there.
    while bytes.len() < head.body_bytes() && fill(stream, &mut bytes, deadline).unwrap_or(false) {}
    Err(Failure::Refused(head.refusal(&bytes)))
}

fn request(url: &Url, fields: &Fields, key: &str) -> String {
    let mut request = format!("GET {} HTTP/1.1\r\n", url.target);
    if !fields.has("Host") {
        request.push_str(&format!("Host: {}\r\n", url.authority));
    }
    request.push_str("Upgrade: websocket\r\nConnection: Upgrade\r\n");
    request.push_str(&format!("Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"));
    fields.write(&mut request);
    request + "\r\n"
}

/// Reads some more before `deadline`; `false` at the end.
fn fill(stream: &mut TcpStream, bytes: &mut Vec<u8>, deadline: Instant) -> io::Result<bool> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    stream.set_read_timeout(Some(left))?;
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(n) => {
                bytes.extend_from_slice(&piece[..n]);
                return Ok(n > 0);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn unanswered(error: io::Error, patience: Duration) -> Failure {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => Failure::Silent(patience),
        _ => Failure::HungUp(Some(error)),
    }
}

/// RFC 6455 §4.1, what a client must fail for.
fn check(head: &Head, key: &str, fields: &Fields) -> Result<(), &'static str> {
    if !head.lists("Upgrade", "websocket") || !head.lists("Connection", "upgrade") {
        return Err("it upgrades the connection to something else");
    }
    let accept = accept_key(key.as_bytes());
    if !head.all("Sec-WebSocket-Accept").map(str::as_bytes).eq([accept]) {
        return Err("its Sec-WebSocket-Accept does not answer our key");
    }
    if head.all("Sec-WebSocket-Extensions").next().is_some() {
        return Err("it uses an extension that we did not offer");
    }
    let offers = fields.all("Sec-WebSocket-Protocol");
    let mut offered = offers.flat_map(|value| value.split(',')).map(str::trim);
    match head.all("Sec-WebSocket-Protocol").next() {
        Some(chosen) if !offered.any(|one| one == chosen) => {
            Err("it speaks a subprotocol that we did not offer")
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    const SOON: Duration = Duration::from_millis(50);

    fn shake(listener: &TcpListener, patience: Duration) -> Result<Vec<u8>, Failure> {
        let address = listener.local_addr().unwrap();
        let url = Url::parse(&format!("ws://{address}/")).unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        shake_hands(&mut stream, &url, &Fields::default(), patience)
    }

    #[test]
    fn silence_is_not_waited_out() {
        // The kernel takes the connection; nobody ever will.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        assert!(matches!(shake(&listener, SOON), Err(Failure::Silent(SOON))));
    }

    /// Each byte comes in time, and the answer never.
    #[test]
    fn an_answer_that_trickles_in_is_not_waited_for_for_ever() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut stream = listener.accept().unwrap().0;
                while stream.write_all(b"\r\n").is_ok() {
                    thread::sleep(SOON / 10);
                }
            });
            let end = shake(&listener, SOON);
            assert!(matches!(end, Err(Failure::Silent(SOON))), "{end:?}");
        });
    }

    #[test]
    fn an_answer_that_does_not_end_is_none() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut stream = listener.accept().unwrap().0;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n");
                while stream.write_all(b"a: b\r\n").is_ok() {}
            });
            let end = shake(&listener, Duration::from_secs(60));
            assert!(matches!(end, Err(Failure::NotHttp)), "{end:?}");
        });
    }
}
