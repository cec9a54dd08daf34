//! Every kind of line, from a real server, as text and as JSON.

use super::read::Line;
use crate::support::http::{exchange, get, request};
use crate::support::server::tidegate;
use crate::support::websocket::{frame, handshake};
use crate::support::{EventStream, Folder, Server, WebSocket, Wire, wait_until};
use rustix::process::Signal;
use std::fs::{self, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

const ALL: &str = "info,access=debug,connection=debug";
const REQUEST: [&str; 6] = ["peer", "method", "path", "status", "seconds", "bytes-out"];
const FAULT: [&str; 4] = ["peer", "port", "status", "code"];
const WEBSOCKET: [&str; 3] = ["peer", "route", "room"];
const NAME: [&str; 2] = ["connectionId", "session"];

/// Level, target, message, and the fields beside: what README promises of each line.
fn table() -> Vec<(&'static str, &'static str, &'static str, Vec<&'static str>)> {
    let end = ["code", "by", "seconds", "bytes-in", "bytes-out", "messages-in"];
    vec![
        ("debug", "access", "request", REQUEST.to_vec()),
        ("info", "access", "request refused", [&REQUEST[..], &["code"]].concat()),
        ("info", "access", "request refused", [&REQUEST[..], &["code", "bytes-in"]].concat()),
        ("info", "access", "somebody spoke TLS to a plain port", FAULT.to_vec()),
        ("info", "access", "somebody spoke HTTP/2 to a port for HTTP/1.1", FAULT.to_vec()),
        ("info", "access", "somebody spoke something else than HTTP", FAULT.to_vec()),
        ("debug", "access", "handshake", [&REQUEST[..], &["forwarded-for"]].concat()),
        ("info", "access", "handshake refused", [&REQUEST[..], &["code"]].concat()),
        (
            "debug",
            "connection",
            "WebSocket opened",
            [&WEBSOCKET[..], &NAME, &["forwarded-for"]].concat(),
        ),
        (
            "debug",
            "connection",
            "WebSocket closed",
            [&WEBSOCKET[..], &NAME, &end, &["forwarded-for"]].concat(),
        ),
        ("info", "connection", "WebSocket closed", [&WEBSOCKET[..], &end, &["reason"]].concat()),
        ("debug", "connection", "stream opened", vec!["peer", "room"]),
        ("debug", "connection", "stream ended", vec!["peer", "room", "by", "seconds", "bytes-out"]),
    ]
}

/// Has the server tell a line of each kind.
fn provoke(server: &Server) {
    let (ws, http) = (server.ws, server.http);
    assert_eq!(get(http, "/hello").status, 200);
    assert_eq!(get(http, "/nothing").status, 404);
    let fields = "Content-Type: application/json\r\nContent-Length: 2\r\n";
    exchange(http, &(request(http, "POST", "/api/messages", fields) + "[]"));
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x04\x01\x1f\x90\r\n\r\n",
    ] {
        let mut wire = Wire::connect(ws);
        wire.write(bytes);
        wire.read_to_end();
    }
    exchange(ws, &handshake(ws, "/no/such/route", ""));
    let mut reader = EventStream::open(http, "/events?room=lab");
    let fields = "X-Forwarded-For: 203.0.113.7\r\n";
    let client = WebSocket::try_connect(ws, "/ws/lab?connectionId=ann", fields).unwrap();
    reader.take(1);
    client.leave(1000, "");
    reader.take(1);
    let mut wrong = WebSocket::connect(ws, "/ws/lab");
    wrong.wire.write(&[0xff; 8]);
    wrong.wire.read_to_end();
    drop(reader);
    server.wait_for_log("stream ended");
}

fn logging(filter: &str, format: &str) -> Command {
    let mut command = tidegate();
    command.env("TIDEGATE_LOG", filter).env("TIDEGATE_LOG_FORMAT", format);
    command
}

/// What engines tell while each kind of line is provoked.
fn told(format: &str) -> Vec<Line> {
    let mut server = Server::start_with(&mut logging(ALL, format));
    provoke(&server);
    let log = server.stop();
    let lines = log.lines();
    let lines: Vec<Line> = match format {
        "json" => lines.map(Line::of_json).collect(),
        _ => lines.filter_map(Line::of_text).collect(),
    };
    let is_told = |line: &Line| matches!(line.target.as_deref(), Some("access" | "connection"));
    lines.into_iter().filter(is_told).collect()
}

#[test]
fn every_kind_of_line_has_the_fields_that_are_promised_in_both_formats() {
    for format in ["text", "json"] {
        let told = told(format);
        for (level, target, message, mut fields) in table() {
            fields.sort_unstable();
            let is_it = |line: &Line| {
                let known: Vec<&str> = line.fields.keys().map(String::as_str).collect();
                (&*line.level, line.target.as_deref(), &*line.message)
                    == (level, Some(target), message)
                    && known == fields
            };
            let found = told.iter().any(is_it);
            assert!(found, "no {level} {target} {message} {fields:?} in {format}: {told:#?}");
        }
        let line = |message| told.iter().find(|line| line.message == message).expect(message);
        let closed = line("WebSocket closed");
        assert_eq!((closed.field("connectionId"), closed.field("room")), ("ann", "lab"));
        assert_eq!((closed.field("route"), closed.field("code")), ("/ws/{room}", "1000"));
        assert_eq!((closed.field("by"), closed.field("messages-in")), ("client", "0"));
        assert_eq!(closed.field("forwarded-for"), "203.0.113.7");
        let refused = line("request refused");
        assert_eq!((refused.field("path"), refused.field("status")), ("/*", "404"));
        assert_eq!((refused.field("method"), refused.field("code")), ("GET", "not-found"));
        assert!(refused.field("peer").parse::<SocketAddr>().unwrap().ip().is_loopback());
    }
}

