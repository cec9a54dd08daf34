//! Digests, and whether two of them are the same.
//!
//! Knows: SHA-256; how to compare without telling how far it went.
//! Must not know: what is digested.
//!
//! Nothing that is secret is compared by anything but [`same`]: `tests/tidy.rs` looks for other
//! ways in this folder.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA256, SHA256_OUTPUT_LEN};
use std::fmt;

/// Whether these are the same. How long that takes does not depend on where they differ.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    verify_slices_are_equal(one, other).is_ok()
}

/// SHA-256 of some texts, each with its length, so that none can pass for another.
#[derive(Clone, Copy)]
pub(super) struct Digest([u8; SHA256_OUTPUT_LEN]);

impl Digest {
    /// That of `texts`.
    pub(super) fn of(texts: &[&[u8]]) -> Digest {
        let mut context = Context::new(&SHA256);
        for text in texts {
            context.update(&(text.len() as u64).to_be_bytes());
            context.update(text);
        }
        let mut out = [0; SHA256_OUTPUT_LEN];
        out.iter_mut().zip(context.finish().as_ref()).for_each(|(to, from)| *to = *from);
        Digest(out)
    }

    /// Whether it is `other`.
    pub(super) fn is(&self, other: &Digest) -> bool {
        same(&self.0, &other.0)
    }

    /// Its first bytes: what tells one thing from another where nothing is at stake.
    pub(super) fn short(&self) -> u64 {
        let first = self.0.first_chunk();
        first.map_or(0, |first| u64::from_be_bytes(*first))
    }

    /// All of it, for whoever has to find a thing by it.
    pub(super) fn whole(&self) -> [u8; SHA256_OUTPUT_LEN] {
        self.0
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Digest) -> bool {
        self.is(other)
    }
}

impl Eq for Digest {}

/// Even a digest lets one try passwords.
impl fmt::Debug for Digest {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Digest(***)")
    }
}

/// What tells `text` from others where nothing is at stake.
pub(super) fn first_bytes(text: &[u8]) -> u64 {
    Digest::of(&[text]).short()
}
