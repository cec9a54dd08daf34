//! The reactor: one thread and one poll per core, sockets, the clock, signals.
//!
//! Knows: mio, sockets, threads, clocks, mailboxes, signals.
//! Must not know: HTTP, WebSocket, SSE, rooms.

mod accounts;
mod banner;
mod bell;
mod clock;
mod core;
mod ears;
mod exposure;
mod gate;
mod listen;
mod mailbox;
mod obstacle;
mod owner;
mod parting;
mod process;
mod reload;
mod rules;
mod socket;
mod survey;
mod system;
mod vacancy;

pub use self::banner::Banner;
pub use self::obstacle::Obstacle;
pub use self::owner::Owner;
pub use self::survey::{Finding, Weight, survey};

use self::clock::Clock;
use self::core::{Nascent, Reactor};
use self::ears::Ears;
use self::exposure::Alarm;
use self::mailbox::{Mailbox, Shared};
use self::process::Process;
use self::reload::Reload;
use crate::auth::Vault;
use crate::config::{Config, Source};
use crate::engine::{Listener, Policy, Serves, Setup};
use crate::hub::Hub;
use crate::metrics::Counters;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::mpsc::sync_channel;
use std::thread;

/// Why the server does not run.
#[derive(Debug)]
pub enum StartError {
    /// An address cannot be listened on.
    Listen {
        /// The address.
        addr: SocketAddr,
        /// Why not.
        obstacle: Obstacle,
    },
    /// There are too few descriptors for the connections that were asked for.
    Descriptors {
        /// How many the process may have.
        nofile: u64,
        /// How many connections were asked for.
        wanted: u64,
        /// How many are needed beside them.
        ours: u64,
    },
    /// The system gives no random numbers.
    Random(getrandom::Error),
    /// The system gives no poll, waker, signal or thread, or took one back.
    Reactor {
        /// What it said.
        error: io::Error,
    },
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StartError::Listen { addr, obstacle } => f.write_str(&obstacle.of_address(*addr)),
            StartError::Descriptors { nofile, wanted, ours } => {
                let needed = wanted + ours;
                write!(
                    f,
                    "{wanted} connections need {needed} descriptors, but this process may have \
                     {nofile} (`ulimit -Hn`); {}, or lower --max-connections",
                    survey::raise_descriptors(needed)
                )
            }
            StartError::Random(error) => write!(f, "the system gives no random numbers: {error}"),
            StartError::Reactor { error } => {
                write!(f, "the system refuses what a server needs: {error}")
            }
        }
    }
}

impl std::error::Error for StartError {}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> StartError {
        StartError::Reactor { error }
    }
}

/// Serves as `config` says, until a signal stops it. Returns when every connection is closed. On a
/// SIGHUP `source`, if there is a file, is read again. Whoever writes the log counts the lines that
/// it loses in `log_lines_dropped`.
///
/// # Errors
///
/// [`StartError`] when it cannot begin; nothing has been served then.
pub fn serve(
    mut config: Config,
    source: Source,
    banner: Banner,
    log_lines_dropped: Arc<AtomicU64>,
) -> Result<(), StartError> {
    let clock = Clock::start();
    let process = Process::new(clock.now().unix_ms, log_lines_dropped);
    let nofile = listen::fit_descriptors(&mut config.limits, config.cores)?;
    let stopping = Arc::new(AtomicBool::new(false));
    let (asks, asked) = sync_channel(1);
    let ears = Ears::open(&stopping, asks, source.file().is_some())?;
    let addresses = addresses(&config);
    let options = listen::Options::new(config.send_buffer, &config.limits);
    let mut listeners = Vec::new();
    let mut per_core: Vec<Vec<mio::net::TcpListener>> =
        (0..config.cores).map(|_| Vec::new()).collect();
    let mut bound = Vec::new();
    for (addr, serves) in addresses.iter().copied() {
        let sockets = match listen::bind(addr, config.cores, options) {
            Err(StartError::Listen { obstacle, .. })
                if is_spare(addr, serves, &addresses, &obstacle) =>
            {
                log::warn!("{}", obstacle.of_address(addr));
                continue;
            }
            result => result?,
        };
        // Whoever asked for port 0 is told which one it is.
        let own = sockets.first().and_then(|socket| socket.local_addr().ok()).unwrap_or(addr);
        listeners.push(Listener { serves, loopback: own.ip().is_loopback(), port: own.port() });
        bound.push((own, serves));
        per_core.iter_mut().zip(sockets).for_each(|(core, socket)| core.push(socket));
    }
    let (nascents, mailboxes) = nascents(per_core)?;
    let listeners: Arc<[Listener]> = listeners.into();
    let setups = setups(&config, Arc::clone(&listeners), clock)?;
    banner.announce(&config, &bound, nofile);
    let hub = Arc::clone(&setups[0].hub);
    let mut alarm = Alarm::default();
    if alarm.go_by(&config, clock.since_start()) {
        exposure::warn();
    }
    let reload = Reload { source, config, listeners, hub, clock, asked, alarm };
    run(nascents, setups, Shared::new(mailboxes, stopping, process), reload, ears)
}

