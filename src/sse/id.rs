//! Event ids: `<epoch>-<sequence>`, opaque to clients, of one length.
//!
//! Knows: how an id is written and read.
//! Must not know: what was published under it.

use std::fmt;

/// The number of an event: one more than that of the event committed before it on this node. The
/// first event has 1; 0 is the place before it.
pub type Sequence = u64;

/// Digits of a sequence: 32^11 events are 114 years at ten million a second.
pub const DIGITS: usize = 11;
const EPOCH_BYTES: usize = 7;

/// The length of every id that we write.
pub const ID_BYTES: usize = EPOCH_BYTES + 1 + DIGITS;

/// In the order of their values, so that ids of an epoch sort as their numbers do.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

/// A random word for one lifetime of the log: ids of another lifetime are recognised and never
/// mistaken.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Epoch([u8; EPOCH_BYTES]);

impl Epoch {
    /// The epoch that `seed` stands for.
    pub fn new(seed: u64) -> Epoch {
        let mut word = [0; EPOCH_BYTES];
        write_base32(seed, &mut word);
        Epoch(word)
    }

    /// How it is written in an id.
    pub fn as_bytes(&self) -> &[u8; EPOCH_BYTES] {
        &self.0
    }

    /// The id of the event `sequence`.
    pub fn id(&self, sequence: Sequence) -> [u8; ID_BYTES] {
        let mut id = [b'-'; ID_BYTES];
        id[..EPOCH_BYTES].copy_from_slice(&self.0);
        write_base32(sequence, &mut id[EPOCH_BYTES + 1..]);
        id
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
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
    /// Reads `id`; any bytes at all are an answer, as a client must not be turned away for them.
    pub fn parse(id: &[u8], epoch: &Epoch) -> LastEventId {
        let digits = id
            .strip_prefix(epoch.as_bytes())
            .and_then(|rest| rest.strip_prefix(b"-"))
            .filter(|digits| digits.len() == DIGITS);
        match digits.and_then(read_base32) {
            Some(sequence) => LastEventId::At(sequence),
            None => LastEventId::Unknown,
        }
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
    }
}
