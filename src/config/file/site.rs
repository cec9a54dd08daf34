//! `[[page]]` and `[[files]]`: what is served as it stands.
//!
//! Knows: the keys of pages and folders, which paths they may have.
//! Must not know: how files are read from folders.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::entries::{Entries, Entry};
use super::fault::Fault;
use super::what::What;
use super::{Text, Tree};
use crate::config::folder::{self, Budget};
use crate::config::mistakes::{Mistakes, Problem, Subject};
use crate::pages::{self, Page, Site};

/// The type of a page that is written into the file.
const TEXT: &str = "text/plain; charset=utf-8";

/// A `[[page]]` or `[[files]]` as it was understood: what `tidegate config` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) struct Source {
    pub(in crate::config) path: String,
    pub(in crate::config) from: From,
    pub(in crate::config) open: bool,
}

/// Where pages come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::config) enum From {
    Text { text: String, mime: String },
    File { file: PathBuf, mime: String },
    Folder(PathBuf),
}

/// All that is found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::config) struct Pages {
    pub(in crate::config) site: Site,
    pub(in crate::config) sources: Vec<Source>,
}

impl Tree<'_> {
    /// The pages of the file, read now; `beside` is the folder that the file is in.
    /// `None`: it is in none, and no other file can be named in it.
    pub(in crate::config) fn pages(&self, beside: Option<&Path>, mistakes: &mut Mistakes) -> Pages {
        let mut builder = Builder {
            text: self.text,
            beside,
            budget: Budget::default(),
            pages: Pages::default(),
            lines: BTreeMap::new(),
        };
        if let Some(entry) = self.entries().find("page") {
            for entries in entry.tables(What::Page, mistakes) {
                builder.page(&entries, mistakes);
            }
        }
        if let Some(entry) = self.entries().find("files") {
            for entries in entry.tables(What::Files, mistakes) {
                builder.files(&entries, mistakes);
            }
        }
        builder.pages
    }
}

struct Builder<'t> {
    text: &'t Text,
    beside: Option<&'t Path>,
    budget: Budget,
    pages: Pages,
    /// In which line of the file each path was taken.
    lines: BTreeMap<String, usize>,
}

impl Builder<'_> {
    fn page(&mut self, entries: &Entries<'_>, mistakes: &mut Mistakes) {
        let path = entries.need("path", mistakes).and_then(|entry| {
            let path = path(entry, mistakes)?;
            Some((entry.subject(), path))
        });
        let open = is_open(entries, mistakes);
        let mime = entries.find("type").and_then(|entry| {
            let mime = entry.text(mistakes)?;
            if !pages::is_mime(mime) {
                entry.refuse(mistakes, mime, Fault::NoMime);
            }
            Some(mime)
        });
        let (bytes, from) = match (entries.find("text"), entries.find("file")) {
            (Some(text), None) => {
                let Some(text) = text.text(mistakes) else { return };
                let mime = mime.unwrap_or(TEXT).to_owned();
                (text.as_bytes().to_vec(), From::Text { text: text.to_owned(), mime })
            }
            (None, Some(entry)) => {
                let Some((file, bytes)) = self.read(entry, mistakes) else { return };
                let mime = mime.unwrap_or(pages::mime_of(&file.to_string_lossy())).to_owned();
                (bytes, From::File { file, mime })
            }
            (Some(_), Some(file)) => return file.complain(mistakes, Fault::TextAndFile),
            (None, None) => return entries.complain(mistakes, Fault::NoText),
        };
        let Some((subject, path)) = path else { return };
        let (From::Text { mime, .. } | From::File { mime, .. }) = &from else { return };
        let page = Page { mime: mime.clone(), bytes: Arc::from(bytes), open };
        self.insert(&subject, &path, page, mistakes);
        self.pages.sources.push(Source { path, from, open });
    }

    fn read(&mut self, entry: Entry<'_>, mistakes: &mut Mistakes) -> Option<(PathBuf, Vec<u8>)> {
        let name = entry.text(mistakes)?;
        let file = self.named(entry, name, mistakes)?;
        match folder::read(&file, &mut self.budget) {
            Ok(bytes) => Some((file, bytes)),
            Err(fault) => {
                entry.refuse(mistakes, name, fault);
                None
            }
        }
    }

    /// The file or folder of that name, from where the configuration is.
    fn named(&self, entry: Entry<'_>, name: &str, mistakes: &mut Mistakes) -> Option<PathBuf> {
        let named = self.beside.map(|beside| beside.join(name));
        if named.is_none() {
            entry.refuse(mistakes, name, Fault::Nowhere);
        }
        named
    }

    fn files(&mut self, entries: &Entries<'_>, mistakes: &mut Mistakes) {
        let path = entries.need("path", mistakes).and_then(|entry| {
            let path = path(entry, mistakes)?;
            Some((entry.subject(), path))
        });
        let open = is_open(entries, mistakes);
        let Some(entry) = entries.need("folder", mistakes) else { return };
        let Some(name) = entry.text(mistakes) else { return };
        let Some((subject, path)) = path else { return };
        let Some(folder) = self.named(entry, name, mistakes) else { return };
        let found = folder::read_all(&folder, &mut self.budget, |file, fault| {
            let file = if file.as_os_str().is_empty() { folder.clone() } else { folder.join(file) };
            entry.refuse(mistakes, &file.to_string_lossy(), fault);
        });
        // With and without its slash; `/` has no other form.
        let base = path.strip_suffix('/').unwrap_or(&path);
        for (name, bytes) in found {
            let mime = pages::mime_of(&name).to_owned();
            let page = Page { mime, bytes: Arc::from(bytes), open };
            let whole = format!("{base}/{name}");
            if let Some(folder) = whole.strip_suffix("index.html")
                && let Some(bare) = folder.strip_suffix('/')
            {
                self.insert(&subject, folder, page.clone(), mistakes);
                if !bare.is_empty() {
                    self.insert(&subject, bare, page.clone(), mistakes);
                }
            }
            self.insert(&subject, &whole, page, mistakes);
        }
        self.pages.sources.push(Source { path, from: From::Folder(folder), open });
    }

    /// Puts a page where it belongs, unless something is there.
    fn insert(&mut self, subject: &Subject, path: &str, page: Page, mistakes: &mut Mistakes) {
        let fault = if pages::is_own(path) {
            Fault::OwnPath
        } else if let Some(line) = self.lines.get(path) {
            Fault::PathTaken(*line)
        } else {
            let line = subject.at.map_or(0, |at| self.text.place(at).0);
            self.lines.insert(path.to_owned(), line);
            self.pages.site.insert(path, page);
            return;
        };
        mistakes.push(subject, Some(path), Problem::InFile(fault));
    }
}

/// Whether it is for everybody.
fn is_open(entries: &Entries<'_>, mistakes: &mut Mistakes) -> bool {
    entries.find("open").and_then(|entry| entry.switch(mistakes)).unwrap_or_default()
}

/// The path that pages are to be found at, as requests have it when they are decoded.
fn path(entry: Entry<'_>, mistakes: &mut Mistakes) -> Option<String> {
    let text = entry.text(mistakes)?;
    let inside = text.strip_prefix('/').map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let is_bad =
        |segment: &str| matches!(segment, "" | "." | "..") || segment.chars().any(char::is_control);
    let fault = match inside {
        None => Fault::NoSlash,
        Some(inside) if !inside.is_empty() && inside.split('/').any(is_bad) => Fault::BadPath,
        Some(_) if text == "//" => Fault::BadPath,
        Some(_) => return Some(text.to_owned()),
    };
    entry.refuse(mistakes, text, fault);
    None
}
