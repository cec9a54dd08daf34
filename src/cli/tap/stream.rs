//! One stream of events: a request, its answer, lines.
//!
//! Knows: a socket that does not block, which answers are events.
//! Must not know: what a line says, what is done when it breaks.

use super::body::{BadFraming, Body};
use super::ends::{Ends, Woken};
use super::trouble::Trouble;
use crate::cli::failure::Failure;
use crate::cli::response::{BODY_BYTES_MAX, HEAD_BYTES_MAX, Head};
use memchr::memchr;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime};

/// What is asked for.
pub(super) const CONTENT_TYPE: &str = "application/x-ndjson";

/// The longest line that is read. A server can be told to take messages of 64 MiB; of JSON that is
/// the line, in base64 85 MiB. Only text of control characters becomes longer than this.
pub(super) const LINE_BYTES_MAX: usize = 128 * 1024 * 1024;

const READ_BYTES: usize = 64 * 1024;

/// Nobody means to wait for longer than this.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// How it goes on.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Something has come.
    More,
    /// All of it has.
    Over,
    /// Nobody wants more of it.
    End,
}

pub(super) struct Stream {
    socket: TcpStream,
    /// What has come and was not looked at.
    input: Vec<u8>,
    body: Body,
    /// What the body has brought. Lines before `start` are dealt with; from there to `searched`
    /// none ends.
    lines: Vec<u8>,
    start: usize,
    searched: usize,
    /// Until when what ends the body may come.
    end_until: Option<Instant>,
}

impl Stream {
    /// Asks, and waits so long for the whole of an answer that is none. `None`: nobody wants it.
    pub(super) fn open(
        mut socket: TcpStream,
        request: &str,
        ends: &Ends,
        time: Duration,
    ) -> Result<Option<Stream>, Trouble> {
        let until = Instant::now() + time;
        socket.set_write_timeout(Some(time))?;
        socket.write_all(request.as_bytes()).map_err(|error| Failure::HungUp(Some(error)))?;
        socket.set_nonblocking(true)?;
        let (input, lines) = (Vec::new(), Vec::new());
        let (body, start, searched, end_until) = (Body::Open, 0, 0, None);
        let mut stream = Stream { socket, input, body, lines, start, searched, end_until };
        let Some(head) = stream.head(ends, until, time)? else { return Ok(None) };
        let framing = Body::behind(&head);
        if head.status == 200 && is_events(&head) {
            stream.body = framing?;
            stream.body.take(&mut stream.input, &mut stream.lines)?;
            return Ok(Some(stream));
        }
        if head.status / 100 == 2 {
            return Err(Trouble::NotEvents(other_answer(&head)));
        }
        // Whatever of it is missing, the status is there.
        stream.body = framing.unwrap_or(Body::Left(0));
        stream.read_refusal(ends, until)?;
        Err(refusal(head, &stream.lines))
    }

    /// What comes before it counts: all together, in bytes and in time.
    fn head(
        &mut self,
        ends: &Ends,
        until: Instant,
        time: Duration,
    ) -> Result<Option<Head>, Trouble> {
        let mut skipped = 0;
        loop {
            match Head::parse(&self.input)? {
                Some((head, used)) => {
                    self.input.drain(..used);
                    skipped += used;
                    // RFC 9110 §15.2: what comes before the answer.
                    if head.status / 100 != 1 || head.status == 101 {
                        return Ok(Some(head));
                    }
                    if skipped > HEAD_BYTES_MAX {
                        return Err(Failure::NotHttp.into());
                    }
                }
                None if skipped + self.input.len() > HEAD_BYTES_MAX => {
                    return Err(Failure::NotHttp.into());
                }
                // What trickles in is there even when the time is over.
                None if left(until).is_zero() => return Err(Failure::Silent(time).into()),
                None => match ends.wait(Some(&self.socket), left(until))? {
                    Woken::End => return Ok(None),
                    Woken::Time => return Err(Failure::Silent(time).into()),
                    Woken::Stream => match self.read() {
                        Ok(true) => {}
                        Ok(false) if self.input.is_empty() => {
                            return Err(Failure::HungUp(None).into());
                        }
                        Ok(false) => return Err(Failure::NotHttp.into()),
                        Err(error) => return Err(Failure::HungUp(Some(error)).into()),
                    },
                },
            }
        }
    }

