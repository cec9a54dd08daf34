//! `[[route]]`: what WebSockets do, by path.
//!
//! Knows: the keys of a route, and which of them go together.
//! Must not know: what a route's settings do.

use super::access::{self, Fault as AccessFault, Keys};
use super::entries::{Entries, Entry};
use super::fault::Fault;
use super::options::option;
use super::what::{ROUTE_OPTIONS, What};
use super::{Tree, said};
use crate::config::Config;
use crate::config::mistakes::{Mistakes, Problem, Subject};
use crate::config::settings;
use crate::config::units::Unit;
use crate::limits::Limits;
use crate::routes::{
    Behaviour, Broadcast, Clash, Duplicate, Names, Pattern, Replies, Route, Table, is_room_name,
};

/// Clients cannot name it: it means all rooms.
const EVERY_ROOM: &str = "*";

impl Tree<'_> {
    /// The table of routes, if the file has one; `config` has the limits that are in force.
    pub(in crate::config) fn routes(
        &self,
        config: &Config,
        keys: &Keys,
        mistakes: &mut Mistakes,
    ) -> Option<Table> {
        let entry = self.entries().find("route")?;
        let mut routes = Vec::new();
        let mut paths = Vec::new();
        for entries in entry.tables(What::Route, mistakes) {
            let reader = Reader { entries, config, keys };
            if let Some((path, route)) = reader.read(mistakes) {
                paths.push((path, route.path.to_string()));
                routes.push(route);
            }
        }
        match Table::new(routes) {
            Ok(table) => Some(table),
            Err(clashes) => {
                for Clash { first, second } in clashes {
                    let ((first, other), (subject, path)) = (&paths[first], &paths[second]);
                    let line = first.at.map_or(0, |at| self.text.place(at).0);
                    let fault = Fault::Clash { other: other.clone(), line };
                    mistakes.push(subject, Some(path), Problem::InFile(fault));
                }
                None
            }
        }
    }
}

struct Reader<'t> {
    entries: Entries<'t>,
    config: &'t Config,
    keys: &'t Keys,
}

/// What a route is said to be, before anything else is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Relay,
    Broadcast,
    Echo,
    Reply,
}

impl Kind {
    const ALL: [(&str, Kind); 4] = [
        ("relay", Kind::Relay),
        ("broadcast", Kind::Broadcast),
        ("echo", Kind::Echo),
        ("reply", Kind::Reply),
    ];

    fn name(self) -> &'static str {
        Kind::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }
}

impl<'t> Reader<'t> {
    /// The route, and where its path stands. Everything is looked at, whatever is wrong before it.
    fn read(&self, mistakes: &mut Mistakes) -> Option<(Subject, Route)> {
        let path = self.entries.need("path", mistakes).and_then(|entry| {
            let text = entry.text(mistakes)?;
            let parsed = Pattern::parse(text);
            let parsed = parsed.map_err(|bad| entry.refuse(mistakes, text, Fault::Pattern(bad)));
            Some((entry.subject(), parsed.ok()?))
        });
        let kind = self.entries.need("behaviour", mistakes);
        let kind = kind.and_then(|entry| entry.choice(&Kind::ALL, mistakes));
        let behaviour = self.behaviour(kind, mistakes);
        let root = || Pattern::parse("/").ok();
        let pattern = path.as_ref().map(|(_, pattern)| pattern.clone()).or_else(root)?;
        // What is read without one of them is not used, and all the same read.
        let mut route = Route::new(pattern, behaviour.unwrap_or(Behaviour::Echo));
        self.publishing(&mut route, kind.is_some(), mistakes);
        self.naming(&mut route, kind.is_some(), mistakes);
        route.subprotocols = self.subprotocols(mistakes);
        route.limits = self.limits(mistakes);
        route.allow_origins = self.origins(mistakes);
        self.admitting(&mut route, mistakes);
        let limits = route.limits.as_deref().unwrap_or(&self.config.limits);
        let greeting = self.find("greeting");
        route.greeting = greeting.and_then(|entry| said::greeting(entry, limits, mistakes));
        let [ignore_case, table, otherwise] = ["ignore-case", "reply", "otherwise"]
            .map(|key| self.of(key, kind, Kind::Reply, mistakes));
        let replies = said::replies(ignore_case, table, otherwise, limits, mistakes);
        if kind == Some(Kind::Reply) {
            route.behaviour = Behaviour::Reply(replies);
        }
        let (subject, _) = path?;
        kind.map(|_| (subject, route))
    }

    fn find(&self, key: &'static str) -> Option<Entry<'t>> {
        self.entries.find(key)
    }

    fn switch(&self, key: &'static str, mistakes: &mut Mistakes) -> Option<bool> {
        self.find(key)?.switch(mistakes)
    }

    /// A key that only routes of one kind have.
    fn of(
        &self,
        key: &'static str,
        kind: Option<Kind>,
        only: Kind,
        mistakes: &mut Mistakes,
    ) -> Option<Entry<'t>> {
        let entry = self.find(key)?;
        // Of what kind it is may be what is wrong.
        if kind.is_some_and(|kind| kind != only) {
            entry.complain(mistakes, Fault::Only(only.name()));
            return None;
        }
        Some(entry)
    }

