//! Keys that a stale holder cannot mistake: slot and generation.
//!
//! Knows: slab.
//! Must not know: what is stored.

use slab::Slab;

/// The generation that no [`Keyed`] ever hands out; the reactor's own tokens are made of it.
const RESERVED: u32 = u32::MAX;

/// Names one connection of one core, for as long as it lives and no longer: a key that outlives its
/// connection finds nothing, even when the slot has a new tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnKey {
    slot: u32,
    generation: u32,
}

const _: () = assert!(usize::BITS == 64, "a token carries slot and generation");

impl ConnKey {
    /// The key as one word, for a readiness event to carry.
    pub fn token(self) -> usize {
        (self.generation as usize) << 32 | self.slot as usize
    }

    /// The key that [`ConnKey::token`] packed; `None` for a token of the reactor's own.
    pub fn from_token(token: usize) -> Option<ConnKey> {
        let generation = (token >> 32) as u32;
        (generation != RESERVED).then_some(ConnKey { slot: token as u32, generation })
    }

    /// A token that is no connection's: the reactor's listeners and wakers.
    pub fn reserved_token(number: u32) -> usize {
        (RESERVED as usize) << 32 | number as usize
    }

    /// Where the connection is kept: small numbers, used again after it is gone.
    pub fn slot(self) -> usize {
        self.slot as usize
    }

    /// The key as one number, the same as its token.
    pub fn as_u64(self) -> u64 {
        self.token() as u64
    }
}

/// A connection anywhere on this node: the core it lives on and its key there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The core's number.
    pub core: u16,
    /// The connection on that core.
    pub key: ConnKey,
}

/// A slab whose keys carry generations.
#[derive(Debug)]
pub struct Keyed<T> {
    slots: Slab<(u32, T)>,
    generation: u32,
}

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Keyed { slots: Slab::new(), generation: 0 }
    }
}

impl<T> Keyed<T> {
    /// Stores `value`, which has to know its own key, and gives that key.
    pub fn insert(&mut self, value: T) -> ConnKey {
        // One counter for all slots: a slot's next tenant always differs from its last.
        self.generation = (self.generation + 1) % RESERVED;
        let slot = self.slots.insert((self.generation, value));
        ConnKey { slot: slot as u32, generation: self.generation }
    }

    /// The value under `key`, if it is still the one that the key was made for.
    pub fn find(&self, key: ConnKey) -> Option<&T> {
        let (generation, value) = self.slots.get(key.slot())?;
        (*generation == key.generation).then_some(value)
    }

    /// Like [`Keyed::find`], to change it.
    pub fn find_mut(&mut self, key: ConnKey) -> Option<&mut T> {
        let (generation, value) = self.slots.get_mut(key.slot())?;
        (*generation == key.generation).then_some(value)
    }

    /// Takes the value out; the key finds nothing from now on.
    pub fn remove(&mut self, key: ConnKey) -> Option<T> {
        self.find(key)?;
        Some(self.slots.remove(key.slot()).1)
    }

    /// The value in `slot` with its key: for lists that hold slots and are kept exact.
    pub fn in_slot(&mut self, slot: u32) -> Option<(ConnKey, &mut T)> {
        let (generation, value) = self.slots.get_mut(slot as usize)?;
        Some((ConnKey { slot, generation: *generation }, value))
    }

    /// No value is in this slot, nor in any after it.
    pub fn slots_end(&self) -> u32 {
        self.slots.capacity() as u32
    }

    /// All values with their keys, by slot.
    pub fn iter(&self) -> impl Iterator<Item = (ConnKey, &T)> {
        self.slots.iter().map(|(slot, (generation, value))| {
            (ConnKey { slot: slot as u32, generation: *generation }, value)
        })
    }

    /// How many values are stored.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether nothing is stored.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_key_finds_nothing_although_its_slot_is_used_again() {
        let mut keyed = Keyed::default();
        let old = keyed.insert("old");
        assert_eq!(keyed.remove(old), Some("old"));
        let new = keyed.insert("new");
        assert_eq!(old.slot(), new.slot());
        assert_eq!(keyed.find(old), None);
        assert_eq!(keyed.find_mut(old), None);
        assert_eq!(keyed.remove(old), None);
        assert_eq!(keyed.find(new), Some(&"new"));
    }

    #[test]
    fn a_token_carries_the_whole_key() {
        let mut keyed = Keyed::default();
        for _ in 0..3 {
            let key = keyed.insert(());
            assert_eq!(ConnKey::from_token(key.token()), Some(key));
        }
        assert_eq!(ConnKey::from_token(ConnKey::reserved_token(7)), None);
    }
}
