//! One TCP connection between a virtual client and a core, with a kernel's buffers on either side.
//!
//! Knows: bytes under way, half-closes, resets, edges.
//! Must not know: what the bytes mean.

use std::collections::VecDeque;
use std::io::Read;

/// What became of the client's half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fin {
    /// It may send more.
    No,
    /// It said its last; the FIN follows the bytes.
    Said,
    /// The FIN is in the server's kernel.
    Arrived,
    /// The engine was told.
    Told,
}

/// What became of the server's half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// It may send more.
    No,
    /// The server closed its half: nothing more may be written.
    Shutdown,
    /// The server closed the connection; whether it had closed its half before.
    Closed(bool),
}

/// One connection's bytes under way.
#[derive(Debug)]
pub(crate) struct Wire {
    /// Said by the client, not yet at the server.
    pub(crate) sending: VecDeque<u8>,
    /// In the server's kernel, not yet read.
    pub(crate) arrived: VecDeque<u8>,
    pub(crate) fin: Fin,
    /// The client reset the connection: everything that was under way is lost.
    pub(crate) reset: bool,
    /// The server's kernel knows.
    is_reset_known: bool,
    /// How many bytes the client has ever said.
    pub(crate) said: u64,
    /// How many of them the engine has been given.
    pub(crate) consumed: u64,
    /// How many bytes the kernel holds for a client that does not read.
    pub(crate) room: usize,
    /// Written by the engine, not yet read by the client.
    pub(crate) queued: VecDeque<u8>,
    /// A write stayed short: an edge will come when there is room.
    pub(crate) blocked: bool,
    pub(crate) ending: Ending,
}

impl Wire {
    /// A connection just made.
    pub(crate) fn new(room: usize) -> Wire {
        Wire {
            sending: VecDeque::new(),
            arrived: VecDeque::new(),
            fin: Fin::No,
            reset: false,
            is_reset_known: false,
            said: 0,
            consumed: 0,
            room,
            queued: VecDeque::new(),
            blocked: false,
            ending: Ending::No,
        }
    }

    /// The client says `bytes`.
    pub(crate) fn say(&mut self, bytes: &[u8]) {
        if self.fin == Fin::No && !self.reset {
            self.said += bytes.len() as u64;
            self.sending.extend(bytes);
        }
    }

    /// The client will say no more.
    pub(crate) fn say_end(&mut self) {
        if self.fin == Fin::No {
            self.fin = Fin::Said;
        }
    }

    /// The client resets the connection.
    pub(crate) fn break_off(&mut self) {
        self.reset = true;
        self.sending.clear();
        self.queued.clear();
    }

    /// At most `n` bytes, and what follows them, reach the server. Gives whether something did.
    pub(crate) fn carry(&mut self, n: usize) -> bool {
        let n = n.min(self.sending.len());
        self.arrived.extend(take(&mut self.sending, n));
        let ends = self.fin == Fin::Said && self.sending.is_empty();
        if ends {
            self.fin = Fin::Arrived;
        }
        let is_reset = self.reset && !std::mem::replace(&mut self.is_reset_known, self.reset);
        n > 0 || ends || is_reset
    }

    /// Whether something is on its way to the server.
    pub(crate) fn is_sending(&self) -> bool {
        !self.sending.is_empty() || self.fin == Fin::Said
    }

    /// The kernel takes at most `offered` bytes.
    pub(crate) fn free(&self, offered: usize) -> usize {
        offered.min(self.room.saturating_sub(self.queued.len()))
    }

    /// The client reads at most `n` bytes.
    pub(crate) fn read(&mut self, n: usize) -> Vec<u8> {
        let n = n.min(self.queued.len());
        take(&mut self.queued, n)
    }

    /// The server reads `n` of the bytes that have arrived.
    pub(crate) fn take_arrived(&mut self, n: usize) -> Vec<u8> {
        take(&mut self.arrived, n)
    }

    /// Whether the server's half is over.
    pub(crate) fn is_over(&self) -> bool {
        self.ending != Ending::No
    }

    /// Whether the server has let go of the connection.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(self.ending, Ending::Closed(_))
    }

    /// Whether the server ended it with all that was due.
    pub(crate) fn is_graceful(&self) -> bool {
        matches!(self.ending, Ending::Shutdown | Ending::Closed(true))
    }
}

/// The first `n` bytes. Byte by byte, as an iterator gives them, would be slow under a fuzzer.
fn take(from: &mut VecDeque<u8>, n: usize) -> Vec<u8> {
    let mut taken = vec![0; n];
    from.read_exact(&mut taken).expect("there are as many");
    taken
}
