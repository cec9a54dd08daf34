//! Server-Sent Events: one event, its id, and what is between events.
//!
//! Knows: the event stream format of the HTML standard, section 9.2; ids of events.
//! Must not know: rooms, connections, HTTP, sockets, clocks.
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

mod encode;
mod id;
mod seal;

pub use encode::{
    Kind, MESSAGE_HEAD_BYTES, binary_event, event, event_length, expired_event, gap_event,
    message_event, message_head, position_block, retry_line, sequence_digits,
};
pub use id::{DIGITS, Epoch, ID_BYTES, LastEventId, PLACE_BYTES, Sequence, write_digits};

/// A heartbeat: a comment line without the blank line that some clients make an empty event of.
pub const HEARTBEAT: &[u8] = b":\n";
