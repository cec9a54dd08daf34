//! What the environment asks of the log.
//!
//! Knows: the variables that say so, which targets lines have.
//! Must not know: how a line is written, and when.
//!
//! A filter that names no level, or no target of ours, would keep silent about what somebody wants
//! to see: the one is a mistake, the other is warned of.

use crate::lines::Format;
use log::LevelFilter;
use std::ffi::OsString;

const FILTER: &str = "TIDEGATE_LOG";
/// What many programs read: it may name what others log.
const SHARED_FILTER: &str = "RUST_LOG";
const FORMAT: &str = "TIDEGATE_LOG_FORMAT";

/// What is logged unless somebody says otherwise.
const LEVEL: &str = "info";

/// Where lines of the log come from. What is part of one is a target, too.
const TARGETS: [&str; 4] = ["access", "connection", "tidegate", "ureq"];

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) format: Format,
    /// As env_logger reads it.
    pub(crate) filter: String,
    /// What is not wrong, but of no effect.
    pub(crate) warnings: Vec<String>,
}

impl Wanted {
    /// What the variables say that `env` finds, or all that is wrong with them.
    pub(crate) fn of(env: impl Fn(&str) -> Option<OsString>) -> Result<Wanted, Vec<String>> {
        let set = |name: &'static str| {
            let value = env(name).filter(|value| !value.is_empty())?;
            Some((name, value.into_string().map_err(|_| format!("{name}: is not UTF-8"))))
        };
        let format = set(FORMAT).map_or(Ok(Format::default()), |(_, given)| format(&given?));
        let filter = match set(FILTER).or_else(|| set(SHARED_FILTER)) {
            None => Ok((LEVEL.to_owned(), Vec::new())),
            Some((name, given)) => given.and_then(|given| filter(name, &given)),
        };
        match (format, filter) {
            (Ok(format), Ok((filter, warnings))) => Ok(Wanted { format, filter, warnings }),
            (format, filter) => Err([format.err(), filter.err()].into_iter().flatten().collect()),
        }
    }
}

fn format(given: &str) -> Result<Format, String> {
    Format::of(given).ok_or_else(|| format!("{FORMAT}: {given:?} is no format; write text or json"))
}

/// The filter that is meant by what is `given` in the variable `name`, and what to warn of.
fn filter(name: &str, given: &str) -> Result<(String, Vec<String>), String> {
    let (directives, word) = given.split_once('/').unwrap_or((given, ""));
    let is_good = |part: &str| match part.split_once('=') {
        Some((_, level)) => is_level(level),
        None => is_level(part),
    };
    if word.contains('/') || !directives.split(',').all(is_good) {
        let levels = "off, error, warn, info, debug or trace, or module=level, separated by commas";
        return Err(format!("{name}: {given:?} names no level; write {levels}"));
    }
    let targets = || directives.split(',').filter_map(|part| Some(part.split_once('=')?.0));
    let strange = targets().filter(|target| name == FILTER && !is_target(target.trim_start()));
    let warnings = strange.map(|target| warning(name, target)).collect();
    // Whoever asks for more of one thing does not ask for less of all others.
    let is_all_targets = directives.split(',').count() == targets().count();
    let rest = if is_all_targets { "info," } else { "" };
    Ok((format!("{rest}{given}"), warnings))
}

fn is_level(text: &str) -> bool {
    text.trim().parse::<LevelFilter>().is_ok()
}

/// Whether lines may come from there: it begins a target, or is a part of one.
fn is_target(given: &str) -> bool {
    TARGETS.iter().any(|own| {
        let is_part = given.strip_prefix(own).is_some_and(|rest| rest.starts_with("::"));
        own.starts_with(given) || is_part
    })
}

fn warning(name: &str, given: &str) -> String {
    let distance = |own: &&str| strsim::osa_distance(&given.to_lowercase(), own);
    let near = TARGETS.into_iter().min_by_key(distance).filter(|own| distance(own) <= 3);
    let meant = match near {
        Some(near) => format!("did you mean {near}?"),
        None => "there are access, connection and tidegate, with its modules".to_owned(),
    };
    format!("{name}: nothing is logged as {given:?}; {meant}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    fn wanted(variables: &[(&str, &[u8])]) -> Result<Wanted, Vec<String>> {
        Wanted::of(|name| {
            let (_, value) = variables.iter().find(|(own, _)| *own == name)?;
            Some(OsString::from_vec(value.to_vec()))
        })
    }

    fn filter_of(given: &str) -> (String, String) {
        let wanted = wanted(&[(FILTER, given.as_bytes())]).expect(given);
        (wanted.filter, wanted.warnings.join("\n"))
    }

    #[test]
    fn who_asks_for_more_of_one_thing_keeps_the_rest() {
        for (given, filter) in [
            ("debug", "debug"),
            ("access=debug", "info,access=debug"),
            ("access=debug, connection=debug", "info,access=debug, connection=debug"),
            ("warn,access=debug", "warn,access=debug"),
            ("access=debug,off", "access=debug,off"),
            ("tidegate::reactor=TRACE", "info,tidegate::reactor=TRACE"),
            ("access=debug/word", "info,access=debug/word"),
            ("ureq=debug", "info,ureq=debug"),
        ] {
            assert_eq!(filter_of(given), (filter.to_owned(), String::new()), "{given}");
        }
        let wanted = wanted(&[]).expect("nothing is wrong");
        assert_eq!((&*wanted.filter, wanted.format), ("info", Format::Text));
    }

    #[test]
    fn a_target_that_there_is_not_is_warned_of_with_the_nearest() {
        for (given, part) in [
            ("acess=debug", "\"acess\"; did you mean access?"),
            ("info,conections=debug", "\"conections\"; did you mean connection?"),
            ("Tidegate=debug", "did you mean tidegate?"),
            ("tidegate_reactor=debug", "there are access, connection and tidegate"),
            ("access =debug", "\"access \"; did you mean access?"),
            ("hyper\u{1b}=debug", "\"hyper\\u{1b}\"; there are access"),
        ] {
            let (_, warnings) = filter_of(given);
            assert!(warnings.contains(part), "{given}: {warnings}");
        }
        let shared = wanted(&[(SHARED_FILTER, b"hyper=debug")]).expect("others have it, too");
        assert!(shared.warnings.is_empty() && shared.filter == "info,hyper=debug");
    }

    #[test]
    fn all_that_is_wrong_is_named_at_once() {
        let wrong = wanted(&[(FORMAT, b"xml"), (FILTER, b"loud")]).unwrap_err();
        assert!(wrong[0].starts_with("TIDEGATE_LOG_FORMAT: \"xml\" is no format"), "{wrong:?}");
        assert!(wrong[1].starts_with("TIDEGATE_LOG: \"loud\" names no level"), "{wrong:?}");
        for name in [FORMAT, FILTER, SHARED_FILTER] {
            let wrong = wanted(&[(name, b"inf\xff")]).unwrap_err();
            assert_eq!(wrong, [format!("{name}: is not UTF-8")]);
        }
        for given in ["access=", "a=b=debug", "info,", "=", "info/a/b", "tidegate"] {
            assert!(wanted(&[(FILTER, given.as_bytes())]).is_err(), "{given}");
        }
        assert!(wanted(&[(FILTER, b"info"), (SHARED_FILTER, b"loud")]).is_ok(), "ours is first");
    }
}
