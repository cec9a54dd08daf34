//! `[[key]]`: what vouches for credentials.
//!
//! Knows: the kinds of keys, which entries each of them takes.
//! Must not know: how a credential is verified.

use super::secret::secret;
use super::{Fault, Keys, complain, rights};
use crate::auth::{Rights, Secret};
use crate::config::Config;
use crate::config::file::entries::{Entries, Entry};
use crate::config::file::{Text, fault};
use crate::config::mistakes::Mistakes;
use crate::config::secrets::{From, Places};
use crate::config::units::Unit;

/// A static key can be tried as often as somebody likes.
const STATIC_BYTES_MIN: usize = 16;
/// A password is what a person can remember.
const PASSWORD_CHARS_MIN: usize = 8;
const NAME_BYTES_MAX: usize = 64;
const USER_BYTES_MAX: usize = 255;

/// A key as it was understood: what `tidegate config` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct Key {
    pub(in crate::config) name: String,
    pub(in crate::config) vouches: Vouches,
    pub(in crate::config) rights: Rights,
}

/// What it goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) enum Vouches {
    /// Whoever has the key itself.
    Static(From),
}

/// Reads key by key.
pub(super) struct Reader<'t> {
    text: &'t Text,
    config: &'t Config,
    places: Places<'t>,
    keys: Keys,
    /// The secrets that there were, and whose they are.
    secrets: Vec<(Secret, String)>,
}

impl<'t> Reader<'t> {
    pub(super) fn new(text: &'t Text, config: &'t Config, places: Places<'t>) -> Reader<'t> {
        Reader { text, config, places, keys: Keys::default(), secrets: Vec::new() }
    }

    pub(super) fn finish(self) -> Keys {
        self.keys
    }

    /// One key. Everything is looked at, whatever is wrong before it.
    pub(super) fn read(&mut self, entries: &Entries<'_>, mistakes: &mut Mistakes) {
        let name = entries.need("name", mistakes).and_then(|entry| self.name(entry, mistakes));
        let rights = rights::rights(entries, true, mistakes);
        let found = self.vouches(entries, mistakes);
        let (Some(name), Some((entry, vouches, secret))) = (name, found) else { return };
        if let Some((_, other)) = self.secrets.iter().find(|(known, _)| *known == secret) {
            return complain(entry, Fault::SameSecret(other.clone()), mistakes);
        }
        let keyring = &mut self.keys.keyring;
        match &vouches {
            Vouches::Static(_) => keyring.add_static(&name, &secret, rights.clone()),
        }
        self.secrets.push((secret, name.clone()));
        self.keys.sources.push(Key { name, vouches, rights });
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

    fn vouches<'e>(
        &self,
        entries: &Entries<'e>,
        mistakes: &mut Mistakes,
    ) -> Option<(Entry<'e>, Vouches, Secret)> {
        let Some(entry) = entries.find("secret") else {
            entries.complain(mistakes, fault::Fault::Access(Fault::NothingVouches));
            return None;
        };
        let (from, secret) = secret(entry, self.places, mistakes)?;
        self.judge_static(entry, &secret, mistakes)?;
        Some((entry, Vouches::Static(from), secret))
    }

    fn judge_static(
        &self,
        entry: Entry<'_>,
        secret: &Secret,
        mistakes: &mut Mistakes,
    ) -> Option<()> {
        let most = self.config.limits.token_bytes_max;
        let bytes = secret.expose();
        let fault = if !bytes.iter().all(u8::is_ascii_graphic) {
            Fault::Unprintable
        } else if bytes.len() < STATIC_BYTES_MIN {
            Fault::Short { least: STATIC_BYTES_MIN, unit: "bytes" }
        } else if bytes.len() > most && !mistakes.concern("max-token") {
            Fault::LongToken(Unit::Bytes.write(most as u64))
        } else {
            return Some(());
        };
        complain(entry, fault, mistakes);
        None
    }
}
