//! Keys and doors, as a file has them. Where a secret is, and never what it is.
//!
//! Knows: how keys and doors are written in TOML.
//! Must not know: secrets.

use std::fmt::{self, Write};

use super::absolute;
use crate::auth::{Door, Expected, Globs, Refusing, Rights};
use crate::config::file::{KeySource, Vouches};
use crate::config::quote;
use crate::config::secrets::From;
use crate::config::source::Loaded;

/// The keys, and the door of the server.
pub(super) fn write(out: &mut String, loaded: &Loaded) -> fmt::Result {
    let access = &loaded.config.access;
    if !access.is_on() {
        return writeln!(out, "\n# Keys: none, so nobody is asked for a credential");
    }
    if !loaded.keys.is_empty() {
        write!(out, "\n# Keys: from the file\n")?;
    }
    loaded.keys.iter().try_for_each(|key| write_key(out, key))?;
    write!(out, "\n# The door of the server\n")?;
    let metrics = if access.open_metrics { "open" } else { "manage" };
    write_table(out, "auth", &access.door)?;
    writeln!(out, "metrics = \"{metrics}\"")?;
    write_forward(out, "auth", &access.door)
}

fn write_key(out: &mut String, key: &KeySource) -> fmt::Result {
    write!(out, "\n[[key]]\nname = {}\n", quote::text(&key.name))?;
    match &key.vouches {
        Vouches::Static(secret) => writeln!(out, "secret = {}", place(secret))?,
        Vouches::Shared { algorithm, id, expected, secret } => {
            write!(out, "algorithm = \"{algorithm}\"\nsecret = {}\n", place(secret))?;
            write_expected(out, id.as_deref(), expected)?;
        }
        Vouches::Public { algorithm, id, expected, file } => {
            write!(out, "algorithm = \"{algorithm}\"\npublic-key = {}\n", absolute(file))?;
            write_expected(out, id.as_deref(), expected)?;
        }
        Vouches::Set { algorithm, expected, file } => {
            if let Some(algorithm) = algorithm {
                writeln!(out, "algorithm = \"{algorithm}\"")?;
            }
            writeln!(out, "jwks = {}", absolute(file))?;
            write_expected(out, None, expected)?;
        }
        Vouches::Password { user, password } => {
            write!(out, "user = {}\npassword = {}\n", quote::text(user), place(password))?;
        }
    }
    let Rights { manage, .. } = key.rights;
    write_rights(out, &key.rights)?;
    writeln!(out, "manage = {manage}")
}

fn write_expected(out: &mut String, id: Option<&str>, expected: &Expected) -> fmt::Result {
    let Expected { issuer, audience } = expected;
    let said = [("id", id), ("issuer", issuer.as_deref()), ("audience", audience.as_deref())];
    for (key, text) in said {
        if let Some(text) = text {
            writeln!(out, "{key} = {}", quote::text(text))?;
        }
    }
    Ok(())
}

fn place(from: &From) -> String {
    match from {
        From::File(path) => format!("{{ file = {} }}", absolute(path)),
        From::Variable(name) => format!("{{ env = {} }}", quote::text(name)),
        From::Credential(name) => format!("{{ credential = {} }}", quote::text(name)),
    }
}

fn write_rights(out: &mut String, rights: &Rights) -> fmt::Result {
    let list = |globs: &Globs| quote::list(globs.iter().map(ToString::to_string));
    let Rights { connect, subscribe, publish, connection_id, .. } = rights;
    writeln!(out, "connect = {connect}\nsubscribe = {}", list(subscribe))?;
    writeln!(out, "publish = {}\nconnection-id = {}", list(publish), list(connection_id))
}

/// A door as the table of that name, with what it asks.
pub(super) fn write_door(out: &mut String, table: &str, door: &Door) -> fmt::Result {
    writeln!(out)?;
    write_table(out, table, door)?;
    write_forward(out, table, door)
}

fn write_table(out: &mut String, table: &str, door: &Door) -> fmt::Result {
    writeln!(out, "[{table}]")?;
    if door.forward.is_none() {
        if let Some(keys) = &door.keys {
            writeln!(out, "keys = {}", quote::list(keys.iter().map(|key| key.to_string())))?;
        }
        writeln!(out, "header = {}", quote::list(door.headers.iter().cloned()))?;
        if let Some(cookie) = &door.cookie {
            writeln!(out, "cookie = {}", quote::text(cookie))?;
        }
        if let Some(query) = &door.query {
            writeln!(out, "query = {}", quote::text(query))?;
        }
    }
    let status = match door.refusing {
        Refusing::Unauthorized => 401,
        Refusing::Forbidden => 403,
    };
    writeln!(out, "refuse = {status}")
}

fn write_forward(out: &mut String, table: &str, door: &Door) -> fmt::Result {
    let Some(forward) = &door.forward else { return Ok(()) };
    write!(out, "\n[{table}.forward]\nurl = {}\n", quote::text(forward.url()))?;
    writeln!(out, "headers = {}", quote::list(forward.headers().map(str::to_owned)))?;
    write_rights(out, forward.rights())
}
