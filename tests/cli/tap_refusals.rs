//! What `tidegate tap` says where there are no events.

use crate::scripted::Scripted;
use crate::support::http::get;
use crate::support::{Folder, Server};
use crate::tapper::{Tapper, without_times};
use rustix::process::Signal;
use std::fs;
use std::os::unix::fs::PermissionsExt;

const EVENTS: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n\r\n";

/// Runs it to its end; what it said on standard error.
fn fail(args: &[&str], status: i32) -> String {
    let end = Tapper::start(args).wait();
    assert_eq!((end.status, end.out.as_str()), (Some(status), ""), "{args:?}: {end:?}");
    end.err
}

#[test]
fn the_request_says_what_was_asked_for() {
    let server = Scripted::start();
    let authority = format!("127.0.0.1:{}", server.port());
    let filters = ["--room", "a b", "--room", "ø", "--connection-id", "1&2", "--no-follow"];
    let since = ["--since", "earliest", "--header", "X-Two:  2 "];
    let url = format!("http://{authority}?_=1");
    let tapper = Tapper::start(&[&filters[..], &since, &[&url]].concat());
    let asked = server.accept();
    let query = "_=1&room=a%20b&room=%C3%B8&connectionId=1%262&since=earliest&follow=false";
    assert_eq!(asked.request[0], format!("GET /events?{query} HTTP/1.1"));
    for (name, value) in [("Host", &*authority), ("Accept", "application/x-ndjson"), ("X-Two", "2")]
    {
        assert_eq!(asked.field(name), Some(value), "{name}");
    }
    assert_eq!(asked.field("Last-Event-ID"), None);
    drop((asked, tapper));
    let folder = Folder::new();
    let file = folder.write("token", "abc.def.ghi\n");
    let url = format!("http://{authority}/a/events");
    let args = ["--since", "e-01", "--header", "host: h", "--token-file", &file, &url];
    let tapper = Tapper::start(&args);
    let asked = server.accept();
    assert_eq!(asked.request[0], "GET /a/events HTTP/1.1");
    assert_eq!((asked.field("host"), asked.field("Host")), (Some("h"), None));
    assert_eq!(asked.field("Last-Event-ID"), Some("e-01"));
    assert_eq!(asked.field("Authorization"), Some("Bearer abc.def.ghi"));
    drop(tapper);
}

#[test]
fn a_refusal_is_told_with_its_code_and_its_detail() {
    let server = Server::start(&[]);
    for (args, start) in [
        (&[&*format!("http://{}/nowhere", server.http)][..], "refused: 404 not-found: "),
        (&["--room", "", &format!("http://{}", server.http)], "refused: 400 bad-room: "),
        (
            &["--header", "Origin: http://example.org", &format!("http://{}", server.http)],
            "refused: 403 origin-not-allowed: ",
        ),
        (&[&format!("http://{}/?rom=a", server.http)], "refused: 400 unknown-parameter: "),
    ] {
        let said = fail(args, 1);
        assert!(said.starts_with(&format!("tidegate: {start}")), "{said}");
    }
    // The other listener knows where events are.
    let said = fail(&[&format!("http://{}", server.ws)], 1);
    let detail = get(server.ws, "/events");
    assert!(said.contains(&format!("refused: {} {}", detail.status, detail.code())), "{said}");
}

#[test]
fn answers_that_are_no_events() {
    let server = Scripted::start();
    let url = format!("http://127.0.0.1:{}/events", server.port());
    let html = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\nhi";
    let problem = r#"{"code":"so","detail":"No\u001b"}"#;
    let chunks = "Transfer-Encoding: chunked\r\n\r\n";
    for (answer, said) in [
        ("HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n<p>", "refused: 404 Not Found"),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "refused: 502 Bad Gateway"),
        (
            &format!("HTTP/1.1 401 x\r\n{chunks}21\r\n{problem}\r\n0\r\n\r\n"),
            "refused: 401 so: No\\u001b",
        ),
        (
            "HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
            "refused: 301 Moved (it sends us to /x)",
        ),
        (html, "no events are there: the answer is 200 text/html instead of application/x-ndjson"),
        ("HTTP/1.1 204 x\r\n\r\n", "no events are there: the answer is 204 no type instead of"),
        ("HTTP/1.1 101 x\r\n\r\n", "refused: 101 x"),
        ("220 mail.example.org ESMTP\r\n", "what answers there does not speak HTTP"),
        ("HTTP/1.1 20", "what answers there does not speak HTTP"),
        ("", "the server hung up instead of answering"),
        (EVENTS, "the server ended the stream"),
        (
            &format!("{EVENTS}data: {{}}\n\x1b[2J"),
            "what comes is no event of a Tidegate server: data: {}",
        ),
        (
            &format!("{EVENTS}{{\"type\":\"position\",\"id\":\"a\\r\\nX: y\"}}\n"),
            "what comes has an id behind which nobody can go on: {\"type\":\"position\",",
        ),
        (
            &format!("{EVENTS}{{\"type\":\"expired\",\"reason\":\"expired\"}}\n"),
            "the server ended the stream: its credential has expired",
        ),
    ] {
        let tapper = Tapper::start(&[&url]);
        let mut asked = server.accept();
        asked.wire.write(answer.as_bytes());
        drop(asked);
        let end = tapper.wait();
        assert_eq!((end.status, end.out.as_str()), (Some(1), ""), "{answer}");
        let first = end.err.lines().next().unwrap_or_default();
        assert!(first.starts_with(&format!("tidegate: {said}")), "{answer}: {}", end.err);
    }
}

