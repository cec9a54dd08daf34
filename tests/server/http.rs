//! HTTP/1.1 on the second listener: statuses, keep-alive, pipelines, and what must never be mistaken.

use crate::support::http::{Response, exchange, get, request};
use crate::support::{EventStream, Server, Wire};

const WORLD: &str = r#"{"response":"world"}"#;

#[test]
fn what_there_is_to_get() {
    let server = Server::start(&[]);
    let hello = get(server.http, "/hello");
    assert_eq!((hello.status, hello.body.as_str()), (200, WORLD));
    assert_eq!(hello.header("content-type"), Some("application/json"));
    assert!(hello.header("date").is_some_and(|date| date.ends_with(" GMT")));
    for path in ["/livez", "/readyz"] {
        assert_eq!(get(server.http, path).status, 200);
    }
    let metrics = get(server.http, "/metrics");
    assert!(metrics.body.lines().any(|line| line == "tidegate_cores 2"));
    assert_eq!(get(server.http, "/hello?with=a&query").body, WORLD);
}

#[test]
fn each_mistake_has_its_status() {
    let server = Server::start(&["--max-body", "1KiB"]);
    let addr = server.http;
    let ask = |method, target, more: &str| request(addr, method, target, more);
    let hello = ask("GET", "/hello", "");
    let many = "X: y\r\n".repeat(65);
    let long = format!("X: {}\r\n", "y".repeat(17_000));
    let cases = [
        ("a path that is not there", ask("GET", "/nothing", ""), 404),
        ("a POST where one can only read", ask("POST", "/events", ""), 405),
        ("a DELETE", ask("DELETE", "/hello", ""), 405),
        ("a method nobody knows", ask("BREW", "/hello", ""), 501),
        ("a long target", ask("GET", &format!("/{}", "x".repeat(5000)), ""), 414),
        ("many headers", ask("GET", "/hello", &many), 431),
        ("a large header", ask("GET", "/hello", &long), 431),
        ("HTTP/2.0", hello.replace("HTTP/1.1", "HTTP/2.0"), 505),
        ("HTTP/2 itself", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), 505),
        ("a large body", ask("POST", "/hello", "Content-Length: 1025\r\n"), 413),
        ("an unknown coding", ask("POST", "/hello", "Transfer-Encoding: gzip, chunked\r\n"), 501),
        ("an expectation", ask("GET", "/hello", "Expect: miracles\r\n"), 417),
        ("a WebSocket", ask("GET", "/", "Upgrade: websocket\r\nConnection: Upgrade\r\n"), 421),
        ("no Host", "GET /hello HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("two Hosts", ask("GET", "/hello", "Host: localhost\r\n"), 400),
        ("a bad Host", hello.replace("Host: ", "Host: user@"), 400),
        ("a bad escape", ask("GET", "/hello%4", ""), 400),
        ("a zero in the path", ask("GET", "/hello%00", ""), 400),
        ("a path to climb", ask("GET", "/x/../hello", ""), 400),
        ("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01".to_owned(), 400),
        ("nonsense", "hello, is there anybody?\r\n\r\n".to_owned(), 400),
        ("bare line feeds", hello.replace("\r\n", "\n"), 400),
    ];
    for (what, request, status) in cases {
        let response = exchange(addr, &request);
        assert_eq!(response.status, status, "{what}: {response:?}");
        response.code();
        if status == 405 {
            assert_eq!(response.header("allow"), Some("GET, HEAD, OPTIONS"), "{what}");
        }
    }
}

/// A stream does not end, so a body would never be read. Refused, it is skipped like any other.
#[test]
fn a_stream_with_a_body_is_refused() {
    let server = Server::start(&[]);
    let hello = request(server.http, "GET", "/hello", "");
    for method in ["GET", "HEAD"] {
        let sized = format!("Content-Length: {}\r\n", hello.len());
        let mut wire = Wire::connect(server.http);
        let ask = |more: &str| request(server.http, method, "/events", more);
        wire.write([ask(&sized), hello.clone(), hello.clone()].concat().as_bytes());
        let refusal = wire.read_head().unwrap();
        assert_eq!(refusal.status, 400, "{method}");
        if method == "GET" {
            let length = refusal.header("content-length").unwrap().parse().unwrap();
            let body = String::from_utf8(wire.read_exactly(length).unwrap()).unwrap();
            assert_eq!(Response { body, ..refusal }.code(), "unexpected-body");
        }
        assert_eq!(wire.read_response().unwrap().body, WORLD, "{method}");
    }
    let chunked = request(server.http, "GET", "/events", "Transfer-Encoding: chunked\r\n");
    let mut wire = Wire::connect(server.http);
    wire.write([&*chunked, "5\r\nhello\r\n0\r\n\r\n", &hello].concat().as_bytes());
    assert_eq!(wire.read_response().unwrap().code(), "unexpected-body");
    assert_eq!(wire.read_response().unwrap().body, WORLD);
    // To announce that there is none is not to announce one.
    EventStream::open_with(server.http, "/events", "Content-Length: 0\r\n");
}

