//! What is said to whoever is not let in.
//!
//! Knows: statuses, codes, and sentences that tell a user what to do and a stranger nothing.
//! Must not know: credentials.

use super::ways::{Credential, NotOne, Text};
use super::{Entrance, Need, Way};
use crate::auth::{Door, Refused, Refusing};
use crate::engine::answer::Problem;
use crate::http::Status;
use crate::ws::subprotocol::CREDENTIAL_PREFIX;

const SEVERAL: Problem = Problem::refusal(
    Status::BadRequest,
    "several-credentials",
    "There are several credentials in this request: which one counts would be a guess. Send one, \
     in one place.",
);
const TOO_MANY_COOKIES: Problem = Problem::refusal(
    Status::BadRequest,
    "too-many-cookies",
    "A request has at most 64 cookies here.",
);
const TOO_MANY_PARAMETERS: Problem = Problem::refusal(
    Status::BadRequest,
    "too-many-parameters",
    "A request has at most 32 parameters here.",
);
pub(super) const ORIGIN_NEEDED: Problem = Problem::refusal(
    Status::Forbidden,
    "origin-needed",
    "A cookie or a password counts only in requests from pages of this server, or of an origin \
     that allow-origin lists by name (not by *). Send another credential, or list the page's \
     origin (scheme://host:port).",
);
pub(super) const THROTTLED: Problem = Problem::refusal(
    Status::TooManyRequests,
    "too-many-bad-credentials",
    "Too many bad credentials came from this address in the last minute (--max-bad-credentials); \
     try again later.",
);

pub(super) const FORWARD_UNAVAILABLE: Problem = Problem::refusal(
    Status::ServiceUnavailable,
    "auth-unavailable",
    "Whoever is asked here who may come in (forward) gave no answer that means anything in time \
     (--forward-time); try again.",
);

/// Whoever was asked says no.
pub(super) fn forward_refused(refusing: Refusing) -> Problem {
    const DETAIL: &str = "Whoever is asked here who may come in (forward) says no.";
    let (status, headers) = match refusing {
        Refusing::Unauthorized => (Status::Unauthorized, challenges(false, false)),
        Refusing::Forbidden => (Status::Forbidden, [].as_slice()),
    };
    Problem { headers, ..Problem::refusal(status, "credentials-invalid", DETAIL) }
}

/// A good credential without the right: `what` it takes.
pub(in crate::engine) const fn not_allowed(what: &'static str) -> Problem {
    Problem::refusal(Status::Forbidden, "not-allowed", what)
}

pub(super) const fn without(need: Need) -> Problem {
    not_allowed(match need {
        Need::Connect => {
            "The credential is good, but does not give the right to open WebSockets (connect)."
        }
        Need::Subscribe => {
            "The credential is good, but does not give the right to read any room (subscribe)."
        }
        Need::Manage => {
            "The credential is good, but does not give the right to use the API (manage); keys \
             that have it say so in the configuration."
        }
        Need::Anything | Need::Page => "The credential is good, but gives no right to this.",
    })
}

/// Why there is not one credential, for a person.
pub(super) fn not_one(why: NotOne, entrance: &Entrance<'_>, takes_passwords: bool) -> Problem {
    match why {
        NotOne::Several => SEVERAL,
        NotOne::TooManyCookies => TOO_MANY_COOKIES,
        NotOne::TooManyParameters => TOO_MANY_PARAMETERS,
        NotOne::None => {
            let places = places(entrance, takes_passwords);
            let detail = format!("A credential is missing. It is taken {places}.");
            refused(Refused::Missing, entrance, takes_passwords).saying(detail)
        }
    }
}

