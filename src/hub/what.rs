//! What an event is.
//!
//! Knows: what members and subscribers are told of.
//! Must not know: how any of it is written.

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A text message.
    Text,
    /// A binary message.
    Binary,
    /// A registered connection ended.
    Close,
    /// A connection became a member of the room.
    Join,
    /// A connection is a member of the room no more.
    Leave,
}

impl What {
    /// Whether somebody said it, and not the server.
    pub fn is_message(self) -> bool {
        matches!(self, What::Text | What::Binary)
    }
}
