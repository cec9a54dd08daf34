//! What is taken for a key, and what its owner is told of what is not.

use super::*;
use crate::auth::BadKey;

fn public(algorithm: Algorithm, pem: &str) -> Result<(), BadKey> {
    let (expected, rights) = (Expected::default(), Rights::usual());
    Keyring::default().add_public("key", algorithm, None, expected, pem.as_bytes(), rights)
}

fn set(json: &str) -> Result<(), BadKey> {
    set_of(None, json)
}

fn set_of(otherwise: Option<Algorithm>, json: &str) -> Result<(), BadKey> {
    let (expected, rights) = (Expected::default(), Rights::usual());
    Keyring::default().add_jwks("key", otherwise, expected, json.as_bytes(), rights)
}

fn shared(algorithm: Algorithm, id: Option<&str>, bytes: &[u8]) -> Result<(), BadKey> {
    let (expected, rights) = (Expected::default(), Rights::usual());
    Keyring::default().add_hmac("key", algorithm, id, expected, &secret(bytes), rights)
}

#[test]
fn a_secret_is_long_and_is_a_secret() {
    assert_eq!(shared(Algorithm::HS256, None, &[1; 32]), Ok(()));
    assert_eq!(shared(Algorithm::HS256, None, &[1; 31]), Err(BadKey::TooShort { bytes_min: 32 }));
    assert_eq!(shared(Algorithm::HS512, None, b""), Err(BadKey::TooShort { bytes_min: 32 }));
    assert_eq!(shared(Algorithm::RS256, None, SECRET), Err(BadKey::TakesPublic(Algorithm::RS256)));
    assert_eq!(shared(Algorithm::HS256, None, RSA.public.as_bytes()), Err(BadKey::PemAsSecret));
    let pem = format!("\n{}", RSA.private);
    assert_eq!(shared(Algorithm::HS256, None, pem.as_bytes()), Err(BadKey::PemAsSecret));
}

#[test]
fn an_id_is_a_short_name() {
    assert_eq!(shared(Algorithm::HS256, Some(&"x".repeat(64)), SECRET), Ok(()));
    for id in ["", &"x".repeat(65), "a\0", "a\n"] {
        assert_eq!(shared(Algorithm::HS256, Some(id), SECRET), Err(BadKey::BadId), "{id:?}");
    }
}

#[test]
fn a_public_key_is_of_the_kind_of_its_algorithm() {
    let pairs = [&*RSA, &*P256, &*P384, &*ED];
    let of = |algorithm: Algorithm| pair_of(algorithm) as *const Pair;
    for algorithm in Algorithm::ALL {
        for pair in pairs {
            let verdict = public(algorithm, &pair.public);
            let expected = match algorithm.kind() {
                Kind::Secret => Err(BadKey::TakesSecret(algorithm)),
                _ if std::ptr::eq(of(algorithm), pair) => Ok(()),
                _ => Err(BadKey::OtherKind(algorithm)),
            };
            assert_eq!(verdict, expected, "{algorithm}");
            if algorithm.kind() != Kind::Secret {
                assert_eq!(public(algorithm, &pair.private), Err(BadKey::Private), "{algorithm}");
            }
        }
    }
}

#[test]
fn a_small_rsa_key_is_not_taken() {
    let number = |bits: usize| {
        let mut bytes = vec![0xff; bits.div_ceil(8)];
        bytes[0] >>= (8 - bits % 8) % 8;
        base64(bytes)
    };
    let key = |bits: usize, e: &str| {
        set(&format!(
            r#"{{"keys":[{{"kty":"RSA","alg":"RS256","n":"{}","e":"{e}"}}]}}"#,
            number(bits)
        ))
    };
    assert_eq!(key(1024, "AQAB"), Err(BadKey::RsaTooSmall { bits: 1024 }));
    assert_eq!(key(2047, "AQAB"), Err(BadKey::RsaTooSmall { bits: 2047 }));
    assert_eq!(key(2048, "AQAB"), Ok(()));
    assert_eq!(key(8193, "AQAB"), Err(BadKey::RsaTooLarge { bits: 8193 }));
    for odd in ["AQ", "Ag", "", "AAAA", "AQABAQAB"] {
        assert_eq!(key(2048, odd), Err(BadKey::Unreadable), "{odd}");
    }
    let small = "-----BEGIN PUBLIC KEY-----\n\
        MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC7R7BhbgcoWkQjQq3EEuJ/nZhP\n\
        -----END PUBLIC KEY-----\n";
    assert_eq!(public(Algorithm::RS256, small), Err(BadKey::Unreadable), "cut off");
}

