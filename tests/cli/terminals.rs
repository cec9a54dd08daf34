//! People: a prompt, what they type, and nothing that takes over their terminal.

use crate::client::Client;
use crate::scripted::Scripted;
use crate::support::{Message, Server, WebSocket};
use tidegate::ws::frame::Opcode;

#[test]
fn a_terminal_shows_the_tutorial_s_conversation() {
    let server = Server::start(&[]);
    let url = format!("ws://{}/echo", server.ws);
    let mut client =
        Client::at_terminal(&["--prompt", "Client >> ", "--prefix", "SERVER >> ", &url]);
    client.wait_for("Client >> ");
    client.type_in("hello\n");
    client.wait_for("hello\r\nClient >> ");
    client.type_in("exit\n");
    let end = client.wait();
    assert_eq!((end.status, end.err.as_str()), (Some(0), ""));
    assert_eq!(end.out, "Client >> hello\r\nSERVER >> hello\r\nClient >> exit\r\n");
}

#[test]
fn people_are_asked_without_asking_for_it() {
    let server = Server::start(&[]);
    let mut client = Client::at_terminal(&[&format!("ws://{}/echo", server.ws)]);
    client.wait_for("> ");
    client.type_in("hello\n");
    client.wait_for("\n> ");
    // Ctrl-D: the end of the input.
    client.type_in("\x04");
    let end = client.wait();
    assert_eq!((end.status, end.err.as_str()), (Some(0), ""));
    assert_eq!(end.out, "> hello\r\n< hello\r\n> \r\n");
}

#[test]
fn a_message_does_not_break_the_line_that_is_typed() {
    let server = Server::start(&[]);
    let mut client = Client::at_terminal(&[&format!("ws://{}/chat/lab", server.ws)]);
    client.wait_for("> ");
    let mut other = WebSocket::connect(server.ws, "/chat/lab");
    client.type_in("hel");
    client.wait_for("> hel");
    other.say("excuse me");
    client.wait_for("> hel\r\x1b[K< excuse me\r\n> ");
    client.type_in("lo\n");
    assert_eq!(other.hear(), Message::Text("hello".to_owned()));
}

#[test]
fn nobody_s_terminal_is_taken_over() {
    let server = Scripted::start();
    let client = Client::at_terminal(&[&server.url()]);
    let mut heard = server.welcome(b"");
    heard.say(0x81, "\x1b]0;mine\x07\u{9b}2J\nSERVER\u{202e}".as_bytes());
    client.wait_for("< \\u001b]0;mine\\u0007\\u009b2J\\nSERVER\\u202e\r\n> ");
    heard.say(0x88, b"\x0f\xa0\x1b[2J");
    heard.hear_close(b"\x0f\xa0");
    let end = client.wait();
    assert_eq!(end.status, Some(1));
    assert_eq!(end.err, "tidegate: closed by the server: 4000 \\u001b[2J\n");
}

#[test]
fn an_interrupt_closes_as_one_should_and_a_second_one_ends_it() {
    const CTRL_C: &str = "\x03";
    let server = Scripted::start();
    let url = server.url();
    let mut client = Client::at_terminal(&[&url]);
    let mut heard = server.welcome(b"");
    assert_eq!(heard.hear_masked().0, Opcode::Ping);
    heard.say(0x8a, b"");
    client.wait_for("> ");
    client.type_in(CTRL_C);
    heard.hear_close(b"\x03\xe8");
    let end = client.wait();
    assert_eq!((end.status, end.err.as_str()), (Some(0), ""));
    let mut client = Client::at_terminal(&[&url]);
    let mut heard = server.welcome(b"");
    assert_eq!(heard.hear_masked().0, Opcode::Ping);
    heard.say(0x8a, b"");
    client.wait_for("> ");
    client.type_in(CTRL_C);
    assert_eq!(heard.hear().0, Opcode::Close);
    client.type_in(CTRL_C);
    assert_eq!(client.wait().status, Some(130));
}
