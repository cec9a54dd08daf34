//! Times, and what else a token says of itself.

use super::*;
use crate::auth::{Refused, TokenId};

fn with(claims: &str) -> Result<Grant, Why> {
    let token = mint(Algorithm::HS256).sign(&header(Algorithm::HS256), claims).unwrap();
    examine(&ring(Algorithm::HS256), &token)
}

#[test]
fn a_token_ends_when_it_says_and_no_millisecond_later() {
    let at = |unix_ms: u64| {
        let token = mint(Algorithm::HS256).sign(r#"{"alg":"HS256"}"#, r#"{"exp":1000}"#).unwrap();
        ring(Algorithm::HS256).examine(Presented::Bearer(&token), &Door::default(), unix_ms)
    };
    assert_eq!(at(999_999).unwrap().expires_ms(), Some(1_000_000));
    assert_eq!(at(1_000_000), Err(Why::Expired));
    assert_eq!(at(1_000_001), Err(Why::Expired));
    assert_eq!(at(u64::MAX), Err(Why::Expired));
    let grant = at(0).unwrap();
    assert!(!grant.is_over(999_999) && grant.is_over(1_000_000));
    let half = with(&format!(r#"{{"exp":{}.75}}"#, NOW)).unwrap();
    assert_eq!(half.expires_ms(), Some(NOW * 1000 + 750));
    assert_eq!(with(&format!(r#"{{"exp":{}.5}}"#, NOW)), Err(Why::Expired), "now");
}

#[test]
fn a_date_that_is_none_makes_a_token_invalid() {
    let odd = [
        "null",
        "true",
        "\"\"",
        "[]",
        "{}",
        "-1",
        "-0.5",
        "-1e300",
        "1e300",
        "1e16",
        "9007199254740992",
        "18446744073709551615",
        "18446744073709551616",
        "[1900000000]",
        "\"1900000000\"",
    ];
    for name in ["exp", "nbf", "iat"] {
        for value in odd {
            let more = format!(r#""{name}":{value}"#);
            let json = if name == "exp" { format!("{{{more}}}") } else { claims(&more) };
            assert_eq!(with(&json).map_err(Why::refused), Err(Refused::Invalid), "{json}");
        }
    }
    for json in ["{}", r#"{"exp":NaN}"#, r#"{"exp":1e999}"#, r#"{"EXP":1900000000}"#, "[]", ""] {
        assert_eq!(with(json).map_err(Why::refused), Err(Refused::Invalid), "{json}");
    }
    for (value, verdict) in [
        ("99999999999", Ok(())),
        ("99999999999.75", Ok(())),
        ("1.9e9", Ok(())),
        ("1900000000.25", Ok(())),
        ("0", Err(Why::Expired)),
        ("0.0", Err(Why::Expired)),
        ("1e-300", Err(Why::Expired)),
    ] {
        assert_eq!(with(&format!(r#"{{"exp":{value}}}"#)).map(|_| ()), verdict, "{value}");
    }
}

#[test]
fn who_counts_in_milliseconds_is_told_so() {
    for name in ["exp", "nbf", "iat"] {
        for value in ["100000000000", "100000000000.5", "1e11", "1900000000000"] {
            let more = format!(r#""{name}":{value}"#);
            let json = if name == "exp" { format!("{{{more}}}") } else { claims(&more) };
            assert_eq!(with(&json), Err(Why::Milliseconds(name)), "{json}");
        }
    }
    let why = with(r#"{"exp":1900000000000}"#).unwrap_err().to_string();
    assert_eq!(why, "its \"exp\" is in milliseconds; it takes seconds");
    assert_eq!(with("{}"), Err(Why::NoEnd));
    assert_eq!(with(r#"{"exp":"1900000000"}"#), Err(Why::NoDate("exp")));
    assert_eq!(with(&claims(r#""nbf":-1"#)), Err(Why::NoDate("nbf")));
    assert_eq!(with(&claims(r#""iat":null"#)), Err(Why::NoDate("iat")));
}

#[test]
fn a_clock_may_be_half_a_minute_early() {
    for name in ["nbf", "iat"] {
        for (second, verdict) in [
            (NOW - 1_000_000, Ok(())),
            (NOW, Ok(())),
            (NOW + 30, Ok(())),
            (NOW + 31, Err(Why::NotYet)),
            (99_999_999_999, Err(Why::NotYet)),
        ] {
            let verdict_is = with(&claims(&format!(r#""{name}":{second}"#))).map(|_| ());
            assert_eq!(verdict_is, verdict, "{name} {second}");
        }
    }
    let both = with(&format!(r#"{{"exp":1,"nbf":{}}}"#, NOW + 100));
    assert_eq!(both, Err(Why::Expired), "it will never be good again");
}

/// Whoever has no good signature learns nothing of times.
#[test]
fn that_a_token_is_over_is_told_only_if_it_was_ever_good() {
    let expired = mint(Algorithm::HS256).sign(r#"{"alg":"HS256"}"#, r#"{"exp":1}"#).unwrap();
    let ring = ring(Algorithm::HS256);
    assert_eq!(examine(&ring, &expired), Err(Why::Expired));
    let forged = format!("{}A", &expired[..expired.len() - 1]);
    assert_ne!(forged, expired);
    assert_eq!(examine(&ring, &forged), Err(Why::Signature));
    let expected = Expected { issuer: Some("me".into()), audience: None };
    let ring = ring_with(Algorithm::HS256, None, expected, Rights::usual());
    assert_eq!(examine(&ring, &expired), Err(Why::Issuer), "somebody else's is none");
}

#[test]
fn issuer_and_audience_are_as_the_key_wants_them() {
    let expected =
        Expected { issuer: Some("https://id".into()), audience: Some("tidegate".into()) };
    let ring = ring_with(Algorithm::HS256, None, expected, Rights::usual());
    for (members, verdict) in [
        (r#""iss":"https://id","aud":"tidegate""#, Ok(())),
        (r#""iss":"https://id","aud":["other","tidegate"]"#, Ok(())),
        (r#""aud":"tidegate""#, Err(Why::Issuer)),
        (r#""iss":"https://id/","aud":"tidegate""#, Err(Why::Issuer)),
        (r#""iss":"HTTPS://ID","aud":"tidegate""#, Err(Why::Issuer)),
        (r#""iss":"https://id""#, Err(Why::Audience)),
        (r#""iss":"https://id","aud":[]"#, Err(Why::Audience)),
        (r#""iss":"https://id","aud":"tidegate2""#, Err(Why::Audience)),
        (r#""iss":"https://id","aud":["tide","gate"]"#, Err(Why::Audience)),
        (r#""iss":"https://id","aud":null"#, Err(Why::Claims)),
        (r#""iss":"https://id","aud":[1]"#, Err(Why::Claims)),
        (r#""iss":["https://id"],"aud":"tidegate""#, Err(Why::Claims)),
        (r#""iss":"https://id","iss":"https://id","aud":"tidegate""#, Err(Why::Claims)),
    ] {
        assert_eq!(examine(&ring, &signed("", members)).map(|_| ()), verdict, "{members}");
    }
    assert!(with(&claims(r#""iss":"anybody","aud":"anybody""#)).is_ok(), "nobody asks");
}

#[test]
fn a_subject_is_a_name() {
    let of = |sub: &str| with(&claims(&format!(r#""sub":{sub}"#)));
    for sub in ["null", "1", "\"\"", r#""a\u0000b""#, r#""a\nb""#, r#"["a"]"#, r#"{"a":1}"#] {
        assert_eq!(of(sub), Err(Why::Claims), "{sub}");
    }
    assert_eq!(of(&format!("\"{}\"", "a".repeat(256))), Err(Why::Claims));
    assert!(of(&format!("\"{}\"", "a".repeat(255))).is_ok());
    assert_eq!(of(r#""a\u002eb""#).unwrap().subject(), Some("a.b"));
    assert_eq!(with(&claims("")).unwrap().subject(), None);
}

#[test]
fn a_grant_remembers_which_token_it_was_and_when() {
    let grant = with(&claims(r#""jti":"7","iat":1700000000.9,"sub":"anna""#)).unwrap();
    assert_eq!(grant.token_id(), Some(TokenId::of("7")));
    assert_ne!(grant.token_id(), Some(TokenId::of("8")));
    assert_eq!(grant.issued_ms(), Some(1_700_000_000_000), "the second before");
    let grant = with(&claims("")).unwrap();
    assert_eq!((grant.token_id(), grant.issued_ms()), (None, None));
    let early = with(&claims(&format!(r#""iat":{}"#, NOW + 20))).unwrap();
    assert_eq!(early.issued_ms(), Some(NOW * 1000), "no later than now: it can be revoked");
    assert_eq!(with(&claims(r#""jti":7"#)), Err(Why::Claims));
}

#[test]
fn claims_that_can_be_read_in_two_ways_are_not_taken() {
    for more in [
        r#""exp":1900000000"#,
        r#""\u0065xp":1900000000"#,
        r#""sub":"a","sub":"a""#,
        r#""a":1,"a":1"#,
        r#""a":[{"b":{"c":1,"c":2}}]"#,
        r#""tidegate":{"connect":true,"connect":true}"#,
        r#""tidegate":{},"tidegate":{}"#,
    ] {
        assert_eq!(with(&claims(more)), Err(Why::Claims), "{more}");
    }
    assert!(with(&claims(r#""a":{"b":1},"b":[1,{"a":null}],"c":1.5,"d":-1,"e":true"#)).is_ok());
}
