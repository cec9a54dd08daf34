//! Tidegate: WebSocket messages in, Server-Sent Events out, in order, nothing skipped silently.
//!
//! What it does on the wire is PROTOCOL.md's; this is the map of the code.
//!
//! ```text
//! main ─► config, journal, lines         flags, environment → Config; the log, never waited for
//!   └───► reactor ─► engine ─┬─► http    heads, bodies, responses
//!         one per    one per ├─► ws      handshake, frames, messages, compression, close codes
//!         core:      core:   ├─► routes  a URL path → what a message does
//!         sockets,   pure    ├─► metrics counters per core → text
//!         clock,             ├─► pages   what is served as it stands, demo clients among it
//!                            ├─► auth    a credential → what its holder may do
//!         threads            └─► hub ─┬─► sse    one event ↔ bytes, its id
//!                                     ├─► json   the envelope scan
//!                                     └─► ws     frames of a broadcast, plain and compressed
//!                     all of them ─► bytes (keys, outbox, deadlines) ─► limits
//! reactor ─► forward ─► auth             threads that ask a service of others who may come in
//! main ─► cli ─┬─► ws                    `tidegate connect`: the other end of a WebSocket
//!              ├─► (HTTP of its own)     `tidegate tap`: a reader that comes back by itself
//!              └─► auth                  `tidegate token`: keys and tokens, made and read
//! ```
//!
//! Arrows go down only; `tests/tidy.rs` checks them, and that each file says what it knows.
//!
//! # A message's way
//!
//! [`reactor`] reads bytes into a scratch buffer and hands them to its [`engine`]. There the
//! connection's [`ws::Session`] makes messages of them, the route's rules judge them
//! (`engine/messages.rs`), and they are appended to this turn's batch for their room: that is the
//! one copy. At the end of the turn the engine comes through the [`hub`]'s one door: the batch
//! becomes a chunk, its events get their numbers, it goes into the room's log and into the inbox of
//! every core that follows the room. Each core then writes slices of the chunks in its inbox to
//! whoever reads, and they all share the chunk's bytes.
//!
//! # A request's way
//!
//! What the API is asked is known when a request's body is there (`engine/http.rs`,
//! `engine/api/order.rs`). What concerns a connection is asked of its core by letter, which alone
//! knows whether it is still there and still has its name (`engine/api/ask.rs`); what is published
//! comes back with the commit as a receipt (`engine/api/publish.rs`). Until then a *call* is kept,
//! and the connection that asked is not read from (`engine/api/calls.rs`).
//!
//! Where somebody else decides who may come in, the request waits where it is until the verdict
//! comes by letter, and is then dealt with from its beginning (`engine/vetting.rs`,
//! `engine/admission/forward.rs`). [`forward`] asks.
//!
//! # What is told of it
//!
//! Below the reactor nothing logs. What an operator should know of a request or a connection is an
//! *account* (`engine/chronicle`), an action for the reactor like a write, which adds it to the log
//! without knowing what it says (`reactor/accounts.rs`). Nothing is made of what nobody listens
//! for. What is counted is in [`metrics`], a set for each core, added up when somebody asks.
//! Refusals say what to do instead, also to who expects another server (`engine/hints`). Before a
//! server starts, `tidegate check` has the reactor look at the machine (`reactor/survey.rs`).
//!
//! # What always holds
//!
//! 1. Nobody delivers a chunk by a shorter way than the door: one order per room, the same for all.
//! 2. A reader that has all its core has seen owns no position. It stands in a list and costs
//!    nothing while nothing happens. One that is behind owns a position and is in no list
//!    (`engine/cursor.rs`).
//! 3. Only whole events and frames interleave: the rest of what is begun, then the outbox, then
//!    events.
//! 4. What falls off a log before it was read is told, exactly once, where it happened: a gap
//!    event, or close code 4408. Nothing else is ever left out.
//! 5. A `connectionId` has one owner, and passes on only by the commit that holds its close event.
//! 6. Handlers write and close nothing: they append to outboxes and batches. Writes and closes are
//!    at the end of a turn, each in one place (`reactor/core.rs`). Only what a peer could not take
//!    before leaves at the beginning of one: nothing that a turn brings leaves before its commit.
//! 7. What reads a peer's bytes cannot panic: clippy denies there what could. If the handling of
//!    one connection panics all the same, that connection ends with 1011, and its part of the
//!    turn's batch is taken back (`engine/panics.rs`).
//! 8. Below the reactor nothing reads a clock, a socket or a random source: the same engine runs in
//!    `tests/sim` from a seed.
#![forbid(unsafe_code)]

pub mod auth;
pub mod bytes;
pub mod cli;
pub mod config;
pub mod engine;
pub mod forward;
pub mod http;
pub mod hub;
pub mod json;
pub mod limits;
pub mod metrics;
pub mod pages;
pub mod reactor;
pub mod routes;
pub mod sse;
pub mod ws;
