//! The description of the HTTP listener, as the real binary serves it, and whether it is true:
//! schemathesis tries what it says, in its own ways, and other ways too. `tests/run` installs that;
//! without it these tests fail and say so.
//!
//! What schemathesis said is left in `target/openapi`.

#[path = "../support/mod.rs"]
mod support;

mod answers;
mod crowd;
mod description;

use crowd::Crowd;
use description::Description;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use support::http::get;
use support::server::tidegate;
use support::{Folder, Server};
use tidegate::http::Fault;

/// How many requests to each operation schemathesis makes up, beside those that it works out.
const EXAMPLES: &str = "30";

/// A run takes 15 s on a quiet machine.
const PATIENCE: Duration = Duration::from_secs(900);

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A program of the tests' Python; fails, saying what to do, if it is not there.
fn python(program: &str) -> Command {
    let program = root().join("target/python/bin").join(program);
    let needed = root().join("target/python/bin/schemathesis");
    assert!(needed.exists(), "schemathesis is missing: tests/run installs {}", needed.display());
    Command::new(program)
}

fn served(server: &Server) -> String {
    let response = get(server.http, "/openapi.json");
    assert_eq!(response.status, 200, "{response:?}");
    response.body
}

#[test]
fn the_description_is_valid_and_its_examples_fit() {
    let server = Server::start(&[]);
    let mut command = python("python3");
    command.arg(root().join("tests/openapi/examples.py"));
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("Python starts");
    child.stdin.take().unwrap().write_all(served(&server).as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn the_description_is_of_this_version_and_knows_every_fault() {
    let server = Server::start(&[]);
    let description = Description::read(&served(&server));
    assert_eq!(description.version(), env!("CARGO_PKG_VERSION"));
    let operations = description.operations();
    // No page of a configuration can stand in the way of what is described.
    assert!(operations.iter().all(|operation| tidegate::pages::is_own(operation.path)));
    for fault in Fault::ALL {
        // No operation has a method that is not known, and most have no body.
        let applies = |operation: &&description::Operation| match fault {
            Fault::MethodTooLong => false,
            Fault::BadChunk
            | Fault::ExtensionsTooLong
            | Fault::BadTrailer
            | Fault::TrailersTooLarge => operation.takes_body,
            _ => true,
        };
        for operation in operations.iter().filter(applies) {
            let codes = operation.codes_of(fault.status().code());
            let name = &operation.name;
            assert!(codes.contains(fault.code()), "{name} may be answered {}", fault.code());
        }
    }
}

#[test]
fn schemathesis_finds_nothing_that_is_not_as_described() {
    let server = Server::start(&[]);
    let crowd = Crowd::gather(server.ws);
    // Here nobody is asked for a credential, so none is too bad.
    try_out(&server, "schemathesis", &["--exclude-checks", "ignored_auth"]);
    // Otherwise it spoke to nobody.
    let heard = crowd.disperse(|| server.terminate());
    assert!(heard.texts > 0 && heard.binaries > 0 && heard.closes > 0, "{heard:?}");
    assert_eq!(server.wait().0.code(), Some(0));
}

/// What comes without the key, or with another, is to be refused: that is tried, too.
#[test]
fn schemathesis_finds_nothing_where_credentials_are_asked_for() {
    const KEY: &str = "the-key-of-whoever-manages";
    let folder = Folder::new();
    let keys = "[[key]]\nname = 'ops'\nsecret = { env = 'OPS_KEY' }\nmanage = true\n";
    let config = folder.write("tidegate.toml", keys);
    let server =
        Server::start_with(tidegate().env("OPS_KEY", KEY).args(["--config", config.as_str()]));
    assert_eq!(get(server.http, "/api/rooms").status, 401, "it asks");
    let key = format!("Authorization: Bearer {KEY}");
    try_out(&server, "schemathesis-keys", &["--header", &key]);
    server.terminate();
    assert_eq!(server.wait().0.code(), Some(0));
}

/// Has schemathesis try all that the description says; what it says itself is left in a file of
/// this name.
fn try_out(server: &Server, name: &str, more: &[&str]) {
    let folder = root().join("target/openapi").join(name);
    let said = folder.with_extension("txt");
    let mut command = python("schemathesis");
    command.arg("--config-file").arg(root().join("tests/openapi/schemathesis.toml"));
    command.env("SCHEMATHESIS_HOOKS", root().join("tests/openapi/hooks.py"));
    command.arg("run").arg(format!("http://{}/openapi.json", server.http));
    command.args(["--checks", "all", "--seed", "1", "--max-examples", EXAMPLES]);
    command.args(["--continue-on-failure", "--no-color"]).args(more);
    let begin = Instant::now();
    let status = run(command, &folder, &said);
    println!("{name}: {:.1?}", begin.elapsed());
    let report = fs::read_to_string(&said).unwrap();
    assert!(status.success(), "{status}; all it said is in {}\n{report}", said.display());
}

/// Runs a command in this folder, to its end or to that of our patience.
fn run(mut command: Command, folder: &PathBuf, said: &Path) -> ExitStatus {
    fs::create_dir_all(folder).unwrap();
    let output = File::create(said).unwrap();
    command.current_dir(folder).stdin(Stdio::null());
    command.stdout(output.try_clone().unwrap()).stderr(output);
    let mut child = Running(command.spawn().expect("schemathesis starts"));
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.0.try_wait().unwrap() {
            return status;
        }
        assert!(Instant::now() < deadline, "schemathesis does not end: see {}", said.display());
        thread::sleep(Duration::from_millis(20));
    }
}

/// It ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
