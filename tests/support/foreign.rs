//! Other people's programs at work. What they need, `tests/run` installs; without it whoever starts
//! one fails and says so.

use super::PATIENCE;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Fails, naming what is missing, unless `path` is there.
fn demand(path: &Path, what: &str) {
    assert!(path.exists(), "{what} is not installed ({}): tests/run does it", path.display());
}

/// Node, about to run a script that needs these npm packages, wherever the script is.
pub(crate) fn node(script: &Path, packages: &[&str]) -> Command {
    let modules = root().join("tests/foreign/node/node_modules");
    packages.iter().for_each(|name| demand(&modules.join(name), &format!("npm's {name}")));
    let mut command = Command::new("node");
    command.arg(script).env("NODE_PATH", modules);
    command
}

/// Python, about to run a script that may need `websockets`.
pub(crate) fn python(script: &Path) -> Command {
    let python = root().join("target/python/bin/python3");
    demand(&python, "Python's websockets");
    let mut command = Command::new(python);
    command.arg(script);
    command
}

/// The program `name` of this machine.
pub(crate) fn installed(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(name));
    let found = places.find(|place| place.is_file());
    found.unwrap_or_else(|| panic!("{name} is not installed: tests/run does it"))
}

/// A foreign program, read line by line, and told lines if it listens.
#[derive(Debug)]
pub(crate) struct Foreign {
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
}

impl Foreign {
    /// Starts a program that hears nothing.
    pub(crate) fn start(command: &mut Command) -> Foreign {
        Foreign::spawn(command.stdin(Stdio::null()))
    }

    /// Starts a program that is told what to do line by line.
    pub(crate) fn converse(command: &mut Command) -> Foreign {
        Foreign::spawn(command.stdin(Stdio::piped()))
    }

    fn spawn(command: &mut Command) -> Foreign {
        let program = command.get_program().to_owned();
        let child = command.stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| {
            panic!("{program:?} cannot be started ({error}): tests/run installs it")
        });
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            // Whoever does not want to hear more is gone.
            stdout.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok())
        });
        Foreign { stdin: child.stdin.take(), child, lines }
    }

    /// Tells it a line.
    pub(crate) fn tell(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("a program that listens");
        writeln!(stdin, "{line}").expect("it is still there");
    }

    /// The next line.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("one more line")
    }

    /// The next line, which is JSON.
    pub(crate) fn json(&self) -> Value {
        let line = self.line();
        serde_json::from_str(&line).expect(&line)
    }

    /// All lines until it ends, which it must do well.
    pub(crate) fn finish(mut self) -> Vec<String> {
        drop(self.stdin.take());
        let mut lines = Vec::new();
        while let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            lines.push(line);
        }
        assert!(self.child.wait().unwrap().success(), "{lines:?}");
        lines
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
