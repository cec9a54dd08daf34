//! A: what WebSocket clients send comes out as an event stream; an HTTP API; demonstration pages.

use crate::browser::{Browser, DESKTOP, DESKTOP_DARK, PHONE, PHONE_DARK, Window};
use crate::puppet::{LIBRARIES, Puppet};
use crate::support::foreign::{self, root};
use crate::support::{EventStream, Foreign, Server, http};
use crate::{curl, example, start};
use serde_json::{Value, json};
use std::process::Stdio;

const ID: &str = "1700000000000";
const REGISTERS: &str = r#"{"connectionId":"1700000000000"}"#;
const SAYS_HELLO: &str =
    r#"{"connectionId":"1700000000000","message":"hello from WebSocket client!!"}"#;

/// The close event of a client that left; its session's number is not known before.
fn is_close(data: &str, code: u64, by: &str) -> bool {
    let data: Value = serde_json::from_str(data).expect(data);
    let mut expected = json!({"connectionId": ID, "code": code, "reason": "", "by": by});
    expected["session"] = data["close"]["session"].clone();
    expected["session"].is_u64() && data == json!({"close": expected})
}

#[test]
fn every_library_registers_says_hello_and_leaves() {
    let server = start("a-relay");
    let mut own = EventStream::open(server.http, "/events");
    let events = root().join("tests/foreign/node/events.js");
    let mut source = foreign::node(&events, &["eventsource"]);
    let source = Foreign::start(source.arg(format!("http://{}/events", server.http)));
    assert_eq!(source.line(), "open");
    for library in LIBRARIES {
        let mut client = Puppet::connect(library, server.ws, "/");
        client.say(REGISTERS);
        client.say(SAYS_HELLO);
        let told: Vec<_> = own.take(2).into_iter().map(|event| event.data).collect();
        assert_eq!(told, [REGISTERS, SAYS_HELLO]);
        client.leave(1000, "");
        assert!(is_close(&own.take(1)[0].data, 1000, "client"));
        assert_eq!(source.json()["data"], REGISTERS);
        assert_eq!(source.json()["data"], SAYS_HELLO);
        assert!(is_close(source.json()["data"].as_str().unwrap(), 1000, "client"));
    }
}

