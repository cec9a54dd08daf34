//! A newer credential on a WebSocket that is open.
//!
//! Knows: one core by itself.
//! Must not know: how a credential is written.

use super::core::{Core, message};
use super::keys;
use super::rights::{globs, routes};
use crate::auth::{Access, Keyring, Revocation, Rights, Secret, Whom};
use crate::bytes::ConnKey;
use crate::engine::Policy;
use std::sync::Arc;

const REFRESHED: &str = r#"{"refreshed":{"expiresAt":null}}"#;

/// A server on which `old` and each of `new` are credentials of one subject, `other` is one of
/// another.
fn core(old: Rights, new: &[(&str, Rights)]) -> Core {
    let mut keyring = Keyring::default();
    let mut add = |name: &str, secret: &str, rights: &Rights| {
        keyring.add_static(name, &Secret::new(secret.as_bytes().to_vec()), rights.clone());
    };
    add("me", "old", &old);
    new.iter().for_each(|(secret, rights)| add("me", secret, rights));
    add("you", "other", &Rights::usual());
    let access = Arc::new(Access { keyring, ..Access::default() });
    Core::of(Policy { access, routes: routes(), ..Policy::default() })
}

fn usual() -> Core {
    core(Rights::usual(), &[("new", Rights::usual())])
}