#[test]
fn a_file_that_is_no_public_key_is_named() {
    let block = |label: &str| pem(label, b"what stands here matters to nobody");
    for (text, why) in [
        (String::new(), BadKey::NotPem),
        ("secret".to_owned(), BadKey::NotPem),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n".to_owned(), BadKey::NotPem),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END RSA PUBLIC KEY-----\n".into(), BadKey::NotPem),
        (block("CERTIFICATE"), BadKey::Certificate),
        (block("EC PRIVATE KEY"), BadKey::Private),
        (block("ENCRYPTED PRIVATE KEY"), BadKey::Private),
        (block("OPENSSH PRIVATE KEY"), BadKey::Private),
        (block("PUBLIC KEY"), BadKey::Unreadable),
        (block("PGP MESSAGE"), BadKey::Unreadable),
        (P256.public.replace("MF", "M*"), BadKey::Unreadable),
        (P256.public.repeat(2), BadKey::SeveralPem),
        (format!("{}{}", P256.public, P256.private), BadKey::SeveralPem),
    ] {
        assert_eq!(public(Algorithm::ES256, &text), Err(why), "{text}");
    }
    assert_eq!(public(Algorithm::ES256, "\u{1}\u{7f}"), Err(BadKey::NotPem));
    let commented = format!("Bag Attributes\n  x: y\n{}\n", P256.public);
    assert_eq!(public(Algorithm::ES256, &commented), Ok(()));
    assert_eq!(public(Algorithm::ES256, &P256.public.replace('\n', "\r\n")), Ok(()));
}

