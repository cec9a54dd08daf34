//! The binary: a command line in, a server or a list of mistakes out.
//!
//! Knows: the process: arguments, environment, standard streams, exit status.
//! Must not know: anything that the library decides.

#![forbid(unsafe_code)]

use std::env;
use std::panic;
use std::process::ExitCode;

use env_logger::TimestampPrecision;
use tidegate::config::{Command, Config, Refusal};
use tidegate::reactor;

/// The status of a command line that cannot be used; what clap, too, exits with.
const USAGE: u8 = 2;

/// What is logged unless the environment says otherwise.
const LOG_FILTER: &str = "info";

fn main() -> ExitCode {
    let command = match Config::from_args(env::args_os(), |name| env::var_os(name)) {
        Ok(command) => command,
        Err(refusal) => return refuse(&refusal),
    };
    if let Err(mistake) = start_log() {
        eprintln!("tidegate: {mistake}");
        return ExitCode::from(USAGE);
    }
    log_panics();
    match command {
        Command::Serve(config) => match reactor::serve(config) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("tidegate: {error}");
                ExitCode::FAILURE
            }
        },
    }
}

fn refuse(refusal: &Refusal) -> ExitCode {
    match refusal {
        Refusal::Told(told) => {
            // Whoever closed our output does not want to hear of it: `tidegate --help | head`.
            let _ = told.print();
            if told.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS }
        }
        Refusal::Mistakes(mistakes) => {
            for mistake in mistakes.iter() {
                eprintln!("tidegate: {mistake}");
            }
            ExitCode::from(USAGE)
        }
    }
}

/// The log goes to standard error, so that a supervisor keeps it and a pipe does not.
///
/// A filter that names no level would log nothing at all without a word: it is refused.
fn start_log() -> Result<(), String> {
    let set = |name| env::var(name).ok().filter(|filter| !filter.is_empty()).map(|it| (name, it));
    let given = set("TIDEGATE_LOG").or_else(|| set("RUST_LOG"));
    let filter = given.as_ref().map_or(LOG_FILTER, |(_, filter)| filter);
    let has_level = |part: &str| {
        let level = part.rsplit('=').next().unwrap_or(part);
        level.trim().parse::<log::LevelFilter>().is_ok()
    };
    let directives = filter.split('/').next().unwrap_or(filter);
    if let Some((name, filter)) = &given
        && !directives.split(',').all(has_level)
    {
        let levels = "off, error, warn, info, debug or trace, or module=level, separated by commas";
        return Err(format!("{name}: \"{filter}\" names no level; write {levels}"));
    }
    env_logger::Builder::new()
        .parse_filters(filter)
        .format_timestamp(Some(TimestampPrecision::Millis))
        .format_target(false)
        .init();
    Ok(())
}

/// A panic is logged with its place and no more: its message may have a client's data in it.
fn log_panics() {
    panic::set_hook(Box::new(|panicked| match panicked.location() {
        Some(place) => log::error!("panicked at {place}"),
        None => log::error!("panicked"),
    }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};
    use std::thread;

    const SECRET: &str = "5ecre7";

    #[test]
    fn a_panic_is_logged_without_its_message() {
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", "tests::in_a_process_of_its_own", "--ignored", "--nocapture"])
            .env_remove("TIDEGATE_LOG")
            .env_remove("RUST_LOG")
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        let said = [log.as_ref(), &String::from_utf8_lossy(&output.stdout)].concat();
        assert!(output.status.success(), "{said}");
        assert!(log.contains("ERROR] panicked at src/main.rs:"), "{said}");
        assert!(!said.contains(SECRET), "{said}");
    }

    /// What the test above starts: the hook is the whole process's.
    #[test]
    #[ignore = "a part of another test"]
    fn in_a_process_of_its_own() {
        start_log().unwrap();
        log_panics();
        assert!(thread::spawn(|| panic!("{SECRET}")).join().is_err());
    }
}
