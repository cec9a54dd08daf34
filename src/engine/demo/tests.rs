//! What is said of routes, and when the pages are there.
//!
//! Knows: one core by itself, routes of all kinds.
//! Must not know: what the pages look like.

use super::*;
use crate::engine::tests::core::{Core, HTTP};
use crate::engine::tests::keys;
use crate::pages::Page;
use crate::routes::{Keyword, Pattern, Replies, Table};
use std::sync::Arc;

const LISTENERS: [Listener; 3] = [
    Listener { serves: Serves::WebSocket, loopback: true, port: 18 },
    Listener { serves: Serves::WebSocket, loopback: true, port: 28 },
    Listener { serves: Serves::Http, loopback: true, port: 19 },
];

fn route(path: &str, behaviour: Behaviour) -> Route {
    Route::new(Pattern::parse(path).unwrap(), behaviour)
}

#[test]
fn the_built_in_routes_are_told_in_words() {
    let told: Vec<_> = Table::built_in().iter().map(does).collect();
    let expected = [
        "Each message, a JSON object, is published to those who read room main.",
        "Each message, a JSON object, is published to those who read the room in its path.",
        "Each message goes to everyone else in the room in its path, and to those who read it.",
        "Each message comes back.",
    ];
    assert_eq!(told, expected);
    let samples: Vec<_> = Table::built_in().iter().filter_map(sample).collect();
    assert_eq!(samples, ["/", "/ws/lobby", "/chat/lobby", "/echo"]);
    // As files, too, the pages are about such a server.
    let index = include_str!("../../../examples/pages/index.html");
    let plain = index.split_whitespace().collect::<Vec<_>>().join(" ");
    for text in expected {
        assert!(plain.contains(text), "{text}");
    }
}

#[test]
fn what_is_configured_is_told_too() {
    let mut reply = route("/help", Behaviour::Reply(Replies::default()));
    assert_eq!(does(&reply), "Each message is answered from a table of 0 answers.");
    let table = vec![(Keyword::from("a"), "b".to_owned())];
    reply.behaviour = Behaviour::Reply(Replies { table, ..Replies::default() });
    reply.publish = true;
    reply.room = "desk".to_owned();
    let expected = "Each message is answered from a table of 1 answer and is published to those \
                    who read room desk.";
    assert_eq!(does(&reply), expected);
    let broadcast = Broadcast { echo: true, rooms: true, ..Broadcast::default() };
    let mut chat = route("/c", Behaviour::Broadcast(broadcast));
    chat.publish = false;
    let expected = "Each message goes to everyone in room main. Clients may join other rooms.";
    assert_eq!(does(&chat), expected);
    let wrap = route("/in/{room}", Behaviour::Relay { wrap: true });
    assert!(does(&wrap).starts_with("Each message, whatever it is, is published"));
    assert_eq!(sample(&route("/a b/{token}", Behaviour::Echo)), None);
    assert_eq!(sample(&route("/a b/{room}", Behaviour::Echo)).unwrap(), "/a%20b/lobby");
}

#[test]
fn the_first_ports_of_each_kind_are_told() {
    let index = |listeners: &[Listener]| {
        let mut core = Core::of(Policy::default().with_demo(listeners));
        core.asked(HTTP, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").body
    };
    assert!(index(&LISTENERS).contains("ws-port=18 http-port=19"));
    let both = [Listener { serves: Serves::Both, loopback: true, port: 7 }];
    assert!(index(&both).contains("ws-port=7 http-port=7"));
}

#[test]
fn a_page_of_ours_has_its_headers_and_one_of_the_configuration_has_not() {
    let mut policy = Policy::default();
    let page = Page { mime: "text/html".to_owned(), bytes: Arc::from(*b"mine"), open: false };
    policy.site.insert("/", page);
    let mut core = Core::of(policy.with_demo(&LISTENERS));
    let mut get = |path: &str| {
        let key = core.connect(HTTP, format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes());
        core.written(key)
    };
    let mine = get("/");
    assert!(mine.ends_with("\r\n\r\nmine") && !mine.contains("Content-Security-Policy"), "{mine}");
    let ours = get("/demo/eventsource.html");
    for line in [
        "HTTP/1.1 200 OK\r\n",
        "\r\nCache-Control: no-cache\r\n",
        "\r\nETag: \"",
        "\r\nX-Content-Type-Options: nosniff\r\n",
        "; frame-ancestors 'none'; require-trusted-types-for 'script'\r\n",
        "\r\nReferrer-Policy: no-referrer\r\n",
        "\r\nCross-Origin-Opener-Policy: same-origin\r\n",
        "\r\nCross-Origin-Resource-Policy: same-origin\r\n",
        "\r\nContent-Type: text/html; charset=utf-8\r\n",
    ] {
        assert!(ours.contains(line), "{line}: {ours}");
    }
}

#[test]
fn with_keys_the_pages_take_a_credential_and_say_so() {
    let policy = keys::policy(keys::door()).with_demo(&LISTENERS);
    let mut core = Core::of(policy);
    let mut get = |fields: &str| {
        core.asked(HTTP, &format!("GET / HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n"))
    };
    assert_eq!(get("").status, 401);
    let field = format!("Authorization: Bearer {}\r\n", keys::DEVICE);
    let got = get(&field);
    assert_eq!(got.status, 200);
    assert!(!got.body.contains("no credentials"));
}
