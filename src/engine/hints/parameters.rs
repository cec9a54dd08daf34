//! Parameters of other servers, and ours in another spelling.
//!
//! Knows: what they are called here.
//! Must not know: what they mean.

/// The name in lower case, without `-` and `_`, and what to say.
const TABLE: &[(&str, &str)] = &[
    ("lasteventid", LAST_EVENT_ID),
    ("lastevent", LAST_EVENT_ID),
    ("eventid", LAST_EVENT_ID),
    ("id", LAST_EVENT_ID),
    ("topic", ROOM),
    ("topics", ROOM),
    ("match", ROOM),
    ("channel", ROOM),
    ("channels", ROOM),
    ("rooms", ROOM),
    ("stream", ROOM),
    ("streams", ROOM),
    ("connection", NAME),
    ("connectionid", NAME),
    ("clientid", NAME),
    ("client", NAME),
    ("history", SINCE),
    ("historysince", SINCE),
    ("rewind", SINCE),
    ("token", CREDENTIAL),
    ("accesstoken", CREDENTIAL),
    ("authorization", CREDENTIAL),
    ("auth", CREDENTIAL),
    ("jwt", CREDENTIAL),
    ("apikey", CREDENTIAL),
    ("key", CREDENTIAL),
    ("ticket", "Nobody is asked for a credential here, so no ticket is taken."),
];

const LAST_EVENT_ID: &str = "An id to go on behind is lastEventId.";
const ROOM: &str = "A room is chosen by room, which may be repeated.";
const PATH: &str = "A room is in the path, as in /ws/NAME or /chat/NAME.";
const NAME: &str = "A name is connectionId.";
const SINCE: &str = "What the log still has is sent first with since=earliest.";
const CREDENTIAL: &str = "A credential in a URL is taken where [auth] of the configuration names \
                          the parameter (query = \"token\"); otherwise send Authorization: Bearer, \
                          or a ticket.";

/// What to say of a parameter of this name that a WebSocket is opened with, and that is not taken.
pub(in crate::engine) fn of_websocket(name: &str) -> Option<&'static str> {
    match of_parameter(name) {
        Some(ROOM) => Some(PATH),
        None if name == "room" => Some(PATH),
        said => said,
    }
}

/// The same of a parameter of `/events`.
pub(in crate::engine) fn of_parameter(name: &str) -> Option<&'static str> {
    const NAME_BYTES_MAX: usize = 32;
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let bare: String = name.chars().filter(|char| !matches!(char, '_' | '-' | '.')).collect();
    let bare = bare.to_ascii_lowercase();
    TABLE.iter().find(|(own, _)| *own == bare).map(|(_, said)| *said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_of_others_is_known_however_it_is_spelt() {
        for name in ["last_event_id", "Last-Event-ID", "lastEvent"] {
            assert_eq!(of_parameter(name), Some(LAST_EVENT_ID), "{name}");
        }
        assert_eq!(of_parameter("topic"), Some(ROOM));
        assert_eq!((of_websocket("topic"), of_websocket("room")), (Some(PATH), Some(PATH)));
        assert_eq!(of_websocket("token"), Some(CREDENTIAL));
        assert_eq!(of_parameter("x"), None);
        assert_eq!(of_parameter(&"topic".repeat(100)), None);
    }
}
