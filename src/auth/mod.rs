//! Who may come in, and what they may do: from a credential to a [`Grant`].
//!
//! Knows: keys, tokens, tickets, what was revoked; time as an argument.
//! Must not know: HTTP, WebSocket, connections, IO, clocks.
//!
//! Where a credential stood in a request is the engine's affair; here it is [`Presented`]. What
//! comes of it is a [`Grant`], shared by whatever was let in with it, or a [`Refused`], which says
//! no more than its holder may know.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason
    )
)]

mod algorithm;
mod answer;
mod bad_key;
mod claims;
mod digest;
mod door;
mod forward;
mod glob;
mod grant;
mod header;
mod json;
mod jwk;
mod key;
mod keyring;
mod mint;
mod pem;
mod refused;
mod rights;
mod secret;
mod signer;
#[cfg(test)]
mod tests;
mod token;
mod vault;
mod why;

pub use algorithm::{Algorithm, Kind};
pub use bad_key::BadKey;
pub use door::{Access, Door, Refusing};
pub use forward::{BadHeader, BadUrl, Forward, Question, Verdict, Vetted};
pub use glob::{BadGlob, Glob, Globs};
pub use grant::{Grant, Reach, TokenId};
pub use jwk::has_secrets;
pub use key::{Expected, Key};
pub use keyring::{Keyring, Presented};
pub use mint::{Asked, Mint, Order};
pub use refused::Refused;
pub use rights::Rights;
pub use secret::Secret;
pub use token::claims_of;
pub use vault::{Full, Guesses, Revocation, Revocations, Tickets, Vault, Whom};
pub use why::Why;

/// Whole milliseconds of `time`.
fn millis(time: std::time::Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
