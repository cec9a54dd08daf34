//! The command line, and what keeps a server from starting.

use crate::support::server::tidegate;
use crate::support::{EventStream, Server, WebSocket, http};
use std::net::TcpListener;
use std::process::{Output, Stdio};

fn run(args: &[&str]) -> Output {
    tidegate().args(args).stdout(Stdio::piped()).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn help_and_version_are_answers() {
    let help = run(&["--help"]);
    assert!(help.status.success() && help.stderr.is_empty());
    assert!(text(&help.stdout).contains("--ws-addr"));
    let version = run(&["--version"]);
    assert!(version.status.success());
    assert_eq!(text(&version.stdout), concat!("tidegate ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn every_mistake_is_named_at_once() {
    for (args, names) in [
        (&["--no-such-option"][..], &["--no-such-option"][..]),
        (&["extra"], &["extra"]),
        (&["--max-message", "much", "--cores", "0"], &["--max-message", "--cores"]),
        (&["--ws-addr", "0.0.0.0:1"], &["--ws-addr", "--insecure"]),
        (&["--http-addr", "nowhere"], &["--http-addr"]),
        (&["--room-log", "4KiB"], &["--room-log", "--max-message"]),
    ] {
        let output = run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(output.stdout.is_empty());
        let stderr = text(&output.stderr);
        assert!(names.iter().all(|name| stderr.contains(name)), "{args:?}: {stderr}");
    }
    let output = tidegate().env("TIDEGATE_CORES", "none").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("TIDEGATE_CORES"));
}

/// A filter that names no level would log nothing at all, without a word.
#[test]
fn a_log_filter_that_names_no_level_is_refused() {
    let with = |name: &str, filter: &str| {
        let mut command = tidegate();
        command.env(name, filter).args(["--ws-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"]);
        command
    };
    for (name, filter) in [
        ("TIDEGATE_LOG", "tidegate"),
        ("TIDEGATE_LOG", "verbose"),
        ("TIDEGATE_LOG", "info,tidegate::reactor"),
        ("TIDEGATE_LOG", "tidegate=loud"),
        ("TIDEGATE_LOG", "info,"),
        ("TIDEGATE_LOG", "/info"),
        ("RUST_LOG", "tidegate"),
    ] {
        let output = with(name, filter).stdout(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{filter}");
        let stderr = text(&output.stderr);
        assert_eq!((stderr.lines().count(), output.stdout.len()), (1, 0), "{filter}: {stderr}");
        let parts = [&*format!("{name}: \"{filter}\""), "info", "module=level"];
        assert!(parts.iter().all(|part| stderr.contains(part)), "{filter}: {stderr}");
    }
    for (name, filter) in [
        ("TIDEGATE_LOG", ""),
        ("TIDEGATE_LOG", "OFF"),
        ("TIDEGATE_LOG", "tidegate=debug, warn"),
        ("TIDEGATE_LOG", "warn/word"),
        ("RUST_LOG", "trace"),
    ] {
        assert_eq!(http::get(Server::spawn(&mut with(name, filter)).http, "/livez").status, 200);
    }
    // Ours is asked first, so what is wrong with the other is nobody's business.
    Server::spawn(with("RUST_LOG", "tidegate").env("TIDEGATE_LOG", "info"));
}

#[test]
fn a_port_in_use_is_one_clear_line() {
    let other = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server::start(&[]);
    // Our own are no exception: two servers would share the clients of one port.
    for taken in [other.local_addr().unwrap(), server.ws, server.http] {
        let taken = taken.to_string();
        for pair in [["--ws-addr", "--http-addr"], ["--http-addr", "--ws-addr"]] {
            let output = run(&[pair[0], &taken, pair[1], "127.0.0.1:0"]);
            assert_eq!(output.status.code(), Some(1));
            let stderr = text(&output.stderr);
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
            assert!(stderr.contains(&taken) && stderr.contains(pair[0]), "{stderr}");
        }
    }
}

#[test]
fn options_come_from_the_environment_too() {
    let mut command = tidegate();
    command.env("TIDEGATE_MAX_FILTERS", "1").env("TIDEGATE_CORES", "");
    let server = Server::start_with(&mut command);
    assert_eq!(http::get(server.http, "/events?room=a&room=b").code(), "too-many-filters");
}

#[test]
fn one_address_may_serve_both() {
    let addr = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let server = Server::spawn(tidegate().args(["--ws-addr", &addr, "--http-addr", &addr]));
    assert_eq!(server.ws, server.http);
    let mut reader = EventStream::open(server.http, "/events");
    let mut client = WebSocket::connect(server.ws, "/");
    client.say(r#"{"connectionId":"a"}"#);
    assert_eq!(reader.next().unwrap().data, r#"{"connectionId":"a"}"#);
    assert_eq!(http::get(server.http, "/hello").status, 200);
}

#[test]
fn a_restart_finds_its_port_free() {
    let mut server = Server::start(&[]);
    let client = WebSocket::connect(server.ws, "/echo");
    server.kill();
    let (ws, http) = (server.ws.to_string(), server.http.to_string());
    let again = Server::spawn(tidegate().args(["--ws-addr", &ws, "--http-addr", &http]));
    assert_eq!(again.ws, server.ws);
    drop(client);
}

#[test]
fn a_variable_that_does_nothing_is_warned_of_at_the_start() {
    let mut command = tidegate();
    command.env("TIDEGATE_MAX_MESAGE", "5ecre7").env("TIDEGATE_PORT", "tcp://10.0.0.1:8080");
    command.env("TIDEGATE_SERVICE_HOST", "10.0.0.1");
    let mut server = Server::start_with(&mut command);
    server.wait_for_log("TIDEGATE_MAX_MESAGE: is the variable of no option");
    let log = server.stop();
    assert_eq!(log.matches("TIDEGATE_").count(), 2, "the slip and what was meant: {log}");
    assert!(!log.contains("5ecre7"), "{log}");
}
