//! What can be wrong with keys and doors, in words.
//!
//! Knows: every way in which they can be wrong.
//! Must not know: how it was found out; a secret, or what may be one.

use std::fmt;

use crate::auth::{BadGlob, BadKey, BadUrl, Glob};
use crate::config::secrets::{self, BYTES_MAX};

/// Why a key or a door cannot be used.
#[derive(Debug)]
pub(in crate::config) enum Fault {
    /// Its place.
    Secret(secrets::Fault),
    /// What is there.
    Bad(BadKey),
    /// It stands in the file itself.
    WrittenOut,
    /// A public key that does.
    PemWrittenOut,
    /// A file that lies with somebody else.
    Fetched,
    NoPlace,
    /// Beside another that says the same.
    Beside(&'static str),
    NothingVouches,
    /// A key that takes no tokens.
    OfTokens,
    /// A password, which is no token.
    NoTokens,
    /// An issuer or an audience that no token can have.
    NothingExpected,
    /// Beside a set, each key of which says it.
    OfEach,
    NoAlgorithm,
    /// Something of that line has it already.
    Taken {
        line: usize,
    },
    /// The key of that name has the same secret, or user.
    SameSecret(String),
    SameUser(String),
    Name,
    User,
    /// A static key that no field could carry.
    Unprintable,
    NoText,
    Short {
        least: usize,
        unit: &'static str,
    },
    /// Longer than what is taken.
    LongToken(String),
    ManageConnects,
    Glob(BadGlob),
    /// No key of that name; these there are.
    NoKey(Vec<String>),
    Nobody,
    HeaderName,
    OwnHeader,
    CookieName,
    QueryName,
    OwnQuery,
    /// The cookie would let in every page that a browser shows.
    CookieOfAnyPage,
    /// The same, told at the origins.
    AnyPageOfCookie,
    /// A door, but nothing that it could take.
    NoKeys,
    /// The door of a route asks, and nobody vouches for the rest.
    NothingElse,
    BesideForward,
    BesideOpen,
    /// The credential in a path, but nobody is asked for one.
    TokenForNothing,
    Url(BadUrl),
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Secret(fault) => fault.fmt(out),
            Fault::Bad(bad) => bad.fmt(out),
            Fault::Beside(other) => write!(out, "is beside {other}; leave out one of them"),
            Fault::Taken { line } => {
                write!(out, "is taken by what stands in line {line}; choose another")
            }
            Fault::SameSecret(other) => {
                let other = other.escape_debug();
                write!(out, "has the same secret as key \"{other}\"; make another: {MAKE}")
            }
            Fault::SameUser(other) => {
                write!(out, "has the same user as key \"{}\"", other.escape_debug())
            }
            Fault::Short { least, unit } => {
                write!(out, "has less than {least} {unit}; make one: {MAKE}")
            }
            Fault::LongToken(most) => {
                write!(out, "is longer than max-token ({most}): no request could bring it")
            }
            Fault::Glob(BadGlob::TooLong) => {
                write!(out, "is longer than {} bytes, as no name is", Glob::BYTES_MAX)
            }
            Fault::NoKey(known) if known.is_empty() => out.write_str("names no [[key]]"),
            Fault::NoKey(known) => {
                let known: Vec<_> = known.iter().map(|name| name.escape_debug()).collect();
                out.write_str("names no [[key]]; there are ")?;
                for (number, name) in known.into_iter().enumerate() {
                    write!(out, "{}{name}", if number == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            fault => out.write_str(fault.words()),
        }
    }
}

/// What makes a good secret.
const MAKE: &str = "tidegate token key FILE";

impl Fault {
    /// Of those that need no more than that: of keys, and of all others.
    fn words(&self) -> &'static str {
        match self {
            Fault::WrittenOut => {
                "is written out, where others may read it; put it into a file that they cannot \
                 read (chmod 600), and write { file = \"app.key\" }; or { env = \"NAME\" }, \
                 or { credential = \"name\" }"
            }
            Fault::PemWrittenOut => "is written out; name the file that it is in",
            Fault::Fetched => {
                "is a file; nothing is fetched: save what is there to one, and name that"
            }
            Fault::NoPlace => {
                "names no place; write { file = \"app.key\" }, or { env = \"NAME\" }, \
                 or { credential = \"name\" }"
            }
            Fault::NothingVouches => {
                "vouches for nothing; it takes a secret, a public-key, jwks, \
                 or a user and a password"
            }
            Fault::OfTokens => "is of a key for tokens, and that has an algorithm",
            Fault::NoTokens => "is of a key for tokens, and not of one for a user",
            Fault::NothingExpected => "is empty; leave it out, and nothing is asked for",
            Fault::OfEach => "is of no use, as each key of a set says its own",
            Fault::NoAlgorithm => {
                "has no algorithm; write RS256, ES256 or EdDSA, or what else signs its tokens"
            }
            Fault::Name => {
                "is no name: 1 to 64 bytes, no control characters, no spaces at its ends"
            }
            Fault::User => "is no user: 1 to 255 bytes, no colon, no control characters",
            Fault::Unprintable => {
                "has other characters than visible ones of ASCII, which no request could bring; \
                 make one: tidegate token key FILE"
            }
            Fault::NoText => "is not UTF-8 text, or has control characters",
            Fault::ManageConnects => {
                "is beside manage = true: management has keys of its own; leave out one of them"
            }
            Fault::Glob(BadGlob::Empty) => "is empty, as no name is; * means every name",
            Fault::Glob(BadGlob::Control) => "has control characters, as no name has",
            fault => fault.words_of_doors(),
        }
    }

    fn words_of_doors(&self) -> &'static str {
        match self {
            Fault::Nobody => "is empty: nobody could come in; leave it out, and all keys count",
            Fault::HeaderName => "is no name of a header field; write it like X-API-Key",
            Fault::OwnHeader => "is a field with a meaning of its own; choose another",
            Fault::CookieName => "is no name of a cookie; write it like session",
            Fault::QueryName => {
                "is no name of a parameter; write it like accessToken: 1 to 64 letters, digits, \
                 . _ or -"
            }
            Fault::OwnQuery => "is a parameter of the server itself; choose another",
            Fault::CookieOfAnyPage => {
                "cannot be beside allow-origin = \"*\": every page that a browser shows could use \
                 it; write out the origins"
            }
            Fault::AnyPageOfCookie => {
                "cannot have *, as [auth] takes a cookie: every page that a browser shows could \
                 use it; write out the origins, or give the route an [auth] of its own"
            }
            Fault::NoKeys => {
                "takes a [[key]], and there is none: everybody would be let in; write one"
            }
            Fault::NothingElse => {
                "takes a [[key]], or an [auth.forward], beside it: nobody could come in anywhere \
                 else"
            }
            Fault::BesideForward => {
                "is of no use beside forward, which decides by itself; leave out one of them"
            }
            Fault::BesideOpen => "is beside open = true; leave out one of them",
            Fault::TokenForNothing => {
                "has a {token}, which takes a [[key]] that vouches for it; write one, \
                 or open = true to let everybody in"
            }
            Fault::Url(BadUrl::Tls) => {
                "is https, which is not yet spoken; put a proxy between, or write http://"
            }
            Fault::Url(BadUrl::NotHttp) => "is no URL; write it like http://127.0.0.1:9000/auth",
            Fault::Url(BadUrl::Host) => {
                "has no host, or a port that is none; write it like http://127.0.0.1:9000/auth"
            }
            Fault::Url(BadUrl::User) => "has a user or a password in it; send neither",
            Fault::Url(BadUrl::Fragment) => "has a fragment (#…), which is sent to nobody",
            Fault::Url(BadUrl::Character) => "has a character that must be percent-encoded",
            _ => "cannot be used",
        }
    }
}

