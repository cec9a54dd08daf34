//! Which pages may connect, and by which names the server goes.

use crate::support::http::{Response, exchange, request};
use crate::support::{Server, WebSocket};

/// How a page of `origin` fares with an event source and with a WebSocket.
fn as_page(server: &Server, origin: &str) -> (Response, Result<WebSocket, Response>) {
    let header = format!("Origin: {origin}\r\n");
    let response = exchange(server.http, &request(server.http, "GET", "/hello", &header));
    (response, WebSocket::try_connect(server.ws, "/", &header))
}

fn is_let_in(server: &Server, origin: &str) {
    let (response, websocket) = as_page(server, origin);
    assert_eq!(response.status, 200, "{origin}");
    assert_eq!(response.header("access-control-allow-origin"), Some(origin));
    assert_eq!(response.header("vary"), Some("Origin"));
    assert!(websocket.is_ok(), "{origin}: {websocket:?}");
}

fn is_kept_out(server: &Server, origin: &str) {
    let (response, websocket) = as_page(server, origin);
    for response in [response, websocket.expect_err(origin)] {
        assert_eq!((response.status, response.code().as_str()), (403, "origin-not-allowed"));
        assert!(response.body.contains("--allow-origin"), "{origin}: {response:?}");
        assert_eq!(response.header("access-control-allow-origin"), None);
    }
}

#[test]
fn pages_of_this_machine_may_connect_and_others_not() {
    let server = Server::start(&[]);
    for origin in ["http://localhost", "http://localhost:3000", "https://127.0.0.1:8443"] {
        is_let_in(&server, origin);
    }
    for origin in ["https://example.com", "null", "http://localhost.example.com"] {
        is_kept_out(&server, origin);
    }
}

#[test]
fn other_pages_may_be_let_in() {
    let server =
        Server::start(&["--allow-origin", "https://example.com", "--allow-origin", "null"]);
    for origin in ["https://example.com", "null", "http://localhost:3000"] {
        is_let_in(&server, origin);
    }
    for origin in ["https://example.com:8443", "http://example.com", "https://a.example.com"] {
        is_kept_out(&server, origin);
    }
    is_let_in(&Server::start(&["--allow-origin", "*"]), "https://anywhere.example");
}

#[test]
fn a_preflight_is_answered() {
    let server = Server::start(&[]);
    let headers = "Origin: http://localhost:3000\r\nAccess-Control-Request-Method: GET\r\n\
                   Access-Control-Request-Headers: last-event-id\r\n";
    let answer = exchange(server.http, &request(server.http, "OPTIONS", "/events", headers));
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://localhost:3000"));
    let allowed = answer.header("access-control-allow-headers").unwrap();
    assert!(allowed.split(", ").any(|header| header == "Last-Event-ID"));
    let foreign = headers.replace("localhost", "example.com");
    let answer = exchange(server.http, &request(server.http, "OPTIONS", "/events", &foreign));
    assert_eq!(answer.status, 403);
}

/// A page can have its own name point at this machine, and its requests then carry no `Origin`.
#[test]
fn a_server_on_loopback_goes_by_names_of_loopback() {
    let named = |name: &str| format!("GET /hello HTTP/1.1\r\nHost: {name}\r\n\r\n");
    let server = Server::start(&[]);
    for name in ["localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:8082"] {
        assert_eq!(exchange(server.http, &named(name)).status, 200, "{name}");
    }
    for name in ["example.com", "localhost.example.com", "10.0.0.1"] {
        for addr in [server.http, server.ws] {
            let answer = exchange(addr, &named(name));
            assert_eq!(
                (answer.status, answer.code().as_str()),
                (421, "host-not-allowed"),
                "{name}"
            );
            assert!(answer.body.contains("--allow-host"));
        }
    }
    let server = Server::start(&["--allow-host", "tide.example.com"]);
    assert_eq!(exchange(server.http, &named("Tide.example.com:8082")).status, 200);
    assert_eq!(exchange(server.http, &named("localhost")).status, 200);
    assert_eq!(exchange(server.http, &named("example.com")).status, 421);
}
