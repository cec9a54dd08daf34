//! `tidegate connect`: a real process, in pipes and at a terminal, against the real server and against
//! one that does as the test says.

mod client;
mod ends;
mod handshakes;
mod pipes;
mod scripted;
mod terminals;
mod tokens;

#[path = "../support/mod.rs"]
mod support;
