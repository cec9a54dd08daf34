//! Answers that schemathesis does not come by: each is as the description says.

use super::description::Description;
use super::support::http::{Response, exchange, metric, request};
use super::support::{Message, Server, WebSocket, Wire, wait_until};
use super::{root, served};
use std::fs;
use std::net::SocketAddr;

/// Operation; method, target, header lines, body; status and code.
type Row<'r> = (&'r str, (&'r str, &'r str, &'r str, &'r str), u16, &'r str);

const JSON: &str = "Content-Type: application/json\r\n";

fn ask(addr: SocketAddr, (method, target, more, body): (&str, &str, &str, &str)) -> Response {
    let length = match body {
        "" => String::new(),
        body => format!("Content-Length: {}\r\n", body.len()),
    };
    exchange(addr, &(request(addr, method, target, &format!("{more}{length}")) + body))
}

fn check(description: &Description, name: &str, response: &Response, status: u16, code: &str) {
    let operation = description.operation(name);
    assert_eq!((response.status, &*response.code()), (status, code), "{name}");
    assert!(operation.codes_of(status).contains(code), "{name}: {status} {code} is not described");
    for header in operation.headers_of(status) {
        assert!(response.header(&header).is_some(), "{name}, {status}: {header} is missing");
    }
}

#[test]
fn refusals_are_those_of_the_description() {
    let options = ["--max-message", "1KiB", "--max-rooms", "1", "--max-body", "4KiB"];
    let server = Server::start(&options);
    let description = Description::read(&served(&server));
    let _named = WebSocket::connect(server.ws, "/?connectionId=a");
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(1025));
    let uri = format!("/hello?{}", "x".repeat(5000));
    let fields = "X: y\r\n".repeat(70);
    let upgrade = "Connection: upgrade\r\nUpgrade: websocket\r\n";
    let (post, aws) = ("post /api/connections/{connectionId}", "/@connections/{connectionId}");
    let publish = "post /api/rooms/{room}/messages";
    let text = r#"{"text":"a"}"#;
    let rows: &[Row<'_>] = &[
        (
            "get /hello",
            ("GET", "/hello", "Origin: http://a.example\r\n", ""),
            403,
            "origin-not-allowed",
        ),
        ("get /hello", ("GET", "http://a.example/hello", "", ""), 421, "host-not-allowed"),
        ("get /hello", ("GET", "/hello", upgrade, ""), 421, "websocket-elsewhere"),
        ("get /hello", ("GET", &uri, "", ""), 414, "uri-too-long"),
        ("get /hello", ("GET", "/hello", &fields, ""), 431, "too-many-headers"),
        ("get /hello", ("GET", "/hello", "Expect: x\r\n", ""), 417, "unknown-expectation"),
        ("get /hello", ("GET", "/hello", "Content-Length: 9999\r\n", ""), 413, "body-too-large"),
        (
            "get /hello",
            ("GET", "/hello", "Transfer-Encoding: gzip, chunked\r\n", ""),
            501,
            "unknown-transfer-encoding",
        ),
        (post, ("POST", "/api/connections/a", JSON, &long), 413, "message-too-large"),
        (post, ("POST", "/api/connections/a", "", text), 415, "unsupported-media-type"),
        (post, ("POST", "/api/connections/b", JSON, text), 404, "no-such-connection"),
        (post, ("POST", "/api/connections/a?b", JSON, text), 400, "unknown-parameter"),
        (publish, ("POST", "/api/rooms/b/messages", JSON, text), 503, "too-many-rooms"),
        (publish, ("POST", "/api/rooms/*/messages", JSON, text), 400, "bad-room"),
        ("get /events", ("GET", "/events?room=b", "", ""), 503, "too-many-rooms"),
        (&format!("post {aws}"), ("POST", "/@connections/b", "", "a"), 410, "connection-gone"),
        (&format!("post {aws}"), ("POST", "/@connections/a", "", &long), 413, "message-too-large"),
        (&format!("delete {aws}"), ("DELETE", "/@connections/b", "", ""), 410, "connection-gone"),
    ];
    for (name, asked, status, code) in rows {
        check(&description, name, &ask(server.http, *asked), *status, code);
    }
}

#[test]
fn broken_bodies_are_answered_as_described() {
    let server = Server::start(&["--max-body", "1KiB"]);
    let description = Description::read(&served(&server));
    let chunked = format!("{JSON}Transfer-Encoding: chunked\r\n");
    for (body, status, code) in [
        ("x\r\n", 400, "bad-chunk"),
        ("800\r\n", 413, "body-too-large"),
        (&format!("1;{}\r\n", "x".repeat(2000)), 400, "chunk-extensions-too-long"),
        ("0\r\n: x\r\n\r\n", 400, "bad-trailer"),
        (&format!("0\r\nA: {}\r\n\r\n", "x".repeat(20_000)), 431, "trailers-too-large"),
    ] {
        let request = request(server.http, "POST", "/api/messages", &chunked) + body;
        let response = exchange(server.http, &request);
        check(&description, "post /api/messages", &response, status, code);
    }
}

#[test]
fn a_connection_that_does_not_read_is_refused_more_as_described() {
    let server = Server::start(&["--outbox", "4KiB", "--max-message", "1MiB"]);
    let description = Description::read(&served(&server));
    let _never_reads = WebSocket::connect(server.ws, "/?connectionId=a");
    let body = format!(r#"{{"text":"{}"}}"#, "x".repeat(900_000));
    let mut response = None;
    wait_until("its outbox is full", || {
        let answer = ask(server.http, ("POST", "/api/connections/a", JSON, &body));
        let is_full = answer.status != 202;
        response = Some(answer);
        is_full
    });
    let response = response.expect("an answer");
    let name = "post /api/connections/{connectionId}";
    check(&description, name, &response, 429, "outbox-full");
}

#[test]
fn a_server_that_stops_refuses_what_the_description_says() {
    // The client does not answer the close frame: until it goes the server is stopping.
    let server = Server::start(&["--closing-time", "10m", "--drain", "10m"]);
    let description = Description::read(&served(&server));
    let mut stays = WebSocket::connect(server.ws, "/");
    let paths = ["/readyz", "/events", "/api/connections", "/api/rooms", "/api/rooms/main"];
    let mut asking = paths.map(|path| (Wire::connect(server.http), path));
    asking.iter_mut().for_each(|(wire, _)| wire.write(b"G"));
    // Whoever is not accepted by then is refused in another way. One is whoever looks.
    let accepted = paths.len() as u64 + 1;
    wait_until("all are accepted", || {
        metric(server.http, "tidegate_connections{kind=\"http\"}") == accepted
    });
    server.terminate();
    assert!(matches!(stays.hear(), Message::Close(Some(1012), _)));
    for (wire, path) in &mut asking {
        wire.write(&request(server.http, "GET", path, "").as_bytes()[1..]);
        let response = wire.read_response().expect("an answer");
        let name = path.replace("main", "{room}");
        check(&description, &format!("get {name}"), &response, 503, "stopping");
    }
}

#[test]
fn what_is_served_is_the_file_of_the_repository() {
    let server = Server::start(&[]);
    let file = fs::read_to_string(root().join("src/pages/openapi.json")).unwrap();
    assert_eq!(served(&server), file);
    let mut wire = Wire::connect(server.http);
    wire.write(request(server.http, "HEAD", "/openapi.json", "").as_bytes());
    let head = wire.read_head().expect("a head");
    assert_eq!(head.header("content-length"), Some(&*file.len().to_string()));
}
