//! What a key, or an answer of another server, may give.
//!
//! Knows: the keys of rights, and what is given if none is said.
//! Must not know: whom it is given.

use super::Fault;
use crate::auth::{Glob, Globs, Rights};
use crate::config::file::entries::Entries;
use crate::config::file::fault;
use crate::config::mistakes::{Mistakes, Problem};

/// The rights of a table; that to manage only if it may have it. A key that manages does nothing
/// else by itself but read all rooms.
pub(super) fn rights(entries: &Entries<'_>, may_manage: bool, mistakes: &mut Mistakes) -> Rights {
    let mut switch = |key| entries.find(key)?.switch(mistakes);
    let manage = may_manage && switch("manage").unwrap_or_default();
    let connect = switch("connect");
    let [subscribe, publish, connection_id] =
        ["subscribe", "publish", "connection-id"].map(|key| globs(entries, key, mistakes));
    if manage
        && connect == Some(true)
        && let Some(entry) = entries.find("connect")
    {
        entry.complain(mistakes, fault::Fault::Access(Fault::ManageConnects));
    }
    let unless_manages = || if manage { Globs::default() } else { Globs::all() };
    Rights {
        connect: connect.unwrap_or(!manage),
        subscribe: subscribe.unwrap_or_else(Globs::all),
        publish: publish.unwrap_or_else(unless_manages),
        manage,
        connection_id: connection_id.unwrap_or_else(Globs::all),
    }
}

fn globs(entries: &Entries<'_>, key: &'static str, mistakes: &mut Mistakes) -> Option<Globs> {
    let entry = entries.find(key)?;
    let mut globs = Vec::new();
    for (subject, text) in entry.texts(mistakes) {
        match Glob::parse(text) {
            Ok(glob) => globs.push(glob),
            Err(bad) => {
                let fault = fault::Fault::Access(Fault::Glob(bad));
                mistakes.push(&subject, None, Problem::InFile(fault));
            }
        }
    }
    Some(Globs::new(globs))
}
