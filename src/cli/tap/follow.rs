//! Events for as long as somebody wants them, whatever becomes of a connection.
//!
//! Knows: where to go on, whether to come back and what to say about it.
//! Must not know: bytes on the wire, how lines look.

use super::ends::{Ends, Woken};
use super::event::{self, Says};
use super::page::Page;
use super::pauses::Pauses;
use super::stream::{CONTENT_TYPE, Heard, Stream};
use super::trouble::Trouble;
use crate::cli::fields::Fields;
use crate::cli::reach::reach;
use crate::cli::url::Url;
use std::io::{self, ErrorKind, Write};
use std::time::{Duration, Instant};

/// So much of a line that makes no sense is repeated.
const LINE_SHOWN: usize = 200;

/// How long is waited for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// From the request to its answer.
    pub(super) answer: Duration,
    /// For anything at all: three of the server's heartbeats.
    pub(super) stall: Duration,
    /// Before the first try to come back, and the second; each time twice as long, up to the last.
    pub(super) pause: Duration,
    pub(super) pause_max: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        let [answer, stall, pause, pause_max] = [10, 45, 1, 10].map(Duration::from_secs);
        Patience { answer, stall, pause, pause_max }
    }
}

/// What is asked for.
pub(super) struct Wanted {
    pub(super) url: Url,
    pub(super) fields: Fields,
    /// The last event that need not come again.
    pub(super) last_id: Option<String>,
    pub(super) follows: bool,
    /// None: all of them.
    pub(super) types: Vec<String>,
    /// What is said when the server is reached.
    pub(super) greeting: Option<String>,
}

pub(super) struct Follow<W: Write> {
    wanted: Wanted,
    page: Page<W>,
    ends: Ends,
    patience: Patience,
    /// Says something to whoever started us.
    tell: fn(&str),
    /// A server was there once.
    was_reached: bool,
    /// Since when there is none.
    outage: Option<Instant>,
    pauses: Pauses,
}

impl<W: Write> Follow<W> {
    pub(super) fn new(
        wanted: Wanted,
        page: Page<W>,
        ends: Ends,
        patience: Patience,
        tell: fn(&str),
    ) -> Self {
        let (was_reached, outage) = (false, None);
        let pauses = Pauses::new(patience.pause, patience.pause_max);
        Follow { wanted, page, ends, patience, tell, was_reached, outage, pauses }
    }

    /// Goes on until nobody wants more, or until something stands in the way that will not pass.
    pub(super) fn run(mut self) -> Result<(), Trouble> {
        loop {
            let trouble = match self.stream() {
                Ok(()) => return Ok(()),
                // `tidegate tap | head`
                Err(Trouble::Output(error)) if error.kind() == ErrorKind::BrokenPipe => {
                    return Ok(());
                }
                Err(trouble) => trouble,
            };
            let may_pass = self.was_reached || matches!(trouble, Trouble::Busy(..));
            if !may_pass || !trouble.is_passing() {
                return Err(trouble);
            }
            self.was_reached = true;
            if self.outage.is_none() {
                self.outage = Some(Instant::now());
                (self.tell)(&format!("{trouble}; trying again"));
            }
            let pause = self.pause(&trouble)?;
            if self.ends.wait(None, pause)? == Woken::End {
                return Ok(());
            }
        }
    }

    /// One connection, from its beginning to its end.
    fn stream(&mut self) -> Result<(), Trouble> {
        if !self.ends.begin_alone()? {
            return Ok(());
        }
        let socket = reach(&self.wanted.url)?;
        self.ends.end_alone();
        let request = self.request();
        let stream = Stream::open(socket, &request, &self.ends, self.patience.answer)?;
        let Some(mut stream) = stream else { return Ok(()) };
        loop {
            self.show(&mut stream)?;
            match stream.hear(&self.ends, self.patience.stall)? {
                Heard::More => {}
                Heard::End => return Ok(()),
                // The server says first of all where a stream begins.
                Heard::Over
                    if !self.wanted.follows && self.outage.is_none() && self.was_reached =>
                {
                    return Ok(());
                }
                Heard::Over => return Err(Trouble::Ended),
            }
        }
    }

