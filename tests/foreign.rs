//! Other people's clients against the real binary: npm's `ws` and `eventsource`, Python's `websockets`,
//! curl. What they need, `tests/run` installs; without it these tests fail and say so.

mod support;

use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Command;
use support::foreign::{self, root};
use support::server::tidegate;
use support::{EventStream, Foreign, Server, WebSocket};

/// The two makers of WebSockets.
const CLIENTS: [fn() -> Command; 2] = [ws, websockets];

fn folder() -> PathBuf {
    root().join("tests/foreign")
}

fn node(script: &str) -> Command {
    foreign::node(&folder().join("node").join(script), &["ws", "eventsource"])
}

fn ws() -> Command {
    node("client.js")
}

fn websockets() -> Command {
    foreign::python(&folder().join("client.py"))
}

/// Runs a scenario of a client to its end.
fn play(client: fn() -> Command, scenario: &str, url: &str, id: &str) -> Vec<String> {
    Foreign::start(client().args([scenario, url, id])).finish()
}

fn event_source(url: &str) -> Foreign {
    let source = Foreign::start(node("events.js").arg(url));
    assert_eq!(source.line(), "open");
    source
}

fn curl(args: &[&str]) -> Foreign {
    Foreign::start(Command::new("curl").args(["-sS", "-N", "--noproxy", "*"]).args(args))
}

const ID: &str = "1700000000000";

#[test]
fn the_tutorial_works_with_every_client_and_every_reader() {
    let server = Server::start(&[]);
    let events = format!("http://{}/events", server.http);
    let mut own = EventStream::open(server.http, "/events");
    let source = event_source(&events);
    let curl = curl(&[&events]);
    assert!(curl.line().starts_with("retry: "));
    assert!(curl.line().starts_with("id: ") && curl.line().is_empty());
    for client in CLIENTS {
        let said = play(client, "tutorial", &format!("ws://{}/", server.ws), ID);
        assert_eq!(said.last().unwrap().trim_end(), "closed 1000");
        let told = own.take(3);
        assert_eq!(told[0].json(), json!({"connectionId": ID}));
        assert_eq!(told[1].json(), json!({"connectionId": ID, "message": "hello"}));
        let close = told[2].close();
        assert!(close.is(ID, 1000, "client") && close.reason == "bye");
        for event in &told {
            let expected = json!({"type": "message", "id": event.id, "data": event.data});
            assert_eq!(source.json(), expected);
            assert_eq!(curl.line(), format!("id: {}", event.id));
            assert_eq!(curl.line(), format!("data: {}", event.data));
            assert_eq!(curl.line(), "");
        }
    }
}

#[test]
fn echo_pings_and_large_messages_work_with_every_client() {
    let server = Server::start(&[]);
    for client in CLIENTS {
        let mut said = play(client, "echo", &format!("ws://{}/echo", server.ws), "");
        said.retain(|line| line != "parts a message in parts");
        assert_eq!(said[0].to_lowercase(), "text true");
        assert_eq!(said[1].to_lowercase(), "binary true");
        assert_eq!(said[2], "pong are you there?");
        // The last message was one byte too long.
        assert!(said[3].starts_with("closed 1009 ") && said.len() == 4, "{said:?}");
    }
}

