//! What a signature is checked with: a secret, or a public key.
//!
//! Knows: the kinds of keys, and which of them are strong enough.
//! Must not know: what is signed, files.
//!
//! The mathematics is a library's (jsonwebtoken, with aws-lc-rs below it). It is only ever given
//! the algorithm of the key, whatever a token says of itself.

use super::algorithm::{Algorithm, Kind};
use super::bad_key::{BadKey, ID_BYTES_MAX, RSA_BITS_MAX, RSA_BITS_MIN};
use super::digest::Digest;
use super::mint::Mint;
use super::pem::{self, Label};
use super::secret::Secret;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use jsonwebtoken::{DecodingKey, crypto};

/// The shortest secret, in bytes: what SHA-256 gives. More than it could not be guessed either.
const SECRET_BYTES_MIN: usize = 32;

/// One key of those that sign tokens.
#[derive(Clone, Debug)]
pub(super) struct Signer {
    pub(super) algorithm: Algorithm,
    /// `kid`: how a token says that it means this one.
    pub(super) id: Option<Box<str>>,
    key: DecodingKey,
    /// All of the above.
    print: Digest,
}

impl PartialEq for Signer {
    fn eq(&self, other: &Signer) -> bool {
        self.print.is(&other.print)
    }
}

impl Eq for Signer {}

impl Signer {
    /// The one who has `secret`, too.
    pub(super) fn of_secret(
        algorithm: Algorithm,
        id: Option<&str>,
        secret: &[u8],
    ) -> Result<Signer, BadKey> {
        if algorithm.kind() != Kind::Secret {
            return Err(BadKey::TakesPublic(algorithm));
        }
        if pem::is_pem(secret) {
            return Err(BadKey::PemAsSecret);
        }
        if secret.len() < SECRET_BYTES_MIN {
            return Err(BadKey::TooShort { bytes_min: SECRET_BYTES_MIN });
        }
        Signer::new(algorithm, id, DecodingKey::from_secret(secret), secret)
    }

    /// The one whose public key is in the file `pem`.
    pub(super) fn of_pem(
        algorithm: Algorithm,
        id: Option<&str>,
        pem: &[u8],
    ) -> Result<Signer, BadKey> {
        if algorithm.kind() == Kind::Secret {
            return Err(BadKey::TakesSecret(algorithm));
        }
        let block = pem::read(pem)?;
        match (block.label, algorithm.kind()) {
            (Label::Public, Kind::Rsa) | (Label::RsaPublic, Kind::Rsa) => {}
            (Label::Public, _) => return Signer::of_der(algorithm, id, &block.der),
            (Label::RsaPublic, _) => return Err(BadKey::OtherKind(algorithm)),
            (Label::Private | Label::RsaPrivate | Label::OtherPrivate, _) => {
                return Err(BadKey::Private);
            }
        }
        let key = rsa::PublicKey::from_der(&block.der);
        let key = key.map_err(|_| unreadable(algorithm, &block.der))?;
        let parts = RsaPublicKeyComponents::<Vec<u8>>::from(&key);
        Signer::of_rsa(algorithm, id, &parts.n, &parts.e)
    }

    /// The one with the RSA key of this modulus and exponent, most significant byte first.
    pub(super) fn of_rsa(
        algorithm: Algorithm,
        id: Option<&str>,
        modulus: &[u8],
        exponent: &[u8],
    ) -> Result<Signer, BadKey> {
        if algorithm.kind() != Kind::Rsa {
            return Err(BadKey::OtherKind(algorithm));
        }
        let (modulus, exponent) = (without_zeros(modulus), without_zeros(exponent));
        let bits = bits(modulus);
        match bits {
            RSA_BITS_MIN..=RSA_BITS_MAX => {}
            0..RSA_BITS_MIN => return Err(BadKey::RsaTooSmall { bits }),
            _ => return Err(BadKey::RsaTooLarge { bits }),
        }
        let is_odd = |number: &[u8]| number.last().is_some_and(|last| last & 1 == 1);
        // The library takes exponents of 2 to 33 bits.
        let is_key =
            is_odd(modulus) && is_odd(exponent) && (2..=33).contains(&self::bits(exponent));
        if !is_key {
            return Err(BadKey::Unreadable);
        }
        let key = DecodingKey::from_rsa_raw_components(modulus, exponent);
        Signer::new(algorithm, id, key, &[modulus, exponent].concat())
    }

