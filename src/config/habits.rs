//! What people write who know other servers, and what it is here.
//!
//! Knows: options and commands of others, and of one's first guess.
//! Must not know: how a line is parsed, what an option does.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

const PORTS: &str = "write --ws-addr for WebSockets and --http-addr for events and the API, each \
    with a port like 8080 or an address like 127.0.0.1:8080";
const FILE: &str = "write --config FILE";
const LOG: &str = "set the variable TIDEGATE_LOG to error, warn, info, debug or trace; the log is \
    on standard error";
const LOG_FORMAT: &str = "set the variable TIDEGATE_LOG_FORMAT to json";
const FOREGROUND: &str = "it stays in the foreground and writes no file of its number; systemd, \
    or & in a shell, has it in the background";
const TLS: &str = "TLS is not spoken yet; put a proxy such as nginx or Caddy before it";
const CORES: &str = "write --cores N";
const ORIGINS: &str = "write --allow-origin ORIGIN for the pages that may connect, as in \
    https://example.org";
const HOSTS: &str = "write --allow-host NAME for what the server is called";
const MESSAGE: &str = "write --max-message SIZE, as in 1MiB";
const BROKER: &str = "there is no broker: rooms and their logs are in the memory of one process";
const FILES: &str = "write a table [[files]], with path and folder, in the file of --config";
const METRICS: &str = "/metrics, /livez and /readyz are at --http-addr, beside the API";
const KEYS: &str = "write a [[key]] in the file of --config, which names the file or the variable \
    that has the secret; no secret belongs on a command line";

/// Options, without their dashes.
const OPTIONS: &[(&[&str], &str)] = &[
    (
        &[
            "port",
            "p",
            "ports",
            "ws-port",
            "http-port",
            "sse-port",
            "host",
            "hostname",
            "address",
            "addr",
            "bind",
            "b",
            "listen",
            "l",
            "interface",
            "server",
            "url",
        ],
        PORTS,
    ),
    (&["c", "f", "conf", "config-file", "configfile", "file", "settings"], FILE),
    (
        &[
            "debug",
            "v",
            "vv",
            "vvv",
            "verbose",
            "quiet",
            "q",
            "silent",
            "log",
            "log-level",
            "loglevel",
            "log-file",
            "logfile",
            "logs",
            "trace",
            "access-log",
        ],
        LOG,
    ),
    (&["log-format", "log-json", "json-logs"], LOG_FORMAT),
    (
        &[
            "d",
            "daemon",
            "daemonize",
            "background",
            "detach",
            "pid",
            "pid-file",
            "pidfile",
            "user",
            "group",
        ],
        FOREGROUND,
    ),
    (
        &[
            "tls",
            "ssl",
            "https",
            "wss",
            "cert",
            "tls-cert",
            "ssl-cert",
            "cert-file",
            "tls-key",
            "ssl-key",
            "key-file",
            "sslcert",
            "sslkey",
            "acme",
        ],
        TLS,
    ),
    (&["workers", "worker", "w", "threads", "t", "j", "processes", "concurrency"], CORES),
    (&["cors", "origin", "origins", "allow-origins", "allowed-origins", "cors-origins"], ORIGINS),
    (&["hosts", "allow-hosts", "allowed-hosts", "server-name"], HOSTS),
    (
        &[
            "max-payload",
            "max-payload-length",
            "max-size",
            "max-message-size",
            "max-frame",
            "max-frame-size",
            "maxframesize",
            "message-size",
            "max-msg-size",
        ],
        MESSAGE,
    ),
    (&["redis", "redis-url", "broker", "nats", "nats-url", "cluster", "engine"], BROKER),
    (&["static", "staticdir", "static-dir", "dir", "root", "public", "www", "folder"], FILES),
    (&["metrics", "metrics-port", "admin", "admin-port", "health", "prometheus"], METRICS),
    (&["jwt", "jwt-secret", "jwt-key", "jwks-url", "hmac", "api-keys", "credentials"], KEYS),
];

const SERVES: &str = "write tidegate alone, or tidegate serve";
const RELOADS: &str = "a server that runs stops on SIGTERM (kill PID), and reads its --config \
    again on SIGHUP (kill -HUP PID)";
const CLIENT: &str =
    "write tidegate connect ws://localhost:8080/ for a client whose lines are messages";
const READER: &str = "write tidegate tap, or curl -N http://localhost:8082/events, to read events";

/// Commands.
const COMMANDS: &[(&[&str], &str)] = &[
    (&["start", "run", "server", "up", "launch", "daemon", "listen"], SERVES),
    (&["stop", "reload", "restart", "kill", "shutdown", "down"], RELOADS),
    (&["version"], "write tidegate --version"),
    (
        &["validate", "test", "checkconfig", "check-config", "configtest", "lint", "verify"],
        "write tidegate check --config FILE",
    ),
    (
        &["genconfig", "defaultconfig", "init", "print-config", "show", "dump", "options"],
        "write tidegate config for what is in force, tidegate --help for all options",
    ),
    (&["gentoken", "mint", "jwt", "sign"], "write tidegate token mint"),
    (&["checktoken", "decode"], "write tidegate token verify"),
    (&["keygen", "genkey", "key", "secret"], "write tidegate token key FILE"),
    (&["client", "ws", "cat", "open", "send", "publish", "pub", "chat"], CLIENT),
    (&["subscribe", "sub", "watch", "tail", "events", "sse", "read", "listener"], READER),
    (&["status", "top", "health", "metrics", "stats", "ping"], METRICS),
];

