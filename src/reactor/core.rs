//! One core's loop: sleep, note readiness, read, act, commit, write, close, sleep.
//!
//! Knows: mio, sockets by slot, the clock, letters and bells.
//! Must not know: HTTP, WebSocket, SSE, rooms: it never looks at what the bytes mean.
//!
//! The turn. Whoever can be written to again is given what was left over. Whoever became ready, and
//! whoever stopped early last time, is read from, within budgets. Then the engine commits, once.
//! Then what it says is done: writes and closes, each in one place. Nothing that is called here
//! calls back.

mod accept;
mod adopt;

use super::clock::Clock;
use super::ears::Ears;
use super::gate::Gates;
use super::mailbox::{Mailbox, Shared};
use super::socket::{Progress, Socket, Stream};
use super::vacancy::Want;
use super::{StartError, accounts};
use crate::bytes::{ConnKey, Now};
use crate::engine::{Action, Engine, Letter, Setup};
use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use std::io::{self, ErrorKind};
use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Everything is read into here first. Larger than one connection's share: nothing is won by less.
const SCRATCH_BYTES: usize = 256 * 1024;
/// Readiness events taken from the kernel at once.
const EVENTS: usize = 1024;

/// The token of the waker; listeners come after it.
const WAKER: u32 = 0;
const SIGNALS: u32 = 1;
const FIRST_GATE: u32 = 2;

/// A core before it runs.
pub(super) struct Nascent {
    poll: Poll,
    gates: Gates<TcpListener>,
}

impl Nascent {
    /// Registers `listeners` with a poll of its own.
    pub(super) fn new(listeners: Vec<TcpListener>) -> Result<(Nascent, Mailbox), StartError> {
        let fail = |error| StartError::Reactor { error };
        let poll = Poll::new().map_err(fail)?;
        let mut gates = Gates::new(listeners);
        for (number, listener) in gates.listeners().enumerate() {
            let token = Token(ConnKey::reserved_token(FIRST_GATE + number as u32));
            poll.registry().register(listener, token, Interest::READABLE).map_err(fail)?;
        }
        let token = Token(ConnKey::reserved_token(WAKER));
        let waker = Waker::new(poll.registry(), token).map_err(fail)?;
        Ok((Nascent { poll, gates }, Mailbox::new(waker)))
    }
}

/// One core.
pub(super) struct Reactor<'s> {
    core: u16,
    poll: Poll,
    gates: Gates<TcpListener>,
    /// Whether a gate waits for a descriptor.
    want: Want,
    engine: Engine,
    /// By slot of their keys.
    sockets: Vec<Option<Socket<TcpStream>>>,
    /// Who can be read from in this turn.
    ready: Vec<ConnKey>,
    /// Who can be written to again.
    writable: Vec<ConnKey>,
    /// Who is left over for the next turn, and first in it.
    again: Vec<ConnKey>,
    scratch: Vec<u8>,
    letters: Vec<Letter>,
    ears: Option<Ears>,
    shared: &'s Shared,
    clock: Clock,
    setup: Setup,
    /// The number of the policy that it goes by.
    rules: u64,
    draining: bool,
}