    fn behaviour(&self, kind: Option<Kind>, mistakes: &mut Mistakes) -> Option<Behaviour> {
        let mut of_broadcast = |key| {
            let entry = self.of(key, kind, Kind::Broadcast, mistakes);
            entry.and_then(|entry| entry.switch(mistakes)).unwrap_or_default()
        };
        let broadcast = Broadcast {
            echo: of_broadcast("echo"),
            rooms: of_broadcast("rooms"),
            presence: of_broadcast("presence"),
            last_value: of_broadcast("last-value"),
            since: of_broadcast("since"),
        };
        let envelope = self.of("envelope", kind, Kind::Relay, mistakes);
        let words = [("as-is", false), ("wrap", true)];
        let wrap = envelope.and_then(|entry| entry.choice(&words, mistakes)).unwrap_or_default();
        Some(match kind? {
            Kind::Relay => Behaviour::Relay { wrap },
            Kind::Broadcast => Behaviour::Broadcast(broadcast),
            Kind::Echo => Behaviour::Echo,
            Kind::Reply => Behaviour::Reply(Replies::default()),
        })
    }

    /// Whether something is published, and where. What does not go with the route's behaviour can
    /// be told only if that is known.
    fn publishing(&self, route: &mut Route, is_known: bool, mistakes: &mut Mistakes) {
        if let Some(publish) = self.switch("publish", mistakes) {
            route.publish = publish;
            if let (false, Behaviour::Relay { .. }) = (publish, &route.behaviour) {
                self.complain("publish", Fault::RelayPublishes, mistakes);
            }
        }
        let Some(entry) = self.find("room") else { return };
        let Some(room) = entry.text(mistakes) else { return };
        if route.path.has_room() {
            entry.complain(mistakes, Fault::RoomInPath);
        } else if is_known && !route.has_room() {
            entry.complain(mistakes, Fault::RoomForNothing);
        } else if room == EVERY_ROOM || !is_room_name(room, &self.config.limits) {
            let most = self.config.limits.room_name_bytes_max;
            entry.refuse(mistakes, room, Fault::RoomName { most });
        } else {
            room.clone_into(&mut route.room);
        }
    }

    /// Who names connections, and what if two want one name.
    fn naming(&self, route: &mut Route, is_known: bool, mistakes: &mut Mistakes) {
        if let Some(entry) = self.find("connection-id") {
            let words = [("client", Names::Client), ("server", Names::Server)];
            route.names = entry.choice(&words, mistakes).unwrap_or(route.names);
            let must = matches!(route.behaviour, Behaviour::Relay { wrap: false });
            if must && route.names == Names::Server {
                entry.complain(mistakes, Fault::RelayNames);
            }
        }
        if let Some(entry) = self.find("duplicate") {
            let words = [("replace", Duplicate::Replace), ("refuse", Duplicate::Refuse)];
            route.duplicate = entry.choice(&words, mistakes).unwrap_or(route.duplicate);
            if is_known && route.names == Names::Server {
                entry.complain(mistakes, Fault::NoDuplicates);
            }
        }
    }

    /// Who may come in.
    fn admitting(&self, route: &mut Route, mistakes: &mut Mistakes) {
        let servers = &self.config.allow_origins;
        let origins = route.allow_origins.as_ref().unwrap_or(servers);
        route.door = access::route_door(&self.entries, self.keys, origins, mistakes);
        let is_open = route.door.as_ref().is_some_and(|door| door.open);
        if route.path.has_token()
            && !is_open
            && !self.keys.are_meant()
            && let Some(path) = self.find("path")
        {
            access::complain(path, AccessFault::TokenForNothing, mistakes);
        }
        // Pages may come here that could not come to the server's own addresses.
        if let (None, Some(origins)) = (&route.door, self.find("allow-origin")) {
            access::judge_origins(origins, &self.config.access.door, route, mistakes);
        }
    }

    fn subprotocols(&self, mistakes: &mut Mistakes) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        let texts = self.find("subprotocols").map(|entry| entry.texts(mistakes));
        for (subject, text) in texts.unwrap_or_default() {
            let fault = match text {
                _ if !is_token(text) => Fault::NoToken,
                _ if found.iter().any(|one| one == text) => Fault::Twice,
                _ => {
                    found.push(text.to_owned());
                    continue;
                }
            };
            mistakes.push(&subject, Some(text), Problem::InFile(fault));
        }
        found
    }

    /// The server's limits with the route's own in their places, if it has any.
    fn limits(&self, mistakes: &mut Mistakes) -> Option<Box<Limits>> {
        let mut own = Config { limits: self.config.limits.clone(), ..Config::default() };
        let quantities = ROUTE_OPTIONS.iter().filter(|name| **name != "allow-origin");
        let mut has_any = false;
        for name in quantities {
            let Some((entry, setting)) = self.find(name).zip(settings::named(name)) else {
                continue;
            };
            has_any = true;
            if let Some(given) = option(entry, setting, mistakes) {
                given.apply(&mut own, mistakes);
            }
        }
        let room_log = own.limits.room_log_bytes_max;
        if own.limits.message_bytes_max > room_log
            && let Some(entry) = self.find("max-message")
        {
            let problem = Problem::Above {
                flag: "room-log",
                value: Unit::Bytes.write(room_log as u64),
                why: "a message must fit into the log of its room",
            };
            mistakes.push(&entry.subject(), entry.plain().as_deref(), problem);
        }
        (has_any && own.limits != self.config.limits).then(|| Box::new(own.limits))
    }

    fn origins(&self, mistakes: &mut Mistakes) -> Option<Vec<String>> {
        let (entry, setting) = self.find("allow-origin").zip(settings::named("allow-origin"))?;
        let mut own = Config::default();
        let given = option(entry, setting, mistakes)?;
        given.apply(&mut own, mistakes);
        Some(own.allow_origins)
    }

    fn complain(&self, key: &'static str, fault: Fault, mistakes: &mut Mistakes) {
        if let Some(entry) = self.find(key) {
            entry.complain(mistakes, fault);
        }
    }
}

/// RFC 6455 §4.1: a subprotocol is a token (RFC 9110 §5.6.2).
fn is_token(text: &str) -> bool {
    let is_mark = |byte| b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || is_mark(byte))
}
