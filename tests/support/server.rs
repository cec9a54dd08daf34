//! One server: a process that ends with the test that started it.

use super::{PATIENCE, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) ws: SocketAddr,
    pub(crate) http: SocketAddr,
    child: Child,
    log: Arc<Log>,
    reader: Option<JoinHandle<()>>,
}

/// What it has written so far.
#[derive(Debug, Default)]
struct Log {
    lines: Mutex<Vec<String>>,
    grown: Condvar,
}

/// The binary, with an environment that says nothing.
pub(crate) fn tidegate() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

impl Server {
    /// Starts a server on ports that the system picks, on two cores whatever the machine has.
    pub(crate) fn start(options: &[&str]) -> Server {
        Server::start_with(tidegate().args(options))
    }

    /// Starts what `command` says, which must not name addresses or cores.
    pub(crate) fn start_with(command: &mut Command) -> Server {
        command.args(["--ws-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--cores", "2"]);
        Server::spawn(command)
    }

    /// Starts what `command` says.
    pub(crate) fn spawn(command: &mut Command) -> Server {
        let mut child = command.spawn().expect("the server starts");
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let log = Arc::new(Log::default());
        let lines = Arc::clone(&log);
        let reader = thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                lines.lines.lock().unwrap().push(line);
                lines.grown.notify_all();
            }
        });
        let ws = log.wait_for_address("WebSockets on");
        let http = log.wait_for_address("events, HTTP on");
        Server { ws, http, child, log, reader: Some(reader) }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// The memory that it has at the moment.
    pub(crate) fn resident_bytes(&self) -> u64 {
        let path = format!("/proc/{}/status", self.pid().as_raw_nonzero());
        let status = std::fs::read_to_string(path).expect("a Linux machine");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
        let kib = line.trim().strip_suffix(" kB").expect(line);
        1024 * kib.parse::<u64>().expect(line)
    }

    /// Asks it to stop.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::TERM);
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the server runs");
    }

    /// Waits for its end; its status, and all it wrote.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        let mut status = None;
        wait_until("the server ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        (status.unwrap(), self.full_log())
    }

    /// Ends it; all it wrote.
    pub(crate) fn stop(&mut self) -> String {
        self.terminate();
        self.child.wait().unwrap();
        self.full_log()
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits until a line of the log has `part` in it.
    pub(crate) fn wait_for_log(&self, part: &str) {
        self.wait_for_log_after(0, part);
    }

    /// What it has written so far.
    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lines.lock().unwrap().clone()
    }

    /// How many lines the log has.
    pub(crate) fn log_lines(&self) -> usize {
        self.log.lines.lock().unwrap().len()
    }

    /// The same of a line behind the first `seen`; gives it.
    pub(crate) fn wait_for_log_after(&self, seen: usize, part: &str) -> String {
        self.log.wait_for(seen, part, |line| line.contains(part).then(|| line.to_owned()))
    }

    fn full_log(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.log.lines.lock().unwrap().join("\n")
    }
}

impl Log {
    fn wait_for_address(&self, heading: &str) -> SocketAddr {
        self.wait_for(0, heading, |line| {
            // As people are told, or as their machines are.
            let told = line.trim().strip_prefix(heading);
            let member = if heading.starts_with("Web") { "\"ws\":\"" } else { "\"http\":\"" };
            let logged = || line.split_once(member)?.1.split('"').next();
            let addresses = told.or_else(logged)?;
            addresses.split(", ").next()?.trim().parse().ok()
        })
    }

    /// What is found in a line behind the first `seen`.
    fn wait_for<T>(&self, seen: usize, what: &str, find: impl Fn(&str) -> Option<T>) -> T {
        let lines = self.lines.lock().unwrap();
        let is_missing =
            |lines: &mut Vec<String>| !lines.iter().skip(seen).any(|line| find(line).is_some());
        let (lines, _) = self.grown.wait_timeout_while(lines, PATIENCE, is_missing).unwrap();
        let found = lines.iter().skip(seen).find_map(|line| find(line));
        found.unwrap_or_else(|| panic!("no {what:?} in the log:\n{}", lines.join("\n")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let log = self.full_log();
        if thread::panicking() {
            eprintln!("the server's log:\n{log}");
        } else {
            assert!(!log.contains("panicked"), "{log}");
        }
    }
}
