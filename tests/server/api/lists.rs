//! Lists over more than one page while connections come and go.

use super::{ask, json, registered_at};
use crate::support::{Server, WebSocket};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

#[test]
fn whoever_is_there_throughout_is_listed_once() {
    let server = Server::start(&[]);
    let stay: Vec<WebSocket> =
        (0..60).map(|n| registered_at(&server, "/ws/lab", &format!("stays{n}"))).collect();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut guests = VecDeque::new();
            for n in 0.. {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                guests.push_back(registered_at(&server, "/ws/lab", &format!("guest{n}")));
                if guests.len() > 20 {
                    guests.pop_front();
                }
            }
        });
        for limit in [1, 3, 7, 20, 1000] {
            for filter in ["", "&room=lab", "&prefix=stays"] {
                let mut times: BTreeMap<String, usize> = BTreeMap::new();
                let mut after = String::new();
                loop {
                    let target = format!("/api/connections?limit={limit}{filter}{after}");
                    let page = json(&ask(&server, "GET", &target));
                    let names = page["connections"].as_array().unwrap();
                    assert!(names.len() <= limit);
                    for one in names {
                        *times
                            .entry(one["connectionId"].as_str().unwrap().to_owned())
                            .or_default() += 1;
                    }
                    let Some(next) = page["next"].as_str() else { break };
                    after = format!("&after={next}");
                }
                for n in 0..60 {
                    assert_eq!(times.get(&format!("stays{n}")), Some(&1), "{limit} {filter}");
                }
            }
        }
        is_over.store(true, Ordering::Relaxed);
    });
    drop(stay);
}

#[test]
fn rooms_come_page_by_page() {
    let server = Server::start(&[]);
    let _clients: Vec<WebSocket> =
        (0..25).map(|n| WebSocket::connect(server.ws, &format!("/chat/r{n:02}"))).collect();
    for limit in [1, 5, 24, 25, 26] {
        let (mut rooms, mut after) = (Vec::new(), String::new());
        loop {
            let page = json(&ask(&server, "GET", &format!("/api/rooms?limit={limit}{after}")));
            let names = page["rooms"].as_array().unwrap().iter();
            rooms.extend(names.map(|room| room["room"].as_str().unwrap().to_owned()));
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        rooms.sort();
        assert_eq!(rooms, (0..25).map(|n| format!("r{n:02}")).collect::<Vec<_>>(), "{limit}");
    }
}