    fn read_refusal(&mut self, ends: &Ends, until: Instant) -> Result<(), Trouble> {
        loop {
            let is_broken = self.body.take(&mut self.input, &mut self.lines).is_err();
            let is_enough = self.lines.len() > BODY_BYTES_MAX || left(until).is_zero();
            if is_broken || self.body.is_over() || is_enough {
                return Ok(());
            }
            if ends.wait(Some(&self.socket), left(until))? != Woken::Stream {
                return Ok(());
            }
            if !self.read().unwrap_or(false) {
                return Ok(());
            }
        }
    }

    /// Waits for more, but not longer than `stall`.
    pub(super) fn hear(&mut self, ends: &Ends, stall: Duration) -> Result<Heard, Trouble> {
        self.lines.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        if self.body.is_over() {
            return self.over();
        }
        let time = self.time(stall)?;
        match ends.wait(Some(&self.socket), time)? {
            Woken::End => return Ok(Heard::End),
            Woken::Time => return Err(Trouble::Stalled(stall)),
            Woken::Stream => {}
        }
        if !self.read().map_err(Trouble::Lost)? {
            return if self.body.may_end() { self.over() } else { Err(Trouble::Ended) };
        }
        self.body.take(&mut self.input, &mut self.lines)?;
        match self.lines.len() {
            0..=LINE_BYTES_MAX => Ok(Heard::More),
            _ if memchr(b'\n', &self.lines[self.searched..]).is_some() => Ok(Heard::More),
            _ => Err(Trouble::LongLine),
        }
    }

    /// How long is waited for more. All that is waited for only because it ends the body has that
    /// time together.
    fn time(&mut self, stall: Duration) -> Result<Duration, Trouble> {
        if !self.body.is_ending() {
            return Ok(stall);
        }
        let time = left(*self.end_until.get_or_insert_with(|| Instant::now() + stall));
        if time.is_zero() { Err(Trouble::Stalled(stall)) } else { Ok(time) }
    }

    /// A line without its end is none: it comes again.
    fn over(&self) -> Result<Heard, Trouble> {
        if self.lines.is_empty() { Ok(Heard::Over) } else { Err(Trouble::Ended) }
    }

    /// The next line of what has come, without its end.
    pub(super) fn line(&mut self) -> Option<&[u8]> {
        let Some(at) = memchr(b'\n', &self.lines[self.searched..]) else {
            self.searched = self.lines.len();
            return None;
        };
        let (start, end) = (self.start, self.searched + at);
        self.start = end + 1;
        self.searched = self.start;
        Some(&self.lines[start..end])
    }

    /// Reads once; `false` at the end.
    fn read(&mut self) -> io::Result<bool> {
        let filled = self.input.len();
        self.input.resize(filled + READ_BYTES, 0);
        let read = self.socket.read(&mut self.input[filled..]);
        self.input.truncate(filled + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(n) => Ok(n > 0),
            Err(error)
                if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) =>
            {
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }
}

impl From<BadFraming> for Trouble {
    fn from(BadFraming: BadFraming) -> Trouble {
        Trouble::NotEvents("where the answer ends makes no sense".to_owned())
    }
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

fn is_events(head: &Head) -> bool {
    let is_plain = head.all("Content-Encoding").all(|coding| coding == "identity");
    let kind = head.all("Content-Type").next().and_then(|kind| kind.split(';').next());
    is_plain && kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case(CONTENT_TYPE))
}

/// What an answer is that is no stream of events.
fn other_answer(head: &Head) -> String {
    let kind = head.all("Content-Type").next().unwrap_or("no type");
    let coding = head.all("Content-Encoding").next();
    let coding = coding.map(|coding| format!(", {coding}")).unwrap_or_default();
    format!("the answer is {} {kind}{coding} instead of {CONTENT_TYPE}", head.status)
}

fn refusal(head: Head, body: &[u8]) -> Trouble {
    let is_busy = [429, 503].contains(&head.status);
    let wait = head.all("Retry-After").next().and_then(|text| retry_after(text, SystemTime::now()));
    let refusal = head.refusal(body);
    if is_busy { Trouble::Busy(refusal, wait) } else { Failure::Refused(refusal).into() }
}

/// RFC 9110 §10.2.3: seconds, or a date.
fn retry_after(text: &str, now: SystemTime) -> Option<Duration> {
    let wait = match text.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let date = httpdate::parse_http_date(text).ok()?;
            date.duration_since(now).unwrap_or_default()
        }
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::os::unix::net::UnixStream;
    use std::thread;

