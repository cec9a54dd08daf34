//! Who reads, and how: classes of readers, and the formats that they want.
//!
//! Knows: which class gets what is published by whom.
//! Must not know: chunks, connections.

use std::ops::BitOr;

/// What kind of reader somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// An event stream.
    Subscriber,
    /// A WebSocket that gets what is said in its rooms.
    Member,
    /// A WebSocket that gets only what the API publishes to its room.
    Listener,
}

impl Class {
    /// Each, in the order of their numbers.
    pub const ALL: [Class; 3] = [Class::Subscriber, Class::Member, Class::Listener];
}

/// Whom a chunk is for: a set of classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audience(u8);

impl Audience {
    /// Nobody.
    pub const NOBODY: Audience = Audience(0);
    /// Event streams: relayed messages, closes.
    pub const SUBSCRIBERS: Audience = Audience::of(Class::Subscriber);
    /// The room's members: what is said on a broadcast route that does not publish.
    pub const MEMBERS: Audience = Audience::of(Class::Member);
    /// Event streams and the room's members: what is said on a broadcast route.
    pub const BROADCAST: Audience = Audience(Audience::SUBSCRIBERS.0 | Audience::MEMBERS.0);
    /// Everybody: what the API publishes.
    pub const ALL: Audience = Audience(Audience::BROADCAST.0 | Audience::of(Class::Listener).0);

    const fn of(class: Class) -> Audience {
        Audience(1 << class as u8)
    }

    /// Whether readers of `class` are in it.
    #[inline]
    pub fn has(self, class: Class) -> bool {
        self.0 & Audience::of(class).0 != 0
    }

    /// Whether WebSockets are in it.
    pub fn has_frames(self) -> bool {
        self.0 & !Audience::SUBSCRIBERS.0 != 0
    }

    /// The classes in it.
    pub fn classes(self) -> impl Iterator<Item = Class> {
        Class::ALL.into_iter().filter(move |class| self.has(*class))
    }
}

impl BitOr for Audience {
    type Output = Audience;

    fn bitor(self, other: Audience) -> Audience {
        Audience(self.0 | other.0)
    }
}

/// How a cursor wants its events; it keeps one format for life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// Server-Sent Events, the message as data.
    Events,
    /// Server-Sent Events, the message and all that is known about it as data.
    FullEvents,
    /// The same objects as lines of JSON.
    Lines,
    /// As [`Format::Events`], with sealed ids: for whoever may not read everything.
    SealedEvents,
    /// As [`Format::FullEvents`], with sealed ids.
    SealedFullEvents,
    /// As [`Format::Lines`], with sealed ids.
    SealedLines,
    /// WebSocket frames, the message as it was sent.
    Frames,
    /// The same, compressed where that makes them smaller (RFC 7692).
    DeflatedFrames,
}

/// How many formats there are.
pub(crate) const FORMATS: usize = Format::ALL.len();

impl Format {
    /// Each, in the order of their numbers.
    pub const ALL: [Format; 8] = [
        Format::Events,
        Format::FullEvents,
        Format::Lines,
        Format::SealedEvents,
        Format::SealedFullEvents,
        Format::SealedLines,
        Format::Frames,
        Format::DeflatedFrames,
    ];

    /// Whether it is what WebSockets read.
    pub fn is_frames(self) -> bool {
        matches!(self, Format::Frames | Format::DeflatedFrames)
    }

    /// Whether its ids are sealed.
    pub fn is_sealed(self) -> bool {
        self != self.opened()
    }

    /// The same with sealed ids; frames have none.
    #[must_use]
    pub fn sealed(self) -> Format {
        match self {
            Format::Events | Format::SealedEvents => Format::SealedEvents,
            Format::FullEvents | Format::SealedFullEvents => Format::SealedFullEvents,
            Format::Lines | Format::SealedLines => Format::SealedLines,
            Format::Frames | Format::DeflatedFrames => self,
        }
    }

    /// The same with ids as they are.
    #[must_use]
    pub fn opened(self) -> Format {
        match self {
            Format::SealedEvents => Format::Events,
            Format::SealedFullEvents => Format::FullEvents,
            Format::SealedLines => Format::Lines,
            Format::Events
            | Format::FullEvents
            | Format::Lines
            | Format::Frames
            | Format::DeflatedFrames => self,
        }
    }
}

/// What a reader wants of what is published: its class and its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Taste {
    /// Which chunks are for it.
    pub class: Class,
    /// In which format.
    pub format: Format,
}

impl Taste {
    /// Each that there is, in the order of their numbers.
    pub const ALL: [Taste; 10] = [
        Taste { class: Class::Subscriber, format: Format::Events },
        Taste { class: Class::Subscriber, format: Format::FullEvents },
        Taste { class: Class::Subscriber, format: Format::Lines },
        Taste { class: Class::Subscriber, format: Format::SealedEvents },
        Taste { class: Class::Subscriber, format: Format::SealedFullEvents },
        Taste { class: Class::Subscriber, format: Format::SealedLines },
        Taste { class: Class::Member, format: Format::Frames },
        Taste { class: Class::Member, format: Format::DeflatedFrames },
        Taste { class: Class::Listener, format: Format::Frames },
        Taste { class: Class::Listener, format: Format::DeflatedFrames },
    ];

    /// An event stream's, in a format that is none of frames.
    pub fn subscriber(format: Format) -> Taste {
        debug_assert!(!format.is_frames(), "streams get no frames");
        Taste { class: Class::Subscriber, format }
    }

    /// A WebSocket's. Who was agreed with on a compression that can be shared gets `deflated`
    /// frames.
    pub fn frames(class: Class, deflated: bool) -> Taste {
        debug_assert!(class != Class::Subscriber, "streams get no frames");
        Taste { class, format: if deflated { Format::DeflatedFrames } else { Format::Frames } }
    }

    /// Its place in [`Taste::ALL`].
    pub fn number(self) -> usize {
        const FRAMES: usize = Format::Frames as usize;
        let after = if self.class == Class::Listener { FORMATS - FRAMES } else { 0 };
        self.format as usize + after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_taste_has_a_number_of_its_own() {
        for (number, taste) in Taste::ALL.into_iter().enumerate() {
            assert_eq!(taste.number(), number);
            assert_eq!(taste.format.is_frames(), taste.class != Class::Subscriber);
        }
    }

    #[test]
    fn what_has_ids_can_have_them_sealed() {
        for format in Format::ALL {
            assert_eq!(format.sealed().is_sealed(), !format.is_frames());
            assert!(!format.opened().is_sealed());
            assert!([format.opened(), format.sealed()].contains(&format));
            assert_eq!(format.sealed().opened(), format.opened());
        }
    }

    #[test]
    fn an_audience_is_a_set() {
        let classes = |audience: Audience| audience.classes().collect::<Vec<_>>();
        assert_eq!(classes(Audience::NOBODY), []);
        assert_eq!(classes(Audience::SUBSCRIBERS), [Class::Subscriber]);
        assert_eq!(classes(Audience::MEMBERS), [Class::Member]);
        assert_eq!(classes(Audience::BROADCAST), [Class::Subscriber, Class::Member]);
        assert_eq!(classes(Audience::ALL), Class::ALL);
        assert_eq!(Audience::SUBSCRIBERS | Audience::MEMBERS, Audience::BROADCAST);
        assert!(Audience::MEMBERS.has_frames() && !Audience::SUBSCRIBERS.has_frames());
    }
}
