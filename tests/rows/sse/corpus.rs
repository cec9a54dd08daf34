//! What clients say, through the real server, in every format (S01).

use super::text;
use super::whatwg::{self, Dispatched};
use crate::support::websocket::frame;
use crate::support::{Message, Server, WebSocket, Wire, http};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::net::SocketAddr;

const CORPUS: &str = include_str!("../../corpora/sse.txt");

/// What has to be read of one case.
#[derive(Debug)]
enum Expected {
    /// This data, in an event of this name.
    Data(&'static str, String),
    /// The data, in the room of this name.
    Room(String, String),
    /// A close event with this reason, if it is told.
    Close(Option<String>),
}

struct Case<'a> {
    line: &'a str,
    kind: &'a str,
    said: Vec<u8>,
    read: &'a str,
}

impl Case<'_> {
    fn parse(line: &str) -> Case<'_> {
        let (kind, rest) = line.split_once(' ').expect(line);
        let (said, read) = rest.split_once(" => ").expect(line);
        Case { line, kind, said: text::bytes(said), read }
    }

    fn read(&self, id: &str) -> String {
        match self.read {
            "=" => String::from_utf8(self.said.clone()).expect(self.line),
            read => text::string(read).replace('%', id),
        }
    }

    fn said(&self) -> &str {
        std::str::from_utf8(&self.said).expect(self.line)
    }

    /// The path to connect to.
    fn path(&self, number: usize) -> String {
        match self.kind {
            "id" => format!("/ws/{number}?connectionId={}", encode(&self.said)),
            "room" => format!("/ws/{}", encode(&self.said)),
            "chat" | "binary" => format!("/chat/{number}"),
            _ => format!("/ws/{number}"),
        }
    }

    /// Says it, and leaves; what readers have to be told.
    fn play(&self, server: &Server, number: usize) -> Vec<Expected> {
        let (refusal, code) = self.read.split_once(' ').unwrap_or_default();
        let mut client = match WebSocket::try_connect(server.ws, &self.path(number), "") {
            Ok(client) => client,
            Err(response) => {
                assert_eq!((refusal, response.status.to_string().as_str()), ("status", code));
                return Vec::new();
            }
        };
        match self.kind {
            "relay" => client.wire.write(&frame(1, true, &self.said)),
            "chat" => client.wire.write(&frame(1, true, &self.said)),
            "binary" => client.say_binary(&self.said),
            "room" | "reason" => client.say(r#"{"connectionId":"a"}"#),
            "id" => {}
            kind => panic!("{kind}: {}", self.line),
        }
        match refusal {
            "refused" => {
                assert_eq!(client.hear().error_code(), code, "{}", self.line);
                client.leave(1000, "");
                return Vec::new();
            }
            "closed" => {
                assert_eq!(client.hear_close().0.to_string(), code, "{}", self.line);
                return vec![Expected::Close(None)];
            }
            _ => {}
        }
        let reason = if self.kind == "reason" { self.said() } else { "" };
        assert_eq!(client.leave(1000, reason), [] as [Message; 0], "{}", self.line);
        vec![self.expected(), Expected::Close(Some(reason.to_owned()))]
    }

    fn expected(&self) -> Expected {
        let registered = r#"{"connectionId":"a"}"#.to_owned();
        match self.kind {
            "binary" => Expected::Data("binary", self.read("%")),
            "room" => Expected::Room(self.read("%"), registered),
            "reason" => Expected::Data("message", registered),
            _ => Expected::Data("message", self.read("%")),
        }
    }
}

fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

/// A connection that has asked for a stream and been told that it is one.
fn open(addr: SocketAddr, query: &str, accept: &str) -> Wire {
    let mut wire = Wire::connect(addr);
    let headers = format!("Accept: {accept}\r\n");
    wire.write(http::request(addr, "GET", &format!("/events?{query}"), &headers).as_bytes());
    assert_eq!(wire.read_head().expect("a response").status, 200);
    wire
}

