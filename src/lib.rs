//! Tidegate: WebSocket messages in, Server-Sent Events out.
#![forbid(unsafe_code)]

pub mod bytes;
pub mod config;
pub mod engine;
pub mod http;
pub mod hub;
pub mod json;
pub mod limits;
pub mod metrics;
pub mod reactor;
pub mod routes;
pub mod sse;
pub mod ws;
