//! What happens next.
//!
//! Knows: how often what happens.
//! Must not know: what follows from it.

use super::client::Client;
use super::says;
use super::speaker::Talk;
use super::world::World;
use std::time::Duration;

impl World<'_> {
    /// One thing happens, as the dice say.
    pub(crate) fn step(&mut self) {
        self.progress.step.set(self.progress.step.get() + 1);
        match self.dice.below(256) {
            0..=14 => self.connect(),
            15..=65 => self.with_client(World::go_on),
            66..=116 => self.with_client(World::carry_some),
            117..=157 => self.with_client(World::read_some),
            158..=215 => self.turn_one(),
            216..=218 => self.change_policy(),
            219..=231 => self.now += Duration::from_millis(self.dice.below(50) as u64),
            232..=235 => self.with_client(|world, number| {
                let client = &mut world.clients[number];
                client.is_stalled = !client.is_stalled;
                client.was_odd = true;
            }),
            236..=237 => self.with_client(|world, number| {
                let client = &mut world.clients[number];
                client.is_mute = !client.is_mute;
                client.was_odd = true;
            }),
            238..=244 => self.with_client(World::leave),
            245 => self.with_client(|world, number| {
                world.clients[number].wire.room = *world.dice.pick(&[1, 40, 500, 100_000]);
            }),
            246 => {
                let span = *self.dice.pick(&[100, 2000, 6000, 11_000, 40_000]);
                self.sleep(Duration::from_millis(span));
                self.check_rest();
            }
            247 => {
                let span = *self.dice.pick(&[900, 5000, 30_000, 200_000]);
                self.stand_still(Duration::from_millis(span));
            }
            // The wall clock is set.
            248 => {
                self.wall_ms = self.wall_ms - 5000 + self.dice.below(10_000) as u64;
                self.set_at = self.now;
            }
            249 => self.with_client(World::burst),
            250 => self.flood(),
            251 => {
                self.rest();
                self.check_rest();
                self.check_receipt_at_rest();
            }
            252..=254 => self.publish_by_api(),
            _ => {
                // Sometimes a core wakes for nothing.
                let core = self.dice.below(self.cores.len());
                self.turn(core);
            }
        }
    }

    /// Does something with one of those who are here.
    fn with_client(&mut self, work: impl FnOnce(&mut Self, usize)) {
        let is_here = |client: &&Client| !client.has_seen_end && !client.wire.reset;
        let here: Vec<usize> =
            self.clients.iter().filter(is_here).map(|client| client.number).collect();
        if !here.is_empty() {
            let number = *self.dice.pick(&here);
            work(self, number);
        }
    }

    fn carry_some(&mut self, number: usize) {
        let client = &self.clients[number];
        if !client.is_mute && client.wire.is_sending() {
            let n = self.dice.part(client.wire.sending.len());
            self.carry(number, n);
        }
    }

    fn read_some(&mut self, number: usize) {
        if !self.clients[number].is_stalled {
            let n = self.dice.part(self.clients[number].wire.queued.len());
            self.read(number, n);
        }
    }

    /// More from one client in one turn than a chunk holds.
    fn burst(&mut self, number: usize) {
        (0..self.dice.below(60)).for_each(|_| self.go_on(number));
        self.carry(number, usize::MAX);
        self.turn(self.clients[number].core);
    }

    /// One core sleeps while a member of another publishes more chunks than one write takes slices.
    fn flood(&mut self) {
        self.rest();
        let sleeper = self.dice.below(self.cores.len());
        let room = |client: &Client| client.speaker().and_then(|speaker| speaker.room.clone());
        let speaks = |client: &&Client| client.is_upgraded && room(client).is_some();
        let (asleep, awake): (Vec<&Client>, Vec<&Client>) =
            self.clients.iter().filter(speaks).partition(|client| client.core == sleeper);
        let is_member = |one: &Client| one.speaker().is_some_and(|s| s.talk != Talk::Relay);
        let is_near =
            |one: &&&Client| is_member(one) && asleep.iter().any(|other| room(one) == room(other));
        let near = awake.iter().filter(is_near).map(|client| client.number).collect::<Vec<_>>();
        let asleep = asleep.iter().map(|client| client.number).collect::<Vec<_>>();
        if !near.is_empty() {
            let number = *self.dice.pick(&near);
            (0..self.dice.below(200)).for_each(|_| self.say_at_once(number, true));
        }
        for number in asleep {
            self.clients[number].wire.room = 1 << 20;
            self.say_at_once(number, false);
        }
        self.turn(sleeper);
    }

    fn say_at_once(&mut self, number: usize, turns: bool) {
        let client = &mut self.clients[number];
        says::say_well(client, &mut self.dice, &mut self.shadow, &self.policies.bounds);
        self.carry(number, usize::MAX);
        if turns {
            self.turn(self.clients[number].core);
        }
    }

    fn turn_one(&mut self) {
        let wanted = |core: &usize| self.cores[*core].is_wanted(self.now);
        let wanted: Vec<usize> = (0..self.cores.len()).filter(wanted).collect();
        if !wanted.is_empty() {
            let core = *self.dice.pick(&wanted);
            self.turn(core);
        }
    }
}