    fn request(&self) -> String {
        let Wanted { url, fields, last_id, .. } = &self.wanted;
        let mut request = format!("GET {} HTTP/1.1\r\n", url.target);
        if !fields.has("Host") {
            request.push_str(&format!("Host: {}\r\n", url.authority));
        }
        request.push_str(&format!("Accept: {CONTENT_TYPE}\r\n"));
        if let Some(id) = last_id {
            request.push_str(&format!("Last-Event-ID: {id}\r\n"));
        }
        fields.write(&mut request);
        request + "\r\n"
    }

    /// Shows every line that has come.
    fn show(&mut self, stream: &mut Stream) -> Result<(), Trouble> {
        while let Some(line) = stream.line() {
            let read = event::read(line).map_err(|fault| not_understood(line, fault))?;
            self.note_back();
            if is_wanted(&self.wanted.types, &read.says) {
                self.page.show(line, &read.says).map_err(Trouble::Output)?;
            }
            if let Says::Expired(reason) = read.says {
                self.page.flush().map_err(Trouble::Output)?;
                return Err(Trouble::Expired(reason));
            }
            self.wanted.last_id = read.id.or(self.wanted.last_id.take());
        }
        self.page.flush().map_err(Trouble::Output)
    }

    /// The server is there (again).
    fn note_back(&mut self) {
        self.was_reached = true;
        self.pauses.note_begun(Instant::now());
        if let Some(greeting) = self.wanted.greeting.take() {
            (self.tell)(&greeting);
        }
        if let Some(since) = self.outage.take() {
            let seconds = since.elapsed().as_secs_f64();
            (self.tell)(&format!("connected again after {seconds:.1} s"));
        }
    }

    /// How long to wait before the next try.
    fn pause(&mut self, trouble: &Trouble) -> io::Result<Duration> {
        self.pauses.note_gone(Instant::now());
        match trouble {
            Trouble::Busy(_, Some(time)) => self.pauses.behind(*time),
            _ => self.pauses.next(),
        }
    }
}

fn not_understood(line: &[u8], fault: event::Fault) -> Trouble {
    let shown = String::from_utf8_lossy(&line[..line.len().min(LINE_SHOWN)]).into_owned();
    match fault {
        event::Fault::NoEvent => Trouble::NotUnderstood(shown),
        event::Fault::BadId => Trouble::BadId(shown),
    }
}

