//! The keys that vouch for credentials.
//!
//! Knows: every key, and which of them could vouch for a token.
//! Must not know: where a credential stood.

use super::algorithm::Algorithm;
use super::bad_key::BadKey;
use super::digest::Digest;
use super::door::Door;
use super::grant::Grant;
use super::key::{Expected, Key, Proof, Signers};
use super::refused::Refused;
use super::rights::Rights;
use super::secret::Secret;
use super::signer::Signer;
use super::token::{Token, is_token};
use super::why::Why;
use super::{jwk, millis};
use crate::limits::Limits;
use std::sync::Arc;

/// A credential, as it was presented.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Presented<'a> {
    /// A token or a static key: after `Bearer`, or wherever else a door takes one.
    Bearer(&'a str),
    /// RFC 7617.
    Basic {
        /// The user.
        user: &'a str,
        /// The password.
        password: &'a str,
    },
}

/// All keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyring {
    keys: Vec<Key>,
    token_bytes_max: usize,
    token_leeway_ms: u64,
}

impl Default for Keyring {
    fn default() -> Keyring {
        Keyring::new(&Limits::default())
    }
}

/// What tells a key from others that were, or will be, called the same: what was let in by one with
/// other rights is not let in by this one.
fn print_of(proof: &Digest, rights: &Rights) -> u64 {
    Digest::of(&[proof.bytes(), format!("{rights:?}").as_bytes()]).short()
}

