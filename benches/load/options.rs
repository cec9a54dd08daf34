//! The command line: one table of options, read once.
//!
//! Knows: names, units, defaults.
//! Must not know: what is done with them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::message::{BYTES_MAX, JSON_BYTES_MIN, PLAIN_BYTES_MIN};

/// In a path: where the room's name belongs.
pub(crate) const ROOM: &str = "{room}";

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Workload {
    /// WebSocket senders to event streams.
    Relay,
    /// WebSocket members of each room to each other.
    Broadcast,
    /// WebSocket clients to themselves.
    Echo,
    /// Connections that only exist.
    Idle,
    /// Connections that come, say one thing and go.
    Churn,
}

/// Everything that can be chosen.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) workload: Workload,
    pub(crate) senders: usize,
    pub(crate) subscribers: usize,
    pub(crate) members: usize,
    pub(crate) rooms: usize,
    pub(crate) clients: usize,
    pub(crate) connections: usize,
    pub(crate) size: usize,
    pub(crate) window: u64,
    pub(crate) depth: u64,
    pub(crate) rate: Option<f64>,
    pub(crate) spin: bool,
    pub(crate) duration: Duration,
    pub(crate) warmup: Duration,
    pub(crate) rounds: usize,
    pub(crate) messages: Option<u64>,
    pub(crate) stuck: usize,
    pub(crate) silent: usize,
    pub(crate) all_latencies: bool,
    pub(crate) reload_every: Option<Duration>,
    pub(crate) reload_file: Option<PathBuf>,
    pub(crate) include_sender: bool,
    pub(crate) ws_addr: SocketAddr,
    pub(crate) http_addr: SocketAddr,
    pub(crate) room: Option<String>,
    pub(crate) ws_path: Option<String>,
    pub(crate) sse_path: Option<String>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) server_pid: Option<u32>,
    pub(crate) floor: bool,
    pub(crate) server: bool,
    pub(crate) pin: Option<usize>,
    pub(crate) server_pin: Option<usize>,
    pub(crate) json: bool,
}

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Command {
    /// A measurement.
    Load(Box<Options>),
    /// `--self-test`.
    SelfTest,
    /// `--help`, or nothing at all.
    Help,
    /// Hidden: to be the floor, for these sizes, on this core.
    Floor(usize, usize, Option<usize>),
}

type Set = fn(&mut Options, &str) -> Result<(), String>;