    /// The one with this key on a curve: a point of it, or the structure of RFC 5480 or RFC 8410.
    pub(super) fn of_der(
        algorithm: Algorithm,
        id: Option<&str>,
        der: &[u8],
    ) -> Result<Signer, BadKey> {
        let (curve, key): (&'static dyn VerificationAlgorithm, _) = match algorithm {
            Algorithm::ES256 => (&ECDSA_P256_SHA256_FIXED, DecodingKey::from_ec_der(der)),
            Algorithm::ES384 => (&ECDSA_P384_SHA384_FIXED, DecodingKey::from_ec_der(der)),
            Algorithm::EdDSA => (&ED25519, DecodingKey::from_ed_der(der)),
            _ => return Err(BadKey::OtherKind(algorithm)),
        };
        match is_key(curve, der) {
            true => Signer::new(algorithm, id, key, der),
            false => Err(unreadable(algorithm, der)),
        }
    }

    fn new(
        algorithm: Algorithm,
        id: Option<&str>,
        key: DecodingKey,
        bytes: &[u8],
    ) -> Result<Signer, BadKey> {
        let is_id =
            |id: &str| (1..=ID_BYTES_MAX).contains(&id.len()) && !id.contains(char::is_control);
        if !id.is_none_or(is_id) {
            return Err(BadKey::BadId);
        }
        let said = id.unwrap_or_default().as_bytes();
        let print = Digest::of(&[algorithm.name().as_bytes(), said, bytes]);
        Ok(Signer { algorithm, id: id.map(Box::from), key, print })
    }

    /// Whether it signed `message` with `signature`, which is base64url.
    pub(super) fn signed(&self, message: &str, signature: &str) -> bool {
        let algorithm = self.algorithm.of_library();
        let verdict = crypto::verify(signature, message.as_bytes(), &self.key, algorithm);
        verdict.is_ok_and(|is_its| is_its)
    }

    /// What signs as it does, if that takes no more than it has.
    pub(super) fn mint(&self) -> Option<Mint> {
        let is_shared = self.algorithm.kind() == Kind::Secret;
        let secret = is_shared.then(|| self.key.try_get_as_bytes().ok()).flatten()?;
        let mint = Mint::of_secret(self.algorithm, &Secret::new(secret.to_vec())).ok()?;
        Some(mint.with_id(self.id.as_deref()))
    }

    pub(super) fn print(&self) -> &Digest {
        &self.print
    }
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn bits(number: &[u8]) -> usize {
    let unused = number.first().map_or(0, |first| first.leading_zeros() as usize);
    number.len().saturating_mul(8).saturating_sub(unused)
}

fn is_key(algorithm: &'static dyn VerificationAlgorithm, der: &[u8]) -> bool {
    UnparsedPublicKey::new(algorithm, der).parse().is_ok()
}

/// What is wrong with a key that `algorithm` cannot read: that it is another's, or all.
fn unreadable(algorithm: Algorithm, der: &[u8]) -> BadKey {
    let curves: [&'static dyn VerificationAlgorithm; 3] =
        [&ECDSA_P256_SHA256_FIXED, &ECDSA_P384_SHA384_FIXED, &ED25519];
    let is_other =
        curves.into_iter().any(|curve| is_key(curve, der)) || rsa::PublicKey::from_der(der).is_ok();
    if is_other { BadKey::OtherKind(algorithm) } else { BadKey::Unreadable }
}
