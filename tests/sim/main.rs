//! The simulation: a whole node, its clients and its time, from one number.
//!
//! Knows: seeds, how to say which of them failed.
//! Must not know: what a run does.
//!
//! `cargo test --test sim` runs a fixed set of seeds. `TIDEGATE_SIM_SEEDS=N` runs the first N, and
//! `TIDEGATE_SIM_SEED=S` that one alone, telling all that happens in it. The same seed is the same
//! run, bit for bit: some are run twice to see that it is so.

mod node;
mod vetting;

use node::dice::Dice;
use node::{Outcome, Progress};
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

const SEEDS: u64 = 600;
/// Each so-many-th seed is run twice.
const TWICE: u64 = 8;

/// One seed, once or twice. `Err`: the step at which it failed.
fn try_seed(seed: u64, is_traced: bool) -> Result<Outcome, u64> {
    let once = || {
        let progress = Progress::default();
        let work = AssertUnwindSafe(|| node::run(Dice::new(seed), is_traced, &progress).0);
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

/// What a fuzzer begins with: `TIDEGATE_SIM_RECORD=folder` has the runs written there.
#[test]
fn a_record_of_a_run_is_the_same_run() {
    let folder = std::env::var_os("TIDEGATE_SIM_RECORD");
    for seed in 0..40 {
        let progress = Progress::default();
        let (outcome, dice) = node::run(Dice::recorded(seed), false, &progress);
        let record = dice.record();
        let again = node::run(Dice::of_bytes(&record), false, &Progress::default()).0;
        if record[0] < 255 {
            assert_eq!(again, outcome, "seed {seed}");
        }
        if let Some(folder) = &folder {
            let path = std::path::Path::new(folder).join(format!("seed-{seed}"));
            std::fs::write(path, record).expect("a folder that can be written to");
        }
    }
}
