//! What is said to those who are not let in.
//!
//! Knows: one core by itself.
//! Must not know: sockets.

use crate::auth::{Access, Door, Refusing};
use crate::engine::Policy;
use crate::engine::tests::core::{Core, HTTP};
use crate::engine::tests::keys::{
    DEVICE, MANAGER, WRONG, basic, bearer, door, keyring, policy, token, token_until,
};
use std::sync::Arc;

const REALM: &str = "Bearer realm=\"tidegate\"";
const INVALID: &str = "Bearer realm=\"tidegate\", error=\"invalid_token\"";
const BASIC: &str = "Basic realm=\"tidegate\", charset=\"UTF-8\"";

#[test]
fn whoever_has_none_is_told_where_this_very_door_takes_one() {
    let mut core = Core::of(policy(door()));
    let told = core.upgrade("/", "");
    assert_eq!(
        told.detail(),
        "A credential is missing. It is taken as Authorization: Bearer CREDENTIAL, as user and \
         password (Basic), in the field x-api-key, in the field x-ws-auth-key, in the cookie \
         session, in the parameter accessToken, as the subprotocol tidegate.bearer.CREDENTIAL, or \
         as a ticket of POST /api/tickets, in the parameter ticket."
    );
    assert_eq!(
        core.get("/api/rooms", "").detail(),
        "A credential is missing. It is taken as Authorization: Bearer CREDENTIAL, as user and \
         password (Basic), in the field x-api-key, or in the field x-ws-auth-key."
    );
    let keys: Option<Box<[Arc<str>]>> = Some(Box::new([Arc::from("app")]));
    let mut core = Core::of(policy(Door { keys, ..Door::default() }));
    assert_eq!(
        core.get("/index.html", "").detail(),
        "A credential is missing. It is taken as Authorization: Bearer CREDENTIAL."
    );
}

#[test]
fn a_challenge_says_what_may_help() {
    let mut core = Core::of(policy(door()));
    for (target, lines, challenges) in [
        ("/events", String::new(), vec![REALM, BASIC]),
        ("/api/rooms", bearer(WRONG), vec![INVALID, BASIC]),
        ("/page", basic("ann", "wrong horse"), vec![INVALID, BASIC]),
        ("/api/rooms", bearer(DEVICE), vec![]),
        ("/api/rooms", format!("{}X-API-Key: a\r\n", bearer(DEVICE)), vec![]),
    ] {
        let told = core.get(target, &lines);
        assert_eq!(told.fields("WWW-Authenticate"), challenges, "{target} {lines}");
        assert_eq!(told.status == 401, !challenges.is_empty(), "{target} {lines}");
    }
    assert_eq!(core.upgrade("/", "").fields("WWW-Authenticate"), [REALM], "no browser asks there");
    let keys: Option<Box<[Arc<str>]>> = Some(Box::new([Arc::from("devices")]));
    let mut core = Core::of(policy(Door { keys, ..door() }));
    assert_eq!(core.get("/events", "").fields("WWW-Authenticate"), [REALM], "no password counts");
}

#[test]
fn a_door_may_refuse_with_403() {
    let mut core = Core::of(policy(Door { refusing: Refusing::Forbidden, ..door() }));
    for (lines, code) in [
        (String::new(), "credentials-missing"),
        (bearer(WRONG), "credentials-invalid"),
        (bearer(&token_until("", 1_600_000_000)), "credentials-expired"),
    ] {
        for told in [core.get("/events", &lines), core.upgrade("/", &lines)] {
            assert_eq!(told.verdict(), (403, code.to_owned()), "{lines}");
            assert!(told.fields("WWW-Authenticate").is_empty());
        }
    }
    let twice = format!("{}X-API-Key: a\r\n", bearer(WRONG));
    assert_eq!(core.get("/events", &twice).status, 400);
}

#[test]
fn who_forgets_the_scheme_is_told_so_and_only_tokens_have_a_key_to_ask() {
    let mut core = Core::of(policy(door()));
    for value in [WRONG, DEVICE, "Token canary", "Bearer:canary"] {
        let told = core.get("/events", &format!("Authorization: {value}\r\n"));
        assert_eq!(told.verdict(), (401, "credentials-invalid".to_owned()), "{value}");
        assert!(told.body.contains("write Authorization: Bearer CREDENTIAL"), "{}", told.body);
        assert!(!told.body.contains(value) && !told.body.contains("canary"), "{}", told.body);
    }
    let asks = |told: &str| told.contains("tidegate token verify");
    assert!(asks(&core.get("/events", &bearer(WRONG)).body));
    let basic = core.get("/events", "Authorization: Basic b3BzOndyb25n\r\n");
    assert_eq!(basic.code(), "credentials-invalid");
    assert!(!asks(&basic.body), "{}", basic.body);
    let ticket = core.get("/events?ticket=canary", "");
    assert_eq!(ticket.code(), "credentials-invalid");
    assert!(!asks(&ticket.body), "{}", ticket.body);
}

