//! What the engine costs without a kernel: `cargo bench --bench micro`, with `-- --smoke` only to
//! see that it runs.
//!
//! Knows: how a row is measured, the table.
//! Must not know: sockets, what is measured.
//!
//! Every row is the best of several rounds: what disturbs a round only ever makes it slower. A word
//! behind the options chooses the rows whose names have it. Input is copied to where it is read to,
//! as a kernel would; that is part of each figure, and about 3 ns for 128 bytes.

mod credentials;
mod fanout;
mod parts;
mod relay;
mod rig;

use std::time::Instant;

const ROUNDS: usize = 9;
/// Calls in one round with `--smoke`: always the same, so that instructions can be counted.
const SMOKE_CALLS: usize = 16;

/// How long and what to measure.
struct Run {
    smoke: bool,
    chosen: Option<String>,
}

impl Run {
    /// Whether the row `name` is wanted.
    fn wants(&self, name: &str) -> bool {
        self.chosen.as_deref().is_none_or(|word| name.contains(word))
    }

    /// Nanoseconds for each of the `n` things that one call of `work` does.
    fn measure(&self, n: usize, mut work: impl FnMut()) -> f64 {
        let (rounds, calls) = match self.smoke {
            true => (1, SMOKE_CALLS),
            false => (ROUNDS, calls_in_20_ms(&mut work)),
        };
        let round = |_| {
            let start = Instant::now();
            (0..calls).for_each(|_| work());
            start.elapsed().as_nanos() as f64 / (calls * n) as f64
        };
        (0..rounds).map(round).fold(f64::INFINITY, f64::min)
    }
}

fn calls_in_20_ms(work: &mut impl FnMut()) -> usize {
    let start = Instant::now();
    let mut calls = 0;
    while start.elapsed().as_millis() < 20 {
        work();
        calls += 1;
    }
    calls
}

/// One line of the table; `twin` is the same done the simple way.
fn row(name: &str, nanos: f64, unit: &str, twin: Option<f64>) {
    let twin = twin.map_or(String::new(), |twin| format!("{twin:>10.1} {:>6.1}x", twin / nanos));
    println!("{name:<44} {nanos:>10.1} {unit:<14}{twin}");
}

fn main() {
    let mut run = Run { smoke: false, chosen: None };
    for argument in std::env::args().skip(1) {
        match argument.as_str() {
            "--smoke" => run.smoke = true,
            // Cargo adds it.
            "--bench" => {}
            word => run.chosen = Some(word.to_owned()),
        }
    }
    println!("{:<44} {:>10} {:<14}{:>10}  times as long", "", "ns", "for each", "twin");
    parts::rows(&run);
    relay::rows(&run);
    fanout::rows(&run);
    credentials::rows(&run);
}
