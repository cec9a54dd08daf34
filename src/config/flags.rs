//! The table of options, made into a parser, its help, and a reference.
//!
//! Knows: the table, clap.
//! Must not know: what values mean: it takes any text, so that all mistakes can be told together.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, value_parser};

use super::settings::{Group, Setting, Takes};
use super::table::GROUPS;
use super::units::Unit;
use super::{Config, connect, tap, token};

const ABOUT: &str = "An edge server: WebSocket messages in, Server-Sent Events out, in order, \
                     none skipped silently.";

const CHECK_NOTES: &str = "\
It takes every option of a server (`tidegate --help` lists them), and reads the same environment.

Each line of what it says begins with ok, warning or error, and says what to do: of the
configuration, of descriptors, of each address, of the kernel's queues for clients that come all at
once, of processors and of memory. Nothing is changed, and a server that runs is not disturbed: that
an address is in use is a warning, as it may be that server's.

It ends with 0; with 1 if something of the system would keep a server from starting; with 2 if there
is a mistake in the configuration.";

const CONFIG_NOTES: &str = "\
It takes every option of a server (`tidegate --help` lists them), and reads the same environment.";

const NOTES: &str = "\
ADDR is 127.0.0.1:8080, [::1]:8080, localhost:8080 (both of these) or just 8080 (the same).
SIZE is a number of bytes, or like 64KiB, 1MiB, 1GiB. TIME is like 500ms, 25s, 5m, 1h.
ORIGIN is scheme://host[:port], * or null; NAME is a host without its port, or *.

Each option is also an environment variable: --max-message is TIDEGATE_MAX_MESSAGE; several
values are separated by commas; an empty variable counts as unset. What is written in FILE by the
same names, like cores = 2, gives way to the environment, and that to the command line.
TIDEGATE_LOG, or else RUST_LOG, says what is logged: error, warn, info, debug or trace; every
request and every connection with info,access=debug,connection=debug. With
TIDEGATE_LOG_FORMAT=json each line is a JSON object.";

/// Says whether a configuration is without mistakes.
pub(super) const CHECK: &str = "check";
/// Says what is in force.
pub(super) const CONFIG: &str = "config";

/// What nobody gives by a flag: other users of the machine see it there.
const SECRETS: [&str; 6] = ["secret", "password", "token", "key", "api-key", "auth"];

/// The whole command line.
pub(super) fn command() -> clap::Command {
    let serve = clap::Command::new("serve").about("Be a server; the same as no command at all");
    let whole = clap::Command::new("tidegate").version(env!("CARGO_PKG_VERSION")).about(ABOUT);
    let check = clap::Command::new(CHECK)
        .about("Read everything as a server would, look at the system, and say what is wrong");
    let config = clap::Command::new(CONFIG).about("Print what is in force, as a file for --config");
    // Options before a command would be for another command than they seem to be.
    let whole = with_options(whole).args_conflicts_with_subcommands(true);
    let readers = [check.after_help(CHECK_NOTES), config.after_help(CONFIG_NOTES)];
    let servers = readers.map(with_hidden_options).into_iter().chain([with_options(serve)]);
    let others = [connect::command(), tap::command(), token::command()];
    whole.subcommands(servers).subcommands(others)
}

/// All options with unit, default and range, as Markdown tables: one place for the documentation to
/// copy from, and for a test to compare it with.
pub fn reference() -> String {
    let mut text = String::new();
    for group in &GROUPS {
        let head = "| option | what | default | from | to |\n|---|---|---|---|---|\n";
        text.push_str(&format!("### {}\n\n{head}", group.heading));
        for setting in group.settings {
            let value = value_name(setting).map(|name| format!(" {name}")).unwrap_or_default();
            let default = default_text(setting).unwrap_or_default();
            let (least, most) = range_text(setting).unwrap_or_default();
            let option = format!("`--{}{value}`", setting.flag);
            let cells = [&option, setting.help, &default, &least, &most];
            text.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
        text.push('\n');
    }
    text
}

/// The same options, of which the help shows only the one that is given most: nobody wants to read
/// all of them in every help.
fn with_hidden_options(command: clap::Command) -> clap::Command {
    let notes = command.get_after_help().cloned().unwrap_or_default();
    let command = with_options(command).after_help(notes);
    command.mut_args(|arg| {
        let is_hidden = arg.is_hide_set() || !["config", "help"].contains(&arg.get_id().as_str());
        arg.hide(is_hidden)
    })
}

fn with_options(command: clap::Command) -> clap::Command {
    let args = GROUPS.iter().flat_map(|group| group.settings.iter().map(move |one| (group, one)));
    // They are there only to say why they are not.
    let secrets = SECRETS.iter().map(|name| {
        let arg = Arg::new(*name).long(*name).hide(true).num_args(0..=1).allow_hyphen_values(true);
        arg.action(ArgAction::Append).value_parser(value_parser!(OsString))
    });
    let command = command.args(args.map(|(group, setting)| arg(group, setting)));
    command.args(secrets).after_help(NOTES)
}

/// What is wrong with a line that has a secret in it, which is not repeated.
pub(super) fn refuse_secrets(options: &ArgMatches) -> Result<(), clap::Error> {
    let is_given = |name: &&&str| options.value_source(name) == Some(ValueSource::CommandLine);
    let Some(name) = SECRETS.iter().find(is_given) else { return Ok(()) };
    let words = format!(
        "--{name} is no option: others can see what is on a command line; write a [[key]] into \
         the file of --config, with secret = {{ file = \"app.key\" }} or {{ env = \"NAME\" }}\n"
    );
    Err(command().error(ErrorKind::UnknownArgument, words))
}

fn arg(group: &Group, setting: &'static Setting) -> Arg {
    let arg = Arg::new(setting.flag).long(setting.flag).help_heading(group.heading);
    let arg = arg.help(help(setting));
    let Some(name) = value_name(setting) else {
        return arg.action(ArgAction::SetTrue);
    };
    // `--cores -1` should be told what is wrong with -1, not that there is no option of that name.
    let arg =
        arg.value_name(name).value_parser(value_parser!(OsString)).allow_negative_numbers(true);
    match setting.takes {
        Takes::Addresses(_) | Takes::Origins(_) | Takes::Hosts(_) => arg.action(ArgAction::Append),
        // By itself it says yes, as any other switch does.
        Takes::Switch(_) => arg.num_args(0..=1).default_missing_value("true"),
        Takes::Nothing(_) | Takes::Quantity(..) | Takes::File => arg,
    }
}

fn help(setting: &Setting) -> String {
    match default_text(setting) {
        Some(default) => format!("{} [default: {default}]", setting.help),
        None => setting.help.to_string(),
    }
}

fn value_name(setting: &Setting) -> Option<&'static str> {
    match setting.takes {
        Takes::Nothing(_) => None,
        Takes::Switch(_) => Some("BOOL"),
        Takes::File => Some("FILE"),
        Takes::Addresses(_) => Some("ADDR"),
        Takes::Origins(_) => Some("ORIGIN"),
        Takes::Hosts(_) => Some("NAME"),
        Takes::Quantity(Unit::Bytes, ..) => Some("SIZE"),
        Takes::Quantity(Unit::Things, ..) => Some("N"),
        Takes::Quantity(Unit::Time, ..) => Some("TIME"),
    }
}

