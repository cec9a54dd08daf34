//! Reloads while a round runs: the server's configuration changes again and again.
//!
//! Knows: a server's process, where its configuration is, several that it could have.
//! Must not know: messages, connections.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::options::Options;
use crate::target::{Failure, Role, Target};

/// Limits that go up and down; no message of a round is too long for any of them.
const LIMITS: [&str; 3] = [
    "max-message = \"256KiB\"\nroom-log = \"8MiB\"\nping-interval = \"20s\"\n",
    "max-message = \"128KiB\"\nroom-log = \"2MiB\"\noutbox = \"1MiB\"\nlog-age = \"1m\"\n",
    "max-message = \"1MiB\"\nroom-log = \"32MiB\"\nwrite-stall = \"5s\"\ncompression = true\n",
];
/// Tables of routes: those that are built in, one that has no path of theirs, a long one.
const ROUTES: [usize; 3] = [0, 1, 100];

/// Until the server has read it.
const TRIES_MAX: usize = 500;

/// Who changes it.
pub(crate) struct Reload {
    pid: Pid,
    every: Duration,
    file: Option<PathBuf>,
    /// When it does so next, in nanoseconds.
    next: u64,
    /// How often it did.
    pub(crate) count: u64,
}

impl Reload {
    /// If that is wanted.
    pub(crate) fn of(options: &Options) -> Option<Reload> {
        let pid = Pid::from_raw(options.server_pid?.cast_signed())?;
        let (every, file) = (options.reload_every?, options.reload_file.clone());
        Some(Reload { pid, every, file, next: 0, count: 0 })
    }

    /// Does so if it is time.
    pub(crate) fn look(&mut self, now: u64) -> Result<(), Failure> {
        if now < self.next {
            return Ok(());
        }
        self.next = now + self.every.as_nanos() as u64;
        self.reload(self.count as usize)?;
        self.count += 1;
        Ok(())
    }

    /// Puts back the routes that are built in: those of the next round must find them.
    pub(crate) fn put_back(&self, target: &Target, size: usize) -> Result<(), Failure> {
        self.reload(0)?;
        let mut tries = 0;
        while let Err(failure) = target.open(Role::Sender, &[0], size) {
            tries += 1;
            if tries == TRIES_MAX {
                return Err(failure);
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn reload(&self, number: usize) -> Result<(), Failure> {
        if let Some(file) = &self.file {
            // Whole at any time: the server may be reading it.
            let other = file.with_extension("next");
            fs::write(&other, text(number))
                .and_then(|()| fs::rename(&other, file))
                .map_err(Failure::io(format!("writing {}", file.display())))?;
        }
        let sent = kill_process(self.pid, Signal::HUP);
        sent.map_err(|error| Failure::io("sending SIGHUP")(error.into()))
    }
}

/// The configuration of that number.
fn text(number: usize) -> String {
    let mut text = LIMITS[number % LIMITS.len()].to_owned();
    let count = ROUTES[number / LIMITS.len() % ROUTES.len()];
    for number in 0..count {
        let path = format!("/route-{number}/{{room}}");
        text += &format!("[[route]]\npath = \"{path}\"\nbehaviour = \"broadcast\"\n");
    }
    text
}
