//! What a member says to the server itself: to join and leave rooms, and whom a message is for.
//!
//! Knows: control messages (PROTOCOL.md, "Rooms"), what is wrong with them.
//! Must not know: how a member comes to read a room, frames, sockets.

use super::Step;
use super::conn::{Conn, State};
use super::desk::Desk;
use super::events::Begin;
use super::messages::Refusal;
use super::reach::Ids;
use crate::bytes::ConnKey;
use crate::json::{self, Control, Member, Place};
use crate::limits::Limits;
use crate::routes::{self, Broadcast};
use std::borrow::Cow;

const BAD_CONTROL: Refusal = Refusal {
    code: "bad-control",
    message: "a control message has one \"join\", \"leave\" or \"to\", once, and it is a string",
};
const BAD_SINCE: Refusal = Refusal {
    code: "bad-control",
    message: "\"since\" is an id of an event or \"earliest\", where the route has it",
};
const BAD_ROOM: Refusal = Refusal {
    code: "bad-room",
    message: "a room's name is not empty, not too long, not \"*\", and has no control characters",
};
const RESERVED: Refusal = Refusal {
    code: "reserved-key",
    message: "only the server says who joins and who leaves: \"join\" and \"leave\" are reserved",
};
pub(super) const TOO_MANY_ROOMS: Refusal = Refusal {
    code: "too-many-rooms",
    message: "the server has as many rooms as it may have (--max-rooms)",
};
pub(super) const TOO_MANY_JOINED: Refusal = Refusal {
    code: "too-many-joined",
    message: "the connection is in as many rooms as it may be (--max-joined-rooms)",
};
pub(super) const NOT_JOINED: Refusal = Refusal {
    code: "not-joined",
    message: "the connection is not in that room; join it first: {\"join\":\"…\"}",
};

/// What a control message asks for.
#[derive(Debug, PartialEq, Eq)]
enum Order<'t> {
    Join(Cow<'t, str>, Begin),
    Leave(Cow<'t, str>),
    /// The message itself is for that room.
    Send(Cow<'t, str>),
}

impl Conn {
    /// Does what `text` says, if it is said to the server. `None`: it is a message like any other.
    pub(super) fn take_control(
        &mut self,
        desk: &mut Desk,
        key: ConnKey,
        text: &[u8],
    ) -> Option<Step> {
        let State::WebSocket(websocket) = &self.state else { return None };
        let route = websocket.route.broadcast()?;
        if !route.rooms && !route.presence {
            return None;
        }
        let ids = Ids::of(&desk.hub, websocket.grant.as_ref());
        let step = match order(text, route, ids, &desk.limits) {
            Ok(None) => return None,
            Err(refusal) => Err(refusal),
            Ok(Some(Order::Join(room, since))) => self.join(desk, key, &room, since),
            Ok(Some(Order::Leave(room))) => self.leave(desk, key, &room),
            Ok(Some(Order::Send(room))) => self.send_to(desk, key, &room, text),
        };
        Some(step.unwrap_or_else(|refusal| self.refuse_message(desk, refusal)))
    }
}

/// What `text` asks the server for, on a `route` that has control messages or keeps their keys for
/// itself. `None`: nothing.
fn order<'t>(
    text: &'t [u8],
    route: &Broadcast,
    ids: Ids<'_>,
    limits: &Limits,
) -> Result<Option<Order<'t>>, Refusal> {
    let Control { join, leave, to, since } = match json::control(text) {
        Ok(control) => control,
        // What readers may understand and we do not could say anything.
        Err(fault @ json::Fault::TooDeep) => return Err(fault.into()),
        Err(_) => return Ok(None),
    };
    if !route.rooms {
        let is_reserved = join.is_there() || leave.is_there();
        return if is_reserved { Err(RESERVED) } else { Ok(None) };
    }
    let room = |place: Place| {
        let room = json::unescape(place.of(text)).map_err(|_| BAD_ROOM)?;
        if routes::is_room_name(&room, limits) { Ok(room) } else { Err(BAD_ROOM) }
    };
    match (join, leave, to) {
        (Member::Absent, Member::Absent, Member::Absent) => Ok(None),
        (Member::Text(place), Member::Absent, Member::Absent) => {
            let since = begin(since, text, route, ids)?;
            Ok(Some(Order::Join(room(place)?, since)))
        }
        (Member::Absent, Member::Text(place), Member::Absent) => {
            Ok(Some(Order::Leave(room(place)?)))
        }
        (Member::Absent, Member::Absent, Member::Text(place)) => {
            Ok(Some(Order::Send(room(place)?)))
        }
        _ => Err(BAD_CONTROL),
    }
}

/// Where a member that joins wants to begin.
fn begin(since: Member, text: &[u8], route: &Broadcast, ids: Ids<'_>) -> Result<Begin, Refusal> {
    match since {
        Member::Absent => Ok(Begin::Now),
        Member::Text(place) if route.since => json::unescape(place.of(text))
            .ok()
            .and_then(|since| Begin::since(&since, ids))
            .ok_or(BAD_SINCE),
        Member::Text(_) | Member::Odd => Err(BAD_SINCE),
    }
}

