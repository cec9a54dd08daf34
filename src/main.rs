//! The binary: a command line in, a server, a client or a list of mistakes out.
//!
//! Knows: the process: arguments, environment, standard streams, exit status.
//! Must not know: anything that the library decides.

#![forbid(unsafe_code)]

mod filter;
mod journal;
mod lines;

use std::backtrace::{Backtrace, BacktraceStatus};
use std::fmt::Display;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use std::{env, panic};

use env_logger::WriteStyle;
use journal::Journal;
use lines::Format;
use log::{Log, Metadata, Record};
use signal_hook::consts::SIGXFSZ;
use signal_hook::flag;
use tidegate::cli;
use tidegate::config::{Command, Config, Loaded, Refusal};
use tidegate::reactor::{self, Banner, Weight};

/// The status of a command line that cannot be used; what clap, too, exits with.
const USAGE: u8 = 2;

fn main() -> ExitCode {
    let command = match read() {
        Ok(command) => command,
        Err(refusal) => return refuse(&refusal),
    };
    let (loaded, source) = match command {
        Command::Serve(loaded, source) => (loaded, source),
        Command::Check(loaded) => return check(*loaded),
        Command::Print(text) => {
            // Whoever closed our output does not want to hear of it: `tidegate config | head`.
            let _ = io::stdout().write_all(text.as_bytes());
            return ExitCode::SUCCESS;
        }
        Command::Connect(options) => return cli::connect(&options),
        Command::Tap(options) => return cli::tap(&options),
        Command::Token(wanted) => return cli::token(&wanted),
    };
    let wanted = match wanted_log() {
        Ok(wanted) => wanted,
        Err(status) => return status,
    };
    let lines_dropped = match start_log(wanted.format, &wanted.filter) {
        Ok(lost) => lost,
        Err(mistake) => {
            complain(mistake);
            return ExitCode::from(USAGE);
        }
    };
    log_panics();
    for warning in wanted.warnings.iter().chain(&loaded.warnings) {
        log::warn!("{warning}");
    }
    let banner = match wanted.format {
        Format::Text => Banner::Written,
        Format::Json => Banner::Logged,
    };
    let result = reactor::serve(loaded.config, source, banner, lines_dropped);
    log::logger().flush();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(error);
            ExitCode::FAILURE
        }
    }
}

fn read() -> Result<Command, Refusal> {
    let names = env::vars_os().map(|(name, _)| name);
    Config::from_process(env::args_os(), |name| env::var_os(name), names)
}

/// What is asked of the log; what is wrong with that is told.
fn wanted_log() -> Result<filter::Wanted, ExitCode> {
    filter::Wanted::of(|name| env::var_os(name)).map_err(|mistakes| {
        mistakes.iter().for_each(complain);
        ExitCode::from(USAGE)
    })
}

/// Says what there is, and whether the system is fit for it.
fn check(mut loaded: Loaded) -> ExitCode {
    match wanted_log() {
        Ok(wanted) => loaded.warnings.extend(wanted.warnings),
        Err(status) => return status,
    }
    let findings = reactor::survey(&loaded.config);
    let mut text = loaded.report();
    findings.iter().for_each(|finding| text.push_str(&format!("{finding}\n")));
    // Whoever closed our output does not want to hear of it: `tidegate check | head`.
    let _ = io::stdout().write_all(text.as_bytes());
    let is_fit = findings.iter().all(|finding| finding.weight < Weight::Error);
    if is_fit { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Says it to whoever started us, if anybody listens.
fn complain(what: impl Display) {
    let _ = writeln!(io::stderr(), "tidegate: {what}");
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
                complain(mistake);
            }
            ExitCode::from(USAGE)
        }
    }
}

