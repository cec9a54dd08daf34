//! `[[key]]` and `[auth]`: who may come in.
//!
//! Knows: the keys of a file, the door of the server, what they need of each other.
//! Must not know: routes, how a credential is verified.

mod door;
mod fault;
mod key;
mod rights;
mod secret;
mod vouches;

pub(super) use fault::Fault;
pub(in crate::config) use key::Key as KeySource;
pub(in crate::config) use vouches::Vouches;

use std::sync::Arc;

use super::entries::{Entries, Entry};
use super::what::What;
use super::{Tree, fault as file_fault};
use crate::auth::{Access, Door, Keyring};
use crate::config::Config;
use crate::config::mistakes::{Mistakes, Problem, Subject};
use crate::config::secrets::Places;
use crate::routes::Route;

/// The keys of a file.
#[derive(Clone, Debug, Default)]
pub(in crate::config) struct Keys {
    keyring: Keyring,
    /// What `tidegate config` shows of them.
    pub(in crate::config) sources: Vec<KeySource>,
    /// All names, also of keys that something is wrong with, and in which lines they are.
    names: Vec<(String, usize)>,
    /// There is a key, or somebody else is asked, whatever may be wrong with it.
    is_on: bool,
}

impl Keys {
    /// What every key is called.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _)| name.as_str())
    }

    /// Whether anybody is to be asked for anything.
    pub(in crate::config) fn are_meant(&self) -> bool {
        self.is_on
    }
}

impl Tree<'_> {
    /// The keys of the file, with the secrets that are now where it says that they are.
    pub(in crate::config) fn keys(
        &self,
        config: &Config,
        places: Places<'_>,
        mistakes: &mut Mistakes,
    ) -> Keys {
        let mut reader = key::Reader::new(self.text, config, places);
        let entry = self.entries().find("key");
        for entries in entry.map(|entry| entry.tables(What::Key, mistakes)).unwrap_or_default() {
            reader.read(&entries, mistakes);
        }
        let mut keys = reader.finish();
        keys.is_on |= entry.is_some_and(|entry| !entry.is_empty_list());
        keys.is_on |= self.entries().find("auth").is_some_and(|entry| entry.has("forward"));
        keys
    }

    /// Who may come in: the keys and the door of the server.
    pub(in crate::config) fn access(
        &self,
        keys: &Keys,
        config: &Config,
        mistakes: &mut Mistakes,
    ) -> Access {
        let entries = self.entries().find("auth");
        let entries = entries.and_then(|entry| entry.table(What::Auth, mistakes));
        let Some(entries) = entries else {
            let door = if keys.is_on { door::usual() } else { Door::default() };
            return access_by(keys, door);
        };
        if !keys.is_on {
            entries.complain(mistakes, file_fault::Fault::Access(Fault::NoKeys));
        }
        let door = door::door(&entries, keys, mistakes);
        judge_cookie(&entries, &door, &config.allow_origins, mistakes);
        let words = [("open", true), ("manage", false)];
        let metrics = entries.find("metrics").and_then(|entry| {
            entry.text_like("\"open\" for everybody, or \"manage\"", mistakes)?;
            entry.choice(&words, mistakes)
        });
        Access { open_metrics: metrics.unwrap_or_default(), ..access_by(keys, door) }
    }
}

fn access_by(keys: &Keys, door: Door) -> Access {
    let forwards = door.forward.iter().cloned().collect();
    Access { keyring: keys.keyring.clone(), door: Arc::new(door), open_metrics: false, forwards }
}

/// The door of a route: its own, or that it is open, or nothing of its own. Pages of `origins` may
/// come there.
pub(super) fn route_door(
    route: &Entries<'_>,
    keys: &Keys,
    origins: &[String],
    mistakes: &mut Mistakes,
) -> Option<Arc<Door>> {
    let open = route.find("open").and_then(|entry| entry.switch(mistakes)).unwrap_or_default();
    let own = route.find("auth");
    if let (true, Some(entry)) = (open, own) {
        complain(entry, Fault::BesideOpen, mistakes);
    }
    if open {
        return Some(Arc::new(Door { open, ..Door::default() }));
    }
    let entries = own?.table(What::RouteAuth, mistakes)?;
    let door = door::door(&entries, keys, mistakes);
    if !keys.is_on {
        let asks = entries.find("forward").is_some();
        let fault = if asks { Fault::NothingElse } else { Fault::NoKeys };
        entries.complain(mistakes, file_fault::Fault::Access(fault));
    }
    judge_cookie(&entries, &door, origins, mistakes);
    Some(Arc::new(door))
}

/// A browser adds a cookie whoever's page asks.
fn judge_cookie(entries: &Entries<'_>, door: &Door, origins: &[String], mistakes: &mut Mistakes) {
    let is_any = origins.iter().any(|origin| origin == "*");
    let brings = match &door.forward {
        Some(forward) => forward.sees_cookies().then(|| entries.find("forward")).flatten(),
        None => door.cookie.as_ref().and_then(|_| entries.find("cookie")),
    };
    if let (true, Some(entry)) = (is_any, brings) {
        complain(entry, Fault::CookieOfAnyPage, mistakes);
    }
}

/// The same of a route that has other `origins`, but the door of the server.
pub(super) fn judge_origins(entry: Entry<'_>, door: &Door, route: &Route, mistakes: &mut Mistakes) {
    let is_any = route.allow_origins.iter().flatten().any(|origin| origin == "*");
    let brings = match &door.forward {
        Some(forward) => forward.sees_cookies(),
        None => door.cookie.is_some(),
    };
    if is_any && brings {
        complain(entry, Fault::AnyPageOfCookie, mistakes);
    }
}

/// A mistake of a value, which is not repeated: it may be a secret.
pub(super) fn complain(entry: Entry<'_>, fault: Fault, mistakes: &mut Mistakes) {
    entry.complain(mistakes, file_fault::Fault::Access(fault));
}

fn complain_of(subject: &Subject, fault: Fault, mistakes: &mut Mistakes) {
    mistakes.push(subject, None, Problem::InFile(file_fault::Fault::Access(fault)));
}
