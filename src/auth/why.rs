//! Why exactly a credential is not taken.
//!
//! Knows: every reason, in a sentence for whoever has the keys.
//! Must not know: what its holder is told: see [`Refused`].

use super::refused::Refused;
use std::fmt;

/// A reason. Strangers are told one of three: see [`Why::refused`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// It is longer than any that is taken.
    TooLong,
    /// It is no key that is known, and no token.
    Unknown,
    /// It is a token with a header that is not taken.
    Header,
    /// No key that counts has its algorithm and its id.
    NoKey,
    /// It was not signed with such a key.
    Signature,
    /// What it claims is not what is taken.
    Claims,
    /// It claims no end.
    NoEnd,
    /// That claim is a date in milliseconds.
    Milliseconds(&'static str),
    /// That claim is no date.
    NoDate(&'static str),
    /// Whoever issued it is not who should have.
    Issuer,
    /// It is for somebody else.
    Audience,
    /// Its time is over.
    Expired,
    /// Its time has not come.
    NotYet,
}

impl Why {
    /// What its holder is told. That its time is over, or to come, is for those alone who have it
    /// signed.
    pub fn refused(self) -> Refused {
        match self {
            Why::Expired => Refused::Expired,
            Why::NotYet => Refused::NotYet,
            Why::TooLong
            | Why::Unknown
            | Why::Header
            | Why::NoKey
            | Why::Signature
            | Why::Claims
            | Why::NoEnd
            | Why::Milliseconds(_)
            | Why::NoDate(_)
            | Why::Issuer
            | Why::Audience => Refused::Invalid,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Why::Milliseconds(name) => {
                return write!(out, "its \"{name}\" is in milliseconds; it takes seconds");
            }
            Why::NoDate(name) => {
                return write!(out, "its \"{name}\" is no number of seconds since 1970");
            }
            Why::NoEnd => "it has no \"exp\": it takes one that ends",
            Why::TooLong => "it is too long",
            Why::Unknown => "it is neither a token (three parts in base64url) nor a known key",
            Why::Header => {
                "its header cannot be read, names a member twice, has a \"kid\" of over 64 bytes, \
                 or one of crit, jku, jwk, x5u, x5c, b64"
            }
            Why::NoKey => "no key has its \"alg\" and its \"kid\"",
            Why::Signature => "its signature is not the key's",
            Why::Claims => {
                "its claims cannot be read, name a member twice, or are not what is taken: exp is \
                 needed, dates are numbers, sub is 1 to 255 bytes, and \"tidegate\" has connect, \
                 subscribe, publish, manage and connectionId alone, with 100 patterns at most"
            }
            Why::Issuer => "its \"iss\" is not the key's issuer",
            Why::Audience => "its \"aud\" does not have the key's audience",
            Why::Expired => "it has expired",
            Why::NotYet => "its time has not come: \"nbf\" or \"iat\" is in the future",
        })
    }
}