const FORMATS: [(&str, &str); 3] =
    [("", "text/event-stream"), ("format=full", "text/event-stream"), ("", "application/x-ndjson")];

/// The bodies of one stream of each format, to their ends.
struct Bodies([Vec<u8>; 3]);

/// An event of the full format; its values are as they were written, since not every reader of JSON
/// takes what is grammatical (half of a surrogate pair).
type Full = BTreeMap<String, Box<RawValue>>;

impl Bodies {
    /// Every event as it was read: of the plain stream, and of the full one.
    fn events(&self) -> Vec<(Dispatched, String)> {
        let Bodies([plain, full, lines]) = self;
        let (plain, full) = (whatwg::read(plain).events, whatwg::read(full).events);
        let lines = read_lines(lines);
        let (position, lines) = lines.split_first().expect("a first line");
        assert!(position.ends_with(r#","type":"position"}"#), "{position}");
        assert!(full.iter().all(|event| event.kind == "message"));
        let ids = |events: &[Dispatched]| {
            events.iter().map(|event| event.last_event_id.clone()).collect::<Vec<_>>()
        };
        assert_eq!(ids(&plain), ids(&full), "no format has another event than the others");
        let full: Vec<String> = full.into_iter().map(|event| event.data).collect();
        assert_eq!(full, lines, "lines are the full format");
        plain.into_iter().zip(full).collect()
    }
}

/// Lines of JSON: LF ends a line and nothing else does; empty ones are heartbeats.
fn read_lines(body: &[u8]) -> Vec<&str> {
    let text = std::str::from_utf8(body).expect("UTF-8");
    let whole = text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
    whole.filter(|line| !line.is_empty()).collect()
}

fn check_one(event: &Dispatched, full: &str, line: &str, expected: &Expected) {
    let full: Full = serde_json::from_str(full).expect(line);
    let text = |key: &str| serde_json::from_str::<String>(full[key].get()).expect(line);
    assert_eq!(full["data"].get(), event.data.trim(), "{line}");
    assert_eq!(text("id"), event.last_event_id, "{line}");
    match expected {
        Expected::Data(name, read) => {
            let read = read.replace('%', &text("connectionId"));
            assert_eq!(
                (event.kind.as_str(), event.data.as_str()),
                (*name, read.as_str()),
                "{line}"
            );
        }
        Expected::Room(room, read) => assert_eq!((&text("room"), &event.data), (room, read)),
        Expected::Close(reason) => {
            assert_eq!(
                (text("type").as_str(), event.kind.as_str()),
                ("close", "message"),
                "{line}"
            );
            let close: Value = serde_json::from_str(&event.data).expect(line);
            let told = close["close"]["reason"].as_str();
            assert!(reason.is_none() || told == reason.as_deref(), "{line}: {told:?}");
        }
    }
}

#[test]
fn every_payload_is_read_as_it_was_said_in_every_format() {
    let server = Server::start(&[]);
    let live = FORMATS.map(|(query, accept)| open(server.http, query, accept));
    let (mut expected, mut count) = (Vec::new(), 0);
    for (number, line) in text::cases(CORPUS).enumerate() {
        let case = Case::parse(line);
        expected.extend(case.play(&server, number).into_iter().map(|one| (line, one)));
        count += 1;
    }
    assert!(count >= 60, "the corpus was found");
    let past = FORMATS.map(|(query, accept)| {
        let query = format!("since=earliest&follow=false&{query}");
        open(server.http, query.trim_end_matches('&'), accept).read_to_end()
    });
    // Live streams end with the server.
    server.terminate();
    let live = Bodies(live.map(|mut wire| wire.read_to_end())).events();
    assert_eq!(live.len(), expected.len());
    for ((event, full), (line, expected)) in live.iter().zip(&expected) {
        check_one(event, full, line, expected);
    }
    assert_eq!(Bodies(past).events(), live);
}
