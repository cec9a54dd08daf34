//! The layers of a configuration, and what comes of them.
//!
//! Knows: what is worth more: a flag, a variable, the file, a default.
//! Must not know: what any of it is for.
//!
//! Flags and variables are those of the start, for ever; the file is read each time.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::ArgMatches;

use super::file::{self, Pages, Text};
use super::given::{self, Given};
use super::mistakes::{Mistakes, Problem};
use super::table::FILE;
use super::units::Unit;
use super::{Config, checks};
use crate::routes::Behaviour;

/// Where a configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// On the line and in the environment.
    given: Vec<Given>,
}

/// A configuration that can be used.
#[derive(Debug)]
pub struct Loaded {
    /// What it is.
    pub config: Config,
    /// What may not be as it was meant.
    pub warnings: Vec<String>,
    pub(super) path: Option<PathBuf>,
    /// All that was given; what is worth more comes later.
    pub(super) given: Vec<Given>,
    pub(super) pages: Vec<file::PageSource>,
}

impl Source {
    pub(super) fn new(options: &ArgMatches, env: impl Fn(&str) -> Option<OsString>) -> Source {
        Source { given: given::collect(options, env) }
    }

    /// The file, if there is one.
    pub fn file(&self) -> Option<&Path> {
        let given = self.given.iter().find(|one| one.setting.flag == FILE)?;
        given.values.last().map(|value| Path::new(&value.text))
    }

    /// Reads everything for the first time.
    ///
    /// # Errors
    ///
    /// All that is wrong.
    pub fn load(&self) -> Result<Loaded, Mistakes> {
        self.read(false)
    }

    /// Reads everything anew.
    ///
    /// # Errors
    ///
    /// All that is wrong.
    pub fn reload(&self) -> Result<Loaded, Mistakes> {
        self.read(true)
    }

    fn text(&self, again: bool, mistakes: &mut Mistakes) -> Option<Text> {
        let given = self.given.iter().find(|one| one.setting.flag == FILE)?;
        let value = given.values.last()?;
        let name = value.text.to_string_lossy();
        match file::read(Path::new(&value.text), again) {
            Ok(bytes) => Text::new(&name, bytes, mistakes),
            Err(fault) => {
                mistakes.push(&value.subject, Some(&name), Problem::InFile(fault));
                None
            }
        }
    }

    fn read(&self, again: bool) -> Result<Loaded, Mistakes> {
        let mut mistakes = Mistakes::default();
        let text = self.text(again, &mut mistakes);
        let beside = self.file().and_then(Path::parent).unwrap_or(Path::new(""));
        self.understand(text.as_ref(), Some(beside), mistakes)
    }

    /// Puts one layer upon the other. Files are named from the folder `beside`, if there is one.
    pub(super) fn understand(
        &self,
        text: Option<&Text>,
        beside: Option<&Path>,
        mut mistakes: Mistakes,
    ) -> Result<Loaded, Mistakes> {
        let tree = text.and_then(|text| text.parse(&mut mistakes));

        let mut config = Config::default();
        let mut given = tree.as_ref().map(|it| it.options(&mut mistakes)).unwrap_or_default();
        given.extend(self.given.iter().cloned());
        for one in &given {
            one.apply(&mut config, &mut mistakes);
        }
        checks::check(&mut config, &given, &mut mistakes);

        let mut pages = Pages::default();
        if let Some(tree) = &tree {
            if let Some(routes) = tree.routes(&config, &mut mistakes) {
                config.routes = routes;
            }
            pages = tree.pages(beside, &mut mistakes);
        }
        config.site = pages.site;
        if !mistakes.is_empty() {
            mistakes.sort();
            return Err(mistakes);
        }
        let warnings = warnings(&config);
        let path = self.file().map(Path::to_owned);
        Ok(Loaded { config, warnings, path, given, pages: pages.sources })
    }
}

impl Loaded {
    /// What comes of a file with these bytes that is called `name`, without flags or variables. It
    /// is not on a disk, and nothing else there can be named in it.
    ///
    /// # Errors
    ///
    /// All that is wrong.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Loaded, Mistakes> {
        let mut mistakes = Mistakes::default();
        let text = Text::new(name, bytes.to_vec(), &mut mistakes);
        Source::default().understand(text.as_ref(), None, mistakes)
    }

    /// What there is of routes and pages, in few words.
    pub fn summary(&self) -> String {
        let routes = self.config.routes.iter().count();
        let pages = self.config.site.iter().count();
        let bytes = Unit::Bytes.write(self.config.site.bytes() as u64);
        let count = |number: usize, one: &str| match number {
            1 => format!("1 {one}"),
            _ => format!("{number} {one}s"),
        };
        let pages = match pages {
            0 => "no pages".to_owned(),
            _ => format!("{} ({bytes})", count(pages, "page")),
        };
        format!("{}, {pages}", count(routes, "route"))
    }

    /// What `tidegate check` says.
    pub(super) fn report(&self) -> String {
        let mut lines = vec![match &self.path {
            Some(path) => format!("ok: {}", path.display()),
            None => "ok: no file; routes are those that are built in".to_owned(),
        }];
        lines.push(format!("ok: {}: {}", self.summary(), self.config.routes.paths()));
        lines.extend(self.warnings.iter().map(|warning| format!("warning: {warning}")));
        lines.join("\n") + "\n"
    }
}

/// What works, but perhaps not as it was meant.
fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    for route in config.routes.iter() {
        let mut warn = |what: &str| warnings.push(format!("route {}: {what}", route.path));
        if route.path.has_token() {
            warn("nobody checks a {token} yet; whoever connects is let in");
        }
        if let Behaviour::Reply(replies) = &route.behaviour
            && replies.table.is_empty()
            && replies.otherwise.is_none()
        {
            warn("it never replies; give it a [[route.reply]] or a [route.otherwise]");
        }
    }
    warnings
}
