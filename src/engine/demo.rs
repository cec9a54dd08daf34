//! What the pages that come with the server say of it.
//!
//! Knows: what routes do, in words; which ports there are.
//! Must not know: how pages look, where they are served.

use super::conn::Serves;
use super::desk::Listener;
use super::policy::Policy;
use crate::pages::{Facts, Offer, encode_segment};
use crate::routes::{Behaviour, Broadcast, Route};

/// The room to try a route with: whoever follows a second link meets who followed the first.
const SAMPLE_ROOM: &str = "lobby";

impl Policy {
    /// The same with pages to try the server with, wherever none are configured, for a server with
    /// these `listeners`.
    #[must_use]
    pub fn with_demo(mut self, listeners: &[Listener]) -> Policy {
        let port = |serves: Serves| {
            let is_it = |one: &&Listener| one.serves == serves || one.serves == Serves::Both;
            listeners.iter().find(is_it).map_or(0, |listener| listener.port)
        };
        let facts = Facts {
            version: env!("CARGO_PKG_VERSION"),
            ws_port: port(Serves::WebSocket),
            http_port: port(Serves::Http),
            asks: self.access.is_on(),
            routes: self.routes.iter().map(|route| self.offer(route)).collect(),
        };
        self.site.add_demo(&facts);
        self
    }

    fn offer(&self, route: &Route) -> Offer {
        let is_open = route.door.as_ref().is_some_and(|door| door.open);
        let who = match (self.access.is_on(), is_open) {
            (true, true) => " For everybody.",
            (true, false) if route.path.has_token() => " Takes a credential in its path.",
            _ => "",
        };
        let greets = if route.greeting.is_some() { " Whoever connects is greeted." } else { "" };
        Offer {
            path: route.path.to_string(),
            does: format!("{}{greets}{who}", does(route)),
            sample: sample(route),
            registers: matches!(route.behaviour, Behaviour::Relay { wrap: false }),
        }
    }
}

/// What a message does there.
fn does(route: &Route) -> String {
    let room = match route.path.has_room() {
        true => "the room in its path".to_owned(),
        false => format!("room {}", route.room),
    };
    let published = match route.publish {
        true => format!(" and is published to those who read {room}"),
        false => String::new(),
    };
    match &route.behaviour {
        Behaviour::Relay { wrap: false } => {
            format!("Each message, a JSON object, is published to those who read {room}.")
        }
        Behaviour::Relay { wrap: true } => {
            format!("Each message, whatever it is, is published to those who read {room}.")
        }
        Behaviour::Broadcast(Broadcast { echo, rooms, .. }) => {
            let whom = if *echo { "everyone" } else { "everyone else" };
            let joins = if *rooms { " Clients may join other rooms." } else { "" };
            let published = if route.publish { ", and to those who read it" } else { "" };
            format!("Each message goes to {whom} in {room}{published}.{joins}")
        }
        Behaviour::Echo => format!("Each message comes back{published}."),
        Behaviour::Reply(replies) => {
            let answers = match replies.table.len() {
                1 => "1 answer".to_owned(),
                count => format!("{count} answers"),
            };
            format!("Each message is answered from a table of {answers}{published}.")
        }
    }
}

/// A path of the route, percent-encoded. A credential in it is nobody's to show.
fn sample(route: &Route) -> Option<String> {
    if route.path.has_token() {
        return None;
    }
    let path = route.path.to_string();
    let encode = |part: &str| match part {
        "{room}" => SAMPLE_ROOM.to_owned(),
        part => encode_segment(part),
    };
    Some(path.split('/').map(encode).collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests;