#[test]
fn a_head_that_does_not_come_is_not_waited_for() {
    let server = Server::start(&["--head-time", "100ms", "--keep-alive", "100ms"]);
    let mut begun = Wire::connect(server.http);
    begun.write(b"GET /hello HTTP/1.1\r\nHost: loc");
    let response = begun.read_response().unwrap();
    assert_eq!((response.status, response.code().as_str()), (408, "head-timeout"));
    assert_eq!(begun.read_to_end(), b"");
    // Whoever has said nothing is told nothing.
    assert_eq!(Wire::connect(server.http).read_to_end(), b"");
    assert_eq!(Wire::connect(server.ws).read_to_end(), b"");
    let mut idle = Wire::connect(server.http);
    idle.write(request(server.http, "GET", "/hello", "").as_bytes());
    assert_eq!(idle.read_response().unwrap().body, WORLD);
    assert_eq!(idle.read_to_end(), b"");
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let server = Server::start(&[]);
    let mut wire = Wire::connect(server.http);
    let hello = request(server.http, "GET", "/hello", "");
    for _ in 0..3 {
        wire.write(hello.as_bytes());
        let response = wire.read_response().unwrap();
        assert_eq!((response.body.as_str(), response.header("connection")), (WORLD, None));
    }
    wire.write(request(server.http, "HEAD", "/hello", "").as_bytes());
    let head = wire.read_head().unwrap();
    assert_eq!((head.status, head.header("content-length")), (200, Some("20")));
    wire.write_slowly(hello.as_bytes());
    assert_eq!(wire.read_response().unwrap().body, WORLD);
    wire.write(request(server.http, "GET", "/hello", "Connection: close\r\n").as_bytes());
    let last = wire.read_response().unwrap();
    assert_eq!((last.body.as_str(), last.header("connection")), (WORLD, Some("close")));
    assert_eq!(wire.read_to_end(), b"");
    let old = exchange(server.http, "GET /hello HTTP/1.0\r\n\r\n");
    assert_eq!((old.body.as_str(), old.header("connection")), (WORLD, Some("close")));
}

#[test]
fn a_pipeline_is_answered_in_order() {
    let server = Server::start(&[]);
    let mut wire = Wire::connect(server.http);
    let pipeline: String = (0..100)
        .map(|n| request(server.http, "GET", ["/hello", "/nothing", "/livez"][n % 3], ""))
        .collect();
    wire.write(pipeline.as_bytes());
    wire.finish();
    for n in 0..100 {
        assert_eq!(wire.read_response().unwrap().status, [200, 404, 200][n % 3]);
    }
    assert_eq!(wire.read_to_end(), b"");
    // A stream ends the pipeline: nothing behind it is looked at.
    let mut wire = Wire::connect(server.http);
    let stream = request(server.http, "GET", "/events", "");
    let hello = request(server.http, "GET", "/hello", "");
    wire.write([hello.as_str(), &stream, &hello].concat().as_bytes());
    assert_eq!(wire.read_response().unwrap().body, WORLD);
    assert_eq!(wire.read_head().unwrap().header("content-type"), Some("text/event-stream"));
    assert!(wire.read_through(b"\n\n").is_some());
}

#[test]
fn bodies_are_skipped_to_their_end() {
    let server = Server::start(&[]);
    let mut wire = Wire::connect(server.http);
    let hello = request(server.http, "GET", "/hello", "");
    let chunked = request(server.http, "POST", "/hello", "Transfer-Encoding: chunked\r\n");
    let sized =
        request(server.http, "POST", "/hello", &format!("Content-Length: {}\r\n", hello.len()));
    let body = format!("5;x=y\r\nGET /\r\n{:x}\r\n{hello}\r\n0\r\nTrailer: x\r\n\r\n", hello.len());
    wire.write([&*chunked, &body, &hello, &sized, &hello, &hello].concat().as_bytes());
    let statuses: Vec<_> = (0..4).map(|_| wire.read_response().unwrap().status).collect();
    assert_eq!(statuses, [405, 200, 405, 200]);
}

