//! A log that nobody reads, and one that has no place to go (L17).

use crate::support::server::tidegate;
use crate::support::{PATIENCE, http};
use rustix::pipe::fcntl_setpipe_size;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStderr};

/// A server whose log is read only as far as we read it.
struct Unheard {
    child: Child,
    http: SocketAddr,
    log: Option<BufReader<ChildStderr>>,
}

impl Unheard {
    /// Logs a line for each connection; a page of its pipe holds some thirty.
    fn start() -> Unheard {
        let mut command = tidegate();
        command.env("TIDEGATE_LOG", "trace").args(["--cores", "2"]);
        command.args(["--ws-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"]);
        let mut child = command.spawn().expect("the server starts");
        let stderr = child.stderr.take().unwrap();
        fcntl_setpipe_size(&stderr, 4096).unwrap();
        let mut log = BufReader::with_capacity(64, stderr);
        let mut line = String::new();
        let http = loop {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "it has ended");
            if let Some(addr) = line.trim().strip_prefix("events, HTTP on") {
                break addr.trim().parse().unwrap();
            }
        };
        Unheard { child, http, log: Some(log) }
    }
}

impl Drop for Unheard {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const REQUESTS: usize = 300;

#[test]
fn a_log_that_nobody_reads_stops_nobody_and_is_whole_when_it_is_read() {
    let mut server = Unheard::start();
    for _ in 0..REQUESTS {
        assert_eq!(http::get(server.http, "/hello").status, 200);
    }
    // All of it has waited, as it is less than may wait.
    kill_process(Pid::from_child(&server.child), Signal::HUP).unwrap();
    let (mut log, mut lines, mut line) = (server.log.take().unwrap(), 0, String::new());
    while !line.contains("nothing to load anew") {
        line.clear();
        assert_ne!(log.read_line(&mut line).unwrap(), 0, "it has ended");
        assert!(line.ends_with('\n') && !line.contains("missing here"), "{line}");
        lines += 1;
    }
    assert!(lines > REQUESTS, "{lines} lines: each connection had one");
}

#[test]
fn a_server_whose_log_nobody_reads_still_stops() {
    let mut server = Unheard::start();
    for _ in 0..REQUESTS {
        assert_eq!(http::get(server.http, "/hello").status, 200);
    }
    kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_log_whose_reader_is_gone_stops_nobody() {
    let mut server = Unheard::start();
    server.log = None;
    for _ in 0..REQUESTS {
        assert_eq!(http::get(server.http, "/hello").status, 200);
    }
    kill_process(Pid::from_child(&server.child), Signal::TERM).unwrap();
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_full_disk_below_the_log_stops_nobody_not_even_the_start() {
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (ws, http) = (free(), free());
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = tidegate();
    command.env("TIDEGATE_LOG", "trace").stderr(full).args(["--cores", "2"]);
    command.args(["--ws-addr", &ws.to_string(), "--http-addr", &http.to_string()]);
    let mut child = command.spawn().unwrap();
    let deadline = std::time::Instant::now() + PATIENCE;
    while std::net::TcpStream::connect(http).is_err() {
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        assert!(std::time::Instant::now() < deadline);
    }
    for _ in 0..REQUESTS {
        assert_eq!(http::get(http, "/hello").status, 200);
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
