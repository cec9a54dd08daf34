//! What was revoked: good no more, though a key vouches for it.
//!
//! Knows: subjects, ids of tokens, names of connections; since when, and until when.
//! Must not know: connections.

use super::super::grant::{Grant, TokenId};
use super::{Full, TIDIED_MAX, lock};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Who or what is revoked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Whom {
    /// Whatever was issued to this subject so far; what is issued later is good.
    Subject(Arc<str>),
    /// The tokens of this id.
    TokenId(Arc<str>),
    /// Nobody may be called so.
    ConnectionId(Arc<str>),
}

/// One revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Who or what.
    pub whom: Whom,
    /// When that was said, in milliseconds since 1970.
    pub at_ms: u64,
    /// When it is over, in milliseconds since 1970; `None`: as long as the process lives.
    pub until_ms: Option<u64>,
    /// The token, as grants have it.
    token_id: Option<TokenId>,
}

impl Revocation {
    /// From `at_ms` on, until `until_ms` if it is to end.
    pub fn new(whom: Whom, at_ms: u64, until_ms: Option<u64>) -> Revocation {
        let token_id = match &whom {
            Whom::TokenId(id) => Some(TokenId::of(id)),
            Whom::Subject(_) | Whom::ConnectionId(_) => None,
        };
        Revocation { whom, at_ms, until_ms, token_id }
    }

    /// Whether what was granted is good no more.
    pub fn concerns(&self, grant: &Grant) -> bool {
        match &self.whom {
            Whom::Subject(subject) => {
                let is_older = grant.issued_ms().is_none_or(|issued| issued <= self.at_ms);
                is_older && grant.subject() == Some(subject)
            }
            Whom::TokenId(_) => grant.token_id() == self.token_id,
            Whom::ConnectionId(_) => false,
        }
    }

    /// Whether nobody may be called `id`.
    pub fn bars(&self, id: &str) -> bool {
        matches!(&self.whom, Whom::ConnectionId(own) if **own == *id)
    }

    fn is_over(&self, now_ms: u64) -> bool {
        self.until_ms.is_some_and(|until| until <= now_ms)
    }
}

/// All that is revoked.
#[derive(Debug, Default)]
pub struct Revocations {
    /// How many there are: mostly none, and then nobody takes the lock.
    count: AtomicUsize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    all: BTreeMap<Whom, Revocation>,
    /// When those that have an end are over.
    ends: BTreeSet<(u64, Whom)>,
    /// Those of tokens, as grants have them.
    tokens: BTreeSet<(TokenId, Whom)>,
}

impl Revocations {
    /// From now on `revocation` holds. If there was one of the same, both hold: no revocation makes
    /// anything good again. At most `revocations_max` are kept.
    ///
    /// # Errors
    ///
    /// So many are kept already.
    pub fn add(&self, revocation: Revocation, revocations_max: usize) -> Result<(), Full> {
        let mut state = lock(&self.state);
        let over = state.take_over(revocation.at_ms);
        let result = state.add(revocation, revocations_max);
        self.count.store(state.all.len(), Ordering::SeqCst);
        drop(state);
        drop(over);
        result
    }

    /// Takes it back; whether it was there.
    pub fn lift(&self, whom: &Whom, now_ms: u64) -> bool {
        let mut state = lock(&self.state);
        let lifted = state.take(whom);
        self.count.store(state.all.len(), Ordering::SeqCst);
        drop(state);
        lifted.is_some_and(|revocation| !revocation.is_over(now_ms))
    }

    /// Whether what was granted is good no more.
    pub fn concern(&self, grant: &Grant, now_ms: u64) -> bool {
        if self.count.load(Ordering::SeqCst) == 0 {
            return false;
        }
        let subject = grant.subject().map(|subject| Whom::Subject(subject.into()));
        let state = lock(&self.state);
        let of_subject = subject.and_then(|subject| state.find(&subject, now_ms));
        let of_token = grant.token_id().and_then(|id| state.find_token(id, now_ms));
        [of_subject, of_token].into_iter().flatten().any(|it| it.concerns(grant))
    }

    /// Whether nobody may be called `id`.
    pub fn bar(&self, id: &str, now_ms: u64) -> bool {
        self.count.load(Ordering::SeqCst) != 0 && self.holds(&Whom::ConnectionId(id.into()), now_ms)
    }

    /// Whether it is revoked.
    pub fn holds(&self, whom: &Whom, now_ms: u64) -> bool {
        lock(&self.state).find(whom, now_ms).is_some()
    }

    /// Some of all, in their order, from behind `after` on.
    pub fn page(&self, after: Option<&Whom>, count_max: usize, now_ms: u64) -> Vec<Revocation> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let state = lock(&self.state);
        let some = state.all.range((after, Bound::Unbounded)).map(|(_, revocation)| revocation);
        some.filter(|revocation| !revocation.is_over(now_ms)).take(count_max).cloned().collect()
    }

    /// How many there are; some may be over.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Forgets some that are over; whether there may be more.
    pub(super) fn tidy(&self, now_ms: u64) -> bool {
        if self.count() == 0 {
            return false;
        }
        let mut state = lock(&self.state);
        let over = state.take_over(now_ms);
        self.count.store(state.all.len(), Ordering::SeqCst);
        drop(state);
        over.iter().all(Option::is_some)
    }
}

impl State {
    fn add(&mut self, revocation: Revocation, revocations_max: usize) -> Result<(), Full> {
        let before = self.take(&revocation.whom);
        if before.is_none() && self.all.len() >= revocations_max {
            return Err(Full);
        }
        let both = match before {
            None => revocation,
            Some(before) => Revocation {
                at_ms: before.at_ms.max(revocation.at_ms),
                until_ms: before.until_ms.zip(revocation.until_ms).map(|(a, b)| a.max(b)),
                ..before
            },
        };
        self.ends.extend(both.until_ms.map(|until| (until, both.whom.clone())));
        self.tokens.extend(both.token_id.map(|id| (id, both.whom.clone())));
        self.all.insert(both.whom.clone(), both);
        Ok(())
    }

    fn find(&self, whom: &Whom, now_ms: u64) -> Option<&Revocation> {
        self.all.get(whom).filter(|revocation| !revocation.is_over(now_ms))
    }

    /// Ids that are different for us may be the same for grants: any of them counts.
    fn find_token(&self, id: TokenId, now_ms: u64) -> Option<&Revocation> {
        let first = Whom::Subject(Arc::default());
        let same = self.tokens.range((id, first)..).take_while(|(own, _)| *own == id);
        same.filter_map(|(_, whom)| self.find(whom, now_ms)).next()
    }

    fn take(&mut self, whom: &Whom) -> Option<Revocation> {
        let (whom, revocation) = self.all.remove_entry(whom)?;
        if let Some(until) = revocation.until_ms {
            self.ends.take(&(until, whom.clone()));
        }
        if let Some(id) = revocation.token_id {
            self.tokens.take(&(id, whom));
        }
        Some(revocation)
    }

    /// Some that are over, to be dropped when nobody waits for that.
    fn take_over(&mut self, now_ms: u64) -> [Option<Revocation>; TIDIED_MAX] {
        std::array::from_fn(|_| {
            let (_, whom) = self.ends.first().filter(|(until, _)| *until <= now_ms)?.clone();
            self.take(&whom)
        })
    }
}
