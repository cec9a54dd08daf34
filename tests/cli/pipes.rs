//! Lines in, lines out.

use crate::client::{Client, End};
use crate::scripted::{Scripted, frame};
use crate::support::{EventStream, Message, Server, WebSocket};
use rustix::process::Signal;
use serde_json::json;
use std::thread;
use tidegate::ws::frame::Opcode;

/// It ended as agreed, and had nothing to say about that.
fn well(out: &str) -> End {
    End { status: Some(0), out: out.to_owned(), err: String::new() }
}

#[test]
fn every_line_is_a_message_and_every_message_a_line() {
    let server = Server::start(&[]);
    let mut client = Client::start(&[&format!("ws://{}/echo", server.ws)]);
    client.type_in("hello\n\n{\"a\":1}\r\nexit\n grød \n the last");
    client.end_input();
    assert_eq!(client.wait(), well("hello\n\n{\"a\":1}\nexit\n grød \n the last\n"));
}

/// More than all buffers on the way hold: who only sends and does not read would wait for ever.
#[test]
fn a_flood_comes_back_whole_and_in_order() {
    let server = Server::start(&[]);
    let mut client = Client::start(&["--prefix", "- ", &format!("ws://{}/echo", server.ws)]);
    let lines: Vec<_> = (0..40_000).map(|n| format!("{n} {}", "x".repeat(n % 300))).collect();
    let mut keys = client.take_keys();
    let typed = lines.join("\n");
    let typist = thread::spawn(move || keys.write_all(typed.as_bytes()).unwrap());
    let end = client.wait();
    typist.join().unwrap();
    assert_eq!((end.status, end.err.as_str()), (Some(0), ""));
    assert!(end.out.lines().map(|line| line.strip_prefix("- ").unwrap()).eq(&lines));
}

/// A server may read no more until what it has said is read. Who would not read either would wait
/// for ever, or until one of them is cut off.
#[test]
fn who_is_not_read_from_still_reads() {
    const BYTES: usize = 16 * 1024 * 1024;
    let server = Scripted::start();
    let mut client = Client::start(&[&server.url()]);
    let mut connected = server.welcome(b"");
    let mut keys = client.take_keys();
    // More than all buffers on the way hold, in both directions.
    let typist = thread::spawn(move || _ = keys.write_all(&b"x\n".repeat(BYTES / 2)));
    let said = frame(0x81, &[b'y'; 125]).repeat(1024);
    (0..BYTES / said.len()).for_each(|_| connected.wire.write(&said));
    connected.say(0x81, b"the last");
    client.wait_for("the last\n");
    drop(connected);
    assert_eq!(client.wait().status, Some(1));
    typist.join().unwrap();
}

/// Prompt, send, print the answer, prompt again.
#[test]
fn the_tutorial_s_conversation_is_had_word_for_word() {
    let server = Server::start(&[]);
    let url = format!("ws://{}/echo", server.ws);
    let args = ["--prompt", "Client >> ", "--prefix", "SERVER >> ", &url];
    let mut client = Client::start(&args);
    client.wait_for("Client >> ");
    client.type_in("hello\n");
    client.wait_for("hello\nClient >> ");
    client.type_in("how are you?\n");
    client.wait_for("you?\nClient >> ");
    client.type_in("exit\n");
    let expected = "Client >> SERVER >> hello\nClient >> SERVER >> how are you?\nClient >> ";
    assert_eq!(client.wait(), well(expected));
    // All at once is the same conversation.
    let mut client = Client::start(&args);
    client.type_in("hello\nhow are you?\n exit \nnothing that follows counts\n");
    assert_eq!(client.wait(), well(expected));
}

#[test]
fn a_greeting_comes_before_the_first_prompt_and_a_late_answer_before_the_next() {
    let server = Scripted::start();
    let url = server.url();
    let mut client = Client::start(&["--prompt", "? ", &url]);
    let mut heard = server.welcome(b"");
    // The greeting comes before the pong, so it is before the prompt, however late both are.
    assert_eq!(heard.hear_masked().0, Opcode::Ping);
    heard.say(0x81, b"Hi from server");
    heard.say(0x8a, b"");
    client.wait_for("< Hi from server\n? ");
    client.type_in("hello\n");
    assert_eq!(heard.hear_masked().1, b"hello");
    assert_eq!(heard.hear_masked().0, Opcode::Ping);
    heard.say(0x81, b"yes?");
    client.wait_for("? < yes?\n? ");
    client.end_input();
    heard.hear_close(b"\x03\xe8");
    assert_eq!(client.wait(), well("< Hi from server\n? < yes?\n? \n"));
}

