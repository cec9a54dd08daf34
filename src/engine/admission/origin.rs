//! Whose page a browser acts for that brings a credential by itself.
//!
//! Knows: the fields that browsers add: `Origin`, `Sec-Fetch-Site` and its kin.
//! Must not know: credentials.
//!
//! A cookie, and a password that a browser has been told once, come with every request, also with
//! one that a foreign page had it make. So they count only where the browser says that the page is
//! one of ours, or of an origin that was listed by name.

use super::{Entrance, Need, Way};
use crate::http::{Host, Request};

/// Whether a credential that came this way may count, where pages of the origins `listed` may.
pub(super) fn may_count(entrance: &Entrance<'_>, way: Way) -> bool {
    let by_itself = matches!(way, Way::Cookie | Way::Basic);
    let request = entrance.request;
    if !by_itself {
        return true;
    }
    match request.origin() {
        Some(origin) => is_named(origin, entrance.listed) || is_same(origin, request),
        None => may_without(request, entrance.need, way),
    }
}

/// Whether `origin` itself is in the list. `null` is everybody's who wants it: a page in a sandbox
/// has it.
pub(in crate::engine) fn is_named(origin: &str, listed: &[String]) -> bool {
    let is_plain = origin != "null" && !origin.bytes().any(|byte| byte.is_ascii_uppercase());
    is_plain && listed.iter().any(|one| one.eq_ignore_ascii_case(origin))
}

/// Whether it is the server's own, by the name that it is called in this request.
fn is_same(origin: &str, request: &Request<'_>) -> bool {
    const PORT: u16 = 80;
    let own = origin.strip_prefix("http://").and_then(|own| Host::parse(own).ok());
    let (Some(own), Some(host)) = (own, request.host()) else { return false };
    own.name().eq_ignore_ascii_case(host.name())
        && own.port().unwrap_or(PORT) == host.port().unwrap_or(PORT)
}

/// Browsers state no origin with what a page asks of its own server, nor with what a person does.
fn may_without(request: &Request<'_>, need: Need, way: Way) -> bool {
    let only = |name| {
        let mut values = request.values(name);
        values.next().filter(|_| values.next().is_none())
    };
    // What is read as it stands, and does nothing.
    let is_shown = matches!(need, Need::Page | Need::Manage | Need::Anything);
    match only("sec-fetch-site") {
        Some(b"same-origin") => true,
        // Typed in, or from a bookmark.
        Some(b"none") => is_shown,
        // A link that somebody followed: nobody but that person sees what it leads to.
        Some(b"same-site" | b"cross-site") => {
            need == Need::Page
                && only("sec-fetch-mode") == Some(b"navigate")
                && only("sec-fetch-dest") == Some(b"document")
        }
        Some(_) => false,
        None => way == Way::Basic && request.values("sec-fetch-site").next().is_none(),
    }
}