impl<'s> Reactor<'s> {
    /// The core that `setup` describes. `ears` has the one that hears signals.
    pub(super) fn new(
        nascent: Nascent,
        setup: Setup,
        shared: &'s Arc<Shared>,
        clock: Clock,
        mut ears: Option<Ears>,
    ) -> io::Result<Reactor<'s>> {
        let Nascent { poll, gates } = nascent;
        let watch = Arc::clone(shared);
        if let Some(ears) = &mut ears {
            let token = Token(ConnKey::reserved_token(SIGNALS));
            poll.registry().register(ears, token, Interest::READABLE)?;
        }
        Ok(Reactor {
            core: setup.core,
            poll,
            gates,
            want: Want::new(setup.core),
            engine: Engine::new(setup.clone()).watched_by(watch).telling(accounts::wanted()),
            sockets: Vec::new(),
            ready: Vec::new(),
            writable: Vec::new(),
            again: Vec::new(),
            scratch: vec![0; SCRATCH_BYTES],
            letters: Vec::new(),
            ears,
            shared,
            clock,
            setup,
            rules: 0,
            draining: false,
        })
    }

    /// Runs until the server has stopped.
    pub(super) fn run(mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        while !self.engine.is_drained() {
            self.turn(&mut events)?;
        }
        Ok(())
    }

    /// One turn of the loop. Order matters: see the module's doc.
    fn turn(&mut self, events: &mut Events) -> io::Result<()> {
        self.sleep(events)?;
        let now = self.clock.now();
        self.engine.begin_turn(now);
        self.adopt();
        self.note_readiness(events);
        // Before anything new: what this turn brings leaves behind its commit, and not earlier.
        self.flush_writable(now);
        self.collect_letters(now);
        self.accept(now);
        self.read(now);
        self.engine.expire(now);
        self.engine.commit(now);
        while let Some(action) = self.engine.poll_action() {
            self.act(action, now);
        }
        mem::swap(&mut self.ready, &mut self.again);
        self.engine.note_turn(now, self.clock.since_start());
        Ok(())
    }

    fn sleep(&mut self, events: &mut Events) -> io::Result<()> {
        let bell = self.mailbox().bell();
        let timeout = self.timeout();
        let is_there = || self.is_wanted();
        let timeout = match timeout {
            Some(Duration::ZERO) => Some(Duration::ZERO),
            _ if !bell.may_sleep(is_there) => Some(Duration::ZERO),
            timeout => timeout,
        };
        let result = self.poll.poll(events, timeout);
        bell.awake();
        match result {
            // A signal came: a turn without events.
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                events.clear();
                Ok(())
            }
            result => result,
        }
    }

    /// How long there is nothing to do, if nothing happens.
    fn timeout(&self) -> Option<Duration> {
        if !self.ready.is_empty() {
            return Some(Duration::ZERO);
        }
        let due = self.engine.next_deadline();
        let due = self.gates.next_look().map_or(due, |at| at.min(due));
        Some(due.saturating_sub(self.clock.since_start()))
    }

    fn mailbox(&self) -> &'s Mailbox {
        self.shared.mailbox(self.core)
    }

    /// Whether another core has left something for this one.
    fn is_wanted(&self) -> bool {
        self.mailbox().has_letters()
            || self.setup.hub.is_waiting(self.core)
            || self.shared.is_stopping() != self.draining
            || self.shared.rules().is_later(self.rules)
            || self.want.is_met(self.shared.vacancy())
    }

    fn note_readiness(&mut self, events: &Events) {
        for event in events {
            match ConnKey::from_token(event.token().0) {
                Some(key) => self.note_socket(key, event),
                None => self.note_reserved(event.token().0 as u32),
            }
        }
    }

    fn note_socket(&mut self, key: ConnKey, event: &Event) {
        let Some(socket) = socket(&mut self.sockets, key) else { return };
        let ends = event.is_read_closed() || event.is_error();
        // The kernel says of most whom it has news of that they can be written to. It is news of
        // those that could not.
        if event.is_writable() && !socket.is_writable() {
            self.writable.push(key);
        }
        socket.note(event.is_readable(), event.is_writable(), ends);
        if socket.is_readable() && !mem::replace(&mut socket.listed, true) {
            self.ready.push(key);
        }
    }

    fn note_reserved(&mut self, number: u32) {
        match number {
            WAKER => {}
            SIGNALS => self.hear_signals(),
            gate => self.gates.note((gate - FIRST_GATE) as usize),
        }
    }

    fn hear_signals(&mut self) {
        if self.ears.as_mut().is_some_and(Ears::hear) {
            let connections = self.setup.connections.load(Ordering::Relaxed);
            self.shared.parting().begin(self.clock.since_start(), connections);
            self.shared.stop();
        }
    }

    fn collect_letters(&mut self, now: Now) {
        let mut letters = mem::take(&mut self.letters);
        self.mailbox().collect(&mut letters);
        for letter in letters.drain(..) {
            self.engine.collect(letter, now);
        }
        self.letters = letters;
        if !self.draining && self.shared.is_stopping() {
            self.stop_listening(now);
        }
    }
}

/// Reading, writing, closing.
impl Reactor<'_> {
    /// Reads from whoever is ready, within the turn's budget.
    fn read(&mut self, now: Now) {
        let limits = &self.setup.policy.limits;
        let mut turn_budget = limits.read_bytes_per_turn;
        let mut ready = mem::take(&mut self.ready);
        for key in ready.drain(..) {
            let Some(socket) = socket(&mut self.sockets, key) else { continue };
            socket.listed = false;
            let share = limits.read_bytes_per_connection.min(turn_budget);
            let mut left = share;
            let progress = socket.pump_in(&mut self.engine, &mut self.scratch, &mut left, now);
            turn_budget -= share - left;
            if progress == Progress::Budget {
                socket.listed = true;
                self.again.push(key);
            }
        }
        self.ready = ready;
    }

    fn flush_writable(&mut self, now: Now) {
        let mut writable = mem::take(&mut self.writable);
        for key in writable.drain(..) {
            if let Some(socket) = socket(&mut self.sockets, key) {
                socket.pump_out(&mut self.engine, now);
            }
        }
        self.writable = writable;
    }

    fn act(&mut self, action: Action, now: Now) {
        match action {
            Action::Flush(key) => {
                let Some(socket) = socket(&mut self.sockets, key) else { return };
                socket.pump_out(&mut self.engine, now);
                // A write that failed says that there is an end to be read.
                if socket.is_readable() && !mem::replace(&mut socket.listed, true) {
                    self.again.push(key);
                }
            }
            Action::Read(key) => {
                let Some(socket) = socket(&mut self.sockets, key) else { return };
                if !mem::replace(&mut socket.listed, true) {
                    self.again.push(key);
                }
            }
            Action::Shutdown(key) => {
                if let Some(socket) = socket(&mut self.sockets, key) {
                    // It fails when the peer is gone already: then reading tells.
                    let _ = Stream::shutdown(&socket.stream);
                }
            }
            Action::Close(key) => {
                if socket(&mut self.sockets, key).is_some() {
                    // Closing a descriptor takes it out of the poll.
                    self.sockets[key.slot()] = None;
                    self.shared.note_closed();
                }
            }
            Action::Post(core, letter) => self.shared.mailbox(core).post(letter),
            Action::Vet(key, question) => self.shared.vet(self.core, key, question),
            Action::Tell(account) => {
                let socket = account.about.and_then(|key| socket(&mut self.sockets, key));
                let peer = socket.and_then(|socket| socket.stream.peer_addr().ok());
                accounts::tell(&account, peer);
            }
            Action::Ring(cores) => {
                cores.iter().for_each(|core| self.shared.mailbox(core).bell().ring());
            }
        }
    }
}

/// The socket of `key`, unless another connection has its slot now.
fn socket(
    sockets: &mut [Option<Socket<TcpStream>>],
    key: ConnKey,
) -> Option<&mut Socket<TcpStream>> {
    sockets.get_mut(key.slot())?.as_mut().filter(|socket| socket.key == key)
}

#[cfg(test)]
mod tests;
