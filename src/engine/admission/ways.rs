//! The ways by which a credential comes with a request.
//!
//! Knows: the fields, cookies, parameters and segments of a request that may hold one.
//! Must not know: whether it is good, what is said if it is not.

use super::{Entrance, Need};
use crate::http::Request;
use crate::ws::subprotocol::CREDENTIAL_PREFIX;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// The parameter that a ticket comes in.
pub(in crate::engine) const TICKET: &str = "ticket";

/// Cookies and parameters of one request: more are for no server of this kind.
const COOKIES_MAX: usize = 64;
const PARAMETERS_MAX: usize = 32;

/// Where a credential stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Bearer,
    Basic,
    Header,
    Cookie,
    Query,
    Path,
    Subprotocol,
    Ticket,
}

impl Way {
    /// In the order in which people are told of them.
    pub(super) const ALL: [Way; 8] = [
        Way::Bearer,
        Way::Basic,
        Way::Header,
        Way::Cookie,
        Way::Query,
        Way::Path,
        Way::Subprotocol,
        Way::Ticket,
    ];

    /// As metrics call it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Way::Bearer => "bearer",
            Way::Basic => "basic",
            Way::Header => "header",
            Way::Cookie => "cookie",
            Way::Query => "query",
            Way::Path => "path",
            Way::Subprotocol => "subprotocol",
            Way::Ticket => "ticket",
        }
    }

    /// Whether it is looked for at all by whoever asks for what takes `need`.
    ///
    /// What a browser adds by itself, and what stands in an address, is none for the API: no link
    /// and no page of somebody else may make anybody manage.
    pub(super) fn counts_for(self, need: Need) -> bool {
        match self {
            Way::Bearer | Way::Basic | Way::Header => true,
            Way::Cookie | Way::Query => {
                matches!(need, Need::Connect | Need::Subscribe | Need::Page)
            }
            Way::Path | Way::Subprotocol => need == Need::Connect,
            Way::Ticket => matches!(need, Need::Connect | Need::Subscribe),
        }
    }
}

/// What stood there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Text<'r> {
    /// A token or a static key.
    Bearer(Cow<'r, str>),
    /// RFC 7617: the user and the password.
    Basic(String, String),
    Ticket(Cow<'r, str>),
    /// Something, but no credential that there could be.
    Unreadable,
    /// An `Authorization` that names no scheme that is known.
    NoScheme,
}

/// The one credential of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credential<'r> {
    pub(super) way: Way,
    pub(super) text: Text<'r>,
}

/// Why a request has not one credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NotOne {
    None,
    Several,
    TooManyCookies,
    TooManyParameters,
}

/// Looks in all places that the door has, also behind the first that is found.
pub(super) fn find<'r>(entrance: &Entrance<'r>) -> Result<Credential<'r>, NotOne> {
    let mut finds = Finds { need: entrance.need, first: None, several: false };
    let request = entrance.request;
    if let Some((way, text)) = request.header("authorization").and_then(authorization) {
        finds.add(way, text);
    }
    for value in entrance.door.headers.iter().flat_map(|name| request.values(name)) {
        finds.add_bytes(Way::Header, value);
    }
    finds.add_cookies(request, entrance.door.cookie.as_deref())?;
    finds.add_parameters(entrance)?;
    if let Some(token) = entrance.token {
        finds.add_bearer(Way::Path, Cow::Borrowed(token));
    }
    for offered in request.list("sec-websocket-protocol") {
        if let Some(token) = offered.strip_prefix(CREDENTIAL_PREFIX) {
            finds.add_bearer(Way::Subprotocol, Cow::Borrowed(token));
        }
    }
    match finds {
        Finds { several: true, .. } => Err(NotOne::Several),
        Finds { first, .. } => first.ok_or(NotOne::None),
    }
}

struct Finds<'r> {
    need: Need,
    first: Option<Credential<'r>>,
    several: bool,
}