/// Every address once, with what it serves.
fn addresses(config: &Config) -> Vec<(SocketAddr, Serves)> {
    let both = |addr: &SocketAddr| addr.port() != 0 && config.http_addrs.contains(addr);
    let ws = config
        .ws_addrs
        .iter()
        .map(|addr| (*addr, if both(addr) { Serves::Both } else { Serves::WebSocket }));
    let http = config.http_addrs.iter().map(|addr| (*addr, Serves::Http));
    let http = http.filter(|(addr, _)| addr.port() == 0 || !config.ws_addrs.contains(addr));
    ws.chain(http).collect()
}

/// Whether the server is as reachable as it should be without `addr`: machines without IPv6 have no
/// `[::1]`.
fn is_spare(
    addr: SocketAddr,
    serves: Serves,
    all: &[(SocketAddr, Serves)],
    obstacle: &Obstacle,
) -> bool {
    let twin = SocketAddr::from(([127, 0, 0, 1], addr.port()));
    addr.is_ipv6()
        && addr.ip().is_loopback()
        && !matches!(obstacle, Obstacle::InUse { .. })
        && all.contains(&(twin, serves))
}

type Cores = (Vec<Nascent>, Vec<Mailbox>);

fn nascents(per_core: Vec<Vec<mio::net::TcpListener>>) -> Result<Cores, StartError> {
    let cores: Result<Vec<_>, _> = per_core.into_iter().map(Nascent::new).collect();
    Ok(cores?.into_iter().unzip())
}

fn setups(
    config: &Config,
    listeners: Arc<[Listener]>,
    clock: Clock,
) -> Result<Vec<Setup>, StartError> {
    let random = || getrandom::u64().map_err(StartError::Random);
    let seed = [random()?, random()?, random()?];
    let hub = Hub::new(config.cores, &config.limits, seed, clock.now().unix_ms);
    let hub = hub.with_last_words(|| log::logger().flush());
    let hub = Arc::new(hub);
    let counters: Arc<[Counters]> = (0..config.cores).map(|_| Counters::default()).collect();
    let policy = Arc::new(policy(config, &listeners));
    let connections = Arc::default();
    let mut secret = [0; 32];
    getrandom::fill(&mut secret).map_err(StartError::Random)?;
    let vault = Arc::new(Vault::new(secret));
    (0..config.cores as u16)
        .map(|core| {
            Ok(Setup {
                core,
                policy: Arc::clone(&policy),
                hub: Arc::clone(&hub),
                listeners: Arc::clone(&listeners),
                counters: Arc::clone(&counters),
                connections: Arc::clone(&connections),
                vault: Arc::clone(&vault),
                seed: [random()?, random()?],
            })
        })
        .collect()
}

/// What of `config` is the engines' affair, and may change while they run, unlike `listeners`.
fn policy(config: &Config, listeners: &[Listener]) -> Policy {
    let policy = Policy {
        limits: Arc::new(config.limits.clone()),
        routes: config.routes.clone(),
        site: config.site.clone(),
        compression: config.compression,
        allow_origins: config.allow_origins.clone(),
        allow_hosts: config.allow_hosts.clone(),
        access: Arc::new(config.access.clone()),
        insecure: exposure::is_accepted(config),
    };
    if config.serves_demo() { policy.with_demo(listeners) } else { policy }
}

/// Runs every core, the first on this thread, and beside them what reads the configuration again.
fn run(
    nascents: Vec<Nascent>,
    setups: Vec<Setup>,
    shared: Shared,
    reload: Reload,
    ears: Ears,
) -> Result<(), StartError> {
    let shared = &Arc::new(shared);
    let mut ears = Some(ears);
    let mut reactors = Vec::new();
    let clock = reload.clock;
    for (nascent, setup) in nascents.into_iter().zip(setups) {
        // Only the first core finds them there to take.
        reactors.push(Reactor::new(nascent, setup, shared, clock, ears.take())?);
    }
    thread::scope(|scope| {
        let mut reactors = reactors.into_iter();
        let first = reactors.next();
        // It ends with the first core, which has the other end of its channel. Nobody waits for
        // it: a disk that does not answer must not keep a server from ending.
        let its = Arc::clone(shared);
        thread::Builder::new().name("reload".to_owned()).spawn(move || reload.run(&its))?;
        for (number, reactor) in reactors.enumerate() {
            let name = format!("core-{}", number + 1);
            let guard = AbortOnPanic;
            let spawned = thread::Builder::new().name(name).spawn_scoped(scope, move || {
                let _guard = guard;
                run_one(reactor);
            });
            if let Err(error) = spawned {
                shared.stop();
                return Err(StartError::Reactor { error });
            }
        }
        let _guard = AbortOnPanic;
        first.into_iter().for_each(run_one);
        Ok(())
    })?;
    if let Some(end) = shared.parting().end(clock.since_start()) {
        log::info!("{end}");
    }
    Ok(())
}

fn run_one(reactor: Reactor<'_>) {
    if let Err(error) = reactor.run() {
        // A core without its poll serves nobody, and its connections would hang.
        log::error!("the system's poll failed: {error}");
        abort();
    }
}

/// A core that panics outside one connection's handling takes the process with it: what it owned
/// would be served by nobody.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            abort();
        }
    }
}

/// Ends the process as a crash; what it has logged is still written.
fn abort() -> ! {
    log::logger().flush();
    std::process::abort()
}

#[cfg(test)]
mod tests;
