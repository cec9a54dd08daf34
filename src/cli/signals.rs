//! Being asked to end, or to go on.
//!
//! Knows: signals.
//! Must not know: what there is to be ended.

use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};
use std::io;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const SIGNALS: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];

/// 128 and the signal's number, as shells have it.
const INTERRUPTED: i32 = 130;

/// Something to read from once a signal asks us to end. A second one does not ask, nor does any
/// once that is true.
pub(super) fn hear_signals() -> io::Result<(UnixStream, Arc<AtomicBool>)> {
    let (ear, mouth) = UnixStream::pair()?;
    let is_asked = Arc::new(AtomicBool::new(false));
    for signal in SIGNALS {
        flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&is_asked))?;
        flag::register(signal, Arc::clone(&is_asked))?;
        low_level::pipe::register(signal, mouth.try_clone()?)?;
    }
    Ok((ear, is_asked))
}

/// The same, but as long as `is_idle` nothing is half done, and the first one ends the process.
pub(super) fn hear_signals_unless(is_idle: &Arc<AtomicBool>) -> io::Result<UnixStream> {
    for signal in SIGNALS {
        flag::register_conditional_shutdown(signal, 0, Arc::clone(is_idle))?;
    }
    Ok(hear_signals()?.0)
}

/// Something to read from when we go on after a stop (Ctrl-Z and `fg`).
pub(super) fn hear_resumed() -> io::Result<UnixStream> {
    let (ear, mouth) = UnixStream::pair()?;
    low_level::pipe::register(SIGCONT, mouth)?;
    Ok(ear)
}

/// What becomes true once somebody presses Ctrl-C.
pub(super) fn note_interrupt() -> io::Result<Arc<AtomicBool>> {
    let is_interrupted = Arc::new(AtomicBool::new(false));
    flag::register(SIGINT, Arc::clone(&is_interrupted))?;
    Ok(is_interrupted)
}
