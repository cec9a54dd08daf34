//! What a round has brought, and the tables that show it.
//!
//! Knows: figures and how to show them.
//! Must not know: how they came about.

use hdrhistogram::Histogram;

use crate::check::Faults;
use crate::process::Memory;

/// From this share of its core on, the generator was the limit.
const SATURATED: f64 = 0.95;

/// The figures of one round.
pub(crate) struct Outcome {
    /// Messages that arrived, or connections.
    pub(crate) deliveries: u64,
    /// From the first to the last of them.
    pub(crate) nanos: u64,
    /// Nanoseconds from sending to arrival.
    pub(crate) latency: Histogram<u64>,
    /// What the target used, if we may know it.
    pub(crate) target_cpu: Option<u64>,
    /// What we used.
    pub(crate) own_cpu: u64,
    /// The target's memory at the end.
    pub(crate) memory: Option<Memory>,
    /// Bytes by which each connection made the target grow (idle).
    pub(crate) bytes_each: Option<f64>,
    /// Messages sent over the whole round, and messages that arrived.
    pub(crate) counts: (u64, u64),
    /// How often the target was told to read its configuration again.
    pub(crate) reloads: u64,
    /// What went wrong.
    pub(crate) faults: Faults,
}

/// Room for everything up to a minute, in three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    // The bounds are constants that the library takes.
    Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap_or_else(|_| unreachable!("constants"))
}

impl Outcome {
    fn per_second(&self) -> f64 {
        self.deliveries as f64 * 1e9 / self.nanos.max(1) as f64
    }

    fn each(&self, nanos: u64) -> f64 {
        nanos as f64 / 1e3 / self.deliveries.max(1) as f64
    }

    /// Microseconds of the target's core for one delivery.
    fn target_each(&self) -> Option<f64> {
        self.target_cpu.map(|cpu| self.each(cpu))
    }

    fn own_share(&self) -> f64 {
        self.own_cpu as f64 / self.nanos.max(1) as f64
    }

    fn target_share(&self) -> Option<f64> {
        self.target_cpu.map(|cpu| cpu as f64 / self.nanos.max(1) as f64)
    }

    fn micros(&self, quantile: f64) -> Option<f64> {
        let known = !self.latency.is_empty();
        known.then(|| self.latency.value_at_quantile(quantile) as f64 / 1e3)
    }

    /// One line as soon as the round is over.
    pub(crate) fn print(&self, target: &str, round: usize) {
        let at = |quantile| show(self.micros(quantile), 0);
        println!(
            "round {round} {target:<6} {:>9}/s, {} us each, {} of a core; generator {} us each, \
             {}; latency us p50 {} p90 {} p99 {} p99.9 {} max {}; sent {} arrived {}: {}",
            count(self.per_second()),
            show(self.target_each(), 3),
            percent(self.target_share()),
            show(Some(self.each(self.own_cpu)), 3),
            percent(Some(self.own_share())),
            at(0.5),
            at(0.9),
            at(0.99),
            at(0.999),
            at(1.0),
            self.counts.0,
            self.counts.1,
            self.faults,
        );
        if self.reloads > 0 {
            println!("    {} reloads", self.reloads);
        }
        self.faults.notes.iter().for_each(|note| println!("    {note}"));
    }
}

/// All rounds of one target.
pub(crate) struct Series {
    /// Its name.
    pub(crate) name: &'static str,
    /// In order.
    pub(crate) rounds: Vec<Outcome>,
}

impl Series {
    fn median(&self, figure: impl Fn(&Outcome) -> Option<f64>) -> Option<f64> {
        median(self.rounds.iter().filter_map(figure).collect())
    }

    /// Round by round against the neighbour in time, and then the median.
    fn ratio(&self, floor: Option<&Series>) -> Option<f64> {
        let pairs = self.rounds.iter().zip(&floor?.rounds);
        let ratios =
            pairs.filter_map(|(own, floor)| Some(own.target_each()? / floor.target_each()?));
        median(ratios.filter(|ratio| ratio.is_finite()).collect())
    }

    fn span(&self) -> Option<String> {
        let all = || self.rounds.iter().filter_map(Outcome::target_each);
        let (least, most) = (all().reduce(f64::min)?, all().reduce(f64::max)?);
        Some(format!("({least:.3}..{most:.3})"))
    }

    fn verdict(&self) -> String {
        let bad = self.rounds.iter().find(|round| !round.faults.is_clean());
        bad.map_or("ok".to_owned(), |round| round.faults.to_string())
    }