#[test]
fn a_set_is_taken_whole_or_not_at_all() {
    let (x, y) = (
        "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    );
    let point = format!(r#""kty":"EC","crv":"P-256","x":"{x}","y":"{y}""#);
    let keys = |keys: &[String]| set(&format!(r#"{{"keys":[{}]}}"#, keys.join(",")));
    let key = |more: &str| format!("{{{point}{more}}}");
    assert_eq!(keys(&[key("")]), Ok(()), "alone it needs no name");
    assert_eq!(keys(&[key(r#","kid":"1""#), key(r#","kid":"2""#)]), Ok(()));
    assert_eq!(keys(&[key(r#","kid":"1""#), key("")]), Err(BadKey::NoId));
    assert_eq!(keys(&[key(r#","kid":"1""#), key(r#","kid":"1""#)]), Err(BadKey::DuplicateInSet));
    assert_eq!(keys(&[key(r#","d":"AAAA""#)]), Err(BadKey::Private));
    assert_eq!(keys(&[key(r#","alg":"ES384""#)]), Err(BadKey::OtherKind(Algorithm::ES384)));
    assert_eq!(keys(&[key(r#","alg":"HS256""#)]), Err(BadKey::OtherKind(Algorithm::HS256)));
    assert_eq!(keys(&[key(r#","x":"AAAA""#)]), Err(BadKey::NotASet), "a member twice");
    assert_eq!(keys(&[key(&format!(r#","kid":"{}""#, "x".repeat(65)))]), Err(BadKey::BadId));
    // What is for something else is passed over.
    let others = [
        key(r#","use":"enc""#),
        key(r#","key_ops":["deriveKey"]"#),
        key(r#","alg":"ECDH-ES""#),
        r#"{"kty":"new","what":{}}"#.to_owned(),
        r#"{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}"#.to_owned(),
    ];
    assert_eq!(keys(&others), Err(BadKey::EmptySet));
    assert_eq!(keys(&[&others[..], &[key("")]].concat()), Ok(()));
    for json in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[1]}"#, r#"{"keys":[],"keys":[]}"#] {
        assert_eq!(set(json), Err(BadKey::NotASet), "{json}");
    }
    assert_eq!(set(r#"{"keys":[]}"#), Err(BadKey::EmptySet));
    for odd in [
        r#"{"kty":"EC","crv":"P-256","x":"AAAA","y":"AAAA"}"#.to_owned(),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{y}","y":"{x}"}}"#),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}"}}"#),
        format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}=","y":"{y}"}}"#),
        r#"{"kty":"OKP","crv":"Ed25519","x":"AAAA"}"#.to_owned(),
        r#"{"kty":"oct","alg":"HS256"}"#.to_owned(),
    ] {
        assert_eq!(keys(std::slice::from_ref(&odd)), Err(BadKey::Unreadable), "{odd}");
    }
    let secret = format!(r#"{{"kty":"oct","k":"{}""#, base64(SECRET));
    assert_eq!(keys(&[secret.clone() + r#","alg":"HS256"}"#]), Ok(()));
    assert_eq!(keys(&[secret + "}"]), Err(BadKey::NoAlgorithm));
    let short = r#"{"kty":"oct","k":"AAAA","alg":"HS256"}"#.to_owned();
    assert_eq!(keys(&[short]), Err(BadKey::TooShort { bytes_min: 32 }));
}

#[test]
fn keys_of_a_set_that_say_no_algorithm_may_be_told_one() {
    let secret = format!(r#"{{"keys":[{{"kty":"oct","k":"{}"}}]}}"#, base64(SECRET));
    let why = set(&secret).unwrap_err();
    assert_eq!(why, BadKey::NoAlgorithm);
    assert!(why.to_string().contains("algorithm = \"RS256\""), "{why}");
    assert_eq!(set_of(Some(Algorithm::HS512), &secret), Ok(()));
    let other = |algorithm| Err(BadKey::OtherKind(algorithm));
    assert_eq!(set_of(Some(Algorithm::RS256), &secret), other(Algorithm::RS256));
    // What a key says of itself counts, also by its curve.
    let said = secret.replace("\"oct\"", "\"oct\",\"alg\":\"HS256\"");
    for (json, algorithm) in [(&secret, Algorithm::HS512), (&said, Algorithm::HS256)] {
        let mut ring = Keyring::default();
        let otherwise = Some(Algorithm::HS512);
        let expected = Expected::default();
        ring.add_jwks("key", otherwise, expected, json.as_bytes(), Rights::usual()).unwrap();
        for signs in [Algorithm::HS256, Algorithm::HS512] {
            let token = mint(signs).sign(&header(signs), &claims("")).unwrap();
            assert_eq!(examine(&ring, &token).is_ok(), signs == algorithm, "{signs}: {json}");
        }
    }
    let curve = r#"{"keys":[{"kty":"OKP","crv":"Ed25519",
        "x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}"#;
    assert_eq!(set_of(Some(Algorithm::RS256), curve), Ok(()));
}

#[test]
fn two_keys_that_no_token_can_tell_apart_are_one_too_many() {
    let mut ring = Keyring::default();
    let mut add = |name: &str, algorithm, id, issuer: Option<&str>| {
        let expected = Expected { issuer: issuer.map(Box::from), audience: None };
        ring.add_hmac(name, algorithm, id, expected, &secret(SECRET), Rights::usual())
    };
    let twin = |other: &str| Err(BadKey::Duplicate { other: other.into() });
    assert_eq!(add("a", Algorithm::HS256, None, None), Ok(()));
    assert_eq!(add("b", Algorithm::HS256, None, None), twin("a"));
    assert_eq!(add("b", Algorithm::HS256, None, Some("x")), twin("a"), "a takes any issuer");
    assert_eq!(add("b", Algorithm::HS384, None, Some("x")), Ok(()));
    assert_eq!(add("c", Algorithm::HS384, None, Some("y")), Ok(()));
    assert_eq!(add("d", Algorithm::HS384, None, Some("x")), twin("b"));
    assert_eq!(add("d", Algorithm::HS256, Some("1"), None), Ok(()));
    assert_eq!(add("e", Algorithm::HS256, Some("1"), None), twin("d"));
    assert_eq!(add("e", Algorithm::HS256, Some("2"), None), Ok(()));
}

/// Its sentences are for logs and terminals.
#[test]
fn nothing_of_a_key_is_ever_shown() {
    let mut ring = Keyring::default();
    let key = secret(SECRET);
    ring.add_static("a", &key, Rights::usual());
    ring.add_password("b", "user", &key, Rights::usual());
    let expected = Expected::default();
    ring.add_hmac("c", Algorithm::HS256, None, expected, &key, Rights::usual()).unwrap();
    let shown = format!("{ring:?} {:?} {key:?}", mint(Algorithm::HS256));
    let digits = SECRET.iter().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    for secret in [str::from_utf8(SECRET).unwrap(), &digits] {
        assert!(!shown.contains(secret), "{shown}");
    }
    let mistake = BadKey::Duplicate { other: "a".into() }.to_string();
    assert!(mistake.contains("\"a\""), "{mistake}");
}

#[test]
fn a_mint_takes_what_can_sign() {
    let of = |algorithm, text: &str| {
        Mint::of_pem(algorithm, &secret(text.as_bytes())).map(|_| ()).unwrap_err()
    };
    assert_eq!(of(Algorithm::RS256, &RSA.public), BadKey::Public);
    assert_eq!(of(Algorithm::HS256, &RSA.private), BadKey::TakesSecret(Algorithm::HS256));
    assert_eq!(of(Algorithm::ES256, &RSA.private), BadKey::OtherKind(Algorithm::ES256));
    assert_eq!(of(Algorithm::ES256, &P384.private), BadKey::OtherKind(Algorithm::ES256));
    assert_eq!(of(Algorithm::EdDSA, &P256.private), BadKey::OtherKind(Algorithm::EdDSA));
    assert_eq!(of(Algorithm::ES256, &pem("EC PRIVATE KEY", b"")), BadKey::OtherForm);
    assert_eq!(of(Algorithm::ES256, ""), BadKey::NotPem);
    let short = Mint::of_secret(Algorithm::HS256, &secret(b"short")).map(|_| ());
    assert_eq!(short, Err(BadKey::TooShort { bytes_min: 32 }));
}
