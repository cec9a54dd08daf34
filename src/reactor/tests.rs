//! How the process ends when it cannot go on.
//!
//! Knows: a log, how a process says that it aborted.
//! Must not know: what a core does.

use super::*;
use log::{Log, Metadata, Record};
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};

const SIGABRT: i32 = 6;
const WRITTEN: &str = "what was logged is written";

/// A log that says when it was waited for.
struct Waits;

impl Log for Waits {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, _: &Record<'_>) {}

    fn flush(&self) {
        println!("{WRITTEN}");
    }
}

#[test]
fn what_was_logged_is_written_before_a_panic_ends_the_process() {
    for part in ["of_a_core", "under_the_lock_of_the_hub"] {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &format!("reactor::tests::{part}"), "--ignored", "--nocapture"])
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert_eq!(child.status.signal(), Some(SIGABRT), "{part}: {said}");
        assert!(said.contains(WRITTEN), "{part}: {said}");
    }
}

/// What the test above starts, as the next.
#[test]
#[ignore = "a part of another test"]
fn of_a_core() {
    log::set_boxed_logger(Box::new(Waits)).unwrap();
    let _guard = AbortOnPanic;
    panic!("on purpose");
}

#[test]
#[ignore = "a part of another test"]
fn under_the_lock_of_the_hub() {
    log::set_boxed_logger(Box::new(Waits)).unwrap();
    let config = Config { cores: 1, ..Config::default() };
    let setups = setups(&config, Arc::new([]), Clock::start()).unwrap();
    let hub = &setups[0].hub;
    let caught = catch_unwind(AssertUnwindSafe(|| hub.panic_under_the_lock()));
    assert!(caught.is_err());
    // Whoever comes next, on any core, finds the lock poisoned.
    hub.holdings();
}
