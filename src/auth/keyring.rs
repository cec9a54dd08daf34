//! The keys that vouch for credentials.
//!
//! Knows: every key, and what it may vouch for.
//! Must not know: where a credential stood.

use super::door::Door;
use super::grant::Grant;
use super::refused::Refused;
use super::rights::Rights;
use super::secret::Secret;
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
}

/// All keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keyring {
    keys: Vec<Key>,
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
        _presented: Presented<'_>,
        _door: &Door,
        _unix_ms: u64,
    ) -> Result<Grant, Refused> {
        Err(Refused::Invalid)
    }

    /// Adds the static key `secret`, which is kept as a digest.
    pub fn add_static(&mut self, name: &str, _secret: &Secret, rights: Rights) {
        self.keys.push(Key { name: Arc::from(name), rights: Arc::new(rights) });
    }
}
