//! Protocols over WebSockets and long polling that are not spoken here.
//!
//! Knows: by which paths, parameters and subprotocols they are known.
//! Must not know: what they say.

use crate::http::Request;

/// A protocol of others, as the beginning of a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Foreign(&'static str);

/// By the first segment of a path, in lower case.
const BY_PATH: &[(&str, &str)] = &[
    ("socket.io", SOCKET_IO),
    ("engine.io", SOCKET_IO),
    ("sockjs", "SockJS"),
    ("sockjs-node", "SockJS"),
    ("cable", ACTION_CABLE),
    ("graphql", GRAPHQL),
    ("subscriptions", GRAPHQL),
    ("stomp", "STOMP"),
    ("mqtt", "MQTT"),
    ("signalr", "SignalR"),
    ("app", "The protocol of Pusher"),
    ("connection", CENTRIFUGO),
    ("client", "The protocol of Azure Web PubSub"),
];

/// By a parameter that only they have.
const BY_PARAMETER: &[(&str, &str)] =
    &[("EIO", SOCKET_IO), ("vsn", "The protocol of Phoenix channels")];

/// By how their subprotocols begin.
const BY_SUBPROTOCOL: &[(&str, &str)] = &[
    ("graphql-", GRAPHQL),
    ("actioncable-", ACTION_CABLE),
    ("centrifuge-", CENTRIFUGO),
    ("mqtt", "MQTT"),
    ("v10.stomp", "STOMP"),
    ("v11.stomp", "STOMP"),
    ("v12.stomp", "STOMP"),
    ("wamp.", "WAMP"),
    ("ocpp", "OCPP"),
    ("json.webpubsub.", "The protocol of Azure Web PubSub"),
];

const SOCKET_IO: &str = "Socket.IO";
const GRAPHQL: &str = "GraphQL";
const ACTION_CABLE: &str = "Action Cable";
const CENTRIFUGO: &str = "The protocol of Centrifugo";

/// What the client of `request` speaks, if that is known and is not plain WebSocket.
pub(in crate::engine) fn foreign(request: &Request<'_>) -> Option<Foreign> {
    let first = request.segments().next().map(|segment| segment.to_ascii_lowercase());
    let by_path = || BY_PATH.iter().find(|(path, _)| first.as_deref() == Some(*path));
    let has = |name: &str| request.query().any(|(own, _)| own == name);
    let by_parameter = || BY_PARAMETER.iter().find(|(name, _)| has(name));
    let offers = |name: &str| {
        let offered = request.list("sec-websocket-protocol");
        offered.map(str::to_ascii_lowercase).any(|one| one.starts_with(name))
    };
    let by_subprotocol = || BY_SUBPROTOCOL.iter().find(|(name, _)| offers(name));
    let found = by_parameter().or_else(by_subprotocol).or_else(by_path);
    found.map(|(_, name)| Foreign(name))
}

/// Whether a path of theirs begins with this segment.
pub(super) fn is_word(segment: &str) -> bool {
    BY_PATH.iter().any(|(path, _)| *path == segment)
}

impl Foreign {
    /// What to do instead, where WebSockets connect to `place`.
    pub(in crate::engine) fn told(self, place: &str) -> String {
        format!(
            "{} is not spoken here. Open a plain WebSocket to {place}, as with new WebSocket(url), \
             and send JSON such as {{\"connectionId\":\"me\",\"message\":\"hello\"}}.",
            self.0
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn found(target: &str, protocol: &str) -> Option<Foreign> {
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: a\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n"
        );
        foreign(&Request::parse(head.as_bytes(), &Limits::default()).unwrap())
    }

    #[test]
    fn clients_of_others_are_known_by_what_they_ask_for() {
        for (target, protocol, name) in [
            ("/socket.io/?EIO=4&transport=websocket", "", SOCKET_IO),
            ("/chat/?EIO=4", "", SOCKET_IO),
            ("/SockJS/1/2/websocket", "", "SockJS"),
            ("/", "graphql-transport-ws", GRAPHQL),
            ("/", "a, MQTTv3.1", "MQTT"),
            ("/app/key?protocol=7", "", "The protocol of Pusher"),
        ] {
            assert_eq!(found(target, protocol), Some(Foreign(name)), "{target} {protocol}");
        }
        for (target, protocol) in
            [("/", ""), ("/ws/mqtt", "tidegate, tidegate.bearer.mqtt"), ("/chat/app", "json")]
        {
            assert_eq!(found(target, protocol), None, "{target} {protocol}");
        }
    }
}
