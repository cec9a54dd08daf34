//! One turn's messages to many readers.
//!
//! Knows: how many readers there are.
//! Must not know: how it is timed.

use tidegate::bytes::ConnKey;
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
        let name = format!("fanout to {count} streams");
        let sender = |rig: &mut Rig| (rig.websocket("/"), rig::text(&payload));
        measure(run, &name, count, sender, |rig| _ = rig.stream());
    }
    for &count in counts {
        let name = format!("broadcast to {count} members");
        let sender = |rig: &mut Rig| (rig.websocket("/chat/a"), rig::text(&[b'x'; MESSAGE_BYTES]));
        measure(run, &name, count, sender, |rig| _ = rig.websocket("/chat/a"));
    }
    let said = format!("{{\"to\":\"a\",\"message\":\"{}\"}}", "x".repeat(MESSAGE_BYTES - 23));
    for &count in counts {
        let name = format!("said to {count} who joined the room");
        let sender = |rig: &mut Rig| (rig.joined("a"), rig::text(said.as_bytes()));
        measure(run, &name, count, sender, |rig| _ = rig.joined("a"));
    }
    let body = format!("{{\"text\":\"{}\"}}", "x".repeat(MESSAGE_BYTES));
    for &count in counts {
        let name = format!("API to {count} WebSockets of a room");
        let sender = |rig: &mut Rig| (rig.client(), rig::post("/api/rooms/a/messages", &body));
        measure(run, &name, count, sender, |rig| _ = rig.websocket("/ws/a"));
    }
}

fn measure(
    run: &Run,
    name: &str,
    readers: usize,
    sender: impl Fn(&mut Rig) -> (ConnKey, Vec<u8>),
    join: impl Fn(&mut Rig),
) {
    if !run.wants(name) {
        return;
    }
    let mut rig = Rig::new(Limits::default());
    (0..readers).for_each(|_| join(&mut rig));
    let (sender, message) = sender(&mut rig);
    let read = message.repeat(MESSAGES);
    let mut scratch = read.clone();
    let nanos = run.measure(MESSAGES * readers, || {
        scratch.copy_from_slice(&read);
        rig.receive(sender, &mut scratch);
        rig.turn();
    });
    row(name, nanos, "delivery", None);
}