fn refresh(secret: &str) -> String {
    format!(r#"{{"refresh":"{secret}"}}"#)
}

impl Core {
    /// A WebSocket that came with `old`, which is over in so many milliseconds.
    fn passing(&mut self, path: &str, ms: u64) -> ConnKey {
        let key = self.websocket_with("old", path);
        self.expires_in(key, ms);
        key
    }
}

#[test]
fn a_newer_credential_keeps_a_connection_open_and_nobody_hears_of_it() {
    for path in ["/relay/r", "/wrap/r", "/chat/r", "/echo/r", "/reply/r", "/quiet"] {
        let mut core = usual();
        let reader = core.stream_with("other", "");
        let client = core.passing(path, 3000);
        core.sleeps(2000);
        core.events(reader);
        core.heard(client);
        core.told(client, &[&refresh("new")]);
        assert_eq!(core.heard(client), [REFRESHED], "{path}");
        core.sleeps(5000);
        assert_eq!(core.events(reader), [""; 0], "{path}");
        assert!(core.heard(client).is_empty(), "{path}: it is still there");
    }
}

#[test]
fn what_is_no_refresh_changes_nothing() {
    let mut core = usual();
    let client = core.passing("/echo/r", 3000);
    for said in [
        refresh("old "),
        refresh("other"),
        refresh(""),
        refresh(&"x".repeat(10_000)),
        r#"{"refresh":1}"#.to_owned(),
        r#"{"refresh":"new","x":1}"#.to_owned(),
        r#"{"refresh":"new""#.to_owned(),
        r#"{"refresh":"\ud800"}"#.to_owned(),
        r#"{"r\u0065fresh":"other"}"#.to_owned(),
    ] {
        core.told(client, &[&said]);
        assert_eq!(core.heard(client), ["refresh-refused"], "{said}");
    }
    // None of these is for the server.
    for said in [r#"{"x":1,"refresh":"new"}"#, "refresh", "[]"] {
        core.told(client, &[said]);
        assert_eq!(core.heard(client), [said]);
    }
    core.sleeps(4000);
    assert_eq!(core.heard(client), ["close 4401"]);
}

#[test]
fn where_nothing_expires_it_is_a_message() {
    let mut core = usual();
    let client = core.websocket_with("old", "/echo/r");
    let said = [refresh("new"), refresh("wrong")];
    core.told(client, &[&said[0], &said[1]]);
    assert_eq!(core.heard(client), said);
    core.expires_in(client, 5000);
    core.told(client, &[&said[0], &said[0]]);
    assert_eq!(core.heard(client), [REFRESHED, &said[0]]);
    let mut open = Core::of(Policy { routes: routes(), ..Policy::default() });
    let client = open.websocket("/quiet");
    open.told(client, &[&said[0]]);
    assert_eq!(open.heard(client), [&*said[0]]);
}

#[test]
fn it_has_to_allow_what_the_connection_is_and_is_in() {
    let usual = Rights::usual;
    let new = [
        ("no-connect", Rights { connect: false, ..usual() }),
        ("no-home", Rights { subscribe: globs(&["a", "b"]), ..usual() }),
        ("no-room", Rights { subscribe: globs(&["home", "a"]), ..usual() }),
        ("no-name", Rights { connection_id: globs(&["b"]), ..usual() }),
        ("enough", Rights { subscribe: globs(&["home", "b"]), ..usual() }),
    ];
    let mut core = core(usual(), &new);
    let member = core.passing("/chat/home", 60_000);
    core.told(member, &[r#"{"join":"a"}"#, r#"{"join":"b"}"#, r#"{"leave":"a"}"#]);
    core.heard(member);
    let relay = core.passing("/relay/home?connectionId=a", 60_000);
    for (secret, of_member, of_relay) in [
        ("no-connect", "refresh-refused", "refresh-refused"),
        ("no-home", "refresh-refused", REFRESHED),
        ("no-room", "refresh-refused", REFRESHED),
        // The server named it.
        ("no-name", REFRESHED, "refresh-refused"),
        ("enough", REFRESHED, REFRESHED),
    ] {
        for (key, answer) in [(member, of_member), (relay, of_relay)] {
            core.expires_in(key, 60_000);
            core.told(key, &[&refresh(secret)]);
            assert_eq!(core.heard(key), [answer], "{secret}");
        }
    }
    core.told(member, &[r#"{"join":"a"}"#]);
    assert_eq!(core.heard(member), ["not-allowed"], "what is new holds");
    core.told(member, &[r#"{"leave":"home"}"#]);
    core.heard(member);
    core.expires_in(member, 60_000);
    core.told(member, &[&refresh("no-home")]);
    assert_eq!(core.heard(member), ["refresh-refused"], "home is where it came to");
}

#[test]
fn a_credential_that_ends_sooner_ends_it_sooner() {
    let mut core = Core::of(Policy { routes: routes(), ..keys::policy(keys::door()) });
    let now_s = core.now.unix_ms / 1000;
    let token = |seconds: u64| keys::token_until(r#""sub":"ann""#, now_s + seconds);
    let client = core.websocket_with(&token(3600), "/echo/r");
    for (seconds, is_there) in [(5, true), (7, true), (2, false)] {
        core.told(client, &[&refresh(&token(seconds))]);
        let expires = format!(r#"{{"refreshed":{{"expiresAt":{}}}}}"#, 1000 * (now_s + seconds));
        assert_eq!(core.heard(client), [expires]);
        core.sleeps(if is_there { 500 } else { 3000 });
        assert_eq!(core.heard(client).is_empty(), is_there);
    }
}

#[test]
fn its_rights_hold_from_then_on() {
    let quiet = Rights { publish: globs(&[]), ..Rights::usual() };
    let mut core = core(quiet.clone(), &[("loud", Rights::usual()), ("quiet", quiet)]);
    let reader = core.stream_with("other", "");
    let client = core.passing("/relay/r", 60_000);
    core.told(client, &[&message("a", 1), &refresh("loud"), &message("a", 2)]);
    assert_eq!(core.heard(client), ["not-allowed", REFRESHED]);
    core.expires_in(client, 60_000);
    core.told(client, &[&refresh("quiet"), &message("a", 3)]);
    assert_eq!(core.heard(client), [REFRESHED, "not-allowed"]);
    assert_eq!(core.events(reader), [message("a", 2)]);
}

#[test]
fn too_many_refused_end_a_connection() {
    let mut core = usual();
    let client = core.passing("/echo/r", 60_000);
    let wrong = refresh("wrong");
    core.say(client, &[&*wrong; 16]);
    core.turn();
    core.turn();
    let heard = core.heard(client);
    assert_eq!(heard[..16], ["refresh-refused"; 16]);
    assert_eq!(heard[16..], ["close 1008"]);
    let invalid = core.counters[0].credentials.iter().find(|(it, _)| *it == Some("invalid"));
    assert_eq!(invalid, Some((Some("invalid"), 16)));
}

/// It comes in the turn in which the time is over: it counts, or the connection ends, and never both.
#[test]
fn a_refresh_that_races_the_end_wins_or_loses() {
    for early_ms in [1, 0] {
        let mut core = usual();
        let client = core.passing("/echo/r", 3000);
        core.now.monotonic += std::time::Duration::from_millis(3200);
        core.now.unix_ms += 3000 - early_ms;
        core.say(client, &[&refresh("new"), "more"]);
        core.now.unix_ms += 10;
        core.engine.expire(core.now);
        core.turn();
        core.sleeps(2000);
        let expected: &[&str] = if early_ms > 0 { &[REFRESHED, "more"] } else { &["close 4401"] };
        assert_eq!(core.heard(client), expected, "{early_ms} ms before");
    }
}

#[test]
fn what_was_revoked_refreshes_nothing() {
    let mut core = usual();
    let client = core.passing("/echo/r", 60_000);
    let whom = Whom::Subject("me".into());
    let revocation = Revocation::new(whom, core.now.unix_ms, None);
    core.engine.desk.setup.vault.revocations.add(revocation, 10).expect("there is room");
    core.told(client, &[&refresh("new")]);
    assert_eq!(core.heard(client), ["refresh-refused"]);
}

#[test]
fn nobody_takes_a_name_that_was_revoked() {
    let mut core = usual();
    let client = core.websocket_with("old", "/relay/r");
    let whom = Whom::ConnectionId("a".into());
    let revocation = Revocation::new(whom, core.now.unix_ms, None);
    core.engine.desk.setup.vault.revocations.add(revocation, 10).expect("there is room");
    core.told(client, &[&message("a", 1), &message("b", 1)]);
    assert_eq!(core.heard(client), ["not-allowed"]);
    assert_eq!(core.hub.holdings().registered, 1);
}
