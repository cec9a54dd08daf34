//! The keys that vouch for credentials.
//!
//! Knows: every key, and what it may vouch for.
//! Must not know: where a credential stood.

use super::door::Door;
use super::grant::Grant;
use super::refused::Refused;
use super::rights::Rights;
use super::secret::Secret;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
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

/// A key that vouches for credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What it is called.
    pub name: Arc<str>,
    /// What it may give.
    pub rights: Arc<Rights>,
    digest: [u8; SHA256_OUTPUT_LEN],
}

/// All keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keyring {
    keys: Vec<Key>,
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; SHA256_OUTPUT_LEN] {
    let mut out = [0; SHA256_OUTPUT_LEN];
    for (to, from) in out.iter_mut().zip(digest(&SHA256, bytes).as_ref()) {
        *to = *from;
    }
    out
}

impl Key {
    /// A digest of the key: another key of the same name is another key.
    pub fn print(&self) -> u64 {
        let mut print = [0; 8];
        for (to, from) in print.iter_mut().zip(self.digest) {
            *to = from;
        }
        u64::from_le_bytes(print)
    }
}

impl Keyring {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Each.
    pub fn iter(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
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
        _unix_ms: u64,
    ) -> Result<Grant, Refused> {
        let Presented::Bearer(text) = presented else { return Err(Refused::Invalid) };
        let digest = sha256(text.as_bytes());
        let is_it = |key: &&Key| verify_slices_are_equal(&key.digest, &digest).is_ok();
        let key = self.keys.iter().find(is_it).filter(|key| door.takes(&key.name));
        let key = key.ok_or(Refused::Invalid)?;
        Ok(Grant {
            key: Arc::clone(&key.name),
            key_print: key.print(),
            subject: Some(Box::from(&*key.name)),
            token_id: None,
            issued_ms: None,
            expires_ms: None,
            rights: Arc::clone(&key.rights),
            narrowed: None,
        })
    }

    /// Adds the static key `secret`, which is kept as a digest.
    pub fn add_static(&mut self, name: &str, secret: &Secret, rights: Rights) {
        let digest = sha256(secret.expose());
        self.keys.push(Key { name: Arc::from(name), rights: Arc::new(rights), digest });
    }
}