#[test]
fn the_next_line_is_asked_for_where_nobody_answers() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    let url = format!("ws://{}/ws/lab", server.ws);
    let mut client = Client::start(&["--prompt", "> ", "--id", "a&b", &url]);
    assert_eq!(reader.next().unwrap().json(), json!({"connectionId": "a&b"}));
    for n in 0..2 {
        client.wait_for("> ");
        client.type_in(format!("{{\"connectionId\":\"a&b\",\"n\":{n}}}\n"));
        assert_eq!(reader.next().unwrap().json()["n"], n);
    }
    client.type_in("nonsense\n");
    client.end_input();
    let end = client.wait();
    assert_eq!(end.status, Some(0));
    assert!(end.out.starts_with("> > > < {\"error\":{\"code\":\"not-json\""), "{end:?}");
    assert!(reader.next().unwrap().close().is("a&b", 1000, "client"));
}

#[test]
fn fragments_pings_and_binary_are_understood() {
    let server = Scripted::start();
    let client = Client::start(&[&server.url()]);
    let first = [frame(0x81, b"with the answer"), frame(0x01, "gr\u{f8}".as_bytes()[..3].as_ref())];
    let mut heard = server.welcome(&first.concat());
    heard.say(0x89, b"still there?");
    assert_eq!(heard.hear(), (Opcode::Pong, b"still there?".to_vec()));
    heard.say(0x8a, b"unasked");
    heard.say(0x00, b"");
    heard.wire.write_slowly(&frame(0x80, &"gr\u{f8}d".as_bytes()[3..]));
    heard.say(0x82, b"\0\xff\xfe");
    heard.say(0x02, b"te");
    heard.say(0x80, b"xt");
    heard.say(0x81, b"two\nlines \x1b[2J");
    heard.say(0x88, b"\x03\xe8bye");
    heard.hear_close(b"\x03\xe8");
    let end = client.wait();
    let expected = "with the answer\ngrød\n(binary, 3 bytes) AP/+\n(binary, 4 bytes) dGV4dA==\n\
                    two\nlines \x1b[2J\n";
    assert_eq!((end.status, end.out.as_str()), (Some(0), expected));
    assert_eq!(end.err, "tidegate: closed by the server: 1000 \"bye\" (all is said)\n");
}

#[test]
fn every_frame_is_masked_anew() {
    let server = Scripted::start();
    let mut client = Client::start(&[&server.url()]);
    let mut heard = server.welcome(b"");
    client.type_in("same\n".repeat(8));
    let masks: Vec<_> = (0..8).map(|_| heard.hear_masked().2).collect();
    let is_new = |index: usize| !masks[..index].contains(&masks[index]);
    assert!((0..8).all(is_new), "{masks:?}");
}

#[test]
fn what_is_not_utf_8_is_not_sent_and_not_passed_over_in_silence() {
    let server = Server::start(&[]);
    let mut client = Client::start(&[&format!("ws://{}/echo", server.ws)]);
    client.type_in(b"one\n\xff\nthree\n");
    client.end_input();
    let end = client.wait();
    assert_eq!((end.status, end.out.as_str()), (Some(1), "one\nthree\n"));
    let expected = "tidegate: line 2 is not UTF-8; it is not sent\n\
                    tidegate: not all lines were sent\n";
    assert_eq!(end.err, expected);
}

#[test]
fn members_of_a_room_talk_through_pipes() {
    let server = Server::start(&[]);
    let url = format!("ws://{}/chat/lab", server.ws);
    let mut client = Client::start(&[&url]);
    let mut other = WebSocket::connect(server.ws, "/chat/lab");
    client.type_in("hello\n");
    assert_eq!(other.hear(), Message::Text("hello".to_owned()));
    other.say("and you?");
    client.wait_for("and you?\n");
    client.signal(Signal::INT);
    assert_eq!(client.wait(), well("and you?\n"));
}
