//! Static keys and passwords.

use super::*;
use crate::auth::Refused;

const KEY: &[u8] = b"a-static-key-of-some-length";

fn ring() -> Keyring {
    let mut ring = Keyring::default();
    ring.add_static("devices", &secret(KEY), Rights::usual());
    ring.add_static("others", &secret(b"another.static.key-of-some-length"), Rights::usual());
    ring.add_password("ops", "ops", &secret(b"password"), Rights::usual());
    ring
}

fn basic(ring: &Keyring, user: &str, password: &str) -> Result<Grant, Why> {
    ring.examine(Presented::Basic { user, password }, &Door::default(), NOW_MS)
}

#[test]
fn a_static_key_is_itself_and_nothing_near_it() {
    let ring = ring();
    let grant = examine(&ring, str::from_utf8(KEY).unwrap()).unwrap();
    assert_eq!((&**grant.key(), grant.subject()), ("devices", Some("devices")));
    assert_eq!((grant.expires_ms(), grant.token_id(), grant.issued_ms()), (None, None, None));
    assert_eq!(&**examine(&ring, "another.static.key-of-some-length").unwrap().key(), "others");
    let text = str::from_utf8(KEY).unwrap();
    for end in 0..text.len() {
        assert_eq!(examine(&ring, &text[..end]), Err(Why::Unknown));
        assert_eq!(examine(&ring, &text[end + 1..]), Err(Why::Unknown));
        let mut other = text.to_owned().into_bytes();
        other[end] ^= 1;
        assert_eq!(examine(&ring, str::from_utf8(&other).unwrap()), Err(Why::Unknown));
    }
    for near in [format!("{text} "), format!(" {text}"), text.to_uppercase(), text.repeat(2)] {
        assert_eq!(examine(&ring, &near), Err(Why::Unknown), "{near}");
    }
    assert_eq!(basic(&ring, "devices", text), Err(Why::Unknown), "a static key is no password");
    assert_eq!(examine(&ring, "password"), Err(Why::Unknown), "nor the reverse");
}

#[test]
fn a_password_is_of_its_user_alone() {
    let ring = ring();
    let grant = basic(&ring, "ops", "password").unwrap();
    assert_eq!((&**grant.key(), grant.subject()), ("ops", Some("ops")));
    for (user, password) in [
        ("", "opspassword"),
        ("opspassword", ""),
        ("op", "spassword"),
        ("opsp", "assword"),
        ("Ops", "password"),
        ("ops", "Password"),
        ("ops", ""),
        ("", ""),
        ("ops", "password\0"),
        ("ops\0", "password"),
        ("ops", "ops:password"),
        ("ops:password", "password"),
    ] {
        assert_eq!(basic(&ring, user, password), Err(Why::Unknown), "{user} {password}");
    }
    assert_eq!(basic(&ring, "ops", &"x".repeat(4094)), Err(Why::TooLong));
}

/// Whatever separators are in names and secrets, one pair never passes for another: what is
/// compared is no joined text.
#[test]
fn no_two_pairs_have_the_same_digest() {
    let parts = ["", "a", ":", "a:", ":a", "a:a", "\0", "a\0", "\0a", "::", "\u{1}", "a\0\0"];
    for user in parts {
        for password in parts {
            let mut ring = Keyring::default();
            ring.add_password("key", user, &secret(password.as_bytes()), Rights::usual());
            for other_user in parts {
                for other in parts {
                    let is_same = (user, password) == (other_user, other);
                    let is_in = basic(&ring, other_user, other).is_ok();
                    assert_eq!(is_in, is_same, "{user:?} {password:?} {other_user:?} {other:?}");
                }
            }
        }
    }
}