#[test]
fn by_default_only_problems_are_told_and_who_made_them() {
    let mut server = Server::start(&[]);
    provoke_a_fault(&server);
    let mut wrong = WebSocket::connect(server.ws, "/echo");
    let peer = wrong.wire.handle().local_addr().unwrap().to_string();
    wrong.wire.write(&frame(3, true, b""));
    wrong.wire.read_to_end();
    let (mut good, mut reader) =
        (WebSocket::connect(server.ws, "/"), EventStream::open(server.http, "/events"));
    good.say(r#"{"connectionId":"a"}"#);
    reader.take(1);
    good.leave(1000, "");
    reader.take(1);
    server.wait_for_log("WebSocket closed");
    let log = server.stop();
    let lines = log.lines().filter_map(Line::of_text).filter(|line| line.target.is_some());
    let lines: Vec<Line> = lines.collect();
    let [refused, closed] = &lines[..] else { panic!("{log}") };
    assert_eq!((&*refused.message, refused.field("code")), ("request refused", "not-found"));
    assert_eq!((&*closed.message, &*closed.level), ("WebSocket closed", "info"));
    assert_eq!((closed.field("code"), closed.field("by")), ("1002", "server"));
    assert_eq!((closed.field("reason"), closed.field("peer")), ("unknown opcode", &*peer));
}

fn provoke_a_fault(server: &Server) {
    assert_eq!(get(server.http, "/nothing").status, 404);
}

#[test]
fn a_flood_is_told_in_few_lines_and_counted_to_the_last() {
    const REQUESTS: u64 = 400;
    let server = Server::start(&[]);
    let mut wire = Wire::connect(server.http);
    for _ in 0..REQUESTS {
        wire.write(request(server.http, "GET", "/nothing", "").as_bytes());
        assert_eq!(wire.read_response().unwrap().status, 404);
    }
    let mut counts = Vec::new();
    wait_until("all are counted", || {
        let lines: Vec<Line> = server.log().iter().filter_map(|line| Line::of_text(line)).collect();
        let count = |line: &Line| match line.message.as_str() {
            "request refused" => 1,
            message if message.contains("more request") => line.field("count").parse().unwrap(),
            _ => 0,
        };
        counts = lines.iter().map(count).filter(|count| *count > 0).collect();
        counts.iter().sum::<u64>() == REQUESTS
    });
    assert!(counts.iter().any(|count| *count > 1), "{counts:?}");
}

#[test]
fn what_a_client_is_called_begins_no_line_and_ends_no_field() {
    let name = "a\" level=error \\ = \u{202e}\u{2028}[x] 🫐";
    let encoded: String = name.bytes().map(|byte| format!("%{byte:02x}")).collect();
    for format in ["text", "json"] {
        let mut server = Server::start_with(&mut logging(ALL, format));
        let target = format!("/ws/{encoded}?connectionId={encoded}");
        WebSocket::connect(server.ws, &target).leave(1000, name);
        get(server.http, &format!("/a{encoded}%0d%0a%1b[2J?{encoded}"));
        server.wait_for_log("WebSocket closed");
        server.wait_for_log("request refused");
        let log = server.stop();
        assert!(!log.contains(['\u{202e}', '\u{2028}', '\u{1b}']), "{log}");
        let line = log.lines().find(|line| line.contains("WebSocket closed")).unwrap();
        let line = if format == "json" { Some(Line::of_json(line)) } else { Line::of_text(line) };
        let line = line.unwrap();
        assert_eq!((line.field("connectionId"), line.field("room")), (name, name));
        assert!(!line.fields.contains_key("reason"), "{line:?}");
    }
}

/// Names of keys are no secrets; what changes about them is worth a line.
#[test]
fn a_reload_names_the_keys_that_came_and_went() {
    let folder = Folder::new();
    for name in ["one", "two"] {
        folder.write(name, &format!("0123456789abcdef-{name}"));
        fs::set_permissions(folder.path(name), Permissions::from_mode(0o600)).unwrap();
    }
    let key = |name: &str, file: &str| {
        format!("[[key]]\nname = '{name}'\nsecret = {{ file = '{file}' }}\n")
    };
    let file = folder.write("tidegate.toml", &(key("a", "one") + &key("b", "two")));
    let server = Server::start(&["--config", &file]);
    folder.write("tidegate.toml", &(key("b", "one") + &key("c", "two")));
    server.signal(Signal::HUP);
    server.wait_for_log("] loaded ");
    let log = server.log().join("\n");
    for line in ["new keys: \"c\"", "changed keys: \"b\"", "removed keys: \"a\""] {
        assert!(log.contains(line), "{log}");
    }
}

#[test]
fn with_json_every_line_is_an_object_from_the_first_on() {
    let mut server = Server::start_with(&mut logging("trace", "json"));
    get(server.http, "/hello");
    server.signal(Signal::HUP);
    server.wait_for_log("nothing to load anew");
    let (ws, http) = (server.ws.to_string(), server.http.to_string());
    let log = server.stop();
    let lines: Vec<Line> = log.lines().map(Line::of_json).collect();
    let begin = lines.iter().find(|line| line.message == "tidegate runs").expect("the first");
    assert_eq!((begin.field("ws"), begin.field("http")), (&*ws, &*http));
    assert_eq!((begin.field("cores"), begin.field("version")), ("2", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_format_that_there_is_not_is_named() {
    for wrong in ["xml", "JSON", "json,text"] {
        let output = logging("info", wrong).stderr(Stdio::piped()).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        let expected = format!(
            "tidegate: TIDEGATE_LOG_FORMAT: \"{wrong}\" is no format; write text or json\n"
        );
        assert_eq!((output.status.code(), said), (Some(2), expected));
    }
}
