//! I: a backend of one's own is asked who may come in.

use crate::example;
use crate::keys::{application, free_port};
use crate::puppet::{LIBRARIES, Puppet};
use crate::support::folder::Folder;
use crate::support::server::tidegate;
use crate::support::{EventStream, Foreign, Server, foreign, http};
use std::fs;

/// The example, with a backend at another port.
fn start() -> (Folder, Server, Foreign) {
    let port = free_port().to_string();
    let folder = Folder::new();
    let config = fs::read_to_string(example("i-forward/tidegate.toml")).unwrap();
    assert!(config.contains("localhost:9000"));
    let file = folder
        .write("tidegate.toml", &config.replace("localhost:9000", &format!("localhost:{port}")));
    let mut backend = foreign::node(&example("i-forward/backend.js"), &[]);
    let backend = application(backend.args(["--port", &port]));
    let server = Server::start_with(tidegate().args(["--config", &file, "--forward-cache", "0s"]));
    (folder, server, backend)
}

#[test]
fn the_backend_says_who_comes_in_and_to_which_rooms() {
    let (_folder, server, backend) = start();
    for library in LIBRARIES {
        let with = |secret: &str, room: &str| {
            let field = format!("Bearer {secret}");
            let target = format!("/rooms/{room}");
            Puppet::start_with(library, server.ws, &target, ("Authorization", &field))
        };
        let mut alice = with("wonderland-and-back", "kitchen");
        assert_eq!(alice.line(), "open");
        let bob = with("can-we-fix-it-yes", "kitchen");
        assert_eq!(bob.line(), "open");
        alice.say("hello");
        assert_eq!(bob.hear(), "hello");
        bob.leave(1000, "");
        alice.leave(1000, "");
        assert_eq!(with("can-we-fix-it-yes", "garden-1").rest(), ["refused 403 not-allowed"]);
        assert_eq!(with("nonsense", "kitchen").rest(), ["refused 401 credentials-invalid"]);
        let asked: Vec<String> = (0..4).map(|_| backend.line()).collect();
        assert_eq!(asked[2..], ["/rooms/garden-1: bob", "/rooms/kitchen: nobody"]);
    }
    let stream = |room: &str| format!("/events?room={room}");
    let bob = "Authorization: Bearer can-we-fix-it-yes\r\n";
    EventStream::open_with(server.http, &stream("kitchen"), bob);
    let refused = http::request(server.http, "GET", &stream("garden-1"), bob);
    assert_eq!(http::exchange(server.http, &refused).code(), "not-allowed");
}

#[test]
fn without_an_answer_nobody_comes_in() {
    let (_folder, server, backend) = start();
    drop(backend);
    for library in LIBRARIES {
        let field = ("Authorization", "Bearer wonderland-and-back");
        let client = Puppet::start_with(library, server.ws, "/rooms/kitchen", field);
        assert_eq!(client.rest(), ["refused 503 auth-unavailable"]);
    }
}
