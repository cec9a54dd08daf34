//! What `tidegate tap` prints, of which events, and until when.

use crate::support::events::Lines;
use crate::support::server::tidegate;
use crate::support::{Server, WebSocket, http};
use crate::tapper::{Tapper, history, json, without_times};
use rustix::process::Signal;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

fn url(server: &Server) -> String {
    format!("http://{}", server.http)
}

fn say(server: &Server, path: &str, id: &str, numbers: impl Iterator<Item = u64>) -> WebSocket {
    let mut client = WebSocket::connect(server.ws, path);
    numbers.for_each(|n| client.say(&format!(r#"{{"connectionId":"{id}","n":{n}}}"#)));
    client
}

/// Publishes to a room by the API.
fn publish(server: &Server, room: &str, body: &str) {
    let more = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    let target = format!("/api/rooms/{room}/messages");
    let head = http::request(server.http, "POST", &target, &more);
    let answer = http::exchange(server.http, &(head + body));
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// A room in which something of each kind happened, and another.
fn busy_server() -> Server {
    let server = Server::start(&[]);
    let mut client = say(&server, "/ws/lab", "sensor 7", 1..=1);
    client.say_binary(&[0, 255, 254]);
    client.leave(4000, "so \"long\"\u{202e}");
    publish(&server, "lab", r#"{"text":"hello"}"#);
    say(&server, "/ws/other", "b", 1..=2).leave(1000, "");
    server
}

#[test]
fn each_event_is_a_line_that_says_who_and_what() {
    let server = busy_server();
    let expected = [
        r#"lab  "sensor 7"  {"connectionId":"sensor 7","n":1}"#,
        r#"lab  "sensor 7"  (binary, 3 bytes) AP/+"#,
        "lab  \"sensor 7\"  closed 4000 by client \"so \\\"long\\\"\u{202e}\"",
        r#"lab  -  {"message":"hello"}"#,
        r#"other  b  {"connectionId":"b","n":1}"#,
        r#"other  b  {"connectionId":"b","n":2}"#,
        "other  b  closed 1000 by client",
    ];
    let out = history(&[&url(&server)]);
    assert_eq!(without_times(&out), expected);
    // Of both filters an event must pass both, and the type is looked at here.
    for (args, lines) in [
        (&["--room", "lab"][..], &[0, 1, 2, 3][..]),
        (&["--room", "lab", "--room", "other"], &[0, 1, 2, 3, 4, 5, 6]),
        (&["--connection-id", "sensor 7"], &[0, 1, 2]),
        (&["--connection-id", "b", "--connection-id", "sensor 7"], &[0, 1, 2, 4, 5, 6]),
        (&["--connection-id", "b", "--room", "lab"], &[]),
        (&["--type", "close"], &[2, 6]),
        (&["--type", "binary,close", "--type", "join", "--room=lab"], &[1, 2]),
    ] {
        let out = history(&[args, &[&url(&server)]].concat());
        let expected: Vec<_> = lines.iter().map(|&index| expected[index]).collect();
        assert_eq!(without_times(&out), expected, "{args:?}");
    }
}

#[test]
fn who_comes_to_a_room_and_who_leaves_it_is_told() {
    let folder = crate::support::Folder::new();
    let route = r#"
[[route]]
path = "/hall"
behaviour = "broadcast"
room = "hall"
connection-id = "client"
presence = true
"#;
    let file = folder.write("tidegate.toml", route);
    let server = Server::start(&["--config", &file]);
    WebSocket::connect(server.ws, "/hall?connectionId=ada").leave(1000, "");
    let out = history(&[&url(&server)]);
    assert_eq!(
        without_times(&out),
        ["hall  ada  joined", "hall  ada  left", "hall  ada  closed 1000 by client"]
    );
}

#[test]
fn json_is_what_the_server_sends_without_what_is_only_for_a_client() {
    let server = busy_server();
    let lines = json(&history(&["--json", &url(&server)]));
    let mut stream = Lines::open(server.http, "/events?since=earliest&follow=false");
    let expected: Vec<_> = std::iter::from_fn(|| stream.next()).collect();
    assert!(lines == expected && lines.len() == 7, "{lines:?}");
    let closes = json(&history(&["--json", "--type", "close", &url(&server)]));
    assert_eq!(closes, [expected[2].clone(), expected[6].clone()]);
}

#[test]
fn one_can_begin_behind_an_event_and_is_told_what_is_gone() {
    let server = Server::start(&["--max-message", "1KiB", "--room-log", "4KiB"]);
    let mut client = say(&server, "/", "a", 0..1);
    let first = json(&history(&["--json", &url(&server)]));
    let id = first[0]["id"].as_str().unwrap();
    (1..=5).for_each(|n| client.say(&format!(r#"{{"connectionId":"a","n":{n}}}"#)));
    client.ping(b"");
    client.hear();
    let behind = |id: &str| {
        let args = ["--no-follow", "--json", "--since", id, &url(&server)];
        json(&Tapper::start(&args).wait_well())
    };
    let numbers = |lines: &[serde_json::Value]| -> Vec<u64> {
        lines.iter().map(|line| line["data"]["n"].as_u64().unwrap()).collect()
    };
    assert_eq!(numbers(&behind(id)), [1, 2, 3, 4, 5]);
    // More than the log holds, and never more at once.
    for n in 6..=999 {
        client.say(&format!(r#"{{"connectionId":"a","n":{n}}}"#));
        if n % 20 == 19 {
            client.ping(b"");
            client.hear();
        }
    }
    let lines = behind(id);
    let kept = numbers(&lines[1..]);
    assert!(kept.last() == Some(&999) && kept.len() < 900, "{kept:?}");
    assert_eq!(lines[0]["missed"].as_u64().unwrap(), kept[0] - 1, "{lines:?}");
    let args = ["--no-follow", "--since", id, "--type", "close", &url(&server)];
    let out = Tapper::start(&args).wait_well();
    assert_eq!(out, format!("-- {} events missed --\n", kept[0] - 1), "a gap is of every type");
    // Nobody knows that id.
    let out = Tapper::start(&["--no-follow", "--since=nobody-1", &url(&server)]).wait_well();
    assert!(out.starts_with("-- an unknown number of events missed --\n"), "{out}");
}

#[test]
fn it_goes_on_until_it_is_asked_to_end() {
    let server = Server::start(&[]);
    for (index, signal) in [Signal::INT, Signal::TERM, Signal::HUP].into_iter().enumerate() {
        let room = format!("lab-{index}");
        let tapper = Tapper::start(&["--since=earliest", "--room", &room, &url(&server)]);
        let mut client = say(&server, &format!("/ws/{room}"), "a", 1..=1);
        tapper.out.wait_for("\"n\":1}\n");
        client.say(r#"{"connectionId":"a","n":2}"#);
        tapper.out.wait_for("\"n\":2}\n");
        tapper.signal(signal);
        let out = tapper.wait_well();
        assert_eq!(out.lines().count(), 2, "{signal:?}: {out}");
    }
}

/// `tidegate tap | head -1`
#[test]
fn it_ends_when_nobody_reads_any_more_even_if_nothing_happens() {
    let server = Server::start(&[]);
    let _client = say(&server, "/", "a", 1..=2);
    let mut command = tidegate();
    command.args(["tap", "--since=earliest", &url(&server)]).stdout(Stdio::piped());
    let mut tap = command.spawn().unwrap();
    let mut line = String::new();
    let mut out = BufReader::new(tap.stdout.take().unwrap());
    out.read_line(&mut line).unwrap();
    assert!(line.ends_with("\"n\":1}\n"), "{line}");
    drop(out);
    let end = tap.wait_with_output().unwrap();
    assert_eq!((end.status.code(), end.stderr.as_slice()), (Some(0), &b""[..]));
}

#[test]
fn an_output_that_takes_nothing_is_told() {
    let server = busy_server();
    let mut command = tidegate();
    command.args(["tap", "--since=earliest", &url(&server)]);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let end = command.stdout(full).output().unwrap();
    let said = String::from_utf8(end.stderr).unwrap();
    assert!(end.status.code() == Some(1) && said.contains("standard output: No space"), "{said}");
}

#[test]
fn a_flood_is_printed_whole_and_in_order() {
    const COUNT: u64 = 20_000;
    let server = Server::start(&[]);
    let tapper = Tapper::start(&["--since=earliest", "--json", &url(&server)]);
    let mut client = say(&server, "/", "a", 0..COUNT);
    client.say(r#"{"connectionId":"a","last":true}"#);
    tapper.out.wait_for("{\"connectionId\":\"a\",\"last\":true}}\n");
    let lines = json(&tapper.interrupt().out);
    let numbers = lines.iter().filter_map(|line| line["data"]["n"].as_u64());
    assert!(numbers.eq(0..COUNT), "{}", lines.len());
}

#[test]
fn the_longest_message_is_one_line() {
    let server = Server::start(&["--max-message", "4MiB"]);
    let text = "\\u0000".repeat(600_000);
    let mut client = WebSocket::connect(server.ws, "/");
    client.say(&format!(r#"{{"connectionId":"a","text":"{text}"}}"#));
    client.leave(1000, "");
    let out = history(&[&url(&server)]);
    let lines = without_times(&out);
    assert!(lines.len() == 2 && lines[0].contains(&text), "{} lines", lines.len());
}
