//! `tidegate tap`: events as they come.
//!
//! Knows: what the command line means, the process's standard streams.
//! Must not know: anything of the server; it is one more client.
//!
//! Blocking and small: one thread that waits for the socket and for signals together.

mod address;
mod body;
mod ends;
mod event;
mod follow;
mod page;
mod pauses;
mod since;
mod stream;
mod trouble;

use super::complain;
use super::escape::escape;
use super::failure::Failure;
use super::fields::{Fields, Reserved};
use super::signals::{hear_signals_unless, note_interrupt};
use super::url::Url;
use crate::config::Tap;
use ends::Ends;
use follow::{Follow, Patience, Wanted};
use page::{Look, Page};
use std::env;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use trouble::Trouble;

/// The fields that say how events come, and where they begin.
const RESERVED: Reserved = Reserved {
    names: &[
        "Accept",
        "Accept-Encoding",
        "Connection",
        "Content-Length",
        "Expect",
        "Last-Event-ID",
        "TE",
        "Transfer-Encoding",
        "Upgrade",
    ],
    why: "is said by tap itself; --since says where to begin",
};

/// Prints events until nobody wants more.
pub fn tap(options: &Tap) -> ExitCode {
    match read(options).and_then(follow) {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => {
            complain(&trouble.to_string());
            if let Some(advice) = trouble.advice() {
                complain(advice);
            }
            ExitCode::from(trouble.status())
        }
    }
}

fn follow((wanted, is_json): (Wanted, bool)) -> Result<(), Trouble> {
    let is_idle = Arc::new(AtomicBool::new(false));
    let signals = hear_signals_unless(&is_idle)?;
    let out = io::stdout();
    let ends = Ends { signals, out: out.as_fd().try_clone_to_owned()?, is_idle };
    let is_terminal = out.is_terminal();
    let look = Look { is_json, is_terminal, has_colours: is_terminal && takes_colours() };
    let is_interrupted = note_interrupt()?;
    let page = Page::new(BufWriter::new(out.lock()), look);
    let end = Follow::new(wanted, page, ends, Patience::default(), complain).run();
    // The terminal has shown ^C, and what follows should not stand behind that.
    if is_interrupted.load(Ordering::SeqCst) && io::stderr().is_terminal() {
        let _ = writeln!(io::stderr());
    }
    end
}

/// Colours for people only, unless they asked for none (no-color.org).
fn takes_colours() -> bool {
    let is_set = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = env::var_os("TERM").is_none_or(|terminal| terminal == "dumb");
    !is_set && !is_dumb
}

/// What the command line means, or everything that is wrong with it; and whether it asks for JSON.
fn read(options: &Tap) -> Result<(Wanted, bool), Trouble> {
    let mut mistakes = Vec::new();
    let token_file = options.token_file.as_deref();
    let fields = Fields::read(&options.headers, token_file, &RESERVED, &mut mistakes);
    let since = options.since.as_deref().unwrap_or("now");
    if let Err(why) = since::check(since) {
        mistakes.push(format!("--since: \"{}\" {why}", escape(since)));
    }
    let url = address::parse(&options.url);
    let url = url.map_err(|why| mistakes.push(format!("\"{}\" {why}", escape(&options.url))));
    let (Ok(mut url), true) = (url, mistakes.is_empty()) else {
        return Err(Failure::Usage(mistakes).into());
    };
    let greeting = greeting(options, &url);
    for room in &options.rooms {
        url = url.with_parameter("room", room);
    }
    for id in &options.connection_ids {
        url = url.with_parameter("connectionId", id);
    }
    if since == "earliest" {
        url = url.with_parameter("since", since);
    }
    if !options.follows {
        url = url.with_parameter("follow", "false");
    }
    let wanted = Wanted {
        url,
        fields,
        last_id: (!["earliest", "now"].contains(&since)).then(|| since.to_owned()),
        follows: options.follows,
        types: options.types.clone(),
        greeting: io::stdout().is_terminal().then_some(greeting),
    };
    Ok((wanted, options.json))
}

/// What a person is told who is connected.
fn greeting(options: &Tap, url: &Url) -> String {
    let mut greeting = format!("connected to {}", url.without_query("http"));
    if !options.json {
        greeting.push_str("; times are UTC");
    }
    if options.follows {
        greeting.push_str("; Ctrl-C ends");
    }
    greeting
}
