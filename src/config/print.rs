//! What is in force, as a file that `--config` takes.
//!
//! Knows: how options, routes and pages are written in TOML.
//! Must not know: how they are read.

mod access;

use std::fmt::{self, Write};
use std::path::{self, Path};

use super::file::{PageFrom, PageSource};
use super::given::Origin;
use super::settings::{self, Group, Setting, Takes};
use super::source::Loaded;
use super::table::GROUPS;
use super::units::Unit;
use super::{Config, quote};
use crate::routes::{Behaviour, Broadcast, Duplicate, Names, Replies, Route};

impl Loaded {
    /// All of it as TOML; each option says where it is from.
    pub fn to_toml(&self) -> String {
        let mut text = String::from("# What is in force. This is a file for --config, too.\n");
        // Nothing fails that is written to a text.
        let _ = self.write(&mut text);
        text
    }

    fn write(&self, out: &mut String) -> fmt::Result {
        let config = &mut self.config.clone();
        for group in &GROUPS {
            self.write_group(out, group, config)?;
        }
        access::write(out, self)?;
        let has_own = self.config.routes != Config::default().routes;
        let origin = if has_own { "from the file" } else { "built in" };
        write!(out, "\n# Routes: {origin}\n")?;
        if self.config.routes.iter().next().is_none() {
            writeln!(out, "route = []")?;
        }
        for route in self.config.routes.iter() {
            write_route(out, route, config)?;
        }
        if !self.pages.is_empty() {
            write!(out, "\n# Pages: from the file\n")?;
        }
        self.pages.iter().try_for_each(|page| write_page(out, page))
    }

    fn write_group(&self, out: &mut String, group: &Group, config: &mut Config) -> fmt::Result {
        let settings = group.settings.iter().filter(|one| !matches!(one.takes, Takes::File));
        for (number, setting) in settings.enumerate() {
            if number == 0 {
                write!(out, "\n# {}\n", group.heading)?;
            }
            let origin = self.origin(setting, config);
            match value(setting, config) {
                Some(value) => writeln!(out, "{} = {value}  # {origin}", setting.flag)?,
                None => {
                    let value = setting.default.unwrap_or_default();
                    writeln!(out, "# {} is {value}  # {origin}", setting.flag)?;
                }
            }
        }
        Ok(())
    }

    fn origin(&self, setting: &Setting, config: &mut Config) -> &'static str {
        let given = self.given.iter().filter(|one| one.setting.flag == setting.flag);
        match given.map(|one| one.origin).max() {
            Some(Origin::Flag) => "flag",
            Some(Origin::Environment) => "environment",
            Some(Origin::File) => "file",
            None if value(setting, config) == value(setting, &mut Config::default()) => "default",
            None => "default, raised to hold what else was given",
        }
    }
}

/// The value of an option in TOML.
fn value(setting: &Setting, config: &mut Config) -> Option<String> {
    Some(match &setting.takes {
        Takes::File => return None,
        Takes::Nothing(field) => field(config).to_string(),
        Takes::Switch(field) => (*field(config))?.to_string(),
        Takes::Addresses(field) => quote::list(field(config).iter().map(ToString::to_string)),
        Takes::Origins(field) | Takes::Hosts(field) => quote::list(field(config).iter().cloned()),
        Takes::Quantity(unit, _, field) => match (unit, field.value(config)?) {
            (Unit::Things, value) => value.to_string(),
            (unit, value) => quote::text(&unit.write(value)),
        },
    })
}

