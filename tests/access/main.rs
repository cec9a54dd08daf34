//! Who may come in, and who may not: by each way, at each place, with the real binary over real
//! sockets.

#[path = "../sim/dice.rs"]
mod dice;
#[path = "../support/mod.rs"]
mod support;

mod admission;
mod canary;
mod matrix;
mod mint;
mod mutants;
mod refusal;
mod reload;
mod rig;
mod ways;
