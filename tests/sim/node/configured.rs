//! Routes beside the built-in ones, one for each thing that a route can be set to, and pages.
//!
//! Knows: what the settings of a route promise.
//! Must not know: how they are kept.

use super::act::{IDS, ROOMS};
use super::http::encode;
use super::speaker::{Answer, Speaker, Talk};
use super::world::World;
use std::sync::Arc;
use tidegate::pages::{Page, Site};
use tidegate::routes::{Behaviour, Broadcast, Duplicate, Names, Pattern, Replies, Route, Table};

/// Tables of routes that a policy may have.
pub(crate) const VARIANTS: usize = 2;

const GREETINGS: [&str; VARIANTS] = ["Hi from server", "Hello again"];

/// What a desk looks for in what every client says now and then, and what it answers.
const KEYWORDS: [[(&str, &str); 3]; VARIANTS] = [
    [("#", "a mark"), ("{\"m\"", "an object"), ("x x", "never there")],
    [("{\"M\"", "some object"), ("ü", "an umlaut"), ("XX", "letters")],
];
const OTHERWISE: [&str; VARIANTS] = ["nothing known", "nothing new"];

/// A page that is copied to whoever asks for it, and one that all share.
pub(crate) const SMALL: &str = "Welcome";
pub(crate) const LARGE: &str = match str::from_utf8(&[b'x'; 5000]) {
    Ok(text) => text,
    Err(_) => "",
};

pub(crate) fn site() -> Site {
    let mut site = Site::default();
    for (path, text) in [("/", SMALL), ("/large", LARGE)] {
        let bytes = Arc::from(text.as_bytes());
        site.insert(path, Page { mime: "text/plain".to_owned(), bytes, open: false });
    }
    site
}

/// The built-in routes, and more.
pub(crate) fn table(variant: usize) -> Table {
    let route =
        |path: &str, behaviour| Route::new(Pattern::parse(path).expect("a path"), behaviour);
    let broadcast = || Behaviour::Broadcast(Broadcast::default());
    let greeting = Some(greeting(variant).to_owned());
    let is_first = variant == 0;
    let mut routes: Vec<Route> = Table::built_in().iter().cloned().collect();
    let desk = route("/desk", Behaviour::Reply(replies(variant)));
    routes.push(Route { greeting: greeting.clone(), ..desk });
    routes.push(Route {
        greeting: greeting.clone(),
        names: Names::Client,
        duplicate: Duplicate::Refuse,
        ..route("/wrap/{room}", Behaviour::Relay { wrap: true })
    });
    let duplicate = if is_first { Duplicate::Refuse } else { Duplicate::Replace };
    routes.push(Route { duplicate, ..route("/own/{room}", Behaviour::Relay { wrap: false }) });
    let roam = Broadcast { rooms: true, presence: true, since: true, ..Broadcast::default() };
    routes.push(Route {
        greeting: greeting.clone(),
        names: Names::Client,
        ..route("/roam/{room}", Behaviour::Broadcast(roam))
    });
    routes.push(Route { publish: !is_first, greeting, ..route("/quiet/{room}", broadcast()) });
    if is_first {
        routes.push(Route { publish: true, ..route("/told/{room}", Behaviour::Echo) });
        routes.push(Route { names: Names::Client, ..route("/named/{room}", broadcast()) });
    }
    Table::new(routes).expect("no two are for the same paths")
}

fn replies(variant: usize) -> Replies {
    let table = KEYWORDS[variant].map(|(wanted, says)| (wanted.into(), says.to_owned()));
    Replies {
        table: table.to_vec(),
        otherwise: Some(OTHERWISE[variant].to_owned()),
        ignore_case: variant == 1,
    }
}

/// Whether that table has routes of this kind.
pub(crate) fn has_route(variant: usize, kind: &str) -> bool {
    variant == 0 || !matches!(kind, "told" | "named")
}

/// Whether only members hear of what is said there.
pub(crate) fn is_quiet(variant: usize, kind: &str) -> bool {
    variant == 0 && kind == "quiet"
}

/// What whoever comes is told first, where anything is.
pub(crate) fn greeting(variant: usize) -> &'static str {
    GREETINGS[variant]
}

/// What a desk says to a message.
pub(crate) fn answer(variant: usize, message: &[u8]) -> &'static str {
    let lower = String::from_utf8_lossy(message).to_lowercase().into_bytes();
    let message = if variant == 1 { &lower } else { message };
    let is_in = |wanted: &str| {
        let wanted = if variant == 1 { wanted.to_lowercase() } else { wanted.to_owned() };
        message.windows(wanted.len()).any(|part| part == wanted.as_bytes())
    };
    let mut answer = OTHERWISE[variant];
    for (wanted, says) in KEYWORDS[variant] {
        answer = if is_in(wanted) { says } else { answer };
    }
    answer
}

impl World<'_> {
    /// Somebody comes by one of these routes.
    pub(crate) fn connect_configured(&mut self) {
        let room = *self.dice.pick(&ROOMS);
        let id = (*self.dice.pick(&IDS)).to_owned();
        let names_itself = self.dice.chance(70);
        let echo = self.dice.chance(30);
        let kind = *self.dice.pick(&["desk", "told", "wrap", "own", "quiet", "named"]);
        let talk = match kind {
            "desk" => Talk::Desk,
            "told" => Talk::Echo,
            "wrap" => Talk::Wrap,
            "own" => Talk::Relay,
            _ => Talk::Member { echo },
        };
        let is_named = kind == "own" || (names_itself && matches!(kind, "wrap" | "named"));
        let (mut path, room) = match kind {
            "desk" => ("/desk?".to_owned(), None),
            _ => (format!("/{kind}/{}?", encode(room)), Some(room.to_owned())),
        };
        if matches!(talk, Talk::Member { .. }) {
            path += &format!("echo={echo}&");
        }
        let mut speaker = Speaker::new(talk, room, is_named.then_some(id));
        if let Some(id) = &speaker.id {
            path += &format!("connectionId={}", encode(id));
            *self.claims.entry(id.clone()).or_default() += 1;
        }
        speaker.kind = kind;
        speaker.may_be_refused = is_named && matches!(kind, "own" | "wrap");
        if kind == "own" {
            speaker.register_by_url();
        } else {
            speaker.is_registered = true;
        }
        if matches!(kind, "desk" | "wrap" | "quiet") {
            speaker.answers.push_back(Answer::Greeting);
        }
        self.shake_hands(&path, speaker);
    }
}
