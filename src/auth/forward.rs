//! A service of others that says who may come in: what it is asked, and what it may answer.
//!
//! Knows: where it is, which fields of a request it is sent, what an answer gives.
//! Must not know: how a question travels, who waits for its answer.

use super::answer::Said;
use super::digest::{Digest, first_bytes};
use super::door::Refusing;
use super::grant::Grant;
use super::rights::Rights;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A service that is asked about every request that comes to a door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    url: Box<str>,
    headers: Box<[Box<str>]>,
    rights: Arc<Rights>,
    print: u64,
}

/// Why nobody can be asked at a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadUrl {
    /// It does not begin with `http://`.
    NotHttp,
    /// It begins with `https://`.
    Tls,
    /// It names no host, or no port behind a colon.
    Host,
    /// It holds a user or a password, which is no place for a secret.
    User,
    /// It has a fragment, which is sent to nobody.
    Fragment,
    /// It has a character that has to be escaped.
    Character,
}

/// Why a field of requests cannot be sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadHeader;

/// Fields that a request to the service has of its own, or that are about one connection only.
const OWN_HEADERS: &[&str] = &[
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "forwarded",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

impl Forward {
    /// What grants by such a service have for the name of their key.
    pub const KEY: &str = "forward";
    /// The fields that are sent on if nothing else is said.
    pub const HEADERS: [&str; 2] = ["cookie", "authorization"];

    /// The service at `url`, which is sent the fields `headers` of each request; `rights` are given
    /// where its answer says nothing of them, but for that to manage, which it cannot give.
    ///
    /// # Errors
    ///
    /// Nobody can be asked there.
    pub fn new(url: &str, headers: &[&str], rights: Rights) -> Result<Forward, BadUrl> {
        check_url(url)?;
        let mut headers: Vec<_> = headers.iter().map(|name| name.to_ascii_lowercase()).collect();
        headers.sort_unstable();
        headers.dedup();
        let headers = headers.into_iter().map(String::into_boxed_str).collect();
        let print = first_bytes(url.as_bytes());
        let rights = Arc::new(Rights { manage: false, ..rights });
        Ok(Forward { url: Box::from(url), headers, rights, print })
    }

    /// Whether the field `name` of requests can be sent on.
    ///
    /// # Errors
    ///
    /// It cannot: the request to the service has one of its own.
    pub fn check_header(name: &str) -> Result<(), BadHeader> {
        let name = name.to_ascii_lowercase();
        let is_own = OWN_HEADERS.contains(&&*name) || name.starts_with("x-forwarded-");
        if is_own { Err(BadHeader) } else { Ok(()) }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The fields that are sent on, in lower case, in order, each once.
    pub fn headers(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|name| &**name)
    }

    /// Whether it is sent what browsers send by themselves, whoever's page asks.
    pub fn sees_cookies(&self) -> bool {
        self.headers().any(|name| name == "cookie")
    }

    /// What may be done where its answer says nothing of it.
    pub fn rights(&self) -> &Arc<Rights> {
        &self.rights
    }

    /// What its answer with this body gives whom it lets in at `unix_ms`. `None`: it does not say
    /// anything that means something.
    pub fn grant(&self, body: &[u8], unix_ms: u64) -> Option<Grant> {
        let said = Said::parse(body)?;
        let subject = said.subject.as_deref();
        let rights = match said.rights() {
            Some(rights) => Arc::new(rights),
            None if self.rights.have_subject() => Arc::new(self.rights.of_subject(subject)),
            None => Arc::clone(&self.rights),
        };
        let expires_ms = said.expires_in_ms().map(|ms| unix_ms.saturating_add(ms));
        let grant = Grant::new(Arc::from(Forward::KEY), self.print, rights);
        Some(grant.of_subject(subject).issued_at(Some(unix_ms)).until(expires_ms))
    }

    /// A digest of where it is: another place is another service.
    pub fn print(&self) -> u64 {
        self.print
    }
}

fn check_url(url: &str) -> Result<(), BadUrl> {
    let Some((scheme, rest)) = url.split_once("://") else { return Err(BadUrl::NotHttp) };
    if scheme.eq_ignore_ascii_case("https") {
        return Err(BadUrl::Tls);
    }
    if !scheme.eq_ignore_ascii_case("http") {
        return Err(BadUrl::NotHttp);
    }
    let is_odd = |c: char| !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(c);
    if rest.contains(is_odd) {
        return Err(BadUrl::Character);
    }
    if rest.contains('#') {
        return Err(BadUrl::Fragment);
    }
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(BadUrl::User);
    }
    check_authority(authority).ok_or(BadUrl::Host)
}

