//! How it ends, and what is said about that.

use crate::client::Client;
use crate::scripted::{Scripted, frame};
use crate::support::server::tidegate;
use crate::support::{EventStream, Server};
use rustix::process::Signal;
use std::fs::File;
use std::process::Stdio;
use tidegate::ws::frame::Opcode;

#[test]
fn close_codes_become_a_line_and_a_status() {
    let server = Scripted::start();
    let url = server.url();
    for (payload, answer, status, said) in [
        (&b""[..], &b""[..], 0, "1005 (no code was given)"),
        (b"\x03\xe8", b"\x03\xe8", 0, "1000 (all is said)"),
        (b"\x03\xe8bye", b"\x03\xe8", 0, "1000 \"bye\" (all is said)"),
        (b"\x03\xe9", b"\x03\xe9", 1, "1001 (the server goes away)"),
        (
            b"\x03\xf4server restarts",
            b"\x03\xf4",
            1,
            "1012 \"server restarts\" (the server restarts; connect again)",
        ),
        (
            b"\x11\x39replaced",
            b"\x11\x39",
            1,
            "4409 \"replaced\" (another connection has taken over the name)",
        ),
    ] {
        let client = Client::start(&[&url]);
        let heard = server.welcome(&frame(0x88, payload));
        heard.hear_close(answer);
        let end = client.wait();
        assert_eq!((end.status, end.out.as_str()), (Some(status), ""), "{said}");
        assert_eq!(end.err, format!("tidegate: closed by the server: {said}\n"));
    }
}

#[test]
fn a_server_that_stops_says_so() {
    let server = Server::start(&[]);
    let client = Client::start(&["--prompt", "> ", &format!("ws://{}/echo", server.ws)]);
    client.wait_for("> ");
    server.terminate();
    let end = client.wait();
    assert_eq!((end.status, end.out.as_str()), (Some(1), "> \n"));
    let said =
        "closed by the server: 1012 \"server restarts\" (the server restarts; connect again)";
    assert_eq!(end.err, format!("tidegate: {said}\n"));
    assert_eq!(server.wait().0.code(), Some(0));
}

/// `cat messages | tidegate connect …`: whoever wrote them learns that they are nowhere.
#[test]
fn a_pipe_whose_messages_are_refused_did_not_end_well() {
    let server = Server::start(&["--max-refusals", "3"]);
    let url = format!("ws://{}/ws/lab", server.ws);
    let good = "{\"connectionId\":\"a\"}\n";
    for (typed, status, said) in [
        (good.to_owned(), 0, String::new()),
        (format!("nonsense\n{good}"), 1, "tidegate: the server refused a message\n".to_owned()),
        (format!("{good}[1]\n{{}}\n"), 1, "tidegate: the server refused 2 messages\n".to_owned()),
        (
            "1\n2\n3\n".to_owned(),
            1,
            "tidegate: the server refused 3 messages\n\
             tidegate: closed by the server: 1008 \"too many messages were refused\" \
             (what we sent is against the server's rules)\n"
                .to_owned(),
        ),
    ] {
        let mut client = Client::start(&[&url]);
        client.type_in(&typed);
        if !typed.starts_with('1') {
            client.end_input();
        }
        let end = client.wait();
        assert_eq!((end.status, end.err), (Some(status), said), "{typed}");
        // Each was shown when it came.
        assert_eq!(end.out.matches("{\"error\":").count(), end.out.lines().count());
    }
}

#[test]
fn an_end_without_a_word_is_a_loss() {
    let server = Scripted::start();
    let client = Client::start(&[&server.url()]);
    // Half a frame is none.
    drop(server.welcome(b"\x81\x05Hel"));
    let end = client.wait();
    assert_eq!((end.status, end.out.as_str()), (Some(1), ""));
    assert_eq!(end.err, "tidegate: the connection ended without a word (1006)\n");
}

