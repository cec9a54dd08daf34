//! The Autobahn test suite against `/echo` of the real binary: its own case files, run by Python's
//! `kosoku`, as the suite itself wants a Python of long ago. `tests/run` installs that; without it
//! these tests fail and say so.
//!
//! Each run leaves the suite's report in `target/autobahn`, and prints a table (`--nocapture`).

#[path = "../support/mod.rs"]
mod support;

mod report;

use report::Report;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use support::Server;

/// What the suite's largest messages need.
const OPTIONS: [&str; 4] = ["--max-message", "16MiB", "--max-fragments", "131072"];

/// With compression 220 s of processor time go by, two thirds of them in the suite itself.
const PATIENCE: Duration = Duration::from_secs(1200);

/// Some cases give the server a second to answer, so two runs do not share the machine.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

#[test]
fn every_case_has_its_outcome_without_compression() {
    check("plain", &[]);
}

#[test]
fn every_case_has_its_outcome_with_compression() {
    check("compressed", &["--compression"]);
}

fn check(name: &str, more: &[&str]) {
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = root.join("target/autobahn").join(name);
    let server = Server::start(&[&OPTIONS, more].concat());
    let begin = Instant::now();
    run_suite(root, &server, &folder);
    let report = Report::read(&folder);
    println!("Autobahn test suite, {name}: {:.1?}", begin.elapsed());
    println!("{}", report.table());
    let complaints = report.complaints(more.contains(&"--compression"));
    assert!(
        complaints.is_empty(),
        "{name}: {} complaint(s); all cases: {}\n{}\n",
        complaints.len(),
        folder.join("index.html").display(),
        complaints.join("\n")
    );
}

/// Runs all cases, and leaves the report in `folder`, where nothing of an earlier one stays.
fn run_suite(root: &Path, server: &Server, folder: &Path) {
    let kosoku = root.join("target/python/bin/kosoku");
    let installs = format!("tests/run installs it: {}", kosoku.display());
    assert!(kosoku.exists(), "Python's kosoku, the Autobahn test suite, is missing; {installs}");
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
    fs::create_dir_all(folder).unwrap();
    let said = folder.join("kosoku.txt");
    let output = File::create(&said).unwrap();
    let mut command = Command::new(kosoku.with_file_name("python3"));
    command.arg(root.join("tests/autobahn/suite.py")).arg(format!("ws://{}/echo", server.ws));
    // Most cases wait for something: without compression, 1 at a time take 8.5 s, 4 take 3.2 s.
    command.args(["--mode", "fuzzingclient", "--parallelism", "4", "--outdir"]).arg(folder);
    command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
    let child = command.spawn();
    let child = child.unwrap_or_else(|error| panic!("Python cannot start ({error}); {installs}"));
    let status = Suite { child }.wait();
    // It fails if a case does; which may is not its affair, but without a report it has not run.
    let index = folder.join("index.json");
    assert!(index.exists(), "kosoku left no report ({status}): see {}", said.display());
}

/// The suite at work; it ends with the test.
struct Suite {
    child: Child,
}

impl Suite {
    fn wait(mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the suite does not end");
            thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Suite {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
