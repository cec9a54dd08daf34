//! D: a page, static files and a WebSocket that answers, on one port.

use crate::browser::{Browser, DESKTOP, PHONE_DARK};
use crate::puppet::{LIBRARIES, Puppet};
use crate::support::http;
use crate::{example, start_on, start_on_one_port};
use serde_json::json;
use std::fs;

const ANSWER: &str = r#"{"append":true,"returnText":"I am using websockets!"}"#;

#[test]
fn every_message_of_every_library_is_answered() {
    let server = start_on_one_port("d-express", &[]);
    for library in LIBRARIES {
        let mut client = Puppet::connect(library, server.ws, "/ws");
        for message in ["hello", "", r#"{"message":"Am I using websockets?"}"#] {
            client.say(message);
            assert_eq!(client.hear(), ANSWER);
        }
        client.leave(1000, "");
        let refused = Puppet::start(library, server.ws, "/");
        assert_eq!(refused.rest(), ["refused 404 no-such-route"]);
    }
}

#[test]
fn the_app_welcomes_and_serves_its_files() {
    let server = start_on_one_port("d-express", &[]);
    let welcome = http::get(server.http, "/");
    assert_eq!((welcome.status, welcome.body.as_str()), (200, "Welcome to our app"));
    assert_eq!(welcome.header("content-type"), Some("text/plain; charset=utf-8"));
    for (name, mime) in [
        ("page.html", "text/html; charset=utf-8"),
        ("page.js", "text/javascript; charset=utf-8"),
        ("reconnect.js", "text/javascript; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
    ] {
        let file = http::get(server.http, &format!("/{name}"));
        assert_eq!((file.status, file.header("content-type")), (200, Some(mime)), "{name}");
        let there = fs::read_to_string(example("d-express/public").join(name)).unwrap();
        assert_eq!(file.body, there, "{name}");
    }
    assert_eq!(http::get(server.http, "/tidegate.toml").status, 404);
}

#[test]
fn the_page_appends_what_comes_back_and_reconnects_by_itself() {
    let mut server = start_on_one_port("d-express", &[]);
    let addr = server.http.to_string();
    let browser = Browser::start();
    let url = format!("http://{addr}/page.html");
    let windows = [browser.open(&url, DESKTOP), browser.open(&url, PHONE_DARK)];
    for window in &windows {
        window.wait_for("Connected");
        for count in 1..=3 {
            window.click("Ask the server");
            assert_eq!(window.entries(count), vec!["I am using websockets!"; count]);
        }
    }
    server.kill();
    for window in &windows {
        window.wait_for("Connection lost");
        assert!(!window.can_click("Ask the server"));
    }
    windows[0].photograph("d-lost");
    let _again = start_on("d-express", [&addr, &addr], &[]);
    for window in &windows {
        window.wait_for("Connected");
        window.click("Ask the server");
        assert_eq!(window.entries(4), vec!["I am using websockets!"; 4]);
    }
    windows[1].photograph("d-page");
    browser.finish();
}

/// How `reconnect.js` waits, without waiting: a browser's clock and dice of our own.
#[test]
fn the_pauses_grow_are_random_and_end() {
    let server = start_on_one_port("d-express", &[]);
    let browser = Browser::start();
    let window = browser.open(&format!("http://{}/page.html", server.http), DESKTOP);
    let waits = window.run(include_str!("reconnect_waits.js"));
    // The dice always say a half; the first pause is up to 1 s, the longest up to 30 s.
    assert_eq!(waits["waits"], json!([500, 1000, 2000, 4000, 8000, 15000, 15000]));
    assert_eq!(waits["afterAGoodOne"], 500);
    assert_eq!(waits["afterReplaced"], json!({"code": 4409, "attempts": 0}));
    assert_eq!(waits["afterOnline"], json!({"attempts": 1}));
    browser.finish();
}
