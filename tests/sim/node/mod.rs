//! A whole node without sockets, its clients, its time, and what must be true of all of it.
//!
//! Knows: how a run goes from its first event to its last.
//! Must not know: who chooses the run: a seed (`tests/sim`) or a fuzzer (`fuzz/targets/engine.rs`).

mod act;
mod api;
mod check;
mod client;
mod configured;
mod deflate;
pub(crate) mod dice;
mod errands;
mod finish;
mod frames;
mod guest;
mod guests;
mod http;
mod noise;
mod pass;
pub(crate) mod policies;
mod reach;
mod reader;
mod roamer;
mod says;
mod shadow;
mod speaker;
mod sse;
mod step;
mod stranger;
mod turn;
mod wire;
mod world;

use client::Role;
use dice::Dice;
use std::ops::AddAssign;
pub(crate) use world::Progress;
use world::World;

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) hash: u64,
    pub(crate) steps: u64,
    pub(crate) clients: u64,
    pub(crate) events: u64,
    pub(crate) gaps: u64,
    /// Gaps of one whole room that had no number.
    pub(crate) vague_gaps: u64,
    /// WebSockets that were told 4408, and 4409.
    pub(crate) fell_off: u64,
    pub(crate) replaced: u64,
    /// Guests that were kept out, and that were told that their time was over, or their key gone.
    pub(crate) kept_out: u64,
    pub(crate) lapsed: u64,
    /// Those of the latter whom somebody has revoked; tickets that let one in.
    pub(crate) revoked: u64,
    pub(crate) redeemed: u64,
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Outcome) {
        self.steps += other.steps;
        self.clients += other.clients;
        self.events += other.events;
        self.gaps += other.gaps;
        self.vague_gaps += other.vague_gaps;
        self.fell_off += other.fell_off;
        self.replaced += other.replaced;
        self.kept_out += other.kept_out;
        self.lapsed += other.lapsed;
        self.revoked += other.revoked;
        self.redeemed += other.redeemed;
    }
}

/// One run, as `dice` say; gives the dice back.
pub(crate) fn run(dice: Dice, is_traced: bool, progress: &Progress) -> (Outcome, Dice) {
    let mut world = World::new(dice, is_traced, progress);
    for _ in 0..world.dice.steps() {
        if world.dice.is_spent() {
            break;
        }
        world.step();
    }
    world.end();
    let closed = |code| {
        let speakers = world.clients.iter().filter_map(|client| client.speaker());
        speakers.filter(|speaker| speaker.got_close == Some(code)).count() as u64
    };
    let guests = || world.clients.iter().filter_map(|client| client.guest());
    let gaps = world.clients.iter().filter_map(|client| match &client.role {
        Role::Reader(reader) => Some(reader.gaps),
        Role::Plain | Role::Speaker(_) | Role::Stranger(_) | Role::Guest(_) => None,
    });
    let gaps = gaps.fold((0, 0), |sum, gaps| (sum.0 + gaps.0, sum.1 + gaps.1));
    let outcome = Outcome {
        hash: world.hash,
        steps: progress.step.get(),
        clients: world.clients.len() as u64,
        events: world.shadow.head(),
        gaps: gaps.0 as u64,
        vague_gaps: gaps.1 as u64,
        fell_off: closed(4408),
        replaced: closed(4409),
        kept_out: guests().filter(|guest| guest.is_kept_out()).count() as u64,
        lapsed: guests().filter(|guest| guest.lapse.is_some()).count() as u64,
        revoked: guests().filter(|guest| guest.lapse.as_deref() == Some("revoked")).count() as u64,
        redeemed: world.tickets.iter().filter(|ticket| ticket.is_used).count() as u64,
    };
    (outcome, world.dice)
}
