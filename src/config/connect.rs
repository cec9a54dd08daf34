//! The command line of `tidegate connect`.
//!
//! Knows: its options, clap.
//! Must not know: what an address or a header is, what is done with them.

use clap::{Arg, ArgAction, ArgMatches};

/// The word for it on the command line.
pub(super) const NAME: &str = "connect";

const ABOUT: &str = "Be a WebSocket client: lines in, messages out";

const NOTES: &str = "\
Each line of standard input is sent as a text message, and what comes is printed, a line each.

On a terminal lines are edited: arrow keys move and bring back earlier lines, Ctrl-R searches them
(they are in no file), what comes meanwhile is printed above the line being typed. Of a text that is
pasted each line is a message. `exit`, Ctrl-D or Ctrl-C ends; a second Ctrl-C does not wait for the
server. What would control a terminal is shown escaped, binary messages in base64.

In a pipe every line is sent as it is, and the end of the input ends. With --prompt a line is sent
when the last one is answered, and `exit` ends.

Of the URL what is left out is that of a server on this machine: :9000/echo and /echo are on
localhost, /echo and example.org/echo at port 8080.

The status is 0 if the connection ended as agreed (1000, or no code) and, in a pipe, the server
refused no message; 2 if what stands here cannot be used; else 1.";

/// Where a server is that was started without options.
const URL: &str = "ws://localhost:8080/";

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
    /// Subprotocols that are offered, unread.
    pub subprotocols: Vec<String>,
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
        .arg(
            text("subprotocol", "NAME", "Offer this subprotocol; repeatable")
                .action(ArgAction::Append),
        )
        .arg(Arg::new("url").value_name("URL").default_value(URL).help("ws://host[:port]/path"))
        .after_help(NOTES)
}

pub(super) fn read(options: &ArgMatches) -> Connect {
    let text = |name: &str| options.get_one::<String>(name).cloned();
    let texts = |name: &str| options.get_many(name).into_iter().flatten().cloned().collect();
    Connect {
        url: text("url").unwrap_or_default(),
        prompt: text("prompt"),
        prefix: text("prefix"),
        headers: texts("header"),
        token_file: text("token-file"),
        subprotocols: texts("subprotocol"),
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
        let more = ["--id=a b", "--token-file=a.key", "--subprotocol=e", "--subprotocol", "f"];
        let args = [&args[..], &more, &["ws://x"]].concat();
        let Ok(Command::Connect(options)) = from_args(&args) else { panic!("{args:?}") };
        let expected = Connect {
            url: "ws://x".to_owned(),
            prompt: Some("Client >> ".to_owned()),
            prefix: Some("- ".to_owned()),
            headers: vec!["A: b".to_owned(), "C: d".to_owned()],
            token_file: Some("a.key".to_owned()),
            subprotocols: vec!["e".to_owned(), "f".to_owned()],
            id: Some("a b".to_owned()),
        };
        assert_eq!(options, expected);
    }

    #[test]
    fn a_client_has_one_address_and_no_options_of_a_server() {
        let Ok(Command::Connect(options)) = from_args(&[]) else { panic!("no URL is needed") };
        assert_eq!(options.url, URL);
        for (args, part) in
            [(&["--cores", "3", "ws://x"][..], "--cores"), (&["ws://x", "ws://y"], "ws://y")]
        {
            match from_args(args) {
                Err(Refusal::Told(told)) => assert!(told.to_string().contains(part), "{told}"),
                other => panic!("{args:?}: {other:?}"),
            }
        }
    }
}