/// Only who has a key's word for it is told more than that it is not good.
#[test]
fn a_stranger_learns_nothing_and_an_owner_learns_why() {
    let mut core = Core::of(policy(door()));
    let forged = |token: &str| {
        let (message, _) = token.rsplit_once('.').unwrap();
        format!("{message}.{}", "A".repeat(43))
    };
    let invalid = core.get("/events", &bearer(WRONG));
    for credential in [
        String::new(),
        DEVICE.to_uppercase(),
        forged(&token("")),
        forged(&token_until("", 1_600_000_000)),
        token("\"crit\":1").replacen('.', "..", 1),
        "x".repeat(5000),
        "a.b.c".to_owned(),
    ] {
        let told = core.get("/events", &bearer(&format!("{credential}!")));
        assert_eq!((told.status, &told.body), (401, &invalid.body), "{credential}");
        let told = core.get("/events", &bearer(&credential));
        let expected = if credential.is_empty() { "credentials-missing" } else { &invalid.code() };
        assert_eq!(told.code(), expected, "{credential}");
    }
    let told = core.get("/events", &basic("ann", "wrong horse"));
    let nobody = core.get("/events", &basic("nobody", "wrong horse"));
    assert_eq!((told.code(), &told.body), (invalid.code(), &nobody.body), "whoever it is");
    let expired = bearer(&token_until("", 1_700_000_000));
    assert_eq!(core.get("/events", &expired).verdict(), (401, "credentials-expired".to_owned()));
    let early = bearer(&token("\"nbf\":1700000031"));
    let early = core.get("/events", &early);
    assert_eq!(early.verdict(), (401, "credentials-not-yet-valid".to_owned()));
}

/// B07: what a request says is in no answer to it.
#[test]
fn nothing_of_the_request_is_in_a_refusal() {
    let mut core = Core::of(policy(door()));
    let canary = "canary-in-the-mine-1234";
    for told in [
        core.get(&format!("/{canary}?{canary}=1"), ""),
        core.get(&format!("/events?room={canary}"), &bearer(canary)),
        core.get("/events", &format!("X-API-Key: {canary}\r\n")),
        core.get("/events", &format!("{}X-API-Key: {canary}\r\n", bearer(canary))),
        core.upgrade(&format!("/{canary}?ticket={canary}"), ""),
        core.upgrade(&format!("/?connectionId={canary}"), &basic(canary, canary)),
        core.upgrade("/", &format!("Sec-WebSocket-Protocol: tidegate.bearer.{canary}\r\n")),
        core.get("/events", &format!("Cookie: session={canary}; {canary}=a\r\n")),
        core.upgrade("/", &format!("{}User-Agent: {canary}\r\n", bearer(MANAGER))),
    ] {
        assert!((400..500).contains(&told.status));
        assert!(!told.head.contains("canary") && !told.body.contains("canary"), "{told:?}");
    }
}

#[test]
fn what_came_of_credentials_is_counted_and_by_which_ways() {
    let mut core = Core::of(policy(door()));
    core.get("/events", "");
    core.get("/events", &bearer(WRONG));
    core.get("/events", &bearer(&token_until("", 1)));
    core.get("/events", &bearer(&token("\"nbf\":1800000000")));
    core.get("/events", &format!("{}X-API-Key: a\r\n", bearer(WRONG)));
    core.get("/api/rooms", &bearer(DEVICE));
    core.get("/api/rooms", &bearer(MANAGER));
    core.upgrade("/", &format!("X-API-Key: {DEVICE}\r\n"));
    core.upgrade("/", &basic("ann", "correct horse"));
    let text = core.get("/metrics", &bearer(MANAGER)).body;
    for line in [
        "tidegate_credentials_total{outcome=\"accepted\"} 4",
        "tidegate_credentials_total{outcome=\"missing\"} 1",
        "tidegate_credentials_total{outcome=\"invalid\"} 1",
        "tidegate_credentials_total{outcome=\"expired\"} 1",
        "tidegate_credentials_total{outcome=\"not_yet\"} 1",
        "tidegate_credentials_total{outcome=\"revoked\"} 0",
        "tidegate_credentials_total{outcome=\"several\"} 1",
        "tidegate_credentials_total{outcome=\"not_allowed\"} 1",
        "tidegate_credentials_total{outcome=\"throttled\"} 0",
        "tidegate_credentials_total{outcome=\"unavailable\"} 0",
        "tidegate_admitted_total{way=\"bearer\"} 2",
        "tidegate_admitted_total{way=\"basic\"} 1",
        "tidegate_admitted_total{way=\"header\"} 1",
        "tidegate_admitted_total{way=\"ticket\"} 0",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}\n{text}");
    }
    assert!(!text.contains("devices") && !text.contains(DEVICE));
}

#[test]
fn metrics_may_be_for_everybody() {
    let access = Access { keyring: keyring(), open_metrics: true, ..Access::default() };
    let mut core = Core::of(Policy { access: Arc::new(access), ..Policy::default() });
    assert_eq!(core.get("/metrics", "").status, 200);
    assert_eq!(core.get("/api/rooms", "").status, 401);
    let post = "POST /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    assert_eq!(core.asked(HTTP, post).status, 405);
}