/// Name, placeholder of the value (empty: a switch), what it does, how it is set.
const TABLE: &[(&str, &str, &str, Set)] = &[
    ("--senders", "N", "senders; relay 8, broadcast 1", |o, v| number(v, &mut o.senders)),
    ("--subscribers", "N", "event streams; relay and churn 1, idle 0", |o, v| {
        number(v, &mut o.subscribers)
    }),
    ("--members", "N", "broadcast: members of each room, 100", |o, v| number(v, &mut o.members)),
    ("--rooms", "N", "broadcast: rooms, each with so many senders and members, 1", |o, v| {
        number(v, &mut o.rooms)
    }),
    ("--clients", "N", "echo, churn: clients at the same time, 64", |o, v| {
        number(v, &mut o.clients)
    }),
    ("--connections", "N", "idle: WebSockets, 5000", |o, v| number(v, &mut o.connections)),
    ("--size", "BYTES", "a message, 128", |o, v| number(v, &mut o.size)),
    (
        "--window",
        "N",
        "messages per sender that some receiver still lacks; relay 64, broadcast 16",
        |o, v| number(v, &mut o.window),
    ),
    ("--depth", "N", "echo: messages in flight per client, 1", |o, v| number(v, &mut o.depth)),
    ("--rate", "N", "open loop: messages per second of all senders together", |o, v| {
        some(v, &mut o.rate)
    }),
    ("--spin", "", "never sleep: no wake-up of an idle core is measured", |o, _| on(&mut o.spin)),
    ("--duration", "TIME", "the measured part of a round, 2s", |o, v| time(v, &mut o.duration)),
    ("--warmup", "TIME", "before it, 1s", |o, v| time(v, &mut o.warmup)),
    ("--rounds", "N", "rounds, 3", |o, v| number(v, &mut o.rounds)),
    ("--messages", "N", "per sender (churn: connections), instead of a duration", |o, v| {
        some(v, &mut o.messages)
    }),
    ("--stuck", "N", "relay: event streams that are opened and never read, 0", |o, v| {
        number(v, &mut o.stuck)
    }),
    ("--silent", "N", "relay: WebSockets that are there and say nothing, 0", |o, v| {
        number(v, &mut o.silent)
    }),
    ("--all-latencies", "", "measure each message, not one of seven", |o, _| {
        on(&mut o.all_latencies)
    }),
    ("--reload-every", "TIME", "send --server-pid a SIGHUP so often", |o, v| {
        time(v, o.reload_every.insert(Duration::ZERO))
    }),
    ("--reload-file", "FILE", "the server's --config; before each it is written anew", |o, v| {
        some(v, &mut o.reload_file)
    }),
    ("--include-sender", "", "broadcast: to the sender too", |o, _| on(&mut o.include_sender)),
    ("--ws-addr", "ADDR", "WebSocket listener, 127.0.0.1:8080", |o, v| number(v, &mut o.ws_addr)),
    ("--http-addr", "ADDR", "HTTP listener, 127.0.0.1:8082", |o, v| number(v, &mut o.http_addr)),
    ("--room", "NAME", "the room; relay main, broadcast load (load-0 and so on)", |o, v| {
        some(v, &mut o.room)
    }),
    ("--ws-path", "PATH", "WebSocket path, in which {room} stands for the room's name", |o, v| {
        some(v, &mut o.ws_path)
    }),
    ("--sse-path", "PATH", "event stream path, likewise", |o, v| some(v, &mut o.sse_path)),
    ("--token-file", "FILE", "a credential that every connection presents", |o, v| {
        some(v, &mut o.token_file)
    }),
    ("--server-pid", "PID", "measure this process's time and memory", |o, v| {
        some(v, &mut o.server_pid)
    }),
    ("--floor", "", "before each round, the same on bare sockets", |o, _| on(&mut o.floor)),
    ("--floor-only", "", "nothing but that", |o, _| {
        o.server = false;
        on(&mut o.floor)
    }),
    ("--pin", "CPU", "keep the load on this core", |o, v| some(v, &mut o.pin)),
    ("--server-pin", "CPU", "keep the floor on this core", |o, v| some(v, &mut o.server_pin)),
    ("--json", "", "one line of JSON per target at the end", |o, _| on(&mut o.json)),
];

fn number<T: std::str::FromStr>(text: &str, to: &mut T) -> Result<(), String> {
    *to = text.parse().map_err(|_| format!("cannot be {text:?}"))?;
    Ok(())
}

fn some<T: std::str::FromStr>(text: &str, to: &mut Option<T>) -> Result<(), String> {
    *to = Some(text.parse().map_err(|_| format!("cannot be {text:?}"))?);
    Ok(())
}

fn on(to: &mut bool) -> Result<(), String> {
    *to = true;
    Ok(())
}

fn time(text: &str, to: &mut Duration) -> Result<(), String> {
    let (digits, unit) = match text.strip_suffix("ms") {
        Some(digits) => (digits, 1e-3),
        None => (text.strip_suffix('s').unwrap_or(text), 1.0),
    };
    let seconds =
        digits.parse::<f64>().ok().and_then(|count| Duration::try_from_secs_f64(count * unit).ok());
    *to = seconds.ok_or_else(|| format!("cannot be {text:?}: 2s or 500ms is meant"))?;
    Ok(())
}

/// The options, one a line.
pub(crate) fn help() -> String {
    let mut text =
        "cargo bench --bench load -- relay|broadcast|echo|idle|churn [options]\n".to_owned();
    for (name, value, what, _) in TABLE {
        text.push_str(&format!("  {:<22}{what}\n", format!("{name} {value}")));
    }
    text + "  --self-test           checks that faults are found\n"
}

