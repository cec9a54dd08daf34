//! Where a secret is: `{ file = "…" }`, `{ env = "…" }` or `{ credential = "…" }`.
//!
//! Knows: the keys of such a table.
//! Must not know: what the secret is for, how it is read.

use toml::de::DeValue;

use super::{Fault, complain};
use crate::auth::Secret;
use crate::config::file::entries::Entry;
use crate::config::file::what::What;
use crate::config::mistakes::Mistakes;
use crate::config::secrets::{From, Places};

/// The secret that `entry` names, and where it is.
pub(super) fn secret(
    entry: Entry<'_>,
    places: Places<'_>,
    mistakes: &mut Mistakes,
) -> Option<(From, Secret)> {
    if !matches!(entry.value.get_ref(), DeValue::Table(_)) {
        complain(entry, Fault::WrittenOut, mistakes);
        return None;
    }
    let entries = entry.table(What::Secret, mistakes)?;
    let given: Vec<_> = What::Secret.keys().iter().filter_map(|key| entries.find(key)).collect();
    let place = match *given.as_slice() {
        [place] => place,
        [first, second, ..] => {
            complain(second, Fault::Beside(first.key), mistakes);
            return None;
        }
        [] => {
            // A word that nobody knows is told already.
            if entries.is_empty() {
                complain(entry, Fault::NoPlace, mistakes);
            }
            return None;
        }
    };
    let name = place.text(mistakes)?;
    let from = match place.key {
        "file" => places.file(name).map(From::File),
        "env" => Ok(From::Variable(name.to_owned())),
        _ => Ok(From::Credential(name.to_owned())),
    };
    let found = from.and_then(|from| places.read(&from).map(|secret| (from, secret)));
    found.map_err(|fault| complain(place, Fault::Secret(fault), mistakes)).ok()
}
