//! The opening handshake as a client sees it (RFC 6455 §4.1).
//!
//! Knows: the request, the answer that proves that it was understood, problem documents.
//! Must not know: what is said on the WebSocket afterwards, the command line.

use super::failure::{Failure, Refusal};
use super::screen::escape;
use super::token::read;
use super::url::Url;
use crate::ws::handshake::accept_key;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A head is refused if it is longer; twice what our own server would read of ours.
const HEAD_BYTES_MAX: usize = 32 * 1024;
const HEADERS_MAX: usize = 128;

/// What is read of a refusal: whoever explains more than this does not explain.
const BODY_BYTES_MAX: usize = 64 * 1024;

/// A field that only we can fill in.
const OWN_FIELDS: [&str; 6] = [
    "Upgrade",
    "Connection",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Extensions",
    "Content-Length",
];

/// Header fields that somebody wants to be sent.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    /// Adds `Name: value`, or says what is wrong with it.
    pub(super) fn add(&mut self, text: &str) -> Result<(), &'static str> {
        let (name, value) =
            text.split_once(':').ok_or("has no colon; write it like Name: value")?;
        if !is_token(name) {
            return Err("has a name that no header field can have");
        }
        if value.contains(|character: char| character.is_control() && character != '\t') {
            return Err("has a control character in its value");
        }
        if OWN_FIELDS.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return Err("is a part of the handshake itself");
        }
        self.0.push((name.to_owned(), value.trim().to_owned()));
        Ok(())
    }

    /// Adds one more subprotocol to those that are offered (RFC 6455 §4.1), or says what is wrong
    /// with it.
    pub(super) fn add_subprotocol(&mut self, name: &str) -> Result<(), &'static str> {
        if !is_token(name) {
            return Err("has a character that no subprotocol can have");
        }
        self.0.push(("Sec-WebSocket-Protocol".to_owned(), name.to_owned()));
        Ok(())
    }

    /// Adds the credential in `file`, as `Authorization: Bearer`.
    pub(super) fn add_token(&mut self, file: &str) -> Result<(), String> {
        if self.has("Authorization") {
            return Err("there is a --header Authorization, too; which one counts?".to_owned());
        }
        let token = read(file)?;
        let token = str::from_utf8(token.expose()).unwrap_or_default();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(format!("\"{}\" holds no credential on one line", escape(file)));
        }
        self.0.push(("Authorization".to_owned(), format!("Bearer {token}")));
        Ok(())
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(own, _)| own.eq_ignore_ascii_case(name))
    }
}

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
        head.check(&key, fields).map_err(Failure::NotWebSocket)?;
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
    for (name, value) in &fields.0 {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
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

/// The answer, without its body.
struct Head {
    status: u16,
    title: String,
    fields: Vec<(String, String)>,
}

impl Head {
    fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, Failure> {
        let mut fields = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut response = httparse::Response::new(&mut fields);
        let used = match response.parse(bytes).map_err(|_| Failure::NotHttp)? {
            httparse::Status::Complete(used) => used,
            httparse::Status::Partial => return Ok(None),
        };
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let fields = response.headers.iter();
        let head = Head {
            status: response.code.unwrap_or_default(),
            title: response.reason.unwrap_or_default().to_owned(),
            fields: fields.map(|field| (field.name.to_owned(), text(field.value))).collect(),
        };
        Ok(Some((head, used)))
    }

    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.fields.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.trim())
    }

    /// Whether one of the words of a list is there, in any case.
    fn lists(&self, name: &str, word: &str) -> bool {
        let mut words = self.all(name).flat_map(|value| value.split(','));
        words.any(|one| one.trim().eq_ignore_ascii_case(word))
    }

    /// RFC 6455 §4.1, what a client must fail for.
    fn check(&self, key: &str, fields: &Fields) -> Result<(), &'static str> {
        if !self.lists("Upgrade", "websocket") || !self.lists("Connection", "upgrade") {
            return Err("it upgrades the connection to something else");
        }
        let accept = accept_key(key.as_bytes());
        if !self.all("Sec-WebSocket-Accept").map(str::as_bytes).eq([accept]) {
            return Err("its Sec-WebSocket-Accept does not answer our key");
        }
        if self.all("Sec-WebSocket-Extensions").next().is_some() {
            return Err("it uses an extension that we did not offer");
        }
        let offers = fields.0.iter().filter(|(name, _)| is_protocol(name));
        let mut offered = offers.flat_map(|(_, value)| value.split(',')).map(str::trim);
        match self.all("Sec-WebSocket-Protocol").next() {
            Some(chosen) if !offered.any(|one| one == chosen) => {
                Err("it speaks a subprotocol that we did not offer")
            }
            _ => Ok(()),
        }
    }

    fn body_bytes(&self) -> usize {
        let length = self.all("Content-Length").next().and_then(|length| length.parse().ok());
        length.unwrap_or(BODY_BYTES_MAX).min(BODY_BYTES_MAX)
    }

    fn refusal(self, body: &[u8]) -> Refusal {
        let location = self.all("Location").next().map(str::to_owned);
        let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |name: &str| problem.get(name)?.as_str().map(str::to_owned);
        let (code, detail) = (text("code"), text("detail"));
        Refusal { status: self.status, title: self.title, code, detail, location }
    }
}

/// RFC 9110 §5.6.2.
fn is_token(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_allowed)
}

fn is_protocol(name: &str) -> bool {
    name.eq_ignore_ascii_case("Sec-WebSocket-Protocol")
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

    #[test]
    fn fields_are_what_a_request_can_have() {
        let mut fields = Fields::default();
        for text in ["A: b", "x-y:z", "Empty:", "Tab: a\tb", "Umlaut: grød", "A: again"] {
            assert_eq!(fields.add(text), Ok(()), "{text}");
        }
        for text in ["", "a", ": b", "a b: c", "ä: c", "a: b\r\nc: d", "a: \0", "upgrade: x"] {
            assert!(fields.add(text).is_err(), "{text}");
        }
        let url = Url::parse("ws://h:1/x").unwrap();
        let request = request(&url, &fields, "KEY");
        assert!(request.starts_with("GET /x HTTP/1.1\r\nHost: h:1\r\n"));
        assert!(request.ends_with("\r\nUmlaut: grød\r\nA: again\r\n\r\n"));
    }
}