    fn row(&self, floor: Option<&Series>) -> Vec<String> {
        let each = show(self.median(Outcome::target_each), 3);
        let memory = |pick: fn(Memory) -> u64| {
            self.median(|round| Some(pick(round.memory?) as f64 / 1048576.0))
        };
        vec![
            self.name.to_owned(),
            self.median(|round| Some(round.per_second())).map_or("-".to_owned(), count),
            format!("{each} {}", self.span().unwrap_or_default()).trim_end().to_owned(),
            show(self.ratio(floor), 2),
            show(self.median(|round| round.micros(0.5)), 0),
            show(self.median(|round| round.micros(0.99)), 0),
            show(memory(|memory| memory.resident), 1),
            show(memory(|memory| memory.peak), 1),
            show(self.median(|round| round.bytes_each), 0),
            percent(self.median(Outcome::target_share)),
            percent(self.median(|round| Some(round.own_share()))),
            show(self.median(|round| Some(round.each(round.own_cpu))), 3),
            self.verdict(),
        ]
    }

    /// Whether the generator had no time left in any round.
    fn is_bounded_by_us(&self) -> bool {
        self.rounds.iter().any(|round| round.own_share() >= SATURATED)
    }

    fn json(&self, workload: &str, floor: Option<&Series>) -> String {
        let figures = [
            ("per_second", self.median(|round| Some(round.per_second()))),
            ("cpu_us_each", self.median(Outcome::target_each)),
            ("times_floor", self.ratio(floor)),
            ("p50_us", self.median(|round| round.micros(0.5))),
            ("p90_us", self.median(|round| round.micros(0.9))),
            ("p99_us", self.median(|round| round.micros(0.99))),
            ("p999_us", self.median(|round| round.micros(0.999))),
            ("max_us", self.median(|round| round.micros(1.0))),
            ("resident_bytes", self.median(|round| Some(round.memory?.resident as f64))),
            ("peak_bytes", self.median(|round| Some(round.memory?.peak as f64))),
            ("bytes_each", self.median(|round| round.bytes_each)),
            ("target_core", self.median(Outcome::target_share)),
            ("generator_core", self.median(|round| Some(round.own_share()))),
            ("generator_us_each", self.median(|round| Some(round.each(round.own_cpu)))),
            ("sent", Some(self.rounds.iter().map(|round| round.counts.0 as f64).sum())),
            ("arrived", Some(self.rounds.iter().map(|round| round.counts.1 as f64).sum())),
        ];
        let figures = figures.map(|(name, figure)| {
            let figure = figure.map_or("null".to_owned(), |figure| format!("{figure:.4}"));
            format!("\"{name}\":{figure}")
        });
        format!(
            "{{\"workload\":\"{workload}\",\"target\":\"{}\",\"rounds\":{},{},\"counts\":\"{}\"}}",
            self.name,
            self.rounds.len(),
            figures.join(","),
            self.verdict(),
        )
    }
}

/// The table at the end; `what` is the plural of what was counted.
pub(crate) fn print(workload: &str, what: &str, all: &[Series], as_json: bool) {
    let floor = all.iter().find(|series| series.name == "floor");
    let titles = [
        "target",
        &format!("{what}/s"),
        "CPU us each (min..max)",
        "x floor",
        "p50 us",
        "p99 us",
        "RSS MiB",
        "peak MiB",
        "RSS B/conn",
        "core",
        "gen core",
        "gen us each",
        "counts",
    ];
    let mut rows = vec![titles.map(str::to_owned).to_vec()];
    rows.extend(all.iter().map(|series| series.row(floor)));
    println!(
        "\n{workload}, medians of {} rounds",
        all.first().map_or(0, |series| series.rounds.len())
    );
    print_aligned(&rows);
    for series in all.iter().filter(|series| series.is_bounded_by_us()) {
        println!(
            "{}: the generator was the limit (its core >= 95%): rates and latencies are bounds",
            series.name
        );
    }
    if as_json {
        all.iter().for_each(|series| println!("{}", series.json(workload, floor)));
    }
}

fn print_aligned(rows: &[Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}"));
        println!("{}", cells.collect::<Vec<_>>().join("  "));
    }
}

fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(figures[middle]),
        _ => Some((figures[middle - 1] + figures[middle]) / 2.0),
    }
}

fn show(figure: Option<f64>, decimals: usize) -> String {
    figure.map_or("-".to_owned(), |figure| format!("{figure:.decimals$}"))
}

fn percent(share: Option<f64>) -> String {
    share.map_or("-".to_owned(), |share| format!("{:.0}%", share * 100.0))
}

/// `8,318k` above a hundred thousand, `67,923` below.
fn count(figure: f64) -> String {
    let (figure, unit) = if figure >= 1e5 { (figure / 1e3, "k") } else { (figure, "") };
    let digits = format!("{figure:.0}");
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped + unit
}
