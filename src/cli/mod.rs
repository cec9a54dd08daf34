//! The clients, `tidegate connect` and `tidegate tap`; keys and tokens, `tidegate token`.
//!
//! Knows: the process's standard streams and signals, how to reach a server.
//! Must not know: anything of the server; they are two more clients.
//!
//! Blocking and small: one thread that waits for the socket, for lines and for signals together.

mod conversation;
mod escape;
mod failure;
mod fields;
mod handshake;
mod lines;
mod peer;
mod reach;
mod response;
mod screen;
mod signals;
mod tap;
mod token;
mod url;

use crate::config::Connect;
use conversation::Conversation;
use escape::escape;
use failure::Failure;
use fields::Fields;
use handshake::shake_hands;
use lines::Lines;
use peer::Peer;
use reach::{CONNECT_TIME, reach};
use screen::Screen;
use signals::hear_signals;
use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
pub use tap::tap;
pub use token::token;
use url::Url;

/// What asks for a line, and what stands before a message, unless somebody says otherwise.
const PROMPT: &str = "> ";
const PREFIX: &str = "< ";

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
    let (input, out) = (io::stdin(), io::stdout());
    let has_typist = input.is_terminal() && out.is_terminal();
    let usual = |text: &str| has_typist.then(|| text.to_owned());
    let prompt = options.prompt.clone().or_else(|| usual(PROMPT));
    let prefix = options.prefix.clone().or_else(|| prompt.as_ref().map(|_| PREFIX.to_owned()));
    let may_exit = prompt.is_some() || input.is_terminal();
    // Its own handle of standard input: std's would read more than we have seen arrive.
    let lines = Lines::new(File::from(input.as_fd().try_clone_to_owned()?));
    let is_terminal = out.is_terminal();
    let screen = Screen::new(out.lock(), prompt, prefix.unwrap_or_default(), is_terminal);
    let peer = Peer::new(stream, spoken);
    Conversation::new(peer, hear_signals()?, lines, screen, may_exit).run()
}

/// What the command line means, or everything that is wrong with it.
fn read(options: &Connect) -> Result<(Url, Fields), Failure> {
    let mut mistakes = Vec::new();
    let token_file = options.token_file.as_deref();
    let fields = Fields::read(&options.headers, token_file, &handshake::RESERVED, &mut mistakes);
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
