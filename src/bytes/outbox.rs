//! Bytes that wait for one connection: its answers, errors and pongs.
//!
//! Knows: bytes.
//! Must not know: what they mean, sockets.

use super::Slices;
use std::collections::VecDeque;
use std::mem;

/// A queue of bytes. Small writes share one buffer; a large payload is moved in, not copied.
///
/// Empty, it owns no memory: buffers come from and go back to a pool that the caller keeps.
#[derive(Debug, Default)]
pub struct Outbox {
    /// What leaves first; its first `sent` bytes have left.
    front: Vec<u8>,
    sent: u32,
    /// What follows, in order. Only there while there is more than one buffer.
    #[expect(
        clippy::box_collection,
        reason = "few connections ever need it, and all would carry it"
    )]
    rest: Option<Box<VecDeque<Vec<u8>>>>,
    len: u32,
    /// How long the last piece is, if a newer one may stand in its place and none of it has left.
    replaceable: u8,
}

/// A buffer above this is not kept for the next connection.
const POOLED_BYTES_MAX: usize = 128 * 1024;
/// So many buffers are kept.
const POOLED_MAX: usize = 256;
/// Small writes stop sharing a buffer at this size, so that what was sent can be freed.
const SHARED_BYTES_MAX: usize = 64 * 1024;

impl Outbox {
    /// Bytes that wait.
    pub fn len(&self) -> usize {
        self.len as usize
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Lets `write` append to the queue; a first buffer is taken from `pool`.
    pub fn append(&mut self, pool: &mut Pool, write: impl FnOnce(&mut Vec<u8>)) {
        let buffer = self.last(pool);
        let before = buffer.len();
        write(buffer);
        debug_assert!(buffer.len() >= before, "an outbox only grows");
        let grown = buffer.len() - before;
        self.len += grown as u32;
        self.replaceable = 0;
    }

    /// Appends a piece of at most 255 bytes that a newer one may replace. `replaces`: it stands in
    /// the place of such a piece, if that is the last that waits and none of it has left.
    pub fn append_replaceable(
        &mut self,
        pool: &mut Pool,
        replaces: bool,
        write: impl FnOnce(&mut Vec<u8>),
    ) {
        if replaces {
            let older = usize::from(self.replaceable);
            let last = self.rest.as_mut().and_then(|rest| rest.back_mut());
            let last = last.unwrap_or(&mut self.front);
            last.truncate(last.len() - older);
            self.len -= older as u32;
        }
        let before = self.len;
        self.append(pool, write);
        self.replaceable = u8::try_from(self.len - before).unwrap_or(0);
    }

    /// Appends `payload` as it is, without copying it.
    pub fn append_owned(&mut self, payload: Vec<u8>) {
        self.replaceable = 0;
        self.len += payload.len() as u32;
        if self.front.is_empty() && self.rest.is_none() {
            self.front = payload;
        } else {
            self.rest.get_or_insert_default().push_back(payload);
        }
    }

    fn last(&mut self, pool: &mut Pool) -> &mut Vec<u8> {
        let full = |buffer: &Vec<u8>| buffer.len() >= SHARED_BYTES_MAX;
        if self.rest.is_none() {
            if self.front.capacity() == 0 {
                self.front = pool.take();
            }
            if !full(&self.front) {
                return &mut self.front;
            }
        }
        let rest = self.rest.get_or_insert_default();
        if rest.back().is_none_or(full) {
            rest.push_back(pool.take());
        }
        // Pushed just above if it was empty.
        let last = rest.len() - 1;
        &mut rest[last]
    }

    /// Takes back what a [`Outbox::append`] wrote that panicked before its end.
    pub fn mend(&mut self) {
        let rest = self.rest.iter().flat_map(|rest| rest.iter()).map(Vec::len);
        let held = self.front.len() - self.sent as usize + rest.sum::<usize>();
        let excess = held - self.len();
        let last = self.rest.as_mut().and_then(|rest| rest.back_mut());
        let last = last.unwrap_or(&mut self.front);
        last.truncate(last.len() - excess);
        self.replaceable = 0;
    }

    /// Adds what waits to `slices`, as far as there is room.
    pub fn gather<'a>(&'a self, slices: &mut Slices<'a>) {
        if self.is_empty() {
            return;
        }
        slices.push(&self.front[self.sent as usize..]);
        for buffer in self.rest.iter().flat_map(|rest| rest.iter()) {
            if !slices.push(buffer) {
                return;
            }
        }
    }