#[test]
fn a_backend_finds_answers_and_closes_every_client() {
    let server = start("a-relay");
    let mut reader = EventStream::open(server.http, "/events");
    for library in LIBRARIES {
        let mut client = Puppet::connect(library, server.ws, "/");
        client.say(REGISTERS);
        assert_eq!(reader.take(1)[0].data, REGISTERS);
        let list: Value = serde_json::from_str(&curl(&server, "/api/connections", &[])).unwrap();
        assert_eq!(list["connections"][0]["connectionId"], ID);
        let path = format!("/api/connections/{ID}");
        let hello = ["--json", r#"{"text":"hello from the server"}"#];
        assert_eq!(curl(&server, &path, &hello), r#"{"queued":1}"#);
        assert_eq!(client.hear(), "hello from the server");
        assert_eq!(curl(&server, &path, &["-X", "DELETE"]), "");
        assert_eq!(client.rest(), ["closed 1000"]);
        assert!(is_close(&reader.take(1)[0].data, 1000, "server"));
    }
}

#[test]
fn pages_of_any_site_may_ask() {
    let server = start("a-relay");
    let hello = http::get(server.http, "/hello");
    assert_eq!((hello.status, hello.body.as_str()), (200, r#"{"response":"world"}"#));
    for origin in ["https://app.example.com", "null"] {
        let headers = format!("Origin: {origin}\r\n");
        for path in ["/hello", "/", "/api/connections"] {
            let request = http::request(server.http, "GET", path, &headers);
            let response = http::exchange(server.http, &request);
            assert_eq!(response.status, 200, "{path}");
            assert_eq!(response.header("access-control-allow-origin"), Some(origin), "{path}");
        }
    }
}

#[test]
fn the_client_says_hello_and_shows_what_it_hears() {
    let server = start("a-relay");
    let mut reader = EventStream::open(server.http, "/events");
    let mut client = foreign::node(&example("a-relay/client.js"), &["ws"]);
    let client = Foreign::start(client.arg(format!("ws://{}/", server.ws)));
    let told = reader.take(2);
    assert_eq!(told[0].data, REGISTERS);
    assert_eq!(told[1].data, SAYS_HELLO);
    assert_eq!(client.line(), format!("open as {ID}; Ctrl-C closes"));
    let path = format!("/api/connections/{ID}");
    curl(&server, &path, &["--json", r#"{"text":"hello"}"#]);
    assert_eq!(client.line(), "received hello");
    server.terminate();
    assert_eq!(client.finish(), ["closed 1012 server restarts"]);
}

/// It also has another name if it is given one.
#[test]
fn a_client_that_nobody_reads_any_more_ends_quietly() {
    let server = start("a-relay");
    let mut reader = EventStream::open(server.http, "/events");
    let mut client = foreign::node(&example("a-relay/client.js"), &["ws"]);
    client.arg(format!("ws://{}/", server.ws)).arg("anna");
    let mut client = client.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(client.stdout.take());
    assert_eq!(reader.take(1)[0].json(), json!({"connectionId": "anna"}));
    let output = client.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
    assert_eq!(output.status.code(), Some(0));
}

/// Those of this example and of the next with clients in Node.
#[test]
fn a_client_says_in_one_line_why_it_cannot_begin() {
    for (name, words, status) in [
        ("a-relay", ["--help"].as_slice(), 0),
        ("c-broadcast", &["--help"], 0),
        ("a-relay", &["--loud"], 2),
        ("c-broadcast", &["--loud"], 2),
        ("c-broadcast", &["--unit", "x"], 2),
        ("a-relay", &["nowhere"], 2),
        ("c-broadcast", &["nowhere"], 2),
        ("a-relay", &["ws://127.0.0.1:1/"], 1),
        ("a-relay", &["ws://localhost:1/"], 1),
    ] {
        let mut command = foreign::node(&example(&format!("{name}/client.js")), &["ws"]);
        let output = command.args(words).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).unwrap();
        assert_eq!(output.status.code(), Some(status), "{name} {words:?}: {said}");
        assert_eq!(said.lines().count(), 1, "{name} {words:?}: {said}");
        assert!(status == 2 || said.contains("ws://"), "{name} {words:?}: {said}");
    }
    let mut all = foreign::node(&example("c-broadcast/client.js"), &["ws"]);
    let output = all.arg("ws://127.0.0.1:1/").output().unwrap();
    assert_eq!((output.status.code(), output.stdout), (Some(1), Vec::new()));
    assert_eq!(String::from_utf8(output.stderr).unwrap().lines().count(), 9);
}

/// One window registers, talks and leaves; others read along.
fn play_on(server: &Server, talker: &Window<'_>, readers: &[&Window<'_>]) {
    for reader in readers {
        reader.click("Open");
        reader.wait_for("Open");
    }
    talker.fill("connectionId", ID);
    talker.click("Register");
    talker.wait_for(&format!("Open as {ID}"));
    let sent = |text: &str| format!("sent {text}");
    assert_eq!(talker.entries(1), [sent(REGISTERS)]);
    talker.click("Send");
    // What others say is shown as it is, and never becomes a part of the page.
    let nasty = "<img src=x onerror=alert(1)>";
    talker.fill("Message", nasty);
    talker.press("Enter");
    let says_nasty = json!({"connectionId": ID, "message": nasty}).to_string();
    assert_eq!(talker.entries(3), [sent(REGISTERS), sent(SAYS_HELLO), sent(&says_nasty)]);
    let text = json!({"text": nasty}).to_string();
    curl(server, &format!("/api/connections/{ID}"), &["--json", &text]);
    assert_eq!(talker.entries(4)[3], format!("received {nasty}"));
    talker.click("Close");
    talker.wait_for("Closed");
    assert_eq!(talker.entries(5)[4].trim(), "closed 1000");
    for reader in readers {
        let entries = reader.entries(4);
        let messages = [REGISTERS, SAYS_HELLO, &says_nasty].map(|text| format!("message {text}"));
        assert_eq!(entries[..3], messages);
        assert!(is_close(entries[3].strip_prefix("close ").unwrap(), 1000, "client"));
    }
}

#[test]
fn the_pages_show_it_all() {
    let server = start("a-relay");
    let browser = Browser::start();
    let base = format!("http://{}/", server.http);
    let talker = browser.open(&base, DESKTOP);
    assert_eq!(talker.heading(), "WebSocket in, events out");
    talker.photograph("a-index");
    talker.follow("The WebSocket client");
    assert_eq!(talker.heading(), "WebSocket client");
    // The example's own ports are not those of a test.
    assert_eq!(talker.value("Server"), "ws://127.0.0.1:8080/");
    talker.fill("Server", &format!("ws://{}/", server.ws));
    let (one, two) = (browser.open(&base, PHONE_DARK), browser.open(&base, DESKTOP_DARK));
    for reader in [&one, &two] {
        reader.follow("The EventSource client");
        assert_eq!(reader.heading(), "EventSource client");
        assert_eq!(reader.value("Event stream"), format!("{base}events"));
    }
    play_on(&server, &talker, &[&one, &two]);
    talker.photograph("a-websocket");
    one.photograph("a-eventsource");
    two.click("Close");
    two.wait_for("Closed");
    browser.finish();
}

/// What a beginner does first: a page from the disk has the origin `null`.
#[test]
fn the_pages_work_when_they_are_opened_as_files() {
    let server = start("a-relay");
    let browser = Browser::start();
    let page = |name: &str| format!("file://{}", example("a-relay/public").join(name).display());
    let talker = browser.open(&page("websocket.html"), PHONE);
    talker.fill("Server", &format!("ws://{}/", server.ws));
    let reader = browser.open(&page("eventsource.html"), DESKTOP);
    assert_eq!(reader.value("Event stream"), "http://localhost:8082/events");
    reader.fill("Event stream", &format!("http://{}/events", server.http));
    play_on(&server, &talker, &[&reader]);
    browser.finish();
}
