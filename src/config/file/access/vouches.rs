//! What a key goes by: a secret, a public key, a set of keys, a password.
//!
//! Knows: the kinds of keys, which entries each of them takes, what a secret has to be.
//! Must not know: names, rights, how a credential is verified.

use std::path::{Path, PathBuf};

use super::secret::secret;
use super::{Fault, complain};
use crate::auth::{Algorithm, BadKey, Expected, Keyring, Rights, Secret};
use crate::config::file::entries::{Entries, Entry};
use crate::config::file::fault;
use crate::config::mistakes::Mistakes;
use crate::config::secrets::{self, From, Places, Readers};
use crate::config::units::Unit;
use crate::limits::Limits;

/// A static key can be tried as often as somebody likes.
const STATIC_BYTES_MIN: usize = 16;
/// A password is what a person can remember.
const PASSWORD_CHARS_MIN: usize = 8;
const USER_BYTES_MAX: usize = 255;

/// What a key goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) enum Vouches {
    /// Whoever has the key itself.
    Static(From),
    /// Tokens that are signed with a secret.
    Shared { algorithm: Algorithm, id: Option<String>, expected: Expected, secret: From },
    /// Tokens that are signed with a private key.
    Public { algorithm: Algorithm, id: Option<String>, expected: Expected, file: PathBuf },
    /// Tokens that are signed with one of several.
    Set { algorithm: Option<Algorithm>, expected: Expected, file: PathBuf },
    /// A person.
    Password { user: String, password: From },
}

/// The same, with what was there.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) vouches: Vouches,
    /// Also what is no secret: which it is, is known when it is read.
    bytes: Secret,
}

impl Found {
    /// What is wrong with having it beside `other`, which is called `name`.
    pub(super) fn like(&self, other: &Found, name: &str) -> Option<Fault> {
        let is_secret =
            |it: &Found| matches!(it.vouches, Vouches::Static(_) | Vouches::Shared { .. });
        match (&self.vouches, &other.vouches) {
            (Vouches::Password { user, .. }, Vouches::Password { user: others, .. }) => {
                (user == others).then(|| Fault::SameUser(name.to_owned()))
            }
            // Tokens of several issuers may be signed with one secret.
            (Vouches::Shared { .. }, Vouches::Shared { .. }) => None,
            _ if is_secret(self) && is_secret(other) && self.bytes == other.bytes => {
                Some(Fault::SameSecret(name.to_owned()))
            }
            _ => None,
        }
    }

    pub(super) fn add_to(
        &self,
        keyring: &mut Keyring,
        name: &str,
        rights: Rights,
    ) -> Result<(), BadKey> {
        let bytes = self.bytes.expose();
        match &self.vouches {
            Vouches::Static(_) => keyring.add_static(name, &self.bytes, rights),
            Vouches::Password { user, .. } => {
                keyring.add_password(name, user, &self.bytes, rights);
            }
            Vouches::Shared { algorithm, id, expected, .. } => {
                let (id, expected) = (id.as_deref(), expected.clone());
                keyring.add_hmac(name, *algorithm, id, expected, &self.bytes, rights)?;
            }
            Vouches::Public { algorithm, id, expected, .. } => {
                let (id, expected) = (id.as_deref(), expected.clone());
                keyring.add_public(name, *algorithm, id, expected, bytes, rights)?;
            }
            Vouches::Set { algorithm, expected, .. } => {
                keyring.add_jwks(name, *algorithm, expected.clone(), bytes, rights)?;
            }
        }
        Ok(())
    }
}

