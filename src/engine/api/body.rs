//! What the body of a request says.
//!
//! Knows: JSON objects, the members that a message may have (PROTOCOL.md, "The API").
//! Must not know: paths, who a message goes to, connections.
//!
//! Values are read where they stand: a `json` member is sent exactly as it was written.

use super::super::answer::Problem;
use crate::http::Status;
use crate::limits::{BATCH_MAX, EXCEPT_MAX, Limits};
use crate::routes;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

mod credentials;

pub(super) use credentials::{AskedTicket, revocation, ticket};

const NOT_JSON: Problem = Problem::new(
    Status::BadRequest,
    "not-json",
    "The body is not JSON in UTF-8; it must be one JSON object.",
);
const BAD_BODY: Problem =
    Problem::new(Status::BadRequest, "bad-body", "The body must be one JSON object.");
const BAD_ROOM: Problem = Problem::new(Status::BadRequest, "bad-room", "");
const TOO_LARGE: Problem = Problem::new(Status::ContentTooLarge, "message-too-large", "");

/// One message, as a WebSocket gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::engine) struct Message {
    /// Binary, not text.
    pub(in crate::engine) binary: bool,
    /// Its payload; UTF-8 if it is text.
    pub(in crate::engine) bytes: Vec<u8>,
}

impl Message {
    /// The body itself: text if it is UTF-8.
    pub(super) fn raw(body: &[u8], limits: &Limits) -> Result<Message, Problem> {
        if body.len() > limits.message_bytes_max {
            let detail = "A message may not be longer than --max-message.";
            return Err(TOO_LARGE.saying(detail.to_owned()));
        }
        let binary = simdutf8::basic::from_utf8(body).is_err();
        Ok(Message { binary, bytes: body.to_vec() })
    }
}

/// To whom one message of a batch goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// The one connection of that name, or only that registration.
    Connection(String, Option<u64>),
    /// Everyone in that room, but for some.
    Room(String, Vec<String>),
    /// Everyone, but for some.
    All(Vec<String>),
}

/// A message, and to whom it goes.
pub(super) type Addressed = (To, Message);

/// The body of a request to send to one connection: the message, and perhaps a session.
pub(super) fn one(body: &[u8], limits: &Limits) -> Result<(Message, Option<u64>), Problem> {
    let mut members = Members::of(body, &["text", "json", "base64", "session"])?;
    Ok((members.message(limits)?, members.session()?))
}

/// The body of a request to publish to a room: the message, and who is left out.
pub(super) fn published(body: &[u8], limits: &Limits) -> Result<(Message, Vec<String>), Problem> {
    let mut members = Members::of(body, &["text", "json", "base64", "except"])?;
    Ok((members.message(limits)?, members.except(limits)?))
}

/// The same where it may go to all; whether it does.
pub(super) fn to_all(
    body: &[u8],
    limits: &Limits,
) -> Result<(bool, Message, Vec<String>), Problem> {
    let mut members = Members::of(body, &["text", "json", "base64", "to", "except"])?;
    Ok((members.all()?, members.message(limits)?, members.except(limits)?))
}

/// The body of a batch.
pub(super) fn batch(body: &[u8], limits: &Limits) -> Result<Vec<Addressed>, Problem> {
    let mut members = Members::of(body, &["messages"])?;
    let Some(list) = members.take("messages") else {
        return Err(members.bad("messages", "is missing: an array of messages"));
    };
    let items: Vec<&RawValue> = serde_json::from_str(list.get())
        .map_err(|_| members.bad("messages", "must be an array of messages"))?;
    if !(1..=BATCH_MAX).contains(&items.len()) {
        let detail = format!("messages: must be 1 to {BATCH_MAX} messages.");
        return Err(BAD_BODY.saying(detail));
    }
    let numbered = items.into_iter().enumerate();
    numbered.map(|(number, item)| addressed(item, number, limits)).collect()
}

