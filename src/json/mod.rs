//! The envelope scan: is a text one JSON object, and which `connectionId` does it carry? (RFC 8259)
//!
//! Knows: bytes, the grammar of JSON, the few top-level keys that mean something to us.
//! Must not know: messages, connections, rooms, who sent the text or what becomes of it.
//!
//! A message is published as its sender wrote it, so nothing is parsed into values here: [`scan`]
//! reads the text once, from left to right, and remembers one place. [`control`] does the same for
//! what members say to the server itself. [`unescape`] and [`escape_into`] turn the inside of one
//! JSON string into text and back.
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

mod control;
mod open;
mod refresh;
mod scan;
mod string;
mod tokens;

pub use control::{Control, Member, control};
pub use refresh::{is_refresh, refresh};
pub use scan::scan;
pub use string::{escape_into, unescape};

/// What [`scan`] found in a text that is one JSON object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Where the value of the top-level `connectionId` stands, if there is one.
    pub connection_id: Option<Place>,
    /// A CR or LF stands between two tokens: legal, but it would cut a `data:` line in two. It
    /// never stands inside a string, where the grammar demands that it is escaped.
    pub line_breaks: bool,
}

/// The inside of a string, without its quotes: `&text[place.start..place.end]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The first byte behind the opening quote.
    pub start: usize,
    /// The closing quote.
    pub end: usize,
    /// There is a backslash in it: [`unescape`] has something to do.
    pub escaped: bool,
}

impl Place {
    /// The bytes that stand there in `text`, which should be the text that was scanned; nothing if
    /// it is one that has no such place.
    pub fn of(self, text: &[u8]) -> &[u8] {
        text.get(self.start..self.end).unwrap_or_default()
    }
}

/// Why a text is refused: the first thing that a reader from left to right stumbles on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Up to the byte `at` this might have become a JSON object; with that byte (or with the end of
    /// the text, if it stands there) it cannot.
    NotJson {
        /// Counted in bytes from the start of the text.
        at: usize,
    },
    /// The text begins as a JSON value of another kind.
    NotAnObject,
    /// Nested deeper than [`JSON_DEPTH_MAX`](crate::limits::JSON_DEPTH_MAX).
    TooDeep,
    /// A second top-level `connectionId`, however it is spelt.
    DuplicateKey,
    /// A top-level `close`, however it is spelt: only the server says that a connection closed.
    ReservedKey,
    /// The top-level `connectionId` is a value, but not a string.
    IdNotAString,
    /// A string that should be a name, but holds a control character or half a surrogate pair.
    IdNotText,
}

impl Fault {
    /// The stable code that a program can compare.
    pub fn code(self) -> &'static str {
        match self {
            Fault::NotJson { .. } => "not-json",
            Fault::NotAnObject => "not-an-object",
            Fault::TooDeep => "too-deep",
            Fault::DuplicateKey => "duplicate-key",
            Fault::ReservedKey => "reserved-key",
            Fault::IdNotAString | Fault::IdNotText => "bad-connection-id",
        }
    }

    /// The same for a person: a sentence for whoever sent the text.
    pub fn message(self) -> &'static str {
        match self {
            Fault::NotJson { .. } => "The message is not valid JSON.",
            Fault::NotAnObject => {
                "The message must be a JSON object, such as {\"connectionId\":\"a\"}."
            }
            Fault::TooDeep => "The message is nested too deeply.",
            Fault::DuplicateKey => "The message has more than one \"connectionId\".",
            Fault::ReservedKey => "The key \"close\" is reserved: only the server reports closes.",
            Fault::IdNotAString => "The value of \"connectionId\" must be a string.",
            Fault::IdNotText => "The \"connectionId\" holds characters that cannot be printed.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_a_code_and_a_sentence() {
        let all = [
            (Fault::NotJson { at: 3 }, "not-json"),
            (Fault::NotAnObject, "not-an-object"),
            (Fault::TooDeep, "too-deep"),
            (Fault::DuplicateKey, "duplicate-key"),
            (Fault::ReservedKey, "reserved-key"),
            (Fault::IdNotAString, "bad-connection-id"),
            (Fault::IdNotText, "bad-connection-id"),
        ];
        for (fault, code) in all {
            assert_eq!(fault.code(), code);
            assert!(fault.message().ends_with('.'));
        }
    }
}
