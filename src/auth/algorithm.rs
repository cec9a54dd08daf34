//! How tokens may be signed (RFC 7518 §3, RFC 8037 §3.1).
//!
//! Knows: names, and what kind of key each takes.
//! Must not know: keys, tokens.

use std::fmt;

/// An algorithm of signatures. `none` is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// HMAC with SHA-256.
    HS256,
    /// HMAC with SHA-384.
    HS384,
    /// HMAC with SHA-512.
    HS512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// Ed25519.
    EdDSA,
}

/// What kind of key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A secret that both sides have.
    Secret,
    /// RSA.
    Rsa,
    /// A curve of NIST: P-256 or P-384.
    Ec,
    /// Ed25519.
    Ed,
}

use Algorithm::{ES256, ES384, EdDSA, HS256, HS384, HS512};
use Algorithm::{PS256, PS384, PS512, RS256, RS384, RS512};

impl Algorithm {
    /// All of them.
    pub const ALL: [Algorithm; 12] =
        [HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, EdDSA];

    /// The one that is called so, exactly.
    pub fn parse(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            HS256 => "HS256",
            HS384 => "HS384",
            HS512 => "HS512",
            RS256 => "RS256",
            RS384 => "RS384",
            RS512 => "RS512",
            PS256 => "PS256",
            PS384 => "PS384",
            PS512 => "PS512",
            ES256 => "ES256",
            ES384 => "ES384",
            EdDSA => "EdDSA",
        }
    }

    /// What kind of key it takes.
    pub fn kind(self) -> Kind {
        match self {
            HS256 | HS384 | HS512 => Kind::Secret,
            RS256 | RS384 | RS512 | PS256 | PS384 | PS512 => Kind::Rsa,
            ES256 | ES384 => Kind::Ec,
            EdDSA => Kind::Ed,
        }
    }

    /// As the library calls it that signs and verifies.
    pub(super) fn of_library(self) -> jsonwebtoken::Algorithm {
        match self {
            HS256 => jsonwebtoken::Algorithm::HS256,
            HS384 => jsonwebtoken::Algorithm::HS384,
            HS512 => jsonwebtoken::Algorithm::HS512,
            RS256 => jsonwebtoken::Algorithm::RS256,
            RS384 => jsonwebtoken::Algorithm::RS384,
            RS512 => jsonwebtoken::Algorithm::RS512,
            PS256 => jsonwebtoken::Algorithm::PS256,
            PS384 => jsonwebtoken::Algorithm::PS384,
            PS512 => jsonwebtoken::Algorithm::PS512,
            ES256 => jsonwebtoken::Algorithm::ES256,
            ES384 => jsonwebtoken::Algorithm::ES384,
            EdDSA => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.name())
    }
}