fn addressed(item: &RawValue, number: usize, limits: &Limits) -> Result<Addressed, Problem> {
    let mut members = Members::within(item, format!("messages[{number}]"))?;
    let message = members.message(limits)?;
    let (except, session) = (members.except(limits)?, members.session()?);
    let (connection, room) = (members.take("connectionId"), members.take("room"));
    let all = members.all()?;
    let to = match (connection, room, all) {
        (Some(id), None, false) => {
            if !except.is_empty() {
                return Err(members.bad("except", "goes with room or to"));
            }
            To::Connection(members.string(id, "connectionId")?, session)
        }
        (None, Some(room), false) => To::Room(members.room(room, limits)?, except),
        (None, None, true) => To::All(except),
        _ => return Err(members.bad("", "needs exactly one of room, connectionId and to")),
    };
    if session.is_some() && !matches!(to, To::Connection(..)) {
        return Err(members.bad("session", "goes with connectionId"));
    }
    Ok((to, message))
}

/// The members of a JSON object.
struct Members<'b> {
    list: Vec<(String, &'b RawValue)>,
    /// Where the object stands in the body.
    at: String,
}

impl<'b> Members<'b> {
    /// Those of a whole body.
    fn of(body: &'b [u8], known: &[&str]) -> Result<Members<'b>, Problem> {
        let text = simdutf8::basic::from_utf8(body).map_err(|_| NOT_JSON)?;
        let Object(list) = serde_json::from_str(text).map_err(|error| match error.classify() {
            Category::Data => BAD_BODY,
            Category::Syntax | Category::Eof | Category::Io => NOT_JSON,
        })?;
        Members { list, at: String::new() }.checked(known)
    }

    /// Those of an object inside of a body.
    fn within(item: &'b RawValue, at: String) -> Result<Members<'b>, Problem> {
        match serde_json::from_str(item.get()) {
            Ok(Object(list)) => {
                let known =
                    ["text", "json", "base64", "room", "connectionId", "to", "except", "session"];
                Members { list, at }.checked(&known)
            }
            Err(_) => Err(BAD_BODY.saying(format!("{at}: must be an object."))),
        }
    }

    /// Each is known, and there once.
    fn checked(self, known: &[&str]) -> Result<Members<'b>, Problem> {
        for (at, (name, _)) in self.list.iter().enumerate() {
            if !known.contains(&name.as_str()) {
                let known = known.join(", ");
                let fault = format!("is not known; there are: {known}");
                return Err(self.bad(&shortened(name), &fault));
            }
            // Known ones are few, so those before it are.
            if self.list.iter().take(at).any(|(own, _)| own == name) {
                return Err(self.bad(name, "is there twice"));
            }
        }
        Ok(self)
    }

    /// The member `name`, if it is there.
    fn take(&mut self, name: &str) -> Option<&'b RawValue> {
        let at = self.list.iter().position(|(own, _)| own == name)?;
        Some(self.list.swap_remove(at).1)
    }

    /// What is wrong with member `name`.
    fn bad(&self, name: &str, fault: &str) -> Problem {
        BAD_BODY.saying(format!("{}: {fault}.", self.place(name)))
    }

    fn place(&self, name: &str) -> String {
        match (self.at.as_str(), name) {
            ("", "") => "the body".to_owned(),
            ("", name) => name.to_owned(),
            (at, "") => at.to_owned(),
            (at, name) => format!("{at}.{name}"),
        }
    }

    fn string(&self, value: &RawValue, name: &str) -> Result<String, Problem> {
        serde_json::from_str(value.get()).map_err(|_| self.bad(name, "must be a string"))
    }

