//! What a revocation does to those who are there: each core goes through its connections, some with
//! each letter, and ends those that are concerned.
//!
//! Knows: slots of a core, who was let in with what, who is called what.
//! Must not know: HTTP beyond its problems, who waits for the answer, cores but its own.
//!
//! Whoever comes is checked against the vault when it comes, and is in its slot before its core
//! gets to another letter. So of two things one is true of everybody: it came after the vault
//! knew, and was refused, or the letter, which was sent after the vault knew, finds it.

use super::super::Engine;
use super::super::answer::Problem;
use super::super::conn::{Conn, State};
use super::super::desk::Desk;
use super::super::letters::{Action, Letter};
use super::super::lifetime::Lapse;
use super::super::websocket::Name;
use super::ask::{Ask, Question};
use super::calls::CallKey;
use super::revocations::{AUTH_OFF, TOO_MANY};
use crate::auth::{Full, Revocation, Whom};
use crate::hub::Who;
use crate::limits::LISTED_SLOTS_MAX;
use std::sync::Arc;
use std::time::Duration;

/// A core's way through its connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sweep {
    revocation: Arc<Revocation>,
    /// The name that nobody may have.
    who: Option<Who>,
    /// What comes next.
    slot: u32,
    /// How many it has ended so far.
    closed: u64,
}

impl Sweep {
    /// Of what is revoked from now on, for so long.
    pub(super) fn of(
        (whom, span): (Whom, Option<Duration>),
        desk: &Desk,
    ) -> Result<Sweep, Problem> {
        if !desk.policy.access.is_on() {
            return Err(AUTH_OFF);
        }
        let who = match &whom {
            Whom::ConnectionId(id) => Some(desk.hub.who_keys().who(id)),
            Whom::Subject(_) | Whom::TokenId(_) => None,
        };
        let at_ms = desk.now.unix_ms;
        let until_ms = span.map(|span| at_ms.saturating_add(span.as_millis() as u64));
        let revocation = Arc::new(Revocation::new(whom, at_ms, until_ms));
        Ok(Sweep { revocation, who, slot: 0, closed: 0 })
    }

    fn concerns(&self, conn: &Conn) -> bool {
        let is_granted = conn.grant().is_some_and(|grant| self.revocation.concerns(grant));
        match &conn.state {
            State::WebSocket(websocket) => {
                let who = match &websocket.name {
                    Name::Owned(sender) => Some(sender.who),
                    Name::Waiting(waiting) => Some(waiting.who),
                    Name::None => None,
                };
                is_granted || self.who.is_some() && self.who == who
            }
            State::EventStream(_) => is_granted,
            // What is asked in one request is answered; the next is refused.
            State::Http(_) | State::Closing(_) => false,
        }
    }
}

impl Desk {
    /// Has a core go through its connections. Each is told when the vault knows, and that it knows
    /// already does no harm.
    pub(super) fn send_sweep(
        &mut self,
        core: u16,
        (call, task): (CallKey, u32),
        sweep: Sweep,
    ) -> Result<(), Problem> {
        let revocation = Revocation::clone(&sweep.revocation);
        let added = self.setup.vault.revocations.add(revocation, self.limits.revocations_max);
        added.map_err(|Full| TOO_MANY)?;
        let ask = Ask { from: (self.core, call), task, question: Question::Sweep(sweep) };
        self.actions.push_back(Action::Post(core, Letter::Ask(Box::new(ask))));
        Ok(())
    }
}

impl Engine {
    /// Goes through some of the connections: never more than a letter may take of a turn. How many
    /// were ended in all, when there are no more.
    pub(super) fn sweep(&mut self, sweep: &mut Sweep) -> Option<u64> {
        let (revocations, now) = (&self.desk.setup.vault.revocations, self.desk.now);
        // It may have been taken back meanwhile: who came since then stays.
        if !revocations.holds(&sweep.revocation.whom, now.unix_ms) {
            return Some(sweep.closed);
        }
        let end = self.conns.slots_end();
        let upto = end.min(sweep.slot.saturating_add(LISTED_SLOTS_MAX));
        for slot in sweep.slot..upto {
            let Some((key, conn)) = self.conns.in_slot(slot) else { continue };
            if sweep.concerns(conn) {
                self.end_grant(key, Lapse::Revoked);
                sweep.closed += 1;
            }
        }
        sweep.slot = upto;
        (upto >= end).then_some(sweep.closed)
    }
}
