//! What a WebSocket may say, where, and under which name.
//!
//! Knows: one core by itself.
//! Must not know: how a credential is written.

use super::core::{Core, message};
use super::lifetime::policy;
use crate::auth::{Door, Glob, Globs, Rights};
use crate::bytes::ConnKey;
use crate::engine::Policy;
use crate::routes::{Behaviour, Broadcast, Pattern, Replies, Route, Table};
use std::sync::Arc;

pub(super) fn globs(texts: &[&str]) -> Globs {
    Globs::new(texts.iter().map(|text| Glob::parse(text).unwrap()).collect())
}

/// May connect, read and publish as the globs say, and be called whatever it likes.
fn rights(subscribe: &[&str], publish: &[&str]) -> Rights {
    Rights { subscribe: globs(subscribe), publish: globs(publish), ..Rights::usual() }
}

pub(super) fn routes() -> Table {
    let broadcast = Broadcast { rooms: true, presence: true, ..Broadcast::default() };
    let replies = Replies { table: vec![("a".into(), "b".to_owned())], ..Replies::default() };
    let routes = [
        ("/relay/{room}", Behaviour::Relay { wrap: false }),
        ("/wrap/{room}", Behaviour::Relay { wrap: true }),
        ("/chat/{room}", Behaviour::Broadcast(broadcast)),
        ("/echo/{room}", Behaviour::Echo),
        ("/reply/{room}", Behaviour::Reply(replies)),
    ];
    let route = |(path, behaviour)| {
        let route = Route::new(Pattern::parse(path).unwrap(), behaviour);
        Route { publish: true, ..route }
    };
    let quiet = Route::new(Pattern::parse("/quiet").unwrap(), Behaviour::Echo);
    let quiet_chat = Behaviour::Broadcast(Broadcast::default());
    let members = Route::new(Pattern::parse("/members/{room}").unwrap(), quiet_chat);
    let others = [quiet, Route { publish: false, ..members }];
    Table::new(routes.map(route).into_iter().chain(others).collect()).unwrap()
}

/// A server with a key that may do everything, and one of `rights`, `mine`.
fn core(rights: Rights) -> (Core, ConnKey) {
    let keys = policy(&[("all", Rights::usual()), ("mine", rights)]);
    let mut core = Core::of(Policy { routes: routes(), ..keys });
    let reader = core.stream_with("all", "");
    (core, reader)
}

#[test]
fn who_may_not_publish_is_told_so_and_nobody_hears_it() {
    let (mut core, reader) = core(rights(&["*"], &["other"]));
    for path in ["/relay/r", "/wrap/r", "/chat/r", "/echo/r", "/reply/r", "/members/r"] {
        let listener = core.websocket_with("all", "/members/r");
        let client = core.websocket_with("mine", path);
        // That it came may be told.
        core.written.clear();
        core.told(client, &[&message("a", 1)]);
        core.told(client, &["a"]);
        core.receive(client, &[0x82, 0x81, 1, 2, 3, 4, 5]);
        core.turn();
        assert_eq!(core.heard(client), ["not-allowed"; 3], "{path}");
        assert_eq!(core.events(reader), [""; 0], "{path}");
        assert!(core.written(listener).is_empty(), "{path}");
    }
    let quiet = core.websocket_with("mine", "/quiet");
    core.told(quiet, &["what nobody else hears may be said"]);
    assert_eq!(core.heard(quiet), ["what nobody else hears may be said"]);
}

#[test]
fn who_may_publish_is_not_asked_again() {
    let (mut core, reader) = core(rights(&["*"], &["r", "s*"]));
    for (path, count) in [("/relay/r", 1), ("/wrap/r", 1), ("/chat/s", 2), ("/echo/sr", 1)] {
        core.events(reader);
        let client = core.websocket_with("mine", path);
        core.told(client, &[&message("a", 1)]);
        let heard = core.heard(client);
        assert!(heard.is_empty() || heard == [message("a", 1)], "{heard:?}");
        // Where there is presence, that it came too.
        assert_eq!(core.events(reader).len(), count, "{path}");
        core.receive(client, &[0x88, 0x80, 1, 2, 3, 4]);
        core.turn();
    }
}

#[test]
fn too_many_messages_that_are_not_allowed_end_a_connection() {
    let (mut core, _) = core(rights(&["*"], &[]));
    let client = core.websocket_with("mine", "/relay/r");
    core.told(client, &["{}"; 20]);
    let heard = core.heard(client);
    assert_eq!(heard.len(), 17);
    assert_eq!(heard[16], "close 1008");
    assert_eq!(
        core.counters[0].refusals.iter().find(|(code, _)| *code == Some("not-allowed")),
        Some((Some("not-allowed"), 16))
    );
}

