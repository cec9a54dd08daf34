//! What the process knows of itself: its age, its size, what it may have, what became of its log.
//!
//! Knows: /proc, the limits of a process, who reads the configuration again.
//! Must not know: how any of it is shown.

use crate::metrics::{Reloads, Vitals};
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};
use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// The process.
#[derive(Debug, Default)]
pub(super) struct Process {
    /// In milliseconds of Unix time.
    started_ms: u64,
    /// Counted by whoever writes the log.
    log_lines_dropped: Arc<AtomicU64>,
    loaded: AtomicU64,
    refused: AtomicU64,
    last_was_refused: AtomicBool,
    /// In milliseconds of Unix time.
    loaded_ms: AtomicU64,
}

impl Process {
    /// One that started at that Unix time, and has its configuration since then.
    pub(super) fn new(started_ms: u64, log_lines_dropped: Arc<AtomicU64>) -> Process {
        let loaded_ms = AtomicU64::new(started_ms);
        Process { started_ms, log_lines_dropped, loaded_ms, ..Process::default() }
    }

    /// A configuration was read again, and is in force.
    pub(super) fn note_loaded(&self, unix_ms: u64) {
        self.loaded.fetch_add(1, Ordering::Relaxed);
        self.loaded_ms.store(unix_ms, Ordering::Relaxed);
        self.last_was_refused.store(false, Ordering::Relaxed);
    }

    /// A configuration was read again, and nothing changed.
    pub(super) fn note_refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
        self.last_was_refused.store(true, Ordering::Relaxed);
    }

    /// How it is now: some files of /proc and two system calls.
    pub(super) fn vitals(&self) -> Vitals {
        let (virtual_bytes, resident_bytes) = memory().unzip();
        Vitals {
            started_ms: Some(self.started_ms),
            cpu: Some(processor_time()),
            resident_bytes,
            virtual_bytes,
            open_fds: open_descriptors(),
            max_fds: getrlimit(Resource::Nofile).current,
            log_lines_dropped: self.log_lines_dropped.load(Ordering::Relaxed),
            reloads: Reloads {
                loaded: self.loaded.load(Ordering::Relaxed),
                refused: self.refused.load(Ordering::Relaxed),
                last_was_refused: self.last_was_refused.load(Ordering::Relaxed),
                loaded_ms: self.loaded_ms.load(Ordering::Relaxed),
            },
        }
    }
}

fn processor_time() -> Duration {
    let spent = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(spent.tv_sec.try_into().unwrap_or(0), spent.tv_nsec.try_into().unwrap_or(0))
}

/// What is taken of addresses, and what of memory.
fn memory() -> Option<(u64, u64)> {
    static PAGE_BYTES: LazyLock<u64> = LazyLock::new(|| rustix::param::page_size() as u64);
    let text = fs::read_to_string("/proc/self/statm").ok()?;
    let mut pages = text.split_ascii_whitespace().map(str::parse::<u64>);
    let (size, resident) = (pages.next()?.ok()?, pages.next()?.ok()?);
    Some((size * *PAGE_BYTES, resident * *PAGE_BYTES))
}

/// Since Linux 6.2 the folder tells as its size how many there are. To count them would take
/// milliseconds, of all connections.
fn open_descriptors() -> Option<u64> {
    let size = fs::metadata("/proc/self/fd").ok()?.len();
    (size > 0).then_some(size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    #[test]
    fn it_is_as_large_as_the_system_says() {
        let vitals = Process::new(1_000, Arc::default()).vitals();
        assert_eq!(vitals.started_ms, Some(1_000));
        let (resident, reserved) = (vitals.resident_bytes.unwrap(), vitals.virtual_bytes.unwrap());
        assert!((1 << 20..reserved).contains(&resident), "{resident} of {reserved}");
        let before = vitals.cpu.unwrap();
        assert!(Process::default().vitals().cpu.unwrap() >= before);
    }

    #[test]
    fn a_descriptor_more_is_counted_where_the_system_does() {
        // Other tests of this process open some, too.
        let files: Vec<_> = (0..1000).map(|_| File::open("/dev/null").unwrap()).collect();
        if let Some(count) = open_descriptors() {
            assert!(count >= files.len() as u64, "{count}");
        }
    }

    #[test]
    fn reloads_are_counted_by_what_came_of_them() {
        let process = Process::new(5, Arc::default());
        let reloads = || process.vitals().reloads;
        assert_eq!(reloads(), Reloads { loaded_ms: 5, ..Reloads::default() });
        process.note_refused();
        assert_eq!(
            reloads(),
            Reloads { refused: 1, last_was_refused: true, loaded_ms: 5, loaded: 0 }
        );
        process.note_loaded(9);
        assert_eq!(
            reloads(),
            Reloads { loaded: 1, refused: 1, last_was_refused: false, loaded_ms: 9 }
        );
    }
}