    fn message(&mut self, limits: &Limits) -> Result<Message, Problem> {
        let given = (self.take("text"), self.take("json"), self.take("base64"));
        let (name, message) = match given {
            (Some(text), None, None) => {
                let bytes = self.string(text, "text")?.into_bytes();
                ("text", Message { binary: false, bytes })
            }
            (None, Some(json), None) => {
                let bytes = json.get().as_bytes().to_vec();
                ("json", Message { binary: false, bytes })
            }
            (None, None, Some(base64)) => {
                let bytes = STANDARD.decode(self.string(base64, "base64")?);
                let fault = "must be base64 with padding (RFC 4648 section 4)";
                let bytes = bytes.map_err(|_| self.bad("base64", fault))?;
                ("base64", Message { binary: true, bytes })
            }
            _ => return Err(self.bad("", "needs exactly one of text, json and base64")),
        };
        if message.bytes.len() > limits.message_bytes_max {
            let place = self.place(name);
            let detail = format!("{place}: a message may not be longer than --max-message.");
            return Err(TOO_LARGE.saying(detail));
        }
        Ok(message)
    }

    fn session(&mut self) -> Result<Option<u64>, Problem> {
        let Some(value) = self.take("session") else { return Ok(None) };
        let session = whole_number(value.get());
        session.map(Some).ok_or_else(|| self.bad("session", "must be the number of a session"))
    }

    /// Whether `to` says so.
    fn all(&mut self) -> Result<bool, Problem> {
        let Some(value) = self.take("to") else { return Ok(false) };
        match self.string(value, "to")?.as_str() {
            "all" => Ok(true),
            // In a batch the message itself says to which room it goes.
            _ if self.at.is_empty() => Err(self
                .bad("to", "can only be \"all\"; for a room POST to /api/rooms/{room}/messages")),
            _ => Err(self.bad("to", "can only be \"all\"; a room goes into room")),
        }
    }

    fn room(&self, value: &RawValue, limits: &Limits) -> Result<String, Problem> {
        let room = self.string(value, "room")?;
        if !routes::is_room_name(&room, limits) {
            let place = self.place("room");
            return Err(BAD_ROOM.saying(format!("{place}: {ROOM_RULE}")));
        }
        Ok(room)
    }

    fn except(&mut self, limits: &Limits) -> Result<Vec<String>, Problem> {
        let Some(value) = self.take("except") else { return Ok(Vec::new()) };
        let list: Vec<String> = serde_json::from_str(value.get())
            .map_err(|_| self.bad("except", "must be an array of connectionIds"))?;
        if list.len() > EXCEPT_MAX {
            return Err(self.bad("except", &format!("may name {EXCEPT_MAX} connections")));
        }
        match list.iter().position(|id| !routes::is_connection_id(id, limits)) {
            Some(at) => Err(self.bad(&format!("except[{at}]"), "is no connectionId")),
            None => Ok(list),
        }
    }
}

/// So much of what a client calls something as an answer can repeat.
fn shortened(name: &str) -> Cow<'_, str> {
    const CHARS_MAX: usize = 64;
    match name.char_indices().nth(CHARS_MAX) {
        None => Cow::Borrowed(name),
        Some((end, _)) => Cow::Owned(format!("{}…", name.split_at(end).0)),
    }
}

/// JSON has one kind of number: 3, 3.0 and 3e0 are the same (RFC 8259 section 6), and some clients
/// write whole ones with a point.
fn whole_number(json: &str) -> Option<u64> {
    if let Ok(number) = json.parse() {
        return Some(number);
    }
    let number = json.parse::<f64>().ok()?;
    // Above that not every whole number can be told from its neighbours.
    let is_whole = number.fract() == 0.0 && (0.0..=9_007_199_254_740_991.0).contains(&number);
    is_whole.then_some(number as u64)
}

pub(super) const ROOM_RULE: &str = "A room's name is not empty, not longer than --max-room-name, \
                                    has no control characters, and is not \"*\".";

/// A JSON object: its members in order, with their values as they stand.
struct Object<'b>(Vec<(String, &'b RawValue)>);

impl<'b> Deserialize<'b> for Object<'b> {
    fn deserialize<D: Deserializer<'b>>(from: D) -> Result<Object<'b>, D::Error> {
        struct Reader;
        impl<'b> Visitor<'b> for Reader {
            type Value = Object<'b>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'b>>(self, mut map: A) -> Result<Object<'b>, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        from.deserialize_map(Reader)
    }
}

#[cfg(test)]
mod tests;
