//! The command line of `tidegate tap`.
//!
//! Knows: its options, clap.
//! Must not know: what an address, a header or an event is, what is done with them.

use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, ArgMatches};

/// The word for it on the command line.
pub(super) const NAME: &str = "tap";

const ABOUT: &str = "Print events as they come";

/// Where a server is that was told nothing.
const URL: &str = "http://localhost:8082/events";

/// What an event can be.
const TYPES: [&str; 5] = ["message", "binary", "close", "join", "leave"];

const NOTES: &str = "\
One line an event: the time (UTC), the room, whose it is (- if it came by the API), what it is. A
name with a space in it is shown as in JSON. With --json a line is what the server sends, one JSON
object. What would control a terminal is shown escaped on one.

Of the URL what is left out is that of a server on this machine: :9000 and /events?room=lab are on
localhost, example.org is http://example.org:8082/events.

If the connection breaks or the server restarts, tap goes on after the last event, and nothing is
printed twice; what the server has no more is told: -- 12 events missed --. Filters by room and
connectionId are the server's; an event must pass both.

The status is 0 if tap was asked to end (Ctrl-C, nobody reads the pipe, --no-follow), 2 if what
stands here cannot be used, else 1.";

/// What a reader of events is told before it connects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tap {
    /// Where from: `http://host[:port][/path][?query]`, unread.
    pub url: String,
    /// Only events of these rooms, if any is named.
    pub rooms: Vec<String>,
    /// Only events of connections of these names.
    pub connection_ids: Vec<String>,
    /// Where to begin: `earliest`, `now` or an event id, unread.
    pub since: Option<String>,
    /// Go on when the present is reached.
    pub follows: bool,
    /// Print what the server sends.
    pub json: bool,
    /// Print only events of these types, if any is named.
    pub types: Vec<String>,
    /// Header fields for the request: `Name: value`, unread.
    pub headers: Vec<String>,
    /// A file with a credential.
    pub token_file: Option<String>,
}

pub(super) fn command() -> clap::Command {
    let text = |name: &'static str, value: &'static str, help: &'static str| {
        let arg = Arg::new(name).long(name).value_name(value).help(help);
        arg.allow_hyphen_values(true)
    };
    let each = |arg: Arg| arg.action(ArgAction::Append);
    let switch = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).help(help).action(ArgAction::SetTrue)
    };
    let types = Arg::new("type").long("type").value_name("TYPE").value_delimiter(',');
    let types = types.value_parser(PossibleValuesParser::new(TYPES)).hide_possible_values(true);
    let url = Arg::new("url").value_name("URL").default_value(URL);
    clap::Command::new(NAME)
        .about(ABOUT)
        .args([
            each(text("room", "ROOM", "Only events of this room; repeatable")),
            each(text("connection-id", "ID", "Only events of this connectionId; repeatable")),
            text("since", "WHERE", "Begin at earliest, now, or after an event's id [default: now]"),
            switch("no-follow", "End at the present instead of waiting for more"),
            switch("json", "Print each event as the server sends it, in JSON"),
            each(types.help("Only message, binary, close, join or leave; repeatable")),
            each(text("header", "N: V", "Send a header field with the request; repeatable")),
            text("token-file", "FILE", "Send the credential in FILE: Authorization: Bearer"),
            url.help("http://host[:port][/path]"),
        ])
        .after_help(NOTES)
}

pub(super) fn read(options: &ArgMatches) -> Tap {
    let text = |name: &str| options.get_one::<String>(name).cloned();
    let texts = |name: &str| options.get_many(name).into_iter().flatten().cloned().collect();
    Tap {
        url: text("url").unwrap_or_default(),
        rooms: texts("room"),
        connection_ids: texts("connection-id"),
        since: text("since"),
        follows: !options.get_flag("no-follow"),
        json: options.get_flag("json"),
        types: texts("type"),
        headers: texts("header"),
        token_file: text("token-file"),
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

    fn options(args: &[&str]) -> Tap {
        match from_args(args) {
            Ok(Command::Tap(options)) => options,
            other => panic!("{args:?}: {other:?}"),
        }
    }

    #[test]
    fn without_a_word_it_is_all_events_of_a_server_on_defaults() {
        let expected = Tap { url: URL.to_owned(), follows: true, ..Tap::default() };
        assert_eq!(options(&[]), expected);
        let mut addrs = Config::default().http_addrs.into_iter();
        assert!(addrs.any(|addr| URL.contains(&format!("localhost:{}/", addr.port()))));
    }

    #[test]
    fn filters_are_repeatable_and_texts() {
        let args = ["--room", "a", "--room=-b", "--connection-id", "x y", "--since=earliest"];
        let more = ["--type", "close,join", "--type", "leave", "--header", "A: b", "--json"];
        let last = ["--no-follow", "--token-file", "a.key", "http://x"];
        let texts = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
        let expected = Tap {
            url: "http://x".to_owned(),
            rooms: texts(&["a", "-b"]),
            connection_ids: texts(&["x y"]),
            since: Some("earliest".to_owned()),
            follows: false,
            json: true,
            types: texts(&["close", "join", "leave"]),
            headers: texts(&["A: b"]),
            token_file: Some("a.key".to_owned()),
        };
        assert_eq!(options(&[&args[..], &more, &last].concat()), expected);
    }

    #[test]
    fn what_is_no_option_of_a_reader_is_named() {
        for (args, part) in [
            (&["--type", "closed"][..], "message, binary, close, join, leave"),
            (&["--cores", "3"], "--cores"),
            (&["http://x", "http://y"], "http://y"),
            (&["--rooms", "x"], "--room"),
        ] {
            match from_args(args) {
                Err(Refusal::Told(told)) => assert!(told.to_string().contains(part), "{told}"),
                other => panic!("{args:?}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_help_fits_a_screen() {
        let text = command().render_help().to_string();
        assert!(text.lines().all(|line| line.len() <= 100), "{text}");
        assert!(text.lines().count() <= 40, "{text}");
    }
}
