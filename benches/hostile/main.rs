//! Hostile clients beside good ones: `cargo bench --bench hostile [-- [--quick] NAME...]`.
//!
//! Knows: the order of things, what is told of each attack.
//! Must not know: how an attack is done.
//!
//! Each attack meets a fresh server and lasts some seconds. All the while 100 good clients say ten
//! things a second each, and one reader of events checks that every one arrives, once and in order.
//! Told of each: what the attackers were answered, what the good ones saw, what memory it took.
//! With `--quick` each lasts about a second: enough to see whether the answers are right.
//! Exit codes: 0 all is well, 1 a good client lost something, the server ended, an attacker was
//! answered what it should not be, or too much memory was taken, 2 a wrong name.

mod attacks;
mod good;
// Of what the load bench asks the kernel, only the memory is wanted here.
#[allow(dead_code)]
#[path = "../load/process.rs"]
mod process;
mod server;
mod table;
mod wire;

use attacks::Tally;
use good::Seen;
use server::Server;
use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};
use table::{ATTACKS, Attack};

/// How long things go on.
struct Times {
    /// Each attack; some need longer for what they wait for.
    attack: Duration,
    /// The good clients after it, to see that all is as before.
    after: Duration,
}

const WHOLE: Times = Times { attack: Duration::from_secs(6), after: Duration::from_secs(1) };
const QUICK: Times = Times { attack: Duration::from_secs(1), after: Duration::from_millis(200) };

fn main() -> ExitCode {
    // `cargo bench` adds `--bench` to whatever it is told.
    let mut names: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    let is_quick = names.iter().any(|name| name == "--quick");
    names.retain(|name| name != "--quick");
    let is_known = |name: &String| ATTACKS.iter().any(|attack| attack.name == name);
    if let Some(name) = names.iter().find(|name| !is_known(name)) {
        let all: Vec<&str> = ATTACKS.iter().map(|attack| attack.name).collect();
        eprintln!("hostile: there is no attack {name:?}; there are {}", all.join(", "));
        return ExitCode::from(2);
    }
    if let Err(error) = server::raise_descriptor_limit() {
        eprintln!("hostile: cannot raise the limit of descriptors: {error}");
    }
    let times = if is_quick { &QUICK } else { &WHOLE };
    let mut broken = Vec::new();
    for attack in ATTACKS {
        if names.is_empty() || names.iter().any(|name| name == attack.name) {
            let faults = run(attack, times).unwrap_or_else(|error| {
                println!("    BROKEN        {}: {error}", attack.name);
                vec![error.to_string()]
            });
            if !faults.is_empty() {
                broken.push(attack.name);
            }
        }
    }
    if broken.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!("hostile: FAILED: {}", broken.join(", "));
    ExitCode::FAILURE
}

/// One attack, and what was wrong with what came of it.
fn run(attack: &Attack, times: &Times) -> io::Result<Vec<String>> {
    let mut server = Server::start(attack.options)?;
    let good = good::Clients::connect(&server)?;
    let before = server.resident_bytes()?;
    let until = Instant::now() + times.attack.max(attack.at_least);
    let watch = server.watch_memory();
    let tally = (attack.run)(&server, until)?;
    std::thread::sleep(times.after);
    let seen = good.finish()?;
    let peak = watch.peak_bytes();
    let after = server.resident_bytes()?;
    let ended = server.end()?;
    print(attack, &tally, &seen, [before, peak, after]);
    let mut faults = attack.faults(&tally, peak.saturating_sub(before));
    if !seen.is_whole() {
        faults.push("not all that the good clients said arrived, once and in order".to_owned());
    }
    faults.extend(ended.map(|status| format!("the server ended: {status}")));
    for fault in &faults {
        println!("    BROKEN        {fault}");
    }
    Ok(faults)
}

fn print(attack: &Attack, tally: &Tally, seen: &Seen, memory: [u64; 3]) {
    let [before, peak, after] = memory.map(|bytes| bytes as f64 / (1 << 20) as f64);
    println!("{}: {} [{}]", attack.name, attack.what, attack.options.join(" "));
    for (answer, count) in tally {
        println!("    answered      {count:>8} x {answer}");
    }
    println!("    good clients  {seen}");
    println!("    server RSS    before {before:.1} MiB, peak {peak:.1}, after {after:.1}");
}