/// What is told about a stream is always wanted.
fn is_wanted(types: &[String], says: &Says<'_>) -> bool {
    match says {
        Says::Event(event) => types.is_empty() || types.contains(&event.kind),
        Says::Nothing | Says::Gap(_) | Says::Expired(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::page::Look;
    use super::*;
    use crate::cli::failure::Refusal;
    use std::io::{BufRead, BufReader, Read};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;
    use std::thread;

    const EVENTS: u64 = 4;

    fn line(id: u64) -> String {
        format!("{{\"id\":\"e-{id}\",\"type\":\"message\",\"data\":{id}}}\n")
    }

    /// Takes a client, and gives the number of the event that it goes on behind.
    fn accept(listener: &TcpListener) -> (TcpStream, u64) {
        let stream = listener.accept().unwrap().0;
        let lines = BufReader::new(&stream).lines().map(Result::unwrap);
        let head: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
        let last = head.iter().find_map(|line| line.strip_prefix("Last-Event-ID: e-"));
        let last = last.map_or(0, |id| id.parse().unwrap());
        (stream, last)
    }

    /// The head of a stream, and what it brings to who goes on behind event `last`.
    fn answer(last: u64) -> (String, String) {
        let position = format!("{{\"id\":\"e-{last}\",\"type\":\"position\"}}\n");
        let body: String = (last + 1..=EVENTS).map(line).collect();
        let body = position + &body;
        let kind = format!("Content-Type: {CONTENT_TYPE}\r\nContent-Length: {}", body.len());
        (format!("HTTP/1.1 200 OK\r\n{kind}\r\n\r\n"), body)
    }

    /// What is printed by who reads from `listener` to the end, and never is patient.
    fn read(listener: &TcpListener, stall: Duration) -> String {
        let address = listener.local_addr().unwrap();
        let wanted = Wanted {
            url: Url::behind_scheme(&format!("{address}/events")).unwrap(),
            fields: Fields::default(),
            last_id: None,
            follows: false,
            types: Vec::new(),
            greeting: None,
        };
        let (signals, _mouth) = UnixStream::pair().unwrap();
        let (mut reader, writer) = io::pipe().unwrap();
        let out = writer.try_clone().unwrap().into();
        let ends = Ends { signals, out, is_idle: std::sync::Arc::default() };
        let page = Page::new(writer, Look { is_json: true, ..Look::default() });
        let pause = Duration::from_millis(1);
        let patience = Patience { stall, pause, pause_max: pause, ..Patience::default() };
        Follow::new(wanted, page, ends, patience, |_| {}).run().unwrap();
        let mut printed = String::new();
        reader.read_to_string(&mut printed).unwrap();
        printed
    }

    fn all() -> String {
        (1..=EVENTS).map(line).collect()
    }

    #[test]
    fn cutting_the_stream_anywhere_loses_nothing_and_brings_nothing_twice() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let whole = answer(0).1.len();
        // Who was never told where the stream begins has not reached a server.
        let told = answer(EVENTS).1.len();
        for cut in told..whole {
            thread::scope(|scope| {
                let reader = scope.spawn(|| read(&listener, Duration::from_secs(60)));
                let (mut stream, _) = accept(&listener);
                let (head, body) = answer(0);
                stream.write_all(head.as_bytes()).unwrap();
                stream.write_all(&body.as_bytes()[..cut]).unwrap();
                drop(stream);
                let (mut stream, last) = accept(&listener);
                let (head, body) = answer(last);
                stream.write_all((head + &body).as_bytes()).unwrap();
                assert_eq!(reader.join().unwrap(), all(), "{cut}");
            });
        }
    }

    #[test]
    fn a_connection_on_which_nothing_comes_any_more_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        thread::scope(|scope| {
            let reader = scope.spawn(|| read(&listener, Duration::from_millis(20)));
            let (mut stalled, _) = accept(&listener);
            let (head, body) = answer(0);
            stalled.write_all((head + &body[..body.len() - 1]).as_bytes()).unwrap();
            let (mut stream, last) = accept(&listener);
            assert_eq!(last, EVENTS - 1);
            let (head, body) = answer(last);
            stream.write_all((head + &body).as_bytes()).unwrap();
            assert_eq!(reader.join().unwrap(), all());
        });
    }

    #[test]
    fn only_who_lasted_was_back_and_who_says_when_is_asked_behind_that() {
        let patience = Patience::default();
        let url = Url::behind_scheme("localhost/").unwrap();
        let (fields, types) = (Fields::default(), Vec::new());
        let wanted = Wanted { url, fields, last_id: None, follows: true, types, greeting: None };
        let signals = UnixStream::pair().unwrap().0;
        let out = io::pipe().unwrap().1.into();
        let ends = Ends { signals, out, is_idle: std::sync::Arc::default() };
        let page = Page::new(Vec::new(), Look::default());
        let mut follow = Follow::new(wanted, page, ends, patience, |_| {});
        for most in [1, 2, 4].map(Duration::from_secs) {
            follow.note_back();
            let pause = follow.pause(&Trouble::Ended).unwrap();
            assert!(pause >= most / 2 && pause <= most, "{pause:?} of {most:?}");
        }
        for said in [0, 7].map(Duration::from_secs) {
            let pause = follow.pause(&Trouble::Busy(Refusal::default(), Some(said))).unwrap();
            let (least, most) = (said + patience.pause / 2, said + patience.pause);
            assert!(pause >= least && pause <= most, "{pause:?} for {said:?}");
        }
    }
}
