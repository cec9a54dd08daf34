//! `tidegate connect` and `tidegate tap`: real processes, in pipes and at a terminal, against the
//! real server and against one that does as the test says.

mod client;
mod ends;
mod handshakes;
mod pipes;
mod scripted;
mod tap;
mod tap_breaks;
mod tap_refusals;
mod tap_terminal;
mod tapper;
mod terminals;
mod tokens;

#[path = "../support/mod.rs"]
mod support;
