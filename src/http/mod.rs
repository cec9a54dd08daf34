//! The server's side of HTTP/1.1 and 1.0 (RFC 9110, RFC 9112): heads, bodies and responses, as
//! bytes.
//!
//! Knows: requests, their framing, faults, responses, dates as numbers.
//! Must not know: WebSocket, SSE, the engine, sockets, clocks, threads.
//!
//! A request passes three types, each of which takes what came in any number of pieces:
//!
//! 1. [`HeadScan`] finds where the head ends;
//! 2. [`Request::parse`] reads the whole head, borrowed, and refuses whatever two implementations
//!    might understand differently (that is what request smuggling lives on);
//! 3. [`Decoder`] yields the body as [`Framing`] says.
//!
//! What is wrong with a request is a [`Fault`]; [`Response`] writes an answer in one piece.
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

mod accept;
mod body;
mod date;
mod fault;
mod fields;
mod head;
mod host;
mod request;
mod response;
mod status;
mod target;
mod token;

pub use body::{Decoder, Framing, Step};
pub use date::{DATE_BYTES, HttpDate};
pub use fault::Fault;
pub use head::HeadScan;
pub use host::Host;
pub use request::{Method, Request, Version};
pub use response::{CONTINUE, Response, Terms, problem_body};
pub use status::Status;
