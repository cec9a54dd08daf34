//! Accounts of what connections do and how they end, for whoever reads the server's log.
//!
//! Knows: what is worth telling, at which level, what may not be told.
//! Must not know: how an account is written, where it goes, sockets.
//!
//! An account is made only if somebody wants it. With problems alone nothing is kept for any
//! connection, and there are never more accounts than so many a second: the others are counted, and
//! told of in one. With everything there is a side table with a row for each connection.
//!
//! What people say to each other is in no account, nor what may be a credential: no bodies, no
//! queries, no fields; of a path what the configuration says of it, and of one that nobody knows
//! the words that are known anyhow.

mod flood;
mod lives;
mod requests;
mod veil;
mod whence;

pub(super) use requests::Asked;
pub use whence::Whence;

use super::desk::Desk;
use super::letters::Action;
use crate::bytes::{ConnKey, Tick};
use crate::http::Status;
use flood::Flood;
use lives::Lives;
use requests::Answer;
use std::borrow::Cow;
use std::time::Duration;

/// What an account is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A request, or a handshake, and its answer.
    Access,
    /// A WebSocket or an event stream: that it is there, and how it ended.
    Connection,
}

impl Target {
    /// As the log calls it.
    pub fn name(self) -> &'static str {
        match self {
            Target::Access => "access",
            Target::Connection => "connection",
        }
    }
}

/// How much an account matters; what matters most comes last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// All is as it should be.
    Debug,
    /// A peer made a mistake.
    Info,
    /// We did not do what we were asked to, and should have.
    Warn,
}

/// Which accounts are wanted: of each target those of this level, and of what matters more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Of requests. `None`: no accounts.
    pub access: Option<Level>,
    /// Of connections. `None`: no accounts.
    pub connection: Option<Level>,
}

impl Wanted {
    /// Everything.
    pub const ALL: Wanted = Wanted { access: Some(Level::Debug), connection: Some(Level::Debug) };
    /// What operators should know of.
    pub const PROBLEMS: Wanted =
        Wanted { access: Some(Level::Info), connection: Some(Level::Info) };

    fn of(self, target: Target) -> Option<Level> {
        match target {
            Target::Access => self.access,
            Target::Connection => self.connection,
        }
    }

    fn has(self, target: Target, level: Level) -> bool {
        self.of(target).is_some_and(|least| least <= level)
    }

    /// Whether they are so many that nobody can want them for the problems alone.
    fn is_all(self, target: Target) -> bool {
        self.of(target) == Some(Level::Debug)
    }
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// What it is about.
    pub target: Target,
    /// How much it matters.
    pub level: Level,
    /// What happened, the same for all of a kind but for numbers.
    pub message: Cow<'static, str>,
    /// The connection whose peer belongs to it, where the engine does not remember that.
    pub about: Option<ConnKey>,
    /// What is known of it, by name.
    pub fields: Vec<(&'static str, Value)>,
}

/// What a field of an account holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Words, which may be a client's.
    Text(Cow<'static, str>),
    /// A count, or a code.
    Number(u64),
    /// How long something took.
    Span(Duration),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Value {
        Value::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(Cow::Owned(text))
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Value {
        Value::Number(number)
    }
}

impl From<Duration> for Value {
    fn from(span: Duration) -> Value {
        Value::Span(span)
    }
}

impl Account {
    fn new(target: Target, level: Level, message: impl Into<Cow<'static, str>>) -> Account {
        Account { target, level, message: message.into(), about: None, fields: Vec::new() }
    }

    fn with(mut self, name: &'static str, value: impl Into<Value>) -> Account {
        self.fields.push((name, value.into()));
        self
    }

    /// The same, if there is a value.
    fn with_some(self, name: &'static str, value: Option<impl Into<Value>>) -> Account {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }
}

/// What is told, and what is remembered for it.
#[derive(Debug, Default)]
pub(super) struct Chronicle {
    wanted: Wanted,
    flood: Flood,
    lives: Lives,
    /// What was answered last.
    answer: Answer,
}

impl Chronicle {
    /// From now on so much is wanted.
    pub(super) fn want(&mut self, wanted: Wanted) {
        self.wanted = wanted;
        self.lives = Lives::of(wanted);
    }

    /// When it has something to tell although nothing happens.
    pub(super) fn next_due(&self) -> Option<Tick> {
        self.flood.next_due()
    }
}

impl Desk {
    /// Whether an account is to be made: somebody wants it, and there are not too many.
    fn is_to_tell(&mut self, target: Target, level: Level) -> bool {
        let Chronicle { wanted, flood, .. } = &mut self.chronicle;
        wanted.has(target, level)
            && (wanted.is_all(target) || flood.admits(target, level, self.now.monotonic, self.tick))
    }

    fn tell(&mut self, account: Account) {
        self.actions.push_back(Action::Tell(Box::new(account)));
    }

    /// Tells how many accounts were not made, if that is due.
    pub(super) fn tell_withheld(&mut self) {
        for account in self.chronicle.flood.withheld(self.tick) {
            self.tell(account);
        }
    }

    /// Somebody was not let in at all, as there are as many as there may be, or as we stop.
    pub(super) fn tell_turned_away(&mut self, listener: u8, whence: Whence) {
        let (code, _) = self.refusal_words();
        let level = requests::level_of(Status::ServiceUnavailable.code(), code);
        if self.is_to_tell(Target::Access, level) {
            let account = Account::new(Target::Access, level, "connection refused")
                .with("peer", whence.to_string())
                .with("port", u64::from(self.listener(listener).port))
                .with("status", u64::from(Status::ServiceUnavailable.code()))
                .with("code", code);
            self.tell(account);
        }
    }
}

#[cfg(test)]
mod tests;