/// The log goes to standard error, so that a supervisor keeps it and a pipe does not. Gives the
/// number of lines that were lost, which goes on counting.
fn start_log(format: Format, filter: &str) -> Result<Arc<AtomicU64>, String> {
    // Where files may not grow further (RLIMIT_FSIZE) a write is an error like any other, and not
    // our end: whoever hears the signal survives it.
    let heard = flag::register(SIGXFSZ, Arc::default());
    heard.map_err(|error| format!("the system refuses to let us hear a signal: {error}"))?;
    let journal = Journal::start(io::stderr(), move |lines| format.missing(lines))
        .map_err(|error| format!("the system refuses a thread for the log: {error}"))?;
    let lines = env_logger::Builder::new()
        .parse_filters(filter)
        .format(move |out, record| format.write(out, record))
        .target(env_logger::Target::Pipe(Box::new(journal.clone())))
        .write_style(style())
        .build();
    log::set_max_level(lines.filter());
    let lost = journal.lost();
    log::set_boxed_logger(Box::new(Lines { lines, journal })).map_err(|error| error.to_string())?;
    Ok(lost)
}

/// Colours for people only, unless they asked for none (no-color.org).
fn style() -> WriteStyle {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
    let is_plain = !io::stderr().is_terminal() || is_set("NO_COLOR") || is_dumb;
    if is_plain { WriteStyle::Never } else { WriteStyle::Always }
}

/// How long the end of the process waits for its last lines to be written.
const FLUSH_TIME: Duration = Duration::from_millis(200);

/// The log: lines that go to standard error by way of the journal.
struct Lines {
    lines: env_logger::Logger,
    journal: Journal,
}

/// The client of forward-auth would show, byte by byte, what it sends: clients' credentials.
fn shows_requests(metadata: &Metadata<'_>) -> bool {
    metadata.level() > log::Level::Warn && metadata.target().starts_with("ureq")
}

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.lines.enabled(metadata)
    }

    fn log(&self, record: &Record<'_>) {
        if !shows_requests(record.metadata()) {
            self.lines.log(record);
        }
    }

    fn flush(&self) {
        self.journal.wait(FLUSH_TIME);
    }
}

/// A panic goes to the log like everything else: standard error may take nothing. What it says is
/// left out, as that may hold what a client said; the place is enough to find it. Nobody waits for
/// the log here: most panics cost one connection, and its core goes on.
fn log_panics() {
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map_or("an unknown place".to_owned(), ToString::to_string);
        let backtrace = Backtrace::capture();
        match backtrace.status() {
            BacktraceStatus::Captured => log::error!("panicked at {place}\n{backtrace}"),
            _ => log::error!("panicked at {place}"),
        }
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
        let said = run_part("tests::in_a_process_of_its_own");
        assert!(said.contains("ERROR] panicked at src/main.rs:"), "{said}");
        assert!(!said.contains(SECRET), "{said}");
    }

    /// What the test above starts: the hook is the whole process's.
    #[test]
    #[ignore = "a part of another test"]
    fn in_a_process_of_its_own() {
        start_log(Format::Text, "info").unwrap();
        log_panics();
        assert!(thread::spawn(|| panic!("{SECRET}")).join().is_err());
        log::logger().flush();
    }

    /// A log that nobody may wait for.
    struct Stuck;

    impl Log for Stuck {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn log(&self, record: &Record<'_>) {
            println!("{}", record.args());
        }

        fn flush(&self) {
            std::process::abort();
        }
    }

    #[test]
    fn a_panic_that_is_caught_does_not_wait_for_the_log() {
        let said = run_part("tests::with_a_log_that_is_stuck");
        assert!(said.contains("panicked at src/main.rs:"), "{said}");
    }

    /// What the test above starts.
    #[test]
    #[ignore = "a part of another test"]
    fn with_a_log_that_is_stuck() {
        log::set_boxed_logger(Box::new(Stuck)).unwrap();
        log::set_max_level(log::LevelFilter::Info);
        log_panics();
        assert!(panic::catch_unwind(|| panic!("{SECRET}")).is_err());
    }

    /// Runs a test in a process of its own, which must end well; gives all it said.
    fn run_part(name: &str) -> String {
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", name, "--ignored", "--nocapture"])
            .env_remove("TIDEGATE_LOG")
            .env_remove("RUST_LOG")
            .env_remove("RUST_BACKTRACE")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&[output.stderr, output.stdout].concat()).into_owned();
        assert!(output.status.success(), "{said}");
        said
    }
}