impl<'r> Finds<'r> {
    fn add(&mut self, way: Way, text: Text<'r>) {
        if !way.counts_for(self.need) {
            return;
        }
        self.several |= self.first.is_some();
        self.first.get_or_insert(Credential { way, text });
    }

    /// An empty one is none.
    fn add_bearer(&mut self, way: Way, text: Cow<'r, str>) {
        if !text.is_empty() {
            self.add(way, Text::Bearer(text));
        }
    }

    fn add_bytes(&mut self, way: Way, value: &'r [u8]) {
        match str::from_utf8(value) {
            Ok(text) => self.add_bearer(way, Cow::Borrowed(text)),
            Err(_) => self.add(way, Text::Unreadable),
        }
    }

    /// RFC 6265 §5.4. Of two cookies with one name nobody knows which is whose, also if one of
    /// them is empty.
    fn add_cookies(&mut self, request: &Request<'r>, name: Option<&str>) -> Result<(), NotOne> {
        let pairs = request.values("cookie").flat_map(|value| value.split(|byte| *byte == b';'));
        let pairs = pairs.map(<[u8]>::trim_ascii).filter(|pair| !pair.is_empty());
        let (mut all, mut named) = (0, 0);
        for pair in pairs {
            all += 1;
            let mut halves = pair.splitn(2, |byte| *byte == b'=');
            let is_it = halves.next().map(<[u8]>::trim_ascii) == name.map(str::as_bytes);
            if let (true, Some(value)) = (is_it, halves.next()) {
                named += 1;
                self.add_bytes(Way::Cookie, unquoted(value.trim_ascii()));
            }
        }
        self.several |= named > 1 && Way::Cookie.counts_for(self.need);
        if all > COOKIES_MAX { Err(NotOne::TooManyCookies) } else { Ok(()) }
    }

    fn add_parameters(&mut self, entrance: &Entrance<'r>) -> Result<(), NotOne> {
        let mut all = 0;
        for (name, value) in entrance.request.query() {
            all += 1;
            if entrance.door.query.as_deref() == Some(&*name) {
                self.add_bearer(Way::Query, value);
            } else if name == TICKET && !value.is_empty() {
                self.add(Way::Ticket, Text::Ticket(value));
            }
        }
        // The filters of a stream have a limit of their own, each kind.
        let filters = if self.need == Need::Subscribe { 2 * entrance.filters_max } else { 0 };
        if all > PARAMETERS_MAX + filters { Err(NotOne::TooManyParameters) } else { Ok(()) }
    }
}

/// RFC 6265 §4.1.1: a value may stand in quotes.
fn unquoted(value: &[u8]) -> &[u8] {
    value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value)
}

/// RFC 9110 §11.4, as strict as it is written: one space, and nothing behind the credential. A
/// scheme alone, as of a client whose credential is an empty string, is none.
fn authorization(value: &str) -> Option<(Way, Text<'_>)> {
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    let is_bearer = scheme.eq_ignore_ascii_case("bearer");
    let is_basic = scheme.eq_ignore_ascii_case("basic");
    if rest.is_empty() && (is_bearer || is_basic || scheme.is_empty()) {
        return None;
    }
    Some(match (is_bearer, is_basic) {
        (true, _) if is_token68(rest) => (Way::Bearer, Text::Bearer(Cow::Borrowed(rest))),
        (_, true) => (Way::Basic, basic(rest).unwrap_or(Text::Unreadable)),
        (true, false) => (Way::Bearer, Text::Unreadable),
        (false, false) => (Way::Bearer, Text::NoScheme),
    })
}

/// RFC 9110 §11.2.
fn is_token68(text: &str) -> bool {
    let digits = text.trim_end_matches('=');
    let is_digit = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/".contains(&byte);
    !digits.is_empty() && digits.bytes().all(is_digit)
}

/// RFC 7617 §2: no user's name has a colon.
fn basic<'r>(text: &str) -> Option<Text<'r>> {
    let bytes = STANDARD.decode(text).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (user, password) = text.split_once(':')?;
    Some(Text::Basic(user.to_owned(), password.to_owned()))
}
