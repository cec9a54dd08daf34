//! Rows about WebSocket frames (RFC 6455).

mod case;
mod closing;
mod corpus;
mod floods;
mod json;
mod rooms;
mod session;
