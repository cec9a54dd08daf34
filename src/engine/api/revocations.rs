//! What is revoked, as the API shows it, and how it is taken back.
//!
//! Knows: what the vault keeps.
//! Must not know: connections, how anybody is ended.

use super::super::answer::{Manner, Problem};
use super::super::conn::Conn;
use super::super::desk::Desk;
use super::done::push_string;
use super::query;
use crate::auth::{Revocation, Whom};
use crate::http::{Method, Request, Status};
use crate::limits::PAGE_BYTES_MAX;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::sync::Arc;

pub(super) const AUTH_OFF: Problem = Problem::new(
    Status::Conflict,
    "auth-off",
    "Nobody is asked for a credential here, so there are no tickets, and nothing to revoke: the \
     server's configuration has no [[key]].",
);
pub(super) const TOO_MANY: Problem = Problem::new(
    Status::TooManyRequests,
    "too-many-revocations",
    "As much is revoked as may be (--max-revocations): take some of it back, or give what is \
     revoked next an expiresIn.",
);
const NO_SUCH_REVOCATION: Problem = Problem::new(
    Status::NotFound,
    "no-such-revocation",
    "This is not revoked, or is no more. Name it: ?subject=, ?tokenId= or ?connectionId=.",
);

/// Shows what is revoked, or takes one of it back.
pub(super) fn answer(
    conn: &mut Conn,
    desk: &mut Desk,
    request: &Request<'_>,
    manner: &Manner,
) -> Result<(), Problem> {
    if request.method() == Method::Delete {
        lift(desk, &query::lifted(request)?)?;
        manner.json(conn, desk, Status::NoContent, &[], &[]);
    } else {
        let body = page(desk, request)?;
        manner.json(conn, desk, Status::Ok, &body, &[]);
    }
    Ok(())
}

/// Takes back all of `lifted` that is there.
fn lift(desk: &Desk, lifted: &[Whom]) -> Result<(), Problem> {
    if !desk.policy.access.is_on() {
        return Err(AUTH_OFF);
    }
    let revocations = &desk.setup.vault.revocations;
    let lift = |whom: &&Whom| revocations.lift(whom, desk.now.unix_ms);
    match lifted.iter().filter(lift).count() {
        0 => Err(NO_SUCH_REVOCATION),
        _ => Ok(()),
    }
}

/// A page of all. Its token is the last of them.
fn page(desk: &Desk, request: &Request<'_>) -> Result<Vec<u8>, Problem> {
    let (limit, after) = query::revocations(request)?;
    let after = match after {
        None => None,
        Some(token) => {
            let rule = "is the \"next\" of the page before";
            Some(parse_token(&token).ok_or_else(|| query::bad("after", rule))?)
        }
    };
    if !desk.policy.access.is_on() {
        return Err(AUTH_OFF);
    }
    let now_ms = desk.now.unix_ms;
    // One more than fits tells whether there is another page.
    let all = desk.setup.vault.revocations.page(after.as_ref(), limit + 1, now_ms);
    let mut body = b"{\"revocations\":[".to_vec();
    let mut shown = 0;
    for revocation in all.iter().take(limit) {
        if body.len() >= PAGE_BYTES_MAX {
            break;
        }
        if shown > 0 {
            body.push(b',');
        }
        push_revocation(&mut body, revocation);
        shown += 1;
    }
    body.extend_from_slice(b"],\"next\":");
    match all.get(..shown).and_then(<[Revocation]>::last) {
        Some(last) if shown < all.len() => push_string(&mut body, &token_of(&last.whom)),
        _ => body.extend_from_slice(b"null"),
    }
    body.push(b'}');
    Ok(body)
}

fn parts(whom: &Whom) -> (&'static str, &str) {
    match whom {
        Whom::Subject(name) => ("subject", name),
        Whom::TokenId(name) => ("tokenId", name),
        Whom::ConnectionId(name) => ("connectionId", name),
    }
}

/// What the member, or the parameter, `kind` says.
pub(super) fn whom(kind: &str, name: &str) -> Option<Whom> {
    let name = Arc::from(name);
    match kind {
        "subject" => Some(Whom::Subject(name)),
        "tokenId" => Some(Whom::TokenId(name)),
        "connectionId" => Some(Whom::ConnectionId(name)),
        _ => None,
    }
}

fn token_of(last: &Whom) -> String {
    let (kind, name) = parts(last);
    URL_SAFE_NO_PAD.encode(format!("{kind}={name}"))
}

fn parse_token(token: &str) -> Option<Whom> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    let (kind, name) = text.split_once('=')?;
    whom(kind, name)
}

fn push_revocation(out: &mut Vec<u8>, revocation: &Revocation) {
    let (kind, name) = parts(&revocation.whom);
    out.extend_from_slice(format!("{{\"{kind}\":").as_bytes());
    push_string(out, name);
    out.extend_from_slice(format!(",\"revokedAt\":{},\"expiresAt\":", revocation.at_ms).as_bytes());
    match revocation.until_ms {
        Some(until) => out.extend_from_slice(until.to_string().as_bytes()),
        None => out.extend_from_slice(b"null"),
    }
    out.push(b'}');
}
