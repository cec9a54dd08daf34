//! The AsyncAPI description is true: its examples are what it says, and so is what the real server says.
//! Schemas are read by Python's `jsonschema`, which `tests/run` installs.

mod support;

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use support::{EventStream, Message, Server, WebSocket, Wire, http};

/// What was heard: the name of a message in the description, and its payload.
#[derive(Default)]
struct Heard(String);

impl Heard {
    fn add(&mut self, name: &str, json: &str) {
        assert!(!json.contains('\n'));
        self.0.push_str(&format!("{name}\t{json}\n"));
    }
}

/// Holds the description against itself and against `heard`.
fn judge(heard: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = root.join("target/python/bin/python3");
    assert!(python.exists(), "Python's jsonschema is not installed: tests/run does it");
    let mut judge = Command::new(python)
        .arg(root.join("tests/foreign/asyncapi.py"))
        .arg(root.join("src/pages/asyncapi.json"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    judge.stdin.take().unwrap().write_all(heard.as_bytes()).unwrap();
    let output = judge.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    said
}

#[test]
fn every_example_is_what_the_description_says() {
    assert!(judge("").trim_end().ends_with(" payloads"));
}

/// What stands in the first cells of the tables between two headings of the contract, in backticks or
/// as a number.
fn told(from: &str, to: &str) -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("PROTOCOL.md")).unwrap();
    let section = text.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let cells = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let words = cells.flat_map(|cell| cell.split(['`', ',', ' ']));
    let is_code = |word: &&str| {
        word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-') && word.contains('-')
            || word.len() == 4 && word.parse::<u16>().is_ok()
    };
    words.filter(is_code).map(str::to_owned).collect()
}

#[test]
fn every_code_of_the_contract_is_described() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pages/asyncapi.json");
    let description: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let code =
        &description["components"]["schemas"]["Error"]["properties"]["error"]["properties"]["code"];
    let described = code["examples"].as_array().unwrap().iter();
    let described: BTreeSet<_> = described.map(|code| code.as_str().unwrap().to_owned()).collect();
    assert_eq!(described, told("\n### Refused messages\n", "\n### Control frames"));
    let closes = told("\n### Control frames and closing\n", "\n### Compression\n");
    assert!(closes.len() >= 8, "{closes:?}");
    for channel in ["relayMain", "relay", "chat", "echo"] {
        let text = description["channels"][channel]["description"].as_str().unwrap();
        let lines = text.lines().filter_map(|line| line.strip_prefix("- `")?.split('`').next());
        assert_eq!(lines.map(str::to_owned).collect::<BTreeSet<_>>(), closes, "{channel}");
    }
}

#[test]
fn what_the_server_says_is_what_the_description_says() {
    let server = Server::start(&[]);
    let mut heard = Heard::default();
    let mut reader = EventStream::open(server.http, "/events");
    let mut relay = WebSocket::connect(server.ws, "/ws/lab");
    relay.say("nonsense");
    let Message::Text(refusal) = relay.hear() else { panic!("a refusal is text") };
    heard.add("error", &refusal);
    relay.say(r#"{"connectionId":"sensor-7","temperature":21}"#);
    relay.say_binary(b"\0\xff");
    let mut events = reader.take(2);
    relay.leave(1000, "bye");
    let mut chat = WebSocket::connect(server.ws, "/chat/lab");
    chat.say("hello");
    events.extend(reader.take(2));
    chat.leave(1000, "");
    events.extend(reader.take(1));
    for (event, name) in events.iter().zip([
        "messageEvent",
        "binaryEvent",
        "closeEvent",
        "messageEvent",
        "closeEvent",
    ]) {
        heard.add(name, &event.data);
    }
    let mut lost = EventStream::resume(server.http, "/events", "nobody-s");
    heard.add("gapEvent", &lost.next().unwrap().data);
    let lines = |fields: &str| {
        let mut wire = Wire::connect(server.http);
        let fields = format!("Accept: application/x-ndjson\r\n{fields}");
        let target = "/events?follow=false";
        wire.write(http::request(server.http, "GET", target, &fields).as_bytes());
        wire.read_head().unwrap();
        String::from_utf8(wire.read_to_end()).unwrap()
    };
    heard.add("positionLine", lines("").trim_end());
    let lines = lines("Last-Event-ID: nobody-s\r\n");
    let names = ["gapLine"].into_iter().chain(["fullEvent"; 5]);
    assert_eq!(lines.lines().count(), 6, "{lines}");
    lines.lines().zip(names).for_each(|(line, name)| heard.add(name, line));
    judge(&heard.0);
}
