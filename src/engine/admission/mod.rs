//! Who is let in: the credential that a request holds, and what comes of it.
//!
//! Knows: where a door takes credentials, what its refusals say, who guesses.
//! Must not know: what is asked for behind the door.
//!
//! A request that may not come in has done nothing, and is told why in a fixed sentence: nothing of
//! what it said is in there. Its connection ends with that, and what is behind it is not read.

mod forward;
mod origin;
mod peer;
mod refusals;
mod ways;

pub(super) use origin::is_named;
pub(super) use peer::Peer;
pub(super) use refusals::not_allowed;
pub(super) use ways::TICKET;

use super::answer::Problem;
use super::desk::Desk;
use super::vetting::Vetting;
use crate::auth::{Door, Grant, Key, Presented, Question, Refused};
use crate::http::Request;
use std::borrow::Cow;
use std::sync::Arc;
use ways::{Credential, NotOne, Text, Way};

/// What a request takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Any good credential, of a program.
    Anything,
    /// Any good credential, for what a browser shows.
    Page,
    /// To open a WebSocket.
    Connect,
    /// To read rooms.
    Subscribe,
    /// To use the API.
    Manage,
}

/// A request at a door.
pub(super) struct Entrance<'r> {
    pub(super) request: &'r Request<'r>,
    pub(super) door: &'r Door,
    pub(super) need: Need,
    /// What the path has in place of `{token}`.
    pub(super) token: Option<&'r str>,
    /// The origins that may come here, where they were named.
    pub(super) listed: &'r [String],
    /// How many rooms, and how many connections, a stream may name.
    pub(super) filters_max: usize,
    pub(super) peer: Option<Peer>,
    /// What somebody else was asked about the request, and says.
    pub(super) vetting: Option<&'r Vetting>,
}

/// What comes of it when nothing speaks against it.
pub(super) enum Admitted {
    /// What whoever was let in may do. Nothing: everybody may come in there.
    In(Option<Arc<Grant>>),
    /// Somebody else has to be asked.
    Asks(Box<Question>),
}

impl Desk {
    /// What the holder of the credential may do that is shown at the entrance.
    pub(super) fn let_in(&mut self, entrance: &Entrance<'_>) -> Result<Admitted, Problem> {
        let access = Arc::clone(&self.policy.access);
        if !access.is_on() || entrance.door.open {
            return Ok(Admitted::In(None));
        }
        let takes_passwords = access.takes_passwords(entrance.door);
        let refused = |why| refusals::refused(why, entrance, takes_passwords);
        if let Err(wait) = self.may_try(entrance.peer) {
            self.count_credential("throttled");
            return Err(Problem { retry_after: Some(wait), ..refused(Refused::Throttled) });
        }
        // Nobody manages by the word of others.
        if let Some(forward) = &entrance.door.forward
            && matches!(entrance.need, Need::Page | Need::Connect | Need::Subscribe)
        {
            return self.let_in_forward(entrance, forward);
        }
        let credential = ways::find(entrance).map_err(|why| {
            self.count_credential(match why {
                NotOne::None => "missing",
                NotOne::Several => "several",
                NotOne::TooManyCookies | NotOne::TooManyParameters => "invalid",
            });
            refusals::not_one(why, entrance, takes_passwords)
        })?;
        if !origin::may_count(entrance, credential.way) {
            self.count_credential("not_allowed");
            return Err(refusals::ORIGIN_NEEDED);
        }
        let grant = self.verify(&credential, entrance.door).map_err(|why| {
            self.note_refused(why, entrance.peer);
            match refusals::invalid(&credential).filter(|_| why == Refused::Invalid) {
                Some(detail) => refused(why).saying(detail.to_owned()),
                None => refused(why),
            }
        })?;
        // Who it was is told also of whoever may not do this.
        self.note_admitted(&grant);
        self.check_right(&grant, entrance.need)?;
        self.count_credential("accepted");
        self.counters().admitted.count(credential.way.name());
        Ok(Admitted::In(Some(grant)))
    }

