//! One WebSocket's input for us and for fastwebsockets: the same messages, or both refuse, or a
//! difference that is on the list.
//!
//! Knows: the same bytes as for tungstenite.
//! Must not know: what may differ.

use super::compare::{Peer, fastwebsockets};
use super::differential_tungstenite::differ;

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    differ(data, Peer::Fastwebsockets, fastwebsockets::hear);
}
