//! E: rooms in which everybody hears everybody, and an HTTP API beside them.

use crate::browser::{Browser, DESKTOP, DESKTOP_DARK, PHONE_DARK};
use crate::puppet::{LIBRARIES, Puppet, websockets, ws};
use crate::support::{EventStream, Foreign, Server, WebSocket, foreign};
use crate::{example, start_on_one_port};
use std::fs;
use std::process::Command;

/// A binary message that is no UTF-8, in base64.
const BYTES: &str = "AAH+/w==";

fn start() -> Server {
    start_on_one_port("e-rooms", &[])
}

#[test]
fn rooms_are_named_by_the_path_and_keep_text_and_binary_apart() {
    let server = start();
    let [mut anna, mut bert, mut chloe] =
        [ws, websockets, ws].map(|library| Puppet::connect(library, server.ws, "/chat/lobby"));
    let mut elsewhere = Puppet::connect(websockets, server.ws, "/chat/else%20where");
    anna.say("größer 🦀");
    anna.say_binary(BYTES);
    for hearer in [&bert, &chloe] {
        assert_eq!(hearer.line(), "text größer 🦀");
        assert_eq!(hearer.line(), format!("binary {BYTES}"));
    }
    bert.say(r#"{"not":"looked at"}"#);
    for hearer in [&anna, &chloe] {
        assert_eq!(hearer.line(), r#"text {"not":"looked at"}"#);
    }
    chloe.say("");
    assert_eq!([anna.line(), bert.line()], ["text", "text"]);
    elsewhere.ping("nothing before?");
    for client in [anna, bert, chloe, elsewhere] {
        client.leave(1000, "");
    }
}

#[test]
fn a_sender_hears_itself_if_it_wants_to() {
    let server = start();
    for library in LIBRARIES {
        let mut with = Puppet::connect(library, server.ws, "/chat/lobby?echo=true");
        let mut without = Puppet::connect(library, server.ws, "/chat/lobby");
        with.say("one");
        assert_eq!([with.hear(), without.hear()], ["one", "one"]);
        without.say("two");
        without.ping("nothing before?");
        assert_eq!(with.hear(), "two");
    }
}

#[test]
fn errors_before_and_after_the_upgrade_are_told_apart() {
    let server = start();
    for library in LIBRARIES {
        let said = |target: &str| Puppet::start(library, server.ws, target).rest();
        assert_eq!(said("/nowhere"), ["refused 404 no-such-route"]);
        assert_eq!(said("/chat/lobby?loud=true"), ["refused 400 unknown-parameter"]);
        let mut anna = Puppet::connect(library, server.ws, "/chat/lobby?connectionId=anna");
        assert_eq!(said("/chat/lobby?connectionId=anna"), ["refused 409 connection-id-taken"]);
        anna.say(&"x".repeat(1024 * 1024 + 1));
        let rest = anna.rest();
        assert!(rest.len() == 1 && rest[0].starts_with("closed 1009"), "{rest:?}");
    }
}

#[test]
fn who_answers_no_ping_is_stale_and_the_others_stay() {
    let server =
        start_on_one_port("e-rooms", &["--ping-interval", "100ms", "--ping-timeout", "3s"]);
    let mut reader = EventStream::open(server.http, "/events?room=lobby");
    let connect = |library| Puppet::connect(library, server.ws, "/chat/lobby");
    let (mut one, mut other) = (connect(ws), connect(websockets));
    // It reads nothing and answers nothing.
    let _stale = WebSocket::connect(server.ws, "/chat/lobby?connectionId=stale");
    assert!(reader.take(1)[0].close().is("stale", 1006, "timeout"));
    one.say("still there?");
    assert_eq!(other.hear(), "still there?");
    other.say("still there");
    assert_eq!(one.hear(), "still there");
}

/// What `backend.py` says.
fn backend(server: &Server, words: &[&str]) -> Vec<String> {
    Foreign::start(backend_command(server).args(words)).finish()
}

fn backend_command(server: &Server) -> Command {
    let mut command = foreign::python(&example("e-rooms/backend.py"));
    command.env("TIDEGATE_URL", format!("http://{}", server.http)).env("no_proxy", "*");
    command
}

#[test]
fn a_backend_lists_publishes_sends_and_closes() {
    let server = start();
    let mut reader = EventStream::open(server.http, "/events");
    let connect = |library, target| Puppet::connect(library, server.ws, target);
    let anna = connect(ws, "/chat/lobby?connectionId=anna");
    let bert = connect(websockets, "/chat/lobby?connectionId=bert");
    let chloe = connect(ws, "/chat/my%20room?connectionId=chloe%20%2F%20c");
    let mut list = backend(&server, &["list"]);
    list.sort();
    assert_eq!(list, ["anna in lobby", "bert in lobby", "chloe / c in my room"]);
    assert_eq!(backend(&server, &["list", "my room"]), ["chloe / c in my room"]);
    let mut rooms = backend(&server, &["rooms"]);
    rooms.sort();
    assert_eq!(rooms, ["lobby has 2", "my room has 1"]);

    let told = backend(&server, &["publish", "lobby", "good", "morning"]);
    assert_eq!(told, ["published to 2"]);
    assert_eq!([anna.hear(), bert.hear()], ["good morning", "good morning"]);
    assert_eq!(backend(&server, &["everyone", "at", "noon"]), ["published to 3"]);
    assert_eq!([anna.hear(), bert.hear(), chloe.hear()], ["at noon"; 3]);
    assert_eq!(backend(&server, &["send", "chloe / c", "only", "you"]), ["sent"]);
    assert_eq!(chloe.hear(), "only you");
    let published: Vec<_> = reader.take(2).iter().map(|event| event.data.clone()).collect();
    assert_eq!(published, [r#"{"message":"good morning"}"#, r#"{"message":"at noon"}"#]);

    assert_eq!(backend(&server, &["close", "anna", "it", "is", "late"]), ["closed"]);
    assert_eq!(anna.rest(), ["closed 1000 it is late"]);
    let close = reader.take(1)[0].close();
    assert!(close.is("anna", 1000, "server") && close.reason == "it is late");
    assert_eq!(backend(&server, &["list", "lobby"]), ["bert in lobby"]);
    let gone = backend_command(&server).args(["send", "anna", "hello"]).output().unwrap();
    let said = String::from_utf8(gone.stderr).unwrap();
    assert!(said.starts_with("404 no-such-connection: "), "{said}");
    assert_eq!(gone.status.code(), Some(1));
}

#[test]
fn a_backend_without_a_server_says_so_in_one_sentence() {
    for url in ["http://127.0.0.1:1", "127.0.0.1:1", "nowhere"] {
        let mut command = foreign::python(&example("e-rooms/backend.py"));
        let command = command.env("TIDEGATE_URL", url).env("no_proxy", "*").arg("list");
        let output = command.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said, format!("nobody answers at {url}: is the server running?\n"));
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn windows_talk_to_each_other() {
    let server = start();
    let browser = Browser::start();
    let url = format!("http://{}/", server.http);
    let [anna, bert, chloe] =
        [DESKTOP, PHONE_DARK, DESKTOP_DARK].map(|look| browser.open(&url, look));
    for (window, name) in [(&anna, "anna"), (&bert, "bert"), (&chloe, "chloe")] {
        assert!(!window.can_click("Send") && !window.can_click("Close"));
        window.fill("Name, if you want one", name);
    }
    chloe.fill("Room", "my room / ü");
    bert.tick("Hear my own messages");
    for (window, room) in [(&anna, "lobby"), (&bert, "lobby"), (&chloe, "my room / ü")] {
        window.click("Open");
        window.wait_for(&format!("Open: {room}"));
    }
    let mut outside = Puppet::connect(ws, server.ws, "/chat/lobby");

    anna.fill("Message", "hello from anna");
    anna.click("Send");
    assert_eq!(anna.entries(1), ["sent hello from anna"]);
    assert_eq!(bert.entries(1), ["received hello from anna"]);
    assert_eq!(outside.hear(), "hello from anna");
    bert.fill("Message", "<b onclick=alert(1)>hello</b> <script>alert(2)</script>");
    bert.press("Enter");
    let nasty = "<b onclick=alert(1)>hello</b> <script>alert(2)</script>";
    assert_eq!(anna.entries(2)[1], format!("received {nasty}"));
    assert_eq!(bert.entries(3)[1..], [format!("sent {nasty}"), format!("received {nasty}")]);
    assert_eq!(outside.hear(), nasty);

    let file = std::env::temp_dir().join(format!("tidegate-e-rooms-{}", std::process::id()));
    fs::write(&file, [0, 1, 254, 255]).unwrap();
    anna.choose("A file instead", file.to_str().unwrap());
    assert_eq!(bert.entries(4)[3], "received 4 bytes: 00 01 fe ff");
    assert_eq!(outside.line(), format!("binary {BYTES}"));
    fs::remove_file(&file).unwrap();
    outside.say_binary(BYTES);
    assert_eq!(anna.entries(4)[3], "received 4 bytes: 00 01 fe ff");
    anna.photograph("e-rooms");

    backend(&server, &["everyone", "closing", "time"]);
    assert_eq!(chloe.entries(1), ["received closing time"]);
    bert.entries(6);
    backend(&server, &["close", "bert", "good", "night"]);
    bert.wait_for("Closed: 1000 good night");
    anna.click("Close");
    anna.wait_for("Closed: 1000");
    // A name that is taken is refused, and may be tried again when it is free.
    anna.fill("Name, if you want one", "chloe");
    anna.click("Open");
    anna.wait_for("Refused, before it was open.");
    chloe.click("Close");
    chloe.wait_for("Closed: 1000");
    anna.click("Open");
    anna.wait_for("Open: lobby");
    browser.finish();
}