impl Keyring {
    /// No key, under `limits`.
    pub fn new(limits: &Limits) -> Keyring {
        Keyring {
            keys: Vec::new(),
            token_bytes_max: limits.token_bytes_max,
            token_leeway_ms: millis(limits.token_leeway),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Each.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    /// Whether the key is still there by which `grant` was given.
    pub fn has_given(&self, grant: &Grant) -> bool {
        let is_it = |key: &Key| key.name == *grant.key() && key.has_print(grant.key_print());
        self.keys.iter().any(is_it)
    }

    /// What a key that counts at `door` gives for the credential at `unix_ms`.
    ///
    /// # Errors
    ///
    /// None vouches for it.
    pub fn verify(
        &self,
        presented: Presented<'_>,
        door: &Door,
        unix_ms: u64,
    ) -> Result<Grant, Refused> {
        self.examine(presented, door, unix_ms).map_err(Why::refused)
    }

    /// The same, with the exact reason: for whoever has the keys, and nobody else.
    ///
    /// # Errors
    ///
    /// None vouches for it.
    pub fn examine(
        &self,
        presented: Presented<'_>,
        door: &Door,
        unix_ms: u64,
    ) -> Result<Grant, Why> {
        match presented {
            Presented::Basic { user, password } => {
                if user.len().saturating_add(password.len()) > self.token_bytes_max {
                    return Err(Why::TooLong);
                }
                let digest = password_digest(user, password.as_bytes());
                self.known(door, |key| match &key.proof {
                    Proof::Password { digest: its, grant } => its.is(&digest).then_some(grant),
                    Proof::Static { .. } | Proof::Tokens(_) => None,
                })
            }
            Presented::Bearer(text) => {
                if text.len() > self.token_bytes_max {
                    return Err(Why::TooLong);
                }
                let digest = static_digest(text.as_bytes());
                let known = self.known(door, |key| match &key.proof {
                    Proof::Static { digest: its, grant } => its.is(&digest).then_some(grant),
                    Proof::Password { .. } | Proof::Tokens(_) => None,
                });
                match known {
                    Err(_) if is_token(text) => self.token(text, door, unix_ms),
                    known => known,
                }
            }
        }
    }

    /// What the first key gives that `proves` and counts at `door`. Every key is asked, so that
    /// nobody learns from the time how many there are before it.
    fn known<'a>(
        &'a self,
        door: &Door,
        proves: impl Fn(&'a Key) -> Option<&'a Grant>,
    ) -> Result<Grant, Why> {
        let mut found = None;
        for key in &self.keys {
            let grant = proves(key).filter(|_| door.takes(&key.name));
            found = found.or(grant);
        }
        found.cloned().ok_or(Why::Unknown)
    }

    fn token(&self, text: &str, door: &Door, unix_ms: u64) -> Result<Grant, Why> {
        let token = Token::parse(text).ok_or(Why::Header)?;
        let mut why = Why::NoKey;
        for (key, signer, grant) in self.candidates(&token, door) {
            if !signer.signed(token.message, token.signature) {
                why = if why == Why::NoKey { Why::Signature } else { why };
                continue;
            }
            match key.grant(&token, grant, unix_ms, self.token_leeway_ms) {
                // Another key with the same secret may be its issuer's.
                Err(not_its @ (Why::Issuer | Why::Audience)) => why = not_its,
                verdict => return verdict,
            }
        }
        Err(why)
    }

    /// The signers who may have signed `token`: those of its algorithm and with its id. A token
    /// without one may be by a signer without one, or by the only one there is.
    fn candidates(&self, token: &Token<'_>, door: &Door) -> Vec<(&Key, &Signer, &Grant)> {
        let algorithm = token.header.algorithm.as_deref();
        let algorithm = algorithm.and_then(Algorithm::parse);
        let keys = self.keys.iter().filter(|key| door.takes(&key.name));
        let signers = keys
            .flat_map(|key| key.signers().iter().map(move |(signer, grant)| (key, signer, grant)));
        let of_algorithm = signers.filter(|(_, signer, _)| Some(signer.algorithm) == algorithm);
        let mut all: Vec<_> = of_algorithm.collect();
        let id = token.header.key_id.as_deref();
        if id.is_some() || all.len() > 1 {
            all.retain(|(_, signer, _)| signer.id.as_deref() == id);
        }
        all
    }

    /// Adds the static key `secret`, which is kept as a digest.
    pub fn add_static(&mut self, name: &str, secret: &Secret, rights: Rights) {
        let digest = static_digest(secret.expose());
        let (name, rights) = (Arc::from(name), Arc::new(rights.of_subject(Some(name))));
        let grant = Grant::new(Arc::clone(&name), print_of(&digest, &rights), Arc::clone(&rights));
        let grant = grant.of_subject(Some(&name));
        self.keys.push(Key { name, rights, proof: Proof::Static { digest, grant } });
    }

    /// Adds the password of `user`, which is kept as a digest.
    pub fn add_password(&mut self, name: &str, user: &str, password: &Secret, rights: Rights) {
        let digest = password_digest(user, password.expose());
        let (name, rights) = (Arc::from(name), Arc::new(rights.of_subject(Some(user))));
        let grant = Grant::new(Arc::clone(&name), print_of(&digest, &rights), Arc::clone(&rights));
        let grant = grant.of_subject(Some(user));
        self.keys.push(Key { name, rights, proof: Proof::Password { digest, grant } });
    }

    /// Adds a key of tokens that are signed with `secret`.
    ///
    /// # Errors
    ///
    /// It would vouch for nobody, or for anybody.
    pub fn add_hmac(
        &mut self,
        name: &str,
        algorithm: Algorithm,
        id: Option<&str>,
        expected: Expected,
        secret: &Secret,
        rights: Rights,
    ) -> Result<(), BadKey> {
        let signer = Signer::of_secret(algorithm, id, secret.expose())?;
        self.add_tokens(name, vec![signer], expected, rights)
    }

    /// Adds a key of tokens whose signer's public key is the file `pem`.
    ///
    /// # Errors
    ///
    /// It would vouch for nobody, or for anybody.
    pub fn add_public(
        &mut self,
        name: &str,
        algorithm: Algorithm,
        id: Option<&str>,
        expected: Expected,
        pem: &[u8],
        rights: Rights,
    ) -> Result<(), BadKey> {
        let signer = Signer::of_pem(algorithm, id, pem)?;
        self.add_tokens(name, vec![signer], expected, rights)
    }

    /// Adds a key of tokens whose signers are those of the JWK set `set`; those of them that do not
    /// say how they sign do it by `otherwise`.
    ///
    /// # Errors
    ///
    /// It would vouch for nobody, or for anybody.
    pub fn add_jwks(
        &mut self,
        name: &str,
        otherwise: Option<Algorithm>,
        expected: Expected,
        set: &[u8],
        rights: Rights,
    ) -> Result<(), BadKey> {
        self.add_tokens(name, jwk::signers(set, otherwise)?, expected, rights)
    }

    fn add_tokens(
        &mut self,
        name: &str,
        signers: Vec<Signer>,
        expected: Expected,
        rights: Rights,
    ) -> Result<(), BadKey> {
        for signer in &signers {
            if let Some(other) = self.duplicate(signer, &expected) {
                return Err(BadKey::Duplicate { other });
            }
        }
        let (name, rights): (Arc<str>, _) = (Arc::from(name), Arc::new(rights));
        let said = [&expected.issuer, &expected.audience].map(|it| it.as_deref().unwrap_or(""));
        let with_grant = |signer: Signer| {
            let print = [signer.print().bytes(), said[0].as_bytes(), said[1].as_bytes()];
            let print = print_of(&Digest::of(&print), &rights);
            let grant = Grant::new(Arc::clone(&name), print, Arc::clone(&rights));
            (signer, grant)
        };
        let all = signers.into_iter().map(with_grant).collect();
        let proof = Proof::Tokens(Arc::new(Signers { all, expected }));
        self.keys.push(Key { name, rights, proof });
        Ok(())
    }

    /// The key of which a token could be as well as of `signer`.
    fn duplicate(&self, signer: &Signer, expected: &Expected) -> Option<Arc<str>> {
        let is_same = |(other, _): &(Signer, Grant)| {
            other.algorithm == signer.algorithm && other.id == signer.id
        };
        let mut keys = self.keys.iter().filter(|key| match &key.proof {
            Proof::Tokens(signers) => !signers.expected.excludes(expected),
            Proof::Static { .. } | Proof::Password { .. } => false,
        });
        keys.find(|key| key.signers().iter().any(is_same)).map(|key| Arc::clone(&key.name))
    }
}

fn static_digest(secret: &[u8]) -> Digest {
    Digest::of(&[b"static", secret])
}

fn password_digest(user: &str, password: &[u8]) -> Digest {
    Digest::of(&[b"password", user.as_bytes(), password])
}
