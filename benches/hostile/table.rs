//! The attacks, with what the server is started with, and what must come of each.
//!
//! Knows: what `PROTOCOL.md` says a peer of each kind is answered; what memory may be taken.
//! Must not know: how an attack is done.

use super::attacks::{self, Tally};
use super::server::Server;
use super::wire::{BINARY, FIN, PING, PONG, frame};
use std::io;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    /// What the server is started with.
    pub(crate) options: &'static [&'static str],
    /// It cannot be over before, unless all attackers are gone.
    pub(crate) at_least: Duration,
    pub(crate) run: fn(&Server, Instant) -> io::Result<Tally>,
    /// Some attackers must be answered each of these.
    pub(crate) must: &'static [&'static str],
    /// These are right as well; others are not.
    pub(crate) may: &'static [&'static str],
    /// The server's memory may grow by so much at most while it lasts. A bound for what must not be,
    /// not a measurement: what is leaked or held for each attacker comes to more.
    pub(crate) grows_mib_max: u64,
}

const SHORT: Duration = Duration::ZERO;

/// Of a connection that is closed while its client still writes, the kernel may tell that alone.
const RESET: &str = "reset";
const STILL_THERE: &str = "still there at the end";

impl Attack {
    /// Whatever is not as it must be, a line for each.
    pub(crate) fn faults(&self, tally: &Tally, grown: u64) -> Vec<String> {
        let is_expected = |answer: &str| self.must.contains(&answer) || self.may.contains(&answer);
        let unexpected = tally.keys().filter(|answer| !is_expected(answer));
        let mut faults: Vec<String> =
            unexpected.map(|answer| format!("nobody should be answered: {answer}")).collect();
        let missing = self.must.iter().filter(|answer| !tally.contains_key(**answer));
        faults.extend(missing.map(|answer| format!("nobody was answered: {answer}")));
        if grown > self.grows_mib_max << 20 {
            let (grown, max) = (grown >> 20, self.grows_mib_max);
            faults.push(format!("the memory grew by {grown} MiB, which should be {max} at most"));
        }
        faults
    }
}

