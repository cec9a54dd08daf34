//! Every limit has a name, a unit, a reason, and this one home.
//!
//! Knows: numbers.
//! Must not know: anything else.
//!
//! A field's name ends in its unit (`_bytes_max`, `_max`) or is a [`Duration`]. The command line
//! sets them by the same names; see the crate's `config` module. No number of this kind is written
//! anywhere else.

use std::time::Duration;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// The limits that one server works under; the defaults are those of PROTOCOL.md, "Limits".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Request line and headers together. Node and nginx are near; over it: 431.
    pub head_bytes_max: usize,
    /// Header fields in one request; over it: 431.
    pub headers_max: usize,
    /// Request target; over it: 414.
    pub uri_bytes_max: usize,
    /// From the accept, or from a request's first byte, to the end of its head; over it: 408.
    pub head_time: Duration,
    /// One request body; over it: 413.
    pub body_bytes_max: usize,
    /// From the end of a request's head to the end of its body, however steadily that comes.
    pub body_time: Duration,
    /// From a question to another core of the server to its answer; over it: 504.
    pub api_time: Duration,
    /// How long an answer is kept for whoever repeats a request under its `Idempotency-Key`.
    pub idempotency_age: Duration,
    /// Keys for which answers are kept; the oldest goes.
    pub idempotency_keys_max: usize,
    /// How long a kept-alive HTTP connection may be silent between two requests.
    pub keep_alive: Duration,

    /// One WebSocket message, all its fragments together; over it: close code 1009.
    pub message_bytes_max: usize,
    /// Frames of one message, empty ones too (each costs work, not bytes); over it: 1009.
    pub fragments_max: usize,
    /// A shorter message is not compressed: it would hardly become smaller, and cost 4 us.
    pub deflate_bytes_min: usize,
    /// From a message's first frame to its last; over it: 1008.
    pub message_time: Duration,
    /// A WebSocket from which nothing came for so long is sent a ping.
    pub ping_interval: Duration,
    /// After that ping, silence for so long means that the peer is dead.
    pub ping_timeout: Duration,
    /// From our close frame to the peer's.
    pub closing: Duration,
    /// From our half-close to the full one: what we wrote must reach a peer that is still sending.
    pub linger: Duration,
    /// What is read and thrown away meanwhile.
    pub linger_bytes_max: usize,
    /// Refused messages in a row before a client is closed with 1008.
    pub refusals_max: u32,
    /// A `connectionId`, in bytes of UTF-8.
    pub connection_id_bytes_max: usize,

    /// Answers that wait for one connection (echoes, errors, pongs). At half of it we stop reading
    /// from that connection; one answer may come on top, so the other half is for that.
    pub outbox_bytes_max: usize,
    /// A connection that takes none of what waits for it for so long is closed.
    pub write_stall: Duration,
    /// An event stream to which nothing was written for so long gets a heartbeat.
    pub heartbeat: Duration,
    /// The shortest reconnection time told to an EventSource; each gets one between this and three
    /// times this.
    pub retry: Duration,

    /// Bodies of all requests together, while they come; who sends more then is refused.
    pub node_bodies_bytes_max: usize,

    /// Read from one connection in one turn of the loop, so that a flood does not starve the
    /// others.
    pub read_bytes_per_connection: usize,
    /// Read from all connections in one turn, so that commits and writes are never far away.
    pub read_bytes_per_turn: usize,
    /// Connections accepted from one listener in one turn.
    pub accepts_per_turn: usize,
    /// Connections of both listeners and all cores together; more are refused.
    pub connections_max: usize,

    /// One room's log, bookkeeping included.
    pub room_log_bytes_max: usize,
    /// Events in one room's log.
    pub room_log_events_max: usize,
    /// Age of the oldest event in a log.
    pub log_age: Duration,
    /// All logs together; the oldest goes first, whatever its room.
    pub node_log_bytes_max: usize,
    /// A room's name, in bytes.
    pub room_name_bytes_max: usize,
    /// Rooms at once; at the limit a new name is refused.
    pub rooms_max: usize,
    /// Rooms that one WebSocket may be in, its home room included; more are refused.
    pub joined_rooms_max: usize,
    /// Rooms or connections that one event stream may name as its filter.
    pub filters_max: usize,

    /// A credential, wherever it stands in a request; a longer one is none. It is read before
    /// anything is known of who sent it.
    pub token_bytes_max: usize,
    /// How far clocks may be apart: a token's `nbf` and `iat` may be so far in the future.
    pub token_leeway: Duration,
    /// Credentials that were no good from one address in a minute (of IPv6: one /64); over it: 429,
    /// and nothing is verified.
    pub bad_credentials_max: usize,
    /// How long a ticket waits for its one use.
    pub ticket_time: Duration,
    /// Tickets that wait at once; at the limit no more are given: 429.
    pub tickets_max: usize,
    /// What was revoked and is remembered; at the limit no more is taken: 429. None is forgotten.
    pub revocations_max: usize,
    /// Heads, and what else waits before it is known who sent it, of all connections together.
    pub node_heads_bytes_max: usize,
    /// From a question to the server of `forward` to its answer; over it: 503.
    pub forward_time: Duration,
    /// How long its answer holds for the same question; nothing: it is asked each time.
    pub forward_cache: Duration,
    /// Its answers that are kept; the oldest goes.
    pub forward_cache_max: usize,

    /// From SIGTERM to the end, however many are still connected.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            head_bytes_max: 16 * KIB,
            headers_max: 64,
            uri_bytes_max: 4 * KIB,
            head_time: Duration::from_secs(5),
            body_bytes_max: MIB,
            node_bodies_bytes_max: 64 * MIB,
            body_time: Duration::from_secs(30),
            api_time: Duration::from_secs(2),
            idempotency_age: Duration::from_secs(5 * 60),
            idempotency_keys_max: 10_000,
            keep_alive: Duration::from_secs(15),
            message_bytes_max: 64 * KIB,
            fragments_max: 128,
            deflate_bytes_min: 512,
            message_time: Duration::from_secs(30),
            ping_interval: Duration::from_secs(25),
            ping_timeout: Duration::from_secs(10),
            closing: Duration::from_secs(5),
            linger: Duration::from_secs(1),
            linger_bytes_max: 64 * KIB,
            refusals_max: 16,
            connection_id_bytes_max: 128,
            outbox_bytes_max: 256 * KIB,
            write_stall: Duration::from_secs(10),
            heartbeat: Duration::from_secs(15),
            retry: Duration::from_secs(1),
            read_bytes_per_connection: 64 * KIB,
            read_bytes_per_turn: MIB,
            accepts_per_turn: 64,
            connections_max: 100_000,
            room_log_bytes_max: 4 * MIB,
            room_log_events_max: 1_000_000,
            log_age: Duration::from_secs(5 * 60),
            node_log_bytes_max: 256 * MIB,
            room_name_bytes_max: 128,
            rooms_max: 10_000,
            joined_rooms_max: 64,
            filters_max: 32,
            token_bytes_max: 4 * KIB,
            token_leeway: Duration::from_secs(30),
            bad_credentials_max: 20,
            ticket_time: Duration::from_secs(30),
            tickets_max: 100_000,
            revocations_max: 100_000,
            node_heads_bytes_max: 32 * MIB,
            forward_time: Duration::from_secs(2),
            forward_cache: Duration::from_secs(10),
            forward_cache_max: 10_000,
            drain: Duration::from_secs(30),
        }
    }
}