/// RFC 3986 §3.2, without users.
fn check_authority(authority: &str) -> Option<()> {
    let (is_good, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            let is_address = |c: char| c.is_ascii_hexdigit() || c == ':' || c == '.';
            (host.contains(':') && host.chars().all(is_address), port)
        }
        None => {
            let host = authority.split(':').next().unwrap_or_default();
            let is_name = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
            let port = authority.strip_prefix(host)?;
            (!host.is_empty() && host.chars().all(is_name), port)
        }
    };
    let is_port = |digits: &str| {
        digits.bytes().all(|byte| byte.is_ascii_digit())
            && digits.parse::<u16>().is_ok_and(|port| port > 0)
    };
    let has_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    (is_good && has_port).then_some(())
}

/// What a service is asked about one request.
#[derive(Clone, PartialEq, Eq)]
pub struct Question {
    /// Who is asked.
    pub forward: Arc<Forward>,
    /// The method of the request.
    pub method: &'static str,
    /// Its `Host`; nothing, if it has none.
    pub host: Box<str>,
    /// Its target, whole.
    pub uri: Box<str>,
    /// Where it comes from, if that is known.
    pub address: Option<Box<str>>,
    /// Those of its fields that are sent on, as they came.
    pub fields: Vec<(Box<str>, Box<[u8]>)>,
    /// When it is asked, in milliseconds since 1970.
    pub unix_ms: u64,
    /// How long the answer is waited for.
    pub patience: Duration,
    /// How long the answer is good for the same question.
    pub keep: Duration,
    /// How many answers are kept in all.
    pub kept_max: usize,
}

impl Question {
    /// What tells it from all other questions: everything that the service is sent, each with its
    /// length, so that nothing of one part can be taken for the beginning of the next.
    pub fn digest(&self) -> [u8; 32] {
        let address = self.address.as_deref();
        // One without is not one of which it is empty.
        let is_known: &[u8] = if address.is_some() { b"from" } else { b"" };
        let parts = [
            self.forward.url.as_bytes(),
            self.method.as_bytes(),
            self.host.as_bytes(),
            self.uri.as_bytes(),
            is_known,
            address.unwrap_or_default().as_bytes(),
        ];
        let fields = self.fields.iter().flat_map(|(name, value)| [name.as_bytes(), value]);
        let parts: Vec<&[u8]> = parts.into_iter().chain(fields).collect();
        Digest::of(&parts).whole()
    }
}

/// What is in it is whoever's who asks: their credentials, too.
impl fmt::Debug for Question {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: Vec<_> = self.fields.iter().map(|(name, _)| name).collect();
        out.debug_struct("Question")
            .field("forward", &self.forward)
            .field("method", &self.method)
            .field("fields", &fields)
            .finish_non_exhaustive()
    }
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Whoever asks may come in.
    In(Arc<Grant>),
    /// They may not.
    Refused(Refusing),
    /// Nobody knows: the service is not there, or says nothing that means anything.
    Unavailable,
}

/// The same, and how it came about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vetted {
    /// What came of it.
    pub verdict: Verdict,
    /// The same was asked a moment ago, and this is what was said then.
    pub kept: bool,
}

impl Vetted {
    /// Nobody could be asked.
    pub const UNAVAILABLE: Vetted = Vetted { verdict: Verdict::Unavailable, kept: false };
}