#[test]
fn binary_messages_reach_readers_from_every_client() {
    let server = Server::start(&[]);
    let source = event_source(&format!("http://{}/events", server.http));
    for client in CLIENTS {
        play(client, "binary", &format!("ws://{}/ws/lab", server.ws), "b");
        assert_eq!(source.json()["type"], "message");
        let binary = source.json();
        assert_eq!(binary["type"], "binary");
        assert_eq!(binary["data"], r#"{"connectionId":"b","base64":"AAH+/w=="}"#);
        let close: Value = serde_json::from_str(source.json()["data"].as_str().unwrap()).unwrap();
        assert_eq!(
            (&close["close"]["code"], &close["close"]["by"]),
            (&json!(4000), &json!("client"))
        );
    }
}

#[test]
fn every_client_understands_why_it_is_closed() {
    for client in CLIENTS {
        let server = Server::start(&[]);
        let url = format!("ws://{}/", server.ws);
        let mut reader = EventStream::open(server.http, "/events");
        let said = play(client, "nonsense", &url, "");
        assert_eq!(said[0], "refused not-json");
        assert!(said[1].starts_with("closed 1008 "), "{said:?}");
        let replaced = Foreign::start(client().args(["stay", &url, ID]));
        reader.take(1);
        let stays = Foreign::start(client().args(["stay", &url, ID]));
        assert_eq!(replaced.finish(), ["closed 4409 replaced"]);
        reader.take(2);
        server.terminate();
        assert_eq!(stays.finish(), ["closed 1012 server restarts"]);
        assert!(reader.next().unwrap().close().is(ID, 1012, "server"));
        assert_eq!(server.wait().0.code(), Some(0));
    }
}

#[test]
fn the_server_s_pings_are_answered_by_every_client() {
    let server = Server::start(&["--ping-interval", "100ms", "--ping-timeout", "3s"]);
    let url = format!("ws://{}/", server.ws);
    let mut reader = EventStream::open(server.http, "/events");
    let python = Foreign::start(websockets().args(["stay", &url, "python"]));
    reader.take(1);
    let node = Foreign::start(ws().args(["stay", &url, "node"]));
    reader.take(1);
    // An unanswered one would be the last.
    (0..5).for_each(|_| assert_eq!(node.line(), "ping"));
    WebSocket::connect(server.ws, "/?connectionId=still%20there").leave(1000, "");
    assert_eq!(reader.next().unwrap().json()["connectionId"], "still there");
    server.terminate();
    for client in [python, node] {
        assert_eq!(client.finish().last().unwrap(), "closed 1012 server restarts");
    }
}

#[test]
fn an_event_source_comes_back_to_another_run_of_the_server() {
    let mut server = Server::start(&["--retry", "10ms"]);
    let addrs = [server.ws.to_string(), server.http.to_string()];
    let source = event_source(&format!("http://{}/events", server.http));
    WebSocket::connect(server.ws, "/?connectionId=before").leave(1000, "");
    let before = [source.json(), source.json()];
    assert_eq!(before[0]["data"], r#"{"connectionId":"before"}"#);
    server.kill();
    let args = ["--ws-addr", &addrs[0], "--http-addr", &addrs[1], "--retry", "10ms"];
    let server = Server::spawn(tidegate().args(args));
    assert_eq!(source.line(), "open");
    let gap = source.json();
    assert_eq!((&gap["type"], &gap["data"]), (&json!("gap"), &json!(r#"{"missed":null}"#)));
    WebSocket::connect(server.ws, "/?connectionId=after").leave(1000, "");
    assert_eq!(source.json()["data"], r#"{"connectionId":"after"}"#);
}

/// `follow=false` ends each stream at the present: whatever comes, comes over one of many connections.
#[test]
fn an_event_source_that_is_cut_again_and_again_misses_nothing_and_sees_nothing_twice() {
    let server = Server::start(&["--retry", "10ms"]);
    let url = format!("http://{}/events?since=earliest&follow=false", server.http);
    let source = event_source(&url);
    let mut client = WebSocket::connect(server.ws, "/?connectionId=a");
    let next_event = || loop {
        let line = source.line();
        if line != "open" {
            let event: Value = serde_json::from_str(&line).expect(&line);
            return event["data"].as_str().unwrap().to_owned();
        }
    };
    assert_eq!(next_event(), r#"{"connectionId":"a"}"#);
    for n in 0..20 {
        let said: Vec<_> =
            (0..3).map(|part| format!(r#"{{"connectionId":"a","n":{n},"part":{part}}}"#)).collect();
        said.iter().for_each(|text| client.say(text));
        said.iter().for_each(|text| assert_eq!(next_event(), *text));
    }
}

#[test]
fn curl_understands_every_answer() {
    let server = Server::start(&[]);
    let base = format!("http://{}", server.http);
    WebSocket::connect(server.ws, "/?connectionId=a").leave(1000, "");
    assert_eq!(curl(&[&format!("{base}/hello")]).finish(), [r#"{"response":"world"}"#]);
    let past = format!("{base}/events?since=earliest&follow=false");
    let lines = curl(&["-H", "Accept: application/x-ndjson", &past]).finish();
    let types: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).expect(line)["type"].clone())
        .collect();
    assert_eq!(types, ["position", "message", "close"]);
    // Two requests over one connection, one with a body that nobody wants.
    let url = format!("{base}/hello");
    let format = "%{http_code} %{num_connects}\n";
    let both = ["-d", "a body", "-o", "/dev/null", "-w", format, &url];
    let both = [&both[..], &["--next", "-sS", "-o", "/dev/null", "-w", format, &url]].concat();
    assert_eq!(curl(&both).finish(), ["405 1", "200 0"]);
    let head = curl(&["-I", &url]).finish();
    assert_eq!(head[0].trim_end(), "HTTP/1.1 200 OK");
}