/// Where two readers of the same bytes could see different requests, ours reads none.
#[test]
fn what_could_be_read_in_two_ways_is_refused_and_the_connection_closed() {
    let server = Server::start(&[]);
    let addr = server.http;
    let hidden = request(addr, "GET", "/hello", "");
    let post = |more: &str| request(addr, "POST", "/hello", more);
    let length = format!("Content-Length: {}\r\n", hidden.len());
    let cases = [
        ("both", post(&format!("{length}Transfer-Encoding: chunked\r\n")), "0\r\n\r\n"),
        ("two lengths", post(&format!("{length}Content-Length: 0\r\n")), ""),
        ("a list of lengths", post("Content-Length: 0, 5\r\n"), ""),
        ("a signed length", post("Content-Length: +5\r\n"), ""),
        ("a length in hex", post("Content-Length: 0x5\r\n"), ""),
        ("an endless length", post("Content-Length: 99999999999999999999\r\n"), ""),
        ("a space before the colon", post("Transfer-Encoding : chunked\r\n"), "0\r\n\r\n"),
        ("a folded line", post("X: y\r\n Transfer-Encoding: chunked\r\n"), "0\r\n\r\n"),
        ("chunked twice", post("Transfer-Encoding: chunked, chunked\r\n"), "0\r\n\r\n"),
        ("chunked, but not last", post("Transfer-Encoding: chunked, identity\r\n"), "0\r\n\r\n"),
        ("a coding nearly chunked", post("Transfer-Encoding: xchunked\r\n"), "0\r\n\r\n"),
        ("a zero in a value", post("X: a\0b\r\n"), ""),
        ("a carriage return alone", post("X: a\rTransfer-Encoding: chunked\r\n"), ""),
        (
            "HTTP/1.0, chunked",
            post("Transfer-Encoding: chunked\r\n").replace("1.1", "1.0"),
            "0\r\n\r\n",
        ),
    ];
    for (what, head, body) in cases {
        let answers = all_answers(addr, &[&head, body, &hidden].concat());
        assert_eq!(answers.len(), 1, "{what}: {answers:?}");
        assert!(matches!(answers[0].status, 400 | 413 | 501), "{what}: {answers:?}");
        assert!(answers[0].closes(), "{what}");
    }
    // These are found only after the head has been answered.
    let chunked = post("Transfer-Encoding: chunked\r\n");
    for (what, body) in [
        ("a size that overflows", "ffffffffffffffff0\r\n"),
        ("a sign", "-1\r\n"),
        ("no digits", "\r\n"),
        ("a bare line feed", "5\nhello\r\n0\r\n\r\n"),
        ("a chunk longer than its size", "2\r\nhello\r\n0\r\n\r\n"),
        ("a bare line feed in an extension", "5;a\nb\r\nhello\r\n0\r\n\r\n"),
    ] {
        let answers = all_answers(addr, &[&chunked, body, &hidden].concat());
        let statuses: Vec<_> = answers.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses, [405], "{what}: one request, one answer");
    }
}

/// All responses to `bytes`, until the server closes.
fn all_answers(addr: std::net::SocketAddr, bytes: &str) -> Vec<Response> {
    let mut wire = Wire::connect(addr);
    wire.write(bytes.as_bytes());
    let answers = std::iter::from_fn(|| wire.read_response()).collect();
    assert_eq!(wire.read_to_end(), b"");
    assert!(!wire.is_reset(), "what was said must arrive");
    answers
}

#[test]
fn one_who_asks_to_go_on_with_a_body_is_told_the_answer_instead() {
    let server = Server::start(&[]);
    let mut wire = Wire::connect(server.http);
    let headers = "Content-Length: 5\r\nExpect: 100-continue\r\n";
    wire.write(request(server.http, "POST", "/hello", headers).as_bytes());
    let answer = wire.read_response().unwrap();
    assert_eq!((answer.status, answer.header("connection")), (405, Some("close")));
    assert_eq!(wire.read_to_end(), b"");
}

#[test]
fn a_subscriber_that_leaves_makes_room() {
    use crate::support::http::metric;
    use crate::support::wait_until;
    let streams = "tidegate_connections{kind=\"event_stream\"}";
    let server = Server::start(&[]);
    let readers: Vec<_> = (0..10).map(|_| EventStream::open(server.http, "/events")).collect();
    assert_eq!(metric(server.http, streams), 10);
    drop(readers);
    wait_until("the streams are gone", || metric(server.http, streams) == 0);
}
