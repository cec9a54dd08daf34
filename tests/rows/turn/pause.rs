//! Time that the process did not have is held against nobody (L13).

use crate::support::{Message, Server, WebSocket};
use rustix::process::Signal;
use std::thread;
use std::time::Duration;

/// The simulation does this with every kind of client, and sets the wall clock; this is that a real
/// process that was stopped finds out.
#[test]
fn who_was_to_answer_while_the_process_stood_still_has_time_to() {
    let options = ["--ping-interval", "100ms", "--ping-timeout", "1500ms", "--cores", "2"];
    let server = Server::start(&options[..4]);
    let mut clients: Vec<_> = (0..8).map(|_| WebSocket::connect(server.ws, "/echo")).collect();
    // Each has been asked, and none has answered, when the process stops.
    for client in &mut clients {
        assert_eq!(client.next(), Some(Message::Ping(Vec::new())));
    }
    server.signal(Signal::STOP);
    // Longer than all that it waits for; there is nothing to wait for but time itself.
    thread::sleep(Duration::from_secs(3));
    server.signal(Signal::CONT);
    for client in &mut clients {
        client.pong(b"");
        client.say("still there?");
        assert_eq!(client.hear(), Message::Text("still there?".to_owned()));
    }
}
