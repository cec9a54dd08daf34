//! What is said on the WebSocket, and when.
//!
//! Knows: messages, lines, the prompt, whose turn it is, how a connection ends.
//! Must not know: how the server was reached, frames, what the standard streams are.
//!
//! With a prompt, a line is asked for when the server has answered the last one, so that answers
//! and prompts do not race on the screen. Not every line has an answer, so a ping goes behind each:
//! once its pong is there the server has dealt with the line, and soon after that we ask.

use super::closes::Told;
use super::complain;
use super::failure::Failure;
use super::lines::Lines;
use super::losses::Losses;
use super::peer::{Heard, MESSAGE_BYTES_MAX, Peer};
use super::screen::Screen;
use crate::limits::Limits;
use crate::ws::Fault;
use crate::ws::close::{self, CloseCode};
use crate::ws::frame::Opcode;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io::{self, ErrorKind, Read, Write};
use std::mem;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// The word that ends it, on a line of its own.
const EXIT: &[u8] = b"exit";

/// How long is waited for what.
pub(super) struct Patience {
    /// For a pong, before a line is asked for.
    pub(super) pong: Duration,
    /// Behind the pong, for an answer that takes the server a little longer.
    pub(super) answer: Duration,
    /// From our close frame to the server's.
    pub(super) close: Duration,
    /// From the server's close frame to the end of the connection.
    pub(super) end: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        let (pong, answer) = (Duration::from_secs(5), Duration::from_millis(200));
        let Limits { closing: close, linger: end, .. } = Limits::default();
        Patience { pong, answer, close, end }
    }
}

pub(super) struct Conversation<R: Read + AsFd, W: Write> {
    peer: Peer,
    /// Something comes from there when we are asked to end.
    signals: UnixStream,
    lines: Lines<R>,
    screen: Screen<W>,
    manner: Manner,
    patience: Patience,
    phase: Phase,
    turn: Turn,
    lines_read: u64,
    losses: Losses,
}

/// Who it is that speaks to the server.
#[derive(Clone, Copy)]
pub(super) struct Manner {
    /// The word `exit` ends it. Who uses it sees what is refused; others are told of it at the end.
    pub(super) may_exit: bool,
    /// Somebody at a terminal, who is told of every end.
    pub(super) is_person: bool,
}

/// How far it is from its end.
enum Phase {
    Open,
    /// We have closed, and wait until then for the server's close frame.
    Leaving(Instant),
    /// It has come. The server ends the connection (RFC 6455 §7.1.1), but not later than then.
    Closed {
        code: CloseCode,
        reason: String,
        until: Instant,
        by_server: bool,
    },
}

/// Whose turn it is.
enum Turn {
    /// A line is read.
    Ours,
    /// Until then the server may answer; so much longer when the pong has come.
    Server(Instant, Duration),
}

impl<R: Read + AsFd, W: Write> Conversation<R, W> {
    pub(super) fn new(
        peer: Peer,
        signals: UnixStream,
        lines: Lines<R>,
        screen: Screen<W>,
        manner: Manner,
    ) -> Self {
        let patience = Patience::default();
        let (phase, turn) = (Phase::Open, Turn::Ours);
        let (lines_read, losses) = (0, Losses::default());
        Conversation {
            peer,
            signals,
            lines,
            screen,
            manner,
            patience,
            phase,
            turn,
            lines_read,
            losses,
        }
    }

    /// Goes on to the end, and gives what there is to say about that.
    pub(super) fn run(mut self) -> Result<Option<String>, Failure> {
        let end = self.converse();
        // Whoever closed our output does not want to hear of it.
        let _ = self.screen.finish();
        self.losses.conclude(end)
    }

    fn converse(&mut self) -> Result<Option<String>, Failure> {
        // A greeting comes before the first prompt.
        self.pass_turn(Duration::ZERO)?;
        loop {
            self.hear()?;
            self.say_lines()?;
            self.peer.send()?;
            if let Some(end) = self.end() {
                return end;
            }
            self.wait()?;
        }
    }