    /// `n` of the bytes that waited have left, `n` no more than [`Outbox::len`].
    pub fn sent(&mut self, mut n: usize, pool: &mut Pool) {
        assert!(n <= self.len(), "no more can leave than waited");
        self.len -= n as u32;
        if self.len < u32::from(self.replaceable) {
            self.replaceable = 0;
        }
        while n > 0 || (self.sent as usize == self.front.len() && self.rest.is_some()) {
            let step = n.min(self.front.len() - self.sent as usize);
            self.sent += step as u32;
            n -= step;
            if self.sent as usize == self.front.len() && !self.next_buffer(pool) {
                break;
            }
        }
        if self.len == 0 {
            self.clear(pool);
        }
    }

    fn next_buffer(&mut self, pool: &mut Pool) -> bool {
        let Some(rest) = &mut self.rest else { return false };
        let Some(next) = rest.pop_front() else {
            self.rest = None;
            return false;
        };
        pool.give(mem::replace(&mut self.front, next));
        self.sent = 0;
        if rest.is_empty() {
            self.rest = None;
        }
        true
    }

    /// Drops what waits.
    pub fn clear(&mut self, pool: &mut Pool) {
        pool.give(mem::take(&mut self.front));
        self.rest = None;
        self.sent = 0;
        self.len = 0;
        self.replaceable = 0;
    }
}

/// Buffers of connections that need none at the moment.
#[derive(Debug, Default)]
pub struct Pool {
    free: Vec<Vec<u8>>,
}

impl Pool {
    /// An empty buffer, possibly with room already.
    pub fn take(&mut self) -> Vec<u8> {
        self.free.pop().unwrap_or_else(|| Vec::with_capacity(512))
    }

    /// Gives a buffer back; its contents are forgotten.
    pub fn give(&mut self, mut buffer: Vec<u8>) {
        let kept = 1..=POOLED_BYTES_MAX;
        if kept.contains(&buffer.capacity()) && self.free.len() < POOLED_MAX {
            buffer.clear();
            self.free.push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes_of(outbox: &Outbox) -> Vec<u8> {
        let mut slices = Slices::default();
        outbox.gather(&mut slices);
        slices.as_io().iter().flat_map(|slice| slice.iter().copied()).collect()
    }

    #[derive(Clone, Debug)]
    enum Step {
        Append(Vec<u8>),
        Owned(Vec<u8>),
        Replaceable(Vec<u8>, bool),
        Sent(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..9).prop_map(Step::Append),
            proptest::collection::vec(any::<u8>(), 1..9).prop_map(Step::Owned),
            (proptest::collection::vec(any::<u8>(), 0..9), any::<bool>())
                .prop_map(|(bytes, replaces)| Step::Replaceable(bytes, replaces)),
            (0usize..20).prop_map(Step::Sent),
        ];
        proptest::collection::vec(step, 0..40)
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out_in_order(steps in steps()) {
            let (mut outbox, mut pool) = (Outbox::default(), Pool::default());
            let mut naive = Vec::new();
            let mut replaceable = 0;
            for step in steps {
                if !matches!(step, Step::Sent(_) | Step::Replaceable(..)) {
                    replaceable = 0;
                }
                match step {
                    Step::Append(bytes) => {
                        outbox.append(&mut pool, |out| out.extend_from_slice(&bytes));
                        naive.extend(bytes);
                    }
                    Step::Owned(bytes) => {
                        outbox.append_owned(bytes.clone());
                        naive.extend(bytes);
                    }
                    Step::Replaceable(bytes, replaces) => {
                        let write = |out: &mut Vec<u8>| out.extend_from_slice(&bytes);
                        outbox.append_replaceable(&mut pool, replaces, write);
                        if replaces {
                            naive.truncate(naive.len() - replaceable);
                        }
                        naive.extend(&bytes);
                        replaceable = bytes.len();
                    }
                    Step::Sent(n) => {
                        let n = n.min(outbox.len());
                        outbox.sent(n, &mut pool);
                        naive.drain(..n);
                        if naive.len() < replaceable {
                            replaceable = 0;
                        }
                    }
                }
                prop_assert_eq!(outbox.len(), naive.len());
                let gathered = bytes_of(&outbox);
                prop_assert_eq!(&gathered[..], &naive[..gathered.len()]);
                prop_assert!(outbox.is_empty() || !gathered.is_empty());
            }
        }
    }

    #[test]
    fn an_empty_outbox_owns_nothing() {
        let (mut outbox, mut pool) = (Outbox::default(), Pool::default());
        outbox.append(&mut pool, |out| out.extend_from_slice(b"pong"));
        outbox.sent(4, &mut pool);
        assert_eq!(outbox.front.capacity(), 0);
        assert_eq!(pool.free.len(), 1);
    }
}
