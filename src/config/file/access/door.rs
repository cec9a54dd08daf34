//! `[auth]` and `[route.auth]`: what credentials are taken, and from which keys.
//!
//! Knows: the keys of a door, which of them go together.
//! Must not know: what a credential is, where in a request it is looked for.

use std::sync::Arc;

use super::{Fault, Keys, complain, complain_of, rights};
use crate::auth::{Door, Forward, Refusing};
use crate::config::file::entries::{Entries, Entry};
use crate::config::file::fault;
use crate::config::file::what::What;
use crate::config::mistakes::Mistakes;

/// The field that is looked at where nothing is said.
const HEADER: &str = "x-api-key";

/// Fields that mean something to a server, a proxy or a browser.
const OWN_HEADERS: [&str; 28] = [
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cache-control",
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "cookie",
    "date",
    "expect",
    "forwarded",
    "host",
    "idempotency-key",
    "if-none-match",
    "keep-alive",
    "last-event-id",
    "origin",
    "pragma",
    "range",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
];

/// The parameters that URLs have already.
const OWN_PARAMETERS: [&str; 9] = [
    "connectionId",
    "echo",
    "follow",
    "format",
    "lastEventId",
    "last-event-id",
    "room",
    "since",
    "ticket",
];

/// A door of which nothing is said.
pub(super) fn usual() -> Door {
    Door { headers: vec![HEADER.to_owned()], ..Door::default() }
}

/// The door that a table says.
pub(super) fn door(entries: &Entries<'_>, keys: &Keys, mistakes: &mut Mistakes) -> Door {
    let refuse = entries.find("refuse");
    let refusing = refuse.and_then(|entry| refusing(entry, mistakes)).unwrap_or_default();
    let forward = entries.find("forward").map(|entry| forward(entry, mistakes));
    if forward.is_some() {
        for key in ["keys", "header", "cookie", "query"] {
            if let Some(entry) = entries.find(key) {
                complain(entry, Fault::BesideForward, mistakes);
            }
        }
        // One that nobody can ask lets nobody in: there is a mistake beside it.
        return Door { forward: forward.flatten(), refusing, ..Door::default() };
    }
    let names = entries.find("keys").map(|entry| names(entry, keys, mistakes));
    let header = entries.find("header").map(|entry| headers(entry, mistakes));
    let mut word = |key, is_good: fn(&str) -> Result<(), Fault>| {
        let entry = entries.find(key)?;
        let text = entry.text(mistakes)?;
        // What is no name may be the credential itself, and is not repeated.
        is_good(text).map_err(|fault| complain(entry, fault, mistakes)).ok()?;
        Some(text.to_owned())
    };
    Door {
        keys: names,
        headers: header.unwrap_or_else(|| usual().headers),
        cookie: word("cookie", judge_cookie),
        query: word("query", judge_parameter),
        refusing,
        ..Door::default()
    }
}

fn refusing(entry: Entry<'_>, mistakes: &mut Mistakes) -> Option<Refusing> {
    match entry.plain().as_deref() {
        Some("401") => Some(Refusing::Unauthorized),
        Some("403") => Some(Refusing::Forbidden),
        _ => {
            entry.complain(mistakes, fault::Fault::Choice { words: "401, 403".to_owned() });
            None
        }
    }
}

fn names(entry: Entry<'_>, keys: &Keys, mistakes: &mut Mistakes) -> Box<[Arc<str>]> {
    let mut found: Vec<Arc<str>> = Vec::new();
    let texts = entry.texts(mistakes);
    if texts.is_empty() && !mistakes.concern(&entry.subject().key) {
        complain(entry, Fault::Nobody, mistakes);
    }
    for (subject, name) in texts {
        if !keys.names().any(|known| known == name) {
            let known = keys.names().map(str::to_owned).collect();
            complain_of(&subject, Fault::NoKey(known), mistakes);
        } else if !found.iter().any(|one| **one == *name) {
            found.push(Arc::from(name));
        }
    }
    found.into()
}

fn headers(entry: Entry<'_>, mistakes: &mut Mistakes) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for (subject, text) in entry.texts(mistakes) {
        let name = text.to_ascii_lowercase();
        let has_prefix = |prefixes: &[&str]| prefixes.iter().any(|one| name.starts_with(one));
        if !is_token(&name) {
            complain_of(&subject, Fault::HeaderName, mistakes);
        } else if OWN_HEADERS.contains(&&*name)
            || has_prefix(&["access-control-", "proxy-", "sec-", "x-forwarded-"])
        {
            complain_of(&subject, Fault::OwnHeader, mistakes);
        } else if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

fn judge_cookie(text: &str) -> Result<(), Fault> {
    if is_token(text) { Ok(()) } else { Err(Fault::CookieName) }
}

fn judge_parameter(text: &str) -> Result<(), Fault> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    match text {
        _ if OWN_PARAMETERS.contains(&text) => Err(Fault::OwnQuery),
        _ if !(1..=64).contains(&text.len()) || !text.bytes().all(is_plain) => {
            Err(Fault::QueryName)
        }
        _ => Ok(()),
    }
}

fn forward(entry: Entry<'_>, mistakes: &mut Mistakes) -> Option<Arc<Forward>> {
    let entries = entry.table(What::Forward, mistakes)?;
    let mut headers = Vec::new();
    match entries.find("headers") {
        None => headers.extend(Forward::HEADERS),
        Some(entry) => {
            for (subject, text) in entry.texts(mistakes) {
                if !is_token(text) {
                    complain_of(&subject, Fault::HeaderName, mistakes);
                } else if Forward::check_header(text).is_err() {
                    complain_of(&subject, Fault::OwnHeader, mistakes);
                } else {
                    headers.push(text);
                }
            }
        }
    }
    let rights = rights::rights(&entries, false, mistakes);
    let entry = entries.need("url", mistakes)?;
    let url = entry.text(mistakes)?;
    let forward = Forward::new(url, &headers, rights);
    let forward = forward.map_err(|bad| complain(entry, Fault::Url(bad), mistakes)).ok()?;
    Some(Arc::new(forward))
}

/// The names of fields and cookies are tokens (RFC 9110 §5.6.2, RFC 6265 §4.1.1).
fn is_token(text: &str) -> bool {
    let is_mark = |byte| b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_mark(byte))
}
