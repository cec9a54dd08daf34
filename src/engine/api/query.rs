//! The parameters of the API's URLs.
//!
//! Knows: which there are, and what they may be.
//! Must not know: what comes of them.

use super::super::answer::Problem;
use super::revocations;
use crate::auth::Whom;
use crate::http::{Request, Status};
use crate::limits::PAGE_MAX;
use crate::ws::close::CloseCode;
use crate::ws::frame::CONTROL_BYTES_MAX;

const UNKNOWN_PARAMETER: Problem = Problem::new(Status::BadRequest, "unknown-parameter", "");
const BAD_PARAMETER: Problem = Problem::new(Status::BadRequest, "bad-parameter", "");

/// Entries on a page, if nobody says otherwise.
const PAGE_DEFAULT: usize = 100;

/// RFC 6455 §5.5.1: the code takes two bytes of a close frame.
const REASON_BYTES_MAX: usize = CONTROL_BYTES_MAX - 2;

/// What a page of a list was asked to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Page {
    pub(super) limit: usize,
    pub(super) room: Option<String>,
    pub(super) prefix: String,
    /// Where the page before it ended.
    pub(super) after: Option<String>,
}

/// How a connection is to be closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: CloseCode,
    pub(super) reason: String,
    pub(super) session: Option<u64>,
}

impl Close {
    /// As one who has said all does.
    pub(super) const NORMAL: Close =
        Close { code: CloseCode::NORMAL, reason: String::new(), session: None };
}

/// The parameters of a list; only that of connections is chosen `by_room`.
pub(super) fn page(request: &Request<'_>, by_room: bool) -> Result<Page, Problem> {
    let mut page = Page { limit: PAGE_DEFAULT, room: None, prefix: String::new(), after: None };
    for (name, value) in request.query() {
        match &*name {
            "limit" => {
                page.limit = page_limit(&value)?;
            }
            "room" if by_room => page.room = Some(value.into_owned()),
            "prefix" => page.prefix = value.into_owned(),
            "after" => page.after = Some(value.into_owned()),
            other => ignored(
                other,
                if by_room { "limit, room, prefix, after" } else { "limit, prefix, after" },
            )?,
        }
    }
    Ok(page)
}

/// The parameters of a list of what is revoked: how many, and where the page before it ended.
pub(super) fn revocations(request: &Request<'_>) -> Result<(usize, Option<String>), Problem> {
    let (mut limit, mut after) = (PAGE_DEFAULT, None);
    for (name, value) in request.query() {
        match &*name {
            "limit" => limit = page_limit(&value)?,
            "after" => after = Some(value.into_owned()),
            other => ignored(other, "limit, after")?,
        }
    }
    Ok((limit, after))
}

/// What is to be revoked no more: each that is named.
pub(super) fn lifted(request: &Request<'_>) -> Result<Vec<Whom>, Problem> {
    let mut lifted = Vec::new();
    for (name, value) in request.query() {
        match revocations::whom(&name, &value) {
            Some(whom) => lifted.push(whom),
            None => ignored(&name, "subject, tokenId, connectionId")?,
        }
    }
    Ok(lifted)
}

/// The parameters of a close.
pub(super) fn close(request: &Request<'_>) -> Result<Close, Problem> {
    let mut close = Close::NORMAL;
    for (name, value) in request.query() {
        match &*name {
            "code" => {
                let code = number(&value).and_then(|code| u16::try_from(code).ok()).map(CloseCode);
                close.code = code.filter(|code| code.is_sendable()).ok_or_else(|| {
                    bad("code", "is one of 1000 to 1003, 1007 to 1014, and 3000 to 4999")
                })?;
            }
            "reason" if value.len() <= REASON_BYTES_MAX => close.reason = value.into_owned(),
            "reason" => return Err(bad("reason", "has at most 123 bytes of UTF-8")),
            "session" => {
                let session = number(&value);
                close.session =
                    Some(session.ok_or_else(|| bad("session", "is the number of a session"))?);
            }
            other => ignored(other, "code, reason, session")?,
        }
    }
    Ok(close)
}

/// For what takes no parameters.
pub(super) fn none(request: &Request<'_>) -> Result<(), Problem> {
    request.query().try_for_each(|(name, _)| ignored(&name, "none"))
}

/// What caches are kept off with is passed over; anything else unknown is a mistake.
fn ignored(name: &str, known: &str) -> Result<(), Problem> {
    if name.starts_with('_') {
        return Ok(());
    }
    Err(UNKNOWN_PARAMETER
        .saying(format!("There is no parameter {name:?} here; there are: {known}.")))
}

fn page_limit(text: &str) -> Result<usize, Problem> {
    let limit = number(text).and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.filter(|limit| (1..=PAGE_MAX).contains(limit));
    limit.ok_or_else(|| bad("limit", "is a number from 1 to 1000"))
}

/// A number without a sign.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

pub(super) fn bad(name: &str, rule: &str) -> Problem {
    BAD_PARAMETER.saying(format!("The parameter {name} {rule}."))
}
