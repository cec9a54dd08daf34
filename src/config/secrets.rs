//! Secrets: where they are kept, and reading them from there.
//!
//! Knows: files and who may read them, variables, the credentials that a service manager hands out.
//! Must not know: what a secret is for, how a configuration names its place.
//!
//! No fault says what was found, nor a name that was found nowhere: that may be a secret which was
//! written in the wrong place.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::environment::Environment;
use crate::auth::Secret;

/// No key is longer; a device without an end is none.
pub(super) const BYTES_MAX: u64 = 64 << 10;

/// Whoever is neither the owner of a file nor of its group may do nothing with it.
const OTHERS: u32 = 0o007;

/// Where a service manager puts credentials: the variable that names the folder.
const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// A file of its own.
    File(PathBuf),
    /// A variable; or the one with `_FILE` behind it, which names a file.
    Variable(String),
    /// A credential of the service.
    Credential(String),
}

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    /// Its owner and group alone.
    Few,
    /// Anybody.
    All,
}

/// What can be named from a configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Places<'p> {
    /// The folder that the configuration is in; nothing: it is in none, and no file can be named.
    pub(super) beside: Option<&'p Path>,
    pub(super) environment: &'p Environment,
}

/// Why there is no secret.
#[derive(Debug)]
pub(in crate::config) enum Fault {
    /// A file, where only a text was given.
    Nowhere,
    /// No file is there; names are from this folder.
    Lost(PathBuf),
    /// In the system's words.
    Unreadable(String),
    /// A folder, a pipe, a device.
    NoFile(PathBuf),
    /// Others may read or write it; these are its permissions.
    Open(PathBuf, u32),
    TooLong,
    Empty,
    /// Neither letters, digits and underscores, nor anything else that a variable is called.
    NoVariable,
    /// Not set, and not with `_FILE` either.
    Unset,
    /// A name with a slash, or none.
    NoCredential,
    /// None of that name was handed out.
    NotHandedOut,
    /// Nobody handed out credentials.
    NoCredentials,
}

impl Places<'_> {
    /// The file of that name.
    pub(super) fn file(&self, name: &str) -> Result<PathBuf, Fault> {
        Ok(self.beside.ok_or(Fault::Nowhere)?.join(name))
    }

    /// Reads a secret, without the end of its last line.
    pub(super) fn read(&self, from: &From) -> Result<Secret, Fault> {
        match from {
            From::File(path) => self.read_file(path),
            From::Variable(name) => self.read_variable(name),
            From::Credential(name) => {
                let is_name = !name.contains('/') && !matches!(name.as_str(), "" | "." | "..");
                if !is_name || name.contains('\0') {
                    return Err(Fault::NoCredential);
                }
                let folder = self.environment.find(CREDENTIALS).ok_or(Fault::NoCredentials)?;
                let read = self.read_file(&Path::new(&folder).join(name));
                // Nobody writes into that folder but the service manager.
                read.map_err(|fault| match fault {
                    Fault::Lost(_) => Fault::NotHandedOut,
                    fault => fault,
                })
            }
        }
    }

    fn read_variable(&self, name: &str) -> Result<Secret, Fault> {
        let is_mark = |char: char| char.is_ascii_alphanumeric() || char == '_';
        if !name.chars().all(is_mark) || name.starts_with(|char: char| char.is_ascii_digit()) {
            return Err(Fault::NoVariable);
        }
        if let Some(value) = self.environment.find(name) {
            return whole(value.into_encoded_bytes());
        }
        let file = self.environment.find(&format!("{name}_FILE")).ok_or(Fault::Unset)?;
        self.read_file(Path::new(&file))
    }

    fn read_file(&self, path: &Path) -> Result<Secret, Fault> {
        whole(self.read_bytes(path, Readers::Few)?)
    }

    /// Reads a file that is secret, or may be public, as it is.
    pub(super) fn read_bytes(&self, path: &Path, readers: Readers) -> Result<Vec<u8>, Fault> {
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => {
                Fault::Lost(path.parent().unwrap_or(Path::new("/")).to_owned())
            }
            _ => Fault::Unreadable(error.to_string()),
        };
        let judge = |found: &Metadata| match found.permissions().mode() {
            _ if !found.is_file() => Err(Fault::NoFile(path.to_owned())),
            mode if readers == Readers::Few && mode & OTHERS != 0 => {
                Err(Fault::Open(path.to_owned(), mode & 0o777))
            }
            _ if found.len() > BYTES_MAX => Err(Fault::TooLong),
            _ => Ok(()),
        };
        // Asked before it is opened, as to open a pipe waits for whoever writes to it; and once
        // more of what was opened, which may be another file.
        judge(&fs::metadata(path).map_err(unreadable)?)?;
        let file = File::open(path).map_err(unreadable)?;
        judge(&file.metadata().map_err(unreadable)?)?;
        // Room for all of it: what grows leaves a copy behind.
        let mut bytes = Vec::with_capacity(BYTES_MAX as usize + 2);
        file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > BYTES_MAX { Err(Fault::TooLong) } else { Ok(bytes) }
    }
}

/// What an editor puts behind the last line belongs to no secret.
fn whole(mut bytes: Vec<u8>) -> Result<Secret, Fault> {
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let line = line.strip_suffix(b"\r").filter(|_| line.len() < bytes.len()).unwrap_or(line);
    let length = line.len();
    bytes.truncate(length);
    if bytes.is_empty() { Err(Fault::Empty) } else { Ok(Secret::new(bytes)) }
}