#[test]
fn the_subject_of_a_static_key_is_its_name() {
    let own = || Rights {
        connection_id: crate::auth::Globs::new(vec![crate::auth::Glob::parse("{sub}").unwrap()]),
        ..Rights::usual()
    };
    let mut ring = Keyring::default();
    ring.add_static("sensor*", &secret(KEY), own());
    ring.add_password("ops", "olga", &secret(b"password"), own());
    let grant = examine(&ring, str::from_utf8(KEY).unwrap()).unwrap();
    assert_eq!(grant.own_name(), Some("sensor*"));
    assert!(!grant.may_be_called("sensor1"));
    assert_eq!(basic(&ring, "olga", "password").unwrap().own_name(), Some("olga"));
}

#[test]
fn a_key_has_a_print_that_another_of_its_name_has_not() {
    let with = |key: &[u8]| {
        let mut ring = Keyring::default();
        ring.add_static("devices", &secret(key), Rights::default());
        ring
    };
    let grant = examine(&ring(), str::from_utf8(KEY).unwrap()).unwrap();
    assert!(ring().has_given(&grant));
    assert!(!with(KEY).has_given(&grant), "with other rights it is another key");
    assert!(!with(b"a-new-static-key-of-some-length").has_given(&grant));
    assert!(!Keyring::default().has_given(&grant));
    let mut other = Keyring::default();
    other.add_static("gadgets", &secret(KEY), Rights::usual());
    assert!(!other.has_given(&grant), "another name");
}

/// Whoever reads a log could try passwords by it, as fast as they can be digested.
#[test]
fn nothing_shows_the_print_of_a_key() {
    let ring = ring();
    for grant in [
        basic(&ring, "ops", "password").unwrap(),
        examine(&ring, str::from_utf8(KEY).unwrap()).unwrap(),
    ] {
        let print = grant.key_print();
        for shown in [format!("{grant:?} {ring:?}"), format!("{grant:#x?} {ring:#x?}")] {
            assert!(!shown.contains(&print.to_string()), "{shown}");
            assert!(!shown.contains(&format!("{print:x}")), "{shown}");
        }
    }
}

/// A set to which a key is added, or from which another goes, has still given what it gave.
#[test]
fn each_key_of_a_set_has_a_print_of_its_own() {
    let key = |id: &str, byte: u8| {
        let k = base64([byte; 32]);
        format!(r#"{{"kty":"oct","alg":"HS256","kid":"{id}","k":"{k}"}}"#)
    };
    let set = |keys: &[String]| {
        let (mut ring, json) = (Keyring::default(), format!(r#"{{"keys":[{}]}}"#, keys.join(",")));
        ring.add_jwks("set", None, Expected::default(), json.as_bytes(), Rights::usual()).unwrap();
        ring
    };
    let mint = Mint::of_secret(Algorithm::HS256, &secret(&[1; 32])).unwrap();
    let token = mint.sign(r#"{"alg":"HS256","kid":"1"}"#, &claims("")).unwrap();
    let grant = examine(&set(&[key("1", 1)]), &token).unwrap();
    assert!(set(&[key("2", 2), key("1", 1)]).has_given(&grant));
    assert!(!set(&[key("2", 2)]).has_given(&grant));
    assert!(!set(&[key("1", 2)]).has_given(&grant));
}

#[test]
fn a_stranger_is_told_one_thing_whatever_is_wrong() {
    let all = [
        Why::TooLong,
        Why::Unknown,
        Why::Header,
        Why::NoKey,
        Why::Signature,
        Why::Claims,
        Why::NoEnd,
        Why::Milliseconds("exp"),
        Why::NoDate("exp"),
        Why::Issuer,
        Why::Audience,
    ];
    assert!(all.iter().all(|why| why.refused() == Refused::Invalid));
    assert_eq!(Why::Expired.refused(), Refused::Expired);
    assert_eq!(Why::NotYet.refused(), Refused::NotYet);
    let presented = Presented::Bearer("nobody's");
    assert_eq!(ring().verify(presented, &Door::default(), NOW_MS), Err(Refused::Invalid));
}