    /// What the holder of `text` may do, which it shows on a WebSocket that it has already.
    pub(super) fn renew(&self, text: &str, door: &Door) -> Result<Arc<Grant>, Refused> {
        let text = Text::Bearer(Cow::Borrowed(text));
        // Where others are asked who may come in, no key of ours counts.
        let granted = match door.forward {
            None => self.verify(&Credential { way: Way::Bearer, text }, door),
            Some(_) => Err(Refused::Invalid),
        };
        match &granted {
            Ok(_) => self.count_credential("accepted"),
            Err(why) => self.note_refused(*why, None),
        }
        granted
    }

    fn verify(&self, credential: &Credential<'_>, door: &Door) -> Result<Arc<Grant>, Refused> {
        let keyring = &self.policy.access.keyring;
        let unix_ms = self.now.unix_ms;
        let by_key = |presented| keyring.verify(presented, door, unix_ms).map(Arc::new);
        let grant = match &credential.text {
            Text::Bearer(text) => by_key(Presented::Bearer(text))?,
            Text::Basic(user, password) => by_key(Presented::Basic { user, password })?,
            Text::Ticket(text) => self.redeem(text, door).ok_or(Refused::Invalid)?,
            Text::Unreadable | Text::NoScheme => return Err(Refused::Invalid),
        };
        self.check_grant(&grant)?;
        Ok(grant)
    }

    /// What a key or somebody else vouches for may have been over, or revoked, since.
    fn check_grant(&self, grant: &Grant) -> Result<(), Refused> {
        let unix_ms = self.now.unix_ms;
        match self.setup.vault.revocations.concern(grant, unix_ms) {
            true => Err(Refused::Revoked),
            false if grant.is_over(unix_ms) => Err(Refused::Expired),
            false => Ok(()),
        }
    }

    /// A ticket is good as long as the key of whoever asked for it, and where that key counts. Who
    /// manages may let others in where that is not done by hand.
    fn redeem(&self, text: &str, door: &Door) -> Option<Arc<Grant>> {
        let grant = self.setup.vault.tickets.redeem(text, self.now.unix_ms)?;
        let keyring = &self.policy.access.keyring;
        let is_managers = |key: &Key| key.name == *grant.key() && key.rights.manage;
        let counts = door.takes(grant.key()) || keyring.iter().any(is_managers);
        let is_good = keyring.has_given(&grant) && !grant.is_over(self.now.unix_ms);
        (counts && is_good).then_some(grant)
    }

    fn check_right(&self, grant: &Grant, need: Need) -> Result<(), Problem> {
        let may = match need {
            Need::Anything | Need::Page => true,
            Need::Connect => grant.may_connect(),
            Need::Subscribe => grant.may_subscribe_to_some(),
            Need::Manage => grant.may_manage(),
        };
        if may { Ok(()) } else { Err(self.forbid(refusals::without(need))) }
    }

    /// A good credential without the right to what it was shown for.
    pub(super) fn forbid(&self, problem: Problem) -> Problem {
        self.count_credential("not_allowed");
        problem
    }

    fn count_credential(&self, outcome: &'static str) {
        self.counters().credentials.count(outcome);
    }

    /// What cannot be a guess, as a key vouches for it, does not count as one.
    fn note_refused(&self, why: Refused, peer: Option<Peer>) {
        let outcome = match why {
            Refused::Missing => "missing",
            Refused::Several => "several",
            Refused::Invalid => "invalid",
            Refused::Expired => "expired",
            Refused::NotYet => "not_yet",
            Refused::Revoked => "revoked",
            Refused::Throttled => "throttled",
        };
        self.count_credential(outcome);
        if why == Refused::Invalid {
            self.note_bad(peer);
        }
    }
}

#[cfg(test)]
mod tests;