    /// Takes what has come.
    fn hear(&mut self) -> Result<(), Failure> {
        while !matches!(self.phase, Phase::Closed { .. }) {
            match self.peer.hear() {
                Ok(Some(heard)) => self.take(heard)?,
                Ok(None) => return self.show(|screen| screen.flush()),
                Err(fault) => return Err(self.give_up(fault)),
            }
        }
        // Behind a close frame nothing counts.
        self.peer.ignore();
        self.show(|screen| screen.flush())
    }

    fn take(&mut self, heard: Heard) -> Result<(), Failure> {
        match heard {
            Heard::Text(text) => {
                self.turn = Turn::Ours;
                if !self.manner.may_exit {
                    self.losses.note(&text);
                }
                self.show(|screen| screen.show_text(&text))
            }
            Heard::Binary(bytes) => {
                self.turn = Turn::Ours;
                self.show(|screen| screen.show_binary(&bytes))
            }
            Heard::Ping(payload) => self.peer.answer_ping(payload),
            Heard::Pong => {
                if let Turn::Server(until, longer) = &mut self.turn {
                    *until = (*until).min(Instant::now() + *longer);
                }
                Ok(())
            }
            Heard::Close(code, reason) => {
                let by_server = matches!(self.phase, Phase::Open);
                if by_server {
                    // RFC 6455 §5.5.1: echo the code we were sent.
                    let payload = code.map(|code| close::payload(code, ""));
                    self.peer.say(Opcode::Close, payload.as_deref().unwrap_or_default())?;
                }
                let code = code.unwrap_or(CloseCode::NO_STATUS);
                let until = Instant::now() + self.patience.end;
                self.phase = Phase::Closed { code, reason, until, by_server };
                Ok(())
            }
        }
    }

