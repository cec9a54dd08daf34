//! `[[key]]`: what vouches for credentials.
//!
//! Knows: the entries of a key, how keys differ from each other.
//! Must not know: how a credential is verified, what a secret has to be.

use super::vouches::{Found, Vouches, vouches};
use super::{Fault, Keys, complain, rights};
use crate::auth::{Keyring, Rights};
use crate::config::Config;
use crate::config::file::Text;
use crate::config::file::entries::{Entries, Entry};
use crate::config::mistakes::Mistakes;
use crate::config::secrets::Places;
use crate::limits::Limits;

const NAME_BYTES_MAX: usize = 64;

/// A key as it was understood: what `tidegate config` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct Key {
    pub(in crate::config) name: String,
    pub(in crate::config) vouches: Vouches,
    pub(in crate::config) rights: Rights,
}

/// Reads key by key.
pub(super) struct Reader<'t> {
    text: &'t Text,
    limits: &'t Limits,
    places: Places<'t>,
    keys: Keys,
    /// What was found, and whose it is.
    found: Vec<(Found, String)>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t Text, config: &'t Config, places: Places<'t>) -> Reader<'t> {
        let limits = &config.limits;
        let keys = Keys { keyring: Keyring::new(limits), ..Keys::default() };
        Reader { text, limits, places, keys, found: Vec::new() }
    }

    pub(super) fn finish(self) -> Keys {
        self.keys
    }

    /// One key. Everything is looked at, whatever is wrong before it.
    pub(super) fn read(&mut self, entries: &Entries<'_>, mistakes: &mut Mistakes) {
        let name = entries.need("name", mistakes).and_then(|entry| self.name(entry, mistakes));
        let rights = rights::rights(entries, true, mistakes);
        let found = vouches(entries, self.places, self.limits, mistakes);
        let (Some(name), Some((entry, found))) = (name, found) else { return };
        let fault = match self.found.iter().find_map(|(other, name)| found.like(other, name)) {
            Some(fault) => Err(fault),
            None => found.add_to(&mut self.keys.keyring, &name, rights.clone()).map_err(Fault::Bad),
        };
        if let Err(fault) = fault {
            return complain(entry, fault, mistakes);
        }
        let vouches = found.vouches.clone();
        self.keys.sources.push(Key { name: name.clone(), vouches, rights });
        self.found.push((found, name));
    }

    fn name(&mut self, entry: Entry<'_>, mistakes: &mut Mistakes) -> Option<String> {
        let name = entry.text(mistakes)?;
        let is_name = (1..=NAME_BYTES_MAX).contains(&name.len())
            && !name.contains(char::is_control)
            && name.trim() == name;
        let line = entry.subject().at.map_or(0, |at| self.text.place(at).0);
        let taken = self.keys.names.iter().find(|(known, _)| known == name);
        let fault = match taken {
            _ if !is_name => Fault::Name,
            Some((_, line)) => Fault::Taken { line: *line },
            None => {
                self.keys.names.push((name.to_owned(), line));
                return Some(name.to_owned());
            }
        };
        complain(entry, fault, mistakes);
        None
    }
}
