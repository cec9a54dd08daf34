//! What one core reaches another by: letters, and the bell that says there are some.
//!
//! Knows: letters in order.
//! Must not know: what they say.

use super::bell::Bell;
use super::parting::Parting;
use super::process::Process;
use super::rules::Rules;
use super::vacancy::Vacancy;
use crate::auth::Question;
use crate::bytes::ConnKey;
use crate::engine::{Letter, Policy};
use crate::forward::Forwarder;
use crate::metrics::{Vitals, Watch};
use mio::Waker;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What other cores reach a core by.
#[derive(Debug)]
pub(super) struct Mailbox {
    letters: Mutex<Vec<Letter>>,
    bell: Bell<Waker>,
}

impl Mailbox {
    /// An empty one of a core that `waker` wakes.
    pub(super) fn new(waker: Waker) -> Mailbox {
        Mailbox { letters: Mutex::default(), bell: Bell::new(waker) }
    }

    pub(super) fn bell(&self) -> &Bell<Waker> {
        &self.bell
    }

    /// Leaves a letter, and rings.
    pub(super) fn post(&self, letter: Letter) {
        self.lock().push(letter);
        self.bell.ring();
    }

    /// Takes all letters; `letters` is empty.
    pub(super) fn collect(&self, letters: &mut Vec<Letter>) {
        mem::swap(letters, &mut self.lock());
    }

    /// Whether there is anything to collect.
    pub(super) fn has_letters(&self) -> bool {
        !self.lock().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Letter>> {
        // Nothing that is done under it can panic half-way.
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the reactors of one process share.
#[derive(Debug)]
pub(super) struct Shared {
    mailboxes: Vec<Arc<Mailbox>>,
    forwarder: Forwarder,
    stopping: Arc<AtomicBool>,
    vacancy: Vacancy,
    rules: Rules,
    process: Process,
    parting: Parting,
}

impl Shared {
    /// For the cores of `process` whose mailboxes these are, in order; `stopping` is set when they
    /// are to stop.
    pub(super) fn new(
        mailboxes: Vec<Mailbox>,
        stopping: Arc<AtomicBool>,
        process: Process,
    ) -> Shared {
        let vacancy = Vacancy::new(mailboxes.len());
        let mailboxes = mailboxes.into_iter().map(Arc::new).collect();
        let (forwarder, rules) = (Forwarder::default(), Rules::default());
        let parting = Parting::default();
        Shared { mailboxes, forwarder, stopping, vacancy, rules, process, parting }
    }

    /// Has every core stop.
    pub(super) fn stop(&self) {
        self.stopping.store(true, Ordering::SeqCst);
        self.rules.close();
        self.ring();
    }

    pub(super) fn parting(&self) -> &Parting {
        &self.parting
    }

    /// Has every core go by `policy`, and waits for it. Gives whether they do: a server that stops
    /// needs no new one.
    pub(super) fn post(&self, policy: Arc<Policy>) -> bool {
        self.rules.post(policy, self.mailboxes.len(), || self.ring())
    }

    fn ring(&self) {
        self.mailboxes.iter().for_each(|mailbox| mailbox.bell.ring());
    }

    /// Whether the server stops.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }

    /// A descriptor was closed: every core that waits for one asks again.
    pub(super) fn note_closed(&self) {
        self.vacancy.note_freed(|core| self.mailbox(core).bell.ring());
    }

    pub(super) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(super) fn vacancy(&self) -> &Vacancy {
        &self.vacancy
    }

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    /// Has the question asked that `key` of `core` waits for. The verdict comes by letter, also if
    /// it is known already: whatever follows from it belongs to a turn of its own.
    pub(super) fn vet(&self, core: u16, key: ConnKey, question: Box<Question>) {
        let mailbox = Arc::clone(&self.mailboxes[core as usize]);
        let by = Arc::clone(&question.forward);
        self.forwarder
            .ask(question, move |vetted| mailbox.post(Letter::Vetted(key, by, Box::new(vetted))));
    }

    pub(super) fn mailbox(&self, core: u16) -> &Mailbox {
        &self.mailboxes[core as usize]
    }
}

/// What every engine may ask.
impl Watch for Shared {
    fn vitals(&self) -> Vitals {
        self.process.vitals()
    }

    fn lacks_descriptors(&self) -> bool {
        self.vacancy.is_waited_for()
    }
}
