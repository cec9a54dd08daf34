//! Names: of connections, rooms and cores, and their short forms.
//!
//! Knows: text, hashes, bits.
//! Must not know: who uses a name for what.

use siphasher::sip::SipHasher13;
use siphasher::sip128::{self, Hasher128};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

/// A keyed hash of a `connectionId`: names outlive connections, and to filter by one, or to leave
/// one out, is a single comparison. The keys are secret and random, so nobody can look for two
/// names with one hash, and by chance two of a million names share one with a probability of
/// 3·10⁻⁸.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Who(pub u64);

impl Who {
    /// No name's hash: of events that nobody registered has sent.
    pub const NOBODY: Who = Who(0);
}

/// The keys of one hub's hashes.
#[derive(Clone, Copy)]
pub struct WhoKeys(u64, u64);

impl WhoKeys {
    /// Keys from the operating system's random source.
    pub fn new(first: u64, second: u64) -> WhoKeys {
        WhoKeys(first, second)
    }

    /// The hash of all of `parts`, one after the other: nobody can look for others that have the
    /// same.
    pub(super) fn print(&self, parts: &[&[u8]]) -> u128 {
        let mut hasher = sip128::SipHasher13::new_with_keys(self.0, self.1);
        for part in parts {
            hasher.write_u64(part.len() as u64);
            hasher.write(part);
        }
        hasher.finish128().as_u128()
    }

    /// Other keys, for something else.
    pub(super) fn others(&self, purpose: &str) -> [u64; 2] {
        let print = self.print(&[b"keys", purpose.as_bytes()]);
        [(print >> 64) as u64, print as u64]
    }

    /// The hash of `name`.
    pub fn who(&self, name: &str) -> Who {
        let mut hasher = SipHasher13::new_with_keys(self.0, self.1);
        hasher.write(name.as_bytes());
        Who(hasher.finish().max(1))
    }
}

impl fmt::Debug for WhoKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WhoKeys(secret)")
    }
}

/// The name a connection is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionId {
    /// Made by us: a UUID v4.
    Uuid([u8; 16]),
    /// Chosen by the client.
    Name(Arc<str>),
    /// No name: what the API publishes comes from nobody who is connected.
    Nobody,
}

impl ConnectionId {
    /// A UUID v4 (RFC 9562 §5.4) of 128 random bits.
    pub fn from_random(random: u128) -> ConnectionId {
        let mut bytes = random.to_be_bytes();
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        ConnectionId::Uuid(bytes)
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectionId::Name(name) => f.write_str(name),
            ConnectionId::Nobody => Ok(()),
            ConnectionId::Uuid(bytes) => {
                for (place, byte) in bytes.iter().enumerate() {
                    let dash = if matches!(place, 4 | 6 | 8 | 10) { "-" } else { "" };
                    write!(f, "{dash}{byte:02x}")?;
                }
                Ok(())
            }
        }
    }
}

/// Names one room for as long as it exists; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RoomKey(pub u64);

impl RoomKey {
    /// The room that everybody is in.
    pub const EVERYONE: RoomKey = RoomKey(0);
}

/// A set of cores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CoreSet(u128);

impl CoreSet {
    /// Whether no core is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The cores 0 to `count` - 1.
    pub fn all(count: usize) -> CoreSet {
        (0..count as u16).fold(CoreSet::default(), |set, core| set.union(CoreSet(1 << core)))
    }

    /// Adds `core`.
    pub fn insert(&mut self, core: u16) {
        self.0 |= 1 << core;
    }

    /// Takes `core` out.
    pub fn remove(&mut self, core: u16) {
        self.0 &= !(1 << core);
    }

    /// Whether `core` is in it.
    pub fn contains(self, core: u16) -> bool {
        self.0 & (1 << core) != 0
    }

    /// The cores of either.
    #[must_use]
    pub fn union(self, other: CoreSet) -> CoreSet {
        CoreSet(self.0 | other.0)
    }

    /// The cores in it, in order.
    pub fn iter(self) -> impl Iterator<Item = u16> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let core = left.trailing_zeros() as u16;
            let some = left != 0;
            left &= left.wrapping_sub(1);
            some.then_some(core)
        })
    }
}

/// For maps whose keys are hashes or counters of our own already.
pub type Identity = BuildHasherDefault<IdentityHasher>;

/// Gives a number back as its own hash.
#[derive(Debug, Default)]
pub struct IdentityHasher(u64);

impl Hasher for IdentityHasher {
    fn finish(&self) -> u64 {
        // std's map takes its control bits from the top: spread a small counter there.
        self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_of_version_4() {
        let id = ConnectionId::from_random(u128::MAX);
        assert_eq!(id.to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(
            ConnectionId::from_random(0).to_string(),
            "00000000-0000-4000-8000-000000000000"
        );
    }

    #[test]
    fn a_name_hashes_to_something_else_under_other_keys() {
        let names: Vec<String> = (0..100).map(|number| format!("name {number}")).collect();
        let under = |first, second| {
            names.iter().map(|name| WhoKeys::new(first, second).who(name)).collect::<Vec<_>>()
        };
        let these = under(1, 2);
        assert_eq!(these, under(1, 2));
        for others in [under(1, 3), under(3, 2)] {
            assert!(these.iter().zip(&others).all(|(this, other)| this != other));
        }
    }

    #[test]
    fn a_set_of_cores_is_a_set() {
        let mut set = CoreSet::default();
        for core in [127, 0, 5, 5] {
            set.insert(core);
        }
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 5, 127]);
        set.remove(5);
        assert!(!set.contains(5) && set.contains(127));
        assert_eq!(CoreSet::default().iter().count(), 0);
    }
}
