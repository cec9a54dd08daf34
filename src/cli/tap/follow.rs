//! Events for as long as somebody wants them, whatever becomes of a connection.
//!
//! Knows: where to go on, when to come back and what to say about it.
//! Must not know: bytes on the wire, how lines look.

use super::ends::{Ends, Woken};
use super::event::{self, Says};
use super::page::Page;
use super::stream::{CONTENT_TYPE, Heard, Stream};
use super::trouble::Trouble;
use crate::cli::complain;
use crate::cli::fields::Fields;
use crate::cli::reach::reach;
use crate::cli::url::Url;
use std::io::{self, ErrorKind, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
    pub(super) wanted: Wanted,
    pub(super) page: Page<W>,
    pub(super) ends: Ends,
    /// Nothing is half done: a signal may end the process.
    pub(super) is_idle: Arc<AtomicBool>,
    pub(super) patience: Patience,
    /// A server was there once.
    was_reached: bool,
    /// Since when there is none.
    outage: Option<Instant>,
    tries: u32,
}

impl<W: Write> Follow<W> {
    pub(super) fn new(
        wanted: Wanted,
        page: Page<W>,
        ends: Ends,
        is_idle: Arc<AtomicBool>,
        patience: Patience,
    ) -> Self {
        let (was_reached, outage, tries) = (false, None, 0);
        Follow { wanted, page, ends, is_idle, patience, was_reached, outage, tries }
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
                complain(&format!("{trouble}; trying again"));
            }
            let pause = self.pause(&trouble)?;
            if self.ends.wait(None, pause)? == Woken::End {
                return Ok(());
            }
        }
    }

    /// One connection, from its beginning to its end.
    fn stream(&mut self) -> Result<(), Trouble> {
        self.is_idle.store(true, Ordering::SeqCst);
        // What came before a signal could end us by itself.
        if self.ends.wait(None, Duration::ZERO)? == Woken::End {
            return Ok(());
        }
        let socket = reach(&self.wanted.url)?;
        self.is_idle.store(false, Ordering::SeqCst);
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
            let Some(read) = event::read(line) else {
                let shown = String::from_utf8_lossy(&line[..line.len().min(LINE_SHOWN)]);
                return Err(Trouble::NotUnderstood(shown.into_owned()));
            };
            note_back(&mut self.outage, &mut self.was_reached, &mut self.wanted.greeting);
            self.tries = 0;
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

    /// How long to wait before the next try: longer and longer, and not all readers of a server that
    /// restarts at once.
    fn pause(&mut self, trouble: &Trouble) -> Result<Duration, Trouble> {
        if let Trouble::Busy(_, Some(time)) = trouble {
            return Ok(*time);
        }
        let most = self.patience.pause.saturating_mul(1 << self.tries.min(16));
        self.tries += 1;
        let mut dice = [0; 4];
        getrandom::fill(&mut dice).map_err(io::Error::from)?;
        let share = f64::from(u32::from_le_bytes(dice)) / f64::from(u32::MAX);
        Ok(most.min(self.patience.pause_max).mul_f64(0.5 + share / 2.0))
    }
}

/// The server is there (again).
fn note_back(outage: &mut Option<Instant>, was_reached: &mut bool, greeting: &mut Option<String>) {
    *was_reached = true;
    if let Some(greeting) = greeting.take() {
        complain(&greeting);
    }
    if let Some(since) = outage.take() {
        complain(&format!("connected again after {:.1} s", since.elapsed().as_secs_f64()));
    }
}

/// What is told about a stream is always wanted.
fn is_wanted(types: &[String], says: &Says<'_>) -> bool {
    match says {
        Says::Event(event) => types.is_empty() || types.contains(&event.kind),
        Says::Nothing | Says::Gap(_) | Says::Expired(_) => true,
    }
}
