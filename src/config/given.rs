//! What was said, option by option, and what it does to a [`Config`].
//!
//! Knows: where a value came from, how each kind of value is read.
//! Must not know: which options there are, whether they go together.

use std::ffi::{OsStr, OsString};

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::mistakes::{Mistake, Mistakes, Problem};
use super::settings::{self, Setting, Takes};
use super::{Config, addresses, names};

/// One option that was given on the line or in the environment.
pub(super) struct Given {
    pub(super) setting: &'static Setting,
    /// As a mistake calls it: `--cores` or `TIDEGATE_CORES`.
    pub(super) name: String,
    values: Vec<OsString>,
}

/// All that was given, in the order of the table.
pub(super) fn collect(options: &ArgMatches, env: impl Fn(&str) -> Option<OsString>) -> Vec<Given> {
    let given = settings::all().map(|setting| {
        if options.value_source(setting.flag) == Some(ValueSource::CommandLine) {
            return Some(Given::on_the_line(setting, options));
        }
        let name = setting.variable();
        let value = env(&name).filter(|value| !value.is_empty())?;
        Some(Given { setting, name, values: vec![value] })
    });
    given.flatten().collect()
}

impl Given {
    fn on_the_line(setting: &'static Setting, options: &ArgMatches) -> Given {
        let name = format!("--{}", setting.flag);
        let values = match setting.takes {
            Takes::Nothing(_) => vec![OsString::from("true")],
            _ => options.get_many(setting.flag).into_iter().flatten().cloned().collect(),
        };
        Given { setting, name, values }
    }

    /// Stores what was given, or says what is wrong with it.
    pub(super) fn apply(&self, config: &mut Config, mistakes: &mut Mistakes) {
        match &self.setting.takes {
            Takes::Nothing(field) => {
                self.one(mistakes, parse_switch, |value| *field(config) = value);
            }
            Takes::Quantity(unit, range, field) => {
                let parse = |text: &str| {
                    let value = unit
                        .parse(text)
                        .map_err(|fault| Problem::Unreadable(fault, *unit, range.clone()))?;
                    match value {
                        _ if value < *range.start() => Err(Problem::TooSmall(*unit, range.clone())),
                        _ if value > *range.end() => Err(Problem::TooLarge(*unit, range.clone())),
                        _ => Ok(value),
                    }
                };
                self.one(mistakes, parse, |value| field.set(config, value));
            }
            Takes::Addresses(field) => {
                let parse = |text: &str| addresses::parse(text).map_err(Problem::Address);
                let found = self.list(mistakes, parse);
                *field(config) = unique(found.into_iter().flatten());
            }
            Takes::Origins(field) => {
                let parse = |text: &str| names::parse_origin(text).map_err(Problem::Origin);
                *field(config) = unique(self.list(mistakes, parse).into_iter());
            }
            Takes::Hosts(field) => {
                let parse = |text: &str| names::parse_host(text).map_err(Problem::Host);
                *field(config) = unique(self.list(mistakes, parse).into_iter());
            }
        }
    }

    /// What was written, as it may stand in a message.
    pub(super) fn text(&self) -> String {
        let texts: Vec<_> = self.values.iter().map(|value| value.to_string_lossy()).collect();
        texts.join(",")
    }

    /// Reads the only value; the parser takes no option of this kind twice.
    fn one<T>(
        &self,
        mistakes: &mut Mistakes,
        parse: impl Fn(&str) -> Result<T, Problem>,
        store: impl FnOnce(T),
    ) {
        let value = self.values.last().map_or(OsStr::new(""), OsString::as_os_str);
        let text = value.to_str().ok_or(Problem::NotUtf8);
        match text.and_then(|text| parse(text.trim())) {
            Ok(value) => store(value),
            Err(problem) => self.complain(mistakes, &value.to_string_lossy(), problem),
        }
    }

    /// Reads all values, each of which may hold several, separated by commas.
    fn list<T>(
        &self,
        mistakes: &mut Mistakes,
        parse: impl Fn(&str) -> Result<T, Problem>,
    ) -> Vec<T> {
        let mut found = Vec::new();
        for value in &self.values {
            let Some(text) = value.to_str() else {
                self.complain(mistakes, &value.to_string_lossy(), Problem::NotUtf8);
                continue;
            };
            for text in text.split(',').map(str::trim) {
                match parse(text) {
                    Ok(value) => found.push(value),
                    Err(problem) => self.complain(mistakes, text, problem),
                }
            }
        }
        found
    }

    fn complain(&self, mistakes: &mut Mistakes, given: &str, problem: Problem) {
        mistakes.push(Mistake::new(self, given, problem));
    }
}

fn parse_switch(text: &str) -> Result<bool, Problem> {
    match text.to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "0" | "false" | "no" | "off" => Ok(false),
        _ => Err(Problem::NotASwitch),
    }
}

/// The same values, each once, in order of first appearance.
fn unique<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut once = Vec::new();
    for value in values {
        if !once.contains(&value) {
            once.push(value);
        }
    }
    once
}
