//! Tokens, good ones and such as no honest issuer makes.
//!
//! Made by hand from signatures alone: what the server reads them with has no part in it.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::Value;
use std::time::{SystemTime, UNIX_EPOCH};

/// What signs.
pub(crate) enum Signer {
    Hs256(Vec<u8>),
    Hs384(Vec<u8>),
    Hs512(Vec<u8>),
    EdDsa(Ed25519KeyPair),
    Rs256(RsaKeyPair),
    /// Says this of itself, and signs nothing.
    Nobody(&'static str),
}

impl Signer {
    pub(crate) fn ed25519() -> Signer {
        Signer::EdDsa(Ed25519KeyPair::generate().unwrap())
    }

    pub(crate) fn rsa() -> Signer {
        Signer::Rs256(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self {
            Signer::Hs256(_) => "HS256",
            Signer::Hs384(_) => "HS384",
            Signer::Hs512(_) => "HS512",
            Signer::EdDsa(_) => "EdDSA",
            Signer::Rs256(_) => "RS256",
            Signer::Nobody(name) => name,
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let hmac = |algorithm, secret: &[u8]| {
            hmac::sign(&hmac::Key::new(algorithm, secret), message).as_ref().to_vec()
        };
        match self {
            Signer::Hs256(secret) => hmac(hmac::HMAC_SHA256, secret),
            Signer::Hs384(secret) => hmac(hmac::HMAC_SHA384, secret),
            Signer::Hs512(secret) => hmac(hmac::HMAC_SHA512, secret),
            Signer::EdDsa(pair) => pair.sign(message).as_ref().to_vec(),
            Signer::Rs256(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                let random = SystemRandom::new();
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).unwrap();
                signature
            }
            Signer::Nobody(_) => Vec::new(),
        }
    }

    /// The public key, as a file has it.
    pub(crate) fn pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = match self {
            Signer::EdDsa(pair) => pair.public_key().as_der().unwrap(),
            Signer::Rs256(pair) => pair.public_key().as_der().unwrap(),
            Signer::Hs256(_) | Signer::Hs384(_) | Signer::Hs512(_) | Signer::Nobody(_) => {
                panic!("{} has no public key", self.algorithm())
            }
        };
        let base64 = STANDARD.encode(der.as_ref());
        let lines: Vec<&str> =
            base64.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"))
    }

    /// A token with this header and these claims, both JSON, or something like it.
    pub(crate) fn token_of(&self, header: &str, claims: &str) -> String {
        let text = format!("{}.{}", base64url(header), base64url(claims));
        let signature = URL_SAFE_NO_PAD.encode(self.sign(text.as_bytes()));
        format!("{text}.{signature}")
    }

    /// A token with these claims.
    pub(crate) fn token(&self, claims: &Value) -> String {
        self.token_of(&header(self.algorithm()), &claims.to_string())
    }
}

/// The least that a header says.
pub(crate) fn header(algorithm: &str) -> String {
    format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#)
}

pub(crate) fn base64url(text: &str) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
