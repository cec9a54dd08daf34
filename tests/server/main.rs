//! The promises of PROTOCOL.md, kept by the real binary over real sockets.

#[path = "../support/mod.rs"]
mod support;

mod admission;
mod api;
mod chat;
mod check;
mod closes;
mod config;
mod demo;
mod forward;
mod framing;
mod http;
mod insecure;
mod keys;
mod lifetime;
mod limits;
mod log;
mod metrics;
mod ready;
mod refusals;
mod relay;
mod reload;
mod replaced;
mod resources;
mod rooms;
mod start;
mod stop;
mod streams;