#[test]
fn nobody_there_is_told_at_once_and_what_to_do() {
    // A port that was free a moment ago.
    let port = Scripted::start().port();
    let said = fail(&[&format!("localhost:{port}")], 1);
    let start = format!("tidegate: nobody answers at localhost:{port}: 127.0.0.1:{port}: ");
    assert!(said.starts_with(&start) && said.contains(&format!("; [::1]:{port}: ")), "{said}");
    assert!(said.ends_with("where events are read\n") && said.lines().count() == 2, "{said}");
}

#[test]
fn what_cannot_be_used_is_told_at_once_and_nothing_is_tried() {
    for (args, parts) in [
        (
            &["ws://localhost:8080/x"][..],
            &["WebSockets connect", "http://localhost:8082/events"][..],
        ),
        (&["https://example.org/"], &["TLS", "OPENSSL:example.org:443"]),
        (&["ftp://a", "--header", "a b: c"], &["http://localhost:8082", "--header: \"a b\""]),
        (&["--since", "yesterday"], &["--since: \"yesterday\" is neither earliest, now nor"]),
        (&["--since", "5 minutes"], &["--since: \"5 minutes\" is a time"]),
        (&["--since", "5m"], &["--since: \"5m\" is a time", "write earliest, now, or the id"]),
        (&["--header", "Last-Event-ID: 5"], &["\"Last-Event-ID\" is said by tap", "--since"]),
        (&["--token-file", "/nowhere/token"], &["--token-file: \"/nowhere/token\""]),
        (&["--type", "text"], &["message, binary, close, join, leave"]),
        (&["--cores", "2"], &["--cores"]),
    ] {
        let said = fail(args, 2);
        assert!(parts.iter().all(|part| said.contains(part)), "{args:?}: {said}");
    }
}

#[test]
fn a_stream_whose_key_is_removed_ends_and_says_so() {
    let folder = Folder::new();
    let key = |name: &str| {
        let file = folder.write(&format!("{name}.key"), &format!("the-secret-of-{name}"));
        fs::set_permissions(file, fs::Permissions::from_mode(0o600)).unwrap();
        format!("[[key]]\nname = \"{name}\"\nsecret = {{ file = \"{name}.key\" }}\n")
    };
    let (ours, other) = (key("ours"), key("other"));
    let file = folder.write("tidegate.toml", &format!("{ours}{other}"));
    let server = Server::start(&["--config", &file]);
    let url = format!("http://{}", server.http);
    let said = fail(&[&url], 1);
    assert!(said.starts_with("tidegate: refused: 401 credentials-missing: "), "{said}");
    let token = folder.path("ours.key");
    let args = ["--since=nobody-1", "--token-file", &token, &url];
    let [text, json] = [&[][..], &["--json"]].map(|more| Tapper::start(&[&args, more].concat()));
    // The gap is the first line, so the streams have begun.
    text.out.wait_for("missed --\n");
    json.out.wait_for("\"missed\":null}\n");
    folder.write("tidegate.toml", &other);
    server.signal(Signal::HUP);
    let said =
        "tidegate: the server ended the stream: its credential is of a key that was removed\n";
    let [text, json] = [text, json].map(Tapper::wait);
    assert_eq!((text.status, text.err.as_str()), (Some(1), said));
    assert_eq!((json.status, json.err.as_str()), (Some(1), said));
    assert_eq!(without_times(&text.out).len(), 1);
    assert!(json.out.ends_with("{\"type\":\"expired\",\"reason\":\"key-removed\"}\n"), "{json:?}");
}
