//! Which key a token means.

use super::*;

/// A ring of HMAC keys: name, id, issuer, secret.
fn ring_of(keys: &[(&str, Option<&str>, Option<&str>, u8)]) -> Keyring {
    let mut ring = Keyring::default();
    for (name, id, issuer, byte) in keys {
        let expected = Expected { issuer: issuer.map(Box::from), audience: None };
        let key = secret(&[*byte; 32]);
        ring.add_hmac(name, Algorithm::HS256, *id, expected, &key, Rights::usual()).unwrap();
    }
    ring
}

/// A token that `byte` signed, with these members in its header and in its claims.
fn token(byte: u8, in_header: &str, in_claims: &str) -> String {
    let mint = Mint::of_secret(Algorithm::HS256, &secret(&[byte; 32])).unwrap();
    mint.sign(&format!(r#"{{"alg":"HS256"{in_header}}}"#), &claims(in_claims)).unwrap()
}

/// The name of the key that vouches for it.
fn who(ring: &Keyring, token: &str) -> Result<String, Why> {
    examine(ring, token).map(|grant| grant.key().to_string())
}

#[test]
fn a_token_with_an_id_means_the_key_with_that_id_alone() {
    let ring =
        ring_of(&[("a", Some("1"), None, 1), ("b", Some("2"), None, 2), ("c", None, None, 3)]);
    assert_eq!(who(&ring, &token(1, r#","kid":"1""#, "")).unwrap(), "a");
    assert_eq!(who(&ring, &token(2, r#","kid":"2""#, "")).unwrap(), "b");
    assert_eq!(who(&ring, &token(2, r#","kid":"1""#, "")), Err(Why::Signature));
    assert_eq!(who(&ring, &token(3, r#","kid":"1""#, "")), Err(Why::Signature));
    assert_eq!(who(&ring, &token(3, "", "")).unwrap(), "c");
    assert_eq!(who(&ring, &token(1, "", "")), Err(Why::Signature), "a has an id");
}

#[test]
fn a_token_without_an_id_is_of_the_only_key_that_there_is() {
    let one = ring_of(&[("a", Some("1"), None, 1)]);
    assert_eq!(who(&one, &token(1, "", "")).unwrap(), "a");
    let two = ring_of(&[("a", Some("1"), None, 1), ("b", Some("2"), None, 2)]);
    assert_eq!(who(&two, &token(1, "", "")), Err(Why::NoKey));
    let door = Door { keys: Some(Box::new(["a".into()])), ..Door::default() };
    let at_door = two.examine(Presented::Bearer(&token(1, "", "")), &door, NOW_MS);
    assert_eq!(&**at_door.unwrap().key(), "a", "the only one of this door");
}

#[test]
fn an_odd_id_means_no_key() {
    let ring = ring_of(&[("a", Some("1"), None, 1)]);
    let none = ring_of(&[("a", None, None, 1)]);
    for (id, why) in [
        ("", Why::NoKey),
        ("2", Why::NoKey),
        ("1 ", Why::NoKey),
        ("../../etc/passwd", Why::NoKey),
        (r"1\u0000", Why::NoKey),
        (r"\u0000", Why::NoKey),
        (r#"1\" or \"1\"=\"1"#, Why::NoKey),
        ("' union select 'key", Why::NoKey),
        (&"1".repeat(64), Why::NoKey),
        (&"1".repeat(65), Why::Header),
        (&"k".repeat(2500), Why::Header),
        (&"k".repeat(10 * 1024), Why::TooLong),
    ] {
        let token = token(1, &format!(r#","kid":"{id}""#), "");
        assert_eq!(who(&ring, &token), Err(why), "{id}");
        assert_eq!(who(&none, &token), Err(why), "{id}, of a key without one");
    }
    let twice = token(1, r#","kid":"1","kid":"1""#, "");
    assert_eq!(who(&ring, &twice), Err(Why::Header));
}

#[test]
fn one_id_of_two_issuers_is_two_keys() {
    let (one, other) = (Some("https://one"), Some("https://other"));
    let ring = ring_of(&[("a", Some("1"), one, 1), ("b", Some("1"), other, 2)]);
    let by = |byte, issuer: &str| {
        who(&ring, &token(byte, r#","kid":"1""#, &format!(r#""iss":"{issuer}""#)))
    };
    assert_eq!(by(1, "https://one").unwrap(), "a");
    assert_eq!(by(2, "https://other").unwrap(), "b");
    assert_eq!(by(1, "https://other"), Err(Why::Issuer), "a signs in the name of b's issuer");
    assert_eq!(by(2, "https://one"), Err(Why::Issuer));
    assert_eq!(by(3, "https://one"), Err(Why::Signature));
    // Even with one secret for both, each answers for its own issuer.
    let ring = ring_of(&[("a", None, one, 1), ("b", None, other, 1)]);
    assert_eq!(who(&ring, &token(1, "", r#""iss":"https://other""#)).unwrap(), "b");
}

#[test]
fn a_key_that_a_door_does_not_take_vouches_for_nobody_there() {
    let ring = ring_of(&[("a", Some("1"), None, 1), ("b", Some("2"), None, 2)]);
    let door = Door { keys: Some(Box::new(["b".into()])), ..Door::default() };
    let at_door = |token: &str| ring.examine(Presented::Bearer(token), &door, NOW_MS);
    assert_eq!(at_door(&token(1, r#","kid":"1""#, "")), Err(Why::NoKey));
    assert!(at_door(&token(2, r#","kid":"2""#, "")).is_ok());
}
