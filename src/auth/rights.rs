//! What the holder of a credential may do.
//!
//! Knows: the four rights, and names.
//! Must not know: who has them.

use super::glob::Globs;

/// What may be done. Nothing that does not stand here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rights {
    /// Open WebSockets.
    pub connect: bool,
    /// The rooms that may be read.
    pub subscribe: Globs,
    /// The rooms that may be published to.
    pub publish: Globs,
    /// Use the API: see, send to and close every connection and room.
    pub manage: bool,
    /// What its connections may be called.
    pub connection_id: Globs,
}

impl Rights {
    /// What a key gives of which nothing is said: everything but to manage.
    pub fn usual() -> Rights {
        Rights {
            connect: true,
            subscribe: Globs::all(),
            publish: Globs::all(),
            manage: false,
            connection_id: Globs::all(),
        }
    }
    /// Whether they are others for other subjects.
    pub(super) fn have_subject(&self) -> bool {
        [&self.subscribe, &self.publish, &self.connection_id].iter().any(|it| it.have_subject())
    }

    /// The same for `subject`.
    pub(super) fn of_subject(&self, subject: Option<&str>) -> Rights {
        Rights {
            connect: self.connect,
            subscribe: self.subscribe.of_subject(subject),
            publish: self.publish.of_subject(subject),
            manage: self.manage,
            connection_id: self.connection_id.of_subject(subject),
        }
    }
}
