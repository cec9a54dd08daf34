//! What somebody was let in with.
//!
//! Knows: rights, and how they narrow one another.
//! Must not know: what was presented for it.

use super::glob::Globs;
use super::rights::Rights;
use std::sync::Arc;

/// What somebody may do who was let in, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The name of the key that vouches for it.
    pub key: Arc<str>,
    /// A digest of that key: another key of the same name is another key.
    pub key_print: u64,
    /// Whom it is about: `sub` of a token, the name of a static key, the user of a password.
    pub subject: Option<Box<str>>,
    /// `jti` of a token.
    pub token_id: Option<Box<str>>,
    /// When it was issued, in milliseconds since 1970, if it says so.
    pub issued_ms: Option<u64>,
    /// From when on it is good for nothing, in milliseconds since 1970.
    pub expires_ms: Option<u64>,
    /// The rights of the key.
    pub rights: Arc<Rights>,
    /// What the credential itself says: only what both allow is allowed.
    pub narrowed: Option<Box<Rights>>,
}

/// The rooms that somebody may read who may not read all: those that every one of these means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reach(Vec<Globs>);

impl Reach {
    /// Whether it has the room `name`.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().all(|globs| globs.matches(name))
    }
}

impl Grant {
    /// The same for `subject`.
    pub fn of_subject(mut self, subject: Option<&str>) -> Grant {
        self.subject = subject.map(Box::from);
        self
    }

    /// The same by the token that is called so.
    pub fn of_token(mut self, token_id: Option<&str>) -> Grant {
        self.token_id = token_id.map(Box::from);
        self
    }

    /// The same, issued at `unix_ms`, if anybody knows.
    pub fn issued_at(mut self, unix_ms: Option<u64>) -> Grant {
        self.issued_ms = unix_ms;
        self
    }

    /// The same until `unix_ms`; `None`: for ever.
    pub fn until(mut self, unix_ms: Option<u64>) -> Grant {
        self.expires_ms = unix_ms;
        self
    }

    /// The same with only those of its rights that `rights`, too, allow.
    pub fn narrowed_by(mut self, rights: Rights) -> Grant {
        self.narrowed = match self.narrowed {
            None => Some(Box::new(rights)),
            Some(_) => Some(Box::default()),
        };
        self
    }

    /// The same with `rights` in place of its own.
    pub fn with_rights(mut self, rights: Rights) -> Grant {
        (self.rights, self.narrowed) = (Arc::new(rights), None);
        self
    }

    /// Whom it is about: `sub` of a token, the name of a static key, the user of a password.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// When it was issued, in milliseconds since 1970, if it says so.
    pub fn issued_ms(&self) -> Option<u64> {
        self.issued_ms
    }

    /// From when on it is good for nothing, in milliseconds since 1970.
    pub fn expires_ms(&self) -> Option<u64> {
        self.expires_ms
    }

    fn all(&self) -> impl Iterator<Item = &Rights> {
        [Some(&*self.rights), self.narrowed.as_deref()].into_iter().flatten()
    }

    /// Whether it may open WebSockets.
    pub fn may_connect(&self) -> bool {
        self.all().all(|rights| rights.connect)
    }

    /// Whether it may use the API.
    pub fn may_manage(&self) -> bool {
        self.all().all(|rights| rights.manage)
    }

    /// Whether it may read the room `name`. To read what is for everybody, `*`, is to read all.
    pub fn may_subscribe(&self, name: &str) -> bool {
        self.all().all(|rights| rights.subscribe.matches(name))
    }

    /// Whether it may publish to the room `name`.
    pub fn may_publish(&self, name: &str) -> bool {
        self.all().all(|rights| rights.publish.matches(name))
    }

    /// Whether its connection may be called `id`.
    pub fn may_be_called(&self, id: &str) -> bool {
        self.all().all(|rights| rights.connection_id.matches(id))
    }

    /// Whether it may read anything at all.
    pub fn may_subscribe_to_some(&self) -> bool {
        self.all().all(|rights| !rights.subscribe.is_none())
    }

    /// The rooms that it may read; `None`: all.
    pub fn reach(&self) -> Option<Reach> {
        let limits: Vec<Globs> = self.all().map(|rights| rights.subscribe.clone()).collect();
        let limits: Vec<Globs> = limits.into_iter().filter(|globs| !globs.is_all()).collect();
        (!limits.is_empty()).then_some(Reach(limits))
    }

    /// What its connection is called if it may be called nothing else.
    pub fn own_name(&self) -> Option<&str> {
        let mut names = self.all().filter_map(|rights| {
            let mut globs = rights.connection_id.iter();
            globs.next().filter(|_| globs.next().is_none())?.name()
        });
        names.find(|name| self.may_be_called(name))
    }

    /// Whether it is over at `unix_ms`.
    pub fn is_over(&self, unix_ms: u64) -> bool {
        self.expires_ms.is_some_and(|expires| expires <= unix_ms)
    }
}
