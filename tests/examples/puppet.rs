//! Clients made with other people's libraries, which do as they are told.

use crate::support::Foreign;
use crate::support::foreign::{self, root};
use serde_json::json;
use std::net::SocketAddr;
use std::process::Command;

/// A WebSocket library.
pub(crate) type Library = fn() -> Command;

/// npm's `ws` and Python's `websockets`.
pub(crate) const LIBRARIES: [Library; 2] = [ws, websockets];

pub(crate) fn ws() -> Command {
    foreign::node(&root().join("tests/examples/puppet.js"), &["ws"])
}

pub(crate) fn websockets() -> Command {
    foreign::python(&root().join("tests/examples/puppet.py"))
}

/// A client. What it says stands at the head of its two scripts.
pub(crate) struct Puppet(Foreign);

impl Puppet {
    /// Connects to `target`, or is refused: the first line that it says tells.
    pub(crate) fn start(library: Library, addr: SocketAddr, target: &str) -> Puppet {
        Puppet(Foreign::converse(library().arg(format!("ws://{addr}{target}"))))
    }

    /// The same with a header field more.
    pub(crate) fn start_with(
        library: Library,
        addr: SocketAddr,
        target: &str,
        (name, value): (&str, &str),
    ) -> Puppet {
        let headers = json!({ name: value }).to_string();
        let mut command = library();
        Puppet(Foreign::converse(command.arg(format!("ws://{addr}{target}")).arg(headers)))
    }

    /// Connects to `target`, which must succeed.
    pub(crate) fn connect(library: Library, addr: SocketAddr, target: &str) -> Puppet {
        let puppet = Puppet::start(library, addr, target);
        assert_eq!(puppet.line(), "open");
        puppet
    }

    pub(crate) fn say(&mut self, text: &str) {
        self.0.tell(&format!("text {text}"));
    }

    pub(crate) fn say_binary(&mut self, base64: &str) {
        self.0.tell(&format!("binary {base64}"));
    }

    /// Pings, and hears the pong.
    pub(crate) fn ping(&mut self, words: &str) {
        self.0.tell(&format!("ping {words}"));
        assert_eq!(self.line(), format!("pong {words}"));
    }

    /// What it says next.
    pub(crate) fn line(&self) -> String {
        self.0.line()
    }

    /// The next message, which is text.
    pub(crate) fn hear(&self) -> String {
        let line = self.line();
        line.strip_prefix("text ").unwrap_or_else(|| panic!("{line}")).to_owned()
    }

    /// Closes. The last that it hears is the answer, which has the code and no reason.
    pub(crate) fn leave(mut self, code: u16, reason: &str) {
        self.0.tell(&format!("close {code} {reason}"));
        assert_eq!(self.0.finish(), [format!("closed {code}")]);
    }

    /// What it says before it ends by itself.
    pub(crate) fn rest(self) -> Vec<String> {
        self.0.finish()
    }
}
