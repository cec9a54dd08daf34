//! What is known of the process as a whole, and who can be asked for it.
//!
//! Knows: numbers, and by which names operators know them.
//! Must not know: where they come from.

use std::fmt::Debug;
use std::time::Duration;

/// Whoever knows of the process what no core counts.
pub trait Watch: Debug + Send + Sync {
    /// Looks at all of it. Cheap enough for a core's own thread.
    fn vitals(&self) -> Vitals;

    /// Whether somebody waits to be accepted, and there is no descriptor for it.
    fn lacks_descriptors(&self) -> bool;
}

/// How the process is. What the system does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vitals {
    /// When it started, in milliseconds of Unix time.
    pub started_ms: Option<u64>,
    /// Time that its threads have spent on processors.
    pub cpu: Option<Duration>,
    /// Memory that it has at the moment.
    pub resident_bytes: Option<u64>,
    /// Addresses that it has taken.
    pub virtual_bytes: Option<u64>,
    /// Descriptors that it has open.
    pub open_fds: Option<u64>,
    /// Descriptors that it may have open.
    pub max_fds: Option<u64>,
    /// Lines that the log's output did not take.
    pub log_lines_dropped: u64,
    /// What came of reading the configuration again.
    pub reloads: Reloads,
}

/// Times that the configuration was read again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reloads {
    /// And is in force.
    pub loaded: u64,
    /// And had a mistake: nothing changed.
    pub refused: u64,
    /// The last time had a mistake.
    pub last_was_refused: bool,
    /// When what is in force was loaded, in milliseconds of Unix time.
    pub loaded_ms: u64,
}
