//! What all cores share of authentication: tickets, what was revoked, who guesses.
//!
//! Knows: locks, held for microseconds.
//! Must not know: cores, connections.

/// See the module.
#[derive(Debug, Default)]
pub struct Vault {}
