//! The command line of `tidegate connect`.
//!
//! Knows: its options, clap.
//! Must not know: what an address or a header is, what is done with them.

use clap::{Arg, ArgAction, ArgMatches};

/// The word for it on the command line.
pub(super) const NAME: &str = "connect";

const ABOUT: &str = "Be a WebSocket client: lines in, messages out";

const NOTES: &str = "\
Each line of standard input is sent as a text message, and what comes is printed, a line each. On a
terminal, or with --prompt, a prompt asks for each line, and `exit` ends. Otherwise every line is
sent as it is, so that it can stand in a pipe. Binary messages are shown in base64; what would
control a terminal is shown escaped on one. Ctrl-C closes, a second one ends at once.

The status is 0 if the connection ended as agreed (1000, or no code), 2 if what stands here cannot
be used, else 1.";

/// What a client is told before it connects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connect {
    /// Where to: `ws://host[:port]/path?query`, unread.
    pub url: String,
    /// What asks for a line, if not the usual.
    pub prompt: Option<String>,
    /// What stands before each message that comes, if not the usual.
    pub prefix: Option<String>,
    /// Header fields for the handshake: `Name: value`, unread.
    pub headers: Vec<String>,
    /// A file with a credential.
    pub token_file: Option<String>,
    /// The `connectionId` to register under.
    pub id: Option<String>,
}

pub(super) fn command() -> clap::Command {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        let arg = Arg::new(name).long(name).value_name(value).help(help);
        arg.allow_hyphen_values(true)
    };
    clap::Command::new(NAME)
        .about(ABOUT)
        .arg(text("prompt", "TEXT", "Ask for each line with TEXT [default on a terminal: \"> \"]"))
        .arg(text(
            "prefix",
            "TEXT",
            "Print TEXT before each message [default with a prompt: \"< \"]",
        ))
        .arg(
            text("header", "N: V", "Send a header field with the handshake; repeatable")
                .action(ArgAction::Append),
        )
        .arg(text("token-file", "FILE", "Send the credential in FILE: Authorization: Bearer"))
        .arg(text("id", "ID", "Register under this connectionId, on a route that allows it"))
        .arg(Arg::new("url").value_name("URL").required(true).help("ws://host[:port]/path"))
        .after_help(NOTES)
}

pub(super) fn read(options: &ArgMatches) -> Connect {
    let text = |name: &str| options.get_one::<String>(name).cloned();
    Connect {
        url: text("url").unwrap_or_default(),
        prompt: text("prompt"),
        prefix: text("prefix"),
        headers: options.get_many("header").into_iter().flatten().cloned().collect(),
        token_file: text("token-file"),
        id: text("id"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Command, Config, Refusal};
    use super::*;
    use std::ffi::OsString;

    fn from_args(args: &[&str]) -> Result<Command, Refusal> {
        let args = ["tidegate", NAME].iter().chain(args).map(OsString::from);
        Config::from_args(args, |_| None)
    }

    #[test]
    fn a_client_s_options_are_texts_and_its_own() {
        let args =
            ["--prompt", "Client >> ", "--prefix=- ", "--header", "A: b", "--header", "C: d"];
        let args = [&args[..], &["--id=a b", "--token-file=a.key", "ws://x"]].concat();
        let Ok(Command::Connect(options)) = from_args(&args) else { panic!("{args:?}") };
        let expected = Connect {
            url: "ws://x".to_owned(),
            prompt: Some("Client >> ".to_owned()),
            prefix: Some("- ".to_owned()),
            headers: vec!["A: b".to_owned(), "C: d".to_owned()],
            token_file: Some("a.key".to_owned()),
            id: Some("a b".to_owned()),
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn a_client_has_one_address_and_no_options_of_a_server() {
        for (args, part) in [
            (&[][..], "<URL>"),
            (&["--cores", "3", "ws://x"], "--cores"),
            (&["ws://x", "ws://y"], "ws://y"),
        ] {
            match from_args(args) {
                Err(Refusal::Told(told)) => assert!(told.to_string().contains(part), "{told}"),
                other => panic!("{args:?}: {other:?}"),
            }
        }
    }
}
