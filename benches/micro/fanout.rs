//! One turn's messages to many readers.
//!
//! Knows: how many readers there are.
//! Must not know: how it is timed.

use tidegate::limits::Limits;

use crate::rig::{self, Rig};
use crate::{Run, row};

/// Messages in a turn: what some hundred thousand a second come to.
const MESSAGES: usize = 64;
const MESSAGE_BYTES: usize = 128;

/// Measures it.
pub(crate) fn rows(run: &Run) {
    let counts: &[usize] = if run.smoke { &[1, 10] } else { &[1, 10, 100, 1000, 10_000] };
    let payload = rig::message("1700000000000", MESSAGE_BYTES);
    for &count in counts {
        measure(run, &format!("fanout to {count} streams"), count, "/", &payload, |rig| {
            rig.stream();
        });
    }
    for &count in counts {
        let name = format!("broadcast to {count} members");
        measure(run, &name, count, "/chat/a", &[b'x'; MESSAGE_BYTES], |rig| {
            rig.websocket("/chat/a");
        });
    }
}

fn measure(
    run: &Run,
    name: &str,
    readers: usize,
    path: &str,
    payload: &[u8],
    join: impl Fn(&mut Rig),
) {
    if !run.wants(name) {
        return;
    }
    let mut rig = Rig::new(Limits::default());
    (0..readers).for_each(|_| join(&mut rig));
    let sender = rig.websocket(path);
    let read = rig::text(payload).repeat(MESSAGES);
    let mut scratch = read.clone();
    let nanos = run.measure(MESSAGES * readers, || {
        scratch.copy_from_slice(&read);
        rig.receive(sender, &mut scratch);
        rig.turn();
    });
    row(name, nanos, "delivery", None);
}
