//! Short rounds with real sockets: is everything there that a round needs?
//!
//! Knows: options, the floor, a server that is started for it.
//! Must not know: how a round works.

use crate::conn::Clock;
use crate::options::{self, Command, Options};
use crate::server::Server;
use crate::{one_round, targets};

/// The command line, and how many messages must arrive.
const ROUNDS: &[(&str, u64)] = &[
    ("relay --senders 3 --subscribers 2 --messages 200", 3 * 200 * 2),
    ("broadcast --members 5 --senders 2 --messages 200", 2 * 200 * 4),
    ("broadcast --rooms 7 --members 4 --messages 200", 7 * 200 * 3),
    (
        "broadcast --rooms 3 --members 4 --senders 3 --messages 200 --include-sender",
        3 * 3 * 200 * 4,
    ),
    ("broadcast --rooms 2 --members 3 --messages 200 --ws-path /chat/a%20{room}", 2 * 200 * 2),
    ("broadcast --rooms 5 --members 3 --messages 20 --rate 2000", 5 * 20 * 2),
];

/// Runs all of them; the errors in words.
pub(crate) fn run() -> Vec<String> {
    let server = match Server::start(&[]) {
        Ok(server) => server,
        Err(error) => return vec![format!("the server cannot be started: {error}")],
    };
    let clock = Clock::start();
    let mut errors = Vec::new();
    for (index, (line, expected)) in ROUNDS.iter().enumerate() {
        let options = match parse(line, &server) {
            Ok(options) => options,
            Err(reason) => {
                errors.push(format!("{line}: {reason}"));
                continue;
            }
        };
        errors.extend(
            round(&options, index as u64, clock, *expected)
                .into_iter()
                .map(|error| format!("{line}: {error}")),
        );
    }
    errors
}

fn parse(line: &str, server: &Server) -> Result<Options, String> {
    let addresses = format!("--floor --ws-addr {} --http-addr {}", server.ws, server.http);
    let words = line.split(' ').chain(addresses.split(' ')).map(str::to_owned);
    match options::parse(words)? {
        Command::Load(options) => Ok(*options),
        other => Err(format!("is {other:?}")),
    }
}

fn round(options: &Options, index: u64, clock: Clock, expected: u64) -> Vec<String> {
    let targets = match targets(options) {
        Ok(targets) => targets,
        Err(failure) => return vec![failure.to_string()],
    };
    let mut errors = Vec::new();
    for (number, target) in targets.iter().enumerate() {
        // Ids of one round must not be those of another.
        match one_round(options, target, 2 * index + number as u64, clock) {
            Err(failure) => errors.push(format!("{}: {failure}", target.name())),
            Ok(outcome) => {
                outcome.print(target.name(), index as usize + 1);
                if !outcome.faults.is_clean() || outcome.counts.1 != expected {
                    let (name, arrived) = (target.name(), outcome.counts.1);
                    errors.push(format!("{name}: {arrived} instead of {expected} arrived"));
                }
            }
        }
    }
    errors
}
