//! A load client that checks everything it gets: `cargo bench --bench load -- --help`.
//!
//! Knows: which modules there are, the order of rounds, exit codes.
//! Must not know: how anything is done.
//!
//! One thread, one epoll loop, raw frames, no protocol library: what is measured is the server.
//! `--floor` runs every round on bare sockets too, in turns with the server, so that its figures
//! have something to be compared to.
//! Exit codes: 0 all is well, 1 something was lost or broken, 2 a wrong option.

mod books;
mod check;
mod churn;
mod conn;
mod drive;
mod floor;
mod idle;
mod message;
mod options;
mod plan;
mod process;
mod reload;
mod report;
mod selftest;
mod sender;
#[allow(dead_code, reason = "nobody looks at its memory here")]
#[path = "../hostile/server.rs"]
mod server;
mod smoke;
mod target;
mod ticker;
mod wire;

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use conn::Clock;
use message::frame_bytes;
use options::{Command, Options, Workload};
use report::{Outcome, Series};
use target::{Failure, Floor, Role, Server, Target, outbound_bytes};

fn main() -> ExitCode {
    match options::parse(std::env::args().skip(1)) {
        Ok(Command::Help) => {
            print!("{}", options::help());
            ExitCode::SUCCESS
        }
        Ok(Command::SelfTest) => told([selftest::run(), smoke::run()].concat()),
        Ok(Command::Floor(inbound, outbound, cpu)) => match be_floor(inbound, outbound, cpu) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => told(vec![format!("floor: {error}")]),
        },
        Ok(Command::Load(options)) => match load(&options) {
            Ok(true) => ExitCode::SUCCESS,
            Ok(false) => told(vec!["something was lost or broken: see above".to_owned()]),
            Err(failure) => told(vec![failure.to_string()]),
        },
        Err(reason) => {
            eprintln!("load: {reason}");
            ExitCode::from(2)
        }
    }
}

fn told(errors: Vec<String>) -> ExitCode {
    errors.iter().for_each(|error| eprintln!("load: {error}"));
    if errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn be_floor(inbound: usize, outbound: usize, cpu: Option<usize>) -> std::io::Result<()> {
    // Nobody may be there any more to end us.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    cpu.map_or(Ok(()), process::pin)?;
    floor::serve(inbound, outbound)
}

/// All rounds; whether everything arrived as it should.
fn load(options: &Options) -> Result<bool, Failure> {
    server::raise_descriptor_limit().map_err(Failure::io("raising the limit of descriptors"))?;
    let targets = targets(options)?;
    if let Some(cpu) = options.pin {
        process::pin(cpu).map_err(Failure::io(format!("--pin {cpu}")))?;
    }
    let clock = Clock::start();
    // Ids must not be those of an earlier run either: its connections may not be closed yet.
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let first_run = since_epoch.as_millis() as u64;
    let series = |target: &Target| Series { name: target.name(), rounds: Vec::new() };
    let mut all: Vec<Series> = targets.iter().map(series).collect();
    for round in 0..options.rounds {
        for (index, target) in targets.iter().enumerate() {
            let run = first_run + (round * targets.len() + index) as u64;
            let outcome = one_round(options, target, run, clock)?;
            outcome.print(target.name(), round + 1);
            all[index].rounds.push(outcome);
        }
    }
    let (name, what) = match options.workload {
        Workload::Relay => ("relay", "deliveries"),
        Workload::Broadcast => ("broadcast", "deliveries"),
        Workload::Echo => ("echo", "echoes"),
        Workload::Idle => ("idle", "conns"),
        Workload::Churn => ("churn", "conns"),
    };
    report::print(name, what, &all, options.json);
    Ok(all.iter().flat_map(|series| &series.rounds).all(|round| round.faults.is_clean()))
}

fn one_round(
    options: &Options,
    target: &Target,
    run: u64,
    clock: Clock,
) -> Result<Outcome, Failure> {
    match options.workload {
        Workload::Relay | Workload::Broadcast | Workload::Echo => {
            drive::run(options, target, run, clock)
        }
        Workload::Idle => idle::run(options, target, clock),
        Workload::Churn => churn::run(options, target, run, clock),
    }
}

/// The floor first, so that each of the server's rounds has its neighbour just before it.
fn targets(options: &Options) -> Result<Vec<Target>, Failure> {
    let mut targets = Vec::new();
    if options.floor {
        let role = match options.workload {
            Workload::Broadcast => Role::Member,
            Workload::Echo => Role::Echo,
            _ => Role::Subscriber,
        };
        let (inbound, outbound) = (frame_bytes(options.size), outbound_bytes(role, options.size));
        targets.push(Target::Floor(Floor::start(inbound, outbound, options.server_pin)?));
    }
    if options.server {
        targets.push(Target::Server(server(options)?));
    }
    Ok(targets)
}

fn server(options: &Options) -> Result<Server, Failure> {
    let default_room = if options.workload == Workload::Broadcast { "load" } else { "main" };
    let room = options.room.as_deref().unwrap_or(default_room);
    let rooms = match options.rooms {
        1 => vec![room.to_owned()],
        several => (0..several).map(|number| format!("{room}-{number}")).collect(),
    };
    let ws_path = match options.workload {
        Workload::Echo => "/echo",
        Workload::Broadcast if options.include_sender => "/chat/{room}?echo=true",
        Workload::Broadcast => "/chat/{room}",
        _ if options.room.is_some() => "/ws/{room}",
        _ => "/",
    };
    let credential = match &options.token_file {
        Some(path) => {
            let failed = Failure::io(path.display().to_string());
            let token = std::fs::read_to_string(path).map_err(failed)?;
            format!("Authorization: Bearer {}\r\n", token.trim())
        }
        None => String::new(),
    };
    Ok(Server {
        credential,
        ws_addr: options.ws_addr,
        http_addr: options.http_addr,
        ws_path: options.ws_path.as_deref().unwrap_or(ws_path).to_owned(),
        sse_path: options.sse_path.as_deref().unwrap_or("/events?room={room}").to_owned(),
        rooms,
        pid: options.server_pid,
    })
}
