//! Reading the configuration again, while the server runs.
//!
//! Knows: what was read last, what cannot change without a restart.
//! Must not know: what a configuration is written in, what its routes and pages do.
//!
//! It is a thread of its own, as a disk may be slow: no core waits for it. All or nothing: with one
//! mistake in it nothing of a new configuration holds. Between reads it has time to warn of what
//! holds.

use super::exposure::{self, Alarm};
use super::listen;
use super::mailbox::Shared;
use super::{Clock, policy};
use crate::auth::{Key, Keyring};
use crate::config::{Config, Loaded, Source};
use crate::engine::Listener;
use crate::hub::Hub;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

/// What reads the configuration again whenever it is asked to.
#[derive(Debug)]
pub(super) struct Reload {
    /// Where it is read from.
    pub(super) source: Source,
    /// What holds now.
    pub(super) config: Config,
    pub(super) listeners: Arc<[Listener]>,
    pub(super) hub: Arc<Hub>,
    pub(super) clock: Clock,
    /// Somebody asks; an end: the server has stopped.
    pub(super) asked: Receiver<()>,
    pub(super) alarm: Alarm,
}

const OPENS: &str = "there is no [[key]] any more, and everybody would be let in; that takes a \
                     restart, or insecure = true";
const EXPOSED: &str = "without a [[key]] others than this machine could come in, as the listeners \
                       stay where they are; restart, or start with --insecure";

impl Reload {
    /// Does so until the server has stopped.
    pub(super) fn run(mut self, shared: &Shared) {
        loop {
            let asked = match self.alarm.silence(self.clock.since_start()) {
                Some(silence) => self.asked.recv_timeout(silence),
                None => self.asked.recv().map_err(RecvTimeoutError::from),
            };
            if self.alarm.rings(self.clock.since_start()) {
                exposure::warn();
            }
            match asked {
                Ok(()) if !shared.is_stopping() => self.load(shared),
                Ok(()) | Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn load(&mut self, shared: &Shared) {
        // A mistake of ours must not end a server that runs.
        match catch_unwind(AssertUnwindSafe(|| self.source.reload())) {
            Ok(Ok(loaded)) => self.adopt(loaded, shared),
            Ok(Err(mistakes)) => {
                shared.process().note_refused();
                for mistake in mistakes.iter() {
                    log::error!("not loaded, nothing changed: {mistake}");
                }
            }
            Err(_) => {
                shared.process().note_refused();
                log::error!("not loaded, nothing changed: reading it panicked");
            }
        }
    }

    /// Why `config`, with the listeners that there are, is not taken: it would let in who was not
    /// let in before, and nobody said that it may. Keys may be lost by mistake.
    fn objection(&self, config: &Config) -> Option<&'static str> {
        let opens = self.config.access.is_on() && !config.access.is_on() && !config.insecure;
        let exposed = config.is_exposed().then_some(EXPOSED);
        opens.then_some(OPENS).or(exposed)
    }

    fn adopt(&mut self, loaded: Loaded, shared: &Shared) {
        let summary = loaded.summary();
        let Loaded { mut config, mut warnings, .. } = loaded;
        warnings.extend(self.keep(&mut config));
        if let Some(objection) = self.objection(&config) {
            shared.process().note_refused();
            return log::error!("not loaded, nothing changed: {objection}");
        }
        self.hub.adopt(&config.limits, self.clock.since_start());
        let policy = Arc::new(policy(&config, &self.listeners));
        let old = std::mem::replace(&mut self.config, config).access.keyring;
        if shared.post(policy) {
            shared.process().note_loaded(self.clock.now().unix_ms);
            for warning in warnings {
                log::warn!("{warning}");
            }
            if self.alarm.go_by(&self.config, self.clock.since_start()) {
                exposure::warn();
            }
            for line in key_changes(&old, &self.config.access.keyring) {
                log::info!("{line}");
            }
            let file = self.source.file().unwrap_or("".as_ref()).display();
            log::info!("loaded {file}: {summary}");
        }
    }

    /// Takes back what takes a restart; what was to change is told.
    fn keep(&self, config: &mut Config) -> Vec<String> {
        let old = &self.config;
        let mut told = Vec::new();
        stay("ws-addr", &mut config.ws_addrs, &old.ws_addrs, &mut told);
        stay("http-addr", &mut config.http_addrs, &old.http_addrs, &mut told);
        stay("cores", &mut config.cores, &old.cores, &mut told);
        stay("send-buffer", &mut config.send_buffer, &old.send_buffer, &mut told);
        if let Err(error) = listen::fit_descriptors(&mut config.limits, config.cores) {
            config.limits.connections_max = old.limits.connections_max;
            told.push(format!("max-connections stays as it was: {error}"));
        }
        told
    }
}

/// Which keys came, went, or are others than before: a line for each of these.
fn key_changes(old: &Keyring, new: &Keyring) -> Vec<String> {
    let find = |ring: &'_ Keyring, name: &str| ring.iter().find(|key| &*key.name == name).cloned();
    let names = |keys: &mut dyn Iterator<Item = &Key>| {
        keys.map(|key| format!("{:?}", key.name)).collect::<Vec<_>>().join(", ")
    };
    let is_new = |key: &&Key| find(old, &key.name).is_none();
    let is_other = |key: &&Key| find(old, &key.name).is_some_and(|old| old != **key);
    let is_gone = |key: &&Key| find(new, &key.name).is_none();
    let lines = [
        ("new keys", names(&mut new.iter().filter(is_new))),
        ("changed keys", names(&mut new.iter().filter(is_other))),
        ("removed keys", names(&mut old.iter().filter(is_gone))),
    ];
    let lines = lines.into_iter().filter(|(_, names)| !names.is_empty());
    lines.map(|(what, names)| format!("{what}: {names}")).collect()
}

fn stay<T: Clone + PartialEq>(name: &str, new: &mut T, old: &T, told: &mut Vec<String>) {
    if new != old {
        told.push(format!("{name} stays as it was: another takes a restart"));
        new.clone_from(old);
    }
}
