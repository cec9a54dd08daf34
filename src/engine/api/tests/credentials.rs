//! Tickets and revocations, on several cores whose letters come in any order.
//!
//! Knows: several cores and their letters.
//! Must not know: sockets, how tickets are kept.

use super::node::{Node, Peer, code, post};
use crate::auth::{Access, Glob, Globs, Keyring, Rights, Secret};
use crate::engine::tests::core::{HTTP, WS};
use crate::engine::{Letter, Policy};
use crate::limits::{LISTED_SLOTS_MAX, Limits};
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

const TICKETS: &str = "/api/tickets";
const REVOCATIONS: &str = "/api/revocations";

fn globs(texts: &[&str]) -> Globs {
    Globs::new(texts.iter().map(|text| Glob::parse(text).unwrap()).collect())
}

/// A node whose keys are `manage`, `all`, `other` and `lab`, which may do only what the name says.
fn node(cores: usize, limits: Limits) -> Node {
    let manage =
        Rights { connect: false, publish: Globs::default(), manage: true, ..Rights::usual() };
    let lab = Rights { subscribe: globs(&["lab*"]), publish: Globs::default(), ..Rights::usual() };
    let mut keyring = Keyring::default();
    for (name, rights) in
        [("manage", manage), ("all", Rights::usual()), ("other", Rights::usual()), ("lab", lab)]
    {
        keyring.add_static(name, &Secret::new(name.as_bytes().to_vec()), rights);
    }
    let access = Arc::new(Access { keyring, ..Access::default() });
    Node::of(cores, Policy { access, limits: Arc::new(limits), ..Policy::default() })
}

fn by(key: &str) -> String {
    format!("Authorization: Bearer {key}\r\n")
}

fn bare(key: &str, method: &str, target: &str) -> String {
    format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n{}\r\n", by(key))
}

