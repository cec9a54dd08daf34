//! The file of `--config`: its text, and where in it something stands.
//!
//! Knows: TOML, lines and columns.
//! Must not know: the command line, the environment, what is worth more.
//!
//! It is read in two steps: the options at its top, and, when it is known which limits are in
//! force, the tables below them. Nothing stops at the first mistake.

mod access;
mod brackets;
mod entries;
mod fault;
mod kinds;
mod nearest;
mod options;
mod routes;
mod said;
mod site;
mod what;

pub(super) use access::{KeySource, Keys, Vouches};
pub(super) use fault::Fault;
pub(super) use nearest::nearest;
pub(super) use site::{From as PageFrom, Pages, Source as PageSource};

use std::fs;
use std::io::{self, Read};
use std::mem;
use std::path::Path;

use toml::de::DeTable;

use super::mistakes::{Mistakes, Problem, Subject};
use entries::Entries;

/// Nobody writes so much by hand; a device without an end is none that could be read.
const BYTES_MAX: u64 = 16 << 20;

/// The file as it was read.
#[derive(Debug)]
pub(super) struct Text {
    /// As whoever named it wrote it.
    name: String,
    text: String,
    /// Where each line ends: a file may have a mistake in each.
    ends: Vec<usize>,
}

/// The same, understood.
#[derive(Debug)]
pub(super) struct Tree<'t> {
    text: &'t Text,
    root: DeTable<'t>,
}

impl Text {
    /// What was read from the file of that name.
    pub(super) fn new(name: &str, bytes: Vec<u8>, mistakes: &mut Mistakes) -> Option<Text> {
        match String::from_utf8(bytes) {
            Ok(text) => Some(Text::of(name, text)),
            Err(error) => {
                // The place of the first byte that is none of a text.
                let good = error.utf8_error().valid_up_to();
                let before = error.as_bytes().get(..good).unwrap_or_default();
                let text = Text::of(name, String::from_utf8_lossy(before).into_owned());
                mistakes.push(&text.subject(good, ""), None, Problem::InFile(Fault::NotUtf8));
                None
            }
        }
    }

    fn of(name: &str, text: String) -> Text {
        let ends = text.match_indices('\n').map(|(at, _)| at).collect();
        Text { name: name.to_owned(), text, ends }
    }

    /// Understands it, or says at each place why it cannot be understood.
    pub(super) fn parse(&self, mistakes: &mut Mistakes) -> Option<Tree<'_>> {
        let (root, errors) = DeTable::parse_recoverable(&self.text);
        if let Some(fault) = self.other_language().filter(|_| !errors.is_empty()) {
            mistakes.push(&self.subject(0, ""), None, Problem::InFile(fault));
            return None;
        }
        let mut singles = Vec::new();
        if !errors.is_empty() {
            singles = brackets::singles(&self.text);
        }
        let mut has_single = false;
        let mut last_line = 0;
        for error in &errors {
            let span = error.span().unwrap_or_default();
            let (at, key) = (span.start, self.text.get(span).unwrap_or_default());
            if let Some(single) = singles.iter_mut().find(|single| single.key == key) {
                for at in mem::take(&mut single.places) {
                    let fault = Fault::Single(single.what);
                    let subject = self.subject(at, single.what.name());
                    mistakes.push(&subject, None, Problem::InFile(fault));
                }
                has_single = true;
                continue;
            }
            // Two tables were read as one, so it has keys that only seem to be there twice.
            if has_single && error.message() == "duplicate key" {
                continue;
            }
            // What cannot be read is often behind more than one error in its line.
            let (line, _) = self.place(at);
            if line != last_line {
                let fault = Fault::Syntax(error.message().to_owned());
                mistakes.push(&self.subject(at, ""), None, Problem::InFile(fault));
            }
            last_line = line;
        }
        errors.is_empty().then(|| Tree { text: self, root: root.into_inner() })
    }

    /// What it may have been meant to be, as it is not TOML.
    fn other_language(&self) -> Option<Fault> {
        let name = self.name.to_lowercase();
        let text = self.text.trim_start();
        if name.ends_with(".json") || text.starts_with('{') {
            return Some(Fault::Json);
        }
        let is_yaml = name.ends_with(".yml") || name.ends_with(".yaml") || text.starts_with("---");
        is_yaml.then_some(Fault::Yaml)
    }

    /// Line and column, both from 1, of what begins at byte `at`.
    fn place(&self, at: usize) -> (usize, usize) {
        let lines = self.ends.partition_point(|end| *end < at);
        let start = lines.checked_sub(1).map_or(0, |last| self.ends[last] + 1);
        let column = self.text.get(start..at).unwrap_or_default().chars().count();
        (lines + 1, column + 1)
    }

    /// What a mistake there is about.
    fn subject(&self, at: usize, key: &str) -> Subject {
        let (line, column) = self.place(at);
        let mut words = format!("{}:{line}:{column}", self.name.escape_debug());
        if !key.is_empty() {
            words.push_str(&format!(": {}", key.escape_debug()));
        }
        Subject { key: key.to_owned(), words, at: Some(at) }
    }
}

impl Tree<'_> {
    fn entries(&self) -> Entries<'_> {
        Entries::whole(self.text, &self.root)
    }
}

/// Reads the file at `path`. What is not a file, but a pipe, has nothing in it the second time:
/// `again` refuses that.
pub(super) fn read(path: &Path, again: bool) -> Result<Vec<u8>, Fault> {
    let unreadable = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound if path == Path::new("-") => Fault::Dash,
        io::ErrorKind::NotFound if path.is_relative() => Fault::NotThere,
        _ => Fault::Unreadable(error.to_string()),
    };
    // Asked before it is opened: to open a pipe waits for whoever writes to it.
    let kind = fs::metadata(path).map_err(unreadable)?.file_type();
    if kind.is_dir() {
        return Err(Fault::Folder);
    }
    if again && !kind.is_file() {
        return Err(Fault::OnlyOnce);
    }
    let file = fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > BYTES_MAX { Err(Fault::Endless(BYTES_MAX)) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests;
