//! What a URL path means on the WebSocket side.
//!
//! Knows: path segments, names of rooms.
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

use crate::limits::Limits;
use std::borrow::Cow;

/// The room of `/`.
pub const MAIN_ROOM: &str = "main";

/// What a message on a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It is published to the room's subscribers.
    Relay,
    /// It goes to the room's members as well; to its sender too if `echo`.
    Broadcast {
        /// Whether the sender gets its own messages.
        echo: bool,
    },
    /// It comes back, and is not published.
    Echo,
}

/// A path that was recognised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// What messages do.
    pub behaviour: Behaviour,
    /// The room they are published to.
    pub room: Option<String>,
}

/// Why a path is no route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoRoute {
    /// There is nothing at this path.
    Unknown,
    /// The room's name is empty, too long, or has control characters.
    BadRoom,
    /// `echo` is neither `true` nor `false`.
    BadEcho,
}

/// Finds the route for the decoded `segments` of a path; `echo` is that query parameter.
pub fn find(
    segments: &[Cow<'_, str>],
    echo: Option<&str>,
    limits: &Limits,
) -> Result<Route, NoRoute> {
    let names: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    let (behaviour, room) = match names.as_slice() {
        [] | [""] => (Behaviour::Relay, Some(MAIN_ROOM)),
        ["ws", room] => (Behaviour::Relay, Some(*room)),
        ["chat", room] => {
            let echo = match echo {
                None | Some("false" | "0") => false,
                Some("true" | "1" | "") => true,
                Some(_) => return Err(NoRoute::BadEcho),
            };
            (Behaviour::Broadcast { echo }, Some(*room))
        }
        ["echo"] => (Behaviour::Echo, None),
        _ => return Err(NoRoute::Unknown),
    };
    if room.is_some_and(|name| !is_room_name(name, limits)) {
        return Err(NoRoute::BadRoom);
    }
    Ok(Route { behaviour, room: room.map(str::to_owned) })
}

/// Whether a room can be called `name`: 1 byte to the limit, no control characters.
pub fn is_room_name(name: &str, limits: &Limits) -> bool {
    (1..=limits.room_name_bytes_max).contains(&name.len()) && !name.chars().any(char::is_control)
}

/// Whether a connection can be called `id`: 1 byte to the limit, no control characters.
pub fn is_connection_id(id: &str, limits: &Limits) -> bool {
    (1..=limits.connection_id_bytes_max).contains(&id.len()) && !id.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(path: &str, echo: Option<&str>) -> Result<(Behaviour, Option<String>), NoRoute> {
        let segments: Vec<_> = path.split('/').skip(1).map(Cow::Borrowed).collect();
        find(&segments, echo, &Limits::default()).map(|route| (route.behaviour, route.room))
    }

    #[test]
    fn paths_mean_what_the_protocol_says() {
        use Behaviour::{Broadcast, Echo, Relay};
        let room = |name: &str| Some(name.to_owned());
        assert_eq!(route("/", None), Ok((Relay, room("main"))));
        assert_eq!(route("/ws/a b", None), Ok((Relay, room("a b"))));
        assert_eq!(route("/chat/a", None), Ok((Broadcast { echo: false }, room("a"))));
        assert_eq!(route("/chat/a", Some("true")), Ok((Broadcast { echo: true }, room("a"))));
        assert_eq!(route("/chat/a", Some("maybe")), Err(NoRoute::BadEcho));
        assert_eq!(route("/echo", None), Ok((Echo, None)));
        for path in ["/ws", "/ws/a/b", "/chat", "/echo/", "/nothing", "//"] {
            assert_eq!(route(path, None), Err(NoRoute::Unknown), "{path}");
        }
        assert_eq!(route("/ws/", None), Err(NoRoute::BadRoom));
        assert_eq!(route("/ws/a\n", None), Err(NoRoute::BadRoom));
    }

    #[test]
    fn names_have_their_limits() {
        let limits = Limits::default();
        for (length, fits) in [(0, false), (1, true), (127, true), (128, true), (129, false)] {
            assert_eq!(is_room_name(&"x".repeat(length), &limits), fits);
            assert_eq!(is_connection_id(&"x".repeat(length), &limits), fits);
        }
    }
}
