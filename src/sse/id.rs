//! Event ids: `<epoch>-<sequence>`, opaque to clients, of one length.
//!
//! Knows: how an id is written and read.
//! Must not know: what was published under it, who may read which.
//!
//! Whoever may not read everything gets *sealed* ids, `<epoch>.<digits>`, of which nobody can tell
//! how many events were committed between two of them. A place between events, as a position or a
//! gap tells it, is sealed with a salt in front, `<epoch>.<salt><digits>`: told twice it looks
//! different, so that it does not even show whether anything was committed in between.

use super::seal::Seal;
use std::fmt;

/// The number of an event: one more than that of the event committed before it on this node. The
/// first event has 1; 0 is the place before it.
pub type Sequence = u64;

/// Digits of a sequence: 32^11 events are 114 years at ten million a second.
pub const DIGITS: usize = 11;
const EPOCH_BYTES: usize = 7;

/// The length of every id of an event that we write.
pub const ID_BYTES: usize = EPOCH_BYTES + 1 + DIGITS;

/// The length of a sealed id of a place between events.
pub const PLACE_BYTES: usize = ID_BYTES + DIGITS;

/// In the order of their values, so that ids of an epoch sort as their numbers do.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// What stands in the place of a salt for the id of an event. No salt has so many bits.
const OF_EVENT: u64 = 1 << 63;

/// A random word for one lifetime of the log: ids of another lifetime are recognised and never
/// mistaken. And what ids are sealed with in it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Epoch {
    word: [u8; EPOCH_BYTES],
    seal: Seal,
}

impl Epoch {
    /// The epoch that `seed` stands for; whoever knows it can open what is sealed.
    pub fn new(seed: u64) -> Epoch {
        Epoch::sealed_by(seed, [seed, 0])
    }

    /// The same, where `keys`, which nobody may know, seal.
    pub fn sealed_by(seed: u64, keys: [u64; 2]) -> Epoch {
        let mut word = [0; EPOCH_BYTES];
        write_base32(seed, &mut word);
        Epoch { word, seal: Seal::new(keys) }
    }

    /// How it is written in an id.
    pub fn as_bytes(&self) -> &[u8; EPOCH_BYTES] {
        &self.word
    }

    /// The id of the event `sequence`.
    pub fn id(&self, sequence: Sequence) -> [u8; ID_BYTES] {
        let mut id = [b'-'; ID_BYTES];
        id[..EPOCH_BYTES].copy_from_slice(&self.word);
        write_base32(sequence, &mut id[EPOCH_BYTES + 1..]);
        id
    }

    /// The sealed id of the event `sequence`.
    pub fn sealed_id(&self, sequence: Sequence) -> [u8; ID_BYTES] {
        let mut id = [b'.'; ID_BYTES];
        id[..EPOCH_BYTES].copy_from_slice(&self.word);
        write_base32(self.seal.seal(OF_EVENT, sequence), &mut id[EPOCH_BYTES + 1..]);
        id
    }

    /// The sealed id of the place behind the event `sequence`; `salt` is random.
    pub fn sealed_place(&self, sequence: Sequence, salt: u64) -> [u8; PLACE_BYTES] {
        let salt = salt & SALT;
        let mut id = [b'.'; PLACE_BYTES];
        id[..EPOCH_BYTES].copy_from_slice(&self.word);
        write_base32(salt, &mut id[EPOCH_BYTES + 1..ID_BYTES]);
        write_base32(self.seal.seal(salt, sequence), &mut id[ID_BYTES..]);
        id
    }

    /// What a sealed id stands for; `None` if it is not one of this epoch.
    fn open(&self, id: &[u8]) -> Option<Sequence> {
        let digits = id.strip_prefix(&self.word)?.strip_prefix(b".")?;
        const SALTED: usize = 2 * DIGITS;
        let (salt, sealed) = match digits.len() {
            DIGITS => (OF_EVENT, read_base32(digits)?),
            SALTED => {
                let (salt, sealed) = digits.split_at_checked(DIGITS)?;
                (read_base32(salt)?, read_base32(sealed)?)
            }
            _ => return None,
        };
        Some(self.seal.open(salt, sealed))
    }
}

/// The bits that a salt can have.
const SALT: u64 = (1 << (5 * DIGITS)) - 1;

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.word))
    }
}

/// Writes `sequence` over the digits of an id.
pub fn write_digits(sequence: Sequence, digits: &mut [u8; DIGITS]) {
    write_base32(sequence, digits);
}

