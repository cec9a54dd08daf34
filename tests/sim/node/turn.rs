//! One turn of one core: what the reactor does, without sockets.
//!
//! Knows: the order of a turn (DESIGN part 5), short reads and writes, budgets.
//! Must not know: what the bytes mean.

use super::client::{Client, Moment, Role};
use super::policies::Facts;
use super::wire::{Ending, Fin};
use super::world::{Core, World};
use std::mem;
use std::sync::atomic::Ordering;
use tidegate::bytes::{ConnKey, Now, Slices};
use tidegate::engine::{Action, Space};

impl World<'_> {
    /// One turn of core `core`.
    pub(crate) fn turn(&mut self, core: usize) {
        self.trace(|| format!("core {core} turns"));
        self.note(&[0x7u64, core as u64, self.now.as_millis() as u64]);
        let now = self.clock();
        self.latest_ms = self.latest_ms.max(now.unix_ms);
        self.cores[core].is_rung = false;
        self.adopt(core);
        for key in mem::take(&mut self.cores[core].writable) {
            self.pump_out(core, key);
        }
        self.collect_letters(core);
        let head = self.shadow.head();
        let mut ready = mem::take(&mut self.cores[core].ready);
        while !ready.is_empty() {
            let key = ready.swap_remove(self.dice.below(ready.len()));
            self.pump_in(core, key, head);
        }
        self.cores[core].engine.expire(now);
        assert_eq!(head, self.shadow.head());
        let tickets = self.publish_pending(core);
        self.cores[core].engine.commit(now);
        self.observe();
        self.check_receipts(core, &tickets);
        while let Some(action) = self.cores[core].engine.poll_action() {
            self.act(core, action);
        }
        let again = mem::take(&mut self.cores[core].again);
        self.cores[core].ready.extend(again);
        self.cores[core].engine.note_turn(now, self.now);
        self.check_turn(core);
    }

    fn collect_letters(&mut self, core: usize) {
        let now = self.clock();
        loop {
            let mail = &self.cores[core].mail;
            let senders: Vec<usize> =
                (0..mail.len()).filter(|from| !mail[*from].is_empty()).collect();
            // Sometimes a letter is still on its way when the others come.
            if senders.is_empty() || self.dice.chance(10) {
                return;
            }
            let from = *self.dice.pick(&senders);
            if let Some(letter) = self.cores[core].mail[from].pop_front() {
                self.trace(|| format!("core {core} gets {letter:?} from core {from}"));
                self.cores[core].engine.collect(letter, now);
            }
        }
    }

    /// The shadow takes what was committed.
    fn observe(&mut self) {
        self.hub.exchange(&mut self.observer);
        self.observer.evicted.clear();
        let moment = Moment {
            now: self.now,
            is_draining: self.is_draining,
            bounds: &self.policies.bounds,
            hub: &self.hub,
            connections_peak: self.connections_peak,
            claims: &self.claims,
            has_strangers: self.has_strangers,
            latest_ms: self.latest_ms,
        };
        let before = self.shadow.head();
        for chunk in self.observer.inbox.drain(..) {
            self.shadow.append(&chunk, &mut self.clients, &moment);
        }
        for (at, event) in self.shadow.after(before) {
            let raw = String::from_utf8_lossy(&event.raw);
            self.trace(|| format!("event {at} in {} of {}: {raw}", event.room, event.session));
        }
        self.note(&[self.shadow.head()]);
    }

    fn pump_in(&mut self, core: usize, key: ConnKey, head: u64) {
        let now = self.clock();
        let Some(&number) = self.cores[core].keys.get(&key) else { return };
        let mut left = self.cores[core].by.policy.limits.read_bytes_per_connection;
        let by = self.cores[core].by.facts;
        loop {
            let World { cores, clients, dice, .. } = self;
            let (engine, client) = (&mut cores[core].engine, &mut clients[number]);
            let wire = &mut client.wire;
            match engine.space(key) {
                Space::Paused => return,
                Space::Backlog => engine.receive(key, &mut [], now),
                Space::Scratch | Space::Own(_) if wire.reset => {
                    wire.fin = Fin::Told;
                    return engine.receive_error(key, now);
                }
                Space::Scratch | Space::Own(_) if wire.arrived.is_empty() => {
                    if wire.fin == Fin::Arrived {
                        wire.fin = Fin::Told;
                        return engine.receive_end(key, now);
                    }
                    return;
                }
                Space::Scratch | Space::Own(_) if left == 0 => {
                    return cores[core].again.push(key);
                }
                Space::Own(room) => {
                    let n = dice.part(room.len().min(wire.arrived.len()).min(left));
                    room[..n].copy_from_slice(&wire.take_arrived(n));
                    engine.received(key, n, now);
                    left -= n;
                    client.was_given(n, now, head, by);
                    self.note_guest(number, by);
                    self.note_errand(number, by);
                }
                Space::Scratch => {
                    let n = dice.part(wire.arrived.len().min(left));
                    let mut bytes = wire.take_arrived(n);
                    engine.receive(key, &mut bytes, now);
                    left -= n;
                    client.was_given(n, now, head, by);
                    self.note_guest(number, by);
                    self.note_errand(number, by);
                }
            }
        }
    }

    fn pump_out(&mut self, core: usize, key: ConnKey) {
        let now = self.clock();
        let Some(&number) = self.cores[core].keys.get(&key) else { return };
        for _ in 0..self.dice.between(1, 4) {
            let (engine, client) = (&mut self.cores[core].engine, &mut self.clients[number]);
            let wire = &mut client.wire;
            let mut slices = Slices::default();
            engine.output(key, &mut slices);
            let offered = slices.bytes();
            if offered == 0 {
                return;
            }
            assert_eq!(wire.ending, Ending::No, "client {number}: written after the half-close");
            let n = if wire.reset { 0 } else { wire.free(offered) };
            let mut left = n;
            for slice in slices.as_io() {
                let (taken, _) = slice.split_at(slice.len().min(left));
                wire.queued.extend(taken);
                left -= taken.len();
            }
            let is_news = n > 0 || !wire.blocked;
            wire.blocked = n < offered;
            client.note_answer();
            if is_news {
                client.took = self.now;
            }
            self.note(&[number as u64, n as u64, offered as u64]);
            self.trace(|| format!("core {core} writes {n} of {offered} to client {number}"));
            self.check_offer(number, offered);
            let has_more = self.cores[core].engine.sent(key, n, offered, now);
            if self.clients[number].wire.reset {
                return self.note_broken(core, key, number);
            }
            if !has_more {
                return;
            }
        }
        self.cores[core].engine.go_on_later(key);
    }

    /// A write failed.
    fn note_broken(&mut self, core: usize, key: ConnKey, number: usize) {
        let now = self.clock();
        let Core { engine, again, .. } = &mut self.cores[core];
        if matches!(engine.space(key), Space::Paused) {
            self.clients[number].wire.fin = Fin::Told;
            return engine.receive_error(key, now);
        }
        again.push(key);
    }

    fn act(&mut self, core: usize, action: Action) {
        self.trace(|| format!("core {core}: {action:?}"));
        match action {
            Action::Flush(key) => self.pump_out(core, key),
            Action::Read(key) => self.cores[core].again.push(key),
            Action::Shutdown(key) => {
                let number = self.cores[core].keys[&key];
                let client = &mut self.clients[number];
                assert_eq!(client.wire.ending, Ending::No, "a half is closed once");
                client.wire.ending = Ending::Shutdown;
                client.ended_at = Some(self.shadow.head());
                self.note(&[0x5d, number as u64]);
            }
            Action::Close(key) => {
                let number = self.cores[core].keys.remove(&key).expect("closed once");
                let wire = &mut self.clients[number].wire;
                wire.ending = Ending::Closed(wire.ending == Ending::Shutdown);
                self.note(&[0xc1, number as u64]);
            }
            Action::Post(to, letter) => {
                self.cores[to as usize].mail[core].push_back(letter);
            }
            Action::Vet(..) => unreachable!("no policy of this node has anybody asked"),
            Action::Tell(account) => self.note(&[0x7e, account.fields.len() as u64]),
            Action::Ring(cores) => {
                // The shadow needs no bell.
                let numbers = cores.iter().map(usize::from);
                for other in numbers.filter(|core| *core < self.cores.len()).collect::<Vec<_>>() {
                    self.cores[other].is_rung = true;
                }
            }
        }
    }

    /// What one client is offered at once is bounded, as far as it is its own answers.
    fn check_offer(&self, number: usize, offered: usize) {
        let Some(speaker) = self.clients[number].speaker() else { return };
        let most = &self.clients[number].bounds.most;
        let bound = most.outbox_bytes_max / 2 + most.message_bytes_max + 400;
        // What the API has published since is on top.
        let more = speaker.api_bytes(self.clients[number].begun_at, &self.shadow);
        let bound = bound + more;
        assert!(speaker.is_member() || offered <= bound, "{offered} bytes wait for {number}");
    }

    /// What holds after every turn.
    fn check_turn(&mut self, core: usize) {
        let engines = self.cores.iter().map(|core| core.engine.connections());
        let all = self.connections.load(Ordering::Relaxed);
        assert_eq!(engines.sum::<usize>(), all, "connections are counted");
        assert_eq!(self.cores[core].keys.len(), self.cores[core].engine.connections());
        assert!(all <= self.policies.bounds.most.connections_max);
        let next = self.cores[core].engine.next_deadline();
        assert!(next.is_zero() || next > self.now, "what was due at {next:?} is done");
        assert_eq!(self.counters[core].panics.value(), 0, "an engine panicked");
        let holdings = self.hub.holdings();
        let limits = self.policies.of_logs();
        assert!(holdings.log_bytes <= limits.node_log_bytes_max, "{holdings:?}");
        // Those that became too many stay.
        assert!(holdings.rooms <= limits.rooms_max.max(self.rooms), "{holdings:?}");
        let rooms = (holdings.rooms + 1) * limits.room_log_events_max;
        assert!(holdings.log_events <= rooms, "{holdings:?}");
        self.rooms = holdings.rooms;
    }
}

impl Client {
    /// The engine was given `n` more of its bytes.
    fn was_given(&mut self, n: usize, now: Now, head: u64, by: Facts) {
        self.heard = now.monotonic;
        // What comes behind the server's end is thrown away.
        self.wire.consumed += if self.wire.is_over() { 0 } else { n as u64 };
        let request = self.expected.back().map(|expected| expected.end);
        if self.begun_at.is_none() && request.is_some_and(|end| end <= self.wire.consumed) {
            self.begun_at = Some(head);
            if let Role::Speaker(speaker) = &mut self.role {
                speaker.came_by = Some(by);
            }
        }
    }
}
