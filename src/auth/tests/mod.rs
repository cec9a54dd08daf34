//! The whole way from a credential to a grant.
//!
//! Knows: keys of each kind, made once; a clock that stands still.
//! Must not know: configurations.

mod claims;
mod forged;
mod ids;
mod keys;
mod mutations;
mod rights;
mod secrets;
mod vectors;

use super::{
    Algorithm, Door, Expected, Grant, Keyring, Kind, Mint, Presented, Rights, Secret, Why,
};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::sync::LazyLock;

/// Now, everywhere here: in milliseconds, and in seconds.
const NOW_MS: u64 = 1_800_000_000_500;
const NOW: u64 = NOW_MS / 1000;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// A key of each kind, as files.
struct Pair {
    private: String,
    public: String,
}

fn pem(label: &str, der: &[u8]) -> String {
    let base64 = STANDARD.encode(der);
    let lines: Vec<&str> =
        base64.as_bytes().chunks(64).map(|it| str::from_utf8(it).unwrap()).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

fn pair(private: &[u8], public: &[u8]) -> Pair {
    Pair { private: pem("PRIVATE KEY", private), public: pem("PUBLIC KEY", public) }
}

static RSA: LazyLock<Pair> = LazyLock::new(|| rsa(KeySize::Rsa2048));
static RSA_3072: LazyLock<Pair> = LazyLock::new(|| rsa(KeySize::Rsa3072));
static P256: LazyLock<Pair> = LazyLock::new(|| ec(&signature::ECDSA_P256_SHA256_FIXED_SIGNING));
static P384: LazyLock<Pair> = LazyLock::new(|| ec(&signature::ECDSA_P384_SHA384_FIXED_SIGNING));
static ED: LazyLock<Pair> = LazyLock::new(|| {
    let key = Ed25519KeyPair::generate().unwrap();
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    pair(key.to_pkcs8v1().unwrap().as_ref(), public.as_ref())
});

fn rsa(size: KeySize) -> Pair {
    let key = RsaKeyPair::generate(size).unwrap();
    let private: Pkcs8V1Der<'_> = key.as_der().unwrap();
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    pair(private.as_ref(), public.as_ref())
}

fn ec(curve: &'static signature::EcdsaSigningAlgorithm) -> Pair {
    let key = EcdsaKeyPair::generate(curve).unwrap();
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    pair(key.to_pkcs8v1().unwrap().as_ref(), public.as_ref())
}

/// The key that `algorithm` takes.
fn pair_of(algorithm: Algorithm) -> &'static Pair {
    match algorithm {
        Algorithm::ES256 => &P256,
        Algorithm::ES384 => &P384,
        Algorithm::EdDSA => &ED,
        _ => &RSA,
    }
}

fn secret(bytes: &[u8]) -> Secret {
    Secret::new(bytes.to_vec())
}

fn mint(algorithm: Algorithm) -> Mint {
    match algorithm.kind() {
        Kind::Secret => Mint::of_secret(algorithm, &secret(SECRET)).unwrap(),
        _ => Mint::of_pem(algorithm, &secret(pair_of(algorithm).private.as_bytes())).unwrap(),
    }
}

/// A ring with one key, `key`, for `algorithm`.
fn ring(algorithm: Algorithm) -> Keyring {
    ring_with(algorithm, None, Expected::default(), Rights::usual())
}

fn ring_with(
    algorithm: Algorithm,
    id: Option<&str>,
    expected: Expected,
    rights: Rights,
) -> Keyring {
    let mut ring = Keyring::default();
    let added = match algorithm.kind() {
        Kind::Secret => ring.add_hmac("key", algorithm, id, expected, &secret(SECRET), rights),
        _ => {
            let pem = pair_of(algorithm).public.as_bytes();
            ring.add_public("key", algorithm, id, expected, pem, rights)
        }
    };
    added.unwrap();
    ring
}

fn examine(ring: &Keyring, credential: &str) -> Result<Grant, Why> {
    ring.examine(Presented::Bearer(credential), &Door::default(), NOW_MS)
}

fn header(algorithm: Algorithm) -> String {
    format!(r#"{{"alg":"{algorithm}"}}"#)
}

/// Claims that are good for an hour, with `more` members.
fn claims(more: &str) -> String {
    format!(r#"{{"exp":{}{}{more}}}"#, NOW + 3600, if more.is_empty() { "" } else { "," })
}

/// A good HS256 token with these members more in its header and in its claims.
fn signed(in_header: &str, in_claims: &str) -> String {
    let header = format!(r#"{{"alg":"HS256"{in_header}}}"#);
    mint(Algorithm::HS256).sign(&header, &claims(in_claims)).unwrap()
}

fn base64(text: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

#[test]
fn every_algorithm_vouches_for_its_own_tokens_and_for_no_other() {
    for signs in Algorithm::ALL {
        let token = mint(signs).sign(&header(signs), &claims(r#""sub":"anna""#)).unwrap();
        for verifies in Algorithm::ALL {
            let verdict = examine(&ring(verifies), &token);
            if signs == verifies {
                let grant = verdict.unwrap();
                assert_eq!(grant.subject(), Some("anna"), "{signs}");
                assert_eq!(grant.expires_ms(), Some((NOW + 3600) * 1000));
                assert!(grant.may_connect() && grant.may_subscribe("any") && !grant.may_manage());
            } else {
                assert_eq!(verdict, Err(Why::NoKey), "{signs} for {verifies}");
            }
        }
    }
}