fn write_base32(mut value: u64, digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        if let Some(letter) = ALPHABET.get((value % 32) as usize) {
            *digit = *letter;
        }
        value /= 32;
    }
}

/// What a client says it saw last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastEventId {
    /// An event of this epoch, or of the future.
    At(Sequence),
    /// An id of another epoch, or none that we ever wrote. What was missed cannot be known.
    Unknown,
}

impl LastEventId {
    /// Reads `id`, sealed or not; any bytes at all are an answer, as a client must not be turned
    /// away for them.
    pub fn parse(id: &[u8], epoch: &Epoch) -> LastEventId {
        let digits = id
            .strip_prefix(epoch.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"-"))
            .filter(|digits| digits.len() == DIGITS);
        match digits.and_then(read_base32) {
            Some(sequence) => LastEventId::At(sequence),
            None => LastEventId::parse_sealed(id, epoch),
        }
    }

    /// Reads a sealed `id`, and knows no other: who could choose a number would find out, by what
    /// comes behind it, how many events there are.
    pub fn parse_sealed(id: &[u8], epoch: &Epoch) -> LastEventId {
        epoch.open(id).map_or(LastEventId::Unknown, LastEventId::At)
    }
}

fn read_base32(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0u64, |value, digit| {
        let digit_value = ALPHABET.binary_search(digit).ok()?;
        Some(value << 5 | digit_value as u64)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn an_id_is_read_as_it_was_written(seed: u64, sequence in 0u64..1 << 55) {
            let epoch = Epoch::new(seed);
            let id = epoch.id(sequence);
            prop_assert_eq!(LastEventId::parse(&id, &epoch), LastEventId::At(sequence));
        }

        #[test]
        fn a_sealed_id_is_read_as_it_was_written(
            seed: u64,
            keys: [u64; 2],
            sequence in 0u64..1 << 55,
            salt: u64,
        ) {
            let epoch = Epoch::sealed_by(seed, keys);
            let (event, place) = (epoch.sealed_id(sequence), epoch.sealed_place(sequence, salt));
            for id in [event.as_slice(), place.as_slice()] {
                prop_assert_eq!(LastEventId::parse(id, &epoch), LastEventId::At(sequence));
                prop_assert_eq!(LastEventId::parse_sealed(id, &epoch), LastEventId::At(sequence));
            }
            let plain = epoch.id(sequence);
            prop_assert_eq!(LastEventId::parse_sealed(&plain, &epoch), LastEventId::Unknown);
            prop_assert!(epoch.sealed_place(sequence, salt ^ 1) != place);
        }

        #[test]
        fn ids_sort_as_their_numbers(a in 0u64..1 << 55, b in 0u64..1 << 55) {
            let epoch = Epoch::new(7);
            prop_assert_eq!(epoch.id(a).cmp(&epoch.id(b)), a.cmp(&b));
        }

        #[test]
        fn any_bytes_are_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            LastEventId::parse(&bytes, &Epoch::new(1));
        }
    }

    #[test]
    fn foreign_ids_are_unknown() {
        let epoch = Epoch::new(1);
        let other = Epoch::new(2).id(5);
        let mine = epoch.id(5);
        let cases: [&[u8]; 8] =
            [b"", b"5", &other, &mine[1..], &mine[..18], b"0000001-0000000000w", b"-", b"\xff\0"];
        for id in cases {
            assert_eq!(LastEventId::parse(id, &epoch), LastEventId::Unknown, "{id:?}");
        }
        let (other, mine) = (Epoch::new(2).sealed_place(5, 7), epoch.sealed_place(5, 7));
        let cases: [&[u8]; 6] =
            [b"0000001.", b"0000001.0000000000w", &other, &mine[1..], &mine[..29], &mine[..18]];
        for id in cases {
            assert_eq!(LastEventId::parse(id, &epoch), LastEventId::Unknown, "{id:?}");
        }
    }

    #[test]
    fn a_sealed_id_shows_neither_number_nor_order() {
        let epoch = Epoch::sealed_by(1, [2, 3]);
        let ids: Vec<_> = (0..100).map(|sequence| epoch.sealed_id(sequence)).collect();
        assert!(!ids.is_sorted() && !ids.iter().rev().is_sorted());
        assert!(ids.iter().all(|id| id.starts_with(b"0000001.")));
        assert_eq!(format!("{epoch:?}"), "0000001", "what seals is never shown");
        // Nor can what stands for an event be told from what a salt makes of it.
        let places: Vec<_> = (0..100).map(|salt| epoch.sealed_place(7, salt)).collect();
        assert!(places.iter().all(|place| place[19..] != ids[7][8..]));
    }
}
