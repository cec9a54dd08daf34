//! The WebSocket protocol, as far as one connection can see it (RFC 6455).
//!
//! Knows: the handshake, extensions, frames, masks, compression, UTF-8, close codes, and which
//! fault is answered with which.
//! Must not know: HTTP beyond what a handshake offers, what messages mean, sockets, time.
//!
//! The decoders here neither wait nor keep what they are given: `Ok(None)` means that more bytes
//! are needed, and a [`Fault`] is found at the first byte that proves it.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason
    )
)]

pub mod close;
pub mod deflate;
mod event;
pub mod extension;
mod farewell;
mod fault;
pub mod frame;
pub mod handshake;
pub mod mask;
mod session;
pub mod subprotocol;
pub mod utf8;

pub use event::{Event, Payload};
pub use farewell::Farewell;
pub use fault::Fault;
pub use session::{Session, Tools};
