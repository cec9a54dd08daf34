//! B: a help desk that greets and answers by a table of words.

use crate::puppet::{LIBRARIES, Puppet};
use crate::start;
use crate::support::server::tidegate;
use crate::support::{EventStream, WebSocket, http};
use std::io::Write;
use std::process::Stdio;

const GREETING: &str = "Hi, how can I help you today?";
const SORRY: &str = "Sorry, I am unable to understand you.";
const HELP: &str = "Sure. Please tell me what the problem is.";
const HI: &str = "Hi there!";
const HELLO: &str = "Hello! Nice to meet you.";

/// What a client says, and what the desk answers.
const TALK: [(&str, &str); 8] = [
    ("hello", HELLO),
    ("hi", HI),
    ("I need help", HELP),
    // Of several words the last of the table answers, wherever they stand in the message.
    ("hello, hi, help", HELLO),
    ("hi, please help me", HI),
    ("HELLO", HELLO),
    ("what is the time?", SORRY),
    ("", SORRY),
];

#[test]
fn the_desk_greets_and_answers_every_library() {
    let server = start("b-helpdesk");
    for library in LIBRARIES {
        let mut client = Puppet::connect(library, server.ws, "/");
        assert_eq!(client.hear(), GREETING);
        for (said, answer) in TALK {
            client.say(said);
            assert_eq!(client.hear(), answer, "{said}");
        }
        client.ping("are you there?");
        client.leave(1000, "bye");
    }
}

#[test]
fn whoever_runs_the_desk_sees_text_binary_and_closes() {
    let server = start("b-helpdesk");
    let mut reader = EventStream::open(server.http, "/events");
    for library in LIBRARIES {
        let mut client = Puppet::connect(library, server.ws, "/");
        client.say("hello");
        client.say_binary("AAH+/w==");
        let told = reader.take(2);
        let id = told[0].json()["connectionId"].as_str().expect("a UUID").to_owned();
        let expected = format!(r#"{{"connectionId":"{id}","message":"hello"}}"#);
        assert_eq!((told[0].name.as_str(), &told[0].data), ("message", &expected));
        let expected = format!(r#"{{"connectionId":"{id}","base64":"AAH+/w=="}}"#);
        assert_eq!((told[1].name.as_str(), &told[1].data), ("binary", &expected));
        assert_eq!([client.hear(), client.hear(), client.hear()], [GREETING, HELLO, SORRY]);
        client.leave(1001, "gone home");
        let close = reader.take(1)[0].close();
        assert!(close.is(&id, 1001, "client") && close.reason == "gone home");
    }
}

#[test]
fn only_a_right_request_is_upgraded() {
    let server = start("b-helpdesk");
    let plain = http::get(server.ws, "/");
    assert_eq!((plain.status, plain.code().as_str()), (426, "upgrade-required"));
    let upgrade = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n";
    for (key, code) in [("", "missing-websocket-key"), ("short", "bad-websocket-key")] {
        let line = format!("Sec-WebSocket-Key: {key}\r\n");
        let line = if key.is_empty() { "" } else { &line };
        let request = http::request(server.ws, "GET", "/", &format!("{upgrade}{line}"));
        let response = http::exchange(server.ws, &request);
        assert_eq!((response.status, response.code().as_str()), (400, code));
    }
    let elsewhere = WebSocket::try_connect(server.ws, "/elsewhere", "").unwrap_err();
    assert_eq!((elsewhere.status, elsewhere.code().as_str()), (404, "no-such-route"));
    for library in LIBRARIES {
        let client = Puppet::start(library, server.ws, "/elsewhere");
        assert_eq!(client.rest(), ["refused 404 no-such-route"]);
    }
}

/// What a person sees who types these lines, but for the lines themselves: those the terminal shows.
#[test]
fn the_command_line_client_prompts_prints_and_ends_on_exit() {
    let server = start("b-helpdesk");
    let mut command = tidegate();
    command.args(["connect", "--prompt", "Client >> ", "--prefix", "SERVER >> "]);
    command.arg(format!("ws://{}/", server.ws));
    let mut client = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let typed = b"hello\nwhat is the time?\nI need help\nexit\n";
    client.stdin.take().unwrap().write_all(typed).unwrap();
    let output = client.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let answers = [GREETING, HELLO, SORRY, HELP];
    assert_eq!(said, answers.map(|text| format!("SERVER >> {text}\nClient >> ")).concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
