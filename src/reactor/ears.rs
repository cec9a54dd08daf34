//! Signals, and what they mean.
//!
//! Knows: SIGINT, SIGTERM, SIGHUP, whether a terminal started us.
//! Must not know: how a server stops.
//!
//! A handler only writes to a pipe that the first core polls; all else happens in its turn. SIGPIPE
//! is ignored by Rust's start-up code: a write to who is gone is an error like any other.

use mio::event::Source;
use mio::{Interest, Registry, Token};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};
use signal_hook_mio::v1_0::Signals;
use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::SyncSender;

/// What hears signals.
pub(super) struct Ears {
    signals: Signals,
    /// Whoever started us could only stop us by a terminal: without it we stop by ourselves.
    had_terminal: bool,
    /// Who reads the configuration again, and works as long as this is here.
    reload: SyncSender<()>,
    /// There is something to read.
    has_file: bool,
}

impl Ears {
    /// Hears from now on. A SIGINT or SIGTERM that comes when `stopping` is set already ends the
    /// process there and then, whatever its cores are doing. `reload` is asked on a SIGHUP, if
    /// there is a file.
    pub(super) fn open(
        stopping: &Arc<AtomicBool>,
        reload: SyncSender<()>,
        has_file: bool,
    ) -> io::Result<Ears> {
        for signal in [SIGINT, SIGTERM] {
            flag::register_conditional_shutdown(signal, 1, Arc::clone(stopping))?;
        }
        let signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
        Ok(Ears { signals, had_terminal: has_terminal(), reload, has_file })
    }

    /// Takes what came. Gives whether the server is to stop.
    pub(super) fn hear(&mut self) -> bool {
        let mut stops = false;
        for signal in self.signals.pending() {
            let is_hangup = signal == SIGHUP;
            let is_orphaned = self.had_terminal && !has_terminal();
            if is_hangup && !is_orphaned {
                self.reload(signal);
                continue;
            }
            stops = true;
            if is_hangup {
                // A shell may send it as well as the terminal: a second hurries nobody.
                log::info!("{}: the terminal is gone; closing connections", name(signal));
            } else {
                log::info!("{}: closing connections; again to end at once", name(signal));
            }
        }
        stops
    }

    fn reload(&self, signal: i32) {
        if self.has_file {
            // It may be asked already: what it has yet to read is what is there then.
            let _ = self.reload.try_send(());
        } else {
            log::info!("{}: there is nothing to load anew", name(signal));
        }
    }
}

/// As people write it.
fn name(signal: i32) -> &'static str {
    low_level::signal_name(signal).unwrap_or("a signal")
}

/// Whether somebody can see us, and stop us, by a terminal. One that is gone is none.
fn has_terminal() -> bool {
    io::stdin().is_terminal() || io::stderr().is_terminal()
}

impl Source for Ears {
    fn register(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        self.signals.register(registry, token, interests)
    }

    fn reregister(
        &mut self,
        registry: &Registry,
        token: Token,
        interests: Interest,
    ) -> io::Result<()> {
        self.signals.reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.signals.deregister(registry)
    }
}
