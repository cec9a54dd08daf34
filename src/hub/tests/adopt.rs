//! Limits that change.
//!
//! Knows: the face of a hub.
//! Must not know: where limits come from.

use super::publish::Said;
use super::{hub, publish};
use crate::hub::Turn;
use crate::limits::Limits;
use std::time::Duration;

/// In each room: more than is taken out in one go.
const CHUNKS: usize = 100;

fn text() -> Said {
    Said::Text("{}".into())
}

#[test]
fn logs_are_cut_back_to_what_they_may_hold_from_now_on() {
    let wide = Limits::default();
    let (hub, mut turn) = (hub(1, &wide), Turn::new(0));
    let rooms: Vec<_> = (0..3).map(|n| hub.enter(&n.to_string()).unwrap()).collect();
    for _ in 0..CHUNKS {
        for room in &rooms {
            publish(&hub, &mut turn, room, &[text()]);
        }
    }
    let small = Limits { room_log_events_max: 5, ..wide.clone() };
    hub.adopt(&small, Duration::ZERO);
    assert_eq!(hub.holdings().log_events, 15);
    publish(&hub, &mut turn, &rooms[0], &[text(), text()]);
    assert_eq!(hub.holdings().log_events, 15, "and so it stays");

    hub.adopt(&Limits { node_log_bytes_max: 1000, ..small.clone() }, Duration::ZERO);
    assert!((1..=1000).contains(&hub.holdings().log_bytes));
    let age = Limits { log_age: Duration::from_secs(1), ..small };
    hub.adopt(&age, Duration::from_secs(1));
    assert!(hub.holdings().log_events > 0);
    hub.adopt(&age, Duration::from_millis(1001));
    assert_eq!(hub.holdings().log_events, 0);
    hub.adopt(&wide, Duration::from_secs(2));
    publish(&hub, &mut turn, &rooms[0], &[text(), text(), text()]);
    assert_eq!(hub.holdings().log_events, 3);
}

#[test]
fn rooms_that_are_too_many_stay_and_no_other_is_let_in() {
    let hub = hub(1, &Limits::default());
    let rooms: Vec<_> = (0..3).map(|n| hub.enter(&n.to_string()).unwrap()).collect();
    hub.adopt(&Limits { rooms_max: 1, ..Limits::default() }, Duration::ZERO);
    assert_eq!(hub.enter("1").map(|room| room.key), Some(rooms[1].key));
    assert!(hub.enter("new").is_none());
}