fn write_route(out: &mut String, route: &Route, config: &mut Config) -> fmt::Result {
    write!(out, "\n[[route]]\npath = {}\n", quote::text(&route.path.to_string()))?;
    let name = match &route.behaviour {
        Behaviour::Relay { .. } => "relay",
        Behaviour::Broadcast(_) => "broadcast",
        Behaviour::Echo => "echo",
        Behaviour::Reply(_) => "reply",
    };
    writeln!(out, "behaviour = \"{name}\"")?;
    writeln!(out, "publish = {}", route.publish)?;
    if route.has_room() && !route.path.has_room() {
        writeln!(out, "room = {}", quote::text(&route.room))?;
    }
    if let Some(greeting) = &route.greeting {
        writeln!(out, "greeting = {}", quote::text(greeting))?;
    }
    let by_client = route.names == Names::Client;
    writeln!(out, "connection-id = \"{}\"", if by_client { "client" } else { "server" })?;
    if by_client {
        let refuses = route.duplicate == Duplicate::Refuse;
        writeln!(out, "duplicate = \"{}\"", if refuses { "refuse" } else { "replace" })?;
    }
    if !route.subprotocols.is_empty() {
        let list = quote::list(route.subprotocols.iter().cloned());
        writeln!(out, "subprotocols = {list}")?;
    }
    if let Some(origins) = &route.allow_origins {
        writeln!(out, "allow-origin = {}", quote::list(origins.iter().cloned()))?;
    }
    write_limits(out, route, config)?;
    if route.door.as_ref().is_some_and(|door| door.open) {
        writeln!(out, "open = true")?;
    }
    match &route.behaviour {
        Behaviour::Relay { wrap } => {
            writeln!(out, "envelope = \"{}\"", if *wrap { "wrap" } else { "as-is" })
        }
        Behaviour::Broadcast(broadcast) => write_broadcast(out, broadcast),
        Behaviour::Echo => Ok(()),
        Behaviour::Reply(replies) => write_replies(out, replies),
    }?;
    match &route.door {
        Some(door) if !door.open => access::write_door(out, "route.auth", door),
        _ => Ok(()),
    }
}

/// The limits in which a route differs from the server.
fn write_limits(out: &mut String, route: &Route, config: &mut Config) -> fmt::Result {
    let Some(limits) = &route.limits else { return Ok(()) };
    let own = &mut Config { limits: (**limits).clone(), ..config.clone() };
    for setting in settings::all() {
        let (own, servers) = (value(setting, own), value(setting, config));
        if let (true, Some(own)) = (own != servers, own) {
            writeln!(out, "{} = {own}", setting.flag)?;
        }
    }
    Ok(())
}

fn write_broadcast(out: &mut String, broadcast: &Broadcast) -> fmt::Result {
    let Broadcast { echo, rooms, presence, last_value, since } = broadcast;
    writeln!(out, "echo = {echo}\nrooms = {rooms}\npresence = {presence}")?;
    writeln!(out, "last-value = {last_value}\nsince = {since}")
}

fn write_replies(out: &mut String, replies: &Replies) -> fmt::Result {
    writeln!(out, "ignore-case = {}", replies.ignore_case)?;
    for (wanted, answer) in &replies.table {
        write!(out, "\n[[route.reply]]\ncontains = {}\n", quote::text(wanted.as_str()))?;
        writeln!(out, "text = {}", quote::text(answer))?;
    }
    match &replies.otherwise {
        Some(answer) => write!(out, "\n[route.otherwise]\ntext = {}\n", quote::text(answer)),
        None => Ok(()),
    }
}

/// A path that means the same wherever it is read from.
fn absolute(path: &Path) -> String {
    let absolute = path::absolute(path).unwrap_or_else(|_| path.to_owned());
    quote::text(&absolute.to_string_lossy())
}

fn write_page(out: &mut String, page: &PageSource) -> fmt::Result {
    let path = quote::text(&page.path);
    match &page.from {
        PageFrom::Folder(folder) => {
            write!(out, "\n[[files]]\npath = {path}\nfolder = {}\n", absolute(folder))
        }
        PageFrom::Text { text, mime } => {
            write!(out, "\n[[page]]\npath = {path}\ntext = {}\n", quote::text(text))?;
            writeln!(out, "type = {}", quote::text(mime))
        }
        PageFrom::File { file, mime } => {
            write!(out, "\n[[page]]\npath = {path}\nfile = {}\n", absolute(file))?;
            writeln!(out, "type = {}", quote::text(mime))
        }
    }?;
    if page.open { writeln!(out, "open = true") } else { Ok(()) }
}
