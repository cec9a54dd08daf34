//! G: a login by cookie, bearer token, or token in the path; whoever has none is refused with 401.

use crate::browser::{Browser, DESKTOP, PHONE_DARK};
use crate::example;
use crate::keys::{Keys, application, free_port};
use crate::puppet::{LIBRARIES, Puppet};
use crate::support::{Foreign, Server, foreign, http};

/// Keys, the server, and the application at this address.
fn start(more: &[&str]) -> (Keys, Server, Foreign, String) {
    let keys = Keys::cut("g-sessions", &["session"]);
    let port = free_port().to_string();
    let origin = format!("http://localhost:{port}");
    let server = keys.start(&["--allow-origin", &origin]);
    let mut app = foreign::node(&example("g-sessions/app.js"), &[]);
    let tidegate = format!("ws://localhost:{}", server.ws.port());
    app.args(["--port", &port, "--tidegate", &tidegate, "--key-file", &keys.key("session")]);
    let app = application(app.args(more));
    (keys, server, app, origin)
}

#[test]
fn every_library_comes_in_by_each_of_the_three_ways_and_is_refused_with_401() {
    let (keys, server, _app, origin) = start(&[]);
    let token = keys.mint("sessions", "alice", "5m");
    let wrong = &token[..token.len() - 2];
    for library in LIBRARIES {
        let bearer = |token: &str| {
            let field = ("Authorization", format!("Bearer {token}"));
            Puppet::start_with(library, server.ws, "/service", (field.0, &field.1))
        };
        let client = bearer(&token);
        assert_eq!(client.line(), "open");
        client.leave(1000, "");
        assert_eq!(bearer(wrong).rest(), ["refused 401 credentials-invalid"]);

        Puppet::connect(library, server.ws, &format!("/device/{token}")).leave(1000, "");
        let said = |target: &str| Puppet::start(library, server.ws, target).rest();
        assert_eq!(said(&format!("/device/{wrong}")), ["refused 401 credentials-invalid"]);
        assert_eq!(said("/service"), ["refused 401 credentials-missing"]);
        assert_eq!(said("/chat"), ["refused 401 credentials-missing"]);
        // A cookie counts for pages of the application alone.
        let cookie = format!("session={token}");
        let bare = Puppet::start_with(library, server.ws, "/chat", ("Cookie", &cookie));
        assert_eq!(bare.rest(), ["refused 403 origin-needed"]);
    }
    let cookie = format!("Cookie: session={token}\r\nOrigin: {origin}\r\n");
    let upgrade = format!(
        "GET /chat HTTP/1.1\r\nHost: localhost\r\n{cookie}Connection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    assert_eq!(http::exchange(server.ws, &upgrade).status, 101);
}

#[test]
fn who_logs_in_talks_and_who_does_not_stays_outside() {
    let (_keys, _server, _app, origin) = start(&[]);
    let browser = Browser::start();
    let anna = browser.open(&origin, DESKTOP);
    anna.wait_for("Not connected: log in");
    anna.photograph("g-outside");
    anna.fill("Name", "anna");
    anna.click("Log in");
    anna.wait_for("Connected");
    let bert = browser.open_private(&origin, PHONE_DARK);
    bert.wait_for("Not connected: log in");
    bert.fill("Name", "bert");
    bert.click("Log in");
    bert.wait_for("Connected");
    let joined = anna.entries(1);
    assert_eq!(joined, ["bert is here"]);
    bert.fill("Message", "hello, anna");
    bert.click("Send");
    assert_eq!(anna.entries(2)[1], "they hello, anna");
    anna.photograph("g-inside");
    anna.click("Log out");
    anna.wait_for("Not connected: log in");
    browser.finish();
}

#[test]
fn a_session_that_is_over_closes_what_it_let_in() {
    let (_keys, _server, _app, origin) = start(&["--minutes", "0.05"]);
    let browser = Browser::start();
    let anna = browser.open(&origin, DESKTOP);
    anna.fill("Name", "anna");
    anna.click("Log in");
    anna.wait_for("Closed: 4401 expired");
    browser.finish();
}
