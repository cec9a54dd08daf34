//! The client as a process: what is typed goes in, what is seen comes out.

use crate::support::server::tidegate;
use crate::support::{PATIENCE, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, Termios, Winsize, tcgetattr, tcsetattr, tcsetwinsize};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::mem;
use std::num::NonZero;
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

/// The size of the terminals here.
const ROWS: u16 = 24;
pub(crate) const COLUMNS: u16 = 80;

/// What stands on a screen before a client does: nobody begins at the top of it.
const COMMAND_LINE: &str = "$ tidegate connect\n";

/// A running client.
pub(crate) struct Client {
    child: Child,
    /// What it reads. `None`: it has ended.
    keys: Option<Box<dyn Write + Send>>,
    /// The other end of its terminal.
    terminal: Option<File>,
    out: Seen,
    err: Seen,
}

/// How it ended, and all that it printed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) status: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// What is printed, as it comes.
pub(crate) struct Seen {
    text: Arc<(Mutex<Vec<u8>>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

impl Client {
    /// Starts `tidegate connect` with pipes for streams.
    pub(crate) fn start(args: &[&str]) -> Client {
        let mut command = tidegate();
        command.arg("connect").args(args).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the client starts");
        let keys = child.stdin.take().unwrap();
        let out = Seen::of(child.stdout.take().unwrap());
        let err = Seen::of(child.stderr.take().unwrap());
        Client { child, keys: Some(Box::new(keys)), terminal: None, out, err }
    }

    /// Starts it at a terminal of its own, which shows both what is typed and what is printed.
    pub(crate) fn at_terminal(args: &[&str]) -> Client {
        Client::at_terminal_with(&[], args)
    }

    /// The same, in another environment.
    pub(crate) fn at_terminal_with(environment: &[(&str, &str)], args: &[&str]) -> Client {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        set_size(&master, COLUMNS);
        let open = || OpenOptions::new().read(true).write(true).open(&path).unwrap();
        open().write_all(COMMAND_LINE.as_bytes()).unwrap();
        // A session of its own, so that the keys of this terminal send signals.
        let mut command = Command::new("setsid");
        command.args(["--ctty", env!("CARGO_BIN_EXE_tidegate"), "connect"]).args(args);
        command.env("TERM", "xterm-256color").env_remove("NO_COLOR");
        command.envs(environment.iter().copied());
        command.stdin(open()).stdout(open()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("setsid of util-linux is there");
        // Its copies of the terminal must not outlive it.
        drop(command);
        let keys = File::from(master);
        let terminal = Some(keys.try_clone().unwrap());
        let out = Seen::of(keys.try_clone().unwrap());
        let err = Seen::of(child.stderr.take().unwrap());
        Client { child, keys: Some(Box::new(keys)), terminal, out, err }
    }

    pub(crate) fn type_in(&mut self, text: impl AsRef<[u8]>) {
        self.keys.as_mut().unwrap().write_all(text.as_ref()).expect("the client reads");
    }

    /// Nothing more is typed.
    pub(crate) fn end_input(&mut self) {
        self.keys = None;
    }

    /// Its input, to write to it beside reading.
    pub(crate) fn take_keys(&mut self) -> Box<dyn Write + Send> {
        self.keys.take().unwrap()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the client runs");
    }

    /// Waits until what is printed ends with `text`.
    pub(crate) fn wait_for(&self, text: &str) {
        self.out.wait_for(text);
    }

    /// Waits until somebody who looks at its terminal sees these lines, and nothing else.
    pub(crate) fn wait_to_see(&self, lines: &[&str]) {
        self.wait_to_see_at(COLUMNS, lines);
    }

    /// The same, on a screen of another width.
    pub(crate) fn wait_to_see_at(&self, columns: u16, lines: &[&str]) {
        let expected = joined(lines);
        self.out.wait_until(&expected, |bytes| shown(&screen(bytes, columns)) == expected);
    }

    /// Waits until the editor has drawn its line so many times, however that looks.
    pub(crate) fn wait_to_be_drawn(&self, times: usize) {
        const DRAWN: &[u8] = b"\x1b[?2026l";
        let drawn = |bytes: &[u8]| bytes.windows(DRAWN.len()).filter(|it| *it == DRAWN).count();
        self.out.wait_until("a drawing", |bytes| drawn(bytes) >= times);
    }

    /// Waits until these are the last lines that are seen.
    pub(crate) fn wait_to_see_last(&self, lines: &[&str]) {
        let expected = joined(lines);
        self.out.wait_until(&expected, |bytes| {
            let seen = shown(&screen(bytes, COLUMNS));
            seen.strip_suffix(&expected).is_some_and(|it| it.is_empty() || it.ends_with('\n'))
        });
    }

    /// Where the cursor is: row, with the command line as row 0, and column.
    pub(crate) fn cursor(&self) -> (u16, u16) {
        screen(&self.out.text.0.lock().unwrap(), COLUMNS).cursor_position()
    }

    /// Makes its terminal as wide as that.
    pub(crate) fn resize(&self, columns: u16) {
        set_size(self.terminal.as_ref().unwrap(), columns);
    }

    /// How its terminal is set.
    pub(crate) fn modes(&self) -> Termios {
        tcgetattr(self.terminal.as_ref().unwrap()).unwrap()
    }

    /// Sets its terminal as somebody else would.
    pub(crate) fn set_modes(&self, modes: &Termios) {
        tcsetattr(self.terminal.as_ref().unwrap(), OptionalActions::Now, modes).unwrap();
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(mut self) -> End {
        let mut status = None;
        wait_until("the client ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        (self.keys, self.terminal) = (None, None);
        let (out, err) = (self.out.finish(), self.err.finish());
        End { status: status.unwrap().code(), out, err }
    }
}

impl End {
    /// What was left on the screen.
    pub(crate) fn screen(&self) -> String {
        shown(&screen(self.out.as_bytes(), COLUMNS))
    }
}

fn set_size(terminal: impl AsFd, columns: u16) {
    let size = Winsize { ws_row: ROWS, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).unwrap();
}

/// What a terminal shows that was sent `bytes`.
fn screen(bytes: &[u8], columns: u16) -> vt100::Screen {
    let [rows, columns] = [ROWS, columns].map(|length| NonZero::new(length).unwrap());
    let mut terminal = vt100::Parser::new(rows, columns, 0);
    terminal.process(bytes);
    terminal.screen().clone()
}

/// Its rows below the command line, to the last that is not empty; spaces at an end are not seen.
fn shown(screen: &vt100::Screen) -> String {
    let rows: Vec<_> = screen.rows(0, screen.size().1.get()).collect();
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    joined(rows.strip_prefix(&[COMMAND_LINE.trim_end()]).unwrap_or(&rows))
}

fn joined(lines: &[&str]) -> String {
    let lines: Vec<_> = lines.iter().map(|line| line.trim_end()).collect();
    lines.join("\n").trim_end_matches('\n').to_owned()
}

impl Drop for Client {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Seen {
    pub(crate) fn of(mut stream: impl Read + Send + 'static) -> Seen {
        let text = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let shared = Arc::clone(&text);
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            // At the end of a terminal there is an error.
            while let Ok(n @ 1..) = stream.read(&mut bytes) {
                shared.0.lock().unwrap().extend_from_slice(&bytes[..n]);
                shared.1.notify_all();
            }
        });
        Seen { text, reader: Some(reader) }
    }

    /// Waits until it ends with `text`.
    pub(crate) fn wait_for(&self, text: &str) {
        self.wait_until(text, |seen| seen.ends_with(text.as_bytes()));
    }

    fn wait_until(&self, what: &str, is_there: impl Fn(&[u8]) -> bool) {
        let seen = self.text.0.lock().unwrap();
        let is_missing = |seen: &mut Vec<u8>| !is_there(seen);
        let (seen, result) = self.text.1.wait_timeout_while(seen, PATIENCE, is_missing).unwrap();
        let seen = String::from_utf8_lossy(&seen);
        assert!(!result.timed_out(), "in vain for {what:?}: {seen:?}");
    }

    pub(crate) fn finish(&mut self) -> String {
        self.reader.take().unwrap().join().unwrap();
        let seen = mem::take(&mut *self.text.0.lock().unwrap());
        String::from_utf8(seen).expect("UTF-8")
    }
}
