//! A whole node: the bytes choose what its clients do, and when what arrives where.
//!
//! Knows: the simulation of `tests/sim`, which also judges.
//! Must not know: what a run does.
//!
//! The seeds of the corpus are runs of the simulation, written down: see `tests/sim/main.rs`.

#[allow(dead_code, unreachable_pub, reason = "the simulation itself uses all of it")]
#[path = "../../tests/sim/node/mod.rs"]
mod node;

use node::dice::Dice;

/// Longer inputs have nothing in them that shorter ones could not have.
const BYTES_MAX: usize = 8 * 1024;

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    let dice = Dice::of_bytes(&data[..data.len().min(BYTES_MAX)]);
    // One input alone is told with all that happens in it.
    let is_traced = std::env::var_os("TIDEGATE_FUZZ_INPUT").is_some();
    node::run(dice, is_traced, &node::Progress::default());
}
