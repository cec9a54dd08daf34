//! Things that can be said in a room, and what readers must see of them.
//!
//! Knows: batches; what PROTOCOL.md promises of each message.
//! Must not know: logs, commits.

use super::*;
use crate::ws::close::CloseCode;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// Something that is said.
#[derive(Clone, Debug)]
pub(super) enum Said {
    /// A relayed message: one JSON object.
    Text(String),
    /// A relayed binary message.
    Binary(Vec<u8>),
    /// The end of a connection.
    Close(u16, String),
    /// A message to the room's members that is shown to subscribers as it is.
    ChatObject(String),
    /// One that is shown to them in a wrap.
    Chat(String),
    /// A binary message to the room's members.
    ChatBinary(Vec<u8>),
    /// Somebody becomes a member.
    Join,
    /// Somebody is a member no more.
    Leave,
    /// A message to the room's members, and to nobody else.
    Quiet(String),
    /// What the API says, shown as it is.
    ApiObject(String),
    /// The same, shown in a wrap.
    Api(String),
    /// Bytes that the API says.
    ApiBinary(Vec<u8>),
}

pub(super) fn sender(hub: &Hub, name: &str, session: u64) -> Sender {
    let id = ConnectionId::Name(name.into());
    Sender { who: hub.who_keys().who(&id.to_string()), id, session }
}

pub(super) fn batch(hub: &Hub, room: &Entered, audience: Audience) -> Batch {
    let room = (room.key, Arc::clone(&room.name));
    Batch::new(room, audience, *hub.epoch(), hub.held_bytes(), 100)
}

const CLOSED_BY: [(EndedBy, &str); 4] = [
    (EndedBy::Client, "client"),
    (EndedBy::Server, "server"),
    (EndedBy::Network, "network"),
    (EndedBy::Timeout, "timeout"),
];

impl Said {
    pub(super) fn audience(&self) -> Audience {
        match self {
            Said::Text(_) | Said::Binary(_) | Said::Close(..) => Audience::SUBSCRIBERS,
            Said::ChatObject(_) | Said::Chat(_) | Said::ChatBinary(_) => Audience::BROADCAST,
            Said::Join | Said::Leave => Audience::BROADCAST,
            Said::Quiet(_) => Audience::MEMBERS,
            Said::ApiObject(_) | Said::Api(_) | Said::ApiBinary(_) => Audience::ALL,
        }
    }

    pub(super) fn what(&self) -> What {
        match self {
            Said::Text(_) | Said::ChatObject(_) | Said::Chat(_) | Said::Quiet(_) => What::Text,
            Said::ApiObject(_) | Said::Api(_) => What::Text,
            Said::Binary(_) | Said::ChatBinary(_) | Said::ApiBinary(_) => What::Binary,
            Said::Close(..) => What::Close,
            Said::Join => What::Join,
            Said::Leave => What::Leave,
        }
    }

    /// The event's name in an event stream.
    pub(super) fn kind(&self) -> &'static str {
        match self.what() {
            What::Text | What::Close => "message",
            What::Binary => "binary",
            What::Join => "join",
            What::Leave => "leave",
        }
    }

    pub(super) fn push(&self, batch: &mut Batch, sender: &Sender) {
        match self {
            Said::Text(text) | Said::ChatObject(text) | Said::Chat(text) | Said::Quiet(text) => {
                batch.push_text(sender, text.as_bytes());
            }
            Said::ApiObject(text) | Said::Api(text) => batch.push_text(sender, text.as_bytes()),
            Said::Binary(bytes) | Said::ChatBinary(bytes) | Said::ApiBinary(bytes) => {
                batch.push_binary(sender, bytes);
            }
            Said::Close(code, reason) => {
                let (by, _) = CLOSED_BY[reason.len() % 4];
                let (code, reason) = (CloseCode(*code), reason.clone());
                batch.push_close(sender, &CloseEvent { code, reason, by });
            }
            Said::Join | Said::Leave => batch.push_presence(sender, self.what()),
        }
    }

    /// The data of the event, and whether it is there byte for byte.
    pub(super) fn data(&self, sender: &Sender) -> (Value, Option<String>) {
        let id = sender.id.to_string();
        match self {
            Said::Text(text) | Said::ChatObject(text) | Said::ApiObject(text) => {
                let one_line = text.replace(['\r', '\n'], " ");
                (serde_json::from_str(text).expect("an object"), Some(one_line))
            }
            Said::Chat(text) | Said::Quiet(text) => {
                (json!({"connectionId": id, "message": text}), None)
            }
            Said::Api(text) => (json!({"message": text}), None),
            Said::ApiBinary(bytes) => (json!({"base64": STANDARD.encode(bytes)}), None),
            Said::Binary(bytes) | Said::ChatBinary(bytes) => {
                (json!({"connectionId": id, "base64": STANDARD.encode(bytes)}), None)
            }
            Said::Close(code, reason) => {
                let (_, by) = CLOSED_BY[reason.len() % 4];
                let session = sender.session;
                let close = json!({
                    "connectionId": id, "code": code, "reason": reason, "by": by, "session": session
                });
                (json!({ "close": close }), None)
            }
            Said::Join | Said::Leave => {
                let text = self.presence(sender);
                (serde_json::from_str(&text).expect("an object"), Some(text))
            }
        }
    }

    /// What is told of who comes and goes, byte for byte.
    fn presence(&self, sender: &Sender) -> String {
        let key = if matches!(self, Said::Join) { "join" } else { "leave" };
        let (id, session) = (json!(sender.id.to_string()), sender.session);
        format!("{{\"{key}\":{{\"connectionId\":{id},\"session\":{session}}}}}")
    }

    /// The frame that members get: its opcode and its payload.
    pub(super) fn frame(&self, sender: &Sender) -> Option<(u8, Vec<u8>)> {
        match self {
            Said::ChatObject(text) | Said::Chat(text) | Said::Quiet(text) => {
                Some((1, text.clone().into_bytes()))
            }
            Said::ApiObject(text) | Said::Api(text) => Some((1, text.clone().into_bytes())),
            Said::ChatBinary(bytes) | Said::ApiBinary(bytes) => Some((2, bytes.clone())),
            Said::Join | Said::Leave => Some((1, self.presence(sender).into_bytes())),
            Said::Text(_) | Said::Binary(_) | Said::Close(..) => None,
        }
    }
}
