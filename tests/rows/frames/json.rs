//! W18: JSON that would break a reader that calls itself, or that counts what it has read.

use crate::support::{EventStream, Server, WebSocket};
use std::thread;
use tidegate::json::{Fault, scan};

/// Far below what a thread has: a reader with one call for each level would need megabytes.
const STACK: usize = 256 * 1024;
const DEEP: usize = 100_000;
const MANY: usize = 1_000_000;

fn deep(open: &str, close: &str) -> String {
    format!(r#"{{"connectionId":"a","x":{}1{}}}"#, open.repeat(DEEP), close.repeat(DEEP))
}

fn many_keys(key: impl Fn(usize) -> String) -> String {
    let keys: Vec<String> = (0..MANY).map(|n| format!("\"{}\":1", key(n))).collect();
    format!(r#"{{"connectionId":"a",{}}}"#, keys.join(","))
}

fn long_number() -> String {
    format!(r#"{{"connectionId":"a","n":{}}}"#, "7".repeat(MANY))
}

#[test]
fn no_json_needs_more_than_a_small_stack() {
    let scans = || {
        for text in [deep("[", "]"), deep(r#"{"y":"#, "}"), deep("[[{\"z\":[", "]}]]")] {
            assert_eq!(scan(text.as_bytes()).err(), Some(Fault::TooDeep));
        }
        let unclosed = format!(r#"{{"x":{}"#, "[".repeat(DEEP));
        assert_eq!(scan(unclosed.as_bytes()).err(), Some(Fault::TooDeep));
        for text in [
            many_keys(|n| format!("k{n}")),
            many_keys(|_| "the same".to_owned()),
            long_number(),
            format!(r#"{{"connectionId":"a","n":-0.{}e-{}}}"#, "7".repeat(MANY), "9".repeat(MANY)),
            format!(r#"{{"connectionId":"a","s":"{}"}}"#, r"\u0061".repeat(MANY)),
            format!(r#"{{"connectionId":"a","s":[{}0]}}"#, "[],{},".repeat(MANY / 4)),
        ] {
            let id = scan(text.as_bytes()).map(|envelope| envelope.connection_id.is_some());
            assert_eq!(id.ok(), Some(true), "{}", &text[..60]);
        }
        let twice =
            many_keys(|n| if n + 1 == MANY { "connectionId".to_owned() } else { "k".into() });
        assert_eq!(scan(twice.as_bytes()).err(), Some(Fault::DuplicateKey));
    };
    thread::Builder::new().stack_size(STACK).spawn(scans).unwrap().join().unwrap();
}

#[test]
fn such_json_is_published_or_refused_by_the_server() {
    let server = Server::start(&["--max-message", "16MiB", "--room-log", "64MiB"]);
    let mut reader = EventStream::open(server.http, "/events");
    let mut client = WebSocket::connect(server.ws, "/");
    client.say(&deep("[", "]"));
    assert_eq!(client.hear().error_code(), "too-deep");
    client.say(&deep(r#"{"y":"#, "}"));
    assert_eq!(client.hear().error_code(), "too-deep");
    for text in [many_keys(|n| format!("k{n}")), many_keys(|_| "k".to_owned()), long_number()] {
        client.say(&text);
        let event = reader.next().unwrap();
        assert!(event.data == text, "{} of {} bytes", event.data.len(), text.len());
    }
    client.leave(1000, "");
}
