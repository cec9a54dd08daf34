//! `Last-Event-ID`: what we wrote is read, and nothing else is taken for it.
//!
//! Knows: eight bytes are the seed of the epoch, eight a number; the rest is what a client says.
//! Must not know: what was published.

use tidegate::sse::{Epoch, ID_BYTES, LastEventId};

/// Eleven digits of base 32.
const SEQUENCES: u64 = 1 << 55;

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    let Some((seed, rest)) = data.split_first_chunk::<8>() else { return };
    let Some((number, said)) = rest.split_first_chunk::<8>() else { return };
    let epoch = Epoch::new(u64::from_be_bytes(*seed));
    let number = u64::from_be_bytes(*number) % SEQUENCES;
    let id = epoch.id(number);
    assert_eq!(naive(&id, &epoch), LastEventId::At(number));
    // What the client says alone, behind our own beginning, and over the end of our own id.
    let keep = id.len().saturating_sub(said.len());
    for text in [said.to_vec(), [&id[..8], said].concat(), [&id[..keep], said].concat()] {
        let read = LastEventId::parse(&text, &epoch);
        if text.get(7) == Some(&b'.') {
            continue;
        }
        assert_eq!(read, naive(&text, &epoch), "{}", text.escape_ascii());
        if let LastEventId::At(sequence) = read {
            assert_eq!(epoch.id(sequence), *text, "one number, one id");
        }
    }
    assert_eq!(LastEventId::parse(&id, &epoch), LastEventId::At(number));
    sealed_ids_are_read(number, said, &epoch);
    foreign_ids_are_unknown(u64::from_be_bytes(*seed), number, &epoch);
}

/// An id with any end: what is read, if anything, is what is written so.
fn sealed_ids_are_read(number: u64, said: &[u8], epoch: &Epoch) {
    let (event, place) = (epoch.sealed_id(number), epoch.sealed_place(number, !number));
    for id in [event.as_slice(), place.as_slice()] {
        assert_eq!(LastEventId::parse(id, epoch), LastEventId::At(number));
        let keep = id.len().saturating_sub(said.len());
        let text = [&id[..keep], said].concat();
        // An end that is as long as all of it may be an id of the other kind.
        if text.get(7) != Some(&b'.') {
            continue;
        }
        let read = LastEventId::parse(&text, epoch);
        assert_eq!(read, LastEventId::parse_sealed(&text, epoch), "it begins as a sealed one");
        let LastEventId::At(sequence) = read else { continue };
        let salt = text[8..19].iter().fold(0, |salt, digit| {
            salt << 5 | "0123456789abcdefghijklmnopqrstuv".find(char::from(*digit)).unwrap() as u64
        });
        let written = [&epoch.sealed_id(sequence)[..], &epoch.sealed_place(sequence, salt)];
        assert!(written.contains(&text.as_slice()), "{}", text.escape_ascii());
    }
}

/// Letter by letter, with the digits looked up in a list.
fn naive(text: &[u8], epoch: &Epoch) -> LastEventId {
    let Some((word, digits)) = str::from_utf8(text).ok().and_then(|text| text.split_once('-'))
    else {
        return LastEventId::Unknown;
    };
    if word.as_bytes() != epoch.as_bytes() || text.len() != ID_BYTES {
        return LastEventId::Unknown;
    }
    let mut number = 0u128;
    for digit in digits.chars() {
        let Some(value) = "0123456789abcdefghijklmnopqrstuv".find(digit) else {
            return LastEventId::Unknown;
        };
        number = number * 32 + value as u128;
    }
    LastEventId::At(number as u64)
}

/// An epoch is 35 bits of its seed.
fn foreign_ids_are_unknown(seed: u64, number: u64, epoch: &Epoch) {
    for bit in 0..35 {
        let foreign = Epoch::new(seed ^ 1 << bit).id(number);
        assert_eq!(LastEventId::parse(&foreign, epoch), LastEventId::Unknown);
    }
}
