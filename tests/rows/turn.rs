//! The loop, its sockets, signals and log: what the system can do to a server.

mod cycles;
mod descriptors;
mod log;
mod names;
mod pause;
mod signals;
mod turns;
