//! Who guesses is heard no more, and nobody else is.
//!
//! Knows: one core by itself, addresses.
//! Must not know: sockets.

use super::keys::{DEVICE, WRONG, bearer, door, policy, token_until};
use crate::engine::Policy;
use crate::engine::tests::core::{Core, LOCALHOST};
use crate::limits::Limits;
use core::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

fn core() -> Core {
    let limits = Limits { bad_credentials_max: 20, ..Limits::default() };
    Core::of(Policy { limits: Arc::new(limits), ..policy(door()) })
}

fn from(core: &mut Core, address: &str) {
    core.peer = address.parse::<IpAddr>().unwrap();
}

/// A17.
#[test]
fn after_so_many_bad_ones_an_address_is_told_to_wait() {
    for (guesser, same, other) in [
        ("192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:3::1"),
    ] {
        let mut core = core();
        from(&mut core, guesser);
        for _ in 0..10 {
            assert_eq!(core.get("/events", &bearer(WRONG)).status, 401);
            assert_eq!(core.upgrade("/", &bearer(WRONG)).status, 401);
        }
        for address in [guesser, same] {
            from(&mut core, address);
            for told in [
                core.get("/events", &bearer(WRONG)),
                core.upgrade("/", &bearer(DEVICE)),
                core.get("/api/rooms", ""),
            ] {
                assert_eq!(told.verdict(), (429, "too-many-bad-credentials".to_owned()));
                let after: u64 = told.fields("Retry-After")[0].parse().unwrap();
                assert!((1..=60).contains(&after), "{after}");
            }
            assert_eq!(core.get("/hello", "").status, 200, "what is open stays open");
        }
        for address in [other, "127.0.0.1"] {
            from(&mut core, address);
            assert_eq!(core.upgrade("/", &bearer(DEVICE)).status, 101, "{address}");
        }
        from(&mut core, guesser);
        core.now.monotonic += Duration::from_secs(60);
        core.now.unix_ms += 60_000;
        assert_eq!(core.upgrade("/", &bearer(DEVICE)).status, 101, "a minute later");
    }
}

/// A proxy on this machine brings everybody.
#[test]
fn this_machine_may_try_as_often_as_it_likes() {
    let mut core = core();
    for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
        from(&mut core, address);
        for _ in 0..30 {
            assert_eq!(core.get("/events", &bearer(WRONG)).status, 401, "{address}");
        }
    }
    core.peer = LOCALHOST;
    assert_eq!(core.get("/events", &bearer(DEVICE)).status, 200);
}

#[test]
fn only_what_could_be_a_guess_counts_as_one() {
    let mut core = core();
    from(&mut core, "192.0.2.1");
    for _ in 0..30 {
        assert_eq!(core.get("/events", "").status, 401);
        assert_eq!(core.get("/events", &bearer(&token_until("", 1))).status, 401);
        assert_eq!(core.get("/api/rooms", &bearer(DEVICE)).status, 403);
        assert_eq!(core.get("/events", &format!("{}X-API-Key: a\r\n", bearer("a"))).status, 400);
    }
    assert_eq!(core.get("/events", &bearer(DEVICE)).status, 200);
}
