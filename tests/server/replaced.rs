//! One owner for each `connectionId`: a newcomer replaces whoever had it, on whichever core.

use crate::support::{Event, EventStream, Message, Server, WebSocket};
use std::thread;

fn name(k: u64, n: u64) -> String {
    format!(r#"{{"connectionId":"twin","k":{k},"n":{n}}}"#)
}

#[test]
fn the_close_comes_before_the_first_message_of_the_next() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut session = 0;
    let mut owner = WebSocket::connect(server.ws, "/");
    owner.say(&name(0, 0));
    assert_eq!(reader.next().unwrap().data, name(0, 0));
    // So many connections do not all fall to one of two cores.
    for k in 1..24 {
        let mut newcomer = WebSocket::connect(server.ws, "/");
        newcomer.say(&name(k, 0));
        newcomer.say(&name(k, 1));
        assert_eq!(owner.hear_close(), (4409, "replaced".to_owned()));
        let close = reader.next().unwrap().close();
        assert!(close.is("twin", 4409, "server") && close.session > session, "{close:?}");
        session = close.session;
        assert_eq!(reader.next().unwrap().data, name(k, 0));
        assert_eq!(reader.next().unwrap().data, name(k, 1));
        owner = newcomer;
    }
    owner.leave(1000, "");
    assert!(reader.next().unwrap().close().is("twin", 1000, "client"));
}

#[test]
fn an_owner_that_is_gone_without_a_word_is_replaced_too() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut silent = WebSocket::connect(server.ws, "/");
    silent.say(&name(0, 0));
    reader.take(1);
    // It answers nothing and reads nothing, not even the close frame: nobody has to wait for it.
    let mut newcomer = WebSocket::connect(server.ws, "/");
    newcomer.say(&name(1, 0));
    assert!(reader.next().unwrap().close().is("twin", 4409, "server"));
    assert_eq!(reader.next().unwrap().data, name(1, 0));
}

#[test]
fn a_race_for_a_name_has_one_winner_at_a_time() {
    const RACERS: u64 = 12;
    const MESSAGES: u64 = 50;
    let server = Server::start(&[]);
    let addr = server.ws;
    let mut reader = EventStream::open(server.http, "/events");
    let racers: Vec<_> =
        (0..RACERS).map(|k| thread::spawn(move || race(addr, k, MESSAGES))).collect();
    // Whoever won last is replaced by a last newcomer.
    let mut seen = Vec::new();
    let mut last = None;
    while seen.iter().filter(|event: &&Event| event.is_close()).count() == 0 {
        seen.extend(reader.next());
    }
    let mut racers = racers.into_iter().peekable();
    while racers.peek().is_some() {
        let mut newcomer = WebSocket::connect(addr, "/");
        newcomer.say(&name(RACERS, 0));
        let racer = racers.next().unwrap();
        racer.join().unwrap();
        last = Some(newcomer);
    }
    drop(last);
    WebSocket::connect(addr, "/?connectionId=end");
    loop {
        let event = reader.next().unwrap();
        if event.json()["connectionId"] == "end" {
            break;
        }
        seen.push(event);
    }
    check_runs(&seen);
}

/// Claims the name, says what it can, and reads until it is replaced.
fn race(addr: std::net::SocketAddr, k: u64, messages: u64) {
    let mut client = WebSocket::connect(addr, "/");
    for n in 0..messages {
        if !client.try_say(&name(k, n)) {
            break;
        }
    }
    // A close frame, or the end if it lost while it was still talking.
    while let Some(message) = client.next() {
        if let Message::Close(code, _) = message {
            assert_eq!(code, Some(4409));
            client.say_close(4409, "");
        }
    }
}

/// Sessions follow each other: the messages of one from its first, its close, then the next one's.
fn check_runs(events: &[Event]) {
    let (mut current, mut next, mut sessions) = (None, 0, Vec::new());
    for event in events {
        if event.is_close() {
            let close = event.close();
            assert!(current.take().is_some(), "a close without a message: {close:?}");
            assert!(sessions.last().is_none_or(|last| *last < close.session));
            sessions.push(close.session);
        } else {
            let json = event.json();
            let k = json["k"].as_u64();
            if current.is_none() {
                (current, next) = (k, 0);
            }
            assert_eq!((current, json["n"].as_u64()), (k, Some(next)));
            next += 1;
        }
    }
}
