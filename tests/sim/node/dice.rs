//! All chance of a run: from a seed, or from bytes that somebody else has chosen.
//!
//! Knows: how many bytes a decision takes, how to write down what was decided.
//! Must not know: what is decided.
//!
//! A decision takes a byte where it can, so that one byte changed in a recorded run is one decision
//! changed. The first byte says how many of the last ones are kept for the end of the run. When all
//! have run out every number is 0 and no chance comes true: the run still comes to its end.

#[path = "../dice.rs"]
#[allow(dead_code, clippy::duplicate_mod, reason = "others use all of it, beside this")]
mod random;

/// A stream of decisions.
#[derive(Clone, Debug)]
pub(crate) struct Dice {
    source: Source,
    words: random::Dice,
}

#[derive(Clone, Debug)]
enum Source {
    Seed(random::Dice),
    /// From a seed, and written down as bytes that lead to the same; from where on they are for
    /// the end of the run.
    Recorded(random::Dice, Vec<u8>, usize),
    /// These bytes, the next one first; how many are for the end of the run.
    Bytes(std::vec::IntoIter<u8>, usize),
}

impl Dice {
    /// Dice that fall as `seed` says.
    pub(crate) fn new(seed: u64) -> Dice {
        let words = random::Dice::new(!seed);
        Dice { source: Source::Seed(random::Dice::new(seed)), words }
    }

    /// The same, and [`Dice::record`] tells how they fell. What nobody decides, such as the keys of
    /// hashes, is that of [`Dice::of_bytes`].
    pub(crate) fn recorded(seed: u64) -> Dice {
        let source = Source::Recorded(random::Dice::new(seed), Vec::new(), usize::MAX);
        Dice { source, words: random::Dice::new(0) }
    }

    /// Dice that fall as `bytes` say.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Dice {
        let mut bytes = Vec::from(bytes).into_iter();
        let kept = bytes.next().map_or(0, usize::from);
        Dice { source: Source::Bytes(bytes, kept), words: random::Dice::new(0) }
    }

    /// How they have fallen, for [`Dice::of_bytes`].
    pub(crate) fn record(&self) -> Vec<u8> {
        let Source::Recorded(_, record, end) = &self.source else { return Vec::new() };
        let kept = record.len().saturating_sub(*end).min(255);
        [&[kept as u8], record.as_slice()].concat()
    }

    /// The end of the run begins.
    pub(crate) fn note_end(&mut self) {
        if let Source::Recorded(_, record, end) = &mut self.source {
            *end = record.len();
        }
    }

    /// Whether there are bytes, and none is left but for the end of the run.
    pub(crate) fn is_spent(&self) -> bool {
        matches!(&self.source, Source::Bytes(bytes, kept) if bytes.len() <= *kept)
    }

    /// How many events a run may have; bytes end it themselves.
    pub(crate) fn steps(&mut self) -> usize {
        match &mut self.source {
            Source::Seed(random) | Source::Recorded(random, ..) => random.between(50, 900),
            Source::Bytes(..) => usize::MAX,
        }
    }

    /// Any number, of which nobody decides.
    pub(crate) fn word(&mut self) -> u64 {
        self.words.roll()
    }

    /// A number from 0 to `end` - 1.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let width = match end {
            0..=1 => return 0,
            2..=0x100 => 1,
            0x101..=0x1_0000 => 2,
            _ => 4,
        };
        match &mut self.source {
            Source::Seed(random) => random.below(end),
            Source::Recorded(random, record, _) => {
                let number = random.below(end);
                record.extend_from_slice(&(number as u64).to_le_bytes()[..width]);
                number
            }
            Source::Bytes(bytes, _) => {
                let taken = bytes.take(width).enumerate();
                taken.fold(0, |n, (at, byte)| n | usize::from(byte) << (8 * at)) % end
            }
        }
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// A part of `most`, from 1 to all of it: often all, often a few, sometimes a share.
    pub(crate) fn part(&mut self, most: usize) -> usize {
        if most <= 1 {
            return most;
        }
        match self.below(256) {
            0..=63 => most,
            few @ 64..=191 => most.min(few - 63),
            share => (most * (share - 191) / 65).max(1),
        }
    }

    /// True in so many of a hundred cases.
    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) >= 100 - percent
    }

    /// One of these.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

#[test]
fn a_record_says_how_the_dice_fell() {
    let throw = |dice: &mut Dice| {
        let ends = [1, 2, 100, 256, 257, 65_536, 65_537, 1 << 20].repeat(10);
        ends.into_iter().map(|end| dice.below(end)).collect::<Vec<_>>()
    };
    let mut first = Dice::recorded(7);
    let fell = throw(&mut first);
    assert!(fell.iter().any(|number| *number > 65_536));
    first.note_end();
    let end = throw(&mut first);
    let mut again = Dice::of_bytes(&first.record());
    assert_eq!(throw(&mut again), fell);
    assert_eq!(throw(&mut again), end);
    assert_eq!(throw(&mut again), vec![0; fell.len()]);
    assert_eq!(throw(&mut Dice::new(7)), fell, "recording changes nothing");
}

#[test]
fn the_last_bytes_are_kept_for_the_end() {
    let mut dice = Dice::of_bytes(&[2, 5, 6, 7]);
    assert!(!dice.is_spent());
    assert_eq!(dice.below(256), 5);
    assert!(dice.is_spent());
    assert_eq!([dice.below(256), dice.below(256), dice.below(256)], [6, 7, 0]);
    assert!(Dice::of_bytes(&[]).is_spent());
}