impl Begin {
    /// What `since` says, an id or `earliest`. `None`: it is neither.
    pub(super) fn since(since: &str, ids: Ids<'_>) -> Option<Begin> {
        const ID_BYTES_MAX: usize = 128;
        let is_of_id = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        match since {
            "earliest" => Some(Begin::Earliest),
            _ if !(1..=ID_BYTES_MAX).contains(&since.len()) => None,
            _ if !since.bytes().all(is_of_id) => None,
            _ => Some(Begin::Resume(ids.read(since.as_bytes()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::Hub;
    use crate::sse::LastEventId;

    const ALL: Broadcast =
        Broadcast { echo: false, rooms: true, presence: true, last_value: true, since: true };

    fn said(text: &str, route: Broadcast) -> Result<Option<Order<'_>>, &'static str> {
        let hub = Hub::new(1, &Limits::default(), [1, 2, 3], 0);
        let ids = Ids { hub: &hub, are_sealed: false };
        let order = order(text.as_bytes(), &route, ids, &Limits::default());
        order.map_err(|refusal| refusal.code)
    }

    #[test]
    fn control_messages_are_told_from_others() {
        let room = |name: &str| Cow::<str>::Owned(name.to_owned());
        let join = |name: &str, since| Ok(Some(Order::Join(room(name), since)));
        let id = LastEventId::At(5);
        for (text, expected) in [
            (r#"{"join":"a"}"#, join("a", Begin::Now)),
            (r#"{"x":1,"jo\u0069n":"\u0061 b"}"#, join("a b", Begin::Now)),
            (r#"{"join":"a","since":"earliest"}"#, join("a", Begin::Earliest)),
            (r#"{"join":"a","since":"0000001-00000000005"}"#, join("a", Begin::Resume(id))),
            (r#"{"since":"odd","join":"a"}"#, join("a", Begin::Resume(LastEventId::Unknown))),
            (r#"{"leave":"a"}"#, Ok(Some(Order::Leave(room("a"))))),
            (r#"{"to":"ü","since":7}"#, Ok(Some(Order::Send(room("ü"))))),
            (r#"{"message":"join"}"#, Ok(None)),
            (r#"{"x":{"join":"a"},"since":"a"}"#, Ok(None)),
            (r#"{"join":"a""#, Ok(None)),
            (r#"["join","a"]"#, Ok(None)),
            ("join", Ok(None)),
            ("", Ok(None)),
            (r#"{"join":1}"#, Err("bad-control")),
            (r#"{"to":null}"#, Err("bad-control")),
            (r#"{"join":"a","leave":"b"}"#, Err("bad-control")),
            (r#"{"to":"a","join":"a"}"#, Err("bad-control")),
            (r#"{"leave":"a","leave":"a"}"#, Err("bad-control")),
            (r#"{"join":"a","since":null}"#, Err("bad-control")),
            (r#"{"join":"a","since":""}"#, Err("bad-control")),
            (r#"{"join":"a","since":"a b"}"#, Err("bad-control")),
            (r#"{"join":"a","since":"x","since":"x"}"#, Err("bad-control")),
            (r#"{"join":""}"#, Err("bad-room")),
            (r#"{"join":"*"}"#, Err("bad-room")),
            (r#"{"leave":"a\u0000"}"#, Err("bad-room")),
            (r#"{"to":"\ud800"}"#, Err("bad-room")),
        ] {
            assert_eq!(said(text, ALL), expected, "{text}");
        }
        let deep = format!(r#"{{"x":{}{}}}"#, "[".repeat(200), "]".repeat(200));
        assert_eq!(said(&deep, ALL), Err("too-deep"));
        let long = |bytes: usize| format!(r#"{{"join":"{}"}}"#, "x".repeat(bytes));
        assert!(matches!(said(&long(128), ALL), Ok(Some(Order::Join(..)))));
        assert_eq!(said(&long(129), ALL), Err("bad-room"));
    }

    #[test]
    fn a_route_has_what_it_is_set_up_to_have() {
        let without_since = Broadcast { since: false, ..ALL };
        assert_eq!(said(r#"{"join":"a","since":"earliest"}"#, without_since), Err("bad-control"));
        assert!(said(r#"{"join":"a"}"#, without_since).is_ok());
        // Where there is only presence, nobody but the server says these words.
        let told = Broadcast { rooms: false, ..ALL };
        for text in [r#"{"join":"a"}"#, r#"{"l\u0065ave":{}}"#, r#"{"join":1,"join":2,"to":3}"#] {
            assert_eq!(said(text, told), Err("reserved-key"), "{text}");
        }
        for text in [r#"{"to":"a"}"#, r#"{"since":1}"#, r#"{"x":{"leave":1}}"#, "leave"] {
            assert_eq!(said(text, told), Ok(None), "{text}");
        }
    }
}
