//! What it costs to be let in: one credential of each kind.
//!
//! Knows: keys that are made for this run.
//! Must not know: how it is timed.

use std::hint::black_box;
use std::time::Instant;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tidegate::auth::{
    Algorithm, Door, Expected, Grant, Keyring, Mint, Order, Presented, Refused, Rights, Secret,
};

use crate::{Run, row};

const NOW_MS: u64 = 1_800_000_000_000;
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// Measures them.
pub(crate) fn rows(run: &Run) {
    let algorithms = [
        Algorithm::HS256,
        Algorithm::RS256,
        Algorithm::PS256,
        Algorithm::ES256,
        Algorithm::ES384,
        Algorithm::EdDSA,
    ];
    for keys in [1, 100] {
        let ring = static_keys(keys);
        let good = String::from_utf8(SECRET.to_vec()).unwrap();
        good_one(run, &format!("a static key, of {keys}"), &ring, &good);
    }
    for algorithm in algorithms {
        let name = format!("a token, {algorithm}");
        if run.wants(&name) {
            let (ring, token) = token(algorithm);
            good_one(run, &name, &ring, &token);
        }
    }
    let name = "a guess: t of the first byte to the last";
    if run.wants(name) {
        row(name, timing(run), "(no unit)", None);
    }
}

fn good_one(run: &Run, name: &str, ring: &Keyring, credential: &str) {
    if run.wants(name) {
        let verify = || _ = black_box(verify(ring, black_box(credential))).unwrap();
        row(name, run.measure(1, verify), "credential", None);
    }
}

fn verify(ring: &Keyring, credential: &str) -> Result<Grant, Refused> {
    ring.verify(Presented::Bearer(credential), &Door::default(), NOW_MS)
}

/// So many static keys, of which the last is [`SECRET`].
fn static_keys(count: usize) -> Keyring {
    let mut ring = Keyring::default();
    for number in 1..count {
        let other = Secret::new(format!("another-key-{number:04}").into_bytes());
        ring.add_static(&number.to_string(), &other, Rights::usual());
    }
    ring.add_static("good", &Secret::new(SECRET.to_vec()), Rights::usual());
    ring
}

/// A ring that takes tokens of `algorithm`, and one that is good.
fn token(algorithm: Algorithm) -> (Keyring, String) {
    let (mut ring, expected, rights) = (Keyring::default(), Expected::default(), Rights::usual());
    let secret = Secret::new(SECRET.to_vec());
    let mint = match pair(algorithm) {
        None => {
            ring.add_hmac("key", algorithm, None, expected, &secret, rights).unwrap();
            Mint::of_secret(algorithm, &secret).unwrap()
        }
        Some((private, public)) => {
            let public = public.as_bytes();
            ring.add_public("key", algorithm, None, expected, public, rights).unwrap();
            Mint::of_pem(algorithm, &Secret::new(private.into_bytes())).unwrap()
        }
    };
    let order = Order {
        subject: Some("9f8b7c6d-0000-4000-8000-123456789abc".to_owned()),
        token_id: Some("1b2c3d4e-0000-4000-8000-123456789abc".to_owned()),
        issued: Some(NOW_MS / 1000),
        expires: Some(NOW_MS / 1000 + 3600),
        ..Order::default()
    };
    (ring, mint.token(&order).unwrap())
}

/// A private and a public key as PEM files, if it takes such.
fn pair(algorithm: Algorithm) -> Option<(String, String)> {
    let of_curve = |curve| {
        let key = EcdsaKeyPair::generate(curve).unwrap();
        let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
        pems(key.to_pkcs8v1().unwrap().as_ref(), public.as_ref())
    };
    match algorithm {
        Algorithm::HS256 | Algorithm::HS384 | Algorithm::HS512 => None,
        Algorithm::ES256 => Some(of_curve(&signature::ECDSA_P256_SHA256_FIXED_SIGNING)),
        Algorithm::ES384 => Some(of_curve(&signature::ECDSA_P384_SHA384_FIXED_SIGNING)),
        Algorithm::EdDSA => {
            let key = Ed25519KeyPair::generate().unwrap();
            let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
            Some(pems(key.to_pkcs8v1().unwrap().as_ref(), public.as_ref()))
        }
        _ => {
            let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
            let private: Pkcs8V1Der<'_> = key.as_der().unwrap();
            let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
            Some(pems(private.as_ref(), public.as_ref()))
        }
    }
}

fn pems(private: &[u8], public: &[u8]) -> (String, String) {
    let pem = |label: &str, der: &[u8]| {
        format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
    };
    (pem("PRIVATE KEY", private), pem("PUBLIC KEY", public))
}

/// Welch's t between the times that two wrong keys take: one that differs from the good key in its
/// first byte, one that differs in its last. Beyond 4.5 one would think that they can be told
/// apart. What a busy machine does to a measurement is cut off at twice the median.
fn timing(run: &Run) -> f64 {
    let samples = if run.smoke { 16 } else { 100_000 };
    let ring = static_keys(1);
    let wrong = [0, SECRET.len() - 1].map(|place| {
        let mut key = SECRET.to_vec();
        key[place] ^= 1;
        String::from_utf8(key).unwrap()
    });
    let mut times = [Vec::with_capacity(samples), Vec::with_capacity(samples)];
    // Which one comes next does not depend on anything that the processor could learn.
    let mut dice = 0x9e37_79b9_7f4a_7c15_u64;
    while times.iter().any(|times| times.len() < samples) {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        let class = (dice >> 60) as usize & 1;
        let start = Instant::now();
        let verdict = verify(&ring, black_box(&wrong[class]));
        let nanos = start.elapsed().as_nanos() as f64;
        assert!(black_box(verdict).is_err());
        times[class].push(nanos);
    }
    let [(a, var_a, n_a), (b, var_b, n_b)] = times.map(moments);
    let error = (var_a / n_a + var_b / n_b).sqrt();
    if error == 0.0 { 0.0 } else { ((a - b) / error).abs() }
}

/// Mean, variance and number of the samples that nothing disturbed.
fn moments(mut samples: Vec<f64>) -> (f64, f64, f64) {
    samples.sort_by(f64::total_cmp);
    let end = 2.0 * samples[samples.len() / 2];
    samples.retain(|nanos| *nanos <= end);
    let count = samples.len() as f64;
    let mean = samples.iter().sum::<f64>() / count;
    let variance = samples.iter().map(|nanos| (nanos - mean).powi(2)).sum::<f64>() / count;
    (mean, variance, count)
}
