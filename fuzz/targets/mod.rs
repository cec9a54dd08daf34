//! Fuzz targets: each takes any bytes, and panics where Tidegate does not what it should.
//!
//! Knows: Tidegate's public parts, and for each a second, simple way to the same answer.
//! Must not know: who makes the bytes. `fuzz_targets` gives them libFuzzer's, `tests/fuzz` those of
//! the corpora and mutations of them.
//!
//! A new target is a file here with `pub fn run(data: &[u8])`, a line in [`ALL`], a file of three
//! lines in `fuzz_targets`, a `[[bin]]` in `fuzz/Cargo.toml`, and a folder of seeds in `corpus`.

/// What the differential targets share with the test that makes streams from seeds.
#[path = "../../tests/differential/compare/mod.rs"]
mod compare;
pub mod config_file;
pub mod control;
pub mod differential_fastwebsockets;
pub mod differential_tungstenite;
pub mod engine;
pub mod envelope;
pub mod frame;
pub mod handshake;
pub mod http_body;
pub mod http_head;
pub mod http_target;
pub mod inflater;
pub mod last_event_id;
mod naive;
pub mod offer;
mod pieces;
pub mod sse_round_trip;
pub mod token;
pub mod utf8;
/// What tests that read event streams share.
#[path = "../../tests/support/whatwg.rs"]
mod whatwg;
pub mod ws_session;

/// One target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// As its file, its binary and its corpus are called.
    pub name: &'static str,
    /// Panics on a finding.
    pub run: fn(&[u8]),
    /// How many mutations `cargo test` tries, unless it is told otherwise: some two seconds' worth
    /// at most in a debug build.
    pub mutations: usize,
}

impl Target {
    const fn new(name: &'static str, run: fn(&[u8]), mutations: usize) -> Target {
        Target { name, run, mutations }
    }
}

/// All targets.
pub const ALL: &[Target] = &[
    Target::new("config_file", config_file::run, 1_500),
    Target::new("control", control::run, 8_000),
    Target::new("differential_fastwebsockets", differential_fastwebsockets::run, 3_000),
    Target::new("differential_tungstenite", differential_tungstenite::run, 3_000),
    Target::new("engine", engine::run, 20),
    Target::new("envelope", envelope::run, 8_000),
    Target::new("frame", frame::run, 8_000),
    Target::new("handshake", handshake::run, 8_000),
    Target::new("http_body", http_body::run, 3_000),
    Target::new("http_head", http_head::run, 3_000),
    Target::new("http_target", http_target::run, 3_000),
    Target::new("inflater", inflater::run, 3_000),
    Target::new("last_event_id", last_event_id::run, 8_000),
    Target::new("offer", offer::run, 8_000),
    Target::new("sse_round_trip", sse_round_trip::run, 3_000),
    Target::new("token", token::run, 3_000),
    Target::new("utf8", utf8::run, 8_000),
    Target::new("ws_session", ws_session::run, 3_000),
];
