//! A table of the file, key by key.
//!
//! Knows: which keys each table may have.
//! Must not know: what their values mean.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Text;
use super::fault::Fault;
use super::kinds::{kind, plain};
use super::nearest::nearest;
use super::what::{What, options};
use crate::config::habits;
use crate::config::mistakes::{Mistakes, Problem, Subject};
use crate::config::table::FILE;

/// The entries of one table.
#[derive(Debug)]
pub(super) struct Entries<'t> {
    pub(super) text: &'t Text,
    what: What,
    /// Where the table begins.
    at: usize,
    table: &'t DeTable<'t>,
}

/// A key with its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'t> {
    text: &'t Text,
    what: What,
    pub(super) key: &'static str,
    pub(super) value: &'t Spanned<DeValue<'t>>,
}

impl<'t> Entries<'t> {
    /// The entries of `table`, which begins at byte `at`. Those that it may not have are told.
    pub(super) fn open(
        text: &'t Text,
        what: What,
        table: &'t DeTable<'t>,
        at: usize,
        mistakes: &mut Mistakes,
    ) -> Entries<'t> {
        let entries = Entries { text, what, at, table };
        entries.tell_unknown(mistakes);
        entries
    }

    /// The entries of the file, of which nothing is told.
    pub(super) fn whole(text: &'t Text, root: &'t DeTable<'t>) -> Entries<'t> {
        Entries { text, what: What::Whole, at: 0, table: root }
    }

    /// Says which keys nobody knows.
    pub(super) fn tell_unknown(&self, mistakes: &mut Mistakes) {
        let keys = self.what.all_keys();
        for (key, value) in self.table {
            let (at, key) = (key.span().start, key.get_ref().as_ref());
            if keys.contains(&key) {
                continue;
            }
            let is_whole = self.what == What::Whole;
            let slip = self.what.meant(key).or_else(|| nearest(key, keys.iter().copied()));
            let habit = habits::of_option(key).filter(|_| is_whole);
            let of_route = What::Route.keys().iter().find(|one| is_whole && **one == key);
            let fault = match (slip, of_route) {
                _ if is_whole && key == FILE => Fault::FileInFile,
                _ if self.what.is_strange_to(key) => Fault::OfKey,
                _ if self.what == What::RouteAuth && What::Auth.has(key) => Fault::OfAuth,
                (_, Some(key)) => Fault::OfRoute(key),
                _ if is_whole && is_tabular(value.get_ref()) => {
                    Fault::NoTable(nearest(key, self.what.keys().iter().copied()))
                }
                (None, None) if !is_whole && options().any(|it| it == key) => Fault::Sunken,
                (None, None) if habit.is_some() => Fault::Habit(habit.unwrap_or_default()),
                (nearest, None) => Fault::Unknown { what: self.what, nearest },
            };
            mistakes.push(&self.text.subject(at, key), None, Problem::InFile(fault));
        }
    }

    /// Whether nothing is in it, not even what nobody knows.
    pub(super) fn is_empty(&self) -> bool {
        self.table.is_empty()
    }

    /// The entry of that name, if there is one.
    pub(super) fn find(&self, key: &'static str) -> Option<Entry<'t>> {
        debug_assert!(self.what.all_keys().contains(&key), "{key}");
        let value = self.table.get(key)?;
        Some(Entry { text: self.text, what: self.what, key, value })
    }

    /// The same of an entry that must be there.
    pub(super) fn need(&self, key: &'static str, mistakes: &mut Mistakes) -> Option<Entry<'t>> {
        let found = self.find(key);
        if found.is_none() && !self.has_slip_of(key) {
            self.complain(mistakes, Fault::Missing(key));
        }
        found
    }

    /// Whether `key` was meant, but not written well; that is told already.
    pub(super) fn has_slip_of(&self, key: &str) -> bool {
        let keys = self.what.all_keys();
        let mut given = self.table.iter().map(|(given, _)| given.get_ref().as_ref());
        let meant = |one| self.what.meant(one).or_else(|| nearest(one, keys.iter().copied()));
        given.any(|one| !keys.contains(&one) && meant(one) == Some(key))
    }

    /// A mistake of the table itself.
    pub(super) fn complain(&self, mistakes: &mut Mistakes, fault: Fault) {
        let subject = self.text.subject(self.at, self.what.name());
        mistakes.push(&subject, None, Problem::InFile(fault));
    }
}

/// Whether it is a table, or several in a row.
fn is_tabular(value: &DeValue<'_>) -> bool {
    let is_table = |value: &DeValue<'_>| matches!(value, DeValue::Table(_));
    match value {
        DeValue::Array(values) => values.iter().any(|value| is_table(value.get_ref())),
        value => is_table(value),
    }
}

impl<'t> Entry<'t> {
    /// The value, where it stands.
    pub(super) fn subject(&self) -> Subject {
        self.subject_of(self.value)
    }

    /// A mistake of the value as a whole, which is not repeated.
    pub(super) fn complain(&self, mistakes: &mut Mistakes, fault: Fault) {
        mistakes.push(&self.subject(), None, Problem::InFile(fault));
    }

    /// A mistake of a value that is worth repeating.
    pub(super) fn refuse(&self, mistakes: &mut Mistakes, given: &str, fault: Fault) {
        mistakes.push(&self.subject(), Some(given), Problem::InFile(fault));
    }

    /// The value as it would be written on a command line, if that is possible.
    pub(super) fn plain(&self) -> Option<String> {
        plain(self.value.get_ref())
    }

    /// Whether it is a list without anything in it.
    pub(super) fn is_empty_list(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Array(values) if values.is_empty())
    }

    /// Whether it is a table with that key.
    pub(super) fn has(&self, key: &str) -> bool {
        matches!(self.value.get_ref(), DeValue::Table(table) if table.contains_key(key))
    }

    pub(super) fn is_table(&self) -> bool {
        matches!(self.value.get_ref(), DeValue::Table(_))
    }

    /// A text.
    pub(super) fn text(&self, mistakes: &mut Mistakes) -> Option<&'t str> {
        self.text_like("a text in quotes", mistakes)
    }

    /// `true` or `false`.
    pub(super) fn switch(&self, mistakes: &mut Mistakes) -> Option<bool> {
        match self.value.get_ref() {
            DeValue::Boolean(whether) => Some(*whether),
            _ => self.is_no("true or false", mistakes),
        }
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &self,
        words: &[(&'static str, T)],
        mistakes: &mut Mistakes,
    ) -> Option<T> {
        let text = self.text(mistakes)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            let fault = Problem::InFile(Fault::Choice { words: words.join(", ") });
            mistakes.push(&self.subject(), Some(text), fault);
        }
        found.map(|(_, value)| *value)
    }

    /// A text or several, each with its place.
    pub(super) fn texts(&self, mistakes: &mut Mistakes) -> Vec<(Subject, &'t str)> {
        let wanted = "a text, or a list of texts";
        let values = match self.value.get_ref() {
            DeValue::Array(values) => values.iter().collect(),
            _ => vec![self.value],
        };
        let texts = values.into_iter().filter_map(|value| {
            let text = self.text_of(value, wanted, mistakes)?;
            Some((self.subject_of(value), text))
        });
        texts.collect()
    }

    /// A table that stands alone.
    pub(super) fn table(&self, what: What, mistakes: &mut Mistakes) -> Option<Entries<'t>> {
        match self.value.get_ref() {
            DeValue::Table(table) => {
                Some(Entries::open(self.text, what, table, self.value.span().start, mistakes))
            }
            _ if what == What::Forward => {
                self.is_no("a table, like { url = \"http://127.0.0.1:9000/auth\" }", mistakes)
            }
            _ => self.is_no("a table", mistakes),
        }
    }

    /// Tables in a row: `[[…]]`.
    pub(super) fn tables(&self, what: What, mistakes: &mut Mistakes) -> Vec<Entries<'t>> {
        let DeValue::Array(values) = self.value.get_ref() else {
            self.complain(mistakes, Fault::Single(what));
            return Vec::new();
        };
        let mut tables = Vec::new();
        for value in values.iter() {
            match value.get_ref() {
                DeValue::Table(table) => {
                    let at = value.span().start;
                    tables.push(Entries::open(self.text, what, table, at, mistakes));
                }
                other => {
                    let fault = Fault::Kind { is: kind(other), wanted: "a table" };
                    mistakes.push(&self.subject_of(value), None, Problem::InFile(fault));
                }
            }
        }
        tables
    }

    /// A text for which `wanted` has the words.
    pub(super) fn text_like(
        &self,
        wanted: &'static str,
        mistakes: &mut Mistakes,
    ) -> Option<&'t str> {
        self.text_of(self.value, wanted, mistakes)
    }

    fn text_of(
        &self,
        value: &'t Spanned<DeValue<'t>>,
        wanted: &'static str,
        mistakes: &mut Mistakes,
    ) -> Option<&'t str> {
        match value.get_ref() {
            DeValue::String(text) => Some(text),
            other => {
                let fault = Fault::Kind { is: kind(other), wanted };
                mistakes.push(&self.subject_of(value), None, Problem::InFile(fault));
                None
            }
        }
    }

    fn is_no<T>(&self, wanted: &'static str, mistakes: &mut Mistakes) -> Option<T> {
        self.complain(mistakes, Fault::Kind { is: kind(self.value.get_ref()), wanted });
        None
    }

    pub(super) fn subject_of(&self, value: &Spanned<DeValue<'_>>) -> Subject {
        let subject = self.text.subject(value.span().start, self.key);
        // A route's own is not the server's.
        let key = match self.what {
            What::Whole => self.key.to_owned(),
            _ => format!("{}.{}", self.what.name(), self.key),
        };
        Subject { key, ..subject }
    }
}
