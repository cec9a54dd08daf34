//! What is said on a WebSocket comes out of every event stream: all of it, once, in order.

use crate::support::{Event, EventStream, Message, Server, WebSocket};
use std::collections::HashMap;
use std::thread;

const HELLO: &str = r#"{"connectionId":"1700000000000"}"#;
const MESSAGE: &str = r#"{"connectionId":"1700000000000","message":"hello"}"#;

#[test]
fn the_tutorial_works_for_each_of_many_readers() {
    let server = Server::start(&[]);
    let mut readers: Vec<_> = (0..24).map(|_| EventStream::open(server.http, "/events")).collect();
    let mut client = WebSocket::connect(server.ws, "/");
    client.say(HELLO);
    client.say(MESSAGE);
    assert_eq!(client.leave(1000, "bye"), [], "a relay says nothing to its senders");
    let told = readers[0].take(3);
    assert_eq!((told[0].data.as_str(), told[1].data.as_str()), (HELLO, MESSAGE));
    assert!(told.iter().all(|event| event.name == "message"));
    let close = told[2].close();
    assert!(close.is("1700000000000", 1000, "client") && close.reason == "bye", "{close:?}");
    for reader in &mut readers[1..] {
        assert_eq!(reader.take(3), told);
    }
    // Nothing else was published: the next that comes is the next that is said.
    let mut next = WebSocket::connect(server.ws, "/");
    next.say(r#"{"connectionId":"next"}"#);
    for reader in &mut readers {
        assert_eq!(reader.next().unwrap().data, r#"{"connectionId":"next"}"#);
    }
}

#[test]
fn many_senders_and_readers_see_one_order() {
    const SENDERS: usize = 8;
    const MESSAGES: usize = 300;
    let server = Server::start(&[]);
    let addr = server.ws;
    let mut readers: Vec<_> = (0..8).map(|_| EventStream::open(server.http, "/events")).collect();
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            thread::spawn(move || {
                let mut client = WebSocket::connect(addr, "/");
                for n in 0..MESSAGES {
                    client.say(&format!(r#"{{"connectionId":"s{sender}","n":{n}}}"#));
                }
                client.leave(1000, "");
            })
        })
        .collect();
    let readers: Vec<_> = readers
        .drain(..)
        .map(|mut reader| thread::spawn(move || reader.take(SENDERS * (MESSAGES + 1))))
        .collect();
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    let orders: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
    check_each_sender(&orders[0], SENDERS, MESSAGES as u64);
    assert!(orders.iter().all(|order| *order == orders[0]), "one order for all");
}

/// Each sender's messages are all there, in order, then its close.
fn check_each_sender(events: &[Event], senders: usize, messages: u64) {
    let mut next: HashMap<String, u64> = HashMap::new();
    for event in events {
        let json = event.json();
        if event.is_close() {
            let close = event.close();
            assert!(close.is(&close.id, 1000, "client"));
            assert_eq!(next.insert(close.id, u64::MAX), Some(messages));
        } else {
            let next = next.entry(json["connectionId"].as_str().unwrap().to_owned()).or_default();
            assert_eq!(json["n"], *next);
            *next += 1;
        }
    }
    assert_eq!(next.len(), senders);
    let mut ids: Vec<_> = events.iter().map(|event| &event.id).collect();
    ids.dedup();
    assert_eq!(ids.len(), events.len(), "every event has an id of its own");
    assert!(ids.is_sorted());
}

#[test]
fn a_message_is_published_as_it_was_written() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut client = WebSocket::connect(server.ws, "/");
    let long = format!(r#"{{"connectionId":"a","text":"{}"}}"#, "x".repeat(60_000));
    let texts = [
        "{ \"connectionId\" : \"a\",\t\"n\":1.50e+02 }",
        "{\"text\":\"zwölf Größen 🦀\",\"connectionId\":\"a\"}",
        "{\"connectionId\":\"\\u0061\",\"nested\":{\"connectionId\":\"b\",\"close\":[1,{}]}}",
        long.as_str(),
    ];
    for text in texts {
        client.say(text);
        assert_eq!(reader.next().unwrap().data, text);
    }
    // A line break between two tokens would end the data line: it becomes a space.
    client.say("{\"connectionId\":\"a\",\r\n\"n\":1\n}");
    assert_eq!(reader.next().unwrap().data, "{\"connectionId\":\"a\",  \"n\":1 }");
}

#[test]
fn rooms_are_apart() {
    let server = Server::start(&[]);
    let mut all = EventStream::open(server.http, "/events");
    let mut blue = EventStream::open(server.http, "/events?room=blue");
    let mut both = EventStream::open(server.http, "/events?room=main&room=the%20red");
    let mut in_main = WebSocket::connect(server.ws, "/");
    let mut in_blue = WebSocket::connect(server.ws, "/ws/blue");
    let mut in_red = WebSocket::connect(server.ws, "/ws/the%20red");
    let mut said = Vec::new();
    for (n, client) in [&mut in_main, &mut in_blue, &mut in_red].into_iter().enumerate() {
        said.push(format!(r#"{{"connectionId":"in {n}"}}"#));
        client.say(&said[n]);
        assert_eq!(all.next().unwrap().data, said[n]);
    }
    assert_eq!(blue.next().unwrap().data, said[1]);
    assert_eq!(both.next().unwrap().data, said[0]);
    assert_eq!(both.next().unwrap().data, said[2]);
    in_blue.leave(1000, "");
    assert_eq!(blue.next().unwrap().close().id, "in 1");
}

#[test]
fn a_url_registers_as_a_first_message_does() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut client = WebSocket::connect(server.ws, "/?connectionId=a%20%22b%22");
    assert_eq!(reader.next().unwrap().data, r#"{"connectionId":"a \"b\""}"#);
    client.say(r#"{"connectionId":"a \"b\"","n":1}"#);
    assert_eq!(reader.next().unwrap().json()["n"], 1);
    client.leave(1000, "");
    assert_eq!(reader.next().unwrap().close().id, "a \"b\"");
}

#[test]
fn binary_messages_come_as_base64() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut client = WebSocket::connect(server.ws, "/");
    client.say_binary(b"too early");
    assert_eq!(client.hear().error_code(), "not-registered");
    client.say(r#"{"connectionId":"b"}"#);
    client.say_binary(&[0, 1, 2, 253, 254, 255]);
    client.say_binary(b"");
    assert_eq!(reader.next().unwrap().data, r#"{"connectionId":"b"}"#);
    for base64 in ["AAEC/f7/", ""] {
        let event = reader.next().unwrap();
        assert_eq!(event.name, "binary");
        let json = event.json();
        assert_eq!((&json["connectionId"], &json["base64"]), (&"b".into(), &base64.into()));
        assert_eq!(json.as_object().unwrap().len(), 2);
    }
}

#[test]
fn echo_gives_back_what_it_got_and_publishes_nothing() {
    let server = Server::start(&[]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut client = WebSocket::connect(server.ws, "/echo");
    for text in ["", "no JSON at all", &"long ".repeat(10_000)] {
        client.say(text);
        assert_eq!(client.hear(), Message::Text(text.to_owned()));
    }
    let bytes: Vec<u8> = (0..=255).cycle().take(65_536).collect();
    client.say_binary(&bytes);
    assert_eq!(client.hear(), Message::Binary(bytes));
    client.leave(1000, "");
    let mut other = WebSocket::connect(server.ws, "/");
    other.say(HELLO);
    assert_eq!(reader.next().unwrap().data, HELLO);
}
