//! Waiting for the verdict of a service that was asked about a request.
//!
//! Knows: who waits, and for how long.
//! Must not know: how anybody is asked, what a verdict means.
//!
//! The head stays where it came, with what is behind it, and nothing more is read. When the verdict
//! is there the request is dealt with from its beginning, as if the verdict had been known: what
//! held when the question was asked may hold no more.

use super::conn::{Conn, State};
use super::desk::Desk;
use super::http::Doing;
use super::letters::Action;
use super::{Engine, Step};
use crate::auth::{Forward, Question, Verdict, Vetted};
use crate::bytes::{ConnKey, Tick};
use std::sync::Arc;
use std::time::Duration;

/// Whoever asks has the time of a question itself; this is for its way there and back.
const MARGIN: Duration = Duration::from_secs(1);

/// A request that somebody was asked about.
#[derive(Debug)]
pub(super) struct Vetting {
    pub(super) forward: Arc<Forward>,
    /// What came of it, as soon as that is known.
    pub(super) verdict: Option<Verdict>,
    /// When nobody waits for it any more.
    pub(super) until: Tick,
    /// When it was asked.
    asked: Duration,
}

impl Vetting {
    /// When it was asked.
    pub(super) fn began(&self) -> Duration {
        self.asked
    }

    /// Whether the verdict should have come.
    pub(super) fn is_late(&self, now: Tick) -> bool {
        self.verdict.is_none() && self.until <= now
    }
}

impl Conn {
    /// Has the question asked; the request waits where it is.
    pub(super) fn begin_vetting(
        &mut self,
        desk: &mut Desk,
        key: ConnKey,
        question: Box<Question>,
    ) -> Step {
        let State::Http(http) = &mut self.state else { return Step::Wait };
        let until = desk.tick.after(question.patience + MARGIN);
        let (forward, asked) = (Arc::clone(&question.forward), desk.now.monotonic);
        http.doing = Doing::Vetting(Box::new(Vetting { forward, verdict: None, until, asked }));
        http.look_anew();
        desk.wake_by(key, until);
        desk.actions.push_back(Action::Vet(key, question));
        Step::Paused
    }

    /// The question that it waits for, or the verdict that it is dealt with by.
    pub(super) fn vetting(&self) -> Option<&Vetting> {
        let State::Http(http) = &self.state else { return None };
        let Doing::Vetting(vetting) = &http.doing else { return None };
        Some(vetting)
    }

    /// Whether it waits for a verdict.
    pub(super) fn is_vetted_still(&self) -> bool {
        self.vetting().is_some_and(|vetting| vetting.verdict.is_none())
    }

    /// Waits no longer than it may.
    pub(super) fn give_up_vetting(&mut self, desk: &mut Desk, key: ConnKey) {
        if self.vetting().is_some_and(|vetting| vetting.is_late(desk.tick)) {
            self.take_verdict(desk, key, Verdict::Unavailable);
        }
    }

    /// The verdict is there, and the request can be dealt with. `false`: nobody waits for one.
    pub(super) fn take_verdict(&mut self, desk: &mut Desk, key: ConnKey, verdict: Verdict) -> bool {
        let State::Http(http) = &mut self.state else { return false };
        let Doing::Vetting(vetting) = &mut http.doing else { return false };
        if vetting.verdict.is_some() {
            return false;
        }
        vetting.verdict = Some(verdict);
        if self.mood.paused && !self.must_pause(desk) {
            self.mood.paused = false;
            desk.actions.push_back(Action::Read(key));
        }
        true
    }
}

impl Engine {
    /// What came of a question.
    pub(super) fn vetted(&mut self, key: ConnKey, by: &Forward, vetted: Vetted) {
        let Engine { conns, desk } = self;
        let Vetted { verdict, kept } = vetted;
        let outcome = match &verdict {
            _ if kept => "cached",
            Verdict::In(_) => "in",
            Verdict::Refused(_) => "refused",
            Verdict::Unavailable => "unavailable",
        };
        desk.counters().forwarded.count(outcome);
        let Some(conn) = conns.find_mut(key) else { return };
        // It may be late, and another service be asked by now, which has yet to say anything.
        if conn.vetting().is_none_or(|vetting| *vetting.forward != *by) {
            return;
        }
        if let (false, Some(vetting)) = (kept, conn.vetting()) {
            let took = desk.now.monotonic.saturating_sub(vetting.asked);
            desk.counters().forward_seconds.record(took);
        }
        conn.take_verdict(desk, key, verdict);
    }

    /// The server stops: nobody waits for others any more.
    pub(super) fn end_vetting(&mut self) {
        let Engine { conns, desk } = self;
        let waits = |(key, conn): (ConnKey, &Conn)| conn.vetting().map(|_| key);
        let waiting: Vec<ConnKey> = conns.iter().filter_map(waits).collect();
        for key in waiting {
            if let Some(conn) = conns.find_mut(key) {
                conn.take_verdict(desk, key, Verdict::Unavailable);
            }
        }
    }
}