    /// If nobody looks at it any more, there is nothing more to do here.
    fn show(&mut self, show: impl FnOnce(&mut Screen<W>) -> io::Result<()>) -> Result<(), Failure> {
        match show(&mut self.screen) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => self.leave(),
            other => Ok(other?),
        }
    }

    /// Says every line that may be said by now.
    fn say_lines(&mut self) -> Result<(), Failure> {
        if matches!(self.turn, Turn::Server(until, _) if Instant::now() >= until) {
            self.turn = Turn::Ours;
        }
        while self.wants_line() {
            self.show(|screen| screen.ask())?;
            let Some(line) = self.lines.next() else {
                if self.lines.has_ended() {
                    return self.leave();
                }
                return match self.lines.open_bytes() {
                    0..=MESSAGE_BYTES_MAX => Ok(()),
                    _ => Err(Failure::LongLine(MESSAGE_BYTES_MAX)),
                };
            };
            self.lines_read += 1;
            self.screen.note_line();
            if self.manner.may_exit && line.trim_ascii() == EXIT {
                return self.leave();
            }
            if str::from_utf8(line).is_err() {
                self.lose(&format!("line {} is not UTF-8; it is not sent", self.lines_read));
                // Nothing may come for long that would show it.
                self.show(|screen| screen.flush())?;
                continue;
            }
            self.peer.say(Opcode::Text, line)?;
            self.pass_turn(self.patience.answer)?;
        }
        Ok(())
    }

    fn lose(&mut self, why: &str) {
        self.losses.has_unsent = true;
        if !self.screen.tell(why) {
            complain(why);
        }
    }

    fn wants_line(&self) -> bool {
        let is_open = matches!(self.phase, Phase::Open) && self.peer.is_gone.is_none();
        is_open && matches!(self.turn, Turn::Ours) && !self.peer.is_full()
    }

    /// The server is to speak now, if somebody is asked for lines.
    fn pass_turn(&mut self, longer: Duration) -> Result<(), Failure> {
        if !self.screen.has_prompt() {
            return Ok(());
        }
        self.turn = Turn::Server(Instant::now() + self.patience.pong, longer);
        self.peer.say(Opcode::Ping, b"")
    }

    /// Closes, unless that has been done.
    fn leave(&mut self) -> Result<(), Failure> {
        if matches!(self.phase, Phase::Open) {
            self.phase = Phase::Leaving(Instant::now() + self.patience.close);
            // From here on a signal of the terminal's keys is one again. Whoever closed our output
            // does not want to hear of it.
            let _ = self.screen.finish();
            self.peer.say(Opcode::Close, &close::payload(CloseCode::NORMAL, ""))?;
        }
        Ok(())
    }

    /// Tells the server what it did wrong, if it still listens.
    fn give_up(&mut self, fault: Fault) -> Failure {
        let payload = close::payload(fault.close_code(), fault.reason());
        if matches!(self.phase, Phase::Open) && self.peer.say(Opcode::Close, &payload).is_ok() {
            // It is over either way.
            let _ = self.peer.send();
        }
        Failure::Broken(fault)
    }

    /// Whether it is over, and how it was.
    fn end(&mut self) -> Option<Result<Option<String>, Failure>> {
        let now = Instant::now();
        match &mut self.phase {
            Phase::Closed { code, reason, until, by_server }
                if self.peer.is_gone.is_some() || now >= *until =>
            {
                let is_agreed = [CloseCode::NORMAL, CloseCode::NO_STATUS].contains(code);
                if !is_agreed {
                    return Some(Err(Failure::Closed(*code, mem::take(reason))));
                }
                let told = Told(*code, reason);
                Some(Ok(match by_server {
                    true => Some(format!("closed by the server: {told}")),
                    false => self.manner.is_person.then(|| format!("closed: {told}")),
                }))
            }
            Phase::Leaving(until) if self.peer.is_gone.is_none() && now >= *until => {
                Some(Err(Failure::Unanswered(self.patience.close)))
            }
            Phase::Closed { .. } => None,
            Phase::Open | Phase::Leaving(_) => {
                self.peer.is_gone.take().map(|error| Err(Failure::Lost(error)))
            }
        }
    }

    /// Waits until something can be done, and reads what there is.
    fn wait(&mut self) -> Result<(), Failure> {
        let mut wanted = PollFlags::IN;
        wanted.set(PollFlags::OUT, self.peer.has_output());
        let timeout = self.timeout();
        let mut polled =
            vec![PollFd::new(&self.signals, PollFlags::IN), PollFd::new(&self.peer.stream, wanted)];
        if self.wants_line() {
            polled.push(PollFd::new(&self.lines.input, PollFlags::IN));
        }
        match poll(&mut polled, timeout.as_ref()) {
            Err(Errno::INTR) => return Ok(()),
            result => result?,
        };
        // Errors and ends are read, too.
        let is_readable = |fd: &PollFd<'_>| !(fd.revents() - PollFlags::OUT).is_empty();
        let [signal, stream, line] =
            [0, 1, 2].map(|index| polled.get(index).is_some_and(is_readable));
        drop(polled);
        if stream {
            self.peer.receive();
        }
        if line && let Err(error) = self.lines.fill() {
            self.lose(&format!("standard input: {error}"));
        }
        if signal {
            // One is enough; the next ends the process.
            let _ = self.signals.read(&mut [0; 8])?;
            self.leave()?;
        }
        Ok(())
    }

    /// Until something is due by itself.
    fn timeout(&self) -> Option<Timespec> {
        let due = match (&self.phase, &self.turn) {
            (Phase::Leaving(until) | Phase::Closed { until, .. }, _) => *until,
            (Phase::Open, Turn::Server(until, _)) => *until,
            (Phase::Open, Turn::Ours) => return None,
        };
        Timespec::try_from(due.saturating_duration_since(Instant::now())).ok()
    }
}
