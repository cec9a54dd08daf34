//! A door: where credentials are taken at one place of the server, and from which keys.
//!
//! Knows: what a configuration says of it.
//! Must not know: requests, what the keys are.

use super::forward::Forward;
use super::grant::Grant;
use super::keyring::Keyring;
use std::sync::Arc;

/// What one place of the server takes: the whole of it, or one route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Door {
    /// Everybody may come in.
    pub open: bool,
    /// The names of the keys that count here; `None`: all.
    pub keys: Option<Box<[Arc<str>]>>,
    /// Fields whose whole value is a credential, in lower case, beside `Authorization`.
    pub headers: Vec<String>,
    /// The cookie that is one.
    pub cookie: Option<String>,
    /// The parameter of the query that is one.
    pub query: Option<String>,
    /// What is said to whoever is not let in.
    pub refusing: Refusing,
    /// Who is asked about every request, in place of keys, fields, cookies and parameters.
    pub forward: Option<Arc<Forward>>,
}

impl Door {
    /// Whether the key `name` counts here.
    pub fn takes(&self, name: &str) -> bool {
        self.keys.as_ref().is_none_or(|keys| keys.iter().any(|key| **key == *name))
    }
}

/// The status of a refusal for want of a good credential. Whoever has one, but without the right
/// that it takes, always gets 403.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refusing {
    /// 401, with `WWW-Authenticate`.
    #[default]
    Unauthorized,
    /// 403.
    Forbidden,
}

/// Who may come in, as the configuration has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// The keys that there are.
    pub keyring: Keyring,
    /// What is taken where nothing else is said.
    pub door: Arc<Door>,
    /// `/metrics` is for everybody.
    pub open_metrics: bool,
    /// Every service that a door asks, this one or one of a route.
    pub forwards: Box<[Arc<Forward>]>,
}

impl Access {
    /// Whether anybody is asked for anything.
    pub fn is_on(&self) -> bool {
        !self.keyring.is_empty() || !self.forwards.is_empty()
    }

    /// Whether what vouched for `grant` is still there, and the same.
    pub fn stands_by(&self, grant: &Grant) -> bool {
        let is_its = |forward: &Forward| {
            Forward::KEY == &**grant.key() && forward.print() == grant.key_print()
        };
        self.keyring.has_given(grant) || self.forwards.iter().any(|forward| is_its(forward))
    }

    /// Whether somebody may come in at `door` by user and password.
    pub fn takes_passwords(&self, door: &Door) -> bool {
        self.keyring.iter().any(|key| key.is_password() && door.takes(&key.name))
    }
}
