//! A route: what a WebSocket on its path may do, and what is done with what it says.
//!
//! Knows: the settings of one route and what they mean together.
//! Must not know: connections, how a configuration is written, IO, clocks.

use super::keyword::{self, Keyword};
use super::pattern::Pattern;
use crate::auth::Door;
use crate::limits::Limits;
use std::sync::Arc;

/// What happens on one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where it is.
    pub path: Pattern,
    /// What a message does.
    pub behaviour: Behaviour,
    /// The room, if the path does not name it. Only used if there is something to publish.
    pub room: String,
    /// What is said there reaches the room's subscribers, and so do close events. Always so on
    /// relays.
    pub publish: bool,
    /// What a client is sent first, as a text message.
    pub greeting: Option<String>,
    /// Who names the connection.
    pub names: Names,
    /// What becomes of a newcomer that wants the name of another connection.
    pub duplicate: Duplicate,
    /// Subprotocols that are spoken; of what a client offers, the first that is here.
    pub subprotocols: Vec<String>,
    /// Origins of pages that may connect here, instead of the server's list.
    pub allow_origins: Option<Vec<String>>,
    /// Limits for these WebSockets, where they differ from the server's: all of them.
    pub limits: Option<Box<Limits>>,
    /// What credentials it takes, if not those of the whole server.
    pub door: Option<Arc<Door>>,
}

/// What a message on a route does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// It is published to the room's subscribers.
    Relay {
        /// Anything may be said; what is no object of the sender's own is wrapped into one.
        wrap: bool,
    },
    /// It goes to the room's members, and if the route publishes, to its subscribers.
    Broadcast(Broadcast),
    /// It comes back.
    Echo,
    /// It is answered from a table.
    Reply(Replies),
}

/// The settings of a broadcast.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Broadcast {
    /// A sender gets its own messages, unless it says otherwise when it connects.
    pub echo: bool,
    /// Clients may join and leave rooms.
    pub rooms: bool,
    /// Joins and leaves are published.
    pub presence: bool,
    /// Who joins gets the room's last message first.
    pub last_value: bool,
    /// Who joins may ask for what was said before.
    pub since: bool,
}

/// Canned answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replies {
    /// What to look for in a message, and what to say then. The last that is found answers.
    pub table: Vec<(Keyword, String)>,
    /// The answer when nothing was found; nothing: there is none.
    pub otherwise: Option<String>,
    /// Upper and lower case are the same.
    pub ignore_case: bool,
}

/// Who names the connections of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// The client may. On a relay that wraps nothing it must; elsewhere it gets a UUID if it does
    /// not.
    Client,
    /// The server does: a UUID (version 4).
    Server,
}

/// What becomes of a newcomer that wants the name of another connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duplicate {
    /// It gets the name, and the other is closed.
    Replace,
    /// It is refused.
    Refuse,
}

impl Route {
    /// A route with nothing but what its behaviour brings by itself.
    pub fn new(path: Pattern, behaviour: Behaviour) -> Route {
        let is_relay = matches!(behaviour, Behaviour::Relay { wrap: false });
        let publish = matches!(behaviour, Behaviour::Relay { .. } | Behaviour::Broadcast(_));
        Route {
            path,
            behaviour,
            room: super::MAIN_ROOM.to_owned(),
            publish,
            greeting: None,
            names: if is_relay { Names::Client } else { Names::Server },
            duplicate: Duplicate::Replace,
            subprotocols: Vec::new(),
            allow_origins: None,
            limits: None,
            door: None,
        }
    }

    /// The same route when the server's limits are no longer `old` but `new`: what it can have for
    /// itself, and has other than the server, stays.
    #[must_use]
    pub fn renewed(&self, old: &Limits, new: &Limits) -> Route {
        fn kept<T: Copy + PartialEq>(own: T, old: T, new: T) -> T {
            if own == old { new } else { own }
        }
        let limits = self.limits.as_ref().map(|own| Limits {
            message_bytes_max: kept(
                own.message_bytes_max,
                old.message_bytes_max,
                new.message_bytes_max,
            ),
            fragments_max: kept(own.fragments_max, old.fragments_max, new.fragments_max),
            message_time: kept(own.message_time, old.message_time, new.message_time),
            refusals_max: kept(own.refusals_max, old.refusals_max, new.refusals_max),
            ping_interval: kept(own.ping_interval, old.ping_interval, new.ping_interval),
            ping_timeout: kept(own.ping_timeout, old.ping_timeout, new.ping_timeout),
            ..new.clone()
        });
        Route { limits: limits.map(Box::new), ..self.clone() }
    }

