//! Keys and doors.

mod canary;
mod doors;
mod keys;
mod secrets;

use super::*;
use crate::auth::{Door, Globs, Keyring, Presented, Rights};
use std::sync::Arc;

/// A static key, and one that manages.
const KEYS: &str = "[[key]]\nname = 'devices'\nsecret = { env = 'DEVICES_KEY' }\n\
                    [[key]]\nname = 'ops'\nmanage = true\nuser = 'ops'\n\
                    password = { env = 'OPS_PASSWORD' }\n";

fn loaded(text: &str) -> Loaded {
    load(text).unwrap_or_else(|told| panic!("{text}: {told:?}"))
}

fn keyring(text: &str) -> Keyring {
    loaded(text).config.access.keyring
}

fn globs(texts: &[&str]) -> Globs {
    Globs::new(texts.iter().map(|text| crate::auth::Glob::parse(text).unwrap()).collect())
}
