//! What a client says it saw last, and what its stream begins with (S02).

use super::{text, whatwg};
use crate::support::{EventStream, Server, WebSocket, Wire, http};

const CORPUS: &str = include_str!("../../corpora/last-event-id.txt");

/// What stands for what in the corpus.
struct Names {
    before: String,
    ids: Vec<String>,
}

impl Names {
    fn fill(&self, column: &str) -> Vec<u8> {
        let (epoch, _) = self.before.split_once('-').expect("an id");
        let mut text = column.replace("{before}", &self.before).replace("{epoch}", epoch);
        for (number, id) in self.ids.iter().enumerate() {
            text = text.replace(&format!("{{{number}}}"), id);
        }
        if let Some((start, count)) = text.split_once('*')
            && let Ok(count) = count.parse()
        {
            let (front, repeated) = start.split_at(start.len() - 1);
            text = front.to_owned() + &repeated.repeat(count);
        }
        text::bytes(&text)
    }
}

/// A server whose log has the five messages.
fn stage() -> (Server, Names) {
    let server = Server::start(&[]);
    let mut stream = EventStream::open(server.http, "/events");
    let before = stream.last_id.clone();
    let mut main = WebSocket::connect(server.ws, "/ws/main");
    let mut lab = WebSocket::connect(server.ws, "/ws/lab");
    let ids = (0..5).map(|n| {
        let (client, id) = if n == 1 { (&mut lab, "b") } else { (&mut main, "a") };
        client.say(&format!(r#"{{"connectionId":"{id}","n":{n}}}"#));
        stream.next().expect("it was just said").id
    });
    let ids = ids.collect();
    // They must stay: their closes would be events too.
    std::mem::forget((main, lab));
    (server, Names { before, ids })
}

/// What comes: numbers, gaps, or a status.
fn ask(server: &Server, names: &Names, header: &str, query: &str) -> String {
    let mut head = b"GET /events?follow=false".to_vec();
    if query != "-" {
        head.push(b'&');
        head.extend(names.fill(query));
    }
    head.extend(format!(" HTTP/1.1\r\nHost: {}\r\n", server.http).as_bytes());
    let values = header.split("&&").filter(|_| header != "-");
    for value in values {
        head.extend(b"Last-Event-ID: ");
        head.extend(names.fill(value));
        head.extend(b"\r\n");
    }
    head.extend(b"\r\n");
    let mut wire = Wire::connect(server.http);
    // A head that is far too long is not read to its end.
    wire.try_write(&head);
    let response = wire.read_head().expect("a response");
    if response.status != 200 {
        let length = response.header("content-length").expect("a problem has a length");
        let body = wire.read_exactly(length.parse().unwrap()).expect("a whole body");
        let body = String::from_utf8(body).unwrap();
        return format!("{} {}", response.status, http::Response { body, ..response }.code());
    }
    let events = whatwg::read(&wire.read_to_end()).events;
    let told = events.iter().map(|event| match event.kind.as_str() {
        "gap" => {
            assert_eq!(event.data, r#"{"missed":null}"#);
            "gap".to_owned()
        }
        _ => {
            let json: serde_json::Value = serde_json::from_str(&event.data).unwrap();
            let data = json.get("data").unwrap_or(&json);
            data["n"].to_string()
        }
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() { "nothing".to_owned() } else { told.join(" ") }
}

#[test]
fn whatever_a_client_says_it_saw_its_stream_begins_where_it_should() {
    let (server, names) = stage();
    let mut count = 0;
    for line in text::cases(CORPUS) {
        let mut columns = line.split(" | ");
        let mut next = || columns.next().expect(line);
        let (header, query, comes) = (next(), next(), next());
        assert_eq!(ask(&server, &names, header, query), comes, "{line}");
        count += 1;
    }
    assert!(count >= 40, "the corpus was found");
    // Nothing of all that has broken it.
    assert_eq!(ask(&server, &names, "{3}", "-"), "4");
}

/// A resumed stream of another format goes on at the same place.
#[test]
fn an_id_is_good_for_every_format() {
    let (server, names) = stage();
    for (query, accept) in [
        ("", "text/event-stream"),
        ("&format=full", "text/event-stream"),
        ("", "application/x-ndjson"),
    ] {
        let target = format!("/events?follow=false{query}");
        let headers = format!("Accept: {accept}\r\nLast-Event-ID: {}\r\n", names.ids[2]);
        let mut wire = Wire::connect(server.http);
        wire.write(http::request(server.http, "GET", &target, &headers).as_bytes());
        assert_eq!(wire.read_head().unwrap().status, 200);
        let body = String::from_utf8(wire.read_to_end()).unwrap();
        let places = [2, 3, 4].map(|number| body.find(&names.ids[number]));
        assert!(places.is_sorted() && places.iter().all(Option::is_some), "{body}");
        assert!(!body.contains(&names.ids[1]), "{body}");
    }
}
