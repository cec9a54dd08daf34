//! The numbers of one core.
//!
//! Knows: atomics, the fixed sets of labels.
//! Must not know: how they are shown, what they are for.
//!
//! A core is the only writer of its counters. So adding is a load and a store, without the bus lock
//! of an atomic addition; a reader on another core sees each number a little late and never torn.

use std::array;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::histogram::Histogram;

/// A number that only grows. One thread adds, any may read.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds `more`. Only the core that owns it may.
    pub fn add(&self, more: u64) {
        // Relaxed: a number orders nothing.
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
    }

    /// The number as of a moment ago.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How many there are now. One thread changes it, any may read.
#[derive(Debug, Default)]
pub struct Level(AtomicU64);

impl Level {
    /// One more.
    pub fn rise(&self) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// One less.
    pub fn fall(&self) {
        let before = self.0.load(Ordering::Relaxed);
        debug_assert!(before > 0, "a level fell more often than it rose");
        self.0.store(before.saturating_sub(1), Ordering::Relaxed);
    }

    /// The level as of a moment ago.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Since when something lasts, if it does. One thread sets it, any may read.
#[derive(Debug, Default)]
pub struct Mark(AtomicU64);

impl Mark {
    /// It lasts since `since`.
    pub fn set(&self, since: Duration) {
        // One more, as nothing is 0.
        let milliseconds = u64::try_from(since.as_millis()).unwrap_or(u64::MAX - 1);
        self.0.store(milliseconds.saturating_add(1), Ordering::Relaxed);
    }

    /// It is over.
    pub fn clear(&self) {
        self.0.store(0, Ordering::Relaxed);
    }

    /// Since when, as of a moment ago, to the millisecond.
    pub fn since(&self) -> Option<Duration> {
        self.0.load(Ordering::Relaxed).checked_sub(1).map(Duration::from_millis)
    }
}

/// One count for each of `N` keys, and one for every other key.
///
/// The counts lie inline, not in a box: boxes of two cores could share a cache line.
#[derive(Debug)]
pub struct Family<K: 'static, const N: usize> {
    keys: &'static [K; N],
    counts: [Count; N],
    others: Count,
}

impl<K: Copy + PartialEq, const N: usize> Family<K, N> {
    fn new(keys: &'static [K; N]) -> Self {
        Family { keys, counts: array::from_fn(|_| Count::default()), others: Count::default() }
    }

    /// Counts one. The sets are short and what is common comes first, so looking is cheap.
    pub fn count(&self, key: K) {
        let index = self.keys.iter().position(|one| *one == key);
        index.map_or(&self.others, |index| &self.counts[index]).add(1);
    }

    /// Each key with its count; last, without a key, all others.
    pub fn iter(&self) -> impl Iterator<Item = (Option<K>, u64)> {
        let known = self.keys.iter().zip(&self.counts);
        let known = known.map(|(key, count)| (Some(*key), count.value()));
        known.chain([(None, self.others.value())])
    }
}

/// By the listener that took the connection; one that serves both has a number of its own.
#[derive(Debug, Default)]
pub struct ByListener {
    /// `--ws-addr`.
    pub ws: Count,
    /// `--http-addr`.
    pub http: Count,
    /// An address that is in both.
    pub both: Count,
}

/// By what a connection is now.
#[derive(Debug, Default)]
pub struct ByKind {
    /// Reads requests.
    pub http: Level,
    /// Was upgraded.
    pub websocket: Level,
    /// Is a response that does not end.
    pub event_stream: Level,
}

/// By why a connection was not taken.
#[derive(Debug, Default)]
pub struct ByReason {
    /// There were as many as are allowed.
    pub limit: Count,
    /// The process had no descriptor left.
    pub descriptors: Count,
}

/// By type of event.
#[derive(Debug, Default)]
pub struct ByEventType {
    /// A text message.
    pub message: Count,
    /// A binary message.
    pub binary: Count,
    /// The end of a registered connection.
    pub close: Count,
    /// Somebody became a member of a room.
    pub join: Count,
    /// Somebody is a member of a room no more.
    pub leave: Count,
}

/// What compression has done.
#[derive(Debug, Default)]
pub struct Compressed {
    /// Messages.
    pub messages: Count,
    /// Their bytes compressed.
    pub compressed_bytes: Count,
    /// Their bytes in full.
    pub bytes: Count,
}

