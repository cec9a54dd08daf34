//! The real binary, and the least of a client of each kind to talk to it: blocking, `std::net` only.
//!
//! Nothing here sleeps to wait for something: whoever waits reads, with a deadline that is only met
//! when something is broken.

// Each of the test targets that share this uses a part of it.
#![allow(dead_code, unused_imports)]

pub(crate) mod backend;
pub(crate) mod events;
pub(crate) mod folder;
pub(crate) mod foreign;
pub(crate) mod http;
pub(crate) mod server;
pub(crate) mod sources;
pub(crate) mod terminal;
pub(crate) mod websocket;
pub(crate) mod wire;

pub(crate) use backend::Backend;
pub(crate) use events::{Event, EventStream};
pub(crate) use folder::Folder;
pub(crate) use foreign::Foreign;
pub(crate) use server::Server;
pub(crate) use websocket::{Message, WebSocket};
pub(crate) use wire::Wire;

use std::thread;
use std::time::{Duration, Instant};

/// How long something that must happen may take on the slowest of machines.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again and again until the answer is yes.
pub(crate) fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}
