//! Tokens that would choose how they are checked.

use super::*;
use crate::auth::has_secrets;

#[test]
fn no_spelling_of_none_is_an_algorithm() {
    for ring in Algorithm::ALL.map(ring) {
        for none in ["none", "None", "NONE", "nOnE", "noNE", "NonE", "nONE", "NOne", ""] {
            let message =
                format!("{}.{}", base64(format!(r#"{{"alg":"{none}"}}"#)), base64(claims("")));
            for signature in ["", "AA", &base64([0; 32]), &base64([0; 256])] {
                let token = format!("{message}.{signature}");
                assert_eq!(examine(&ring, &token), Err(Why::NoKey), "{none} {signature}");
            }
        }
        let unsigned = format!("{}.{}", base64(r#"{"typ":"JWT"}"#), base64(claims("")));
        assert_eq!(examine(&ring, &format!("{unsigned}.")), Err(Why::NoKey));
        assert_eq!(examine(&ring, &unsigned), Err(Why::Unknown));
    }
}

/// What is public of a key is no secret: as PEM, as DER, as JWK, whole or trimmed.
#[test]
fn a_public_key_is_no_secret_of_hmac() {
    for algorithm in Algorithm::ALL.into_iter().filter(|it| it.kind() != Kind::Secret) {
        let public = &pair_of(algorithm).public;
        let lines: Vec<&str> = public.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(lines.join("")).unwrap();
        let jwk = format!(r#"{{"kty":"OKP","x":"{}"}}"#, base64(&der));
        let texts = [public.clone().into_bytes(), public.trim().into(), der, jwk.into()];
        for hmac in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            for text in &texts {
                // Its mint refuses PEM: one that does not is made by hand.
                let key = jsonwebtoken::EncodingKey::from_secret(text);
                for said in [hmac, algorithm] {
                    let message = format!("{}.{}", base64(header(said)), base64(claims("")));
                    let signature =
                        jsonwebtoken::crypto::sign(message.as_bytes(), &key, hmac.of_library());
                    let token = format!("{message}.{}", signature.unwrap());
                    let verdict = examine(&ring(algorithm), &token);
                    let expected = if said == hmac { Why::NoKey } else { Why::Signature };
                    assert_eq!(verdict, Err(expected), "{hmac} with the key of {algorithm}");
                }
            }
        }
    }
}

#[test]
fn what_one_key_signs_another_of_its_kind_does_not_vouch_for() {
    let mine = mint(Algorithm::PS256);
    let token = mine.sign(&header(Algorithm::RS256), &claims("")).unwrap();
    assert_eq!(examine(&ring(Algorithm::RS256), &token), Err(Why::Signature), "PSS for PKCS#1");
    let other = Mint::of_pem(Algorithm::RS256, &secret(RSA_3072.private.as_bytes())).unwrap();
    let token = other.sign(&header(Algorithm::RS256), &claims("")).unwrap();
    assert_eq!(examine(&ring(Algorithm::RS256), &token), Err(Why::Signature), "another RSA key");
    let other = Mint::of_secret(Algorithm::HS256, &secret(&[7; 64])).unwrap();
    let token = other.sign(&header(Algorithm::HS256), &claims("")).unwrap();
    assert_eq!(examine(&ring(Algorithm::HS256), &token), Err(Why::Signature), "another secret");
}

#[test]
fn a_token_that_brings_or_names_its_key_is_not_taken() {
    let key = r#"{"kty":"oct","k":"AAAA"}"#;
    for member in [
        r#""crit":["exp"]"#.to_owned(),
        r#""crit":[]"#.to_owned(),
        r#""crit":null"#.to_owned(),
        r#""crit":["b64"],"b64":false"#.to_owned(),
        r#""b64":true"#.to_owned(),
        r#""jku":"http://169.254.169.254/"#.to_owned() + r#"""#,
        format!(r#""jwk":{key}"#),
        r#""x5u":"file:///etc/passwd""#.to_owned(),
        r#""x5c":["MIIB"]"#.to_owned(),
        r#""\u006aku":"http://localhost/""#.to_owned(),
    ] {
        let token = signed(&format!(",{member}"), "");
        assert_eq!(examine(&ring(Algorithm::HS256), &token), Err(Why::Header), "{member}");
    }
    for member in [r#""typ":"JWT""#, r#""typ":"at+jwt""#, r#""cty":"x""#, r#""x5t":"AAAA""#] {
        let token = signed(&format!(",{member}"), "");
        assert!(examine(&ring(Algorithm::HS256), &token).is_ok(), "{member}");
    }
}

#[test]
fn a_header_that_can_be_read_in_two_ways_is_not_taken() {
    for header in [
        r#"{"alg":"HS256","alg":"none"}"#,
        r#"{"alg":"none","alg":"HS256"}"#,
        r#"{"alg":"HS256","\u0061lg":"HS256"}"#,
        r#"{"alg":"HS256","kid":null}"#,
        r#"{"alg":"HS256","kid":1}"#,
        r#"{"alg":["HS256"]}"#,
        r#"{"alg":null}"#,
        r#"{"alg":"HS256","a":{"b":1,"b":2}}"#,
        r#"["alg","HS256"]"#,
        r#"{"alg":"HS256"} {}"#,
        r#"{"alg":"HS256",}"#,
        "\u{feff}{\"alg\":\"HS256\"}",
        "null",
        "",
    ] {
        let token = mint(Algorithm::HS256).sign(header, &claims("")).unwrap();
        assert_eq!(examine(&ring(Algorithm::HS256), &token), Err(Why::Header), "{header}");
    }
    let deep = format!(r#"{{"alg":"HS256","a":{}{}}}"#, "[".repeat(1000), "]".repeat(1000));
    let token = mint(Algorithm::HS256).sign(&deep, &claims("")).unwrap();
    assert_eq!(examine(&ring(Algorithm::HS256), &token), Err(Why::Header), "deep");
}

#[test]
fn only_three_parts_in_strict_base64url_are_a_token() {
    let ring = ring(Algorithm::HS256);
    let good = signed("", r#""sub":"a""#);
    assert!(examine(&ring, &good).is_ok());
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, claims) = message.split_once('.').unwrap();
    for (token, why) in [
        (message.to_owned(), Why::Unknown),
        (format!("{good}."), Why::Unknown),
        (format!(".{good}"), Why::Unknown),
        (format!("{header}..{claims}.{signature}"), Why::Unknown),
        (format!("{good}.{signature}"), Why::Unknown),
        (String::new(), Why::Unknown),
        (".".to_owned(), Why::Unknown),
        ("..".to_owned(), Why::Header),
        (format!("{header}.{claims}."), Why::Signature),
        (format!("{header}..{signature}"), Why::Signature),
        (format!(".{claims}.{signature}"), Why::Header),
        (format!("{good}="), Why::Signature),
        (format!("{header}={}", &good[header.len()..]), Why::Header),
        (format!(" {good}"), Why::Header),
        (format!("{good} "), Why::Signature),
        (good.replace('.', " ."), Why::Header),
    ] {
        assert_eq!(examine(&ring, &token), Err(why), "{token}");
    }
    // The last character of 32 bytes carries two bits that mean nothing: they must be zero.
    let last = signature.chars().last().unwrap();
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/=";
    for other in alphabet.chars().filter(|other| *other != last) {
        let token = format!("{}{other}", &good[..good.len() - 1]);
        assert_eq!(examine(&ring, &token), Err(Why::Signature), "{other}");
    }
}

#[test]
fn a_signature_of_another_length_is_none() {
    for algorithm in [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
        let ring = ring(algorithm);
        let message = format!("{}.{}", base64(header(algorithm)), base64(claims("")));
        for length in 0..=1000 {
            let signature = base64(vec![(length % 251) as u8; length]);
            let token = format!("{message}.{signature}");
            assert_eq!(examine(&ring, &token), Err(Why::Signature), "{algorithm} {length}");
        }
    }
}

#[test]
fn a_token_that_is_too_long_is_not_looked_at() {
    let ring = ring(Algorithm::HS256);
    let fits = |length: usize| signed("", &format!(r#""pad":"{}""#, "x".repeat(length)));
    let room = (0..4096).rev().find(|length| fits(*length).len() <= 4096).unwrap();
    assert!(examine(&ring, &fits(room)).is_ok());
    assert_eq!(examine(&ring, &fits(room + 1)), Err(Why::TooLong));
    assert_eq!(examine(&ring, &"x".repeat(4097)), Err(Why::TooLong));
}

#[test]
fn a_set_says_whether_it_holds_secrets() {
    for (set, has) in [
        (r#"{"keys":[{"kty":"oct","k":"AA"}]}"#, true),
        (r#"{"keys":[{"kty":"EC","x":"AA","d":"AA"}]}"#, true),
        (r#"{"keys":[{"kty":"EC","x":"AA"}]}"#, false),
        ("{}", false),
        ("", false),
    ] {
        assert_eq!(has_secrets(set.as_bytes()), has, "{set}");
    }
}
