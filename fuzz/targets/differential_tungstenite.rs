//! One WebSocket's input for us and for tungstenite: the same messages, or both refuse, or a
//! difference that is on the list.
//!
//! Knows: the first byte chooses limits, the second how the rest, which is what a client sends, is
//! cut.
//! Must not know: what may differ.

use super::compare::{Heard, Peer, check, compare, ours, tungstenite};
use tidegate::limits::Limits;

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    differ(data, Peer::Tungstenite, tungstenite::hear);
}

/// Panics where we and `peer` differ by what is not on its list.
pub(super) fn differ(data: &[u8], peer: Peer, listen: impl Fn(&[u8], &[usize], &Limits) -> Heard) {
    let [knobs, piece, input @ ..] = data else { return };
    let limits = Limits {
        message_bytes_max: [125, 126, 5000, 65_536][usize::from(knobs & 3)],
        fragments_max: [1, 2, 5, 128][usize::from(knobs >> 2 & 3)],
        ..Limits::default()
    };
    let cuts: Vec<usize> = match piece {
        0 => Vec::new(),
        step => (0..input.len()).step_by(usize::from(*step)).collect(),
    };
    let (whole, fault) = ours::hear(input, &[], &limits, ours::Way::Anywhere);
    for way in [ours::Way::Anywhere, ours::Way::Room] {
        assert_eq!(ours::hear(input, &cuts, &limits, way), (whole.clone(), fault), "{way:?}");
    }
    check(input, &limits, &whole).unwrap_or_else(|wrong| panic!("{wrong}"));
    compare(peer, input, &limits, &whole, |input| listen(input, &cuts, &limits))
        .unwrap_or_else(|wrong| panic!("{wrong}"));
}
