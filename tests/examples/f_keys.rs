//! F: a key in a header field, a token in the URL; whoever has none is refused with 403.

use crate::example;
use crate::keys::Keys;
use crate::puppet::{LIBRARIES, Puppet};
use crate::support::{EventStream, Foreign, Server, foreign, http};

fn start() -> (Keys, Server) {
    let keys = Keys::cut("f-keys", &["devices", "app"]);
    let server = keys.start(&[]);
    (keys, server)
}

#[test]
fn every_library_comes_in_with_the_key_in_its_field_and_with_nothing_else() {
    let (keys, server) = start();
    let secret = keys.secret("devices");
    for library in LIBRARIES {
        let with =
            |name, value: &str| Puppet::start_with(library, server.ws, "/devices", (name, value));
        let mut device = with("X-WS-AUTH-KEY", &secret);
        assert_eq!(device.line(), "open");
        device.say("21 degrees");
        device.ping("heard?");
        device.leave(1000, "");
        for (name, value, said) in [
            ("X-WS-AUTH-KEY", &secret[1..], "refused 403 credentials-invalid"),
            ("X-WS-AUTH-KEY", &keys.mint("app", "alice", "5m"), "refused 403 credentials-invalid"),
            ("X-API-Key", &secret, "refused 403 credentials-missing"),
        ] {
            assert_eq!(with(name, value).rest(), [said], "{name}");
        }
        let bare = Puppet::start(library, server.ws, "/devices");
        assert_eq!(bare.rest(), ["refused 403 credentials-missing"]);
    }
}

#[test]
fn every_library_comes_in_with_a_token_in_its_url_under_the_name_in_there() {
    let (keys, server) = start();
    let url = |token: &str| format!("/app?accessToken={token}");
    for library in LIBRARIES {
        let target = url(&keys.mint("app", "alice", "5m"));
        let mut alice = Puppet::connect(library, server.ws, &target);
        let bob = Puppet::connect(library, server.ws, &url(&keys.mint("app", "bob", "5m")));
        assert!(alice.hear().starts_with(r#"{"join":{"connectionId":"bob""#));
        alice.say("hello");
        assert_eq!(bob.hear(), "hello");
        bob.leave(1000, "");
        assert!(alice.hear().starts_with(r#"{"leave":{"connectionId":"bob""#));
        alice.leave(1000, "");
        let said = |target: &str| Puppet::start(library, server.ws, target).rest();
        assert_eq!(said(&target[..target.len() - 1]), ["refused 403 credentials-invalid"]);
        assert_eq!(said(&url(&keys.secret("app"))), ["refused 403 credentials-invalid"]);
        assert_eq!(said("/app"), ["refused 403 credentials-missing"]);
    }
}

#[test]
fn its_client_shows_both_doors_and_is_told_why_it_is_refused() {
    let (keys, server) = start();
    let url = format!("ws://{}", server.ws);
    let run = |more: &[&str]| {
        let mut client = foreign::node(&example("f-keys/client.js"), &["ws"]);
        Foreign::start(client.args(["--server", &url]).args(more))
    };
    let client = run(&["--key-file", &keys.key("devices")]);
    assert_eq!(client.line(), "connected");
    let token = keys.keep("alice.token", &keys.mint("app", "alice", "5m"));
    let alice = run(&["--token-file", &token]);
    assert_eq!(alice.line(), "connected");
    let refused = run(&[]);
    assert!(refused.line().starts_with("refused 403 credentials-missing: "));
}

#[test]
fn nothing_else_is_open() {
    let (keys, server) = start();
    let closed = http::get(server.http, "/events");
    assert_eq!((closed.status, closed.code().as_str()), (401, "credentials-missing"));
    let api = http::request(server.http, "GET", "/api/rooms", "");
    assert_eq!(http::exchange(server.http, &api).status, 401);
    let key = format!("X-API-Key: {}\r\n", keys.secret("devices"));
    let api = http::request(server.http, "GET", "/api/rooms", &key);
    assert_eq!(http::exchange(server.http, &api).code(), "not-allowed");
    let token = format!("Authorization: Bearer {}\r\n", keys.mint("app", "alice", "5m"));
    EventStream::open_with(server.http, "/events?room=app", &token);
}
