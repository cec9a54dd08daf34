//! Why something is no key that could vouch for anybody.
//!
//! Knows: what its owner is told, and what to do about it.
//! Must not know: the key: nothing of it stands in any sentence.

use super::algorithm::{Algorithm, Kind};
use std::fmt;
use std::sync::Arc;

/// Why a key is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadKey {
    /// It could be guessed.
    TooShort {
        /// The shortest that is taken.
        bytes_min: usize,
    },
    /// A text in PEM was given as a secret: it may well be public.
    PemAsSecret,
    /// A secret was given for an algorithm that takes a public key.
    TakesPublic(Algorithm),
    /// A public key was given for an algorithm that takes a secret.
    TakesSecret(Algorithm),
    /// There is no block of PEM.
    NotPem,
    /// There are several.
    SeveralPem,
    /// It is a private key: here it has no business.
    Private,
    /// It is a public key where a private one is needed.
    Public,
    /// It is a private key in a form that is not read: encrypted, of OpenSSH, of a curve alone.
    OtherForm,
    /// It is a certificate.
    Certificate,
    /// Its kind is not the one that the algorithm takes.
    OtherKind(Algorithm),
    /// It is too small.
    RsaTooSmall {
        /// What it has.
        bits: usize,
    },
    /// It is too large.
    RsaTooLarge {
        /// What it has.
        bits: usize,
    },
    /// What is in it makes no sense.
    Unreadable,
    /// It is no set of keys.
    NotASet,
    /// No key of the set is of use here.
    EmptySet,
    /// A key of the set does not say what for.
    NoAlgorithm,
    /// One of several keys has no name by which a token could mean it.
    NoId,
    /// No token could mean it.
    BadId,
    /// Two keys of the set say the same of themselves.
    DuplicateInSet,
    /// Another key says the same of itself, and no issuer tells them apart.
    Duplicate {
        /// What that key is called.
        other: Arc<str>,
    },
}

/// The fewest bits that an RSA key may have.
pub(super) const RSA_BITS_MIN: usize = 2048;
/// The most.
pub(super) const RSA_BITS_MAX: usize = 8192;
/// The longest id of a key, in bytes.
pub(super) const ID_BYTES_MAX: usize = 64;

const NO_ALGORITHM: &str = "has a key that does not say its \"alg\"; add how it signs: \
     algorithm = \"RS256\", or what else its owner says";

impl fmt::Display for BadKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BadKey::TooShort { bytes_min } => {
                write!(out, "is shorter than {bytes_min} bytes; make one: tidegate token key FILE")
            }
            BadKey::PemAsSecret => {
                out.write_str("is a PEM file, not a secret; make one: tidegate token key FILE")
            }
            BadKey::TakesPublic(algorithm) => {
                write!(out, "is a secret, but {algorithm} takes a public key")
            }
            BadKey::TakesSecret(algorithm) => {
                write!(out, "is a public key, but {algorithm} takes a secret")
            }
            BadKey::NotPem => {
                out.write_str("is no PEM file; it begins with \"-----BEGIN PUBLIC KEY-----\"")
            }
            BadKey::SeveralPem => out.write_str("has several keys; one is taken"),
            BadKey::Private => out.write_str(
                "has a private key; only the public one belongs here: \
                 openssl pkey -in FILE -pubout",
            ),
            BadKey::Public => out.write_str("has a public key; only a private one can sign"),
            BadKey::OtherForm => out.write_str(
                "has a private key in a form that is not read; write it as PKCS#8: \
                 openssl pkcs8 -topk8 -nocrypt -in FILE",
            ),
            BadKey::Certificate => out.write_str(
                "is a certificate; write its key alone: openssl x509 -in FILE -pubkey -noout",
            ),
            BadKey::OtherKind(algorithm) => {
                write!(out, "has a key of another kind; {algorithm} takes {}", kind(*algorithm))
            }
            BadKey::RsaTooSmall { bits } => {
                write!(out, "has an RSA key of {bits} bits; it takes {RSA_BITS_MIN} or more")
            }
            BadKey::RsaTooLarge { bits } => {
                write!(out, "has an RSA key of {bits} bits; it takes {RSA_BITS_MAX} or fewer")
            }
            BadKey::Unreadable => out.write_str("has a key that cannot be read"),
            BadKey::NotASet => out
                .write_str("is no JWK set: a JSON object with the array \"keys\", no member twice"),
            BadKey::EmptySet => out.write_str("has no key that signs tokens"),
            BadKey::NoAlgorithm => out.write_str(NO_ALGORITHM),
            BadKey::NoId => out.write_str("has several keys, and one without a \"kid\""),
            BadKey::BadId => {
                write!(out, "has an id that is empty, longer than {ID_BYTES_MAX} bytes, or odd")
            }
            BadKey::DuplicateInSet => {
                out.write_str("has two keys with the same \"alg\" and the same \"kid\"")
            }
            BadKey::Duplicate { other } => write!(
                out,
                "cannot be told from key \"{other}\": the algorithm and the id are the same; \
                 give them different ids, or each an issuer"
            ),
        }
    }
}

fn kind(algorithm: Algorithm) -> &'static str {
    match (algorithm.kind(), algorithm) {
        (Kind::Secret, _) => "a secret",
        (Kind::Rsa, _) => "an RSA key",
        (Kind::Ec, Algorithm::ES384) => "a key on the curve P-384",
        (Kind::Ec, _) => "a key on the curve P-256",
        (Kind::Ed, _) => "an Ed25519 key",
    }
}

impl std::error::Error for BadKey {}
