//! The log's way out: lines wait in a queue, and a thread of its own writes them.
//!
//! Knows: lines, one output that may be slow, full or gone.
//! Must not know: what the lines say, and to whom.
//!
//! Whoever reads our standard error may stop reading, and the disk behind it may be full. A loop
//! that wrote its lines itself would then stand still with all its connections. So it only leaves
//! them here. A line that finds no room is dropped, and those who read on are told how many were,
//! where they are missing.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// What may wait: a burst of some thousand lines.
const WAITING_BYTES_MAX: usize = 256 * 1024;

/// Where lines are left; its clones are the same one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    changed: Condvar,
    /// Lines that nobody will ever see, since the start.
    lost: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct Queue {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// Lines that came behind those that wait, and found no room.
    dropped: u64,
    /// What was taken from here is not written yet.
    is_writing: bool,
}

impl Journal {
    /// A journal whose lines a new thread writes to `out`; a line says how many are `missing`.
    pub(crate) fn start(
        out: impl Write + Send + 'static,
        missing: impl Fn(u64) -> String + Send + 'static,
    ) -> io::Result<Journal> {
        let journal = Journal::default();
        let own = journal.clone();
        thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || own.write_to(out, missing))?;
        Ok(journal)
    }

    /// Leaves a line, or drops it; never waits for the output.
    fn leave(&self, line: &[u8]) {
        let mut queue = self.lock();
        // Behind a line that was dropped all are, until the output has caught up: then it can be
        // said where they are missing.
        if queue.dropped > 0 || queue.bytes + line.len() > WAITING_BYTES_MAX {
            queue.dropped += 1;
            self.note_lost();
        } else {
            queue.bytes += line.len();
            queue.lines.push_back(line.to_vec());
        }
        self.0.changed.notify_all();
    }

    /// How many lines were lost; it goes on counting.
    pub(crate) fn lost(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.0.lost)
    }

    fn note_lost(&self) {
        self.0.lost.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until all that was left is written, but no longer than `patience`.
    pub(crate) fn wait(&self, patience: Duration) {
        let is_busy = |queue: &mut Queue| queue.is_writing || queue.has_any();
        let result = self.0.changed.wait_timeout_while(self.lock(), patience, is_busy);
        drop(result.unwrap_or_else(PoisonError::into_inner));
    }

    fn write_to(&self, mut out: impl Write, missing: impl Fn(u64) -> String) {
        let mut lost = 0;
        loop {
            let mut queue = self.lock();
            queue.is_writing = false;
            self.0.changed.notify_all();
            while !queue.has_any() {
                queue = self.0.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            let Queue { lines, dropped, .. } = std::mem::take(&mut *queue);
            queue.is_writing = true;
            drop(queue);
            for line in lines {
                lost = say_lost(&mut out, lost, &missing);
                // An output that fails (its disk is full, its reader is gone) may recover.
                if lost > 0 || out.write_all(&line).is_err() {
                    lost += 1;
                    self.note_lost();
                }
            }
            lost = say_lost(&mut out, lost + dropped, &missing);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        // Nothing that is done under it can panic half-way.
        self.0.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says how many lines are missing here, if any; gives how many are still to be told of.
fn say_lost(out: &mut impl Write, lost: u64, missing: impl Fn(u64) -> String) -> u64 {
    if lost == 0 || out.write_all(missing(lost).as_bytes()).is_ok() { 0 } else { lost }
}

impl Queue {
    fn has_any(&self) -> bool {
        !self.lines.is_empty() || self.dropped > 0
    }
}

/// Each call leaves one line: whoever formats them writes a whole one at once.
impl Write for Journal {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.leave(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    /// An output that takes a write when it is told how it ends.
    struct Slow {
        orders: Receiver<io::Result<()>>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.orders.recv().unwrap_or(Ok(()))?;
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn missing(lines: u64) -> String {
        format!("[{lines} missing]\n")
    }

    type Orders = SyncSender<io::Result<()>>;

    fn slow() -> (Journal, Orders, Arc<Mutex<Vec<u8>>>) {
        let (order, orders) = sync_channel(0);
        let written = Arc::default();
        let out = Slow { orders, written: Arc::clone(&written) };
        (Journal::start(out, missing).unwrap(), order, written)
    }

    const AGES: Duration = Duration::from_secs(60);

    fn text(written: &Mutex<Vec<u8>>) -> String {
        String::from_utf8(written.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn an_output_that_takes_nothing_holds_nobody_up_and_what_is_dropped_is_told() {
        let (mut journal, order, written) = slow();
        let line = [b'x'; 1023];
        let line = [&line[..], b"\n"].concat();
        // The first is taken before the second comes; all others wait, or do not.
        journal.write_all(&line).unwrap();
        while journal.lock().has_any() {
            thread::yield_now();
        }
        for _ in 1..1000 {
            journal.write_all(&line).unwrap();
        }
        journal.wait(Duration::from_millis(1));
        assert_eq!(text(&written), "");
        drop(order);
        journal.wait(AGES);
        let text = text(&written);
        let (lines, last) = text.trim_end().rsplit_once('\n').unwrap();
        let count = lines.lines().count();
        assert_eq!(count, 1 + WAITING_BYTES_MAX / line.len());
        assert_eq!(last, format!("[{} missing]", 1000 - count));
        assert_eq!(journal.lost().load(Ordering::Relaxed), 1000 - count as u64);
        journal.write_all(b"again\n").unwrap();
        journal.wait(AGES);
        assert!(written.lock().unwrap().ends_with(b"missing]\nagain\n"));
    }

    #[test]
    fn an_output_that_fails_is_tried_again_and_what_is_lost_is_told() {
        let (mut journal, order, written) = slow();
        journal.write_all(b"one\n").unwrap();
        order.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
        // Whether it is told behind the first line or before the second: it fails as well.
        order.send(Err(io::ErrorKind::StorageFull.into())).unwrap();
        journal.wait(AGES);
        journal.write_all(b"two\n").unwrap();
        drop(order);
        journal.wait(AGES);
        assert_eq!(text(&written), "[1 missing]\ntwo\n");
        assert_eq!(journal.lost().load(Ordering::Relaxed), 1);
    }

    #[test]
    fn what_was_left_is_there_when_it_was_waited_for() {
        let written = Arc::new(Mutex::new(Vec::new()));
        struct Fast(Arc<Mutex<Vec<u8>>>);
        impl Write for Fast {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.lock().unwrap().write(bytes)
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut journal = Journal::start(Fast(Arc::clone(&written)), missing).unwrap();
        for number in 0..100 {
            writeln!(journal, "{number}").unwrap();
            journal.wait(AGES);
            assert!(text(&written).ends_with(&format!("{number}\n")));
        }
    }
}
