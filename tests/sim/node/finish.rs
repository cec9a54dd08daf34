//! Rest, sleep, and the end: what must be true when nothing moves any more.
//!
//! Knows: the engine's own deadlines, what a node holds.
//! Must not know: how a turn works.

use super::client::{Client, Role};
use super::guest::Kind;
use super::wire::Fin;
use super::world::World;
use std::sync::atomic::Ordering;
use std::time::Duration;

impl World<'_> {
    /// Everything moves as far as it can without time passing.
    pub(crate) fn rest(&mut self) {
        // A kernel that takes a byte at a time would keep everybody up all night.
        self.clients.iter_mut().for_each(|client| client.wire.room = client.wire.room.max(100));
        for _ in 0..5000 {
            let mut has_moved = false;
            for number in 0..self.clients.len() {
                let client = &self.clients[number];
                let (is_mute, is_stalled) = (client.is_mute, client.is_stalled);
                if client.has_seen_end && client.wire.is_closed() {
                    continue;
                }
                has_moved |= !is_mute && self.carry(number, usize::MAX);
                has_moved |= !is_stalled && self.read(number, usize::MAX);
            }
            for core in 0..self.cores.len() {
                if self.cores[core].is_wanted(self.now) {
                    self.turn(core);
                    has_moved = true;
                }
            }
            if !has_moved {
                return;
            }
        }
        panic!("it never rests");
    }

    /// Time passes; cores wake when they want to.
    pub(crate) fn sleep(&mut self, span: Duration) {
        self.trace(|| format!("{span:?} pass"));
        let end = self.now + span;
        self.rest();
        while self.now < end {
            let next = self.cores.iter().map(|core| core.engine.next_deadline()).min();
            let next = next.unwrap_or(end);
            assert!(next > self.now, "a core at rest has nothing to do now");
            self.now = next.min(end);
            self.rest();
        }
    }

    /// The whole process stands still for a while. Nobody who is well is cut off for it.
    pub(crate) fn stand_still(&mut self, span: Duration) {
        if self.dice.chance(50) {
            self.rest();
        }
        self.trace(|| format!("{span:?} are lost"));
        let is_well = |client: &&Client| {
            client.is_upgraded && !client.was_odd && !client.is_lazy && client.key.is_some()
        };
        let is_there = |client: &Client| {
            let speaker = client.speaker();
            let closes = speaker.is_some_and(|speaker| !speaker.may_speak());
            !client.wire.is_over() && !closes && !client.is_gone()
        };
        let well: Vec<usize> = self.clients.iter().filter(is_well).map(|c| c.number).collect();
        let well: Vec<usize> =
            well.into_iter().filter(|number| is_there(&self.clients[*number])).collect();
        self.now += span;
        // What was under way arrives only after everybody has looked at the clock.
        (0..self.cores.len()).for_each(|core| self.turn(core));
        self.rest();
        for number in well {
            let client = &self.clients[number];
            let is_brief = matches!(&client.role, Role::Reader(reader) if !reader.follows);
            let is_told = client.speaker().is_some_and(|speaker| speaker.got_close.is_some());
            let is_lapsed = matches!(&client.role, Role::Reader(reader) if reader.is_lapsed);
            let is_excused = self.is_draining || is_brief || is_told || is_lapsed;
            let is_cut = !is_excused && !is_there(client);
            assert!(!is_cut, "client {number} is cut off because the process stood still");
        }
    }

    /// What holds when nothing moves.
    pub(crate) fn check_rest(&self) {
        let is_here = |client: &&Client| {
            !client.is_stalled && !client.is_mute && !client.wire.reset && client.key.is_some()
        };
        for client in self.clients.iter().filter(is_here) {
            self.check_client(client);
        }
        for client in &self.clients {
            let session = client.speaker().and_then(|speaker| speaker.session);
            let is_closed = session.is_some_and(|s| self.shadow.sessions[&s].is_over());
            let is_over = client.wire.is_over();
            assert!(!is_over || is_closed || session.is_none(), "{}: no close yet", client.number);
        }
        self.check_counts();
        self.check_guests();
        if self.clients.iter().all(|client| !client.is_stalled && !client.is_mute) {
            let registered = self.clients.iter().filter(|client| is_registered(client)).count();
            let holdings = self.hub.holdings();
            let is_websocket = |client: &&Client| match &client.role {
                Role::Stranger(stranger) => stranger.is_websocket(),
                Role::Guest(guest) => guest.kind != Kind::Stream,
                Role::Plain | Role::Speaker(_) | Role::Reader(_) => false,
            };
            let more = self.clients.iter().filter(is_websocket).count();
            let can_be = registered..=registered + more;
            assert!(can_be.contains(&holdings.registered), "{can_be:?}: {holdings:?}");
        }
    }

    fn check_client(&self, client: &Client) {
        let number = client.number;
        if client.wire.fin == Fin::Told {
            assert!(client.wire.is_over(), "client {number} said its last and is kept");
            return;
        }
        if client.wire.is_over() {
            return;
        }
        let is_gone = !client.must_go || !client.is_upgraded || client.is_lazy;
        assert!(is_gone, "client {number} came by what is no more");
        let due = client.expected.iter().find(|expected| expected.end <= client.wire.consumed);
        assert!(due.is_none(), "client {number}: {due:?} is not answered");
        assert_eq!(client.wire.arrived.len(), 0, "client {number} is not read from");
        match &client.role {
            Role::Reader(reader) if client.is_upgraded => {
                let next = reader.next_event(&self.shadow).map(|(next, _)| next);
                assert_eq!(next, None, "client {number} waits for it: {client:?}");
                assert!(!reader.owes(), "client {number} waits for a gap: {client:?}");
            }
            Role::Speaker(speaker) if client.is_upgraded && speaker.may_speak() => {
                if speaker.roaming.is_none() {
                    let next = speaker.next_event(client.begun_at, &self.shadow);
                    assert_eq!(next, None, "client {number} waits for it");
                    assert!(speaker.answers.is_empty(), "client {number}: {:?}", speaker.answers);
                }
                let has_all = speaker.has_all(client.begun_at, &self.shadow);
                assert!(has_all, "client {number} waits: {speaker:?}");
                let is_url_alone = speaker.by_url && speaker.said.len() == 1;
                let published = speaker.published.max(usize::from(is_url_alone));
                let refused = speaker.roaming.as_ref().map_or(0, |roaming| roaming.refused);
                let said = speaker.said.len();
                assert_eq!(published + refused, said, "client {number}: all is published");
            }
            Role::Plain
            | Role::Speaker(_)
            | Role::Reader(_)
            | Role::Stranger(_)
            | Role::Guest(_) => {}
        }
    }

    /// The server stops, on this core.
    pub(crate) fn drain(&mut self, core: usize) {
        let now = self.clock();
        self.trace(|| format!("core {core} drains"));
        self.is_draining = true;
        self.cores[core].is_draining = true;
        self.cores[core].is_rung = true;
        self.cores[core].engine.drain(now);
    }

    /// Everybody goes, or is sent away; then nothing may be left.
    pub(crate) fn end(&mut self) {
        self.dice.note_end();
        if self.dice.chance(50) {
            self.end_by_drain();
        } else {
            self.end_by_leaving();
        }
        for core in &self.cores {
            assert_eq!(core.engine.connections(), 0);
        }
        self.wall_ms += 3_600_000;
        // The oldest event is as old as it may be, the next look at the logs comes, and what was in
        // the hands of a core is dropped in its turn after that.
        self.sleep(self.policies.bounds.most.log_age + Duration::from_secs(25));
        self.check_nothing_left();
    }

    fn end_by_drain(&mut self) {
        for core in 0..self.cores.len() {
            self.drain(core);
            for _ in 0..self.dice.below(20) {
                self.step();
            }
        }
        self.rest();
        self.sleep(self.policies.bounds.most.drain + Duration::from_secs(2));
        for core in &self.cores {
            assert!(core.engine.is_drained(), "{} are left", core.engine.connections());
        }
    }

    fn end_by_leaving(&mut self) {
        for number in 0..self.clients.len() {
            let client = &mut self.clients[number];
            (client.is_stalled, client.is_mute) = (false, false);
            self.leave(number);
        }
        self.sleep(Duration::from_secs(2));
        for client in &mut self.clients {
            client.wire.say_end();
        }
        self.sleep(Duration::from_secs(30));
    }

    fn check_nothing_left(&self) {
        let holdings = self.hub.holdings();
        assert_eq!(holdings, tidegate::hub::Holdings::default());
        assert_eq!(self.connections.load(Ordering::Relaxed), 0);
        for counters in self.counters.iter() {
            let open = &counters.open;
            let open = [&open.http, &open.websocket, &open.event_stream].map(|level| level.value());
            assert_eq!(open, [0; 3], "nothing is open");
            for (opened, closed) in [
                (&counters.opened.ws, &counters.closed.ws),
                (&counters.opened.http, &counters.closed.http),
                (&counters.opened.both, &counters.closed.both),
            ] {
                assert_eq!(opened.value(), closed.value(), "what was opened was closed");
            }
        }
        for (session, about) in &self.shadow.sessions {
            assert!(about.is_over(), "session {session} never closed");
        }
    }
}

/// Whether the client owns a name now.
fn is_registered(client: &Client) -> bool {
    let Some(speaker) = client.speaker() else { return false };
    (speaker.is_named_at_once() || speaker.is_registered) && is_open(client)
}

/// Whether the client is a WebSocket or an event stream now, as far as it knows.
pub(crate) fn is_open(client: &Client) -> bool {
    let may_be = match &client.role {
        Role::Speaker(speaker) => speaker.may_speak(),
        Role::Reader(reader) => reader.follows,
        Role::Plain | Role::Stranger(_) | Role::Guest(_) => false,
    };
    may_be && client.is_upgraded && !client.wire.is_over() && !client.is_gone()
}
