//! Waiting, with an eye on whether anybody still wants what is waited for.
//!
//! Knows: poll, signals as something to read, what a pipe says whose reader is gone.
//! Must not know: what comes.

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::io;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What may end it all.
pub(super) struct Ends {
    /// Something comes from there when we are asked to end.
    pub(super) signals: UnixStream,
    /// Where we print.
    pub(super) out: OwnedFd,
    /// Nothing is half done: a signal may end the process.
    pub(super) is_idle: Arc<AtomicBool>,
}

/// What came first.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Woken {
    /// We are asked to end, or nobody reads what we print.
    End,
    /// There is something to read.
    Stream,
    Time,
}

impl Ends {
    /// Begins something that cannot be waited for beside other things. `false`: there is no need
    /// for it any more.
    pub(super) fn begin_alone(&self) -> io::Result<bool> {
        self.is_idle.store(true, Ordering::SeqCst);
        // What was asked before.
        Ok(self.wait(None, Duration::ZERO)? != Woken::End)
    }

    /// From here on somebody waits.
    pub(super) fn end_alone(&self) {
        self.is_idle.store(false, Ordering::SeqCst);
    }

    /// Waits for `stream`, for so long.
    pub(super) fn wait(&self, stream: Option<&TcpStream>, time: Duration) -> io::Result<Woken> {
        let until = Instant::now() + time;
        // Of a pipe without a reader we hear without having asked for it.
        let mut polled = vec![
            PollFd::new(&self.signals, PollFlags::IN),
            PollFd::new(&self.out, PollFlags::empty()),
        ];
        polled.extend(stream.map(|stream| PollFd::new(stream, PollFlags::IN)));
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match poll(&mut polled, Timespec::try_from(left).ok().as_ref()) {
                Err(Errno::INTR) => continue,
                result => result?,
            };
            let [signal, out, stream] = [0, 1, 2]
                .map(|index| polled.get(index).map_or(PollFlags::empty(), PollFd::revents));
            return Ok(match () {
                () if !signal.is_empty() || out.intersects(PollFlags::ERR | PollFlags::HUP) => {
                    Woken::End
                }
                () if !stream.is_empty() => Woken::Stream,
                () => Woken::Time,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    const SOON: Duration = Duration::from_millis(1);
    const LONG: Duration = Duration::from_secs(60);

    /// With the other ends of both.
    fn ends() -> (Ends, UnixStream, io::PipeReader) {
        let (signals, mouth) = UnixStream::pair().unwrap();
        let (reader, writer) = io::pipe().unwrap();
        (Ends { signals, out: writer.into(), is_idle: Arc::default() }, mouth, reader)
    }

    #[test]
    fn a_signal_and_a_reader_that_is_gone_are_heard_at_once() {
        let (ends, mut mouth, reader) = ends();
        assert_eq!(ends.wait(None, SOON).unwrap(), Woken::Time);
        mouth.write_all(b"x").unwrap();
        assert_eq!(ends.wait(None, LONG).unwrap(), Woken::End);
        drop(reader);
        let (ends, _mouth, reader) = self::ends();
        drop(reader);
        assert_eq!(ends.wait(None, LONG).unwrap(), Woken::End);
    }

    #[test]
    fn what_has_come_is_heard_even_if_the_time_is_over() {
        let (ends, _mouth, _reader) = ends();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut theirs = listener.accept().unwrap().0;
        assert_eq!(ends.wait(Some(&ours), SOON).unwrap(), Woken::Time);
        theirs.write_all(b"x").unwrap();
        assert_eq!(ends.wait(Some(&ours), LONG).unwrap(), Woken::Stream);
        assert_eq!(ends.wait(Some(&ours), Duration::ZERO).unwrap(), Woken::Stream);
    }
}