    const SOON: Duration = Duration::from_millis(50);

    /// What comes of an answer that begins with `first` and goes on with `rest`, with `pause` each,
    /// for as long as anybody reads it.
    fn read(first: &str, rest: &str, pause: Duration, time: Duration) -> Trouble {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (signals, _mouth) = UnixStream::pair().unwrap();
        let (_reader, out) = io::pipe().unwrap();
        let ends = Ends { signals, out: out.into(), is_idle: std::sync::Arc::default() };
        thread::scope(|scope| {
            scope.spawn(|| {
                let mut socket = listener.accept().unwrap().0;
                let _ = socket.write_all(first.as_bytes());
                while socket.write_all(rest.as_bytes()).is_ok() {
                    thread::sleep(pause);
                }
            });
            let socket = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            let mut stream = match Stream::open(socket, "GET / HTTP/1.1\r\n\r\n", &ends, time) {
                Ok(stream) => stream.unwrap(),
                Err(trouble) => return trouble,
            };
            loop {
                match stream.hear(&ends, time) {
                    Ok(heard) => assert_eq!(heard, Heard::More),
                    Err(trouble) => return trouble,
                }
            }
        })
    }

    #[test]
    fn what_comes_before_an_answer_or_behind_it_counts_in_bytes_and_in_time() {
        const HEAD: &str = "HTTP/1.1 200 x\r\nContent-Type: application/x-ndjson\r\n\
                            Transfer-Encoding: chunked\r\n\r\n0\r\n";
        let (before, field) = ("HTTP/1.1 103 x\r\n\r\n", "a: b\r\n");
        let (at_once, long) = (Duration::ZERO, Duration::from_secs(60));
        let trouble = read("", before, at_once, long);
        assert!(matches!(trouble, Trouble::Way(Failure::NotHttp)), "{trouble:?}");
        let trouble = read("", before, SOON / 10, SOON);
        assert!(matches!(trouble, Trouble::Way(Failure::Silent(SOON))), "{trouble:?}");
        let trouble = read(HEAD, field, at_once, long);
        assert!(matches!(trouble, Trouble::NotEvents(_)), "{trouble:?}");
        let trouble = read(HEAD, field, SOON / 10, SOON);
        assert!(matches!(trouble, Trouble::Stalled(SOON)), "{trouble:?}");
    }

    #[test]
    fn a_server_says_in_seconds_or_by_a_date_when_it_has_time() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (text, seconds) in [
            ("2", Some(2)),
            ("0", Some(0)),
            ("99999999999", Some(3600)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sun, 06 Nov 1994 08:49:07 GMT", Some(0)),
            ("soon", None),
            ("-1", None),
        ] {
            assert_eq!(retry_after(text, now), seconds.map(Duration::from_secs), "{text}");
        }
    }

    #[test]
    fn only_lines_of_json_are_events() {
        let head = |fields: &str| {
            let head = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
            Head::parse(head.as_bytes()).unwrap().unwrap().0
        };
        for fields in [
            "Content-Type: application/x-ndjson\r\n",
            "content-type: Application/X-NDJSON; charset=utf-8\r\nContent-Encoding: identity\r\n",
        ] {
            assert!(is_events(&head(fields)), "{fields}");
        }
        for (fields, what) in [
            ("", "200 no type instead of"),
            ("Content-Type: text/event-stream\r\n", "200 text/event-stream instead of"),
            (
                "Content-Type: application/x-ndjson\r\nContent-Encoding: gzip\r\n",
                "200 application/x-ndjson, gzip instead of",
            ),
        ] {
            let head = head(fields);
            assert!(!is_events(&head) && other_answer(&head).contains(what), "{fields}");
        }
    }
}
