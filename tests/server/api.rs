//! The API, as HTTP clients use it.

mod bodies;
mod errors;
mod keys;
mod lists;
mod table;

use crate::support::http::{Response, exchange, request};
use crate::support::{Server, WebSocket};
use serde_json::Value;
use std::net::SocketAddr;

/// A POST of JSON; `more` are header lines.
fn post_with(addr: SocketAddr, target: &str, more: &str, body: &str) -> String {
    let length = body.len();
    let headers = format!("Content-Type: application/json\r\nContent-Length: {length}\r\n{more}");
    request(addr, "POST", target, &headers) + body
}

fn post(server: &Server, target: &str, body: &str) -> Response {
    exchange(server.http, &post_with(server.http, target, "", body))
}

fn ask(server: &Server, method: &str, target: &str) -> Response {
    exchange(server.http, &request(server.http, method, target, ""))
}

fn json(response: &Response) -> Value {
    assert_eq!(response.header("content-type"), Some("application/json"), "{response:?}");
    assert_eq!(response.header("cache-control"), Some("no-store"), "{response:?}");
    serde_json::from_str(&response.body).expect("JSON")
}

/// A relay client that is registered, and known to be.
fn registered(server: &Server, name: &str) -> WebSocket {
    registered_at(server, "/", name)
}

fn registered_at(server: &Server, path: &str, name: &str) -> WebSocket {
    WebSocket::connect(server.ws, &format!("{path}?connectionId={name}"))
}
