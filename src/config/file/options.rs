//! The options of the server, at the top of the file.
//!
//! Knows: the table of options.
//! Must not know: ranges, units: values are read as those of the command line are.

use std::ffi::OsString;

use toml::Spanned;
use toml::de::DeValue;

use super::Tree;
use super::entries::Entry;
use super::fault::Fault;
use super::kinds::{kind, plain};
use crate::config::given::{Given, Origin, Value};
use crate::config::mistakes::{Mistakes, Problem};
use crate::config::settings::{self, Setting, Takes};

impl Tree<'_> {
    /// The options that it gives. Unknown keys of the whole file are told here, once.
    pub(in crate::config) fn options(&self, mistakes: &mut Mistakes) -> Vec<Given> {
        let entries = self.entries();
        entries.tell_unknown(mistakes);
        let settings = settings::all().filter(|setting| !matches!(setting.takes, Takes::File));
        settings.filter_map(|one| option(entries.find(one.flag)?, one, mistakes)).collect()
    }
}

/// One option; of several values each has its own place.
pub(super) fn option(
    entry: Entry<'_>,
    setting: &'static Setting,
    mistakes: &mut Mistakes,
) -> Option<Given> {
    let is_list =
        matches!(setting.takes, Takes::Addresses(_) | Takes::Origins(_) | Takes::Hosts(_));
    let wanted = if is_list { "a text, or a list of texts" } else { "one value" };
    let mut read = |value: &Spanned<DeValue<'_>>| {
        let subject = entry.subject_of(value);
        let Some(plain) = plain(value.get_ref()) else {
            let fault = Fault::Kind { is: kind(value.get_ref()), wanted };
            mistakes.push(&subject, None, Problem::InFile(fault));
            return None;
        };
        Some(Value { subject, text: OsString::from(plain) })
    };
    let values: Vec<_> = match entry.value.get_ref() {
        DeValue::Array(values) if is_list => values.iter().filter_map(read).collect(),
        _ => vec![read(entry.value)?],
    };
    Some(Given { setting, origin: Origin::File, subject: entry.subject(), values })
}
