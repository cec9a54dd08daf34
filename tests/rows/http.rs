//! Rows about HTTP heads, bodies, handshakes.

mod corpus;
mod desync;
mod echoes;
mod forwarded;
mod handshake;
mod heads;
mod limits;
mod methods;
mod names;
mod pipelines;
mod said;
mod slow;
mod strangers;
mod targets;
