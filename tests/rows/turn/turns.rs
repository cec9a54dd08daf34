//! Turns that take long are counted (L18): `tidegate_turn_seconds`.

use std::sync::Arc;
use std::time::Duration;
use tidegate::bytes::Now;
use tidegate::engine::{Engine, Policy, Setup};
use tidegate::hub::Hub;
use tidegate::limits::Limits;
use tidegate::metrics::{Counters, Gauges, render};

/// What the page says of turns that took no longer than `seconds`.
fn up_to(counters: &Counters, seconds: &str) -> u64 {
    let mut page = Vec::new();
    render(&[counters], &Gauges::default(), &mut page);
    let page = String::from_utf8(page).unwrap();
    let name = format!("tidegate_turn_seconds_bucket{{le=\"{seconds}\"}} ");
    let value = page.lines().find_map(|line| line.strip_prefix(&name));
    value.unwrap_or_else(|| panic!("{name} in {page}")).parse().unwrap()
}

#[test]
fn a_turn_over_100_ms_is_counted_as_one() {
    let limits = Arc::new(Limits::default());
    let counters: Arc<[Counters]> = Arc::new([Counters::default()]);
    let engine = Engine::new(Setup {
        core: 0,
        hub: Arc::new(Hub::new(1, &limits, [1, 2, 3], 0)),
        policy: Arc::new(Policy { limits, ..Policy::default() }),
        listeners: Arc::new([]),
        counters: Arc::clone(&counters),
        connections: Arc::default(),
        vault: Arc::default(),
        seed: [4, 5],
    });
    let began = Now { monotonic: Duration::from_secs(5), unix_ms: 5000 };
    for ms in [1, 90, 99, 101, 150, 20_000] {
        engine.note_turn(began, began.monotonic + Duration::from_millis(ms));
    }
    // The bounds next to 100 ms.
    assert_eq!(up_to(&counters[0], "0.098304"), 2);
    assert_eq!(up_to(&counters[0], "0.131072"), 4);
    assert_eq!(up_to(&counters[0], "+Inf"), 6);
}
