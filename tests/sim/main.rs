//! The simulation: a whole node, its clients and its time, from one number.
//!
//! Knows: seeds, how to say which of them failed.
//! Must not know: what a run does.
//!
//! `cargo test --test sim` runs a fixed set of seeds. `TIDEGATE_SIM_SEEDS=N` runs the first N, and
//! `TIDEGATE_SIM_SEED=S` that one alone, telling all that happens in it. The same seed is the same
//! run, bit for bit: some are run twice to see that it is so.

mod act;
mod check;
mod client;
mod dice;
mod finish;
mod frames;
mod http;
mod reader;
mod says;
mod shadow;
mod speaker;
mod sse;
mod step;
mod turn;
mod wire;
mod world;

use client::Role;
use std::io::Write;
use std::ops::AddAssign;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use world::{Progress, World};

const SEEDS: u64 = 600;
/// Each so-many-th seed is run twice.
const TWICE: u64 = 8;

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Outcome {
    hash: u64,
    steps: u64,
    clients: u64,
    events: u64,
    gaps: u64,
    /// Gaps of one whole room that had no number.
    vague_gaps: u64,
    /// WebSockets that were told 4408, and 4409.
    fell_off: u64,
    replaced: u64,
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
    }
}

fn run(seed: u64, is_traced: bool, progress: &Progress) -> Outcome {
    let mut world = World::new(seed, is_traced, progress);
    for _ in 0..world.dice.between(50, 900) {
        world.step();
    }
    world.end();
    let closed = |code| {
        let speakers = world.clients.iter().filter_map(|client| client.speaker());
        speakers.filter(|speaker| speaker.got_close == Some(code)).count() as u64
    };
    let gaps = world.clients.iter().filter_map(|client| match &client.role {
        Role::Reader(reader) => Some(reader.gaps),
        Role::Plain | Role::Speaker(_) => None,
    });
    let gaps = gaps.fold((0, 0), |sum, gaps| (sum.0 + gaps.0, sum.1 + gaps.1));
    Outcome {
        hash: world.hash,
        steps: progress.step.get(),
        clients: world.clients.len() as u64,
        events: world.shadow.head(),
        gaps: gaps.0 as u64,
        vague_gaps: gaps.1 as u64,
        fell_off: closed(4408),
        replaced: closed(4409),
    }
}

/// One seed, once or twice. `Err`: the step at which it failed.
fn try_seed(seed: u64, is_traced: bool) -> Result<Outcome, u64> {
    let once = || {
        let progress = Progress::default();
        let work = AssertUnwindSafe(|| run(seed, is_traced, &progress));
        catch_unwind(work).map_err(|_| progress.step.get())
    };
    let outcome = once()?;
    if seed.is_multiple_of(TWICE) && !is_traced && once()? != outcome {
        say(&format!("seed {seed} is not the same run twice"));
        return Err(0);
    }
    Ok(outcome)
}

/// Says it past the test harness, which keeps what a test prints.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "sim: {line}");
}

fn from_environment(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[test]
fn a_node_keeps_its_promises_whatever_happens() {
    if let Some(seed) = from_environment("TIDEGATE_SIM_SEED") {
        let outcome = try_seed(seed, true);
        say(&format!("seed {seed}: {outcome:?}"));
        assert!(outcome.is_ok());
        return;
    }
    let seeds = from_environment("TIDEGATE_SIM_SEEDS").unwrap_or(SEEDS);
    let (next, began) = (AtomicU64::new(0), Instant::now());
    let (total, failed) = (Mutex::new(Outcome::default()), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds || failed.lock().is_ok_and(|failed| failed.len() >= 5) {
                        return;
                    }
                    match try_seed(seed, false) {
                        Ok(outcome) => *total.lock().expect("no panic under it") += outcome,
                        Err(step) => failed.lock().expect("no panic under it").push((seed, step)),
                    }
                }
            });
        }
    });
    let total = total.into_inner().expect("no panic under it");
    say(&format!("{seeds} seeds in {:?}: {total:?}", began.elapsed()));
    let failed = failed.into_inner().expect("no panic under it");
    for (seed, step) in &failed {
        say(&format!("seed {seed} failed at step {step}"));
        say(&format!("again, with a trace: TIDEGATE_SIM_SEED={seed} cargo test --test sim"));
    }
    assert!(failed.is_empty(), "seeds and steps that failed: {failed:?}");
}
