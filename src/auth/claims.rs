//! The claims of a token (RFC 7519 §4), and what they leave of a key's rights.
//!
//! Knows: the registered claims, and ours: `tidegate`.
//! Must not know: signatures, keys.

use super::glob::{Glob, Globs};
use super::grant::TokenId;
use super::json::{Object, Read};
use super::rights::Rights;
use super::why::Why;
use crate::limits::GLOBS_MAX;
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::fmt;

/// The longest subject, in bytes.
const SUBJECT_BYTES_MAX: usize = 255;

/// What of the claims counts.
#[derive(Default)]
pub(super) struct Claims {
    pub(super) issuer: Option<String>,
    audience: Option<Strings>,
    pub(super) subject: Option<String>,
    token_id: Option<String>,
    expires: Option<Date>,
    not_before: Option<Date>,
    issued: Option<Date>,
    rights: Option<Read<Ours>>,
}

/// Whether somebody may be called so.
pub(super) fn is_subject(subject: &str) -> bool {
    !subject.is_empty() && subject.len() <= SUBJECT_BYTES_MAX && !subject.contains(char::is_control)
}

/// Whether the time of a token is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Time {
    Now,
    Over,
    ToCome,
}

impl<'de> Object<'de> for Claims {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<bool, A::Error> {
        match name {
            "iss" => self.issuer = Some(members.next_value()?),
            "aud" => self.audience = Some(members.next_value()?),
            "sub" => self.subject = Some(members.next_value()?),
            "jti" => self.token_id = Some(members.next_value()?),
            "exp" => self.expires = Some(members.next_value()?),
            "nbf" => self.not_before = Some(members.next_value()?),
            "iat" => self.issued = Some(members.next_value()?),
            "tidegate" => self.rights = Some(members.next_value()?),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

impl Claims {
    /// Reads them. None without an end is taken.
    pub(super) fn parse(json: &[u8]) -> Option<Claims> {
        let Read(claims) = serde_json::from_slice::<Read<Claims>>(json).ok()?;
        let is_taken = claims.expires.is_some()
            && claims.subject.as_deref().is_none_or(is_subject)
            && claims.rights.as_ref().is_none_or(|Read(ours)| ours.is_short());
        is_taken.then_some(claims)
    }

    /// What is wrong with claims that are not taken, if one date is to blame.
    pub(super) fn blame(json: &[u8]) -> Why {
        let Ok(claims) = serde_json::from_slice::<Map<String, Value>>(json) else {
            return Why::Claims;
        };
        let blamed = |name: &'static str| {
            let Some(date) = claims.get(name) else {
                return (name == "exp").then_some(Why::NoEnd);
            };
            match date.as_f64() {
                Some(seconds) if seconds >= SECONDS_END as f64 => Some(Why::Milliseconds(name)),
                Some(0.0..) => None,
                _ => Some(Why::NoDate(name)),
            }
        };
        ["exp", "nbf", "iat"].into_iter().find_map(blamed).unwrap_or(Why::Claims)
    }

    /// Whether the token is for `audience`.
    pub(super) fn is_for(&self, audience: &str) -> bool {
        self.audience.as_ref().is_some_and(|Strings(all)| all.iter().any(|one| one == audience))
    }

    /// What the token is called.
    pub(super) fn token_id(&self) -> Option<TokenId> {
        self.token_id.as_deref().map(TokenId::of)
    }

    /// From when on it is good for nothing.
    pub(super) fn expires_ms(&self) -> Option<u64> {
        self.expires.map(|Date(ms)| ms)
    }

    /// When it was issued.
    pub(super) fn issued_ms(&self) -> Option<u64> {
        self.issued.map(|Date(ms)| ms)
    }

    /// Whether its time is at `unix_ms`, where the clock of whoever issued it may be early by
    /// `leeway_ms`. Nobody's clock makes it good for longer.
    pub(super) fn time(&self, unix_ms: u64, leeway_ms: u64) -> Time {
        let latest = unix_ms.saturating_add(leeway_ms);
        let is_to_come = |date: Option<Date>| date.is_some_and(|Date(ms)| ms > latest);
        match self.expires_ms() {
            Some(expires) if expires > unix_ms => {
                let is_to_come = is_to_come(self.not_before) || is_to_come(self.issued);
                if is_to_come { Time::ToCome } else { Time::Now }
            }
            _ => Time::Over,
        }
    }

    /// The rights that it asks for; `None`: those of the key.
    pub(super) fn rights(&self) -> Option<Rights> {
        self.rights.as_ref().map(|Read(ours)| ours.rights())
    }
}

/// The object `tidegate`.
#[derive(Default)]
pub(super) struct Ours {
    connect: bool,
    manage: bool,
    subscribe: Patterns,
    publish: Patterns,
    connection_id: Option<Patterns>,
}

impl<'de> Object<'de> for Ours {
    fn member<A: MapAccess<'de>>(&mut self, name: &str, members: &mut A) -> Result<bool, A::Error> {
        match name {
            "connect" => self.connect = members.next_value()?,
            "manage" => self.manage = members.next_value()?,
            "subscribe" => self.subscribe = members.next_value::<List>()?.0,
            "publish" => self.publish = members.next_value::<List>()?.0,
            "connectionId" => {
                let Strings(all) = members.next_value()?;
                self.connection_id = Some(Patterns::read(all)?);
            }
            _ => return Err(A::Error::custom("an unknown right")),
        }
        Ok(true)
    }
}

impl Ours {
    /// Whether there are not more patterns in it than may be.
    pub(super) fn is_short(&self) -> bool {
        let lists = [Some(&self.subscribe), Some(&self.publish), self.connection_id.as_ref()];
        lists.into_iter().flatten().map(|list| list.0.count()).sum::<usize>() <= GLOBS_MAX
    }

