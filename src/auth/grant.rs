//! What somebody was let in with.
//!
//! Knows: rights, and how they narrow one another.
//! Must not know: what was presented for it.

use super::digest::first_bytes;
use super::glob::Globs;
use super::rights::Rights;
use std::fmt;
use std::num::NonZeroU64;
use std::sync::Arc;

/// What somebody may do who was let in, and for how long. It is small, as every connection keeps
/// one: what many have in common is shared, and what is only compared is a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    by: Arc<Voucher>,
    subject: Option<Box<str>>,
    token_id: Option<TokenId>,
    /// [`NEVER`]: it is good for ever.
    expires_ms: u64,
    /// [`UNKNOWN`]: nobody said. The second is enough, and is never later than what was said.
    issued_s: u32,
}

/// Each connection that was let in has one.
const _: () = assert!(size_of::<Grant>() <= 48);

const NEVER: u64 = u64::MAX;
const UNKNOWN: u32 = u32::MAX;

/// Who vouches, and for what.
#[derive(Clone, PartialEq, Eq)]
struct Voucher {
    key: Arc<str>,
    print: u64,
    /// Only what all of these allow is allowed.
    rights: Box<[Arc<Rights>]>,
}

/// The print is left out: of a password it is enough to try others by.
impl fmt::Debug for Voucher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Voucher { key, rights, .. } = self;
        let mut out = out.debug_struct("Voucher");
        out.field("key", key).field("rights", rights).finish_non_exhaustive()
    }
}

/// `jti` of a token, as a digest: it is only ever compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TokenId(NonZeroU64);

impl TokenId {
    /// That of the token that is called so.
    pub fn of(text: &str) -> TokenId {
        TokenId(NonZeroU64::new(first_bytes(text.as_bytes())).unwrap_or(NonZeroU64::MIN))
    }
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
    /// What the key `key`, whose print is `print`, gives if it gives `rights`: to nobody in
    /// particular, for ever.
    pub fn new(key: Arc<str>, print: u64, rights: Arc<Rights>) -> Grant {
        Grant {
            by: Arc::new(Voucher { key, print, rights: Box::new([rights]) }),
            subject: None,
            token_id: None,
            expires_ms: NEVER,
            issued_s: UNKNOWN,
        }
    }

    /// The same for `subject`.
    pub fn of_subject(mut self, subject: Option<&str>) -> Grant {
        self.subject = subject.map(Box::from);
        self
    }

    /// The same by the token that is called so.
    pub fn of_token(mut self, token_id: Option<TokenId>) -> Grant {
        self.token_id = token_id;
        self
    }

    /// The same, issued at `unix_ms`, if anybody knows.
    pub fn issued_at(mut self, unix_ms: Option<u64>) -> Grant {
        let seconds = unix_ms.map(|ms| u32::try_from(ms / 1000).unwrap_or(UNKNOWN));
        self.issued_s = seconds.unwrap_or(UNKNOWN);
        self
    }

    /// The same until `unix_ms`; `None`: for ever.
    pub fn until(mut self, unix_ms: Option<u64>) -> Grant {
        self.expires_ms = unix_ms.unwrap_or(NEVER);
        self
    }

    /// The same with only those of its rights that `rights`, too, allow.
    pub fn narrowed_by(mut self, rights: Rights) -> Grant {
        let rights = [&*self.by.rights, &[Arc::new(rights)]].concat();
        self.by = Arc::new(Voucher { rights: rights.into(), ..Voucher::clone(&self.by) });
        self
    }

    /// The same with `rights` in place of its own.
    pub fn with_rights(mut self, rights: Rights) -> Grant {
        let rights = Box::new([Arc::new(rights)]);
        self.by = Arc::new(Voucher { rights, ..Voucher::clone(&self.by) });
        self
    }

    /// The name of the key that vouches for it.
    pub fn key(&self) -> &Arc<str> {
        &self.by.key
    }

    /// A digest of that key: another key of the same name is another key.
    pub fn key_print(&self) -> u64 {
        self.by.print
    }

    /// Whom it is about: `sub` of a token, the name of a static key, the user of a password.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// What the token is called by which it was got.
    pub fn token_id(&self) -> Option<TokenId> {
        self.token_id
    }

    /// When it was issued, in milliseconds since 1970, to the second, if it says so.
    pub fn issued_ms(&self) -> Option<u64> {
        (self.issued_s != UNKNOWN).then(|| u64::from(self.issued_s).saturating_mul(1000))
    }

    /// From when on it is good for nothing, in milliseconds since 1970.
    pub fn expires_ms(&self) -> Option<u64> {
        (self.expires_ms != NEVER).then_some(self.expires_ms)
    }

    /// What key and token allow: only what all of these do is allowed.
    pub fn rights(&self) -> impl Iterator<Item = &Rights> {
        self.all()
    }

    fn all(&self) -> impl Iterator<Item = &Rights> {
        self.by.rights.iter().map(|rights| &**rights)
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
        let limits = self.all().map(|rights| &rights.subscribe).filter(|globs| !globs.is_all());
        let limits: Vec<Globs> = limits.cloned().collect();
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
        self.expires_ms <= unix_ms
    }
}
