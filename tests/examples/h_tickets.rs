//! H: a secret that a page fetches from its backend, and that lets it in once.

use crate::browser::{Browser, DESKTOP, PHONE_DARK};
use crate::example;
use crate::keys::{Keys, application, free_port};
use crate::puppet::{LIBRARIES, Puppet};
use crate::support::{Foreign, Server, foreign, http};
use serde_json::Value;

fn start() -> (Keys, Server, Foreign, String) {
    let keys = Keys::cut("h-tickets", &["backend"]);
    let port = free_port().to_string();
    let origin = format!("http://localhost:{port}");
    let server = keys.start(&["--allow-origin", &origin]);
    let mut app = foreign::node(&example("h-tickets/app.js"), &[]);
    let [ws, api] = [("ws", server.ws), ("http", server.http)]
        .map(|(scheme, addr)| format!("{scheme}://localhost:{}", addr.port()));
    app.args(["--port", &port, "--ws", &ws, "--api", &api, "--key-file", &keys.key("backend")]);
    let app = application(&mut app);
    (keys, server, app, origin)
}

/// A ticket from the API, as by curl.
fn ticket(server: &Server, keys: &Keys, rights: &str) -> String {
    let more = format!(
        "X-API-Key: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n",
        keys.secret("backend"),
        rights.len()
    );
    let request = http::request(server.http, "POST", "/api/tickets", &more) + rights;
    let response = http::exchange(server.http, &request);
    assert_eq!(response.status, 201, "{}", response.body);
    let body: Value = serde_json::from_str(&response.body).unwrap();
    body["ticket"].as_str().expect("a ticket").to_owned()
}

#[test]
fn every_library_comes_in_once_with_a_ticket_and_not_with_the_key_that_made_it() {
    let (keys, server, ..) = start();
    let rights = r#"{"connect":true,"subscribe":["a"],"publish":["a"],"connectionId":"anna"}"#;
    for library in LIBRARIES {
        let ticket = ticket(&server, &keys, rights);
        let target = format!("/rooms/a?ticket={ticket}");
        let client = Puppet::connect(library, server.ws, &target);
        let said = |target: &str| Puppet::start(library, server.ws, target).rest();
        assert_eq!(said(&target), ["refused 401 credentials-invalid"], "it was used");
        client.leave(1000, "");
        assert_eq!(said("/rooms/a"), ["refused 401 credentials-missing"]);
        let key = keys.secret("backend");
        let with_key = Puppet::start_with(library, server.ws, "/rooms/a", ("X-API-Key", &key));
        assert_eq!(with_key.rest(), ["refused 403 not-allowed"]);
    }
    let elsewhere = format!("/rooms/b?ticket={}", ticket(&server, &keys, rights));
    let refused = Puppet::start(LIBRARIES[0], server.ws, &elsewhere);
    assert_eq!(refused.rest(), ["refused 403 not-allowed"]);
}

#[test]
fn pages_get_tickets_for_both_and_hear_each_other() {
    let (_keys, _server, _app, origin) = start();
    let browser = Browser::start();
    let [alice, bob] = [("alice", DESKTOP), ("bob", PHONE_DARK)].map(|(name, look)| {
        let window = browser.open(&origin, look);
        window.fill("Name", name);
        window.click("Enter");
        window.wait_for(&format!("In kitchen as {name}"));
        window
    });
    bob.fill("Message", "supper is ready");
    bob.click("Send");
    let heard = alice.entries(1);
    assert_eq!(heard, [r#"{"message":"supper is ready"}"#]);
    alice.photograph("h-inside");
    // Tickets were used up; a new visit has new ones.
    alice.click("Enter");
    alice.wait_for("In kitchen as alice");
    alice.fill("Name", "mallory");
    alice.click("Enter");
    alice.wait_for("No ticket: not you");
    browser.finish();
}
