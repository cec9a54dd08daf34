//! The clients, `tidegate connect` and `tidegate tap`; keys and tokens, `tidegate token`.
//!
//! Knows: the process's standard streams and signals, how to reach a server.
//! Must not know: anything of the server; they are two more clients.
//!
//! Blocking and small: one thread that waits for the socket, for lines and for signals together.
//! Whoever edits lines at a terminal does so in a thread of its own.

mod closes;
mod conversation;
mod escape;
mod failure;
mod fields;
mod handshake;
mod lines;
mod losses;
mod peer;
mod reach;
mod response;
mod screen;
mod signals;
mod tap;
mod token;
mod typist;
mod url;

use crate::config::Connect;
use conversation::{Conversation, Manner};
use escape::escape;
use failure::Failure;
use fields::Fields;
use handshake::{RESERVED, shake_hands};
use lines::Lines;
use peer::Peer;
use reach::{CONNECT_TIME, reach};
use screen::Screen;
use signals::hear_signals;
use std::env;
use std::fs::File;
use std::io::{self, IsTerminal, StdoutLock, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
pub use tap::tap;
pub use token::token;
use typist::Typist;
use url::Url;

/// What asks for a line, and what stands before a message, unless somebody says otherwise.
const PROMPT: &str = "> ";
const PREFIX: &str = "< ";

/// What a person is told who is connected.
const HOW_TO: &str = "a line is a message, Ctrl-D ends";

/// Connects, and stays until either side closes.
pub fn connect(options: &Connect) -> ExitCode {
    match converse(options) {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(farewell)) => {
            complain(&farewell);
            ExitCode::SUCCESS
        }
        Err(failure) => {
            complain(&failure.to_string());
            ExitCode::from(failure.status())
        }
    }
}

/// Says it to whoever started us, if anybody listens.
fn complain(what: &str) {
    for line in what.lines() {
        let _ = writeln!(io::stderr(), "tidegate: {line}");
    }
}

fn converse(options: &Connect) -> Result<Option<String>, Failure> {
    let (url, fields) = read(options)?;
    let mut stream = reach(&url)?;
    stream.set_nodelay(true)?;
    let spoken = shake_hands(&mut stream, &url, &fields, CONNECT_TIME)?;
    stream.set_nonblocking(true)?;
    let (signals, is_asked) = hear_signals()?;
    let is_person = io::stdin().is_terminal() && io::stdout().is_terminal();
    if is_person {
        complain(&format!("connected to {}; {HOW_TO}", url.without_query("ws")));
    }
    let (lines, screen, manner) = sit_down(options, is_person, is_asked)?;
    Conversation::new(Peer::new(stream, spoken), signals, lines, screen, manner).run()
}

/// Lines, a screen and manners, as the standard streams want them.
fn sit_down(
    options: &Connect,
    is_person: bool,
    is_asked: Arc<AtomicBool>,
) -> io::Result<(Lines<File>, Screen<StdoutLock<'static>>, Manner)> {
    let (input, out) = (io::stdin(), io::stdout());
    let is_dumb = env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
    let is_plain = is_dumb || env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let usual = |text: &str| is_person.then(|| text.to_owned());
    let prompt = options.prompt.clone().or_else(|| usual(PROMPT));
    let prefix = options.prefix.clone().or_else(|| prompt.as_ref().map(|_| PREFIX.to_owned()));
    let prefix = prefix.unwrap_or_default();
    let manner = Manner { may_exit: prompt.is_some() || input.is_terminal(), is_person };
    let is_terminal = out.is_terminal();
    let screen = |prompt| {
        let screen = Screen::new(out.lock(), prompt, prefix, is_terminal);
        if is_terminal && !is_plain { screen.with_colours() } else { screen }
    };
    if is_person && !is_dumb {
        let (typist, typed) = Typist::start(prompt.unwrap_or_default(), is_asked)?;
        let lines = Lines::new(File::from(OwnedFd::from(typed)));
        return Ok((lines, screen(None).with_typist(typist), manner));
    }
    // Its own handle of standard input: std's would read more than we have seen arrive.
    let lines = Lines::new(File::from(input.as_fd().try_clone_to_owned()?));
    Ok((lines, screen(prompt), manner))
}

/// What the command line means, or everything that is wrong with it.
fn read(options: &Connect) -> Result<(Url, Fields), Failure> {
    let mut mistakes = Vec::new();
    let (headers, token_file) = (&options.headers, options.token_file.as_deref());
    let mut fields = Fields::read(headers, token_file, &RESERVED, &mut mistakes);
    for name in &options.subprotocols {
        if let Err(why) = fields.add_subprotocol(name) {
            mistakes.push(format!("--subprotocol: \"{}\" {why}", escape(name)));
        }
    }
    let url = Url::parse(&options.url);
    let url = url.map_err(|why| mistakes.push(format!("\"{}\" {why}", escape(&options.url))));
    match (url, mistakes.is_empty()) {
        (Ok(url), true) => Ok(match &options.id {
            Some(id) => (url.with_parameter("connectionId", id), fields),
            None => (url, fields),
        }),
        _ => Err(Failure::Usage(mistakes)),
    }
}