/// What is said of a credential that is not good, by how it came; `None`: nothing else than of all.
pub(super) fn invalid(credential: &Credential<'_>) -> Option<&'static str> {
    match (credential.way, &credential.text) {
        (_, Text::NoScheme) => Some(
            "The field Authorization begins with no scheme that is taken: write \
             Authorization: Bearer CREDENTIAL.",
        ),
        // Neither of them is a token, whose key could say more.
        (Way::Basic | Way::Ticket, _) => Some("The credential is not good here."),
        _ => None,
    }
}

/// Why a credential is not good.
pub(super) fn refused(why: Refused, entrance: &Entrance<'_>, takes_passwords: bool) -> Problem {
    let (code, detail) = match why {
        Refused::Missing => ("credentials-missing", "A credential is missing."),
        Refused::Several => return SEVERAL,
        Refused::Throttled => return THROTTLED,
        Refused::Invalid => (
            "credentials-invalid",
            "The credential is not good here. Whoever has its key can ask tidegate token verify \
             why.",
        ),
        Refused::Expired => ("credentials-expired", "The credential has expired: get a new one."),
        Refused::NotYet => (
            "credentials-not-yet-valid",
            "The credential is not valid yet. If it should be, a clock is wrong: its issuer's or \
             this server's.",
        ),
        Refused::Revoked => ("credentials-revoked", "The credential was revoked: get a new one."),
    };
    let status = match entrance.door.refusing {
        Refusing::Unauthorized => Status::Unauthorized,
        Refusing::Forbidden => return Problem::refusal(Status::Forbidden, code, detail),
    };
    // A browser asks for a password only where that could help: no WebSocket has it ask.
    let asks_password = takes_passwords && entrance.need != Need::Connect;
    let headers = challenges(why == Refused::Missing, asks_password);
    Problem { headers, ..Problem::refusal(status, code, detail) }
}

/// RFC 6750 §3, RFC 7617 §2. Browsers take one challenge from each field, and no more.
fn challenges(missing: bool, password: bool) -> &'static [(&'static str, &'static str)] {
    const NAME: &str = "WWW-Authenticate";
    const NONE: (&str, &str) = (NAME, "Bearer realm=\"tidegate\"");
    const BAD: (&str, &str) = (NAME, "Bearer realm=\"tidegate\", error=\"invalid_token\"");
    const BASIC: (&str, &str) = (NAME, "Basic realm=\"tidegate\", charset=\"UTF-8\"");
    match (missing, password) {
        (true, false) => &[NONE],
        (true, true) => &[NONE, BASIC],
        (false, false) => &[BAD],
        (false, true) => &[BAD, BASIC],
    }
}

/// Where this door takes credentials, as the end of a sentence.
fn places(entrance: &Entrance<'_>, takes_passwords: bool) -> String {
    let ways = Way::ALL.into_iter().filter(|way| way.counts_for(entrance.need));
    let places = ways.flat_map(|way| place(way, entrance, takes_passwords));
    let places: Vec<String> = places.collect();
    match places.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{}, or {last}", others.join(", ")),
        None => "nowhere".to_owned(),
    }
}

fn place(way: Way, entrance: &Entrance<'_>, takes_passwords: bool) -> Vec<String> {
    let door: &Door = entrance.door;
    let one = |text: String| vec![text];
    match way {
        Way::Bearer => one("as Authorization: Bearer CREDENTIAL".to_owned()),
        Way::Basic if takes_passwords => one("as user and password (Basic)".to_owned()),
        Way::Basic => Vec::new(),
        Way::Header => door.headers.iter().map(|name| format!("in the field {name}")).collect(),
        Way::Cookie => door.cookie.iter().map(|name| format!("in the cookie {name}")).collect(),
        Way::Query => door.query.iter().map(|name| format!("in the parameter {name}")).collect(),
        Way::Path if entrance.token.is_some() => one("in the path, as {token}".to_owned()),
        Way::Path => Vec::new(),
        Way::Subprotocol => one(format!("as the subprotocol {CREDENTIAL_PREFIX}CREDENTIAL")),
        Way::Ticket => one("as a ticket of POST /api/tickets, in the parameter ticket".to_owned()),
    }
}
