//! Paths of the HTTP side that are not there, and methods that are not there.
//!
//! Knows: what other servers have at which path, and where that is here.
//! Must not know: who asks, what is at a path that is there.

use super::super::desk::Desk;
use super::PUBLISH;
use super::protocols::foreign;
use crate::http::{Method, Request};
use std::borrow::Cow;
use std::fmt::Write as _;

/// What somebody wants who asks for a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wants {
    Events,
    Publish,
    /// Events with GET, to publish with POST.
    EventsOrPublish,
    WebSocket,
    Alive,
    Numbers,
    Description,
    FirstPage,
    /// The parts of the API.
    Api,
    /// The API, but it has no versions.
    Version,
    /// The API, as that of AWS.
    Aws,
}

/// What others have there. A star at the end: also what is below. The first that fits counts.
const TABLE: &[(&str, Wants)] = &[
    ("/.well-known/mercure*", Wants::EventsOrPublish),
    ("/events/*", Wants::EventsOrPublish),
    ("/event*", Wants::Events),
    ("/eventsource*", Wants::Events),
    ("/event-stream*", Wants::Events),
    ("/sse*", Wants::Events),
    ("/stream*", Wants::Events),
    ("/streams*", Wants::Events),
    ("/sub*", Wants::Events),
    ("/subscribe*", Wants::Events),
    ("/subscriptions*", Wants::Events),
    ("/connection/uni_sse", Wants::Events),
    ("/connection/sse", Wants::Events),
    ("/connection/http_stream", Wants::Events),
    ("/connection/uni_http_stream", Wants::Events),
    ("/v1/subscribe", Wants::Events),
    ("/pub*", Wants::Publish),
    ("/publish*", Wants::Publish),
    ("/broadcast*", Wants::Publish),
    ("/_broadcast", Wants::Publish),
    ("/send*", Wants::Publish),
    ("/message*", Wants::Publish),
    ("/messages*", Wants::Publish),
    ("/api/publish", Wants::Publish),
    ("/api/broadcast", Wants::Publish),
    ("/api/message", Wants::Publish),
    ("/v1/publish", Wants::Publish),
    ("/apps/*", Wants::Publish),
    ("/ws*", Wants::WebSocket),
    ("/wss*", Wants::WebSocket),
    ("/websocket*", Wants::WebSocket),
    ("/socket*", Wants::WebSocket),
    ("/chat*", Wants::WebSocket),
    ("/echo*", Wants::WebSocket),
    ("/healthz*", Wants::Alive),
    ("/health*", Wants::Alive),
    ("/live*", Wants::Alive),
    ("/ready*", Wants::Alive),
    ("/alive", Wants::Alive),
    ("/up", Wants::Alive),
    ("/ping", Wants::Alive),
    ("/status*", Wants::Alive),
    ("/startupz", Wants::Alive),
    ("/-/healthy", Wants::Alive),
    ("/-/ready", Wants::Alive),
    ("/actuator/prometheus", Wants::Numbers),
    ("/actuator*", Wants::Alive),
    ("/prometheus*", Wants::Numbers),
    ("/metrics/*", Wants::Numbers),
    ("/stats*", Wants::Numbers),
    ("/docs*", Wants::Description),
    ("/doc*", Wants::Description),
    ("/swagger*", Wants::Description),
    ("/swagger-ui*", Wants::Description),
    ("/swagger.json", Wants::Description),
    ("/api-docs*", Wants::Description),
    ("/redoc*", Wants::Description),
    ("/openapi*", Wants::Description),
    ("/openapi.yaml", Wants::Description),
    ("/asyncapi*", Wants::Description),
    ("/asyncapi.yaml", Wants::Description),
    ("/", Wants::FirstPage),
    ("/home", Wants::FirstPage),
    ("/index.html", Wants::FirstPage),
    ("/index.htm", Wants::FirstPage),
    ("/demo*", Wants::FirstPage),
    ("/v1*", Wants::Version),
    ("/api/v1*", Wants::Version),
    ("/api/v2*", Wants::Version),
    ("/@connections", Wants::Aws),
    ("/api", Wants::Api),
    ("/connections*", Wants::Api),
    ("/rooms*", Wants::Api),
    ("/channels*", Wants::Api),
    ("/topics*", Wants::Api),
    ("/api/channels*", Wants::Api),
    ("/api/users*", Wants::Api),
    ("/api/hubs*", Wants::Api),
];

/// Nothing is compared with what is longer.
const COMPARED_BYTES_MAX: usize = 64;

/// What is said of a path at which there is nothing. `ours` are those at which there is something.
pub(in crate::engine) fn of_path(
    desk: &Desk,
    request: &Request<'_>,
    ours: impl Iterator<Item = String>,
) -> String {
    let segments: Vec<Cow<'_, str>> = request.segments().collect();
    let path = format!("/{}", segments.join("/")).to_lowercase();
    let wants = wanted(&path);
    if let Some(foreign) = foreign(request).filter(|_| wants.is_none()) {
        return foreign.told(&desk.websockets_at());
    }
    // Which routes there are is for those who may come in.
    let policy = &desk.policy;
    if !policy.access.is_on() && path != "/" && policy.routes.matching(&segments).is_some() {
        let at = desk.websockets_at();
        return format!("WebSockets connect to this path, but on {at}. Events are at /events.");
    }
    match (wants, nearest(&path, ours)) {
        (Some(wants), _) => told(desk, wants, request.method()),
        (None, Some(near)) => format!("There is nothing here. The nearest is {near}."),
        (None, None) => {
            let here = "/events, /api/rooms, /api/connections or /openapi.json";
            format!("There is nothing here. Try {here}.")
        }
    }
}