fn handshake(target: &str, more: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

impl Node {
    /// Its status, and its JSON.
    fn told(&mut self, client: Peer) -> (u16, serde_json::Value) {
        self.settle();
        let (status, body) = self.answer(client);
        (status, serde_json::from_str(&body).unwrap_or_default())
    }

    fn posts(&mut self, key: &str, target: &str, body: &str) -> (u16, serde_json::Value) {
        let client = self.ask(0, &post(target, &by(key), body));
        self.told(client)
    }

    fn ticket(&mut self, key: &str, body: &str) -> String {
        let (status, answer) = self.posts(key, TICKETS, body);
        assert_eq!(status, 201, "{answer}");
        answer["ticket"].as_str().expect("a ticket").to_owned()
    }

    fn revoke(&mut self, body: &str) -> u64 {
        let (status, answer) = self.posts("manage", REVOCATIONS, body);
        assert_eq!(status, 200, "{answer}");
        answer["closed"].as_u64().expect("a number")
    }

    /// The status of a handshake.
    fn shakes(&mut self, core: usize, target: &str, more: &str) -> (u16, Peer) {
        let peer = self.connect(core, WS, &handshake(target, more));
        self.settle();
        let text = self.take(peer);
        (text["HTTP/1.1 ".len()..][..3].parse().expect("a status"), peer)
    }

    fn comes(&mut self, core: usize, key: &str, target: &str) -> Peer {
        let (status, peer) = self.shakes(core, target, &by(key));
        assert_eq!(status, 101, "{key} {target}");
        peer
    }

    fn reads(&mut self, core: usize, key: &str, query: &str) -> Peer {
        let peer = self.connect(core, HTTP, &bare(key, "GET", &format!("/events{query}")));
        self.settle();
        assert!(self.take(peer).starts_with("HTTP/1.1 200 "), "{key} {query}");
        peer
    }
}

#[test]
fn a_ticket_gives_what_was_asked_for_it_and_no_more() {
    let mut node = node(2, Limits::default());
    for (key, body, opens) in [
        // Connect; room lab; room attic; called a; called b.
        ("manage", "{}", [101, 200, 200, 101, 101]),
        ("manage", r#"{"subject":"ann","expiresIn":9}"#, [101, 200, 200, 101, 101]),
        ("manage", r#"{"connect":true,"connectionId":"a*"}"#, [101, 403, 403, 101, 403]),
        ("manage", r#"{"subscribe":["lab"]}"#, [403, 200, 403, 403, 403]),
        ("all", "{}", [101, 200, 200, 101, 101]),
        ("all", r#"{"connect":false,"subscribe":["l*","x"]}"#, [403, 200, 403, 403, 403]),
        ("all", r#"{"connectionId":["a","c"]}"#, [101, 200, 200, 101, 403]),
        ("lab", "{}", [101, 200, 403, 101, 101]),
        ("lab", r#"{"subject":"lab","subscribe":["*"]}"#, [101, 200, 403, 101, 101]),
        ("lab", r#"{"subscribe":["attic"]}"#, [101, 403, 403, 101, 101]),
    ] {
        let mut left = opens.into_iter();
        for target in [
            "/echo?",
            "/events?room=lab&",
            "/events?room=attic&",
            "/?connectionId=a&",
            "/?connectionId=b&",
        ] {
            let ticket = node.ticket(key, body);
            let target = format!("{target}ticket={ticket}");
            let expected = left.next().expect("five of each");
            if target.starts_with("/events") {
                let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
                let client = node.ask(1, &request);
                node.settle();
                let text = node.take(client);
                assert!(text.starts_with(&format!("HTTP/1.1 {expected} ")), "{key} {body}: {text}");
            } else {
                let (status, peer) = node.shakes(1, &target, "");
                assert_eq!(status, expected, "{key} {body} {target}");
                node.leave(peer);
            }
        }
    }
}

/// A request for a ticket with so many patterns.
fn patterns(subscribe: usize, publish: usize) -> String {
    let list = |count| vec!["a"; count];
    format!(r#"{{"subscribe":{:?},"publish":{:?}}}"#, list(subscribe), list(publish))
}

#[test]
fn nobody_asks_for_more_than_it_may_give() {
    let mut node = node(1, Limits::default());
    for (key, body, status, code) in [
        ("nobody", "{}", 401, "credentials-invalid"),
        ("all", r#"{"subject":"ann"}"#, 403, "not-allowed"),
        ("lab", r#"{"connect":false,"subscribe":[]}"#, 422, "empty-ticket"),
        ("manage", r#"{"publish":["*"]}"#, 422, "empty-ticket"),
        ("manage", r#"{"manage":true}"#, 400, "bad-body"),
        ("all", r#"{"expiresIn":0}"#, 400, "bad-body"),
        ("all", r#"{"subscribe":"lab"}"#, 400, "bad-body"),
        ("all", r#"{"subscribe":["lab",""]}"#, 400, "bad-body"),
        ("all", "", 400, "not-json"),
        // As many as a token may have, of all kinds together.
        ("all", &patterns(60, 41), 422, "too-many-patterns"),
        ("all", &patterns(101, 0), 422, "too-many-patterns"),
        ("manage", &patterns(0, 101), 422, "too-many-patterns"),
    ] {
        let (own_status, answer) = node.posts(key, TICKETS, body);
        assert_eq!((own_status, answer["code"].as_str()), (status, Some(code)), "{key} {body}");
    }
    node.ticket("all", &patterns(60, 40));
    // Nobody comes to a ticket by a ticket.
    let ticket = node.ticket("manage", "{}");
    let client = node.ask(0, &post(&format!("{TICKETS}?ticket={ticket}"), "", "{}"));
    assert_eq!(node.told(client).1["code"], "credentials-missing");
    let client = node.ask(0, &post(TICKETS, &by("all").replace("all", &ticket), "{}"));
    assert_eq!(node.told(client).0, 401);
}

#[test]
fn what_a_ticket_lets_in_ends_when_it_was_said_to() {
    let mut node = node(2, Limits::default());
    let ticket = node.ticket("manage", r#"{"connect":true,"expiresIn":40}"#);
    node.pass(Duration::from_secs(29));
    let (status, peer) = node.shakes(1, &format!("/echo?ticket={ticket}"), "");
    assert_eq!(status, 101);
    node.pass(Duration::from_secs(10));
    assert!(!node.take(peer).contains("expired"));
    node.pass(Duration::from_secs(2));
    assert!(node.take(peer).ends_with("expired"));
    // Nor is a ticket good for longer than what it lets in.
    let (_, answer) = node.posts("manage", TICKETS, r#"{"connect":true,"expiresIn":1}"#);
    assert_eq!(answer["expiresAt"], node.now.unix_ms + 1000);
    let ticket = node.ticket("manage", "{}");
    node.pass(Duration::from_secs(30));
    assert_eq!(node.shakes(1, &format!("/echo?ticket={ticket}"), "").0, 401);
}

#[test]
fn a_ticket_redeemed_on_two_cores_at_once_gets_in_once() {
    let mut node = node(3, Limits::default());
    let ticket = node.ticket("all", "{}");
    let target = format!("/echo?ticket={ticket}");
    // None of them has had a turn of its own when the next one comes.
    let peers: Vec<Peer> =
        (0..3).map(|core| node.connect(core, WS, &handshake(&target, ""))).collect();
    node.settle();
    let answers: Vec<String> = peers.into_iter().map(|peer| node.take(peer)).collect();
    let let_in = answers.iter().filter(|text| text.starts_with("HTTP/1.1 101 ")).count();
    assert_eq!(let_in, 1, "{answers:?}");
    assert!(answers[1].starts_with("HTTP/1.1 401 ") && answers[1].contains("credentials-invalid"));
}

#[test]
fn tickets_are_as_many_as_may_be_and_never_repeated() {
    let mut node = node(1, Limits { tickets_max: 2, ..Limits::default() });
    node.ticket("all", "{}");
    let ticket = node.ticket("all", "{}");
    let (status, answer) = node.posts("all", TICKETS, "{}");
    assert_eq!((status, answer["code"].as_str()), (429, Some("too-many-tickets")));
    node.shakes(0, &format!("/echo?ticket={ticket}"), "");
    node.ticket("all", "{}");
    node.pass(Duration::from_secs(31));
    let more = format!("{}Idempotency-Key: once\r\n", by("all"));
    let client = node.ask(0, &post(TICKETS, &more, "{}"));
    let (status, answer) = node.told(client);
    assert_eq!((status, answer["code"].as_str()), (400, Some("bad-idempotency-key")));
    node.ticket("all", "{}");
}

#[test]
fn whoever_is_revoked_is_gone_when_the_answer_comes() {
    let mut node = node(3, Limits::default());
    let mut all = Vec::new();
    for core in 0..3 {
        all.push((node.comes(core, "all", "/chat/lab"), "revoked"));
        all.push((node.comes(core, "all", &format!("/?connectionId=a{core}")), "revoked"));
        all.push((
            node.reads(core, "all", ""),
            "event: expired\ndata: {\"reason\":\"revoked\"}\n\n",
        ));
    }
    let others = [node.comes(1, "other", "/chat/lab"), node.reads(2, "other", "?room=x")];
    all.iter().for_each(|(peer, _)| _ = node.take(*peer));
    others.iter().for_each(|peer| _ = node.take(*peer));
    assert_eq!(node.revoke(r#"{"subject":"all"}"#), 9);
    for (peer, end) in all {
        let text = node.take(peer);
        assert!(text.ends_with(end), "{text:?}");
    }
    for peer in others {
        assert!(!node.take(peer).contains("revoked"));
    }
    for core in 0..3 {
        assert_eq!(node.shakes(core, "/echo", &by("all")).0, 401);
        assert_eq!(node.shakes(core, "/echo", &by("other")).0, 101);
    }
    assert_eq!(node.revoke(r#"{"subject":"all"}"#), 0, "nobody is left");
}

#[test]
fn a_name_that_is_revoked_is_nobodys() {
    let mut node = node(3, Limits::default());
    let owner = node.comes(1, "all", "/ws/x?connectionId=a");
    // It waits for the name: the letter that asks its owner to go is still on its way.
    let waiting = node.connect(2, WS, &handshake("/ws/x?connectionId=a", &by("other")));
    let replaced: Vec<_> = std::mem::take(&mut node.mail);
    assert!(matches!(replaced.as_slice(), [(1, Letter::Replaced(_))]));
    node.take(owner);
    let client = node.ask(0, &post(REVOCATIONS, &by("manage"), r#"{"connectionId":"a"}"#));
    assert_eq!(node.told(client), (200, serde_json::json!({"closed": 2})));
    node.mail.extend(replaced);
    node.settle();
    assert!(node.take(owner).ends_with("revoked"));
    assert!(node.take(waiting).ends_with("revoked"));
    assert!(node.owner("a").is_none());
    assert_eq!(node.shakes(0, "/ws/x?connectionId=a", &by("other")).0, 403);
    let late = node.comes(2, "other", "/ws/x");
    node.say(late, r#"{"connectionId":"a"}"#);
    assert!(node.take(late).contains("not-allowed"));
    node.say(late, r#"{"connectionId":"b"}"#);
    node.settle();
    assert!(node.owner("a").is_none() && node.owner("b").is_some());
}

#[test]
fn what_is_revoked_is_shown_until_it_is_lifted() {
    let mut node = node(2, Limits { revocations_max: 3, ..Limits::default() });
    let now = node.now.unix_ms;
    node.revoke(r#"{"subject":"all"}"#);
    node.revoke(r#"{"tokenId":"t","expiresIn":60}"#);
    node.revoke(r#"{"connectionId":"=ü&"}"#);
    let (status, answer) = node.posts("manage", REVOCATIONS, r#"{"subject":"b"}"#);
    assert_eq!((status, answer["code"].as_str()), (429, Some("too-many-revocations")));
    assert_eq!(node.shakes(1, "/echo", &by("all")).0, 401, "none went to make room");
    let (mut shown, mut next) = (Vec::new(), String::new());
    loop {
        let target = format!("{REVOCATIONS}?limit=1{next}");
        let client = node.ask(1, &bare("manage", "GET", &target));
        let (status, page) = node.told(client);
        assert_eq!(status, 200, "{page}");
        shown.extend(page["revocations"].as_array().expect("an array").clone());
        let Some(token) = page["next"].as_str() else { break };
        next = format!("&after={token}");
    }
    let expected = serde_json::json!([
        {"subject": "all", "revokedAt": now, "expiresAt": null},
        {"tokenId": "t", "revokedAt": now, "expiresAt": now + 60_000},
        {"connectionId": "=ü&", "revokedAt": now, "expiresAt": null},
    ]);
    assert_eq!(serde_json::Value::Array(shown), expected);
    for (query, expected) in [
        ("?subject=all", 204),
        ("?subject=all", 404),
        ("?connectionId=%3D%C3%BC%26", 204),
        ("?tokenId=t&_=1", 204),
        ("", 404),
        ("?subject=a&tokenId=b", 404),
        ("?name=a", 400),
    ] {
        let client = node.ask(1, &bare("manage", "DELETE", &format!("{REVOCATIONS}{query}")));
        assert_eq!(node.told(client).0, expected, "{query}");
    }
    assert_eq!(node.shakes(1, "/echo", &by("all")).0, 101);
}

#[test]
fn only_who_manages_revokes_and_only_where_there_are_keys() {
    let mut with_keys = node(1, Limits::default());
    for request in [
        post(REVOCATIONS, &by("all"), r#"{"subject":"x"}"#),
        bare("all", "GET", REVOCATIONS),
        bare("all", "DELETE", &format!("{REVOCATIONS}?subject=x")),
    ] {
        let client = with_keys.ask(0, &request);
        let (status, answer) = with_keys.told(client);
        assert_eq!((status, answer["code"].as_str()), (403, Some("not-allowed")), "{request}");
    }
    let mut without = Node::new(1);
    for request in [
        post(TICKETS, "", "{}"),
        post(REVOCATIONS, "", r#"{"subject":"x"}"#),
        bare("x", "GET", REVOCATIONS),
        bare("x", "DELETE", &format!("{REVOCATIONS}?subject=x")),
    ] {
        let client = without.ask(0, &request);
        let (status, answer) = without.told(client);
        assert_eq!((status, answer["code"].as_str()), (409, Some("auth-off")), "{request}");
    }
}

/// More than one letter looks at, and of each second the key is revoked.
#[test]
fn a_core_goes_through_all_its_connections_some_at_a_time() {
    let mut node = node(2, Limits::default());
    let count = LISTED_SLOTS_MAX as usize + 100;
    let peers: Vec<Peer> = (0..count)
        .map(|n| {
            let key = if n % 2 == 0 { "all" } else { "other" };
            node.connect(1, WS, &handshake("/echo", &by(key)))
        })
        .collect();
    let client = node.ask(0, &post(REVOCATIONS, &by("manage"), r#"{"subject":"all"}"#));
    let to_other = node.mail.iter().position(|(core, _)| *core == 1).expect("a letter");
    node.deliver(to_other);
    assert!(node.take(client).is_empty(), "there is more to look at");
    // Whoever asked does not wait for it any more. It is done all the same.
    node.cores[0].receive_error(client.1, node.now);
    node.settle();
    for (n, peer) in peers.into_iter().enumerate() {
        assert_eq!(node.take(peer).ends_with("revoked"), n % 2 == 0, "{n}");
    }
}

#[test]
fn what_is_lifted_while_cores_look_for_it_ends_nobody_more() {
    let mut node = node(2, Limits::default());
    let client = node.ask(0, &post(REVOCATIONS, &by("manage"), r#"{"subject":"all"}"#));
    let letters = std::mem::take(&mut node.mail);
    let lifting = node.ask(0, &bare("manage", "DELETE", &format!("{REVOCATIONS}?subject=all")));
    assert_eq!(node.answer(lifting).0, 204);
    let peer = node.comes(1, "all", "/echo");
    node.mail = letters;
    assert_eq!(node.told(client), (200, serde_json::json!({"closed": 0})));
    assert!(!node.take(peer).contains("revoked"));
}

#[test]
fn a_core_that_does_not_look_in_time_is_not_said_to_have() {
    let mut node = node(2, Limits::default());
    let peer = node.comes(1, "all", "/echo");
    let client = node.ask(0, &post(REVOCATIONS, &by("manage"), r#"{"subject":"all"}"#));
    let late: Vec<_> = std::mem::take(&mut node.mail);
    node.pass(Limits::default().api_time + Duration::from_millis(200));
    let (status, body) = node.answer(client);
    assert_eq!((status, code(&body).as_str()), (504, "no-answer"));
    assert_eq!(node.shakes(1, "/echo", &by("all")).0, 401, "who comes is refused from the start");
    node.mail = late;
    node.settle();
    assert!(node.take(peer).ends_with("revoked"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever comes before, while or after it is revoked, on whichever core, and in whatever order
    /// letters are delivered: nobody is there in the end, and as many were closed as had come in.
    #[test]
    fn nobody_survives_a_revocation(steps in prop::collection::vec((0..4usize, 0..3usize), 0..40)) {
        let mut node = node(3, Limits::default());
        let mut peers = Vec::new();
        let mut client = None;
        for (what, core) in steps {
            match what {
                0 => peers.push(node.connect(core, WS, &handshake("/chat/lab", &by("all")))),
                1 => peers.push(node.connect(core, HTTP, &bare("all", "GET", "/events"))),
                2 if client.is_none() => {
                    let body = r#"{"subject":"all"}"#;
                    client = Some(node.ask(core, &post(REVOCATIONS, &by("manage"), body)));
                }
                _ if !node.mail.is_empty() => node.deliver(core % node.mail.len()),
                _ => {}
            }
        }
        let client = client.unwrap_or_else(|| {
            node.ask(0, &post(REVOCATIONS, &by("manage"), r#"{"subject":"all"}"#))
        });
        let (status, answer) = node.told(client);
        prop_assert_eq!(status, 200);
        let texts: Vec<String> = peers.iter().map(|peer| node.take(*peer)).collect();
        let came_in = |text: &&String| text.starts_with("HTTP/1.1 101 ") || text.starts_with("HTTP/1.1 200 ");
        let let_in: Vec<&String> = texts.iter().filter(came_in).collect();
        prop_assert_eq!(answer["closed"].as_u64(), Some(let_in.len() as u64));
        prop_assert!(let_in.iter().all(|text| text.contains("revoked")));
    }
}
