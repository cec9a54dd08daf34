//! Who guesses: peers whose credentials were bad too often.
//!
//! Knows: addresses, as keyed hashes.
//! Must not know: what was guessed.

use super::Desk;
use crate::engine::chronicle::Whence;
use crate::engine::conn::{Conn, State};
use core::net::IpAddr;
use std::num::NonZeroU64;

/// Where a connection came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Peer {
    whence: Whence,
    /// As the vault calls it.
    name: Option<NonZeroU64>,
}

impl Peer {
    /// As others call it.
    pub(super) fn address(&self) -> IpAddr {
        self.whence.address()
    }

    pub(in crate::engine) fn whence(&self) -> Whence {
        self.whence
    }
}

impl Conn {
    /// Where it came from, as long as it asks for anything.
    pub(in crate::engine) fn peer(&self) -> Option<Peer> {
        let State::Http(http) = &self.state else { return None };
        Some(http.peer)
    }
}

impl Desk {
    /// What a peer from there is called. This machine has no name: whoever guesses there need
    /// not, and all that come through a proxy would share it.
    pub(in crate::engine) fn peer(&self, whence: Whence) -> Peer {
        let address = whence.address();
        if address.is_loopback() {
            return Peer { whence, name: None };
        }
        let guesses = &self.setup.vault.guesses;
        let name = match address {
            IpAddr::V4(address) => guesses.address(&address.octets()),
            IpAddr::V6(address) => guesses.address(&address.octets()),
        };
        Peer { whence, name: NonZeroU64::new(name) }
    }

    /// Whether a credential from there is looked at; if not, in how many seconds it will be.
    pub(super) fn may_try(&self, peer: Option<Peer>) -> Result<(), u64> {
        let Some(address) = peer.and_then(|peer| peer.name) else { return Ok(()) };
        let guesses = &self.setup.vault.guesses;
        let per_minute = self.limits.bad_credentials_max as u32;
        guesses.may_try(address.get(), self.now.monotonic, per_minute).map_err(|wait| {
            // A client that comes back a little early is refused once more.
            wait.as_secs().saturating_add(1)
        })
    }

    /// A credential from there was bad.
    pub(super) fn note_bad(&self, peer: Option<Peer>) {
        let Some(address) = peer.and_then(|peer| peer.name) else { return };
        let per_minute = self.limits.bad_credentials_max as u32;
        self.setup.vault.guesses.note_bad(address.get(), self.now.monotonic, per_minute);
    }
}
