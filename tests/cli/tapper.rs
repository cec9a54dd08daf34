//! `tidegate tap` as a process, in pipes and at a terminal.

use crate::client::{End, Seen};
use crate::support::server::tidegate;
use crate::support::wait_until;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;
use std::fs::{File, OpenOptions};
use std::io;
use std::process::{Child, Command, Stdio};

/// A running reader of events.
pub(crate) struct Tapper {
    child: Child,
    pub(crate) out: Seen,
    pub(crate) err: Seen,
}

impl Tapper {
    /// Starts it with pipes for streams.
    pub(crate) fn start(args: &[&str]) -> Tapper {
        let mut command = tidegate();
        let mut child = command.arg("tap").args(args).stdout(Stdio::piped()).spawn().unwrap();
        let out = Seen::of(child.stdout.take().unwrap());
        let err = Seen::of(child.stderr.take().unwrap());
        Tapper { child, out, err }
    }

    /// Starts it at a terminal of its own, with these variables.
    pub(crate) fn at_terminal(args: &[&str], variables: &[(&str, &str)]) -> Tapper {
        Tapper::typed_at(args, variables, |_| Stdio::piped()).0
    }

    /// The same, and its complaints go there, too; with what types there.
    pub(crate) fn wholly_at_terminal(args: &[&str]) -> (Tapper, File) {
        Tapper::typed_at(args, &[("TERM", "dumb")], Stdio::from)
    }

    fn typed_at(
        args: &[&str],
        variables: &[(&str, &str)],
        err: impl FnOnce(File) -> Stdio,
    ) -> (Tapper, File) {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let open = || OpenOptions::new().read(true).write(true).open(&path).unwrap();
        let mut command = Command::new("setsid");
        command.args(["--ctty", env!("CARGO_BIN_EXE_tidegate"), "tap"]).args(args);
        command.env_clear().envs(variables.iter().copied());
        command.stdin(open()).stdout(open()).stderr(err(open()));
        let mut child = command.spawn().expect("setsid of util-linux is there");
        // Its copies of the terminal must not outlive it.
        drop(command);
        let master = File::from(master);
        let out = Seen::of(master.try_clone().unwrap());
        let err = match child.stderr.take() {
            Some(err) => Seen::of(err),
            None => Seen::of(io::empty()),
        };
        (Tapper { child, out, err }, master)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(mut self) -> End {
        let mut status = None;
        wait_until("tap ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let (out, err) = (self.out.finish(), self.err.finish());
        End { status: status.unwrap().code(), out, err }
    }

    /// The same, and it had nothing to complain of.
    pub(crate) fn wait_well(self) -> String {
        let end = self.wait();
        assert_eq!((end.status, end.err.as_str()), (Some(0), ""), "{end:?}");
        end.out
    }

    /// Asks it to end.
    pub(crate) fn interrupt(self) -> End {
        self.signal(Signal::INT);
        self.wait()
    }
}

impl Drop for Tapper {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What is there until now.
pub(crate) fn history(args: &[&str]) -> String {
    Tapper::start(&[&["--since", "earliest", "--no-follow"], args].concat()).wait_well()
}

/// The lines without their times, which must look like some.
pub(crate) fn without_times(out: &str) -> Vec<&str> {
    let cut = |line| match line {
        gap if str::starts_with(gap, "--") => gap,
        line => {
            let (time, rest) = line.split_at_checked(12).expect(line);
            let shape = time.replace(|digit: char| digit.is_ascii_digit(), "0");
            assert_eq!(shape, "00:00:00.000", "{line}");
            rest.strip_prefix("  ").expect(line)
        }
    };
    out.lines().map(cut).collect()
}

/// Lines of JSON.
pub(crate) fn json(out: &str) -> Vec<Value> {
    out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}
