//! Rows about WebSocket frames (RFC 6455).

mod case;
mod corpus;
mod session;
