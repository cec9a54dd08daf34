//! The table of options: the one place where an option's name, help, unit, range and home stand.
//!
//! Knows: every option, every field of `Limits`.
//! Must not know: how options are read, shown, or complained about.
//!
//! A default is nowhere here: it is what stands in the field of [`Config::default`](super::Config).

use super::CORES_MAX;
use super::settings::{Field, Group, Setting, Takes, count, size, time};
use super::units::Unit;
use crate::limits::HEADERS_CAPACITY;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// Deadlines are coarse; anything shorter would not be kept.
const TICK: u64 = 10;

/// A payload's length is kept in 28 bits; base64 and escapes make it longer.
const PAYLOAD_MAX: u64 = 64 * MIB;

/// The option that names a file with others.
pub(super) const FILE: &str = "config";

/// In the order of the help.
pub(super) static GROUPS: [Group; 8] = [
    Group {
        heading: "Configuration",
        settings: &[Setting {
            flag: FILE,
            help: "Options, keys, routes and pages in TOML; read again on SIGHUP",
            default: None,
            takes: Takes::File,
        }],
    },
    Group {
        heading: "Addresses",
        settings: &[
            Setting {
                flag: "ws-addr",
                help: "Where WebSocket clients connect; repeatable",
                default: Some("localhost:8080"),
                takes: Takes::Addresses(|config| &mut config.ws_addrs),
            },
            Setting {
                flag: "http-addr",
                help: "Where HTTP clients connect; may equal --ws-addr",
                default: Some("localhost:8082"),
                takes: Takes::Addresses(|config| &mut config.http_addrs),
            },
            Setting {
                flag: "demo",
                help: "Serve pages to try the server with",
                default: Some("true, on loopback"),
                takes: Takes::Switch(|config| &mut config.demo),
            },
        ],
    },
    Group {
        heading: "Who may connect",
        settings: &[
            Setting {
                flag: "insecure",
                help: "Accept that without a [[key]] whoever comes may do everything",
                default: None,
                takes: Takes::Nothing(|config| &mut config.insecure),
            },
            Setting {
                flag: "allow-origin",
                help: "Pages that may connect; repeatable",
                default: Some("loopback, on loopback"),
                takes: Takes::Origins(|config| &mut config.allow_origins),
            },
            Setting {
                flag: "allow-host",
                help: "Names this server may go by; repeatable",
                default: Some("loopback names"),
                takes: Takes::Hosts(|config| &mut config.allow_hosts),
            },
        ],
    },
    Group {
        heading: "WebSocket limits",
        settings: &[
            size(
                "max-message",
                "One message, all its fragments together",
                KIB..=PAYLOAD_MAX,
                |c| &mut c.limits.message_bytes_max,
            ),
            count("max-fragments", "Frames of one message", 1..=1_000_000, |c| {
                &mut c.limits.fragments_max
            }),
            Setting {
                flag: "compression",
                help: "Agree on permessage-deflate with clients that offer it",
                default: None,
                takes: Takes::Nothing(|config| &mut config.compression),
            },
            size("compression-min", "Shorter messages are not compressed", 0..=PAYLOAD_MAX, |c| {
                &mut c.limits.deflate_bytes_min
            }),
            time("message-time", "From a message's first frame to its last", TICK..=HOUR, |c| {
                &mut c.limits.message_time
            }),
            Setting {
                flag: "max-refusals",
                help: "Refused messages in a row before a close",
                default: None,
                takes: Takes::Quantity(
                    Unit::Things,
                    1..=60_000,
                    Field::U32(|config| &mut config.limits.refusals_max),
                ),
            },
            // The server's own names are UUIDs of 36 bytes.
            size("max-connection-id", "A connectionId, in UTF-8", 36..=255, |c| {
                &mut c.limits.connection_id_bytes_max
            }),
            time("ping-interval", "Silence before a ping", TICK..=24 * HOUR, |c| {
                &mut c.limits.ping_interval
            }),
            time(
                "ping-timeout",
                "Silence after a ping before the peer is dead",
                TICK..=HOUR,
                |c| &mut c.limits.ping_timeout,
            ),
            time("closing-time", "From our close frame to the peer's", TICK..=HOUR, |c| {
                &mut c.limits.closing
            }),
        ],
    },
    Group {
        heading: "HTTP limits",
        settings: &[
            size("max-head", "Request line and headers together", KIB..=256 * KIB, |c| {
                &mut c.limits.head_bytes_max
            }),
            count("max-headers", "Headers of one request", 8..=HEADERS_CAPACITY as u64, |c| {
                &mut c.limits.headers_max
            }),
            size("max-uri", "A request's target", 256..=64 * KIB, |c| &mut c.limits.uri_bytes_max),
            time(
                "head-time",
                "From accept, or first byte, to the end of a head",
                TICK..=HOUR,
                |c| &mut c.limits.head_time,
            ),
            size("max-body", "One request's body", KIB..=PAYLOAD_MAX, |c| {
                &mut c.limits.body_bytes_max
            }),
            size("node-bodies", "All bodies together, while they come", KIB..=1024 * GIB, |c| {
                &mut c.limits.node_bodies_bytes_max
            }),
            time("body-time", "From the end of a head to that of its body", TICK..=HOUR, |c| {
                &mut c.limits.body_time
            }),
            time("keep-alive", "Silence between two requests of a connection", TICK..=HOUR, |c| {
                &mut c.limits.keep_alive
            }),
            time("api-time", "From a question to a core to its answer", TICK..=HOUR, |c| {
                &mut c.limits.api_time
            }),
            time("idempotency-age", "Age of answers kept for repeats", TICK..=168 * HOUR, |c| {
                &mut c.limits.idempotency_age
            }),
            count("max-idempotency-keys", "Answers kept for repeats", 1..=10_000_000, |c| {
                &mut c.limits.idempotency_keys_max
            }),
            count("max-filters", "Rooms or connections that one stream names", 1..=1024, |c| {
                &mut c.limits.filters_max
            }),
            time("heartbeat", "Silence on an event stream before a heartbeat", TICK..=HOUR, |c| {
                &mut c.limits.heartbeat
            }),
            time(
                "retry",
                "EventSource's wait to reconnect; up to 3 times that",
                TICK..=HOUR,
                |c| &mut c.limits.retry,
            ),
        ],
    },
    Group {
        heading: "Credentials",
        settings: &[
            size("max-token", "A credential; a longer one is none", 64..=64 * KIB, |c| {
                &mut c.limits.token_bytes_max
            }),
            time("token-leeway", "How far nbf and iat may be in the future", 0..=HOUR, |c| {
                &mut c.limits.token_leeway
            }),
            count(
                "max-bad-credentials",
                "Bad ones a minute from one address",
                1..=1_000_000,
                |c| &mut c.limits.bad_credentials_max,
            ),
            time("ticket-time", "A ticket's time until its one use", SECOND..=5 * MINUTE, |c| {
                &mut c.limits.ticket_time
            }),
            count("max-tickets", "Tickets that wait for their use", 1..=10_000_000, |c| {
                &mut c.limits.tickets_max
            }),
            count("max-revocations", "What was revoked and is remembered", 1..=10_000_000, |c| {
                &mut c.limits.revocations_max
            }),
            size(
                "node-heads",
                "What waits before it is known who sent it",
                256 * KIB..=1024 * GIB,
                |c| &mut c.limits.node_heads_bytes_max,
            ),
            time("forward-time", "From a question of forward to its answer", TICK..=MINUTE, |c| {
                &mut c.limits.forward_time
            }),
            time("forward-cache", "Age of answers that are used again; 0s: none", 0..=HOUR, |c| {
                &mut c.limits.forward_cache
            }),
            count("max-forward-cache", "Answers kept to be used again", 1..=10_000_000, |c| {
                &mut c.limits.forward_cache_max
            }),
        ],
    },
    Group {
        heading: "Log",
        settings: &[
            size("room-log", "One room's log, bookkeeping included", 4 * KIB..=1024 * GIB, |c| {
                &mut c.limits.room_log_bytes_max
            }),
            count("room-log-events", "Events in one room's log", 1..=1_000_000_000, |c| {
                &mut c.limits.room_log_events_max
            }),
            time("log-age", "Age of the oldest event", TICK..=168 * HOUR, |c| {
                &mut c.limits.log_age
            }),
            size(
                "node-log",
                "All logs together; the oldest goes first",
                64 * KIB..=1024 * GIB,
                |c| &mut c.limits.node_log_bytes_max,
            ),
            count("max-rooms", "Rooms at once", 1..=10_000_000, |c| &mut c.limits.rooms_max),
            count("max-joined-rooms", "Rooms that one WebSocket is in", 1..=1024, |c| {
                &mut c.limits.joined_rooms_max
            }),
            // The room that is always there is called `main`.
            size("max-room-name", "A room's name, in UTF-8", 4..=255, |c| {
                &mut c.limits.room_name_bytes_max
            }),
        ],
    },
    Group {
        heading: "Machine",
        settings: &[
            Setting {
                flag: "cores",
                help: "Threads that serve",
                default: Some("one per processor"),
                takes: Takes::Quantity(
                    Unit::Things,
                    1..=CORES_MAX as u64,
                    Field::Usize(|config| &mut config.cores),
                ),
            },
            count("max-connections", "Connections of all kinds together", 1..=10_000_000, |c| {
                &mut c.limits.connections_max
            }),
            // Twice what the longest control frame needs (RFC 6455 §5.5) is 254 bytes.
            size("outbox", "Answers that wait for one connection", KIB..=GIB, |c| {
                &mut c.limits.outbox_bytes_max
            }),
            time(
                "write-stall",
                "How long a peer may take nothing of what waits",
                TICK..=HOUR,
                |c| &mut c.limits.write_stall,
            ),
            time("linger", "From the end of our output to the close", TICK..=HOUR, |c| {
                &mut c.limits.linger
            }),
            size("max-linger", "Input thrown away meanwhile", KIB..=GIB, |c| {
                &mut c.limits.linger_bytes_max
            }),
            Setting {
                flag: "send-buffer",
                help: "SO_SNDBUF of each connection",
                default: Some("the kernel's choice"),
                takes: Takes::Quantity(
                    Unit::Bytes,
                    4 * KIB..=GIB,
                    Field::Optional(|config| &mut config.send_buffer),
                ),
            },
            size("read-budget", "Read from one connection in one turn", KIB..=64 * MIB, |c| {
                &mut c.limits.read_bytes_per_connection
            }),
            size("turn-budget", "Read from all connections in one turn", KIB..=GIB, |c| {
                &mut c.limits.read_bytes_per_turn
            }),
            count("accept-budget", "Connections accepted in one turn", 1..=10_000, |c| {
                &mut c.limits.accepts_per_turn
            }),
            time("drain", "From SIGTERM to the end", 0..=24 * HOUR, |c| &mut c.limits.drain),
        ],
    },
];
