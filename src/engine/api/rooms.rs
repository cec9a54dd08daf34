//! Rooms, as the API shows them.
//!
//! Knows: what the hub counts.
//! Must not know: connections, sockets.

use super::super::answer::Problem;
use super::super::desk::Desk;
use super::super::health::STOPPING;
use super::done::push_string;
use super::query;
use crate::http::{Request, Status};
use crate::hub::RoomInfo;
use crate::limits::PAGE_BYTES_MAX;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const NO_SUCH_ROOM: Problem = Problem::new(
    Status::NotFound,
    "no-such-room",
    "There is no such room: a room exists while somebody is in it, or its log holds something.",
);

/// One room.
pub(super) fn one(desk: &Desk, request: &Request<'_>, name: &str) -> Result<Vec<u8>, Problem> {
    query::none(request)?;
    if desk.is_draining() {
        return Err(STOPPING);
    }
    let room = desk.hub.room_info(name).ok_or(NO_SUCH_ROOM)?;
    let mut body = Vec::new();
    push_room(&mut body, &room);
    Ok(body)
}

/// A page of rooms. Its token is the name of its last room.
pub(super) fn page(desk: &Desk, request: &Request<'_>) -> Result<Vec<u8>, Problem> {
    let page = query::page(request, false)?;
    if desk.is_draining() {
        return Err(STOPPING);
    }
    let after = match &page.after {
        None => None,
        Some(token) => {
            let name =
                URL_SAFE_NO_PAD.decode(token).ok().and_then(|name| String::from_utf8(name).ok());
            let rule = "is the \"next\" of the page before";
            Some(name.ok_or_else(|| query::bad("after", rule))?)
        }
    };
    let rooms = desk.hub.rooms(after.as_deref(), &page.prefix, page.limit);
    let mut body = b"{\"rooms\":[".to_vec();
    let mut last = None;
    for (number, room) in rooms.iter().enumerate() {
        if body.len() >= PAGE_BYTES_MAX {
            break;
        }
        if number > 0 {
            body.push(b',');
        }
        push_room(&mut body, room);
        last = Some((number + 1, room));
    }
    body.extend_from_slice(b"],\"next\":");
    match last {
        // Fewer than there may be, and all of them on the page: there are no more.
        Some((count, room)) if count == page.limit || count < rooms.len() => {
            push_string(&mut body, &URL_SAFE_NO_PAD.encode(room.name.as_bytes()));
        }
        _ => body.extend_from_slice(b"null"),
    }
    body.push(b'}');
    Ok(body)
}

fn push_room(out: &mut Vec<u8>, room: &RoomInfo) {
    let RoomInfo { name, connections, members, subscribers, events, bytes } = room;
    out.extend_from_slice(b"{\"room\":");
    push_string(out, name);
    let counts = format!(
        ",\"connections\":{connections},\"members\":{members},\"subscribers\":{subscribers},\
         \"events\":{events},\"bytes\":{bytes}}}"
    );
    out.extend_from_slice(counts.as_bytes());
}
