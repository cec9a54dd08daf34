//! What was said, option by option, and what it does to a [`Config`].
//!
//! Knows: where a value came from, how each kind of value is read.
//! Must not know: which options there are, whether they go together.

use std::ffi::OsString;

use clap::ArgMatches;
use clap::parser::ValueSource;

use super::environment::Environment;
use super::mistakes::{Mistakes, Problem, Subject};
use super::settings::{self, Setting, Takes};
use super::{Config, addresses, names};

/// One option that was given.
#[derive(Clone, Debug)]
pub(super) struct Given {
    pub(super) setting: &'static Setting,
    pub(super) origin: Origin,
    /// As a mistake calls it: `--cores`, or `TIDEGATE_CORES`, or with its place in the file.
    pub(super) subject: Subject,
    pub(super) values: Vec<Value>,
}

/// One value of it. In a file each has its own place.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) subject: Subject,
    pub(super) text: OsString,
}

/// Who gave an option, in the order of worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Origin {
    File,
    Environment,
    Flag,
}

/// All that was given, in the order of the table.
pub(super) fn collect(options: &ArgMatches, env: &Environment) -> Vec<Given> {
    let given = settings::all().map(|setting| {
        if options.value_source(setting.flag) == Some(ValueSource::CommandLine) {
            return Some(Given::on_the_line(setting, options));
        }
        let name = setting.variable();
        let value = env.find(&name)?;
        Some(Given::new(setting, Origin::Environment, name, [value]))
    });
    given.flatten().collect()
}

impl Given {
    fn on_the_line(setting: &'static Setting, options: &ArgMatches) -> Given {
        let name = format!("--{}", setting.flag);
        let values: Vec<_> = match setting.takes {
            Takes::Nothing(_) => vec![OsString::from("true")],
            _ => options.get_many(setting.flag).into_iter().flatten().cloned().collect(),
        };
        Given::new(setting, Origin::Flag, name, values)
    }

    fn new(
        setting: &'static Setting,
        origin: Origin,
        words: String,
        values: impl IntoIterator<Item = OsString>,
    ) -> Given {
        let subject = Subject { key: setting.flag.to_owned(), words, at: None };
        let values = values.into_iter();
        let values = values.map(|text| Value { subject: subject.clone(), text }).collect();
        Given { setting, origin, subject, values }
    }

    /// Stores what was given, or says what is wrong with it.
    pub(super) fn apply(&self, config: &mut Config, mistakes: &mut Mistakes) {
        match &self.setting.takes {
            Takes::Nothing(field) => {
                self.one(mistakes, parse_switch, |value| *field(config) = value);
            }
            Takes::Switch(field) => {
                self.one(mistakes, parse_switch, |value| *field(config) = Some(value));
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
            // It says where more is said; see `Source`.
            Takes::File => {}
        }
    }

    /// What was written, as it may stand in a message.
    pub(super) fn text(&self) -> String {
        let texts: Vec<_> = self.values.iter().map(|value| value.text.to_string_lossy()).collect();
        texts.join(",")
    }

    /// Reads the only value; nobody gives an option of this kind twice.
    fn one<T>(
        &self,
        mistakes: &mut Mistakes,
        parse: impl Fn(&str) -> Result<T, Problem>,
        store: impl FnOnce(T),
    ) {
        let Some(value) = self.values.last() else { return };
        let text = value.text.to_str().ok_or(Problem::NotUtf8);
        match text.and_then(|text| parse(text.trim())) {
            Ok(value) => store(value),
            Err(problem) => value.complain(mistakes, &value.text.to_string_lossy(), problem),
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
            let Some(text) = value.text.to_str() else {
                value.complain(mistakes, &value.text.to_string_lossy(), Problem::NotUtf8);
                continue;
            };
            for text in text.split(',').map(str::trim) {
                match parse(text) {
                    Ok(value) => found.push(value),
                    Err(problem) => value.complain(mistakes, text, problem),
                }
            }
        }
        found
    }
}

impl Value {
    fn complain(&self, mistakes: &mut Mistakes, given: &str, problem: Problem) {
        mistakes.push(&self.subject, Some(given), problem);
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
