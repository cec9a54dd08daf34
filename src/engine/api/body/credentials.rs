//! What the body of a request says of credentials: what a ticket is to give, what is revoked.
//!
//! Knows: the members of both (PROTOCOL.md, "Tickets", "Revocation").
//! Must not know: who asks, and whether that may be had.

use super::{Members, whole_number};
use crate::auth::{Glob, Globs, Whom};
use crate::engine::answer::Problem;
use crate::http::Status;
use crate::limits::{GLOBS_MAX, Limits, REVOKED_BYTES_MAX};
use crate::routes;
use serde_json::value::RawValue;
use std::sync::Arc;
use std::time::Duration;

/// What a ticket is to give.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::engine::api) struct AskedTicket {
    pub(in crate::engine::api) subject: Option<String>,
    pub(in crate::engine::api) connect: Option<bool>,
    pub(in crate::engine::api) subscribe: Option<Globs>,
    pub(in crate::engine::api) publish: Option<Globs>,
    pub(in crate::engine::api) connection_id: Option<Globs>,
    pub(in crate::engine::api) expires_in: Option<Duration>,
}

/// The body of a request for a ticket. What it names takes no more than a token could hold: a
/// server keeps many of them.
pub(in crate::engine::api) fn ticket(body: &[u8], limits: &Limits) -> Result<AskedTicket, Problem> {
    let known = ["subject", "connect", "subscribe", "publish", "connectionId", "expiresIn"];
    let mut members = Members::of(body, &known)?;
    let mut left = Left { patterns: GLOBS_MAX, bytes: limits.token_bytes_max };
    Ok(AskedTicket {
        subject: members.name("subject", SUBJECT_BYTES_MAX)?,
        connect: members.boolean("connect")?,
        subscribe: members.globs("subscribe", &mut left)?,
        publish: members.globs("publish", &mut left)?,
        connection_id: members.globs("connectionId", &mut left)?,
        expires_in: members.seconds("expiresIn")?,
    })
}

/// The body of a request to revoke: who or what, and for how long.
pub(in crate::engine::api) fn revocation(
    body: &[u8],
    limits: &Limits,
) -> Result<(Whom, Option<Duration>), Problem> {
    let mut members = Members::of(body, &["subject", "tokenId", "connectionId", "expiresIn"])?;
    let span = members.seconds("expiresIn")?;
    let mut name = |name| members.name(name, REVOKED_BYTES_MAX);
    let given = (name("subject")?, name("tokenId")?, name("connectionId")?);
    let whom = match given {
        (Some(subject), None, None) => Whom::Subject(Arc::from(subject)),
        (None, Some(id), None) => Whom::TokenId(Arc::from(id)),
        (None, None, Some(id)) if !routes::is_connection_id(&id, limits) => {
            return Err(members.bad("connectionId", "is no connectionId"));
        }
        (None, None, Some(id)) => Whom::ConnectionId(Arc::from(id)),
        _ => return Err(members.bad("", "needs exactly one of subject, tokenId and connectionId")),
    };
    Ok((whom, span))
}

const TOO_MANY_PATTERNS: Problem = Problem::new(
    Status::UnprocessableContent,
    "too-many-patterns",
    "There are more than 100 patterns in all, or they are longer together than --max-token.",
);
const _: () = assert!(GLOBS_MAX == 100, "as the text says");

/// What the lists of patterns that are still to come may have together.
struct Left {
    patterns: usize,
    bytes: usize,
}

impl Members<'_> {
    fn name(&mut self, name: &str, bytes_max: usize) -> Result<Option<String>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let text = self.string(value, name)?;
        if !(1..=bytes_max).contains(&text.len()) {
            return Err(self.bad(name, &format!("must have 1 to {bytes_max} bytes")));
        }
        Ok(Some(text))
    }

    fn boolean(&mut self, name: &str) -> Result<Option<bool>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let value = serde_json::from_str(value.get()).map(Some);
        value.map_err(|_| self.bad(name, "must be true or false"))
    }

    fn seconds(&mut self, name: &str) -> Result<Option<Duration>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let seconds =
            whole_number(value.get()).filter(|seconds| (1..=SECONDS_MAX).contains(seconds));
        let fault = "must be a number of seconds, from 1 to 4294967295";
        seconds.map(Duration::from_secs).map(Some).ok_or_else(|| self.bad(name, fault))
    }

    /// An array of patterns, or, for a connection, one; of as many as are left in all.
    fn globs(&mut self, name: &str, left: &mut Left) -> Result<Option<Globs>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let list = match serde_json::from_str(value.get()) {
            Ok(one) if name == "connectionId" => vec![one],
            _ => self.texts(value, name)?,
        };
        let bytes = list.iter().map(String::len).sum();
        left.patterns = left.patterns.checked_sub(list.len()).ok_or(TOO_MANY_PATTERNS)?;
        left.bytes = left.bytes.checked_sub(bytes).ok_or(TOO_MANY_PATTERNS)?;
        let globs: Result<Vec<Glob>, _> = list.iter().map(|text| Glob::parse(text)).collect();
        match globs {
            Ok(globs) => Ok(Some(Globs::new(globs))),
            Err(_) => Err(self.bad(name, "has a pattern that no name can match")),
        }
    }

    fn texts(&self, value: &RawValue, name: &str) -> Result<Vec<String>, Problem> {
        serde_json::from_str(value.get())
            .map_err(|_| self.bad(name, "must be an array of patterns of names"))
    }
}

const SECONDS_MAX: u64 = u32::MAX as u64;
/// As that of a token.
const SUBJECT_BYTES_MAX: usize = 255;
