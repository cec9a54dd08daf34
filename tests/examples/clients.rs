//! The small programs of `examples/clients`: devices that speak, backends that listen and answer.

use crate::example;
use crate::support::server::tidegate;
use crate::support::{EventStream, Folder, Foreign, Message, PATIENCE, Server, WebSocket};
use crate::support::{foreign, wait_until};
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// Node or Python, about to run the program of that name.
type Language = fn(&str) -> Command;

fn javascript(name: &str) -> Command {
    foreign::node(&example(&format!("clients/{name}.js")), &["ws"])
}

fn python(name: &str) -> Command {
    let mut command = foreign::python(&example(&format!("clients/{name}.py")));
    command.env("no_proxy", "*");
    command
}

fn backend(language: Language, server: &Server) -> Foreign {
    let backend = Foreign::start(language("backend").arg(format!("http://{}", server.http)));
    assert_eq!(backend.line(), "watching");
    backend
}

fn device(language: Language, name: &str, ws: SocketAddr) -> Foreign {
    let device = Foreign::converse(language("device").arg(name).arg(format!("ws://{ws}/")));
    assert_eq!(device.line(), format!("connected as {name}"));
    device
}

/// What a device has been sent.
fn received(device: &Foreign) -> Value {
    let line = device.line();
    let text = line.strip_prefix("received ").unwrap_or_else(|| panic!("{line}"));
    serde_json::from_str(text).expect(text)
}

#[test]
fn a_backend_answers_devices_also_after_a_restart() {
    for language in [javascript as Language, python] {
        let mut server = Server::start(&[]);
        let backend = backend(language, &server);
        let mut device = device(language, "anna / 1", server.ws);
        device.tell("hello \"you\" 🦀");
        assert_eq!(backend.line(), "anna / 1: hello \"you\" 🦀");
        assert_eq!(received(&device), json!({"answer": "HELLO \"YOU\" 🦀"}));

        server.stop();
        assert_eq!(device.line(), "closed 1012 server restarts");
        assert_eq!(backend.line(), "anna / 1 has left: 1012");
        let addresses = [server.ws.to_string(), server.http.to_string()];
        let args = ["--ws-addr", &addresses[0], "--http-addr", &addresses[1]];
        let _server = Server::spawn(tidegate().args(args));
        assert_eq!(device.line(), "connected as anna / 1");
        assert_eq!([backend.line(), backend.line()], ["watching", "missed some, or none"]);
        device.tell("again");
        assert_eq!(backend.line(), "anna / 1: again");
        assert_eq!(received(&device), json!({"answer": "AGAIN"}));

        assert_eq!(device.finish().last().unwrap().trim_end(), "closed 1000");
        assert_eq!(backend.line(), "anna / 1 has left: 1000");
    }
}

/// What the API publishes comes of no connection: it is nobody's to answer.
#[test]
fn a_backend_goes_on_behind_what_nobody_said() {
    for language in [javascript as Language, python] {
        let server = Server::start(&[]);
        let mut command = language("backend");
        let backend =
            Foreign::start(command.env("TIDEGATE_URL", format!("http://{}", server.http)));
        assert_eq!(backend.line(), "watching");
        let published = ["--json", r#"{"json":{"message":"to all"}}"#];
        crate::curl(&server, "/api/rooms/main/messages", &published);
        let mut device = device(language, "anna", server.ws);
        device.tell("hello");
        assert_eq!(backend.line(), "anna: hello", "nothing before it, and no second \"watching\"");
        assert_eq!(received(&device), json!({"answer": "HELLO"}));
    }
}

#[test]
fn a_device_whose_name_was_taken_gives_up() {
    for language in [javascript as Language, python] {
        let server = Server::start(&[]);
        let loser = device(language, "anna", server.ws);
        // Whoever comes before the first has registered would lose against it.
        wait_until("the first has registered", || {
            crate::curl(&server, "/api/connections", &[]).contains("anna")
        });
        let _winner = device(language, "anna", server.ws);
        assert_eq!(loser.line(), "closed 4409 replaced");
    }
}

/// `backend.sh`, which works in `folder`.
fn shell(server: &Server, folder: &Folder, words: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.arg(example("clients/backend.sh")).args(words).env("no_proxy", "*");
    command.env("TIDEGATE_URL", format!("http://{}", server.http));
    command.env("TIDEGATE_LAST", folder.path("last"));
    command
}

/// A shell and all that it has started; what it has printed comes line by line.
struct Group {
    shell: Child,
    lines: Receiver<String>,
}

impl Group {
    fn start(command: &mut Command) -> Group {
        let mut shell = command.process_group(0).stdout(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(shell.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            stdout.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok())
        });
        Group { shell, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("one more line")
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.shell), Signal::KILL);
        let _ = self.shell.wait();
    }
}

#[test]
fn curl_watches_a_room_and_goes_on_where_it_was() {
    let server = Server::start(&[]);
    let folder = Folder::new();
    let mut reader = EventStream::open(server.http, "/events");
    let watcher = Group::start(&mut shell(&server, &folder, &["watch", "my / room"]));
    wait_until("it watches", || crate::curl(&server, "/api/rooms", &[]).contains("my / room"));
    let mut client = WebSocket::connect(server.ws, "/ws/my%20%2F%20room");
    let mut elsewhere = WebSocket::connect(server.ws, "/ws/elsewhere");
    elsewhere.say(r#"{"connectionId":"b"}"#);
    reader.take(1);
    client.say(r#"{"connectionId":"a"}"#);
    let seen = reader.take(1).remove(0);
    assert_eq!(watcher.line(), r#"{"connectionId":"a"}"#);
    wait_until("it has kept the id", || {
        std::fs::read_to_string(folder.path("last")).is_ok_and(|id| id == seen.id)
    });
    drop(watcher);
    client.say(r#"{"connectionId":"a","n":1}"#);
    reader.take(1);
    let watcher = Group::start(&mut shell(&server, &folder, &["watch", "my / room"]));
    assert_eq!(watcher.line(), r#"{"connectionId":"a","n":1}"#);
}

#[test]
fn curl_sends_to_one_and_to_a_room() {
    let server = Server::start(&[]);
    let folder = Folder::new();
    let mut reader = EventStream::open(server.http, "/events");
    let run = |words: &[&str]| Foreign::start(&mut shell(&server, &folder, words)).finish();
    let mut chloe = WebSocket::connect(server.ws, "/?connectionId=chloe%20%2F%20%C3%BC");
    reader.take(1);
    let nasty = r#"a "quote", a \ and 100 %"#;
    assert_eq!(run(&["send", "chloe / ü", nasty, "too"]), [r#"{"queued":1}"#]);
    assert_eq!(chloe.hear(), Message::Text(format!("{nasty} too")));
    assert!(run(&["publish", "my / room", nasty])[0].starts_with(r#"{"id":"#));
    assert_eq!(reader.take(1)[0].json(), json!({ "message": nasty }));
    let gone = shell(&server, &folder, &["send", "nobody", "hello"]).output().unwrap();
    assert!(String::from_utf8_lossy(&gone.stdout).contains("no-such-connection"));
    assert!(!gone.status.success());
    for words in [&["send"][..], &["send", "anna"], &["publish", "room"], &["sned"]] {
        let usage = shell(&server, &folder, words).output().unwrap();
        let said = String::from_utf8_lossy(&usage.stderr);
        assert!(said.contains("./backend.sh send NAME WORDS..."), "{words:?}: {said}");
        assert_eq!(usage.status.code(), Some(2), "{words:?}");
    }
}
