//! Messages from WebSockets to one event stream.
//!
//! Knows: how senders fill a read.
//! Must not know: how it is timed.

use tidegate::bytes::ConnKey;
use tidegate::limits::Limits;

use crate::rig::{self, Rig};
use crate::{Run, row};

const SENDERS: usize = 8;
const READ_BYTES: usize = 64 * 1024;
const MESSAGE_BYTES: usize = 128;

/// A WebSocket whose client sends the same message for ever.
struct Sender {
    key: ConnKey,
    /// More than a read's worth of whole frames.
    frames: Vec<u8>,
    frame_bytes: usize,
    /// Where in a frame the next read begins.
    at: usize,
}

impl Sender {
    fn new(rig: &mut Rig, path: &str, payload: &[u8]) -> Sender {
        let key = rig.websocket(path);
        let frame = rig::text(payload);
        let frames = frame.repeat(READ_BYTES / frame.len() + 2);
        Sender { key, frames, frame_bytes: frame.len(), at: 0 }
    }

    /// The next `n` bytes arrive, through `scratch`.
    fn send(&mut self, rig: &mut Rig, scratch: &mut [u8], n: usize) {
        let bytes = &mut scratch[..n];
        bytes.copy_from_slice(&self.frames[self.at..self.at + n]);
        rig.receive(self.key, bytes);
        self.at = (self.at + n) % self.frame_bytes;
    }
}

/// A turn's worth of senders.
struct Load {
    rig: Rig,
    senders: Vec<Sender>,
    scratch: Vec<u8>,
}

impl Load {
    fn new(path: &str, idle: usize) -> Load {
        let mut rig = Rig::new(Limits::default());
        for number in 0..idle {
            let key = rig.websocket(path);
            let id = format!("{}", 1_600_000_000_000 + number);
            rig.receive(key, &mut rig::text(&rig::message(&id, MESSAGE_BYTES)));
            rig.turn();
        }
        rig.stream();
        let sender = |number| Sender::new(&mut rig, path, &payload(number));
        let senders = (0..SENDERS).map(sender).collect();
        Load { rig, senders, scratch: vec![0; READ_BYTES] }
    }

    fn turn(&mut self, bytes: usize) {
        for sender in &mut self.senders {
            sender.send(&mut self.rig, &mut self.scratch, bytes);
        }
        self.rig.turn();
    }
}

fn payload(number: usize) -> Vec<u8> {
    rig::message(&format!("{}", 1_700_000_000_000 + number), MESSAGE_BYTES)
}

/// Measures them.
pub(crate) fn rows(run: &Run) {
    let frame_bytes = rig::text(&payload(0)).len();
    measure(run, "relay, 128 B, reads of 64 KiB", "/", 0, READ_BYTES);
    measure(run, "relay, 128 B, 8 messages a read", "/", 0, 8 * frame_bytes);
    measure(run, "relay, 128 B, 1 message a read", "/", 0, frame_bytes);
    let idle = if run.smoke { 100 } else { 10_000 };
    measure(run, &format!("relay, 128 B, beside {idle} idle senders"), "/", idle, READ_BYTES);
    measure(run, "echo, 128 B, reads of 64 KiB", "/echo", 0, READ_BYTES);
}

fn measure(run: &Run, name: &str, path: &str, idle: usize, read_bytes: usize) {
    if !run.wants(name) {
        return;
    }
    let mut load = Load::new(path, idle);
    let messages = SENDERS * read_bytes / load.senders[0].frame_bytes;
    let nanos = run.measure(messages, || load.turn(read_bytes));
    row(name, nanos, "message", None);
}
