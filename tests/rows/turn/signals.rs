//! Signals at the wrong moment, too many of them, and those that mean something else (L15).

use crate::support::server::tidegate;
use crate::support::{EventStream, Folder, Message, Server, WebSocket, http, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, IsTerminal};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;

/// It is a server on ports of the system's choice.
fn start() -> Child {
    let args = ["--ws-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0", "--cores", "2"];
    tidegate().args(args).spawn().expect("the server starts")
}

/// Before it listens it may be killed by it; from its first line on it ends as it should.
#[test]
fn a_server_that_is_told_to_stop_while_it_starts_stops() {
    for lines in [0, 0, 0, 0, 0, 0, 1, 2, 4, 6] {
        let mut child = start();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        for _ in 0..lines {
            log.read_line(&mut String::new()).unwrap();
        }
        kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
        // Nobody reads what it says now, and it must not need that.
        let status = child.wait().unwrap();
        let is_early = lines == 0 && status.signal() == Some(Signal::TERM.as_raw());
        assert!(status.code() == Some(0) || is_early, "{lines} lines, then {status}");
    }
}

#[test]
fn an_interrupt_behind_a_termination_ends_at_once() {
    let server = Server::start(&["--drain", "10m", "--closing-time", "10m"]);
    let mut stays = WebSocket::connect(server.ws, "/");
    server.terminate();
    assert!(matches!(stays.hear(), Message::Close(Some(1012), _)));
    server.signal(Signal::INT);
    assert_eq!(server.wait().0.code(), Some(1));
}

#[test]
fn hangups_and_broken_pipes_stop_nobody() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut client = WebSocket::connect(server.ws, "/");
    for n in 0..200 {
        server.signal(Signal::HUP);
        server.signal(Signal::PIPE);
        client.say(&format!(r#"{{"connectionId":"a","n":{n}}}"#));
        assert_eq!(reader.next().unwrap().json()["n"], n);
    }
    server.wait_for_log("nothing to load anew");
    assert_eq!(http::get(server.http, "/readyz").status, 200);
    server.terminate();
    // Nor do they hurry one that stops.
    for _ in 0..20 {
        server.signal(Signal::HUP);
    }
    assert_eq!(client.hear_close(), (1012, "server restarts".to_owned()));
    assert!(reader.next().unwrap().close().is("a", 1012, "server"));
    assert_eq!(reader.next(), None);
    assert_eq!(server.wait().0.code(), Some(0));
}

/// A terminal: the end that shows it, and the end that a process has.
fn terminal() -> (OwnedFd, File) {
    // No other test's server is to keep it: it would never be gone.
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let master = openpt(flags).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let path = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let terminal = OpenOptions::new().read(true).write(true).open(path).unwrap();
    (master, terminal)
}

/// The terminal goes: no more of it is left than its `end` here.
fn hang_up(master: OwnedFd, end: &File) {
    drop(master);
    // A process that another test is just starting may hold it for a moment.
    wait_until("the terminal is gone", || !end.is_terminal());
}

/// Nobody could stop it any more: not even the port would be free for the next.
#[test]
fn a_server_of_a_terminal_stops_when_that_is_gone() {
    let (master, terminal) = terminal();
    let end = terminal.try_clone().unwrap();
    let server = Server::start_with(tidegate().stdin(terminal));
    let client = WebSocket::connect(server.ws, "/");
    hang_up(master, &end);
    server.signal(Signal::HUP);
    server.wait_for_log("the terminal is gone; closing connections");
    // Terminals and shells often send two: neither is a reason to cut anybody off.
    server.signal(Signal::HUP);
    assert_eq!(client.hear_close(), (1012, "server restarts".to_owned()));
    let (status, log) = server.wait();
    assert_eq!(status.code(), Some(0));
    assert!(!log.contains("again to end at once"), "{log}");
}

#[test]
fn a_hangup_at_a_terminal_that_is_there_is_for_the_configuration() {
    let folder = Folder::new();
    let file = folder.write("tidegate.toml", "max-message = \"4KiB\"\n");
    for (options, said) in
        [(vec!["--config", &file], "loaded "), (vec![], "there is nothing to load anew")]
    {
        let (master, terminal) = terminal();
        let end = terminal.try_clone().unwrap();
        let server = Server::start_with(tidegate().args(options).stdin(terminal));
        server.signal(Signal::HUP);
        server.wait_for_log(said);
        assert_eq!(http::get(server.http, "/readyz").status, 200);
        hang_up(master, &end);
        server.signal(Signal::HUP);
        server.wait_for_log("the terminal is gone; closing connections");
        assert_eq!(server.wait().0.code(), Some(0));
    }
}
