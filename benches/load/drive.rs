//! One round of relay, broadcast or echo: send, receive, check, until everything has arrived.
//!
//! Knows: connections, senders and their pace, the checker, phases of a round.
//! Must not know: handshakes, framing, how figures are shown.

use std::io::ErrorKind;
use std::time::Duration;

use mio::{Events, Interest, Poll, Token};

use crate::books::Books;
use crate::conn::{Clock, Pause, SCRATCH_BYTES};
use crate::message::Layout;
use crate::options::{Options, Workload};
use crate::plan::{Peer, Plan};
use crate::process;
use crate::reload::Reload;
use crate::report::Outcome;
use crate::sender::{Pace, Sender};
use crate::target::{Failure, Role, Target};
use crate::ticker::Ticker;

const TICKER: usize = usize::MAX;
/// When nothing has arrived for so long, what is missing is lost.
const DRAIN: u64 = 5_000_000_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Warm,
    Measure,
    Drain,
}

/// The state of the world when measuring began.
#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    at: u64,
    delivered: u64,
    target_cpu: Option<u64>,
    own_cpu: u64,
}

struct Round<'a> {
    options: &'a Options,
    target: &'a Target,
    clock: Clock,
    poll: Poll,
    peers: Vec<Peer>,
    senders: Vec<Sender>,
    pace: Pace,
    books: Books,
    phase: Phase,
    until: u64,
    mark: Mark,
    reload: Option<Reload>,
    scratch: Vec<u8>,
    moved: Vec<u32>,
}

/// Runs one round against a target; `run` must differ from that of any other round.
pub(crate) fn run(
    options: &Options,
    target: &Target,
    run: u64,
    clock: Clock,
) -> Result<Outcome, Failure> {
    let mut stuck = Vec::new();
    if options.workload == Workload::Relay {
        stuck = target.open(Role::Subscriber, &vec![0; options.stuck], options.size)?;
    }
    let mut round = Round::open(options, target, run, clock)?;
    let ticker = round.register().map_err(Failure::io("preparing to poll"))?;
    let mut events = Events::with_capacity(1024);
    round.begin();
    while !round.is_over() {
        round.turn(&mut events, ticker.as_ref())?;
    }
    if let Some(reload) = &round.reload {
        reload.put_back(target, options.size)?;
    }
    let outcome = round.conclude();
    drop(stuck);
    Ok(outcome)
}