/// Reads the command line, without the program's name; the error is one line.
pub(crate) fn parse(args: impl Iterator<Item = String>) -> Result<Command, String> {
    // `cargo bench` adds `--bench` to whatever it is told.
    let mut args = args.filter(|arg| arg != "--bench");
    let mut options = match args.next().as_deref() {
        None | Some("--help" | "-h") => return Ok(Command::Help),
        Some("--self-test") => return Ok(Command::SelfTest),
        Some("floor") => return parse_floor(&args.collect::<Vec<_>>()),
        Some("relay") => defaults(Workload::Relay),
        Some("broadcast") => defaults(Workload::Broadcast),
        Some("echo") => defaults(Workload::Echo),
        Some("idle") => defaults(Workload::Idle),
        Some("churn") => defaults(Workload::Churn),
        Some(other) => {
            return Err(format!("{other:?} is no workload: relay, broadcast, echo, idle or churn"));
        }
    };
    while let Some(name) = args.next() {
        match name.as_str() {
            "--help" | "-h" => return Ok(Command::Help),
            "--self-test" => return Ok(Command::SelfTest),
            _ => {}
        }
        let found = TABLE.iter().find(|row| row.0 == name);
        let (_, value, _, set) = found.ok_or_else(|| format!("there is no option {name}"))?;
        let given = if value.is_empty() { Some(String::new()) } else { args.next() };
        let given = given.ok_or_else(|| format!("{name} needs a value: {value}"))?;
        set(&mut options, &given).map_err(|reason| format!("{name} {reason}"))?;
    }
    check(&options)?;
    Ok(Command::Load(Box::new(options)))
}

fn parse_floor(args: &[String]) -> Result<Command, String> {
    let numbers: Option<Vec<usize>> = args.iter().map(|arg| arg.parse().ok()).collect();
    match numbers.as_deref() {
        Some(&[inbound, outbound]) => Ok(Command::Floor(inbound, outbound, None)),
        Some(&[inbound, outbound, cpu]) => Ok(Command::Floor(inbound, outbound, Some(cpu))),
        _ => Err("the floor is started by --floor".to_owned()),
    }
}

fn defaults(workload: Workload) -> Options {
    Options {
        workload,
        senders: if workload == Workload::Broadcast { 1 } else { 8 },
        subscribers: if workload == Workload::Idle { 0 } else { 1 },
        members: 100,
        rooms: 1,
        clients: 64,
        connections: 5000,
        size: 128,
        window: if workload == Workload::Broadcast { 16 } else { 64 },
        depth: 1,
        rate: None,
        spin: false,
        duration: Duration::from_secs(2),
        warmup: Duration::from_secs(1),
        rounds: 3,
        messages: None,
        stuck: 0,
        silent: 0,
        all_latencies: false,
        reload_every: None,
        reload_file: None,
        include_sender: false,
        ws_addr: ([127, 0, 0, 1], 8080).into(),
        http_addr: ([127, 0, 0, 1], 8082).into(),
        room: None,
        ws_path: None,
        sse_path: None,
        token_file: None,
        server_pid: None,
        floor: false,
        server: true,
        pin: None,
        server_pin: None,
        json: false,
    }
}

fn check(options: &Options) -> Result<(), String> {
    let size_min =
        if options.workload == Workload::Echo { PLAIN_BYTES_MIN } else { JSON_BYTES_MIN };
    let size = options.size;
    if !(size_min..=BYTES_MAX).contains(&size) {
        return Err(format!("--size {size} is not between {size_min} and {BYTES_MAX}"));
    }
    if options.workload == Workload::Broadcast && options.members < options.senders.max(2) {
        return Err("--members: two at least, and all senders are members".to_owned());
    }
    if options.rooms > 1 && options.workload != Workload::Broadcast {
        return Err("--rooms is for broadcast".to_owned());
    }
    let names_room = |path: &String| path.contains(ROOM);
    if options.rooms > 1 && !options.ws_path.as_ref().is_none_or(names_room) {
        return Err(format!("--ws-path must have {ROOM} in it, as there are several --rooms"));
    }
    let counts = [
        ("--rooms", options.rooms),
        ("--senders", options.senders),
        ("--clients", options.clients),
        ("--rounds", options.rounds),
        ("--window", options.window as usize),
        ("--depth", options.depth as usize),
    ];
    if let Some((name, _)) = counts.iter().find(|(_, count)| *count == 0) {
        return Err(format!("{name} cannot be 0"));
    }
    if options.workload != Workload::Idle && options.subscribers == 0 {
        return Err("--subscribers cannot be 0".to_owned());
    }
    if options.reload_every.is_some() && (options.server_pid.is_none() || options.floor) {
        return Err("--reload-every needs --server-pid, and no floor".to_owned());
    }
    if options.reload_every.is_some_and(|every| every.is_zero()) {
        return Err("--reload-every must be more than 0".to_owned());
    }
    if options.rate.is_some_and(|rate| !(rate.is_finite() && rate > 0.0)) {
        return Err("--rate must be more than 0".to_owned());
    }
    Ok(())
}
