//! One stream for all servers.
//!
//! Knows: what is compared of a stream, and how to count what came of it.
//! Must not know: how streams are made, what may differ.

use crate::compare::{self, Difference, End, Heard, Peer, Seen, check, ours};
use crate::dice::Dice;
use crate::echo;
use crate::frames::Stream;
use crate::{Tally, count};

/// So many-th seeds are sent through a whole engine, too.
const THROUGH_ENGINE: u64 = 8;

/// Panics unless all servers understand the stream of `seed` alike, or differ as is listed.
pub(crate) fn are_the_same_or_listed(seed: u64, tally: &mut Tally) {
    let stream = Stream::generate(&mut Dice::new(seed));
    let Stream { bytes, cuts, limits } = &stream;
    let fail = |wrong: String| panic!("{wrong}\n{stream:02x?}");
    let (whole, fault) = ours::hear(bytes, &[], limits, ours::Way::Anywhere);
    for way in [ours::Way::Anywhere, ours::Way::Room] {
        if ours::hear(bytes, cuts, limits, way) != (whole.clone(), fault) {
            fail(format!("cut, and read {way:?}, it is another stream"));
        }
    }
    check(bytes, limits, &whole).unwrap_or_else(fail);
    for peer in [Peer::Tungstenite, Peer::Fastwebsockets] {
        let compared = compare::compare(peer, bytes, limits, &whole, |input| match peer {
            Peer::Tungstenite => compare::tungstenite::hear(input, cuts, limits),
            Peer::Fastwebsockets => compare::fastwebsockets::hear(input, cuts, limits),
        });
        let differences = compared.unwrap_or_else(|wrong| {
            fail(wrong);
            Vec::new()
        });
        if differences.is_empty() {
            count(tally, format!("{peer:?}: the same"));
        }
        differences.iter().for_each(|one| count(tally, name(peer, *one)));
    }
    let ours = (whole, fault);
    if seed.is_multiple_of(THROUGH_ENGINE) {
        echo::answers_are_understood(&stream, &ours, &mut Dice::new(!seed));
        count(tally, "through an engine");
    }
    count_ours(&ours.0, tally);
    if let Some(fault) = fault {
        count(tally, format!("{fault:?}").split('(').next().unwrap_or_default());
    }
}

fn count_ours(heard: &Heard, tally: &mut Tally) {
    count(
        tally,
        match heard.end {
            End::Open => "left open",
            End::Closed => "closed",
            End::Refused(_) => "refused",
        },
    );
    let messages = heard.events.iter().filter(|seen| matches!(seen, Seen::Message { .. }));
    *tally.entry("messages".to_owned()).or_default() += messages.count() as u64;
}

fn name(peer: Peer, difference: Difference) -> String {
    format!("{peer:?}: {difference:?}")
}

/// Everything that must have come about among many streams: or else they are too tame, or a
/// difference stands on its list that is none.
pub(crate) fn all_that_can_be() -> impl Iterator<Item = String> {
    const FAULTS: [&str; 14] = [
        "ReservedBits",
        "UnknownOpcode",
        "Unmasked",
        "FragmentedControl",
        "LongControl",
        "NonMinimalLength",
        "LengthTopBit",
        "BareContinuation",
        "Interleaved",
        "BadCloseBody",
        "BadCloseCode",
        "BadUtf8",
        "TooBig",
        "TooManyFragments",
    ];
    let names_of =
        |peer: Peer| peer.differences().iter().map(move |difference| name(peer, *difference));
    let faults = FAULTS.iter().copied().map(str::to_owned);
    let peers = [Peer::Tungstenite, Peer::Fastwebsockets];
    faults.chain(peers.into_iter().flat_map(names_of))
}
