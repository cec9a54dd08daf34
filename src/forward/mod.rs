//! Asking a service of others who may come in: threads that wait for its answers.
//!
//! Knows: questions and verdicts, HTTP as a client, clocks, threads.
//! Must not know: connections, cores, who is told a verdict.
//!
//! A core never waits: it leaves a question and what to do with the verdict. A few threads take
//! the questions in the order in which they came, each within its own time, counted from when it
//! was left. Who asks what was asked a moment ago is answered at once. Whatever goes wrong, there
//! is a verdict; nobody is let in by a mistake of ours.
//!
//! Nobody waits for the threads when the server ends.

mod call;
mod kept;
mod silence;

use crate::auth::{Question, Verdict, Vetted};
use crate::limits::{FORWARD_QUEUE_MAX, FORWARD_THREADS_MAX};
use call::Caller;
use kept::{Digest, Kept};
use silence::{Silence, Silences};
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// The threads that ask. There are none before there is a question.
#[derive(Debug, Default)]
pub struct Forwarder {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    line: Mutex<Line>,
    /// There is a question, or there will be none any more.
    changed: Condvar,
    kept: Mutex<Kept>,
    caller: Mutex<Caller>,
    silences: Mutex<Silences>,
}

/// Questions that wait for a thread.
#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<Asked>,
    threads: usize,
    /// Threads that wait for a question.
    idle: usize,
    closed: bool,
}

/// A question that waits.
struct Asked {
    question: Box<Question>,
    digest: Digest,
    until: Instant,
    tell: Tell,
}

type Tell = Box<dyn FnOnce(Vetted) + Send>;

impl fmt::Debug for Asked {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Asked").field("question", &self.question).finish_non_exhaustive()
    }
}

impl Forwarder {
    /// Has `tell` told the answer to `question`, here and now if it is known, else on another
    /// thread.
    pub fn ask(&self, question: Box<Question>, tell: impl FnOnce(Vetted) + Send + 'static) {
        let (now, digest) = (Instant::now(), question.digest());
        let kept = lock(&self.shared.kept).find(&digest, &question, now);
        if let Some(verdict) = kept {
            return tell(Vetted { verdict, kept: true });
        }
        let until = now + question.patience;
        let asked = Asked { question, digest, until, tell: Box::new(tell) };
        if let Err(asked) = self.queue(asked) {
            self.shared.tell(Silence::TooMany, &asked.question);
            (asked.tell)(Vetted::UNAVAILABLE);
        }
    }

    /// Has it wait for a thread, which is started if there could be more.
    fn queue(&self, asked: Asked) -> Result<(), Asked> {
        let mut line = lock(&self.shared.line);
        if line.waiting.len() >= FORWARD_QUEUE_MAX {
            return Err(asked);
        }
        if line.idle <= line.waiting.len() && line.threads < FORWARD_THREADS_MAX {
            let shared = Arc::clone(&self.shared);
            let name = format!("forward-{}", line.threads + 1);
            match thread::Builder::new().name(name).spawn(move || shared.work()) {
                Ok(_) => line.threads += 1,
                Err(error) if line.threads == 0 => {
                    log::error!("cannot start a thread: {error}");
                    return Err(asked);
                }
                // The others come to it.
                Err(_) => {}
            }
        }
        line.waiting.push_back(asked);
        self.shared.changed.notify_one();
        Ok(())
    }
}

impl Drop for Forwarder {
    fn drop(&mut self) {
        lock(&self.shared.line).closed = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    /// One thread: asks until there will be no more questions.
    fn work(&self) {
        while let Some(asked) = self.next() {
            // A mistake of ours, or of what we ask with, must not cost us the thread.
            if catch_unwind(AssertUnwindSafe(|| self.serve(asked))).is_err() {
                log::error!("telling what a forward answered panicked");
            }
        }
    }

    fn serve(&self, asked: Asked) {
        let Asked { question, digest, until, tell } = asked;
        let caller = lock(&self.caller).clone();
        let called = catch_unwind(AssertUnwindSafe(|| caller.call(&question, until)));
        let called = called.unwrap_or_else(|_| {
            // Its connections may be in the middle of something.
            *lock(&self.caller) = Caller::default();
            Err(Silence::Ours)
        });
        let verdict = called.unwrap_or_else(|silence| {
            self.tell(silence, &question);
            Verdict::Unavailable
        });
        lock(&self.kept).keep(digest, &verdict, &question, Instant::now());
        tell(Vetted { verdict, kept: false });
    }

    /// Nothing came of `question`.
    fn tell(&self, silence: Silence, question: &Question) {
        lock(&self.silences).tell(silence, question.forward.url(), Instant::now());
    }

    /// The next question; nothing, if there will be none.
    fn next(&self) -> Option<Asked> {
        let mut line = lock(&self.line);
        while line.waiting.is_empty() && !line.closed {
            line.idle += 1;
            line = self.changed.wait(line).unwrap_or_else(PoisonError::into_inner);
            line.idle -= 1;
        }
        if line.closed { None } else { line.waiting.pop_front() }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that is done under them can panic half-way.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
