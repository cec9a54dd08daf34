//! The layers of a configuration, and what comes of them.
//!
//! Knows: what is worth more: a flag, a variable, the file, a default.
//! Must not know: what any of it is for.
//!
//! Flags and variables are those of the start, for ever; the file is read each time, and so are the
//! secrets that it names.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::ArgMatches;

use super::environment::Environment;
use super::file::{self, KeySource, Keys, Pages, Text};
use super::given::{self, Given};
use super::mistakes::{Mistakes, Problem};
use super::secrets::Places;
use super::table::FILE;
use super::{Config, checks, report, variables};
use crate::auth::{Access, Forward};
use crate::routes::Table;

/// Where a configuration comes from.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// On the line and in the environment.
    given: Vec<Given>,
    /// Where secrets may be.
    environment: Environment,
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
    pub(super) keys: Vec<KeySource>,
}

impl Source {
    pub(super) fn new(options: &ArgMatches, environment: Environment) -> Source {
        Source { given: given::collect(options, &environment), environment }
    }

    /// Nothing but what a file may name.
    pub(super) fn bare(environment: Environment) -> Source {
        Source { given: Vec::new(), environment }
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
        let mut loaded = self.understand(text.as_ref(), Some(beside), mistakes)?;
        if !again {
            loaded.warnings.extend(variables::unknown(&self.environment, &loaded.keys));
        }
        Ok(loaded)
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
        let places = Places { beside, environment: &self.environment };
        let keys = tree.as_ref().map(|tree| tree.keys(&config, places, &mut mistakes));
        let keys = keys.unwrap_or_default();
        checks::check(&mut config, &given, keys.are_meant(), &mut mistakes);

        let mut pages = Pages::default();
        if let Some(tree) = &tree {
            config.access = tree.access(&keys, &config, &mut mistakes);
            if let Some(routes) = tree.routes(&config, &keys, &mut mistakes) {
                config.access.forwards = forwards(&config.access, &routes);
                config.routes = routes;
            }
            pages = tree.pages(beside, &mut mistakes);
        }
        config.site = pages.site;
        if !mistakes.is_empty() {
            mistakes.sort();
            return Err(mistakes);
        }
        let warnings = report::warnings(&config);
        let path = self.file().map(Path::to_owned);
        let Keys { sources, .. } = keys;
        Ok(Loaded { config, warnings, path, given, pages: pages.sources, keys: sources })
    }
}

impl Loaded {
    /// What comes of a file with these bytes that is called `name`, without flags. It is not on a
    /// disk, and nothing else there can be named in it; secrets may be in the variables of `env`.
    ///
    /// # Errors
    ///
    /// All that is wrong.
    pub fn from_bytes(
        name: &str,
        bytes: &[u8],
        env: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static,
    ) -> Result<Loaded, Mistakes> {
        let mut mistakes = Mistakes::default();
        let text = Text::new(name, bytes.to_vec(), &mut mistakes);
        Source::bare(Environment::new(env)).understand(text.as_ref(), None, mistakes)
    }
}

/// Everyone who is asked at a door.
fn forwards(access: &Access, routes: &Table) -> Box<[Arc<Forward>]> {
    let doors = routes.iter().filter_map(|route| route.door.as_ref());
    let asked = doors.chain([&access.door]).filter_map(|door| door.forward.clone());
    asked.collect()
}