/// All that one core counts.
///
/// Aligned, so that no two cores write to one cache line, nor to a pair that is fetched together.
#[derive(Debug)]
#[repr(align(128))]
pub struct Counters {
    /// Messages that WebSocket clients sent, all fragments together being one.
    pub messages_in: Count,
    /// Their payloads.
    pub message_bytes_in: Count,
    /// Messages that came compressed.
    pub inflated: Compressed,
    /// Messages that were compressed, each once, however many received it.
    pub deflated: Compressed,
    /// Events committed to the log.
    pub published: ByEventType,
    /// Bytes read from sockets.
    pub bytes_in: ByListener,
    /// Bytes written to sockets.
    pub bytes_out: ByListener,
    /// System calls that wrote them.
    pub writes: Count,
    /// Turns of the loop.
    pub turns: Count,
    /// The turn that it is in the middle of began then, by the clock of all cores.
    pub in_turn: Mark,
    /// How long a turn took, sleep excluded.
    pub turn_seconds: Histogram,
    /// From the start of the turn that read a message to the write of its event.
    pub relay_seconds: Histogram,
    /// Connections accepted.
    pub opened: ByListener,
    /// Connections closed, for whatever reason.
    pub closed: ByListener,
    /// Connections open now.
    pub open: ByKind,
    /// Connections accepted only to be closed.
    pub refused: ByReason,
    /// Failures of `accept` itself.
    pub accept_errors: Count,
    /// Times that a reader was told of a gap.
    pub gaps: Count,
    /// Events that those gaps are known to have held.
    pub gap_missed: Count,
    /// WebSockets closed, by close code.
    pub closes: Family<u16, CLOSES>,
    /// Event streams ended, by the close code that a WebSocket would have been given.
    pub streams_ended: Family<u16, STREAM_ENDS>,
    /// Messages refused, by the code that their sender was told.
    pub refusals: Family<&'static str, REFUSALS>,
    /// Responses, by status.
    pub responses: Family<u16, RESPONSES>,
    /// Requests that could not be understood.
    pub http_faults: Count,
    /// Requests refused before their heads had ended, for want of room.
    pub heads_shed: Count,
    /// Requests refused in the middle of their bodies, for want of room.
    pub bodies_shed: Count,
    /// Credentials that were asked for, by what came of it.
    pub credentials: Family<&'static str, OUTCOMES>,
    /// Requests that were let in with one, by where it stood.
    pub admitted: Family<&'static str, WAYS>,
    /// What came of asking somebody else who may come in.
    pub forwarded: Family<&'static str, FORWARDED>,
    /// How long that took, where somebody was asked.
    pub forward_seconds: Histogram,
    /// Panics that were caught.
    pub panics: Count,
}

const CLOSES: usize = 15;
const STREAM_ENDS: usize = 6;
const REFUSALS: usize = 16;
const RESPONSES: usize = 29;
const OUTCOMES: usize = 10;
const WAYS: usize = 9;
const FORWARDED: usize = 4;

/// RFC 6455 §7.4.1, and the codes of our own.
static CLOSE_CODES: [u16; CLOSES] =
    [1000, 1001, 1006, 1005, 1002, 1003, 1007, 1008, 1009, 1011, 1012, 4401, 4408, 4409, 4429];

/// A stream that its reader leaves has no code of its own: it is lost.
static STREAM_CODES: [u16; STREAM_ENDS] = [1006, 1000, 1008, 4408, 1012, 1011];

static REFUSAL_CODES: [&str; REFUSALS] = [
    "not-json",
    "not-an-object",
    "too-deep",
    "duplicate-key",
    "reserved-key",
    "bad-connection-id",
    "not-registered",
    "wrong-connection-id",
    "connection-id-taken",
    "bad-control",
    "bad-room",
    "too-many-rooms",
    "too-many-joined",
    "not-joined",
    "not-allowed",
    "refresh-refused",
];

static CREDENTIAL_OUTCOMES: [&str; OUTCOMES] = [
    "accepted",
    "missing",
    "invalid",
    "expired",
    "not_yet",
    "revoked",
    "several",
    "not_allowed",
    "throttled",
    "unavailable",
];

static CREDENTIAL_WAYS: [&str; WAYS] =
    ["bearer", "basic", "header", "cookie", "query", "path", "subprotocol", "ticket", "forward"];

static FORWARD_OUTCOMES: [&str; FORWARDED] = ["in", "refused", "unavailable", "cached"];