impl fmt::Display for secrets::Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        use secrets::Fault;
        match self {
            Fault::Nowhere => {
                out.write_str("cannot be read, as this configuration is in no file itself")
            }
            Fault::Lost(folder) => {
                let folder = folder.to_string_lossy();
                write!(
                    out,
                    "is not there: {} has no such file; make one: {MAKE}",
                    if folder.is_empty() { ".".into() } else { folder.escape_debug().to_string() }
                )
            }
            Fault::Unreadable(error) => write!(out, "cannot be read: {error}"),
            Fault::NoFile(path) => {
                write!(out, "is no file, but something else: {}", path.to_string_lossy())
            }
            Fault::Open(path, mode) => {
                let path = path.to_string_lossy();
                write!(out, "is open to others (mode {mode:o}); chmod 600 {}", path.escape_debug())
            }
            Fault::TooLong => write!(out, "is longer than {} KiB", BYTES_MAX >> 10),
            Fault::Empty => write!(out, "is empty; make one: {MAKE}"),
            Fault::NoVariable => {
                out.write_str("is no name of a variable: letters, digits and _, no digit first")
            }
            Fault::Unset => out.write_str(
                "names no variable that is set, and none that is with _FILE behind its name",
            ),
            Fault::NoCredential => out.write_str("is no name of a credential: it has no slash"),
            Fault::NotHandedOut => out.write_str(
                "is no credential that this service was handed out; \
                 its unit does: LoadCredential=NAME:FILE",
            ),
            Fault::NoCredentials => out.write_str(
                "cannot be read, as no CREDENTIALS_DIRECTORY is set; \
                 a service manager does: LoadCredential=NAME:FILE",
            ),
        }
    }
}