fn wanted(path: &str) -> Option<Wants> {
    let is_at = |pattern: &str| match pattern.strip_suffix('*') {
        None => path == pattern,
        // `/sub*` is `/sub`, `/sub/` and what is below; `/events/*` is below only.
        Some(start) => path
            .strip_prefix(start)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || start.ends_with('/')),
    };
    TABLE.iter().find(|(pattern, _)| is_at(pattern)).map(|(_, wants)| *wants)
}

/// Whether a path of others has this segment.
pub(super) fn is_word(segment: &str) -> bool {
    let words = |pattern: &'static str| pattern.trim_end_matches('*').split('/');
    !segment.is_empty() && TABLE.iter().any(|(pattern, _)| words(pattern).any(|one| one == segment))
}

fn nearest(path: &str, ours: impl Iterator<Item = String>) -> Option<String> {
    let path = path.trim_end_matches('/');
    if path.len() > COMPARED_BYTES_MAX {
        return None;
    }
    let distances = ours.map(|own| (strsim::osa_distance(path, &own), own));
    let (distance, own) = distances.min()?;
    // One letter in four, as a slip: what is further away is something else.
    (distance <= own.len() / 4).then_some(own)
}

fn told(desk: &Desk, wants: Wants, method: Method) -> String {
    const EVENTS: &str = "Events are at /events; ?room=NAME chooses a room";
    let reads = matches!(method, Method::Get | Method::Head);
    match wants {
        Wants::EventsOrPublish if reads => format!("{EVENTS}."),
        Wants::Events if reads => format!("{EVENTS}."),
        Wants::Events => format!("{PUBLISH}. {EVENTS}."),
        Wants::Publish | Wants::EventsOrPublish => format!("{PUBLISH}."),
        Wants::WebSocket => {
            let (at, routes) = (desk.websockets_at(), &desk.policy.routes);
            let mut text = format!("WebSockets connect to {at}");
            if !desk.policy.access.is_on() {
                // Writing to a String cannot fail.
                let _ = write!(text, ": {}", routes.paths());
            }
            format!("{text}. {EVENTS}.")
        }
        Wants::Alive => "Whether the process serves is asked at /livez, whether it takes new \
                         work at /readyz."
            .to_owned(),
        Wants::Numbers => "Metrics for Prometheus are at /metrics.".to_owned(),
        Wants::Description => {
            "This side is described at /openapi.json, messages and events at /asyncapi.json."
                .to_owned()
        }
        Wants::FirstPage => match desk.policy.site.find(&[Cow::Borrowed("")]) {
            Some(_) => "The first page is at /.".to_owned(),
            None => format!("There is no page here. {EVENTS}, the API is at /openapi.json."),
        },
        Wants::Api => "The API has /api/connections, /api/rooms, /api/messages, /api/batch, \
                       /api/tickets and /api/revocations; see /openapi.json."
            .to_owned(),
        Wants::Version => "No path here has a version: leave that part out, as in /events or \
                           /api/rooms; see /openapi.json."
            .to_owned(),
        Wants::Aws => {
            "A connection is at /@connections/NAME; all are at /api/connections.".to_owned()
        }
    }
}

/// What is said to who comes to a path of ours with a method that it does not have; `allow` are
/// those that it has.
pub(in crate::engine) fn of_method(path: &[&str], method: Method, allow: &str) -> String {
    let reads = matches!(method, Method::Get | Method::Head);
    match path {
        ["events"] => format!("Events are only read here, with GET. {PUBLISH}."),
        ["api", "messages" | "batch"] | ["api", "rooms", _, "messages"] if reads => {
            "Messages are sent here, with POST. They are read at /events.".to_owned()
        }
        ["api", "tickets"] if reads => {
            "Tickets are made here, with POST, and shown only once.".to_owned()
        }
        ["api", "connections"] => "Connections are listed here, with GET. To send to one, POST to \
             /api/connections/NAME; to close one, DELETE it there."
            .to_owned(),
        ["api", "rooms"] | ["api", "rooms", _] => {
            format!("Rooms are read here, with GET; they come and go by themselves. {PUBLISH}.")
        }
        _ => format!("This path has other methods: {allow}."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_for_a_path_and_what_is_below_it() {
        assert_eq!(wanted("/sub"), Some(Wants::Events));
        assert_eq!(wanted("/sub/news/1"), Some(Wants::Events));
        assert_eq!(wanted("/events/"), Some(Wants::EventsOrPublish));
        assert_eq!(wanted("/apps/1/events"), Some(Wants::Publish));
        for path in ["/events", "/subs", "/apps", "/api/rooms", "/nothing", "", "/livez"] {
            assert_eq!(wanted(path), None, "{path}");
        }
        let ours = ["/livez", "/readyz", "/metrics", "/api/messages", "/openapi.json"];
        for path in ours {
            assert_eq!(wanted(path), None, "{path} is there, and needs no hint");
        }
    }

    #[test]
    fn no_pattern_stands_behind_one_that_fits_all_of_it() {
        for (pattern, wants) in TABLE {
            let path = pattern.replace('*', "");
            let path = if pattern.ends_with("/*") { path + "x" } else { path };
            assert_eq!(wanted(&path), Some(*wants), "{pattern}");
        }
    }

    #[test]
    fn only_what_is_near_is_named() {
        let ours = || ["/events", "/api/connections", "/api/rooms"].map(str::to_owned).into_iter();
        for (path, near) in [
            ("/event", Some("/events")),
            ("/events/", Some("/events")),
            ("/api/conections", Some("/api/connections")),
            ("/api/room", Some("/api/rooms")),
            ("/wholly/different", None),
            ("/", None),
            (&"/events".repeat(1_000_000), None),
        ] {
            assert_eq!(nearest(path, ours()).as_deref(), near, "{:.20}", path);
        }
    }
}