    /// What is not in it is not given; a name is nothing that is given, only taken away.
    pub(super) fn rights(&self) -> Rights {
        Rights {
            connect: self.connect,
            subscribe: self.subscribe.0.clone(),
            publish: self.publish.0.clone(),
            manage: self.manage,
            connection_id: self.connection_id.as_ref().map_or_else(Globs::all, |it| it.0.clone()),
        }
    }
}

#[derive(Default)]
struct Patterns(Globs);

impl Patterns {
    fn read<E: Error>(texts: Vec<String>) -> Result<Patterns, E> {
        let globs: Result<Vec<Glob>, _> = texts.iter().map(|text| Glob::parse(text)).collect();
        let globs = globs.map_err(|_| E::custom("no pattern"))?;
        Ok(Patterns(Globs::new(globs)))
    }
}

/// An array of patterns, and nothing else.
struct List(Patterns);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<List, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        Patterns::read(texts).map(List)
    }
}

/// A string, or an array of strings (RFC 7519 §4.1.3).
struct Strings(Vec<String>);

impl<'de> Deserialize<'de> for Strings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Strings, D::Error> {
        deserializer.deserialize_any(OneOrMany)
    }
}

struct OneOrMany;

impl<'de> Visitor<'de> for OneOrMany {
    type Value = Strings;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a string, or an array of strings")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Strings, E> {
        Ok(Strings(vec![text.to_owned()]))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strings, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(Strings(all))
    }
}

/// A NumericDate (RFC 7519 §2), in milliseconds.
#[derive(Clone, Copy)]
pub(super) struct Date(pub(super) u64);

/// The year 5138. Who writes a later one counts in milliseconds by mistake, and means this year.
const SECONDS_END: u64 = 100_000_000_000;

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
        deserializer.deserialize_any(Seconds)
    }
}

struct Seconds;

impl Visitor<'_> for Seconds {
    type Value = Date;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("seconds since 1970")
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Date, E> {
        match seconds < SECONDS_END {
            true => Ok(Date(seconds.saturating_mul(1000))),
            false => Err(E::custom("no second that there is")),
        }
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Date, E> {
        // What is no number is in no range.
        match (0.0..SECONDS_END as f64).contains(&seconds) {
            #[expect(clippy::cast_possible_truncation, reason = "to the millisecond before it")]
            true => Ok(Date((seconds * 1000.0) as u64)),
            false => Err(E::custom("no second that there is")),
        }
    }
}
