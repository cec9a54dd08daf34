//! The command line, the environment and a file, turned into a [`Config`], or into every mistake at
//! once.
//!
//! Knows: options, their environment variables, units, ranges, defaults; [`Limits`]; files.
//! Must not know: what any of it is for: sockets, rooms, protocols, the log.
//!
//! There is one table of options, in `table.rs`. The parser, the help, the ranges, the keys of the
//! file and the reference are all made from it, so they cannot contradict one another. The
//! environment is given as a function, so nothing here depends on the process it runs in, but for
//! the number of processors and the files that it is told to read.

mod addresses;
mod checks;
mod connect;
mod environment;
mod file;
mod flags;
mod folder;
mod given;
mod habits;
mod hints;
mod mistakes;
mod names;
mod print;
mod quote;
mod report;
mod secrets;
mod settings;
mod source;
mod table;
mod tap;
mod token;
mod units;
mod variables;

use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::thread;

pub use connect::Connect;
pub use flags::reference;
pub use mistakes::{Mistake, Mistakes};
pub use source::{Loaded, Source};
pub use tap::Tap;
pub use token::{MintOptions, Proof, Token};

use environment::Environment;

use crate::auth::Access;
use crate::limits::Limits;
use crate::pages::Site;
use crate::routes::Table;

/// Where WebSocket clients connect unless an option says otherwise: this port, on loopback.
const WS_PORT: u16 = 8080;

/// Where HTTP clients connect unless an option says otherwise.
const HTTP_PORT: u16 = 8082;

/// The most threads that can be asked for.
const CORES_MAX: usize = 128;

/// All that a server is told before it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Every number that bounds something.
    pub limits: Limits,
    /// Where WebSocket clients connect. Never empty, no address twice.
    pub ws_addrs: Vec<SocketAddr>,
    /// Where HTTP clients connect. An address that is in both lists serves both.
    pub http_addrs: Vec<SocketAddr>,
    /// Threads, each with a reactor and an engine of its own.
    pub cores: usize,
    /// `SO_SNDBUF` in bytes, if not what the system chooses.
    pub send_buffer: Option<usize>,
    /// Lower-case origins as browsers write them, or `null`, or `*`.
    pub allow_origins: Vec<String>,
    /// Lower-case host names and addresses as a `Host` header has them, without a port, or `*`.
    pub allow_hosts: Vec<String>,
    /// WebSocket clients that offer permessage-deflate get it.
    pub compression: bool,
    /// What WebSockets do, by path.
    pub routes: Table,
    /// What is served on the HTTP side beside the server's own.
    pub site: Site,
    /// The pages to try the server with are served, or are not; `None`: nobody said so.
    pub demo: Option<bool>,
    /// Who may come in.
    pub access: Access,
    /// Whoever runs this knows that everyone who reaches it may use it.
    pub insecure: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            limits: Limits::default(),
            ws_addrs: addresses::loopback(WS_PORT).to_vec(),
            http_addrs: addresses::loopback(HTTP_PORT).to_vec(),
            cores: thread::available_parallelism().map_or(1, |cores| cores.get().min(CORES_MAX)),
            send_buffer: None,
            allow_origins: Vec::new(),
            allow_hosts: Vec::new(),
            routes: Table::built_in(),
            site: Site::default(),
            demo: None,
            access: Access::default(),
            insecure: false,
            compression: false,
        }
    }
}

impl Config {
    /// Whether strangers could come in, and nobody said that they may.
    pub fn is_exposed(&self) -> bool {
        let mut addrs = self.ws_addrs.iter().chain(&self.http_addrs);
        let is_accepted = self.insecure || self.access.is_on();
        !is_accepted && !addrs.all(addresses::is_loopback)
    }

    /// Whether the pages to try the server with are served: where only this machine sees them,
    /// unless somebody said so, or not.
    pub fn serves_demo(&self) -> bool {
        self.demo.unwrap_or_else(|| self.http_addrs.iter().all(addresses::is_loopback))
    }
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// `tidegate` and `tidegate serve`: be a server.
    Serve(Box<Loaded>, Source),
    /// `tidegate check`: say what there is, and whether the system is fit for it.
    Check(Box<Loaded>),
    /// `tidegate config`: say this on standard output.
    Print(String),
    /// `tidegate connect`: be a WebSocket client.
    Connect(Connect),
    /// `tidegate tap`: read events.
    Tap(Tap),
    /// `tidegate token`: make or read what lets clients in.
    Token(Box<Token>),
}

/// Why there is nothing to run.
#[derive(Debug)]
pub enum Refusal {
    /// The help, the version, or a line that does not parse, in the parser's own words.
    Told(clap::Error),
    /// The line parses, and what it says cannot be done.
    Mistakes(Mistakes),
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Told(told) => told.fmt(out),
            Refusal::Mistakes(mistakes) => mistakes.fmt(out),
        }
    }
}

impl std::error::Error for Refusal {}

impl Config {
    /// Reads a whole command line, the program's name first. `env` looks up an environment
    /// variable, now and whenever the configuration is read again; an option on the line is worth
    /// more than its variable.
    pub fn from_args(
        args: impl Iterator<Item = OsString>,
        env: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static,
    ) -> Result<Command, Refusal> {
        Config::from_process(args, env, [])
    }

    /// The same of a process of which all variables are known by `names`: those that look like ours
    /// and are none are warned of.
    pub fn from_process(
        args: impl Iterator<Item = OsString>,
        env: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static,
        names: impl IntoIterator<Item = OsString>,
    ) -> Result<Command, Refusal> {
        let args: Vec<OsString> = args.collect();
        let matches = flags::command().try_get_matches_from(&args);
        let matches = matches.map_err(|told| Refusal::Told(habits::advise(told, &args)))?;
        let environment = Environment::new(env).with_names(names);
        if let Some((connect::NAME, options)) = matches.subcommand() {
            return Ok(Command::Connect(connect::read(options)));
        }
        if let Some((tap::NAME, options)) = matches.subcommand() {
            return Ok(Command::Tap(tap::read(options)));
        }
        if let Some((token::NAME, options)) = matches.subcommand() {
            return Ok(Command::Token(Box::new(token::read(options, environment)?)));
        }
        let options = matches.subcommand().map_or(&matches, |(_, options)| options);
        flags::refuse_secrets(options).map_err(Refusal::Told)?;
        let source = Source::new(options, environment);
        let loaded = source.load().map_err(Refusal::Mistakes)?;
        Ok(match matches.subcommand_name() {
            Some(flags::CHECK) => Command::Check(Box::new(loaded)),
            Some(flags::CONFIG) => Command::Print(loaded.to_toml()),
            _ => Command::Serve(Box::new(loaded), source),
        })
    }
}

#[cfg(test)]
mod tests;
