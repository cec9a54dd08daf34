//! What is wrong with a configuration, in words that say what to write instead.
//!
//! Knows: every way in which a value can be wrong.
//! Must not know: how it was found out.

use std::fmt;
use std::ops::RangeInclusive;

use super::file::Fault;
use super::names::{HostFault, OriginFault};
use super::units::{self, Unit};
use super::{addresses, names};

/// Everything that is wrong, never nothing; a line each.
#[derive(Debug, Default)]
pub struct Mistakes(Vec<Mistake>);

/// One thing that is wrong: where it was said, what was said, and what could be said instead.
#[derive(Debug)]
pub struct Mistake {
    subject: Subject,
    given: Option<String>,
    problem: Problem,
}

/// What a mistake is about.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// The option's name, or that of the key.
    pub(super) key: String,
    /// What the mistake begins with: `--cores`, `TIDEGATE_CORES`, `tidegate.toml:3:9: cores`.
    pub(super) words: String,
    /// Where in the file, counted in bytes; nowhere for what is not in it.
    pub(super) at: Option<usize>,
}

/// Why a value cannot be used.
#[derive(Debug)]
pub(super) enum Problem {
    /// Of the file.
    InFile(Fault),
    NotUtf8,
    NotASwitch,
    Unreadable(units::Fault, Unit, RangeInclusive<u64>),
    TooSmall(Unit, RangeInclusive<u64>),
    TooLarge(Unit, RangeInclusive<u64>),
    Address(addresses::Fault),
    Origin(OriginFault),
    Host(HostFault),
    /// A listener that is not on loopback, and nobody said that this is meant, on the line or in
    /// the file.
    Exposed {
        in_file: bool,
    },
    /// More than the other option, whose value is this, allows.
    Above {
        flag: &'static str,
        value: String,
        why: &'static str,
    },
    /// Less than the other option needs.
    Below {
        flag: &'static str,
        value: String,
        why: &'static str,
    },
}

impl Mistakes {
    /// The mistakes: single values in the order of the help, then what does not go together.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.0.iter()
    }

    pub(super) fn push(&mut self, subject: &Subject, given: Option<&str>, problem: Problem) {
        let (subject, given) = (subject.clone(), given.map(str::to_owned));
        self.0.push(Mistake { subject, given, problem });
    }

    /// What is wrong in the file comes first, from its top to its end.
    pub(super) fn sort(&mut self) {
        self.0.sort_by_key(|mistake| mistake.subject.at.unwrap_or(usize::MAX));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether something is wrong with this option already.
    pub(super) fn concern(&self, flag: &str) -> bool {
        self.0.iter().any(|mistake| mistake.subject.key == flag)
    }
}

impl Mistake {
    /// Where in the file it is, counted in bytes; nowhere for what is not in it.
    pub fn place(&self) -> Option<usize> {
        self.subject.at
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, mistake) in self.0.iter().enumerate() {
            let end = if index == 0 { "" } else { "\n" };
            write!(out, "{end}{mistake}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Mistakes {}

impl fmt::Display for Mistake {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Escaped, so that one mistake is one line whatever was given.
        write!(out, "{}: ", self.subject.words)?;
        if let Some(given) = &self.given {
            write!(out, "\"{}\" ", given.escape_debug())?;
        }
        self.problem.fmt(out)
    }
}

impl std::error::Error for Mistake {}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::InFile(fault) => fault.fmt(out),
            Problem::NotUtf8 => out.write_str("is not UTF-8 text"),
            Problem::NotASwitch => out.write_str(
                "is neither true nor false; write 1, true, yes or on; or 0, false, no or off",
            ),
            Problem::Unreadable(fault, unit, range) => {
                write_unreadable(out, *fault, *unit)?;
                write_range(out, *unit, range)
            }
            Problem::TooSmall(unit, range) => {
                out.write_str("is too small")?;
                write_range(out, *unit, range)
            }
            Problem::TooLarge(unit, range) => {
                out.write_str("is too large")?;
                write_range(out, *unit, range)
            }
            Problem::Address(fault) => out.write_str(address_text(*fault)),
            Problem::Origin(fault) => out.write_str(origin_text(*fault)),
            Problem::Host(fault) => out.write_str(host_text(*fault)),
            Problem::Exposed { in_file } => {
                let or = if *in_file { ", or insecure = true in the file," } else { "" };
                write!(
                    out,
                    "is not a loopback address: everyone who can reach it could connect and read; \
                     a [[key]] in the file of --config has them asked who they are, \
                     or --insecure{or} accepts this"
                )
            }
            Problem::Above { flag, value, why } => {
                write!(out, "is more than --{flag} ({value}): {why}")
            }
            Problem::Below { flag, value, why } => {
                write!(out, "is less than --{flag} ({value}): {why}")
            }
        }
    }
}

fn write_range(
    out: &mut fmt::Formatter<'_>,
    unit: Unit,
    range: &RangeInclusive<u64>,
) -> fmt::Result {
    write!(out, " ({} to {})", unit.write(*range.start()), unit.write(*range.end()))
}

fn write_unreadable(out: &mut fmt::Formatter<'_>, fault: units::Fault, unit: Unit) -> fmt::Result {
    match (fault, unit) {
        (units::Fault::Malformed, Unit::Bytes) => {
            out.write_str("is not a size; write it like 64KiB or 1MiB")
        }
        (units::Fault::Malformed, Unit::Things) => out.write_str("is not a whole number"),
        (units::Fault::Malformed, Unit::Time) => {
            out.write_str("is not a time; write it like 500ms, 25s, 5m or 1h")
        }
        (units::Fault::Ambiguous(unit, number), _) => {
            write!(out, "is not a size; write {unit}, like {number}{unit}")
        }
        (units::Fault::NoUnit(number), _) => {
            write!(out, "has no unit; write it like {number}s or {number}ms")
        }
        (units::Fault::TooLarge, _) => out.write_str("is too large"),
    }
}

fn address_text(fault: addresses::Fault) -> &'static str {
    use addresses::Fault;
    match fault {
        Fault::Malformed => {
            "is not an address; write it like 127.0.0.1:8080, [::1]:8080, localhost:8080 or 8080"
        }
        Fault::NoPort => "has no port; write it like 127.0.0.1:8080",
        Fault::NoPortV6 => "has no port; write it like [::1]:8080",
        Fault::Asterisk => "is not an address; all addresses are 0.0.0.0:8080 or [::]:8080",
        Fault::BadPort => "has a port that is not a number from 0 to 65535",
    }
}

fn origin_text(fault: OriginFault) -> &'static str {
    match fault {
        OriginFault::NoScheme => "has no scheme; write it like https://example.org",
        OriginFault::WebSocketScheme => {
            "is not the origin of a page; write it like http://localhost:3000"
        }
        OriginFault::File => "is not an origin; that of all files is null",
        OriginFault::Path => "has more than an origin; end it after the host and its port",
        OriginFault::Pattern => "is a pattern; write each origin in full, or * for any",
        OriginFault::Malformed => {
            "is not an origin; write it like https://example.org or http://localhost:3000"
        }
    }
}

fn host_text(fault: names::HostFault) -> &'static str {
    match fault {
        HostFault::Port => "has a port; write the name alone",
        HostFault::Url => "is not a name; write it like example.org",
        HostFault::Pattern => "is a pattern; write each name in full, or * for any",
        HostFault::Malformed => "is not a name; write it like example.org",
    }
}