impl<'a> Round<'a> {
    fn open(
        options: &'a Options,
        target: &'a Target,
        run: u64,
        clock: Clock,
    ) -> Result<Round<'a>, Failure> {
        let plan = Plan::of(options);
        let layout = Layout::new(plan.form, options.size, run);
        let all = plan.rooms * plan.senders;
        let sender = |index| Sender::new(&layout, target.dress(), index, all, plan.pace);
        let senders = (0..all).map(sender).collect();
        // Recording costs as much as checking: where messages come by the million, a sample does.
        let is_slow = options.rate.is_some() || options.workload == Workload::Echo;
        let few = is_slow || options.all_latencies;
        Ok(Round {
            options,
            target,
            clock,
            poll: Poll::new().map_err(Failure::io("epoll"))?,
            peers: plan.open(target, options)?,
            senders,
            pace: plan.pace,
            books: Books::new(plan.checkers(&layout), plan.senders, few),
            phase: Phase::Warm,
            until: 0,
            mark: Mark::default(),
            reload: Reload::of(options),
            scratch: vec![0; SCRATCH_BYTES],
            moved: Vec::new(),
        })
    }

    /// Peers by their index; a ticker if there is a rate to be kept.
    fn register(&mut self) -> std::io::Result<Option<Ticker>> {
        let registry = self.poll.registry();
        for (index, peer) in self.peers.iter_mut().enumerate() {
            let sends = index < self.senders.len();
            let both = Interest::READABLE | Interest::WRITABLE;
            let interest = if sends { both } else { Interest::READABLE };
            peer.conn.register(registry, index, interest)?;
        }
        match self.options.rate {
            Some(rate) if !self.options.spin => {
                let ticker = Ticker::start(Duration::from_secs_f64(1.0 / rate))?;
                ticker.register(registry, TICKER)?;
                Ok(Some(ticker))
            }
            _ => Ok(None),
        }
    }

    fn begin(&mut self) {
        let now = self.clock.now();
        if let Pace::Rate { from, .. } = &mut self.pace {
            *from = now;
        }
        self.books.last = now;
        self.until = now + self.options.warmup.as_nanos() as u64;
        if self.options.messages.is_some() {
            self.measure(now);
        }
        self.pump_all();
    }

    fn measure(&mut self, now: u64) {
        self.mark = self.look(now);
        self.books.latency.reset();
        self.phase = Phase::Measure;
        self.until = now + self.options.duration.as_nanos() as u64;
    }

    fn look(&self, at: u64) -> Mark {
        Mark {
            at,
            delivered: self.books.delivered(),
            target_cpu: self.target.pid().and_then(process::cpu_time),
            own_cpu: process::cpu_time(std::process::id()).unwrap_or(0),
        }
    }

    /// Moves from phase to phase; true when everything has arrived, or nothing more will.
    fn is_over(&mut self) -> bool {
        let now = self.clock.now();
        match (self.phase, self.options.messages) {
            (Phase::Warm, _) if now >= self.until => self.measure(now),
            (Phase::Measure, None) if now >= self.until => self.phase = Phase::Drain,
            (Phase::Measure, Some(most))
                if self.senders.iter().all(|sender| sender.sent >= most) =>
            {
                self.phase = Phase::Drain;
            }
            _ => {}
        }
        // At a low rate nothing may come for long; at its end it may not.
        let waiting = self.phase == Phase::Drain || self.options.rate.is_none();
        let stalled = waiting && now.saturating_sub(self.books.last.max(self.until)) > DRAIN;
        stalled || self.phase == Phase::Drain && self.is_settled()
    }

    fn is_settled(&self) -> bool {
        let mut senders = self.senders.iter().enumerate();
        senders.all(|(index, sender)| self.books.settled(index) >= sender.sent)
    }

    fn turn(&mut self, events: &mut Events, ticker: Option<&Ticker>) -> Result<(), Failure> {
        let sleep = if self.options.spin { Duration::ZERO } else { Duration::from_millis(20) };
        match self.poll.poll(events, Some(sleep)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => {
                return Err(Failure::Io("poll".to_owned(), error));
            }
            _ => {}
        }
        for event in events.iter() {
            let Token(index) = event.token();
            if index == TICKER {
                ticker.map_or(Ok(()), Ticker::take).map_err(Failure::io("timer"))?;
                self.pump_all();
                continue;
            }
            if event.is_readable() {
                self.receive(index);
            }
            // Bytes and the end may come as one edge: the end has to be read too.
            if event.is_read_closed() {
                self.receive(index);
            }
            if event.is_writable() {
                self.pump(index, self.clock.now());
            }
        }
        if self.options.spin && self.options.rate.is_some() {
            self.pump_all();
        }
        self.pump_moved();
        let now = self.clock.now();
        match &mut self.reload {
            Some(reload) if self.phase != Phase::Drain => reload.look(now),
            _ => Ok(()),
        }
    }

    fn receive(&mut self, index: usize) {
        let peer = &mut self.peers[index];
        let (books, seat) = (&mut self.books, peer.seat);
        if !peer.open {
            return;
        }
        let pause = peer.conn.receive(&mut self.scratch, self.clock, |item, now| {
            books.enter(seat, item, now);
        });
        if let Pause::Ended(reason) = pause {
            peer.open = false;
            self.books.broken(|| format!("connection {index} ({seat:?}): {reason}"));
        }
    }

    /// Whoever's messages have arrived may send more.
    fn pump_moved(&mut self) {
        let mut moved = std::mem::take(&mut self.moved);
        self.books.take_moved(&mut moved);
        let now = self.clock.now();
        for sender in moved.drain(..) {
            self.pump(sender as usize, now);
        }
        self.moved = moved;
    }

    fn pump_all(&mut self) {
        let now = self.clock.now();
        (0..self.senders.len()).for_each(|sender| self.pump(sender, now));
    }

    /// Writes what this sender may send by now, until its socket is full.
    fn pump(&mut self, index: usize, now: u64) {
        let Some(sender) = self.senders.get_mut(index) else { return };
        let peer = &mut self.peers[index];
        while peer.open {
            if sender.batch.pending().is_empty() {
                if self.phase == Phase::Drain {
                    return;
                }
                let settled = self.books.settled(index);
                let allowed = sender.allowed(self.pace, settled, now);
                let allowed = allowed.min(self.options.messages.unwrap_or(u64::MAX));
                if allowed <= sender.sent {
                    return;
                }
                sender.fill(self.pace, allowed - sender.sent, now);
            }
            match peer.conn.write(sender.batch.pending()) {
                Ok(0) => return,
                Ok(written) => sender.batch.advance(written),
                Err(error) => {
                    peer.open = false;
                    self.books.broken(|| format!("sender {index}: {error}"));
                }
            }
        }
    }

    fn conclude(mut self) -> Outcome {
        let end = self.look(self.books.last);
        let sent: Vec<u64> = self.senders.iter().map(|sender| sender.sent).collect();
        let faults = self.books.finish(&sent);
        let cpu = self.mark.target_cpu.zip(end.target_cpu);
        Outcome {
            deliveries: end.delivered - self.mark.delivered,
            nanos: end.at.saturating_sub(self.mark.at),
            latency: self.books.latency,
            target_cpu: cpu.map(|(before, after)| after.saturating_sub(before)),
            own_cpu: end.own_cpu - self.mark.own_cpu,
            memory: self.target.pid().and_then(process::memory),
            bytes_each: None,
            counts: (sent.iter().sum(), end.delivered),
            reloads: self.reload.map_or(0, |reload| reload.count),
            faults,
        }
    }
}
