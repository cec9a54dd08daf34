//! The tables that a file may have, and their keys.
//!
//! Knows: what may stand where, and what else it might be called.
//! Must not know: what any of it means.

use crate::config::settings::{self, Takes};

/// The tables that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::config) enum What {
    /// The file itself.
    Whole,
    Route,
    /// A canned reply, of the list or otherwise.
    Reply,
    Otherwise,
    Greeting,
    Page,
    Files,
    /// What vouches for credentials.
    Key,
    /// Where a secret is.
    Secret,
    /// The door of the server, and that of a route.
    Auth,
    RouteAuth,
    /// Who is asked at a door.
    Forward,
}

/// The options that a route may have for itself.
pub(super) const ROUTE_OPTIONS: [&str; 7] = [
    "allow-origin",
    "max-message",
    "max-fragments",
    "message-time",
    "max-refusals",
    "ping-interval",
    "ping-timeout",
];

/// What others call the keys of a key.
const KEY_SYNONYMS: [(&str, &str); 16] = [
    ("token", "secret"),
    ("tokens", "secret"),
    ("value", "secret"),
    ("key", "secret"),
    ("api-key", "secret"),
    ("file", "secret"),
    ("env", "secret"),
    ("alg", "algorithm"),
    ("kid", "id"),
    ("iss", "issuer"),
    ("aud", "audience"),
    ("username", "user"),
    ("pem", "public-key"),
    ("certificate", "public-key"),
    ("admin", "manage"),
    ("client-id", "connection-id"),
];

/// What others call the keys of a door.
const AUTH_SYNONYMS: [(&str, &str); 5] = [
    ("key", "keys"),
    ("status", "refuse"),
    ("param", "query"),
    ("parameter", "query"),
    ("url", "forward"),
];

/// What others call the places of a secret.
const SECRET_SYNONYMS: [(&str, &str); 4] =
    [("path", "file"), ("environment", "env"), ("var", "env"), ("variable", "env")];

/// Where only a key may have them, people look for these elsewhere.
const OF_KEYS: [&str; 9] = [
    "secret",
    "password",
    "token",
    "tokens",
    "api-key",
    "api-keys",
    "algorithm",
    "public-key",
    "jwks",
];

impl What {
    /// As it is called in a mistake.
    pub(super) fn name(self) -> &'static str {
        match self {
            What::Whole => "file",
            What::Route => "route",
            What::Reply => "reply",
            What::Otherwise => "otherwise",
            What::Greeting => "greeting",
            What::Page => "page",
            What::Files => "files",
            What::Key => "key",
            What::Secret => "secret",
            What::Auth => "auth",
            What::RouteAuth => "route.auth",
            What::Forward => "forward",
        }
    }

    /// The keys that it may have, but for the options.
    pub(super) fn keys(self) -> &'static [&'static str] {
        match self {
            What::Whole => &["route", "page", "files", "key", "auth"],
            What::Route => &[
                "path",
                "behaviour",
                "room",
                "echo",
                "publish",
                "greeting",
                "envelope",
                "connection-id",
                "duplicate",
                "subprotocols",
                "rooms",
                "presence",
                "last-value",
                "since",
                "reply",
                "otherwise",
                "ignore-case",
                "auth",
                "open",
            ],
            What::Reply => &["contains", "text", "json"],
            What::Otherwise | What::Greeting => &["text", "json"],
            What::Page => &["path", "text", "file", "type", "open"],
            What::Files => &["path", "folder", "open"],
            What::Key => &[
                "name",
                "secret",
                "algorithm",
                "public-key",
                "jwks",
                "id",
                "issuer",
                "audience",
                "user",
                "password",
                "connect",
                "subscribe",
                "publish",
                "manage",
                "connection-id",
            ],
            What::Secret => &["file", "env", "credential"],
            What::Auth => &["keys", "header", "cookie", "query", "refuse", "metrics", "forward"],
            What::RouteAuth => &["keys", "header", "cookie", "query", "refuse", "forward"],
            What::Forward => {
                &["url", "headers", "connect", "subscribe", "publish", "connection-id"]
            }
        }
    }

    /// Whether it may have that key.
    pub(super) fn has(self, key: &str) -> bool {
        self.keys().contains(&key)
    }

    /// Whether `key` is of a [`What::Key`], and this is none, but near one.
    pub(super) fn is_strange_to(self, key: &str) -> bool {
        let is_near = matches!(
            self,
            What::Whole | What::Route | What::Auth | What::RouteAuth | What::Forward
        );
        is_near && OF_KEYS.contains(&key)
    }

    /// All keys that it may have.
    pub(super) fn all_keys(self) -> Vec<&'static str> {
        let mut keys = self.keys().to_vec();
        match self {
            What::Whole => keys.extend(options()),
            What::Route => keys.extend(ROUTE_OPTIONS),
            _ => {}
        }
        keys
    }

    /// What is meant by a word that is none of its keys, but that others use for one.
    pub(super) fn meant(self, given: &str) -> Option<&'static str> {
        let synonyms: &[(&str, &'static str)] = match self {
            What::Key => &KEY_SYNONYMS,
            What::Auth | What::RouteAuth => &AUTH_SYNONYMS,
            What::Secret => &SECRET_SYNONYMS,
            _ => &[],
        };
        let found = synonyms.iter().find(|(word, _)| *word == given);
        found.map(|(_, key)| *key).filter(|key| self.has(key))
    }
}

/// The options that a file may have at its top.
pub(super) fn options() -> impl Iterator<Item = &'static str> {
    settings::all().filter(|one| !matches!(one.takes, Takes::File)).map(|setting| setting.flag)
}
