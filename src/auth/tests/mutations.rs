//! What is near a good token is no token.

use super::*;
use proptest::prelude::*;

/// Good tokens, one for each kind of key, with the rings that take them.
static GOOD: LazyLock<Vec<(Keyring, String)>> = LazyLock::new(|| {
    let algorithms = [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
    let good = |algorithm: Algorithm| {
        let claims = claims(r#""sub":"anna","tidegate":{"connect":true}"#);
        (ring(algorithm), mint(algorithm).sign(&header(algorithm), &claims).unwrap())
    };
    algorithms.map(good).into()
});

#[test]
fn no_byte_of_a_token_can_be_another() {
    for (ring, token) in GOOD.iter() {
        assert!(examine(ring, token).is_ok());
        for place in 0..token.len() {
            for bit in 0..7 {
                let mut bytes = token.clone().into_bytes();
                bytes[place] ^= 1 << bit;
                let other = String::from_utf8(bytes).unwrap();
                assert!(examine(ring, &other).is_err(), "{place} {bit}");
            }
            assert!(examine(ring, &token[..place]).is_err(), "cut at {place}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_mutation_of_a_token_is_good(
        which in 0..4usize,
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0..4u8, "[A-Za-z0-9._=-]"), 1..6),
    ) {
        let (ring, token) = &GOOD[which];
        let mut bytes = token.clone().into_bytes();
        for (place, edit, byte) in edits {
            let byte = byte.as_bytes()[0];
            if bytes.is_empty() {
                break;
            }
            let place = place.index(bytes.len());
            match edit {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                2 => _ = bytes.remove(place),
                _ => bytes.truncate(place),
            }
        }
        let other = String::from_utf8(bytes).unwrap();
        prop_assert!(other == *token || examine(ring, &other).is_err(), "{}", other);
    }

    #[test]
    fn whatever_is_signed_is_read_or_refused_without_a_panic(
        header in ".{0,200}",
        claims in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let message = format!("{}.{}", base64(&header), base64(&claims));
        let key = jsonwebtoken::EncodingKey::from_secret(SECRET);
        let of_library = jsonwebtoken::Algorithm::HS256;
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, of_library).unwrap();
        let verdict = examine(&ring(Algorithm::HS256), &format!("{message}.{signature}"));
        prop_assert!(verdict.is_err());
        let good = mint(Algorithm::HS256).sign(r#"{"alg":"HS256"}"#, &String::from_utf8_lossy(&claims));
        prop_assert_eq!(examine(&ring(Algorithm::HS256), &good.unwrap()), Err(Why::Claims));
    }
}