/// The commands to which the options of a server belong.
const OF_SERVERS: [&str; 3] = ["serve", "check", "config"];
const OTHERS: [&str; 4] = ["connect", "tap", "token", "help"];

/// What to say of an option of that name, which there is not.
pub(super) fn of_option(name: &str) -> Option<&'static str> {
    let bare = name.trim_start_matches('-').to_ascii_lowercase().replace('_', "-");
    found(OPTIONS, &bare)
}

fn found(table: &[(&[&str], &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(names, _)| names.contains(&name)).map(|(_, said)| *said)
}

/// The same mistake of the line `args`, in words that say what to write instead, if they are known.
pub(super) fn advise(error: clap::Error, args: &[OsString]) -> clap::Error {
    let words: Vec<&str> = args.iter().skip(1).filter_map(|arg| arg.to_str()).collect();
    let first = words.first().copied().unwrap_or_default();
    if OTHERS.contains(&first) {
        return error;
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let advice = match error.kind() {
        ErrorKind::UnknownArgument => {
            let given = text(ContextKind::InvalidArg).unwrap_or_default();
            let name = given.split(['=', ' ']).next().unwrap_or_default();
            match name.starts_with('-') {
                true => of_option(name).map(|said| format!("{name} is no option; {said}")),
                false => of_word(given, first),
            }
        }
        ErrorKind::InvalidSubcommand => {
            of_word(text(ContextKind::InvalidSubcommand).unwrap_or_default(), "")
        }
        ErrorKind::ArgumentConflict => OF_SERVERS
            .iter()
            .find(|command| words.contains(command))
            .map(|command| format!("options stand behind the command; write tidegate {command} …")),
        _ => None,
    };
    match advice {
        Some(advice) => clap::Error::raw(error.kind(), format!("{advice}\n")),
        None => error,
    }
}

/// A word that is neither an option nor a command; `command` is the first word of the line.
fn of_word(word: &str, command: &str) -> Option<String> {
    let shown = word.escape_debug();
    if let Some(said) = found(COMMANDS, word) {
        return Some(format!("{shown} is no command; {said}"));
    }
    let behind = if OF_SERVERS.contains(&command) { format!(" {command}") } else { String::new() };
    let is_file = [".toml", ".yml", ".yaml", ".json", ".conf", ".ini"].iter();
    if is_file.clone().any(|end| word.ends_with(end)) || word.contains('/') {
        let line = format!("tidegate{behind} --config {shown}");
        return Some(format!("{shown} is no command; write {line}"));
    }
    let port = word.rsplit(':').next().unwrap_or_default();
    let is_port = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    is_port.then(|| format!("{shown} is no command; {PORTS}"))
}

#[cfg(test)]
mod tests {
    use super::super::{Config, Refusal, flags};
    use super::*;
    use std::collections::HashSet;

    fn told(line: &str) -> String {
        let args = line.split(' ').map(OsString::from);
        match Config::from_args(args, |_| None) {
            Err(Refusal::Told(told)) => told.to_string(),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn each_habit_is_told_what_it_is_here() {
        for (line, part) in [
            ("tidegate --port 80", "--ws-addr"),
            ("tidegate --PORT=80", "--ws-addr"),
            ("tidegate -p 80", "--ws-addr"),
            ("tidegate check -c a.toml", "--config FILE"),
            ("tidegate a.toml", "tidegate --config a.toml"),
            ("tidegate check etc/a", "tidegate check --config etc/a"),
            ("tidegate :8080", "--ws-addr"),
            ("tidegate start", "tidegate serve"),
            ("tidegate version", "--version"),
            ("tidegate --cores 2 check", "tidegate check …"),
            ("tidegate --log_level debug", "TIDEGATE_LOG"),
        ] {
            assert!(told(line).contains(part), "{line}: {}", told(line));
        }
        assert!(told("tidegate connect -p ws://x").contains("'-p'"));
        assert!(!told("tidegate --jwt-secret=5ecre7").contains("5ecre7"));
    }

    #[test]
    fn no_habit_is_ours() {
        let command = flags::command();
        let options: HashSet<_> =
            command.get_arguments().filter_map(|arg| arg.get_long()).collect();
        let commands: HashSet<_> = command.get_subcommands().map(|one| one.get_name()).collect();
        for (names, _) in OPTIONS {
            assert!(names.iter().all(|name| !options.contains(name)), "{names:?}");
        }
        for (names, _) in COMMANDS {
            assert!(names.iter().all(|name| !commands.contains(name)), "{names:?}");
        }
        for name in commands {
            assert!(OF_SERVERS.contains(&name) || OTHERS.contains(&name), "{name}");
        }
    }
}