pub(crate) const ATTACKS: &[Attack] = &[
    Attack {
        name: "none",
        what: "nobody but the good clients",
        options: &[],
        at_least: SHORT,
        run: |_, until| {
            thread::sleep(until.saturating_duration_since(Instant::now()));
            Ok(Tally::new())
        },
        must: &[],
        may: &[],
        grows_mib_max: 64,
    },
    Attack {
        name: "one-byte-fragments",
        what: "131,000 fragments of one byte and no last one, 8 at a time",
        options: &[],
        at_least: SHORT,
        run: |server, until| attacks::fragments(server, until, b"x"),
        must: &["close 1009"],
        may: &[RESET],
        grows_mib_max: 64,
    },
    Attack {
        name: "empty-fragments",
        what: "131,000 empty fragments and no last one, 8 at a time",
        options: &[],
        at_least: SHORT,
        run: |server, until| attacks::fragments(server, until, b""),
        must: &["close 1009"],
        may: &[RESET],
        grows_mib_max: 64,
    },
    Attack {
        name: "allowed-fragments",
        what: "the same with one byte, where so many are allowed",
        options: &[
            "--max-fragments",
            "200000",
            "--max-message",
            "1MiB",
            "--message-time",
            "1s",
            "--closing-time",
            "1s",
        ],
        at_least: SHORT,
        run: |server, until| attacks::fragments(server, until, b"x"),
        must: &["close 1008"],
        may: &[RESET],
        grows_mib_max: 64,
    },
    Attack {
        name: "pings",
        what: "pings as fast as they go from 16 clients that never read",
        options: &["--write-stall", "1s"],
        at_least: SHORT,
        run: |server, until| {
            attacks::flood(server, until, "/echo", &frame(FIN | PING, b"are you there?"))
        },
        must: &[],
        may: &["cut off: reset", STILL_THERE],
        grows_mib_max: 64,
    },
    Attack {
        name: "pongs",
        what: "pongs that nobody asked for, from 16 clients",
        options: &[],
        at_least: SHORT,
        run: |server, until| {
            attacks::flood(server, until, "/echo", &frame(FIN | PONG, b"here I am"))
        },
        must: &[STILL_THERE],
        may: &[],
        grows_mib_max: 64,
    },
    Attack {
        name: "echoes",
        what: "echoes of 1 KiB as fast as they go to 16 clients that never read",
        options: &["--write-stall", "1s"],
        at_least: Duration::from_secs(4),
        run: |server, until| {
            attacks::flood(server, until, "/echo", &frame(FIN | BINARY, &[7; 1024]))
        },
        must: &["cut off: reset"],
        may: &[STILL_THERE],
        grows_mib_max: 64,
    },
    Attack {
        name: "bomb",
        what: "1 MiB that inflates to 1 GiB, whole, eight at once",
        options: &["--compression", "--max-message", "16MiB"],
        at_least: SHORT,
        run: |server, until| attacks::bombs(server, until, usize::MAX),
        must: &["close 1009"],
        may: &[RESET],
        grows_mib_max: 256,
    },
    Attack {
        name: "bomb-in-fragments",
        what: "the same in fragments of 1 KiB, eight at once",
        options: &["--compression", "--max-message", "16MiB", "--max-fragments", "2000"],
        at_least: SHORT,
        run: |server, until| attacks::bombs(server, until, 1024),
        must: &["close 1009"],
        may: &[RESET],
        grows_mib_max: 256,
    },
    Attack {
        name: "bomb-by-default",
        what: "the same where a message has 64 KiB at most",
        options: &["--compression"],
        at_least: SHORT,
        run: |server, until| attacks::bombs(server, until, usize::MAX),
        must: &["close 1009"],
        may: &[RESET],
        grows_mib_max: 64,
    },
    Attack {
        name: "lengths",
        what: "frames that announce 2^31, 2^32, 2^63-1, 2^63, 2^64-1 bytes",
        options: &[],
        at_least: SHORT,
        run: attacks::lengths,
        must: &["close 1009, close 1009, close 1009, close 1002, close 1002"],
        may: &[],
        grows_mib_max: 64,
    },
    Attack {
        name: "slow-heads",
        what: "2,000 heads, five bytes a second",
        options: &["--head-time", "1s"],
        at_least: Duration::from_secs(20),
        run: attacks::slow_heads,
        must: &["status 408"],
        may: &["end", RESET],
        grows_mib_max: 64,
    },
    Attack {
        name: "half-heads",
        what: "8,000 heads of 15 KiB that do not end",
        options: &[],
        at_least: SHORT,
        run: attacks::half_heads,
        must: &["status 503"],
        may: &["status 408", "end", RESET, STILL_THERE],
        grows_mib_max: 96,
    },
    Attack {
        name: "stuck-readers",
        what: "200 event streams of a busy room that are never read",
        options: &["--write-stall", "1s"],
        at_least: Duration::from_secs(4),
        run: attacks::stuck_readers,
        must: &["cut off"],
        may: &[],
        grows_mib_max: 64,
    },
    Attack {
        name: "noise",
        what: "random bytes on both listeners, 8 at a time",
        options: &[],
        at_least: SHORT,
        run: attacks::noise,
        must: &["status 400"],
        may: &[RESET],
        grows_mib_max: 64,
    },
    Attack {
        name: "resets",
        what: "handshakes and half a frame, then a reset, 8 at a time",
        options: &[],
        at_least: SHORT,
        run: attacks::resets,
        must: &["reset by us"],
        may: &[],
        grows_mib_max: 64,
    },
    Attack {
        name: "deep-json",
        what: "relay messages of 64 KiB of brackets, 8 at a time",
        options: &["--closing-time", "1s"],
        at_least: SHORT,
        run: attacks::deep_json,
        must: &["close 1008"],
        may: &[RESET],
        grows_mib_max: 64,
    },
];
