//! What the body of a request says of credentials: what a ticket is to give, what is revoked.
//!
//! Knows: the members of both (PROTOCOL.md, "Tickets", "Revocation").
//! Must not know: who asks, and whether that may be had.

use super::{Members, whole_number};
use crate::auth::{Glob, Globs, Whom};
use crate::engine::answer::Problem;
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

/// The body of a request for a ticket.
pub(in crate::engine::api) fn ticket(body: &[u8]) -> Result<AskedTicket, Problem> {
    let known = ["subject", "connect", "subscribe", "publish", "connectionId", "expiresIn"];
    let mut members = Members::of(body, &known)?;
    let mut left = GLOBS_MAX;
    Ok(AskedTicket {
        subject: members.name("subject")?,
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
    let given = (members.name("subject")?, members.name("tokenId")?, members.name("connectionId")?);
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

impl Members<'_> {
    fn name(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let text = self.string(value, name)?;
        if !(1..=REVOKED_BYTES_MAX).contains(&text.len()) {
            return Err(self.bad(name, &format!("must have 1 to {REVOKED_BYTES_MAX} bytes")));
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

    /// One pattern, or an array of them; `left` may still come.
    fn globs(&mut self, name: &str, left: &mut usize) -> Result<Option<Globs>, Problem> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let list = match serde_json::from_str(value.get()) {
            Ok(one) if name == "connectionId" => vec![one],
            _ => self.texts(value, name)?,
        };
        let Some(rest) = left.checked_sub(list.len()) else {
            let fault = format!("there may be {GLOBS_MAX} patterns in all");
            return Err(self.bad(name, &fault));
        };
        *left = rest;
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
