//! Tidegate beside other people's servers: the same bytes, the same messages, or both refuse.
//!
//! Knows: seeds, how to say which of them failed.
//! Must not know: what is compared.
//!
//! `cargo test --test differential` runs a fixed number of seeds of each kind.
//! `TIDEGATE_DIFFERENTIAL_SEEDS=N` runs N, and `TIDEGATE_DIFFERENTIAL_SEED=S` that one alone:
//! `TIDEGATE_DIFFERENTIAL_SEEDS=1000000 cargo test --release --test differential stream`.

mod compare;
#[path = "../sim/dice.rs"]
mod dice;
mod echo;
mod frames;
mod handshake;
mod heads;
mod node;
mod verdicts;
mod words;

use dice::Dice;
use heads::Head;
use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// What many seeds came to.
type Tally = BTreeMap<String, u64>;

fn from_environment(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// Says it past the test harness, which keeps what a test prints.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "differential: {line}");
}

/// Runs seeds, on as many threads as there are processors, and says what they came to. Fewer than
/// `least` come to nothing that could be judged.
fn try_seeds(what: &str, least: u64, try_one: fn(u64, &mut Tally)) -> Tally {
    let alone = from_environment("TIDEGATE_DIFFERENTIAL_SEED");
    let seeds = from_environment("TIDEGATE_DIFFERENTIAL_SEEDS").unwrap_or(least);
    let (first, end) = alone.map_or((0, seeds), |seed| (seed, seed + 1));
    let (next, began) = (AtomicU64::new(first), Instant::now());
    let (total, failed) = (Mutex::new(Tally::new()), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut tally = Tally::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= end || failed.lock().is_ok_and(|failed| failed.len() >= 5) {
                        break;
                    }
                    let work = AssertUnwindSafe(|| try_one(seed, &mut tally));
                    if catch_unwind(work).is_err() {
                        failed.lock().expect("no panic under it").push(seed);
                    }
                }
                let mut total = total.lock().expect("no panic under it");
                tally.into_iter().for_each(|(name, n)| *total.entry(name).or_default() += n);
            });
        }
    });
    let (total, failed) = (total.into_inner().expect("no panic"), failed.into_inner());
    let failed = failed.expect("no panic under it");
    say(&format!("{what}: {} seeds in {:?}: {total:?}", end - first, began.elapsed()));
    for seed in &failed {
        say(&format!("again: TIDEGATE_DIFFERENTIAL_SEED={seed} cargo test --test differential"));
    }
    assert!(failed.is_empty(), "{what}: seeds that failed: {failed:?}");
    if end - first < least { Tally::new() } else { total }
}

fn count(tally: &mut Tally, name: impl ToString) {
    *tally.entry(name.to_string()).or_default() += 1;
}

#[test]
fn every_stream_is_understood_as_others_do_or_the_difference_is_on_the_list() {
    let tally = try_seeds("streams", 3_000, verdicts::are_the_same_or_listed);
    for name in verdicts::all_that_can_be().filter(|_| !tally.is_empty()) {
        assert!(tally.contains_key(&name), "no stream has shown this: {name}");
    }
}

#[test]
fn tungstenite_as_a_client_is_echoed() {
    try_seeds("clients", 200, |seed, _| echo::a_client_is_echoed(&mut Dice::new(seed)));
}

#[test]
fn every_handshake_has_the_verdict_of_tungstenite_or_a_listed_one() {
    try_seeds("heads", 3_000, |seed, tally| {
        let mut dice = Dice::new(seed);
        let head = Head::generate(&mut dice);
        let (we, they) = handshake::verdicts_are_as_listed(&head, &mut dice);
        count(tally, format!("we {we:?}, they {they:?}"));
        if we != they {
            head.reasons.iter().for_each(|reason| count(tally, reason));
        }
    });
}

#[test]
fn nobody_is_let_in_by_a_broken_head_whom_tungstenite_refuses() {
    try_seeds("broken heads", 2_000, |seed, tally| {
        let is_in = handshake::we_let_in_nobody_whom_they_refuse(&mut Dice::new(seed));
        count(tally, if is_in { "let in" } else { "refused" });
    });
}
