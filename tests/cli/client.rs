//! The client as a process: what is typed goes in, what is seen comes out.

use crate::support::server::tidegate;
use crate::support::{PATIENCE, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::mem;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

/// A running client.
pub(crate) struct Client {
    child: Child,
    /// What it reads. `None`: it has ended.
    keys: Option<Box<dyn Write + Send>>,
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
        Client { child, keys: Some(Box::new(keys)), out, err }
    }

    /// Starts it at a terminal of its own, which shows both what is typed and what is printed.
    pub(crate) fn at_terminal(args: &[&str]) -> Client {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let open = || OpenOptions::new().read(true).write(true).open(&path).unwrap();
        // A session of its own, so that the keys of this terminal send signals.
        let mut command = Command::new("setsid");
        command.args(["--ctty", env!("CARGO_BIN_EXE_tidegate"), "connect"]).args(args);
        command.stdin(open()).stdout(open()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("setsid of util-linux is there");
        // Its copies of the terminal must not outlive it.
        drop(command);
        let keys = File::from(master);
        let out = Seen::of(keys.try_clone().unwrap());
        let err = Seen::of(child.stderr.take().unwrap());
        Client { child, keys: Some(Box::new(keys)), out, err }
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

    /// Waits until it has ended by itself.
    pub(crate) fn wait(mut self) -> End {
        let mut status = None;
        wait_until("the client ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        self.keys = None;
        let (out, err) = (self.out.finish(), self.err.finish());
        End { status: status.unwrap().code(), out, err }
    }
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
        let seen = self.text.0.lock().unwrap();
        let is_missing = |seen: &mut Vec<u8>| !seen.ends_with(text.as_bytes());
        let (seen, result) = self.text.1.wait_timeout_while(seen, PATIENCE, is_missing).unwrap();
        let seen = String::from_utf8_lossy(&seen);
        assert!(!result.timed_out(), "in vain for {text:?}: {seen:?}");
    }

    pub(crate) fn finish(&mut self) -> String {
        self.reader.take().unwrap().join().unwrap();
        let seen = mem::take(&mut *self.text.0.lock().unwrap());
        String::from_utf8(seen).expect("UTF-8")
    }
}
