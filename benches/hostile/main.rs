//! Hostile clients beside good ones: `cargo bench --bench hostile [-- NAME...]`.
//!
//! Knows: which attacks there are, the order of things, the table at the end.
//! Must not know: how an attack is done.
//!
//! Each attack meets a fresh server and lasts some seconds. All the while 100 good clients say ten
//! things a second each, and one reader of events checks that every one arrives, once and in order.
//! Told of each: what the attackers were answered, what the good ones saw, what memory it took.
//! Exit codes: 0 all is well, 1 a good client lost something or the server ended, 2 a wrong name.

mod attacks;
mod good;
// Of what the load bench asks the kernel, only the memory is wanted here.
#[allow(dead_code)]
#[path = "../load/process.rs"]
mod process;
mod server;
mod wire;

use attacks::{ATTACKS, Attack, Tally};
use good::Seen;
use server::Server;
use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long each attack goes on; some need longer for what they wait for.
const SECONDS: Duration = Duration::from_secs(6);

fn main() -> ExitCode {
    // `cargo bench` adds `--bench` to whatever it is told.
    let names: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let is_known = |name: &String| ATTACKS.iter().any(|attack| attack.name == name);
    if let Some(name) = names.iter().find(|name| !is_known(name)) {
        let all: Vec<&str> = ATTACKS.iter().map(|attack| attack.name).collect();
        eprintln!("hostile: there is no attack {name:?}; there are {}", all.join(", "));
        return ExitCode::from(2);
    }
    if let Err(error) = server::raise_descriptor_limit() {
        eprintln!("hostile: cannot raise the limit of descriptors: {error}");
    }
    let mut is_well = true;
    for attack in ATTACKS {
        if names.is_empty() || names.iter().any(|name| name == attack.name) {
            match run(attack) {
                Ok(it_is_well) => is_well &= it_is_well,
                Err(error) => {
                    eprintln!("hostile: {}: {error}", attack.name);
                    is_well = false;
                }
            }
        }
    }
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn run(attack: &Attack) -> io::Result<bool> {
    let mut server = Server::start(attack.options)?;
    let good = good::Clients::connect(&server)?;
    let before = server.resident_bytes()?;
    let until = Instant::now() + SECONDS.max(attack.at_least);
    let watch = server.watch_memory();
    let tally = (attack.run)(&server, until)?;
    // The good ones go on a little, to see that all is as before.
    std::thread::sleep(Duration::from_secs(1));
    let seen = good.finish()?;
    let peak = watch.peak_bytes();
    let after = server.resident_bytes()?;
    let ended = server.end()?;
    print(attack, &tally, &seen, [before, peak, after], &ended);
    Ok(seen.is_whole() && ended.is_none())
}

fn print(attack: &Attack, tally: &Tally, seen: &Seen, memory: [u64; 3], ended: &Option<String>) {
    let [before, peak, after] = memory.map(|bytes| bytes as f64 / (1 << 20) as f64);
    println!("{}: {} [{}]", attack.name, attack.what, attack.options.join(" "));
    for (answer, count) in tally {
        println!("    answered      {count:>8} x {answer}");
    }
    println!("    good clients  {seen}");
    println!("    server RSS    before {before:.1} MiB, peak {peak:.1}, after {after:.1}");
    if let Some(ended) = ended {
        println!("    SERVER ENDED  {ended}");
    }
}