#[test]
fn a_server_that_breaks_the_protocol_is_told() {
    let server = Scripted::start();
    let url = server.url();
    for (bytes, code, why) in [
        (&b"\x81\x80\x01\x02\x03\x04"[..], 1002_u16, "frames from a server must not be masked"),
        (b"\xc1\x00", 1002, "reserved bits are set where none may be"),
        (b"\x80\x00", 1002, "continuation of a message that was not begun"),
        (b"\x01\x00\x81\x00", 1002, "a new message before the end of the last one"),
        (b"\x81\x01\xff", 1007, "not valid UTF-8"),
        (b"\x88\x02\x03\xee", 1002, "this close code must not be sent"),
        (b"\x82\x7f\x00\x00\x00\x00\x04\x00\x00\x01", 1009, "the message is too big"),
    ] {
        let client = Client::start(&[&url]);
        let mut heard = server.welcome(bytes);
        let payload = [&code.to_be_bytes(), why.as_bytes()].concat();
        assert_eq!(heard.hear(), (Opcode::Close, payload));
        let end = client.wait();
        assert_eq!((end.status, end.out.as_str()), (Some(1), ""), "{why}");
        assert_eq!(end.err, format!("tidegate: the server broke the protocol: {why}\n"));
    }
}

#[test]
fn what_was_said_before_the_close_is_shown() {
    let server = Scripted::start();
    let mut client = Client::start(&[&server.url()]);
    let mut heard = server.welcome(b"");
    client.end_input();
    assert_eq!(heard.hear(), (Opcode::Close, b"\x03\xe8".to_vec()));
    heard.say(0x81, b"one moment");
    heard.say(0x88, b"\x03\xe8");
    heard.say(0x81, b"too late");
    drop(heard);
    let end = client.wait();
    assert_eq!((end.status, end.out.as_str(), end.err.as_str()), (Some(0), "one moment\n", ""));
}

/// The five seconds that our own server, too, gives a client.
#[test]
fn a_server_that_does_not_answer_our_close_is_not_waited_for_for_ever() {
    let server = Scripted::start();
    let mut client = Client::start(&[&server.url()]);
    let mut heard = server.welcome(b"");
    client.end_input();
    assert_eq!(heard.hear().0, Opcode::Close);
    let end = client.wait();
    assert_eq!(end.status, Some(1));
    assert_eq!(end.err, "tidegate: the server did not answer in 5s that we close (1006)\n");
}

#[test]
fn whoever_is_told_to_stop_says_so_to_the_server() {
    let server = Server::start(&[]);
    for (id, signal) in [("a", Signal::INT), ("b", Signal::TERM), ("c", Signal::HUP)] {
        let mut reader = EventStream::open(server.http, "/events");
        let url = format!("ws://{}/ws/lab", server.ws);
        let client = Client::start(&["--prompt", "> ", "--id", id, &url]);
        client.wait_for("> ");
        client.signal(signal);
        let end = client.wait();
        assert_eq!((end.status, end.err.as_str()), (Some(0), ""), "{signal:?}");
        assert!(reader.take(2)[1].close().is(id, 1000, "client"));
    }
}

/// `tidegate connect … | head -1`
#[test]
fn nothing_is_said_to_who_does_not_listen_any_more() {
    let server = Scripted::start();
    let mut command = tidegate();
    command.args(["connect", &server.url()]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut client = command.spawn().unwrap();
    let mut heard = server.welcome(b"");
    drop(client.stdout.take());
    // More than the pipe holds: another test's child may have a copy of it until it is itself.
    heard.wire.write(&frame(0x81, &[b'y'; 125]).repeat(1024));
    heard.hear_close(b"\x03\xe8");
    // Its input is still open: it did not wait for that.
    let keys = client.stdin.take();
    let end = client.wait_with_output().unwrap();
    assert_eq!((end.status.code(), end.stderr.as_slice()), (Some(0), &b""[..]));
    drop(keys);
}

#[test]
fn an_input_that_cannot_be_read_ends_it_as_one_should() {
    let server = Scripted::start();
    let mut command = tidegate();
    command.args(["connect", &server.url()]).stdin(File::open("/").unwrap());
    let client = command.stdout(Stdio::piped()).spawn().unwrap();
    server.welcome(b"").hear_close(b"\x03\xe8");
    let end = client.wait_with_output().unwrap();
    let said = String::from_utf8(end.stderr).unwrap();
    assert_eq!(end.status.code(), Some(1));
    assert!(said.starts_with("tidegate: standard input: ") && said.lines().count() == 2, "{said}");
}
