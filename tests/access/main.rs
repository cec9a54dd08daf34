//! Who may come in, and who may not: by each way, at each place, with the real binary over real
//! sockets, and in a browser. What that needs, `tests/run` installs; without it its tests fail and say
//! so.

// Those who share these with us do more with them.
#[allow(dead_code)]
#[path = "../examples/browser.rs"]
mod browser;
#[allow(dead_code)]
#[path = "../sim/dice.rs"]
mod dice;
mod heads;
#[path = "../support/mod.rs"]
mod support;

mod admission;
mod canary;
mod matrix;
mod mint;
mod mutants;
mod pages;
mod refusal;
mod reload;
mod rig;
mod ways;
