//! The server under attack: a process of its own, and what it has in memory.
//!
//! Knows: how it is started, what it says on its standard error.
//! Must not know: what is done to it.

use super::process;
use std::io::{self, BufRead, BufReader, Error};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// Our side of thousands of connections.
pub(crate) fn raise_descriptor_limit() -> io::Result<()> {
    let mut limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit.current = limit.maximum;
    Ok(rustix::process::setrlimit(rustix::process::Resource::Nofile, limit)?)
}

pub(crate) struct Server {
    pub(crate) ws: SocketAddr,
    pub(crate) http: SocketAddr,
    child: Child,
}

/// The highest that was seen since.
pub(crate) struct Watch {
    peak: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Server {
    pub(crate) fn start(options: &[&str]) -> io::Result<Server> {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tidegate"))
            .args(["--ws-addr", "127.0.0.1:0", "--http-addr", "127.0.0.1:0"])
            .args(options)
            .stderr(Stdio::piped())
            .spawn()?;
        let stderr = child.stderr.take().ok_or_else(|| Error::other("no standard error"))?;
        let mut lines = BufReader::new(stderr).lines();
        let mut address = |heading: &str| -> io::Result<SocketAddr> {
            for line in lines.by_ref() {
                let line = line?;
                if let Some(address) = line.trim().strip_prefix(heading) {
                    return address.trim().parse().map_err(Error::other);
                }
            }
            Err(Error::other(format!("the server does not say {heading:?}")))
        };
        let (ws, http) = (address("WebSockets on")?, address("events, HTTP on")?);
        thread::spawn(move || lines.for_each(drop));
        Ok(Server { ws, http, child })
    }

    pub(crate) fn resident_bytes(&self) -> io::Result<u64> {
        let memory = process::memory(self.child.id());
        Ok(memory.ok_or_else(|| Error::other("nothing about its memory in /proc"))?.resident)
    }

    /// Looks at its memory from now on.
    pub(crate) fn watch_memory(&self) -> Watch {
        let watch = Watch { peak: Arc::default(), stop: Arc::default() };
        let (peak, stop, pid) = (Arc::clone(&watch.peak), Arc::clone(&watch.stop), self.child.id());
        thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                let resident = process::memory(pid).unwrap_or_default().resident;
                peak.fetch_max(resident, Ordering::Relaxed);
                thread::sleep(Duration::from_millis(20));
            }
        });
        watch
    }

    /// Ends it; says how it had ended before, if it had.
    pub(crate) fn end(&mut self) -> io::Result<Option<String>> {
        if let Some(status) = self.child.try_wait()? {
            return Ok(Some(status.to_string()));
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(None)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Watch {
    pub(crate) fn peak_bytes(&self) -> u64 {
        self.peak.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}
