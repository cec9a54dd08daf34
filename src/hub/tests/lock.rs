//! A panic under the lock ends the process: half of a change is nothing to go on with.
//!
//! Knows: the lock, how a process says that it aborted.
//! Must not know: what is done under the lock.

use super::*;
use std::os::unix::process::ExitStatusExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::{Command, Stdio};

const SIGABRT: i32 = 6;
const CAUGHT: &str = "the panic was caught";

#[test]
fn a_panic_under_the_lock_ends_the_process_even_if_it_is_caught() {
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "hub::tests::lock::in_a_process_of_its_own", "--ignored", "--nocapture"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(said.contains(CAUGHT), "{said}");
    assert_eq!(child.status.signal(), Some(SIGABRT), "{said}");
}

/// What the test above starts.
#[test]
#[ignore = "a part of another test"]
fn in_a_process_of_its_own() {
    let hub = hub(1, &Limits::default());
    let caught = catch_unwind(AssertUnwindSafe(|| hub.panic_under_the_lock()));
    assert!(caught.is_err());
    println!("{CAUGHT}");
    // Whoever comes next, on any core, finds the lock poisoned.
    hub.exchange(&mut Turn::new(0));
}