    /// Its broadcast settings, if it has members.
    pub fn broadcast(&self) -> Option<&Broadcast> {
        match &self.behaviour {
            Behaviour::Broadcast(broadcast) => Some(broadcast),
            Behaviour::Relay { .. } | Behaviour::Echo | Behaviour::Reply(_) => None,
        }
    }

    /// Every message must say whose it is: a relay of what clients wrote themselves.
    pub fn is_as_is(&self) -> bool {
        matches!(self.behaviour, Behaviour::Relay { wrap: false })
    }

    /// Whether a client may say in its URL what it is called.
    pub fn takes_name(&self) -> bool {
        self.is_as_is() || self.names == Names::Client
    }

    /// The parameters that a client may connect with.
    pub fn parameters(&self) -> Vec<&'static str> {
        let name = self.takes_name().then_some("connectionId");
        let echo = self.broadcast().map(|_| "echo");
        let since = self.has_since().then_some("since");
        name.into_iter().chain(echo).chain(since).collect()
    }

    /// Whether a member may ask for what was said before it came.
    pub fn has_since(&self) -> bool {
        self.broadcast().is_some_and(|broadcast| broadcast.since)
    }

    /// The longest of its answers, if it has a table of them.
    pub fn answer_bytes_max(&self) -> Option<usize> {
        let Behaviour::Reply(replies) = &self.behaviour else { return None };
        let answers = replies.table.iter().map(|(_, answer)| answer);
        answers.chain(&replies.otherwise).map(String::len).max()
    }

    /// Whether its connections are in a room.
    pub fn has_room(&self) -> bool {
        self.publish || matches!(self.behaviour, Behaviour::Broadcast(_))
    }
}

impl Replies {
    /// The answer to `message`, which may be any bytes.
    pub fn answer(&self, message: &[u8]) -> Option<&str> {
        let folded = self.ignore_case.then(|| keyword::fold(&String::from_utf8_lossy(message)));
        let is_in = |wanted: &Keyword| match &folded {
            Some(folded) => wanted.is_in_folded(folded),
            None => wanted.is_in(message),
        };
        let found = self.table.iter().rev().find(|(wanted, _)| is_in(wanted));
        found.map(|(_, answer)| answer.as_str()).or(self.otherwise.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desk() -> Replies {
        let pair = |wanted: &str, answer: &str| (wanted.into(), answer.to_owned());
        Replies {
            table: vec![pair("help", "1"), pair("hi", "2"), pair("Hello", "3")],
            otherwise: Some("?".to_owned()),
            ignore_case: false,
        }
    }

    #[test]
    fn a_route_takes_the_parameters_that_mean_something_there() {
        let route = |behaviour| Route::new(Pattern::parse("/").unwrap(), behaviour);
        let broadcast = Behaviour::Broadcast(Broadcast::default());
        let named = Route { names: Names::Client, ..route(broadcast.clone()) };
        for (route, parameters) in [
            (route(Behaviour::Relay { wrap: false }), vec!["connectionId"]),
            (route(Behaviour::Relay { wrap: true }), vec![]),
            (route(broadcast), vec!["echo"]),
            (named, vec!["connectionId", "echo"]),
            (route(Behaviour::Echo), vec![]),
        ] {
            assert_eq!(route.parameters(), parameters, "{route:?}");
        }
    }

    #[test]
    fn the_last_keyword_of_the_table_that_is_there_answers() {
        let desk = desk();
        for (message, answer) in [
            ("help", "1"),
            ("hi, help", "2"),
            ("help, hi", "2"),
            ("this", "2"),
            ("Hello hi", "3"),
            ("hello", "?"),
            ("HELP", "?"),
            ("", "?"),
        ] {
            assert_eq!(desk.answer(message.as_bytes()), Some(answer), "{message}");
        }
        assert_eq!(desk.answer(b"\xff help \xff"), Some("1"));
        assert_eq!(Replies { otherwise: None, ..desk }.answer(b"what"), None);
    }

    #[test]
    fn case_is_ignored_if_asked() {
        let desk = Replies { ignore_case: true, ..desk() };
        assert_eq!(desk.answer(b"HELLO"), Some("3"));
        assert_eq!(desk.answer("ÄHI".as_bytes()), Some("2"));
    }
}
