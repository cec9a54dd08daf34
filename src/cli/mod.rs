//! The client, `tidegate connect`; keys and tokens, `tidegate token`.
//!
//! Knows: the process's standard streams and signals, how to reach a server.
//! Must not know: anything of the server; it is one more client.
//!
//! Blocking and small: one thread that waits for the socket, for lines and for signals together.
//! Whoever edits lines at a terminal does so in a thread of its own.

mod closes;
mod conversation;
mod failure;
mod handshake;
mod lines;
mod losses;
mod peer;
mod screen;
mod token;
mod typist;
mod url;

use crate::config::Connect;
use conversation::{Conversation, Manner};
use failure::Failure;
use handshake::{Fields, shake_hands};
use lines::Lines;
use peer::Peer;
use screen::{Screen, escape};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};
use std::env;
use std::fs::File;
use std::io::{self, IsTerminal, StdoutLock, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
pub use token::token;
use typist::Typist;
use url::Url;

/// For each address, and again from the request to the end of its answer.
const CONNECT_TIME: Duration = Duration::from_secs(10);

/// What asks for a line, and what stands before a message, unless somebody says otherwise.
const PROMPT: &str = "> ";
const PREFIX: &str = "< ";

/// What a person is told who is connected.
const HOW_TO: &str = "a line is a message, Ctrl-D ends";

/// 128 and the signal's number, as shells have it.
const INTERRUPTED: i32 = 130;

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
        complain(&format!("connected to {}; {HOW_TO}", url.without_query()));
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
    let mut fields = Fields::default();
    for header in &options.headers {
        if let Err(why) = fields.add(header) {
            // Its value may be a secret.
            let name = header.split(':').next().unwrap_or_default();
            mistakes.push(format!("--header: \"{}\" {why}", escape(name)));
        }
    }
    for name in &options.subprotocols {
        if let Err(why) = fields.add_subprotocol(name) {
            mistakes.push(format!("--subprotocol: \"{}\" {why}", escape(name)));
        }
    }
    if let Some(file) = &options.token_file
        && let Err(why) = fields.add_token(file)
    {
        mistakes.push(format!("--token-file: {why}"));
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

/// The first address that takes a connection.
fn reach(url: &Url) -> Result<TcpStream, Failure> {
    let mut tried = Vec::new();
    let found = addresses(url).map_err(|error| Failure::UnknownHost(url.host.clone(), error))?;
    for address in found {
        match TcpStream::connect_timeout(&address, CONNECT_TIME) {
            Ok(stream) => return Ok(stream),
            Err(error) => tried.push((address, error)),
        }
    }
    Err(Failure::Unreachable(url.authority.clone(), tried))
}

/// `localhost` is both loopback addresses, whatever the system makes of it: so it is for a server.
fn addresses(url: &Url) -> io::Result<Vec<SocketAddr>> {
    if url.host.eq_ignore_ascii_case("localhost") {
        let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        return Ok(both.map(|address| SocketAddr::new(address, url.port)).to_vec());
    }
    Ok((url.host.as_str(), url.port).to_socket_addrs()?.collect())
}

/// Something to read from once a signal asks us to end. A second one does not ask, nor does any
/// once that is true.
fn hear_signals() -> io::Result<(UnixStream, Arc<AtomicBool>)> {
    let (ear, mouth) = UnixStream::pair()?;
    let is_asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&is_asked))?;
        flag::register(signal, Arc::clone(&is_asked))?;
        low_level::pipe::register(signal, mouth.try_clone()?)?;
    }
    Ok((ear, is_asked))
}
