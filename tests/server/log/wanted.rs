//! What the environment asks of the log: the same for the server and for what checks it.

use crate::support::http::get;
use crate::support::server::tidegate;
use crate::support::{Folder, Server, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

fn check(variables: &[(&str, &[u8])]) -> (Option<i32>, String) {
    run(tidegate().arg("check").envs(values(variables)))
}

fn values<'v>(variables: &'v [(&str, &[u8])]) -> impl Iterator<Item = (&'v str, &'v OsStr)> {
    variables.iter().map(|(name, value)| (*name, OsStr::from_bytes(value)))
}

fn run(command: &mut Command) -> (Option<i32>, String) {
    let output = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn check_finds_what_would_keep_the_log_from_starting() {
    for (name, value, said) in [
        ("TIDEGATE_LOG", &b"verbose"[..], "\"verbose\" names no level"),
        ("TIDEGATE_LOG", b"inf\xff", "is not UTF-8"),
        ("RUST_LOG", b"inf\xff", "is not UTF-8"),
        ("TIDEGATE_LOG_FORMAT", b"xml", "\"xml\" is no format"),
        ("TIDEGATE_LOG_FORMAT", b"\xff", "is not UTF-8"),
        ("TIDEGATE_MAX_MESSAGE", b"\xff", "UTF-8"),
    ] {
        let checked = check(&[(name, value)]);
        let (status, text) = &checked;
        assert_eq!(*status, Some(2), "{text}");
        assert!(text.contains(name) && text.contains(said) && text.lines().count() == 1, "{text}");
        assert_eq!(run(tidegate().envs(values(&[(name, value)]))), checked, "the server says so");
    }
}

#[test]
fn what_has_no_effect_is_warned_of_by_check_and_at_the_start() {
    let variables = [("TIDEGATE_LOG", &b"acess=debug"[..]), ("TIDEGATE_MAX_MESAGE", b"1")];
    let warned = [
        "TIDEGATE_LOG: nothing is logged as \"acess\"; did you mean access?",
        "TIDEGATE_MAX_MESAGE: is the variable of no option",
    ];
    let (_, text) = check(&variables);
    let mut server = Server::start_with(tidegate().envs(values(&variables)));
    server.wait_for_log("TIDEGATE_MAX_MESAGE");
    let log = server.stop();
    for warning in warned {
        assert!(text.contains(&format!("warning: {warning}")), "{text}");
        assert!(log.contains(&format!("WARN ] {warning}")), "{log}");
    }
}

#[test]
fn who_asks_for_all_requests_still_hears_of_all_else() {
    let mut server = Server::start_with(tidegate().env("TIDEGATE_LOG", "access=debug"));
    get(server.http, "/hello");
    server.wait_for_log("path=/hello");
    let log = server.stop();
    assert!(log.contains("INFO ] pid "), "{log}");
    assert!(!log.contains("DEBUG connection]"), "{log}");
}

/// The system ends a process that makes a file longer than its limit, unless it hears the signal.
#[test]
fn a_log_that_may_not_grow_further_stops_nobody_and_its_lines_are_counted() {
    let free = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (ws, http) = (free(), free());
    let folder = Folder::new();
    let path = folder.write("log", "");
    let binary = tidegate();
    // In blocks, whose size shells do not agree on; a file of so many lines has more.
    let script = "ulimit -f 4; exec \"$@\"";
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh"]).arg(binary.get_program());
    command.env("TIDEGATE_LOG", "debug").args(["--cores", "1"]);
    command.args(["--ws-addr", &ws.to_string(), "--http-addr", &http.to_string()]);
    command.stderr(fs::OpenOptions::new().append(true).open(&path).unwrap());
    let mut child = command.spawn().unwrap();
    wait_until("it listens", || std::net::TcpStream::connect(http).is_ok());
    let lost = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("tidegate_log_lines_dropped_total "));
        line.unwrap().rsplit(' ').next().unwrap() != "0"
    };
    wait_until("lines are lost", || {
        (0..20).for_each(|_| assert_eq!(get(http, "/hello").status, 200));
        lost(&get(http, "/metrics").body)
    });
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(fs::metadata(&path).unwrap().len() >= 4 * 512);
}
