//! Files as people write them, and what they are told.

mod access;
mod beginners;
mod good;
mod mistakes;
mod pages;
mod places;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Text;
use crate::config::environment::Environment;
use crate::config::mistakes::Mistakes;
use crate::config::source::{Loaded, Source};
use crate::config::{Command, Config, Refusal};

/// The variables that the files of these tests may name.
const VARIABLES: [(&str, &str); 9] = [
    ("APP_KEY", "this is no secret but has 32 bytes"),
    ("IDP_KEY", "nor is this one, of at least 32 bytes"),
    ("DEVICES_KEY", "0123456789abcdef"),
    ("SAME_KEY", "0123456789abcdef"),
    ("BACKEND_KEY", "fedcba9876543210"),
    ("OPS_PASSWORD", "cörrect horse"),
    ("SHORT", "short"),
    ("SPACED", "sixteen bytes and more"),
    ("ENDED", "0123456789abcdeF\n"),
];

fn environment() -> Environment {
    Environment::new(|name| {
        let found = VARIABLES.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| OsString::from(value))
    })
}

/// What comes of a file with this text, without flags.
fn load(text: &str) -> Result<Loaded, Vec<String>> {
    load_bytes(text.as_bytes())
}

fn load_bytes(text: &[u8]) -> Result<Loaded, Vec<String>> {
    let mut mistakes = Mistakes::default();
    let text = Text::new("tidegate.toml", text.to_vec(), &mut mistakes);
    Source::bare(environment())
        .understand(text.as_ref(), Some(Path::new("")), mistakes)
        .map_err(|mistakes| lines(&mistakes))
}

fn lines(mistakes: &Mistakes) -> Vec<String> {
    let text = mistakes.to_string();
    let lines = text.lines().map(|line| line.strip_prefix("tidegate.toml:").unwrap_or(line));
    lines.map(str::to_owned).collect()
}

/// The mistakes of a file, each without the file's name.
fn mistakes(text: &str) -> Vec<String> {
    load(text).map(|loaded| loaded.summary()).expect_err(text)
}

/// A folder that is there as long as this value is.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Scratch {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("tidegate-config-{}-{number}", process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        // What is a link on the way to it is none in what is compared with it.
        Scratch(fs::canonicalize(path).unwrap())
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What a command line with `--config` makes of the file `tidegate.toml` here.
    fn command(&self, line: &str) -> Result<Command, Vec<String>> {
        let file = self.0.join("tidegate.toml");
        let words = line.split_whitespace().map(Into::into);
        let args = ["tidegate".into()].into_iter().chain(words);
        let args = args.chain(["--config".into(), file.into_os_string()]);
        Config::from_args(args, |name| environment().find(name)).map_err(|refusal| match refusal {
            Refusal::Mistakes(mistakes) => {
                let folder = format!("{}/", self.0.display());
                let text = mistakes.to_string().replace(&folder, "");
                text.lines().map(str::to_owned).collect()
            }
            Refusal::Told(told) => panic!("{told}"),
        })
    }

    fn load(&self, text: &str) -> Result<Config, Vec<String>> {
        self.write("tidegate.toml", text);
        self.command("serve").map(|command| match command {
            Command::Serve(loaded, _) => loaded.config,
            other => panic!("{other:?}"),
        })
    }

    fn print(&self, command: &str, text: &str) -> String {
        self.write("tidegate.toml", text);
        match self.command(command) {
            Ok(Command::Print(text)) => text,
            Ok(Command::Check(loaded)) => loaded.report(),
            other => panic!("{other:?}"),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
