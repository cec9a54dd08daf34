//! What there is to say of a configuration without mistakes.
//!
//! Knows: what it has, what works but may not be as it was meant.
//! Must not know: how it is written.

use super::Config;
use super::source::Loaded;
use super::units::Unit;
use crate::auth::{Access, Door, Globs, Key};
use crate::pages::is_demo_part;
use crate::routes::{Behaviour, Route};

impl Loaded {
    /// What there is of routes, pages and keys, in few words.
    pub fn summary(&self) -> String {
        let routes = self.config.routes.iter().count();
        let pages = self.config.site.iter().count();
        let bytes = Unit::Bytes.write(self.config.site.bytes() as u64);
        let pages = match pages {
            0 => "no pages".to_owned(),
            _ => format!("{} ({bytes})", count(pages, "page")),
        };
        let keys = match self.config.access.keyring.iter().count() {
            0 => String::new(),
            keys => format!(", {}", count(keys, "key")),
        };
        format!("{}, {pages}{keys}", count(routes, "route"))
    }

    /// What `tidegate check` says of it, a line each.
    pub fn report(&self) -> String {
        let mut lines = vec![match &self.path {
            Some(path) => format!("ok: {}", path.display()),
            None => "ok: no file; routes are those that are built in".to_owned(),
        }];
        lines.push(format!("ok: {}: {}", self.summary(), self.config.routes.paths()));
        lines.push(format!("ok: {}", who_may_come(&self.config)));
        lines.extend(self.warnings.iter().map(|warning| format!("warning: {warning}")));
        lines.join("\n") + "\n"
    }
}

fn count(number: usize, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

/// Who is asked for what, and who is not.
fn who_may_come(config: &Config) -> String {
    let access = &config.access;
    if !access.is_on() {
        return "no [[key]]: nobody is asked for a credential".to_owned();
    }
    let names: Vec<_> = managers(access).map(|key| key.name.escape_debug().to_string()).collect();
    let managers = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    let is_open = |route: &&Route| route.door.as_ref().is_some_and(|door| door.open);
    let routes = config.routes.iter().filter(is_open).map(|route| route.path.to_string());
    let pages = config.site.iter().filter(|(_, page)| page.open).map(|(path, _)| path.to_owned());
    let metrics = access.open_metrics.then(|| "/metrics".to_owned());
    let open: Vec<_> = routes.chain(pages).chain(metrics).collect();
    let open = match open.len() {
        0 => "nothing".to_owned(),
        1..=OPEN_SHOWN => open.join(", "),
        all => format!("{} and {} more", open[..OPEN_SHOWN].join(", "), all - OPEN_SHOWN),
    };
    let keys = count(access.keyring.iter().count(), "key");
    format!("{keys}; may manage: {managers}; open to everybody: {open}")
}

/// A folder of pages can have very many.
const OPEN_SHOWN: usize = 10;

/// The keys that the API can be used by.
fn managers(access: &Access) -> impl Iterator<Item = &Key> {
    let keys = access.keyring.iter();
    keys.filter(|key| key.rights.manage && access.door.takes(&key.name))
}

/// What works, but perhaps not as it was meant.
pub(super) fn warnings(config: &Config) -> Vec<String> {
    let mut warnings = Vec::new();
    for route in config.routes.iter() {
        if let Behaviour::Reply(replies) = &route.behaviour
            && replies.table.is_empty()
            && replies.otherwise.is_none()
        {
            let what = "it never replies; give it a [[route.reply]] or a [route.otherwise]";
            warnings.push(format!("route {}: {what}", route.path));
        }
    }
    let access = &config.access;
    if access.is_on() && managers(access).next().is_none() {
        let what = "may manage: the API is closed to everybody; manage = true opens it to a key";
        warnings.push(format!("no [[key]] that counts in [auth] {what}"));
    }
    warnings.extend(cookies(config));
    for key in access.keyring.iter() {
        if let Some(what) = odd(key, config) {
            warnings.push(format!("key {}: {what}", key.name.escape_debug()));
        }
    }
    warnings.extend(parts(config));
    warnings
}

/// Pages in place of what the server's own are made of.
fn parts(config: &Config) -> impl Iterator<Item = String> {
    const WHAT: &str = "it stands in place of a part of the pages that come with the server, which \
                        do not work with another; demo = false turns them off";
    let paths = config.site.iter().map(|(path, _)| path);
    let taken = paths.filter(|path| config.serves_demo() && is_demo_part(path));
    taken.map(|path| format!("page {path}: {WHAT}"))
}

/// Doors that take a cookie, and no page but the server's own may send it.
fn cookies(config: &Config) -> impl Iterator<Item = String> {
    const WHAT: &str = "takes a cookie, which counts in requests from pages of this server alone, \
                        as allow-origin lists no other origin by name";
    let is_idle = |door: &Door, listed: &[String]| {
        door.cookie.is_some() && listed.iter().all(|origin| matches!(origin.as_str(), "*" | "null"))
    };
    let server = is_idle(&config.access.door, &config.allow_origins) && config.access.is_on();
    let of_route = move |route: &Route| {
        let listed = route.allow_origins.as_deref().unwrap_or(&config.allow_origins);
        let door = route.door.as_deref()?;
        is_idle(door, listed).then(|| format!("route {}: its door {WHAT}", route.path))
    };
    let server = server.then(|| format!("[auth] {WHAT}"));
    server.into_iter().chain(config.routes.iter().filter_map(of_route))
}

/// What may not be meant of a key.
fn odd(key: &Key, config: &Config) -> Option<String> {
    let rights = &key.rights;
    let lets_in = |door: &Door| door.forward.is_none() && door.takes(&key.name);
    let server = &config.access.door;
    // The API takes keys, whoever else is asked at the door.
    let counts = lets_in(server) || (rights.manage && server.takes(&key.name));
    let of_routes = || config.routes.iter().filter_map(|route| route.door.as_deref());
    if !counts && !of_routes().any(lets_in) {
        return Some("no door takes it; name it in keys of [auth] or of [route.auth]".to_owned());
    }
    let is_idle = !rights.connect && !rights.manage;
    if is_idle && rights.subscribe.is_none() {
        return Some("it gives no right to anything; write connect = true".to_owned());
    }
    if is_idle && !rights.publish.is_none() {
        let what = "it may publish, but not connect, and nobody publishes without";
        return Some(format!("{what}; write connect = true"));
    }
    let globs = [&rights.subscribe, &rights.publish, &rights.connection_id];
    let word =
        globs.into_iter().flat_map(Globs::iter).find_map(|glob| placeholder(&glob.to_string()))?;
    Some(format!("{} stands for itself; only {{sub}} stands for a subject", word.escape_debug()))
}

/// A word in braces that is not the one that there is.
fn placeholder(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('{')?;
    let (word, behind) = rest.split_once('}')?;
    let is_word = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_word && word != "sub" {
        return Some(format!("{{{word}}}"));
    }
    placeholder(behind)
}
