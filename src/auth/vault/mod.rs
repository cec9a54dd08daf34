//! What all cores share of authentication: tickets, what was revoked, who guesses.
//!
//! Knows: locks, held for microseconds; time as an argument.
//! Must not know: cores, connections, requests.
//!
//! Each store has a lock of its own, and each is bounded. Nothing in it outlives the process, and
//! nothing that is decided here is decided twice: a ticket that two cores redeem at once lets one
//! of them in; what is revoked is revoked for whoever looks afterwards.

mod guesses;
mod revocations;
mod tickets;

pub use guesses::Guesses;
pub use revocations::{Revocation, Revocations, Whom};
pub use tickets::Tickets;

use aws_lc_rs::hmac;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// See the module.
#[derive(Debug)]
pub struct Vault {
    /// Credentials that are good once.
    pub tickets: Tickets,
    /// What is good no more, though a key vouches for it.
    pub revocations: Revocations,
    /// From where bad credentials came of late.
    pub guesses: Guesses,
}

/// A store holds as much as it may. Nothing goes to make room: its owner is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

impl Vault {
    /// An empty one, whose tickets nobody can make who does not know `secret`: from the system's
    /// random source, and told to nobody.
    pub fn new(secret: [u8; 32]) -> Vault {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let of_addresses = hmac::sign(&key, b"addresses");
        Vault {
            guesses: Guesses::new(of_addresses.as_ref()),
            revocations: Revocations::default(),
            tickets: Tickets::new(key),
        }
    }

    /// Forgets what is over, or much of it: nobody waits long for a lock meanwhile, nor for us.
    pub fn tidy(&self, now_ms: u64) {
        const VISITS_MAX: usize = 256;
        for _ in 0..VISITS_MAX {
            let more = [self.tickets.tidy(now_ms), self.revocations.tidy(now_ms)];
            if more == [false; 2] {
                return;
            }
        }
    }
}

/// One whose secret everybody knows, for tests.
impl Default for Vault {
    fn default() -> Vault {
        Vault::new([0; 32])
    }
}

/// Nothing that is done under a lock of ours can panic half-way.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// So much that is over goes with each visit: more than can have come since the last.
const TIDIED_MAX: usize = 16;

#[cfg(test)]
mod tests;
