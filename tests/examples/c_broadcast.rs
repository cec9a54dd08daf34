//! C: each message goes to everyone but its sender.

use crate::puppet::{Puppet, websockets, ws};
use crate::support::{EventStream, Foreign, foreign};
use crate::{example, start};
use std::collections::BTreeSet;

const GREETING: &str = "Hi from server";

#[test]
fn a_message_goes_to_everyone_but_its_sender() {
    let server = start("c-broadcast");
    let mut clients =
        [ws, websockets, ws, websockets].map(|library| Puppet::connect(library, server.ws, "/"));
    clients.iter().for_each(|client| assert_eq!(client.hear(), GREETING));
    for speaker in 0..clients.len() {
        let said = format!("Client {speaker} says hello");
        clients[speaker].say(&said);
        for hearer in (0..clients.len()).filter(|hearer| *hearer != speaker) {
            // Had one heard itself, this would not be the next.
            assert_eq!(clients[hearer].hear(), said);
        }
    }
    clients.into_iter().for_each(|client| client.leave(1000, ""));
}

#[test]
fn everyone_has_a_uuid_of_its_own() {
    let server = start("c-broadcast");
    let mut reader = EventStream::open(server.http, "/events");
    let mut ids = BTreeSet::new();
    for library in [ws, websockets, ws] {
        let mut client = Puppet::connect(library, server.ws, "/");
        client.say("hello");
        let event = reader.take(1)[0].json();
        assert_eq!(event["message"], "hello");
        let id = event["connectionId"].as_str().unwrap().to_owned();
        assert!(is_uuid_of_version_4(&id), "{id}");
        assert!(ids.insert(id));
        assert_eq!(client.hear(), GREETING);
        client.leave(1000, "");
        assert!(reader.take(1)[0].is_close());
    }
}

/// RFC 9562, sections 4 and 5.4.
fn is_uuid_of_version_4(id: &str) -> bool {
    let parts: Vec<_> = id.split('-').collect();
    let is_hex = |part: &&str| part.bytes().all(|byte| byte.is_ascii_hexdigit());
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(is_hex)
        && parts[2].starts_with('4')
        && parts[3].starts_with(['8', '9', 'a', 'b'])
}

#[test]
fn nine_users_hear_each_other_and_none_hears_itself() {
    let server = start("c-broadcast");
    let mut command = foreign::node(&example("c-broadcast/client.js"), &["ws"]);
    let users = Foreign::start(command.args(["--unit", "5", &format!("ws://{}/", server.ws)]));
    let heard = |hearer: u8, what: &str| format!("Client {hearer}: {what}");
    let mut expected = BTreeSet::new();
    for hearer in 1..=9 {
        expected.insert(heard(hearer, GREETING));
        let others = (1..=9).filter(|other| *other != hearer);
        expected.extend(others.map(|other| heard(hearer, &format!("Client {other} says hello"))));
    }
    assert!(expected.contains("Client 3: Client 8 says hello"));
    let mut lines = BTreeSet::new();
    while lines.len() < expected.len() {
        let line = users.line();
        assert!(expected.contains(&line), "{line}");
        lines.insert(line);
    }
    server.terminate();
    let closed = |line: &String| line.ends_with(" is closed: 1012 server restarts");
    assert_eq!(users.finish().iter().filter(|line| closed(line)).count(), 9);
}
