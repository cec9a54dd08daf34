//! Sets of keys (RFC 7517, RFC 7518 §6, RFC 8037 §2).
//!
//! Knows: which members make a key, and which keys are for signatures.
//! Must not know: where a set comes from.
//!
//! What a set has beside keys that sign tokens (keys for encryption, kinds and algorithms of which
//! nothing is known here) is passed over, as RFC 7517 §5 wants; what it has of keys must be right.

use super::algorithm::{Algorithm, Kind};
use super::bad_key::BadKey;
use super::json::{Object, Read};
use super::signer::Signer;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::MapAccess;
use zeroize::Zeroizing;

/// A key, as it stands in a set.
#[derive(Default)]
struct Jwk {
    kind: String,
    algorithm: Option<String>,
    id: Option<String>,
    purpose: Option<String>,
    operations: Option<Vec<String>>,
    curve: Option<String>,
    parts: Parts,
    /// `d`: with it one could sign.
    is_private: bool,
}

/// The numbers of a key, in base64url.
#[derive(Default)]
struct Parts {
    k: Option<Zeroizing<String>>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

#[derive(Default)]
struct Set {
    keys: Option<Vec<Read<Jwk>>>,
}

impl<'de> Object<'de> for Set {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<bool, A::Error> {
        if name == "keys" {
            self.keys = Some(members.next_value()?);
        }
        Ok(name == "keys")
    }
}

impl<'de> Object<'de> for Jwk {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<bool, A::Error> {
        match name {
            "kty" => self.kind = members.next_value()?,
            "alg" => self.algorithm = Some(members.next_value()?),
            "kid" => self.id = Some(members.next_value()?),
            "use" => self.purpose = Some(members.next_value()?),
            "key_ops" => self.operations = Some(members.next_value()?),
            "crv" => self.curve = Some(members.next_value()?),
            "k" => self.parts.k = Some(Zeroizing::new(members.next_value()?)),
            "n" => self.parts.n = Some(members.next_value()?),
            "e" => self.parts.e = Some(members.next_value()?),
            "x" => self.parts.x = Some(members.next_value()?),
            "y" => self.parts.y = Some(members.next_value()?),
            "d" => {
                drop(Zeroizing::new(members.next_value::<String>()?));
                self.is_private = true;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }
}

fn parse(json: &[u8]) -> Result<Vec<Read<Jwk>>, BadKey> {
    let set = serde_json::from_slice::<Read<Set>>(json);
    set.ok().and_then(|Read(set)| set.keys).ok_or(BadKey::NotASet)
}

/// Whether somebody who reads this set could sign with a key of it.
pub fn has_secrets(set: &[u8]) -> bool {
    parse(set).is_ok_and(|keys| keys.iter().any(|Read(key)| key.kind == "oct" || key.is_private))
}

/// The keys of a set that sign tokens; `otherwise` is how those do that do not say it.
pub(super) fn signers(set: &[u8], otherwise: Option<Algorithm>) -> Result<Vec<Signer>, BadKey> {
    let mut signers: Vec<Signer> = Vec::new();
    for Read(key) in parse(set)? {
        let Some(algorithm) = key.algorithm(otherwise)? else { continue };
        let signer = key.signer(algorithm)?;
        let is_same = |other: &Signer| other.algorithm == algorithm && other.id == signer.id;
        if signer.id.is_some() && signers.iter().any(is_same) {
            return Err(BadKey::DuplicateInSet);
        }
        signers.push(signer);
    }
    match signers.len() {
        0 => Err(BadKey::EmptySet),
        2.. if signers.iter().any(|signer| signer.id.is_none()) => Err(BadKey::NoId),
        _ => Ok(signers),
    }
}

impl Jwk {
    /// What it signs with, which is `otherwise` if nothing in it tells; `None`: it signs no tokens,
    /// or nothing is known of how.
    fn algorithm(&self, otherwise: Option<Algorithm>) -> Result<Option<Algorithm>, BadKey> {
        let kind = match &*self.kind {
            "oct" => Kind::Secret,
            "RSA" => Kind::Rsa,
            "EC" => Kind::Ec,
            "OKP" => Kind::Ed,
            _ => return Ok(None),
        };
        let is_to_sign = self.purpose.as_ref().is_none_or(|purpose| purpose == "sig");
        let verifies = |all: &Vec<String>| all.iter().any(|one| one == "verify");
        if !is_to_sign || !self.operations.as_ref().is_none_or(verifies) {
            return Ok(None);
        }
        let by_curve = match (kind, self.curve.as_deref()) {
            (Kind::Ec, Some("P-256")) => Some(Algorithm::ES256),
            (Kind::Ec, Some("P-384")) => Some(Algorithm::ES384),
            (Kind::Ed, Some("Ed25519")) => Some(Algorithm::EdDSA),
            (Kind::Ec | Kind::Ed, _) => return Ok(None),
            (Kind::Secret | Kind::Rsa, _) => None,
        };
        let Some(name) = &self.algorithm else {
            let algorithm = by_curve.or(otherwise).ok_or(BadKey::NoAlgorithm)?;
            let is_its = algorithm.kind() == kind;
            return if is_its { Ok(Some(algorithm)) } else { Err(BadKey::OtherKind(algorithm)) };
        };
        let Some(algorithm) = Algorithm::parse(name) else { return Ok(None) };
        let is_its = algorithm.kind() == kind && by_curve.is_none_or(|it| it == algorithm);
        if is_its { Ok(Some(algorithm)) } else { Err(BadKey::OtherKind(algorithm)) }
    }

    fn signer(&self, algorithm: Algorithm) -> Result<Signer, BadKey> {
        if self.is_private {
            return Err(BadKey::Private);
        }
        let id = self.id.as_deref();
        let (x, y) = (&self.parts.x, &self.parts.y);
        match algorithm.kind() {
            Kind::Secret => {
                let secret = self.parts.k.as_ref().ok_or(BadKey::Unreadable)?;
                let secret = URL_SAFE_NO_PAD.decode(&**secret).map_err(|_| BadKey::Unreadable)?;
                Signer::of_secret(algorithm, id, &Zeroizing::new(secret))
            }
            Kind::Rsa => {
                let (n, e) = (decoded(&self.parts.n)?, decoded(&self.parts.e)?);
                Signer::of_rsa(algorithm, id, &n, &e)
            }
            Kind::Ec => {
                // Both numbers have the length of the curve's (RFC 7518 §6.2.1.2).
                let bytes = if algorithm == Algorithm::ES256 { 32 } else { 48 };
                let (x, y) = (decoded(x)?, decoded(y)?);
                if x.len() != bytes || y.len() != bytes {
                    return Err(BadKey::Unreadable);
                }
                // SEC 1 §2.3.3: a point that is not compressed.
                Signer::of_der(algorithm, id, &[&[4], &*x, &*y].concat())
            }
            Kind::Ed => Signer::of_der(algorithm, id, &decoded(x)?),
        }
    }
}

fn decoded(part: &Option<String>) -> Result<Vec<u8>, BadKey> {
    let part = part.as_ref().ok_or(BadKey::Unreadable)?;
    URL_SAFE_NO_PAD.decode(part).map_err(|_| BadKey::Unreadable)
}