/// What the key of these entries goes by, and the entry that says it.
pub(super) fn vouches<'e>(
    entries: &Entries<'e>,
    places: Places<'_>,
    limits: &Limits,
    mistakes: &mut Mistakes,
) -> Option<(Entry<'e>, Found)> {
    let reader = Reader { entries, places };
    let kinds = ["secret", "public-key", "jwks", "password"];
    let mut given = kinds.iter().filter_map(|key| entries.find(key));
    let Some(entry) = given.next() else {
        match entries.find("user") {
            Some(_) => _ = entries.need("password", mistakes),
            None if kinds.iter().any(|key| entries.has_slip_of(key)) => {}
            None => entries.complain(mistakes, fault::Fault::Access(Fault::NothingVouches)),
        }
        return None;
    };
    let others: Vec<_> = given.collect();
    for other in &others {
        complain(*other, Fault::Beside(entry.key), mistakes);
    }
    let user = entries.find("user").filter(|_| entry.key != "password");
    if let Some(user) = user {
        complain(user, Fault::Beside(entry.key), mistakes);
    }
    let found = match entry.key {
        "password" => reader.password(entry, mistakes),
        "public-key" => reader.public(entry, mistakes),
        "jwks" => reader.set(entry, mistakes),
        _ if entries.find("algorithm").is_some() || entries.has_slip_of("algorithm") => {
            reader.shared(entry, mistakes)
        }
        _ => reader.held(entry, limits, mistakes),
    };
    found.filter(|_| others.is_empty() && user.is_none()).map(|found| (entry, found))
}

struct Reader<'r, 'e> {
    entries: &'r Entries<'e>,
    places: Places<'r>,
}

impl Reader<'_, '_> {
    /// A static key.
    fn held(&self, entry: Entry<'_>, limits: &Limits, mistakes: &mut Mistakes) -> Option<Found> {
        self.refuse(&["id", "issuer", "audience"], || Fault::OfTokens, mistakes);
        let (from, secret) = secret(entry, self.places, mistakes)?;
        let (bytes, most) = (secret.expose(), limits.token_bytes_max);
        let fault = if !bytes.iter().all(u8::is_ascii_graphic) {
            Fault::Unprintable
        } else if bytes.len() < STATIC_BYTES_MIN {
            Fault::Short { least: STATIC_BYTES_MIN, unit: "bytes" }
        } else if bytes.len() > most && !mistakes.concern("max-token") {
            Fault::LongToken(Unit::Bytes.write(most as u64))
        } else {
            return Some(Found { vouches: Vouches::Static(from), bytes: secret });
        };
        complain(entry, fault, mistakes);
        None
    }

    fn shared(&self, entry: Entry<'_>, mistakes: &mut Mistakes) -> Option<Found> {
        let algorithm = self.algorithm(mistakes);
        let (id, expected) = (self.text("id", mistakes), self.expected(mistakes));
        let (from, bytes) = secret(entry, self.places, mistakes)?;
        let vouches = Vouches::Shared { algorithm: algorithm?, id, expected, secret: from };
        Some(Found { vouches, bytes })
    }

    fn public(&self, entry: Entry<'_>, mistakes: &mut Mistakes) -> Option<Found> {
        if self.entries.find("algorithm").is_none() {
            complain(entry, Fault::NoAlgorithm, mistakes);
        }
        let algorithm = self.algorithm(mistakes);
        let (id, expected) = (self.text("id", mistakes), self.expected(mistakes));
        let (file, bytes) = self.file(entry, Readers::All, mistakes)?;
        let vouches = Vouches::Public { algorithm: algorithm?, id, expected, file };
        Some(Found { vouches, bytes })
    }

    fn set(&self, entry: Entry<'_>, mistakes: &mut Mistakes) -> Option<Found> {
        self.refuse(&["id"], || Fault::OfEach, mistakes);
        let is_said = self.entries.find("algorithm").is_some();
        let algorithm = self.algorithm(mistakes);
        let expected = self.expected(mistakes);
        let (file, bytes) = self.file(entry, Readers::All, mistakes)?;
        let (file, bytes) = match has_secrets(bytes.expose()) {
            // Once more, as nobody else may read it then.
            true => self.file(entry, Readers::Few, mistakes)?,
            false => (file, bytes),
        };
        let is_read = algorithm.is_some() == is_said;
        let vouches = Vouches::Set { algorithm, expected, file };
        is_read.then_some(Found { vouches, bytes })
    }

