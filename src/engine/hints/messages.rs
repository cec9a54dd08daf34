//! First messages of other protocols, and of people who try.
//!
//! Knows: how they begin.
//! Must not know: what is done with them; they were refused.

/// No more of a message is looked at.
const LOOKED_AT_BYTES: usize = 4096;

const SOCKET_IO: &str = "this looks like Socket.IO, which is not spoken here: open a plain \
    WebSocket, and send JSON such as {\"connectionId\":\"me\",\"message\":\"hello\"}";
const STOMP: &str = "this looks like STOMP, which is not spoken here: send JSON such as \
    {\"connectionId\":\"me\",\"message\":\"hello\"}";
const OBJECT: &str = "this is an object that was not made into JSON: send JSON.stringify(object)";
const QUOTES: &str = "The message is not valid JSON: keys and strings stand in double quotes, as \
    in {\"connectionId\":\"me\"}.";
const PLAIN: &str = "The message is not valid JSON: send an object such as \
    {\"connectionId\":\"me\",\"message\":\"hello\"}.";
const GRAPHQL: &str = "this looks like GraphQL, which is not spoken here: the first message must \
    be a JSON object with your \"connectionId\", a string";
const SUBSCRIBES: &str = "nothing is subscribed to here: the URL says the room, as in /ws/NAME or \
    /chat/NAME unless routes are configured; the first message must be a JSON object with your \
    \"connectionId\", a string";
const CENTRIFUGO: &str = "this looks like the protocol of Centrifugo, which is not spoken here: \
    the first message must be a JSON object with your \"connectionId\", a string";
const SPELLING: &str = "the first message must be a JSON object with your \"connectionId\", spelt \
    like that, a string";
const MQTT: &str = "this looks like MQTT, which is not spoken here: register with a text message \
    that has your \"connectionId\"";

/// What a message has that somebody sent who has not registered, and what to say of it.
const PARTS: &[(&[&str], &str)] = &[
    (&["\"connection_init\"", "\"connectionParams\""], GRAPHQL),
    (&["\"subscribe\"", "\"pusher:subscribe\"", "\"SUBSCRIBE\"", "\"joinRoom\""], SUBSCRIBES),
    (&["\"connect\":{"], CENTRIFUGO),
    (
        &[
            "\"connectionid\"",
            "\"connection_id\"",
            "\"connection-id\"",
            "\"clientid\"",
            "\"client_id\"",
            "\"id\"",
        ],
        SPELLING,
    ),
];

/// What more there is to say of a text that was refused with `code`.
pub(in crate::engine) fn of_text(code: &str, text: &[u8]) -> Option<&'static str> {
    let text = text.get(..LOOKED_AT_BYTES).unwrap_or(text);
    match code {
        "not-json" | "not-an-object" => of_no_object(text, code == "not-json"),
        "not-registered" => {
            let text = String::from_utf8_lossy(text);
            // A key may be in any case, a word that means something is not.
            let lower = text.to_ascii_lowercase();
            let has = |part: &&str| text.contains(part) || lower.contains(part);
            PARTS.iter().find(|(parts, _)| parts.iter().any(has)).map(|it| it.1)
        }
        _ => None,
    }
}

fn of_no_object(text: &[u8], is_broken: bool) -> Option<&'static str> {
    let text = text.trim_ascii();
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let behind = text.get(digits..).unwrap_or_default();
    // Packets of Engine.IO begin with their kind, one or two digits.
    let is_packet = matches!(behind, [] | [b'[' | b'{' | b'/', ..] | b"probe");
    match text {
        _ if (1..=2).contains(&digits) && is_packet => Some(SOCKET_IO),
        [b'C', b'O', b'N', b'N', b'E', b'C', b'T', b'\r' | b'\n', ..] => Some(STOMP),
        [b'S', b'T', b'O', b'M', b'P', b'\r' | b'\n', ..] => Some(STOMP),
        b"[object Object]" | b"[object Blob]" => Some(OBJECT),
        [b'{', ..] if is_broken && is_unquoted(text) => Some(QUOTES),
        [b'{' | b'[', ..] => None,
        _ if is_broken => Some(PLAIN),
        _ => None,
    }
}

/// Whether the first key of an object is a bare word, or in single quotes.
fn is_unquoted(object: &[u8]) -> bool {
    let inside = object.get(1..).unwrap_or_default().trim_ascii_start();
    matches!(inside, [b'\'', ..]) || inside.first().is_some_and(u8::is_ascii_alphabetic)
}

/// The same of a binary message.
pub(in crate::engine) fn of_binary(bytes: &[u8]) -> Option<&'static str> {
    // MQTT 3.1.1 §3.1: the kind of the packet, its length, and the name.
    let is_connect = bytes.first() == Some(&0x10);
    let has_name = bytes.get(..16).unwrap_or(bytes).windows(2).any(|part| part == b"MQ");
    (is_connect && has_name).then_some(MQTT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_say_first_is_known() {
        for (code, text, said) in [
            ("not-an-object", "40", Some(SOCKET_IO)),
            ("not-json", "42[\"chat\",\"hi\"]", Some(SOCKET_IO)),
            ("not-json", "2probe", Some(SOCKET_IO)),
            ("not-json", "CONNECT\naccept-version:1.2\n\n\0", Some(STOMP)),
            ("not-json", "[object Object]", Some(OBJECT)),
            ("not-json", "{'connectionId':'a'}", Some(QUOTES)),
            ("not-json", "{connectionId: 'a'}", Some(QUOTES)),
            ("not-json", "hello", Some(PLAIN)),
            ("not-json", "", Some(PLAIN)),
            ("not-json", "{\"connectionId\":\"a\"", None),
            ("not-json", "[1", None),
            ("not-an-object", "123456", None),
            ("not-an-object", "\"hello\"", None),
            ("not-registered", "{\"type\":\"connection_init\"}", Some(GRAPHQL)),
            ("not-registered", "{\"type\":\"subscribe\"}", Some(SUBSCRIBES)),
            ("not-registered", "{\"id\":1,\"connect\":{}}", Some(CENTRIFUGO)),
            ("not-registered", "{\"connectionID\":\"a\"}", Some(SPELLING)),
            ("not-registered", "{\"message\":\"hi\"}", None),
            ("too-deep", "hello", None),
        ] {
            assert_eq!(of_text(code, text.as_bytes()), said, "{text}");
        }
        assert_eq!(of_binary(b"\x10\x0e\0\x04MQTT\x04"), Some(MQTT));
        assert_eq!(of_binary(b"\x10"), None);
        assert_eq!(of_binary(b"MQTT"), None);
    }
}
