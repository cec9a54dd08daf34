//! Bytes that wait for one connection: its answers, errors and pongs.
//!
//! Knows: bytes.
//! Must not know: what they mean, sockets.

use super::Slices;
use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;

/// A queue of bytes. Small writes share one buffer; a large payload is moved in or shared, not
/// copied.
///
/// Empty, it owns no memory: buffers come from and go back to a pool that the caller keeps.
#[derive(Debug, Default)]
pub struct Outbox {
    /// What leaves first; its first `sent` bytes have left.
    front: Piece,
    sent: u32,
    /// What follows, in order. Only there while there is more than one buffer.
    #[expect(
        clippy::box_collection,
        reason = "few connections ever need it, and all would carry it"
    )]
    rest: Option<Box<VecDeque<Piece>>>,
    len: u32,
    /// How long the last answer is, if a newer one may stand in its place and none of it has left.
    /// It is then in a buffer.
    replaceable: u8,
}

/// Bytes in one place.
#[derive(Debug)]
enum Piece {
    /// In a buffer of ours; more may be appended.
    Buffer(Vec<u8>),
    /// Somebody else has them, too.
    Shared(Arc<[u8]>),
}

const _: () = assert!(size_of::<Piece>() == size_of::<Vec<u8>>(), "every connection has one");

impl Default for Piece {
    fn default() -> Piece {
        Piece::Buffer(Vec::new())
    }
}

impl Piece {
    fn bytes(&self) -> &[u8] {
        match self {
            Piece::Buffer(bytes) => bytes,
            Piece::Shared(bytes) => bytes,
        }
    }

    /// Whether nothing more is to be appended to it.
    fn is_full(&self) -> bool {
        match self {
            Piece::Buffer(bytes) => bytes.len() >= SHARED_BYTES_MAX,
            Piece::Shared(_) => true,
        }
    }

    /// Takes back its last `n` bytes.
    fn take_back(&mut self, n: usize) {
        match self {
            Piece::Buffer(bytes) => bytes.truncate(bytes.len() - n),
            Piece::Shared(_) => debug_assert_eq!(n, 0, "only what was written is taken back"),
        }
    }

    fn give_to(self, pool: &mut Pool) {
        match self {
            Piece::Buffer(bytes) => pool.give(bytes),
            Piece::Shared(_) => {}
        }
    }
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
        let buffer = self.buffer(pool);
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
            self.last().take_back(older);
            self.len -= older as u32;
        }
        let before = self.len;
        self.append(pool, write);
        self.replaceable = u8::try_from(self.len - before).unwrap_or(0);
    }

    /// Appends `payload` as it is, without copying it.
    pub fn append_owned(&mut self, payload: Vec<u8>) {
        self.append_piece(Piece::Buffer(payload));
    }

    /// Appends bytes that others have, too, without copying them.
    pub fn append_shared(&mut self, bytes: Arc<[u8]>) {
        self.append_piece(Piece::Shared(bytes));
    }

    fn append_piece(&mut self, piece: Piece) {
        self.replaceable = 0;
        self.len += piece.bytes().len() as u32;
        if self.front.bytes().is_empty() && self.rest.is_none() {
            self.front = piece;
        } else {
            self.rest.get_or_insert_default().push_back(piece);
        }
    }

    /// The piece that leaves last.
    fn last(&mut self) -> &mut Piece {
        let last = self.rest.as_mut().and_then(|rest| rest.back_mut());
        last.unwrap_or(&mut self.front)
    }

    /// The buffer to append to.
    fn buffer(&mut self, pool: &mut Pool) -> &mut Vec<u8> {
        let is_none = matches!(&self.front, Piece::Buffer(front) if front.capacity() == 0);
        if is_none && self.rest.is_none() {
            self.front = Piece::Buffer(pool.take());
        }
        if self.last().is_full() {
            self.rest.get_or_insert_default().push_back(Piece::Buffer(pool.take()));
        }
        match self.last() {
            Piece::Buffer(bytes) => bytes,
            Piece::Shared(_) => unreachable!("what is shared is full, and a buffer was put behind"),
        }
    }

    /// Takes back what a [`Outbox::append`] wrote that panicked before its end.
    pub fn mend(&mut self) {
        let rest = self.rest.iter().flat_map(|rest| rest.iter());
        let rest = rest.map(|piece| piece.bytes().len());
        let held = self.front.bytes().len() - self.sent as usize + rest.sum::<usize>();
        let excess = held - self.len();
        self.last().take_back(excess);
        self.replaceable = 0;
    }

    /// Adds what waits to `slices`, as far as there is room.
    pub fn gather<'a>(&'a self, slices: &mut Slices<'a>) {
        if self.is_empty() {
            return;
        }
        slices.push(&self.front.bytes()[self.sent as usize..]);
        for piece in self.rest.iter().flat_map(|rest| rest.iter()) {
            if !slices.push(piece.bytes()) {
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
        while n > 0 || (self.sent as usize == self.front.bytes().len() && self.rest.is_some()) {
            let length = self.front.bytes().len();
            let step = n.min(length - self.sent as usize);
            self.sent += step as u32;
            n -= step;
            if self.sent as usize == length && !self.next_piece(pool) {
                break;
            }
        }
        if self.len == 0 {
            self.clear(pool);
        }
    }

    fn next_piece(&mut self, pool: &mut Pool) -> bool {
        let Some(rest) = &mut self.rest else { return false };
        let Some(next) = rest.pop_front() else {
            self.rest = None;
            return false;
        };
        mem::replace(&mut self.front, next).give_to(pool);
        self.sent = 0;
        if rest.is_empty() {
            self.rest = None;
        }
        true
    }

    /// Drops what waits.
    pub fn clear(&mut self, pool: &mut Pool) {
        mem::take(&mut self.front).give_to(pool);
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
        Shared(Vec<u8>),
        Replaceable(Vec<u8>, bool),
        Sent(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..9).prop_map(Step::Append),
            proptest::collection::vec(any::<u8>(), 0..9).prop_map(Step::Owned),
            proptest::collection::vec(any::<u8>(), 0..9).prop_map(Step::Shared),
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
                    Step::Shared(bytes) => {
                        outbox.append_shared(Arc::from(bytes.as_slice()));
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
        assert!(matches!(&outbox.front, Piece::Buffer(front) if front.capacity() == 0));
        assert_eq!(pool.free.len(), 1);
    }

    #[test]
    fn what_is_shared_is_never_copied_and_given_back_when_it_has_left() {
        let (mut outbox, mut pool) = (Outbox::default(), Pool::default());
        let page: Arc<[u8]> = Arc::from(*b"page");
        outbox.append(&mut pool, |out| out.extend_from_slice(b"head"));
        outbox.append_shared(Arc::clone(&page));
        outbox.append(&mut pool, |out| out.extend_from_slice(b"tail"));
        let mut slices = Slices::default();
        outbox.gather(&mut slices);
        assert!(slices.as_io().iter().any(|slice| slice.as_ptr() == page.as_ptr()));
        outbox.sent(8, &mut pool);
        assert_eq!((Arc::strong_count(&page), bytes_of(&outbox)), (1, b"tail".to_vec()));
    }
}
