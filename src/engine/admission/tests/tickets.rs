//! Tickets at a door: good once, soon, and as long as their key is there.
//!
//! Knows: one core by itself.
//! Must not know: sockets, who asks for tickets.

use crate::auth::{Access, Door, Keyring, Presented, Revocation, Rights, Secret, Whom};
use crate::engine::Policy;
use crate::engine::tests::core::{Core, HTTP, WS, handshake};
use crate::engine::tests::keys::{DEVICE, MANAGER, door, keyring, policy, token_until};
use crate::limits::Limits;
use crate::routes::{Behaviour, Pattern, Route, Table};
use std::sync::Arc;
use std::time::Duration;

/// A ticket that the holder of this static key asked for.
fn ticket(core: &Core, key: &str) -> String {
    let grant = keyring().verify(Presented::Bearer(key), &Door::default(), 0).unwrap();
    let grant = Arc::new(grant.with_rights(Rights::usual()));
    let now_ms = core.now.unix_ms;
    core.vault.tickets.mint(grant, now_ms, now_ms + 30_000, 10).unwrap()
}

#[test]
fn a_ticket_is_good_once_for_a_websocket_or_a_stream() {
    let mut core = Core::of(policy(door()));
    for key in [DEVICE, MANAGER] {
        let first = ticket(&core, key);
        assert_eq!(core.upgrade(&format!("/?ticket={first}"), "").status, 101);
        let again = core.upgrade(&format!("/?ticket={first}"), "");
        assert_eq!(again.verdict(), (401, "credentials-invalid".to_owned()));
        let second = ticket(&core, key);
        assert_eq!(core.get(&format!("/events?ticket={second}"), "").status, 200);
        assert_eq!(core.get(&format!("/events?ticket={second}"), "").status, 401);
    }
    let third = ticket(&core, MANAGER);
    for target in ["/api/rooms", "/metrics", "/page"] {
        let told = core.get(&format!("{target}?ticket={third}"), "");
        assert_eq!(told.code(), "credentials-missing", "{target}");
    }
    core.now.unix_ms += 30_000;
    assert_eq!(core.upgrade(&format!("/?ticket={third}"), "").code(), "credentials-invalid");
}

/// Who has ten seconds left has no ticket for longer, nor lets it anybody stay for longer.
#[test]
fn nobody_outlives_its_credential_by_a_ticket() {
    let mut core = Core::of(policy(door()));
    let token = token_until("", core.now.unix_ms / 1000 + 10);
    let body = r#"{"expiresIn":1000}"#;
    let request = format!(
        "POST /api/tickets HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let client = core.connect(HTTP, request.as_bytes());
    let answer = core.written(client);
    let (_, json) = answer.split_once("\r\n\r\n").expect(&answer);
    let json: serde_json::Value = serde_json::from_str(json).expect(&answer);
    assert_eq!(json["expiresAt"], core.now.unix_ms + 10_000);
    let path = format!("/echo?ticket={}", json["ticket"].as_str().expect(&answer));
    let guest = core.connect(WS, handshake(&path).as_bytes());
    assert!(core.written(guest).starts_with("HTTP/1.1 101 "));
    for (seconds, is_over) in [(9, false), (2, true)] {
        core.now.monotonic += Duration::from_secs(seconds);
        core.now.unix_ms += 1000 * seconds;
        core.engine.expire(core.now);
        core.turn();
        assert_eq!(core.written(guest).contains("expired"), is_over);
    }
}

#[test]
fn a_ticket_ends_with_the_key_of_whoever_asked_for_it() {
    for (name, secret, status) in [
        ("devices", DEVICE, 101),
        ("devices", "another-key-of-devices", 401),
        ("other", DEVICE, 401),
    ] {
        let mut core = Core::of(policy(door()));
        let ticket = ticket(&core, DEVICE);
        let mut keyring = Keyring::new(&Limits::default());
        keyring.add_static(name, &Secret::new(secret.into()), Rights::usual());
        let access = Access { keyring, ..Access::default() };
        core.engine.adopt(Arc::new(Policy { access: Arc::new(access), ..Policy::default() }));
        assert_eq!(core.upgrade(&format!("/?ticket={ticket}"), "").status, status, "{name}");
    }
}

#[test]
fn a_ticket_counts_where_its_key_does_and_a_managers_anywhere() {
    let keys: Option<Box<[Arc<str>]>> = Some(Box::new([Arc::from("app")]));
    let own = Door { keys, ..Door::default() };
    let route = Route::new(Pattern::parse("/").unwrap(), Behaviour::Echo);
    let routes = Table::new(vec![Route { door: Some(Arc::new(own)), ..route }]).unwrap();
    let mut core = Core::of(Policy { routes, ..policy(door()) });
    for (key, status) in [(DEVICE, 401), (MANAGER, 101)] {
        let ticket = ticket(&core, key);
        assert_eq!(core.upgrade(&format!("/?ticket={ticket}"), "").status, status, "{key}");
    }
}

#[test]
fn what_was_revoked_is_told_so_after_its_key_has_vouched_for_it() {
    let mut core = Core::of(policy(door()));
    let ticket = ticket(&core, DEVICE);
    let (whom, at_ms) = (Whom::Subject(Arc::from("devices")), core.now.unix_ms);
    core.vault.revocations.add(Revocation::new(whom, at_ms, None), 10).unwrap();
    for told in [
        core.upgrade(&format!("/?ticket={ticket}"), ""),
        core.get("/events", &crate::engine::tests::keys::bearer(DEVICE)),
    ] {
        assert_eq!(told.verdict(), (401, "credentials-revoked".to_owned()));
    }
    assert_eq!(core.get("/api/rooms", &crate::engine::tests::keys::bearer(MANAGER)).status, 200);
}