    fn password(&self, entry: Entry<'_>, mistakes: &mut Mistakes) -> Option<Found> {
        let of_tokens = ["algorithm", "id", "issuer", "audience"];
        self.refuse(&of_tokens, || Fault::NoTokens, mistakes);
        let user = self.entries.need("user", mistakes).and_then(|entry| {
            let user = entry.text(mistakes)?;
            let is_user = (1..=USER_BYTES_MAX).contains(&user.len())
                && !user.contains(|char: char| char.is_control() || char == ':');
            if !is_user {
                complain(entry, Fault::User, mistakes);
            }
            is_user.then(|| user.to_owned())
        });
        let (from, password) = secret(entry, self.places, mistakes)?;
        let fault = match str::from_utf8(password.expose()) {
            Ok(text) if text.contains(char::is_control) => Fault::NoText,
            Ok(text) if text.chars().count() < PASSWORD_CHARS_MIN => {
                Fault::Short { least: PASSWORD_CHARS_MIN, unit: "characters" }
            }
            Ok(_) => {
                let vouches = Vouches::Password { user: user?, password: from };
                return Some(Found { vouches, bytes: password });
            }
            Err(_) => Fault::NoText,
        };
        complain(entry, fault, mistakes);
        None
    }

    /// Entries that are of other kinds of keys.
    fn refuse(&self, keys: &[&'static str], fault: fn() -> Fault, mistakes: &mut Mistakes) {
        for key in keys {
            if let Some(entry) = self.entries.find(key) {
                complain(entry, fault(), mistakes);
            }
        }
    }

    fn algorithm(&self, mistakes: &mut Mistakes) -> Option<Algorithm> {
        let words = Algorithm::ALL.map(|algorithm| (algorithm.name(), algorithm));
        self.entries.find("algorithm")?.choice(&words, mistakes)
    }

    fn text(&self, key: &'static str, mistakes: &mut Mistakes) -> Option<String> {
        self.entries.find(key)?.text(mistakes).map(str::to_owned)
    }

    fn expected(&self, mistakes: &mut Mistakes) -> Expected {
        let [issuer, audience] = ["issuer", "audience"].map(|key| {
            let entry = self.entries.find(key)?;
            let text = entry.text(mistakes)?;
            if text.is_empty() {
                complain(entry, Fault::NothingExpected, mistakes);
            }
            Some(Box::from(text))
        });
        Expected { issuer, audience }
    }

    /// What is in the file that `entry` names.
    fn file(
        &self,
        entry: Entry<'_>,
        readers: Readers,
        mistakes: &mut Mistakes,
    ) -> Option<(PathBuf, Secret)> {
        let name = entry.text_like("the name of a file in quotes", mistakes)?;
        if name.contains("-----BEGIN") || name.trim_start().starts_with('{') {
            complain(entry, Fault::PemWrittenOut, mistakes);
            return None;
        }
        if name.starts_with("https://") || name.starts_with("http://") {
            complain(entry, Fault::Fetched, mistakes);
            return None;
        }
        let read = |path: &Path| self.places.read_bytes(path, readers);
        let found: Result<_, secrets::Fault> =
            self.places.file(name).and_then(|path| Ok((read(&path)?, path)));
        let found = found.map(|(bytes, path)| (path, Secret::new(bytes)));
        found.map_err(|fault| complain(entry, Fault::Secret(fault), mistakes)).ok()
    }
}

/// Whether a JWK set has keys by which tokens can be signed (RFC 7518 §6.4); if in doubt, it has.
fn has_secrets(set: &[u8]) -> bool {
    // Its kind may be spelt with escapes.
    let signs: [&[u8]; 2] = [b"\"oct\"", b"\\u"];
    signs.iter().any(|sign| set.windows(sign.len()).any(|part| part == *sign))
}
