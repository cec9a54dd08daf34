//! What an engine tells the reactor, and engines tell one another.
//!
//! Knows: keys, cores.
//! Must not know: how a letter travels.

use super::api::{Answer, Ask};
use super::chronicle::Account;
use crate::auth::{Forward, Question, Vetted};
use crate::bytes::ConnKey;
use crate::hub::CoreSet;
use std::sync::Arc;

/// What the reactor is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Something waits to be written: [`crate::engine::Engine::output`].
    Flush(ConnKey),
    /// The connection may be read from again.
    Read(ConnKey),
    /// No more will be written: close our half.
    Shutdown(ConnKey),
    /// The connection is over.
    Close(ConnKey),
    /// Give another core a letter, or this one its own.
    Post(u16, Letter),
    /// Somebody else is to be asked about what the connection wants; what comes of it comes back
    /// as a [`Letter::Vetted`].
    Vet(ConnKey, Box<Question>),
    /// Whoever reads the server's log should know this.
    Tell(Box<Account>),
    /// These cores have something behind the door.
    Ring(CoreSet),
}

/// A letter, most often about a connection of the core that gets it. Of one that is gone nothing
/// more is to be done, but for a question: that is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Letter {
    /// Somebody else wants the connection's name: close it with 4409.
    Replaced(ConnKey),
    /// The connection owns the name it waited for; the number of its registration.
    Granted(ConnKey, u64),
    /// Somebody asks for something that only this core knows, or can do.
    Ask(Box<Ask>),
    /// What another core says to a question of this one.
    Answer(Box<Answer>),
    /// What this service says of what the connection wants.
    Vetted(ConnKey, Arc<Forward>, Box<Vetted>),
}