/// The most headers that [`Limits::headers_max`] can be set to: a request's headers are parsed into
/// an array of this size on the stack.
pub const HEADERS_CAPACITY: usize = 128;

/// A chunk of the log is closed when it has grown to this; a larger event has a chunk to itself.
pub const CHUNK_BYTES_MAX: usize = 64 * KIB;

/// From this size on a payload is read straight into its own buffer and moved on, never copied.
pub const OWNED_BYTES_MIN: usize = 4 * KIB;

/// An `Idempotency-Key`, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// Messages in one batch.
pub const BATCH_MAX: usize = 100;

/// Patterns of names in what a token says of rights, all together; a ticket has so many of each.
pub const GLOBS_MAX: usize = 100;

/// A subject, or the id of a token, that can be revoked.
pub const REVOKED_BYTES_MAX: usize = 4 * KIB;

/// Connections that one message of the API may leave out.
pub const EXCEPT_MAX: usize = 32;

/// A core that is in one turn for longer serves nobody: its clients begin to think it dead.
pub const TURN_TIME_MAX: Duration = Duration::from_secs(10);

/// Connections, or rooms, on one page of a list.
pub const PAGE_MAX: usize = 1000;

/// A page of a list in the API ends when it has grown to this, though more may have been asked for.
pub const PAGE_BYTES_MAX: usize = 512 * KIB;

/// Connections of one core that are looked at for a list before that core turns to others again.
pub const LISTED_SLOTS_MAX: u32 = 1000;

/// How deep the JSON of a message may be nested.
pub const JSON_DEPTH_MAX: usize = 128;

/// Threads that wait for answers of a `forward`, all together; they are started when they are
/// needed. So many slow answers keep others waiting.
pub const FORWARD_THREADS_MAX: usize = 32;

/// Questions that wait for one of these threads; over it: 503.
pub const FORWARD_QUEUE_MAX: usize = 1000;

/// Problems that a core logs in a row; the log of one that many make must stay readable.
pub const ACCOUNTS_BURST_MAX: u32 = 100;

/// In the long run it logs one in this time, and counts the others: 20 a second.
pub const ACCOUNTS_INTERVAL: Duration = Duration::from_millis(50);

/// The body of such an answer; a longer one means nothing.
pub const FORWARD_ANSWER_BYTES_MAX: usize = 4 * KIB;
