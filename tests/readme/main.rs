//! README.md, typed line by line by somebody who believes it.
//!
//! A block that is fenced as `console` shows a terminal: what stands behind `$ ` is typed into a
//! shell, what stands behind `> ` into the program that runs, `^C` is a key, and all other lines must
//! be seen, in their order and nothing between them. A line `…` stands for any lines, and `…` in a line
//! for anything. A comment `<!-- terminal: NAME -->` before the block says which of the reader's
//! terminals it is; there a program may go on while other blocks are typed elsewhere. The server of
//! the tour runs on other ports than a reader's, so that nothing that runs here is disturbed.

mod script;

#[path = "../support/mod.rs"]
mod support;

use script::{Block, Step, blocks, fits};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use support::foreign::root;
use support::server::tidegate;
use support::terminal::Terminal;
use support::{Folder, Server};

/// One of the reader's terminals.
struct Place {
    terminal: Terminal,
    /// How many lines of it were read.
    read: usize,
    /// A key has told the program to end.
    is_interrupted: bool,
}

#[test]
fn all_that_the_tour_shows_is_what_a_reader_sees() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    let blocks = blocks(&text);
    assert!(blocks.len() >= 5, "the tour is not found");
    let reader = Reader { server: Server::start(&[]), folder: Folder::new() };
    let mut places = BTreeMap::new();
    for block in &blocks {
        reader.follow(block, &mut places);
    }
}

/// Somebody who writes a client from PROTOCOL.md alone has a server to try it on.
#[test]
fn the_configuration_of_the_contract_is_one() {
    let text = fs::read_to_string(root().join("PROTOCOL.md")).unwrap();
    let (_, chapter) = text.split_once("\n## A server to test against\n").unwrap();
    let (_, block) = chapter.split_once("```toml\n").unwrap();
    let folder = Folder::new();
    let file = folder.write("tidegate.toml", block.split_once("```").unwrap().0);
    for name in ["app.key", "backend.key", "desk.key"] {
        let made = tidegate().args(["token", "key", &folder.path(name)]).status().unwrap();
        assert!(made.success());
    }
    folder.write("partner.pem", PARTNER);
    let output = tidegate().args(["check", "--config", &file]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && said.is_empty(), "{said}");
}

/// A public key of the curve P-256; nobody has the other half.
const PARTNER: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEGInFueCCsZUT89bPaO4UmlR1N6Fs
4l+MnGlMEeLpDhHJs5ELlmDDsY/xT/UBNvxx9aByCg9AQwUTWV0esHfLgA==
-----END PUBLIC KEY-----
";

struct Reader {
    server: Server,
    folder: Folder,
}

impl Reader {
    fn follow(&self, block: &Block, places: &mut BTreeMap<String, Place>) {
        let name = block.terminal.clone().unwrap_or_default();
        let mut lines = Vec::new();
        let mut steps = block.steps.iter().peekable();
        while let Some(step) = steps.next() {
            match step {
                Step::Run(command) => {
                    leave(places.remove(&name));
                    let terminal = Terminal::start(&mut self.shell(command));
                    places.insert(name.clone(), Place { terminal, read: 0, is_interrupted: false });
                }
                Step::Type(text) => {
                    let place = places.get_mut(&name).expect("a program runs here");
                    place.terminal.wait_for_prompt(">");
                    place.terminal.type_in(format!("{text}\n"));
                    // A terminal shows what is typed.
                    lines.push(Step::See(format!("> {text}")));
                }
                Step::Key(key) => {
                    let place = places.get_mut(&name).expect("a program runs here");
                    place.terminal.type_in([*key as u8 & 0x1f]);
                    place.is_interrupted = *key == 'C';
                }
                Step::See(line) => lines.push(Step::See(line.clone())),
                Step::SeeAny => lines.push(Step::SeeAny),
            }
            let goes_on = matches!(steps.peek(), Some(Step::See(_) | Step::SeeAny));
            if !lines.is_empty() && !goes_on {
                let place = places.get_mut(&name).expect("a program runs here");
                place.see(&std::mem::take(&mut lines));
            }
        }
        if block.terminal.is_none() {
            leave(places.remove(&name));
        }
    }

    /// A shell about to run `command`.
    fn shell(&self, command: &str) -> Command {
        let binary = Path::new(env!("CARGO_BIN_EXE_tidegate")).parent().unwrap();
        let path = std::env::var("PATH").unwrap();
        let mut shell = Command::new("bash");
        shell.args(["-c", &self.localised(command)]).current_dir(self.folder.path("."));
        shell.env("PATH", format!("{}:{path}", binary.display()));
        // A terminal on which nothing is written over: what is seen are lines.
        shell.env("TERM", "dumb").env_remove("TIDEGATE_LOG");
        shell
    }

    /// `command` for the ports of this server.
    fn localised(&self, command: &str) -> String {
        let (ws, http) = (self.server.ws.port(), self.server.http.port());
        let command = match command.strip_prefix("tidegate tap") {
            Some(rest) if !rest.contains("://") => {
                format!("tidegate tap{rest} http://localhost:8082/events")
            }
            _ => command.to_owned(),
        };
        let ports = [("localhost:8080", ws), ("localhost:8082", http)];
        let here = |command: String, (from, to): (&str, u16)| {
            command.replace(from, &format!("localhost:{to}"))
        };
        ports.into_iter().fold(command, here)
    }
}

impl Place {
    /// Reads on until all of `expected` was seen.
    fn see(&mut self, expected: &[Step]) {
        let (from, what) = (self.read, format!("{expected:#?}"));
        self.read = self.terminal.wait_for(&what, |lines, _| {
            let read = matched(expected, lines.get(from..)?)?;
            Some(from + read)
        });
    }
}

/// How many of `lines` `expected` takes, which begins with the first of them.
fn matched(expected: &[Step], lines: &[String]) -> Option<usize> {
    let Some((first, behind)) = expected.split_first() else { return Some(0) };
    if *first == Step::SeeAny {
        return (0..=lines.len())
            .find_map(|skipped| Some(skipped + matched(behind, &lines[skipped..])?));
    }
    let Step::See(wanted) = first else { return None };
    let seen = lines.first()?;
    // Between two of its events a stream may say that it is still there; a prompt at which nothing
    // was typed stands where it was.
    if [":", ">"].contains(&seen.as_str()) {
        return Some(1 + matched(expected, &lines[1..])?);
    }
    fits(wanted, seen).then(|| matched(behind, &lines[1..])).flatten().map(|read| read + 1)
}

/// A program has ended, and well, before something else is typed where it ran.
fn leave(place: Option<Place>) {
    let Some(Place { mut terminal, read, is_interrupted }) = place else { return };
    let is_good = terminal.wait();
    if is_interrupted {
        return;
    }
    terminal.wait_for("nothing more", |lines, _| {
        // Where a prompt was left, it stands.
        let rest: Vec<_> = lines.iter().skip(read).filter(|line| *line != ">").collect();
        assert!(rest.is_empty(), "more than README.md says: {rest:#?}");
        Some(())
    });
    assert!(is_good, "it failed");
}