static STATUS_CODES: [u16; RESPONSES] = [
    200, 201, 202, 101, 204, 304, 400, 401, 403, 404, 405, 406, 408, 409, 410, 413, 414, 415, 417,
    421, 422, 426, 429, 431, 500, 501, 503, 504, 505,
];

impl Default for Counters {
    fn default() -> Self {
        Counters {
            messages_in: Count::default(),
            message_bytes_in: Count::default(),
            inflated: Compressed::default(),
            deflated: Compressed::default(),
            published: ByEventType::default(),
            bytes_in: ByListener::default(),
            bytes_out: ByListener::default(),
            writes: Count::default(),
            turns: Count::default(),
            in_turn: Mark::default(),
            turn_seconds: Histogram::default(),
            relay_seconds: Histogram::default(),
            opened: ByListener::default(),
            closed: ByListener::default(),
            open: ByKind::default(),
            refused: ByReason::default(),
            accept_errors: Count::default(),
            gaps: Count::default(),
            gap_missed: Count::default(),
            closes: Family::new(&CLOSE_CODES),
            streams_ended: Family::new(&STREAM_CODES),
            refusals: Family::new(&REFUSAL_CODES),
            responses: Family::new(&STATUS_CODES),
            http_faults: Count::default(),
            heads_shed: Count::default(),
            bodies_shed: Count::default(),
            credentials: Family::new(&CREDENTIAL_OUTCOMES),
            admitted: Family::new(&CREDENTIAL_WAYS),
            forwarded: Family::new(&FORWARD_OUTCOMES),
            forward_seconds: Histogram::default(),
            panics: Count::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn counts_grow_and_levels_move() {
        let counters = Counters::default();
        counters.messages_in.add(1);
        counters.messages_in.add(41);
        assert_eq!(counters.messages_in.value(), 42);
        counters.open.websocket.rise();
        counters.open.websocket.rise();
        counters.open.websocket.fall();
        assert_eq!(counters.open.websocket.value(), 1);
    }

    #[test]
    fn a_mark_is_to_the_millisecond_also_at_the_very_beginning() {
        let mark = Mark::default();
        assert_eq!(mark.since(), None);
        for (set, since) in [(0, 0), (999, 0), (1_000, 1), (7_654_321, 7_654)] {
            mark.set(Duration::from_micros(set));
            assert_eq!(mark.since(), Some(Duration::from_millis(since)));
        }
        mark.clear();
        assert_eq!(mark.since(), None);
    }

    #[test]
    fn families_count_by_key_and_the_rest_as_one() {
        let counters = Counters::default();
        counters.closes.count(1000);
        counters.closes.count(4429);
        counters.closes.count(3000);
        counters.closes.count(3001);
        counters.refusals.count("not-json");
        let find = |key| counters.closes.iter().find(|(code, _)| *code == key).unwrap().1;
        assert_eq!((find(Some(1000)), find(Some(4429)), find(Some(1001))), (1, 1, 0));
        assert_eq!(find(None), 2);
        assert_eq!(counters.refusals.iter().next(), Some((Some("not-json"), 1)));
    }

    #[test]
    fn no_key_is_there_twice() {
        let distinct = |codes: &[u16]| codes.iter().collect::<HashSet<_>>().len();
        assert_eq!(distinct(&CLOSE_CODES), CLOSE_CODES.len());
        assert_eq!(distinct(&STREAM_CODES), STREAM_CODES.len());
        assert_eq!(distinct(&STATUS_CODES), STATUS_CODES.len());
        for names in [&REFUSAL_CODES[..], &CREDENTIAL_OUTCOMES, &CREDENTIAL_WAYS, &FORWARD_OUTCOMES]
        {
            assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
        }
    }

    #[test]
    fn cores_do_not_share_cache_lines() {
        assert_eq!(align_of::<Counters>(), 128);
        assert_eq!(size_of::<Counters>() % 128, 0);
    }

    #[test]
    fn another_thread_may_read() {
        let counters = Arc::new(Counters::default());
        let reader = Arc::clone(&counters);
        let reading = thread::spawn(move || {
            let mut last = 0;
            while last < 10_000 {
                let now = reader.turns.value();
                assert!(now >= last);
                last = now;
            }
        });
        for _ in 0..10_000 {
            counters.turns.add(1);
        }
        assert!(reading.join().is_ok());
    }
}
