//! A terminal that nobody sits at: a program writes to it, and what is typed goes in.

use super::PATIENCE;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::{Child, Command};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// A program at a terminal of its own.
pub(crate) struct Terminal {
    child: Child,
    keys: File,
    seen: Arc<Seen>,
}

/// What was written to it so far.
#[derive(Default)]
struct Seen {
    screen: Mutex<Screen>,
    changed: Condvar,
}

#[derive(Default)]
struct Screen {
    bytes: Vec<u8>,
    has_ended: bool,
}

impl Terminal {
    /// Starts `program`, which reads from and writes to a terminal alone.
    pub(crate) fn start(program: &mut Command) -> Terminal {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let open = || OpenOptions::new().read(true).write(true).open(&path).unwrap();
        // A session of its own, so that the keys of this terminal send signals.
        let mut command = Command::new("setsid");
        command.args(["--ctty", "--wait"]).arg(program.get_program()).args(program.get_args());
        if let Some(folder) = program.get_current_dir() {
            command.current_dir(folder);
        }
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdin(open()).stdout(open()).stderr(open());
        let child = command.spawn().expect("setsid of util-linux is there");
        // Its copies of the terminal must not outlive it.
        drop(command);
        let keys = File::from(master);
        let seen = Arc::new(Seen::default());
        let (mut screen, own) = (keys.try_clone().unwrap(), Arc::clone(&seen));
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            // When nobody has the terminal any more there is an error.
            while let Ok(n @ 1..) = screen.read(&mut bytes) {
                own.screen.lock().unwrap().bytes.extend_from_slice(&bytes[..n]);
                own.changed.notify_all();
            }
            own.screen.lock().unwrap().has_ended = true;
            own.changed.notify_all();
        });
        Terminal { child, keys, seen }
    }

    pub(crate) fn type_in(&mut self, text: impl AsRef<[u8]>) {
        self.keys.write_all(text.as_ref()).expect("the program reads");
    }

    /// Waits until `found` gives something for the whole lines that are there; it is told whether
    /// there will be more.
    pub(crate) fn wait_for<T>(
        &self,
        what: &str,
        found: impl Fn(&[String], bool) -> Option<T>,
    ) -> T {
        let mut value = None;
        let screen = self.seen.screen.lock().unwrap();
        let is_missing = |screen: &mut Screen| {
            value = found(&lines(&screen.bytes, screen.has_ended), screen.has_ended);
            value.is_none() && !screen.has_ended
        };
        let (screen, _) =
            self.seen.changed.wait_timeout_while(screen, PATIENCE, is_missing).unwrap();
        let shown = lines(&screen.bytes, true).join("\n");
        drop(screen);
        value.unwrap_or_else(|| panic!("in vain for {what:?}; the terminal shows:\n{shown}"))
    }

    /// Waits until it asks for a line with `prompt`: nothing stands behind that yet.
    pub(crate) fn wait_for_prompt(&self, prompt: &str) {
        let screen = self.seen.screen.lock().unwrap();
        let is_missing = |screen: &mut Screen| {
            let asks = lines(&screen.bytes, true).last().is_some_and(|line| line == prompt);
            !asks && !screen.has_ended
        };
        let (screen, _) =
            self.seen.changed.wait_timeout_while(screen, PATIENCE, is_missing).unwrap();
        let lines = lines(&screen.bytes, true);
        let asks = lines.last().is_some_and(|line| line == prompt);
        drop(screen);
        assert!(asks, "in vain for a prompt; the terminal shows:\n{}", lines.join("\n"));
    }

    /// Waits for its end; whether it was a good one.
    pub(crate) fn wait(&mut self) -> bool {
        self.wait_for("its end", |_, has_ended| has_ended.then_some(()));
        self.child.wait().unwrap().success()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Whatever runs at a terminal is told when it is gone; it may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What somebody reads on a terminal to which `bytes` were written: no colours, and of what was
/// written on one line again and again the last.
fn lines(bytes: &[u8], all: bool) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines: Vec<String> = plain(&text).split('\n').map(last_of).collect();
    // The last one is not finished yet.
    if !all || lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines
}

fn last_of(line: &str) -> String {
    let line = line.trim_end_matches('\r');
    line.rsplit('\r').next().unwrap_or(line).trim_end().to_owned()
}

/// `text` without control sequences (ECMA-48 §5.4).
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text.chars();
    while let Some(one) = rest.next() {
        if one != '\x1b' {
            plain.push(one);
        } else if rest.next() == Some('[') {
            rest.by_ref().find(|end| ('\x40'..='\x7e').contains(end));
        }
    }
    plain
}
