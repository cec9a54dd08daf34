//! What is said to whoever expects what others have: where it is here, and what to do instead.
//!
//! Knows: paths, protocols and parameters of other servers; where our own listeners are.
//! Must not know: how an answer is written, what happens behind it.
//!
//! Every hint is our own words: nothing of a request is repeated in one. What is looked for is a
//! table in each file.

mod messages;
mod parameters;
mod paths;
mod protocols;

pub(super) use messages::{of_binary, of_text};
pub(super) use parameters::{of_parameter, of_websocket};
pub(super) use paths::{of_method, of_path};
pub(super) use protocols::foreign;

/// Whether it is a segment of a path that other servers have.
pub(super) fn is_word(segment: &str) -> bool {
    paths::is_word(segment) || protocols::is_word(segment)
}

use super::conn::Serves;
use super::desk::{Desk, Listener};

/// What is published with, over HTTP.
const PUBLISH: &str = "To publish, POST {\"text\":\"hello\"} as Content-Type: application/json to \
                       /api/messages, or to /api/rooms/NAME/messages";

impl Desk {
    /// Where WebSockets connect: `port 8080`.
    pub(super) fn websockets_at(&self) -> String {
        place(&self.setup.listeners, Serves::Http, "the addresses of --ws-addr")
    }

    /// Where HTTP is spoken.
    pub(super) fn http_at(&self) -> String {
        place(&self.setup.listeners, Serves::WebSocket, "the addresses of --http-addr")
    }
}

/// The port of all listeners but those of the `other` kind; `several`, if they have several.
fn place(listeners: &[Listener], other: Serves, several: &str) -> String {
    let mut ports = listeners.iter().filter(|one| one.serves != other).map(|one| one.port);
    match ports.next() {
        Some(port) if ports.all(|next| next == port) => format!("port {port}"),
        _ => several.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_named_if_there_is_one() {
        let listener = |serves, port| Listener { serves, loopback: true, port };
        let two = [listener(Serves::WebSocket, 1), listener(Serves::WebSocket, 1)];
        let three = [two[0], two[1], listener(Serves::Http, 2)];
        let more = [three[0], three[2], listener(Serves::Both, 3)];
        assert_eq!(place(&three, Serves::Http, "several"), "port 1");
        assert_eq!(place(&three, Serves::WebSocket, "several"), "port 2");
        assert_eq!(place(&more, Serves::Http, "several"), "several");
        assert_eq!(place(&two, Serves::WebSocket, "several"), "several");
        assert_eq!(place(&[more[2]], Serves::WebSocket, "several"), "port 3");
    }
}
