//! Events for people.

use crate::support::{Server, WebSocket};
use crate::tapper::Tapper;
use rustix::process::Signal;
use std::io::Write;

/// A server in whose room something happened that would take over a terminal, if it could.
fn server() -> Server {
    let server = Server::start(&[]);
    let mut client = WebSocket::connect(server.ws, "/ws/lab");
    client.say("{\"connectionId\":\"a\",\"x\":\"\u{9b}2J\u{202e}\"}");
    client.leave(4000, "\x1b]0;mine\x07");
    let mut client = WebSocket::connect(server.ws, "/ws/lab");
    client.say("{\"connectionId\":\"long-name\"}");
    client.leave(1000, "");
    server
}

const ARGS: [&str; 4] = ["--since=earliest", "--no-follow", "--room", "lab"];

/// What is seen, with every digit of a time as 0.
fn seen(server: &Server, more: &[&str], variables: &[(&str, &str)]) -> (String, String) {
    let url = server.http.to_string();
    let end = Tapper::at_terminal(&[&ARGS, more, &[&url]].concat(), variables).wait();
    assert_eq!(end.status, Some(0), "{end:?}");
    let mut out = end.out.clone();
    for (at, _) in end.out.match_indices('.') {
        let is_time = |text: &str| text.bytes().all(|byte| b"0123456789:.".contains(&byte));
        if at >= 8 && end.out.get(at - 8..at + 4).is_some_and(is_time) {
            out.replace_range(at - 8..at + 4, "00:00:00.000");
        }
    }
    (out, end.err)
}

#[test]
fn a_terminal_shows_columns_and_obeys_nobody() {
    let server = server();
    let expected = [
        r#"lab   a  {"connectionId":"a","x":"\u009b2J\u202e"}"#,
        r#"lab   a  closed 4000 by client "\u001b]0;mine\u0007""#,
        r#"lab   long-name  {"connectionId":"long-name"}"#,
        r#"lab   long-name  closed 1000 by client"#,
    ];
    let expected = expected.map(|line| format!("00:00:00.000  {line}\r\n")).concat();
    let greeting = format!("tidegate: connected to http://{}/events; times are UTC\n", server.http);
    for variables in [&[("TERM", "xterm"), ("NO_COLOR", "1")][..], &[("TERM", "dumb")], &[]] {
        let seen = seen(&server, &[], variables);
        assert_eq!(seen, (expected.clone(), greeting.clone()), "{variables:?}");
    }
}

#[test]
fn colours_tell_what_matters() {
    let server = server();
    for variables in [&[("TERM", "xterm")][..], &[("TERM", "xterm"), ("NO_COLOR", "")]] {
        let (out, _) = seen(&server, &["--type", "close"], variables);
        let lines: Vec<_> = out.lines().collect();
        let start = "\x1b[2m00:00:00.000\x1b[0m  lab   \x1b[36m";
        let why = "\"\\u001b]0;mine\\u0007\"";
        let bad = format!("{start}a\x1b[0m  \x1b[33mclosed 4000 by client {why}\x1b[0m");
        let good = format!("{start}long-name\x1b[0m  \x1b[2mclosed 1000 by client\x1b[0m");
        assert_eq!(lines, [bad, good]);
    }
}

#[test]
fn json_is_escaped_on_a_terminal_and_means_the_same() {
    let server = server();
    let (out, err) = seen(&server, &["--json", "--type", "message"], &[("TERM", "xterm")]);
    let first = out.lines().next().unwrap();
    assert!(first.contains(r#""x":"\u009b2J\u202e""#) && !first.contains('\x1b'), "{first}");
    let json: serde_json::Value = serde_json::from_str(first).unwrap();
    assert_eq!(json["data"]["x"], "\u{9b}2J\u{202e}");
    assert!(err.ends_with("/events\n"), "{err}");
}

/// A ticket, or a credential, may be in it.
#[test]
fn a_query_is_not_shown() {
    let server = Server::start(&[]);
    let url = format!("http://{}/events?_ticket=5ecre7", server.http);
    let tapper = Tapper::at_terminal(&[&url], &[]);
    tapper.err.wait_for("Ctrl-C ends\n");
    let end = tapper.interrupt();
    assert_eq!((end.status, end.out.as_str()), (Some(0), ""));
    let url = format!("http://{}/events", server.http);
    let expected = format!("tidegate: connected to {url}; times are UTC; Ctrl-C ends\n");
    assert_eq!(end.err, expected);
}

/// The shell's prompt does not stand behind what the terminal shows of it.
#[test]
fn ctrl_c_ends_it_and_the_line() {
    let server = Server::start(&[]);
    let (tapper, mut keys) = Tapper::wholly_at_terminal(&[&server.http.to_string()]);
    tapper.out.wait_for("Ctrl-C ends\r\n");
    keys.write_all(b"\x03").unwrap();
    let end = tapper.wait();
    assert!(end.status == Some(0) && end.out.ends_with("Ctrl-C ends\r\n^C\r\n"), "{end:?}");
}

#[test]
fn a_terminal_that_goes_away_ends_it() {
    let server = Server::start(&[]);
    let tapper = Tapper::at_terminal(&[&server.http.to_string()], &[]);
    tapper.err.wait_for("Ctrl-C ends\n");
    tapper.signal(Signal::HUP);
    assert_eq!(tapper.wait().status, Some(0));
}
