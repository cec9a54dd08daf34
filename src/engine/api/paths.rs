//! What there is on the HTTP side, by path, and which methods it has: one table.
//!
//! Knows: paths, methods.
//! Must not know: what comes of a request.

use super::super::admission::Need;
use super::super::health::Fixed;
use crate::http::Method;

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    Events,
    Fixed(Fixed),
    Connections,
    Connection,
    Rooms,
    Room,
    RoomMessages,
    Messages,
    Batch,
    /// Credentials that are good once.
    Tickets,
    /// What is good no more.
    Revocations,
    /// A connection as API Gateway of AWS shows it.
    AwsConnection,
}

impl Resource {
    /// What it takes, where anybody is asked for anything; nothing: it is for everybody.
    pub(super) fn need(self) -> Option<Need> {
        match self {
            Resource::Events => Some(Need::Subscribe),
            Resource::Tickets => Some(Need::Anything),
            Resource::Fixed(Fixed::Metrics) => Some(Need::Manage),
            Resource::Fixed(_) => None,
            Resource::Connections
            | Resource::Connection
            | Resource::Rooms
            | Resource::Room
            | Resource::RoomMessages
            | Resource::Messages
            | Resource::Batch
            | Resource::Revocations
            | Resource::AwsConnection => Some(Need::Manage),
        }
    }
}

impl Resource {
    /// Its path, with what stands for names.
    pub(super) fn pattern(self) -> &'static str {
        match self {
            Resource::Events => "/events",
            Resource::Fixed(Fixed::Hello) => "/hello",
            Resource::Fixed(Fixed::Live) => "/livez",
            Resource::Fixed(Fixed::Ready) => "/readyz",
            Resource::Fixed(Fixed::Metrics) => "/metrics",
            Resource::Fixed(Fixed::OpenApi) => "/openapi.json",
            Resource::Fixed(Fixed::AsyncApi) => "/asyncapi.json",
            Resource::Connections => "/api/connections",
            Resource::Connection => "/api/connections/{connectionId}",
            Resource::Rooms => "/api/rooms",
            Resource::Room => "/api/rooms/{room}",
            Resource::RoomMessages => "/api/rooms/{room}/messages",
            Resource::Messages => "/api/messages",
            Resource::Batch => "/api/batch",
            Resource::Tickets => "/api/tickets",
            Resource::Revocations => "/api/revocations",
            Resource::AwsConnection => "/@connections/{connectionId}",
        }
    }
}

/// The methods of what is only read.
pub(super) const READ: &str = "GET, HEAD, OPTIONS";
const POST: &str = "POST, OPTIONS";
const ALL: &str = "GET, HEAD, POST, DELETE, OPTIONS";

/// Stands for a segment that names something.
pub(super) const NAME: &str = "{}";

pub(super) type Row = (&'static [&'static str], &'static str, Resource);

pub(super) const TABLE: &[Row] = &[
    (&["events"], READ, Resource::Events),
    (&["hello"], READ, Resource::Fixed(Fixed::Hello)),
    (&["livez"], READ, Resource::Fixed(Fixed::Live)),
    (&["readyz"], READ, Resource::Fixed(Fixed::Ready)),
    (&["metrics"], READ, Resource::Fixed(Fixed::Metrics)),
    (&["openapi.json"], READ, Resource::Fixed(Fixed::OpenApi)),
    (&["asyncapi.json"], READ, Resource::Fixed(Fixed::AsyncApi)),
    (&["api", "connections"], READ, Resource::Connections),
    (&["api", "connections", NAME], ALL, Resource::Connection),
    (&["api", "rooms"], READ, Resource::Rooms),
    (&["api", "rooms", NAME], READ, Resource::Room),
    (&["api", "rooms", NAME, "messages"], POST, Resource::RoomMessages),
    (&["api", "messages"], POST, Resource::Messages),
    (&["api", "batch"], POST, Resource::Batch),
    (&["api", "tickets"], POST, Resource::Tickets),
    (&["api", "revocations"], ALL, Resource::Revocations),
    (&["@connections", NAME], ALL, Resource::AwsConnection),
];

/// A path that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found<'p> {
    pub(super) resource: Resource,
    /// Its methods, as `Allow` has them.
    pub(super) allow: &'static str,
    /// The segment that names something, if one does.
    pub(super) name: &'p str,
}

/// Whether `allow` has the method.
pub(super) fn has(allow: &str, method: Method) -> bool {
    let name = match method {
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Patch => "PATCH",
        Method::Delete => "DELETE",
        Method::Options => "OPTIONS",
        Method::Other => return false,
    };
    allow.split(", ").any(|allowed| allowed == name)
}

/// What the decoded segments of a path lead to.
pub(super) fn find<'p>(path: &[&'p str]) -> Option<Found<'p>> {
    let (pattern, allow, resource) = *TABLE.iter().find(|(pattern, ..)| {
        let fits = |(part, segment): (&&str, &&str)| match *part {
            NAME => !segment.is_empty(),
            part => part == *segment,
        };
        pattern.len() == path.len() && pattern.iter().zip(path).all(fits)
    })?;
    let named = pattern.iter().position(|part| *part == NAME);
    let name = named.and_then(|at| path.get(at)).copied().unwrap_or_default();
    Some(Found { resource, allow, name })
}

/// What there is, as one writes it.
pub(super) fn all() -> impl Iterator<Item = String> {
    let written = |part: &&str| if *part == NAME { "NAME" } else { part }.to_owned();
    TABLE.iter().map(move |(pattern, ..)| {
        format!("/{}", pattern.iter().map(written).collect::<Vec<_>>().join("/"))
    })
}

/// Every method that something here has: what `OPTIONS *` asks for.
pub(super) const EVERYWHERE: &str = ALL;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_leads_to_its_row() {
        for (pattern, allow, resource) in TABLE {
            let path: Vec<&str> =
                pattern.iter().map(|part| if *part == NAME { "a/b c" } else { part }).collect();
            let found = find(&path).expect("it is in the table");
            assert_eq!((found.resource, found.allow), (*resource, *allow), "{path:?}");
            assert_eq!(found.name, if pattern.contains(&NAME) { "a/b c" } else { "" });
            let told = resource.pattern().split('/').skip(1);
            let told: Vec<_> =
                told.map(|part| if part.starts_with('{') { NAME } else { part }).collect();
            assert_eq!(told, *pattern);
            assert!(has(allow, Method::Options) && !has(allow, Method::Patch));
            assert!(!has(allow, Method::Other));
            assert_eq!(has(allow, Method::Head), has(allow, Method::Get));
            assert!(find(&[&path[..], &[""]].concat()).is_none(), "a slash more is another path");
        }
        for path in [&[][..], &["api"], &["api", "nothing"], &["Events"], &["@connections"]] {
            assert!(find(path).is_none(), "{path:?}");
        }
    }

    /// Where the server answers by itself no page can be put.
    #[test]
    fn no_page_can_hide_behind_a_path_of_ours() {
        for (pattern, ..) in TABLE {
            let path = pattern.iter().fold(String::new(), |path, part| path + "/" + part);
            assert!(crate::pages::is_own(&path), "{path}");
        }
    }

    #[test]
    fn a_server_has_the_methods_that_its_paths_have() {
        for (path, allow, _) in TABLE {
            for method in allow.split(", ") {
                assert!(EVERYWHERE.split(", ").any(|other| other == method), "{path:?}");
            }
        }
    }
}
