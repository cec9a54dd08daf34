//! What a URL path means on the WebSocket side.
//!
//! Knows: path segments, names of rooms, what a route may be set to.
//! Must not know: connections, HTTP beyond a path and a query, IO, clocks.
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

mod keyword;
mod pattern;
mod route;
mod table;

pub use keyword::Keyword;
pub use pattern::{BadPattern, Pattern, Places};
pub use route::{Behaviour, Broadcast, Duplicate, Names, Replies, Route};
pub use table::{Clash, Found, Table};

use crate::limits::Limits;

/// The room of `/`.
pub const MAIN_ROOM: &str = "main";

/// What no room of a client's can be called: the room that everybody is in.
pub const EVERYONE: &str = "*";

/// Why a path is no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// There is nothing at this path.
    Unknown,
    /// The room's name is empty, too long, or has control characters.
    BadRoom,
}

/// Whether a client's room can be called `name`: 1 byte to the limit, no control characters, and
/// not [`EVERYONE`].
pub fn is_room_name(name: &str, limits: &Limits) -> bool {
    (1..=limits.room_name_bytes_max).contains(&name.len())
        && !name.chars().any(char::is_control)
        && name != EVERYONE
}

/// Whether a connection can be called `id`: 1 byte to the limit, no control characters.
pub fn is_connection_id(id: &str, limits: &Limits) -> bool {
    (1..=limits.connection_id_bytes_max).contains(&id.len()) && !id.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_their_limits() {
        let limits = Limits::default();
        for (length, fits) in [(0, false), (1, true), (127, true), (128, true), (129, false)] {
            assert_eq!(is_room_name(&"x".repeat(length), &limits), fits);
            assert_eq!(is_room_name(&"*".repeat(length), &limits), fits && length != 1);
            assert_eq!(is_connection_id(&"x".repeat(length), &limits), fits);
        }
    }
}
