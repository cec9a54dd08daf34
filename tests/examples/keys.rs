//! A copy of an example's configuration with keys beside it, as its README has a user make them.

use crate::example;
use crate::support::folder::Folder;
use crate::support::server::tidegate;
use crate::support::{Foreign, Server};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The folder with the copy.
pub(crate) struct Keys(Folder);

impl Keys {
    /// A copy of the example `folder`, with a fresh key of each of these `names`.
    pub(crate) fn cut(folder: &str, names: &[&str]) -> Keys {
        let keys = Keys(Folder::new());
        let config = std::fs::read_to_string(example(folder).join("tidegate.toml")).unwrap();
        keys.0.write("tidegate.toml", &config);
        for name in names {
            let status = tidegate().args(["token", "key"]).arg(keys.key(name)).status().unwrap();
            assert!(status.success(), "{name}");
        }
        keys
    }

    pub(crate) fn config(&self) -> PathBuf {
        PathBuf::from(self.0.path("tidegate.toml"))
    }

    /// The file of a key.
    pub(crate) fn key(&self, name: &str) -> String {
        self.0.path(&format!("{name}.key"))
    }

    /// What is in it.
    pub(crate) fn secret(&self, name: &str) -> String {
        std::fs::read_to_string(self.key(name)).unwrap().trim().to_owned()
    }

    /// Starts the example.
    pub(crate) fn start(&self, more: &[&str]) -> Server {
        let mut command = tidegate();
        command.arg("--config").arg(self.config()).args(more);
        Server::start_with(&mut command)
    }

    /// A token that the key `name` vouches for, for `subject`.
    pub(crate) fn mint(&self, name: &str, subject: &str, expires_in: &str) -> String {
        let mut command = tidegate();
        command.args(["token", "mint", "--config"]).arg(self.config()).args(["--key", name]);
        command.args(["--subject", subject, "--expires-in", expires_in]);
        let output = command.stdout(Stdio::piped()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Keeps a text in a file of the folder, and gives its path.
    pub(crate) fn keep(&self, name: &str, text: &str) -> String {
        self.0.write(name, text)
    }
}

/// A port that nobody has at the moment.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The application of an example, at work; it says where it listens.
pub(crate) fn application(command: &mut Command) -> Foreign {
    let application = Foreign::start(command);
    assert!(application.line().starts_with("http://localhost:"));
    application
}
