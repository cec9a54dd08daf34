//! Credentials: what strangers send, and what somebody signed who may be anybody's customer.
//!
//! Knows: the first byte says whether the rest is a credential, or a header and, on the next line,
//! claims that are signed here.
//! Must not know: HTTP.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use std::sync::LazyLock;
use tidegate::auth::{
    Algorithm, Door, Expected, Glob, Grant, Keyring, Mint, Presented, Rights, Secret, TokenId,
    claims_of,
};

const SECRET: &[u8] = b"a secret that everybody may know: 0123456789";
const NOW: f64 = 1_800_000_000.0;
const FORBIDDEN: [&str; 6] = ["crit", "jku", "jwk", "x5u", "x5c", "b64"];

static MINT: LazyLock<Mint> = LazyLock::new(|| {
    Mint::of_secret(Algorithm::HS256, &Secret::new(SECRET.to_vec())).expect("a good secret")
});

static RING: LazyLock<Keyring> = LazyLock::new(|| {
    let mut ring = Keyring::default();
    ring.add_static("static", &Secret::new(SECRET.to_vec()), Rights::usual());
    ring.add_password("basic", "user", &Secret::new(SECRET.to_vec()), Rights::usual());
    let (secret, expected) = (Secret::new(SECRET.to_vec()), Expected::default());
    let names = vec![Glob::parse("{sub}-*").expect("a pattern")];
    let rights = Rights { connection_id: tidegate::auth::Globs::new(names), ..Rights::usual() };
    let added = ring.add_hmac("key", Algorithm::HS256, Some("1"), expected, &secret, rights);
    added.expect("a good key");
    ring
});

fn verify(credential: &str) -> Option<Grant> {
    let presented = Presented::Bearer(credential);
    RING.verify(presented, &Door::default(), NOW as u64 * 1000).ok()
}

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    let Ok(text) = str::from_utf8(data) else { return };
    match text.strip_prefix('s') {
        Some(text) => signed(text.split_once('\n').unwrap_or((r#"{"alg":"HS256"}"#, text))),
        None => raw(text),
    }
}

/// Nobody who does not know the secret is let in.
fn raw(text: &str) {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    let presented = Presented::Basic { user, password };
    let is_in = RING.verify(presented, &Door::default(), 0).is_ok();
    assert_eq!(is_in, user == "user" && password.as_bytes() == SECRET);
    if text.as_bytes() == SECRET {
        return assert!(verify(text).is_some());
    }
    let Some(grant) = verify(text) else { return };
    // Of the tokens that are good, only those are known that were made here.
    let claims = claims_of(text).expect("a token");
    let (message, _) = text.rsplit_once('.').expect("a token");
    let (header, _) = message.split_once('.').expect("a token");
    let header = URL_SAFE_NO_PAD.decode(header).expect("a token");
    let [header, claims] = [header, claims].map(|it| String::from_utf8(it).expect("JSON"));
    assert_eq!(MINT.sign(&header, &claims).as_deref(), Some(text));
    check(&header, &claims, &grant);
}

/// What was signed is taken by the rules, or not at all.
fn signed((header, claims): (&str, &str)) {
    let token = MINT.sign(header, claims).expect("it signs");
    if let Some(grant) = verify(&token) {
        assert!(token.len() <= 4096);
        check(header, claims, &grant);
    }
}

fn check(header: &str, claims: &str, grant: &Grant) {
    let header: Value = serde_json::from_str(header).expect("its header was read");
    let claims: Value = serde_json::from_str(claims).expect("its claims were read");
    assert_eq!(header["alg"], "HS256");
    assert!(header.get("kid").is_none_or(|kid| kid == "1"));
    assert!(FORBIDDEN.iter().all(|name| header.get(name).is_none()));
    let date = |name: &str| claims.get(name).map(|date| date.as_f64().expect("a number"));
    assert!(date("exp").is_some_and(|exp| exp > NOW && exp < 9_007_199_254_740_992.0));
    for name in ["nbf", "iat"] {
        assert!(date(name).is_none_or(|date| (0.0..=NOW + 30.0).contains(&date)));
    }
    let sub = claims.get("sub").map(|sub| sub.as_str().expect("a string"));
    assert_eq!(grant.subject(), sub);
    let id = claims.get("jti").map(|jti| TokenId::of(jti.as_str().expect("a string")));
    assert_eq!(grant.token_id(), id);
    assert!(!grant.may_manage(), "the key may not");
    let ours = claims.get("tidegate").map(|ours| ours.as_object().expect("an object"));
    let connects = ours.is_none_or(|ours| ours.get("connect") == Some(&Value::Bool(true)));
    assert_eq!(grant.may_connect(), connects);
    if let Some(name) = grant.own_name() {
        assert!(grant.may_be_called(name));
    }
    let own = format!("{}-", sub.unwrap_or_default());
    for name in ["a", "*-", "{sub}-", "", &own] {
        if grant.may_be_called(name) {
            assert!(sub.is_some() && name.starts_with(&own), "{name}");
        }
    }
}
