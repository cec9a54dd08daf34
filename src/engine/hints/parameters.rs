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
    ("ticket", CREDENTIAL),
];

const LAST_EVENT_ID: &str = "An id to go on behind is lastEventId.";
const ROOM: &str = "A room is chosen by room, which may be repeated.";
const PATH: &str = "A room is in the path, as in /ws/NAME or /chat/NAME unless routes are \
                    configured.";
const NAME: &str = "A name is connectionId.";
const SINCE: &str = "What the log still has is sent first with since=earliest.";
const CREDENTIAL: &str = "No credential is asked for here, as there is no [[key]] in a file of \
                          --config; so none is taken.";

/// What to say of a parameter of this name that a WebSocket is opened with, and that is not taken.
pub(in crate::engine) fn of_websocket(name: &str, asks: bool) -> Option<&'static str> {
    match of_parameter(name, asks) {
        Some(ROOM) => Some(PATH),
        None if name == "room" => Some(PATH),
        said => said,
    }
}

/// The same of a parameter of `/events`. A server that `asks` for credentials says in which
/// parameters it takes them.
pub(in crate::engine) fn of_parameter(name: &str, asks: bool) -> Option<&'static str> {
    const NAME_BYTES_MAX: usize = 32;
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let bare: String = name.chars().filter(|char| !matches!(char, '_' | '-' | '.')).collect();
    let bare = bare.to_ascii_lowercase();
    let said = TABLE.iter().find(|(own, _)| *own == bare).map(|(_, said)| *said);
    said.filter(|said| !asks || *said != CREDENTIAL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_of_others_is_known_however_it_is_spelt() {
        for name in ["last_event_id", "Last-Event-ID", "lastEvent"] {
            assert_eq!(of_parameter(name, false), Some(LAST_EVENT_ID), "{name}");
        }
        assert_eq!(of_parameter("topic", false), Some(ROOM));
        assert_eq!(
            (of_websocket("topic", true), of_websocket("room", true)),
            (Some(PATH), Some(PATH))
        );
        assert_eq!(of_websocket("token", false), Some(CREDENTIAL));
        assert_eq!(of_websocket("token", true), None);
        assert_eq!(of_parameter("x", false), None);
        assert_eq!(of_parameter(&"topic".repeat(100), false), None);
    }
}
