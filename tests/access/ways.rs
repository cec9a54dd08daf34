//! The ways that a credential comes with a request, and the places that it is for.

use crate::dice::Dice;
use crate::rig::ORIGIN;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    Relay,
    Chat,
    /// A route whose refusals are 403.
    Strict,
    /// The route whose path has the credential.
    In,
    Events,
    Api,
    Metrics,
    Page,
}

/// How the credential comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Bearer,
    Header,
    Cookie,
    Query,
    Path,
    Subprotocol,
    Ticket,
    Basic,
}

/// A request that is about to be made.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) target: String,
    /// Header lines, each with its CR LF.
    pub(crate) fields: String,
    /// A good credential is good there as it stands.
    pub(crate) good: bool,
}

impl Site {
    pub(crate) fn is_websocket(self) -> bool {
        matches!(self, Site::Relay | Site::Chat | Site::Strict | Site::In)
    }

    /// Whether it takes the right to manage.
    pub(crate) fn is_managed(self) -> bool {
        matches!(self, Site::Api | Site::Metrics)
    }

    fn path(self) -> &'static str {
        match self {
            Site::Relay => "/",
            Site::Chat => "/chat/lab",
            Site::Strict => "/strict",
            Site::In => "/in/",
            Site::Events => "/events",
            Site::Api => "/api/rooms",
            Site::Metrics => "/metrics",
            Site::Page => "/index.html",
        }
    }
}

/// `text` with some of its characters percent-encoded, and all that have to be.
fn percent_encode(text: &str, dice: &mut Dice) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let some = dice.chance(30);
    text.bytes().fold(String::new(), |mut encoded, byte| {
        match byte {
            byte if plain(byte) && !(some && dice.chance(20)) => encoded.push(char::from(byte)),
            byte if dice.chance(50) => encoded.push_str(&format!("%{byte:02x}")),
            byte => encoded.push_str(&format!("%{byte:02X}")),
        }
        encoded
    })
}

impl Way {
    /// Those by which a key or a token comes to `site`.
    pub(crate) fn to(site: Site) -> &'static [Way] {
        match site {
            Site::Relay | Site::Chat | Site::Strict => {
                &[Way::Bearer, Way::Header, Way::Cookie, Way::Query, Way::Subprotocol]
            }
            Site::In => &[Way::Path],
            Site::Events | Site::Page => &[Way::Bearer, Way::Header, Way::Cookie, Way::Query],
            Site::Api | Site::Metrics => &[Way::Bearer, Way::Header],
        }
    }

    /// Asks for `site` with `text` as the credential.
    pub(crate) fn ask(self, site: Site, text: &str, dice: &mut Dice) -> Asked {
        let mut target = site.path().to_owned();
        let (fields, good) = match self {
            Way::Bearer => bearer(text, dice),
            Way::Header => header(text, dice),
            Way::Cookie => cookie(text, dice),
            Way::Query => {
                let (query, good) = query(text, dice);
                target.push_str(&query);
                (String::new(), good)
            }
            Way::Path => {
                target.push_str(&percent_encode(text, dice));
                (String::new(), true)
            }
            Way::Subprotocol => subprotocol(text, dice),
            Way::Ticket => {
                target.push_str("?ticket=");
                target.push_str(&percent_encode(text, dice));
                (String::new(), true)
            }
            Way::Basic => basic(text, dice),
        };
        Asked { target, fields, good }
    }
}

fn one<T: Copy>(dice: &mut Dice, usual: T, others: &[T]) -> T {
    if dice.chance(70) { usual } else { *dice.pick(others) }
}

fn bearer(text: &str, dice: &mut Dice) -> (String, bool) {
    let others = [
        ("bearer ", true),
        ("BEARER ", true),
        ("Bearer  ", false),
        ("Bearer\t", false),
        ("Bearer", false),
        ("Token ", false),
        ("Bearer,", false),
        ("", false),
    ];
    let (scheme, good) = one(dice, ("Bearer ", true), &others);
    let (after, is_alone) = one(dice, ("", true), &[(" ", true), (", a", false), (",", false)]);
    (format!("Authorization: {scheme}{text}{after}\r\n"), good && is_alone)
}

fn header(text: &str, dice: &mut Dice) -> (String, bool) {
    let others = [
        ("x-ws-auth-key: ", true),
        ("X-API-Key: ", true),
        ("x-api-key:", true),
        ("X-WS-AUTH-KEY:  \t ", true),
        ("X-WS-AUTH-KEYS: ", false),
        ("X-API-Key: Bearer ", false),
        ("Cookie: X-WS-AUTH-KEY=", false),
    ];
    let (name, good) = one(dice, ("X-WS-AUTH-KEY: ", true), &others);
    let twice = dice.chance(5);
    let line = format!("{name}{text}\r\n");
    if twice { (line.repeat(2), false) } else { (line, good) }
}

fn cookie(text: &str, dice: &mut Dice) -> (String, bool) {
    let origins = [("https://app.example.org", false), ("", false), ("null", false)];
    let (origin, is_ours) = one(dice, (ORIGIN, true), &origins);
    let origin = if origin.is_empty() { String::new() } else { format!("Origin: {origin}\r\n") };
    let others = [
        ("a=b; session=", true),
        ("sessions=x; session=", true),
        ("Session=", false),
        ("a=b; xsession=", false),
        ("session=x; session=", false),
    ];
    let (before, good) = one(dice, ("session=", true), &others);
    (format!("{origin}Cookie: {before}{text}\r\n"), good && is_ours)
}

fn query(text: &str, dice: &mut Dice) -> (String, bool) {
    let others = [
        ("_=1&accessToken=", true),
        ("access%54oken=", true),
        ("accesstoken=", false),
        ("accessToken=x&accessToken=", false),
        ("token=", false),
        ("accessToken=%", false),
    ];
    let (name, good) = one(dice, ("accessToken=", true), &others);
    (format!("?{name}{}", percent_encode(text, dice)), good)
}

fn subprotocol(text: &str, dice: &mut Dice) -> (String, bool) {
    let others = [
        ("tidegate.bearer.", "", true),
        ("tidegate,tidegate.bearer.", "", true),
        ("tidegate.bearer.", ", tidegate", true),
        ("tidegate, Tidegate.Bearer.", "", false),
        ("tidegate, tidegate.bearer", "", false),
        ("tidegate, tidegate.bearer.x, tidegate.bearer.", "", false),
        ("bearer, ", "", false),
    ];
    let (before, after, good) = one(dice, ("tidegate, tidegate.bearer.", "", true), &others);
    (format!("Sec-WebSocket-Protocol: {before}{text}{after}\r\n"), good)
}

fn basic(text: &str, dice: &mut Dice) -> (String, bool) {
    let others = [("basic ", true), ("Basic  ", false), ("Bearer ", false), ("Basic,", false)];
    let (scheme, good) = one(dice, ("Basic ", true), &others);
    let base64 = STANDARD.encode(text);
    (format!("Authorization: {scheme}{base64}\r\n"), good)
}