/// A device that only listens has a name by which it can be sent to.
#[test]
fn who_may_not_publish_is_registered_by_its_url_and_says_nothing_by_that() {
    let (mut core, reader) = core(rights(&[], &[]));
    let client = core.websocket_with("mine", "/relay/r?connectionId=a");
    assert_eq!(core.hub.holdings().registered, 1);
    assert_eq!(core.events(reader), [""; 0]);
    // Somebody else takes its name over, and waits for it.
    let other = core.websocket_with("mine", "/relay/r?connectionId=a");
    core.turn();
    assert_eq!(core.heard(client), ["close 4409"]);
    let replaced = r#"{"close":{"connectionId":"a","code":4409,"reason":"replaced","by":"server""#;
    assert_eq!(core.events(reader), [replaced], "its end is the server's word");
    // But a reason would be its own.
    let mut close = vec![0x88, 0x80 | 7, 0, 0, 0, 0];
    close.extend_from_slice(&1000_u16.to_be_bytes());
    close.extend_from_slice(b"hello");
    core.receive(other, &close);
    core.turn();
    let closed = r#"{"close":{"connectionId":"a","code":1000,"reason":"","by":"client""#;
    assert_eq!(core.events(reader), [closed]);
}

#[test]
fn a_member_joins_what_it_may_read_and_says_where_it_may_publish() {
    let (mut core, _) = core(rights(&["r*"], &["r1", "r2"]));
    let all = core.websocket_with("all", "/chat/r1");
    core.told(all, &[r#"{"join":"r2"}"#]);
    core.told(all, &[r#"{"join":"r3"}"#]);
    let client = core.websocket_with("mine", "/chat/r3");
    core.heard(all);
    for (said, answer) in [
        (r#"{"join":"x"}"#, "not-allowed"),
        (r#"{"join":"r1"}"#, "joined r1 0"),
        (r#"{"join":"r1","since":"earliest"}"#, "bad-control"),
        (r#"{"join":"r3"}"#, "joined r3 0"),
        (r#"{"to":"x"}"#, "not-joined"),
        (r#"{"to":"r2"}"#, "not-joined"),
        (r#"{"to":"r3"}"#, "not-allowed"),
        ("to the home room", "not-allowed"),
        (r#"{"leave":"x"}"#, "not-joined"),
    ] {
        core.told(client, &[said]);
        assert_eq!(core.heard(client), [answer], "{said}");
    }
    let heard = core.heard(all);
    assert_eq!(heard, ["join"], "that it came to r1");
    core.told(client, &[r#"{"to":"r1"}"#]);
    assert!(core.heard(client).is_empty());
    assert_eq!(core.heard(all), [r#"{"to":"r1"}"#]);
}

#[test]
fn nobody_takes_a_name_that_it_may_not_have() {
    let names = Rights { connection_id: globs(&["dev-*"]), ..Rights::usual() };
    let (mut core, reader) = core(names);
    let owner = core.websocket_with("all", "/relay/r?connectionId=boss");
    core.events(reader);
    let client = core.websocket_with("mine", "/relay/r");
    core.told(client, &[&message("boss", 1)]);
    core.told(client, &[r#"{"connectionId":"b\u006fss"}"#]);
    assert_eq!(core.heard(client), ["not-allowed", "not-allowed"]);
    core.told(client, &[&message("dev-1", 2)]);
    assert!(core.heard(client).is_empty() && core.heard(owner).is_empty());
    assert_eq!(core.events(reader), [message("dev-1", 2)]);
    core.told(client, &[&message("boss", 3)]);
    assert_eq!(core.heard(client), ["wrong-connection-id"]);
}

/// Two routes that are for everybody, where all else takes a credential.
#[test]
fn an_open_route_opens_its_own_room_and_nobody_is_replaced_from_there() {
    let open = || Some(Arc::new(Door { open: true, ..Door::default() }));
    let lobby = Broadcast { rooms: true, ..Broadcast::default() };
    let lobby = Route::new(Pattern::parse("/lobby").unwrap(), Behaviour::Broadcast(lobby));
    let lobby = Route { room: "lobby".to_owned(), door: open(), ..lobby };
    let guest = Pattern::parse("/guest").unwrap();
    let guest = Route { door: open(), ..Route::new(guest, Behaviour::Relay { wrap: false }) };
    let routes = routes().iter().cloned().chain([lobby, guest]).collect();
    let routes = Table::new(routes).unwrap();
    let keys = policy(&[("all", Rights::usual())]);
    let mut core = Core::of(Policy { routes, ..keys });
    let (insider, stranger) = (core.websocket_with("all", "/chat/r1"), core.websocket("/lobby"));
    for (said, answer) in [
        (r#"{"join":"r1"}"#, "not-allowed"),
        (r#"{"to":"r1"}"#, "not-joined"),
        (r#"{"leave":"lobby"}"#, r#"{"left":{"room":"lobby"}}"#),
        (r#"{"join":"lobby"}"#, "joined lobby 0"),
    ] {
        core.told(stranger, &[said]);
        assert_eq!(core.heard(stranger), [answer], "{said}");
    }
    assert!(core.heard(insider).is_empty());

    let alice = core.websocket_with("all", "/relay/r1?connectionId=alice");
    let thief = core.websocket("/guest");
    core.told(thief, &[&message("alice", 1)]);
    assert_eq!(core.heard(thief), ["connection-id-taken"]);
    assert!(core.heard(alice).is_empty() && !core.closed.contains(&alice));
    core.told(thief, &[&message("bob", 1)]);
    // Who is let in by a credential replaces who is not.
    core.websocket_with("all", "/relay/r1?connectionId=bob");
    core.turn();
    assert!(core.heard(thief).iter().any(|heard| heard.contains("4409")), "it is replaced");
}
