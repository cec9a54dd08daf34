//! Why a credential lets nobody in.
//!
//! Knows: what its holder may be told of it.
//! Must not know: how that is told.

/// Why nobody is let in. What a stranger could learn from is one and the same: `Invalid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// There is no credential.
    Missing,
    /// There are several: which one counts is nobody's guess.
    Several,
    /// No key that counts here vouches for it.
    Invalid,
    /// A key vouches for it, but its time is over.
    Expired,
    /// A key vouches for it, but its time has not come.
    NotYet,
    /// A key vouches for it, but it was revoked, or its holder was.
    Revoked,
    /// Too much was guessed from there.
    Throttled,
}