fn default_text(setting: &Setting) -> Option<String> {
    let config = &mut Config::default();
    match &setting.takes {
        _ if setting.default.is_some() => setting.default.map(str::to_string),
        Takes::Nothing(_)
        | Takes::Switch(_)
        | Takes::Addresses(_)
        | Takes::Origins(_)
        | Takes::Hosts(_)
        | Takes::File => None,
        Takes::Quantity(unit, _, field) => field.value(config).map(|value| unit.write(value)),
    }
}

fn range_text(setting: &Setting) -> Option<(String, String)> {
    match &setting.takes {
        Takes::Quantity(unit, range, _) => {
            Some((unit.write(*range.start()), unit.write(*range.end())))
        }
        Takes::Nothing(_)
        | Takes::Switch(_)
        | Takes::Addresses(_)
        | Takes::Origins(_)
        | Takes::Hosts(_)
        | Takes::File => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Command, settings};
    use super::*;

    fn help_text() -> String {
        command().render_help().to_string()
    }

    #[test]
    fn the_parser_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn the_help_has_every_heading_and_option() {
        let text = help_text();
        for group in &GROUPS {
            assert!(text.contains(&format!("\n{}:\n", group.heading)), "{}", group.heading);
        }
        for setting in settings::all() {
            let start = format!("      --{} ", setting.flag);
            let lines = text.lines().filter(|line| line.starts_with(&start));
            assert_eq!(lines.count(), 1, "{}", setting.flag);
        }
    }

    /// An option, what it is, and the default that it really has: all on one line of the help.
    #[test]
    fn every_option_and_its_default_are_on_one_line() {
        let text = help_text();
        for setting in settings::all() {
            let start = format!("      --{} ", setting.flag);
            let line = text.lines().find(|line| line.starts_with(&start));
            assert!(line.is_some_and(|line| line.ends_with(&help(setting))), "{line:?}");
        }
        for line in text.lines() {
            assert!(line.len() <= 100, "{line}");
        }
    }

    /// What two of them take is listed elsewhere, and said so.
    #[test]
    fn a_command_that_only_reads_does_not_repeat_the_options() {
        for name in [CHECK, CONFIG] {
            let mut whole = command();
            let command = whole.find_subcommand_mut(name).unwrap();
            let text = command.render_help().to_string();
            assert!(
                text.contains("--config <FILE>") && text.contains("`tidegate --help`"),
                "{text}"
            );
            assert!(!text.contains("--max-message") && text.lines().count() < 30, "{text}");
            assert!(text.lines().all(|line| line.len() <= 100), "{text}");
            let args = ["tidegate", name, "--max-message", "2KiB"].map(OsString::from);
            assert!(Config::from_args(args.into_iter(), |_| None).is_ok(), "{name} takes it");
        }
    }

    /// Who gives an option the default that the help shows changes nothing.
    #[test]
    fn the_defaults_in_the_help_are_the_real_ones() {
        let spoken = ["demo", "allow-origin", "allow-host", "cores", "send-buffer"];
        let mut shown = 0;
        for setting in settings::all().filter(|setting| !spoken.contains(&setting.flag)) {
            if let Some(default) = default_text(setting) {
                let args = ["tidegate".to_string(), format!("--{}", setting.flag), default];
                let command = Config::from_args(args.into_iter().map(OsString::from), |_| None);
                let Ok(Command::Serve(loaded, _)) = command else {
                    panic!("--{}", setting.flag);
                };
                assert_eq!(loaded.config, Config::default(), "--{}", setting.flag);
                shown += 1;
            }
        }
        let without = ["insecure", "compression", "config"].len();
        assert_eq!(shown, settings::all().count() - spoken.len() - without, "all with a value");
    }

    #[test]
    fn the_reference_names_every_option() {
        let text = reference();
        for setting in settings::all() {
            assert!(text.contains(&format!("`--{}", setting.flag)), "{}", setting.flag);
        }
        let row = "| `--max-message SIZE` | One message, all its fragments together \
                   | 64KiB | 1KiB | 64MiB |\n";
        assert!(text.contains(row), "{text}");
    }
}
