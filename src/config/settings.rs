//! What an option is: a name, a help, and a home for its value.
//!
//! Knows: units, ranges, the type of every field of [`Config`].
//! Must not know: which options there are, how they are read, shown, or complained about.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::Config;
use super::table::GROUPS;
use super::units::Unit;

/// Options that stand together in the help.
pub(super) struct Group {
    pub(super) heading: &'static str,
    pub(super) settings: &'static [Setting],
}

/// One option.
#[derive(Debug)]
pub(super) struct Setting {
    /// Its name on the command line, without the dashes.
    pub(super) flag: &'static str,
    /// One line, without a full stop; the default is put behind it.
    pub(super) help: &'static str,
    /// What to show as the default, where the field cannot tell.
    pub(super) default: Option<&'static str>,
    pub(super) takes: Takes,
}

/// What stands behind an option, and where it goes.
#[derive(Debug)]
pub(super) enum Takes {
    /// A file with more options.
    File,
    Nothing(fn(&mut Config) -> &mut bool),
    /// Yes or no; what it is by default depends on something else.
    Switch(fn(&mut Config) -> &mut Option<bool>),
    Addresses(fn(&mut Config) -> &mut Vec<SocketAddr>),
    Origins(fn(&mut Config) -> &mut Vec<String>),
    Hosts(fn(&mut Config) -> &mut Vec<String>),
    Quantity(Unit, RangeInclusive<u64>, Field),
}

/// The home of a quantity; one function both reads and writes it.
#[derive(Debug)]
pub(super) enum Field {
    Usize(fn(&mut Config) -> &mut usize),
    Optional(fn(&mut Config) -> &mut Option<usize>),
    U32(fn(&mut Config) -> &mut u32),
    Duration(fn(&mut Config) -> &mut Duration),
}

impl Setting {
    /// The environment variable that stands for this option.
    pub(super) fn variable(&self) -> String {
        format!("TIDEGATE_{}", self.flag.to_ascii_uppercase().replace('-', "_"))
    }
}

impl Field {
    /// Stores a value that is in range.
    pub(super) fn set(&self, config: &mut Config, value: u64) {
        match self {
            Field::Usize(field) => *field(config) = value as usize,
            Field::Optional(field) => *field(config) = Some(value as usize),
            Field::U32(field) => *field(config) = u32::try_from(value).unwrap_or(u32::MAX),
            Field::Duration(field) => *field(config) = Duration::from_millis(value),
        }
    }

    /// What is stored now.
    pub(super) fn value(&self, config: &mut Config) -> Option<u64> {
        match self {
            Field::Usize(field) => Some(*field(config) as u64),
            Field::Optional(field) => field(config).map(|value| value as u64),
            Field::U32(field) => Some(u64::from(*field(config))),
            Field::Duration(field) => u64::try_from(field(config).as_millis()).ok(),
        }
    }
}

/// All options.
pub(super) fn all() -> impl Iterator<Item = &'static Setting> {
    GROUPS.iter().flat_map(|group| group.settings)
}

/// The option of that name.
pub(super) fn named(flag: &str) -> Option<&'static Setting> {
    all().find(|setting| setting.flag == flag)
}

const _: () = assert!(usize::BITS == 64, "a size is read as u64 and kept as usize");

/// An option that takes bytes, and has its default in its field.
pub(super) const fn size(
    flag: &'static str,
    help: &'static str,
    range: RangeInclusive<u64>,
    field: fn(&mut Config) -> &mut usize,
) -> Setting {
    let takes = Takes::Quantity(Unit::Bytes, range, Field::Usize(field));
    Setting { flag, help, default: None, takes }
}

/// An option that takes a number of things.
pub(super) const fn count(
    flag: &'static str,
    help: &'static str,
    range: RangeInclusive<u64>,
    field: fn(&mut Config) -> &mut usize,
) -> Setting {
    let takes = Takes::Quantity(Unit::Things, range, Field::Usize(field));
    Setting { flag, help, default: None, takes }
}

/// An option that takes a time.
pub(super) const fn time(
    flag: &'static str,
    help: &'static str,
    range: RangeInclusive<u64>,
    field: fn(&mut Config) -> &mut Duration,
) -> Setting {
    let takes = Takes::Quantity(Unit::Time, range, Field::Duration(field));
    Setting { flag, help, default: None, takes }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::limits::Limits;

    #[test]
    fn each_option_is_there_once() {
        let flags: HashSet<_> = all().map(|setting| setting.flag).collect();
        assert_eq!(flags.len(), all().count());
        assert!(named("max-message").is_some() && named("max").is_none());
        assert_eq!(named("max-message").unwrap().variable(), "TIDEGATE_MAX_MESSAGE");
    }

    #[test]
    fn every_default_is_in_range() {
        let mut config = Config::default();
        for setting in all() {
            if let Takes::Quantity(_, range, field) = &setting.takes
                && let Some(value) = field.value(&mut config)
            {
                assert!(range.contains(&value), "--{}", setting.flag);
            }
        }
    }

    /// Both ends of every range survive being stored, and every option has a home of its own.
    #[test]
    fn every_option_sets_its_own_field() {
        let mut seen = HashSet::new();
        for setting in all() {
            if let Takes::Quantity(_, range, field) = &setting.takes {
                for end in [*range.start(), *range.end()] {
                    let mut config = Config::default();
                    field.set(&mut config, end);
                    assert_eq!(field.value(&mut config), Some(end), "--{}", setting.flag);
                }
                let mut config = Config { cores: 77, ..Config::default() };
                field.set(&mut config, range.start() + 1);
                assert!(seen.insert(format!("{config:?}")), "--{}", setting.flag);
            }
        }
    }

    /// No field of `Limits` is without an option: one that is would keep its default here.
    #[test]
    fn every_limit_has_an_option() {
        let mut config = Config::default();
        for setting in all() {
            if let Takes::Quantity(_, range, field) = &setting.takes {
                field.set(&mut config, range.start() + 1);
            }
        }
        let fields = |limits: &Limits| {
            let text = format!("{limits:#?}");
            text.lines().filter(|line| line.contains(':')).map(str::to_string).collect::<Vec<_>>()
        };
        let (before, after) = (fields(&Limits::default()), fields(&config.limits));
        for (before, after) in before.iter().zip(&after) {
            assert_ne!(before, after);
        }
        assert_eq!(before.len(), after.len());
    }
}
