//! Tickets: who may have which, and what they are answered.
//!
//! Knows: what a ticket was asked to give, and how rights are handed on.
//! Must not know: how tickets are made and kept, connections.

use super::super::answer::Problem;
use super::super::desk::Desk;
use super::body::{self, AskedTicket};
use super::done::{Said, push_string};
use super::repeat::Repeatable;
use super::revocations::AUTH_OFF;
use crate::auth::{Full, Globs, Grant, Rights};
use crate::http::{Request, Status};
use std::sync::Arc;

const NOT_REPEATED: Problem = Problem::new(
    Status::BadRequest,
    "bad-idempotency-key",
    "A ticket is given once, and its answer kept for nobody: leave the Idempotency-Key out, and \
     ask for another ticket instead of the same one again.",
);
const TOO_MANY: Problem = Problem::new(
    Status::TooManyRequests,
    "too-many-tickets",
    "As many tickets wait to be used as may (--max-tickets).",
);
const OF_ANOTHER: Problem = Problem::new(
    Status::Forbidden,
    "not-allowed",
    "Only a credential that may manage gets a ticket for another subject.",
);
const EMPTY: Problem = Problem::new(
    Status::UnprocessableContent,
    "empty-ticket",
    "The ticket would let nobody in: it would give neither to connect, nor to read any room. \
     Whoever may manage names all rights that it gives, or none.",
);
const OVER: Problem = Problem::new(
    Status::Unauthorized,
    "credentials-invalid",
    "The credential has ended while the request was sent.",
);

/// A ticket is a secret: its answer is not kept to be given again.
pub(super) fn unrepeatable(request: &Request<'_>) -> Result<Option<Box<Repeatable>>, Problem> {
    match request.header_bytes("idempotency-key") {
        None => Ok(None),
        Some(_) => Err(NOT_REPEATED),
    }
}

/// Makes the ticket that `body` asks for, for whoever was let in with `grant`.
pub(super) fn mint(desk: &Desk, grant: Option<Arc<Grant>>, body: &[u8]) -> Result<Said, Problem> {
    let asked = body::ticket(body, &desk.limits)?;
    let holder = grant.ok_or(AUTH_OFF)?;
    let (now_ms, limits) = (desk.now.unix_ms, &desk.limits);
    let vault = &desk.setup.vault;
    // The body may have come long after the head: what ended meanwhile is not to live on.
    if holder.is_over(now_ms) || vault.revocations.concern(&holder, now_ms) {
        return Err(OVER);
    }
    let given = given(&holder, asked, now_ms)?;
    if !given.may_connect() && !given.may_subscribe_to_some() {
        return Err(EMPTY);
    }
    let until_ms = now_ms.saturating_add(limits.ticket_time.as_millis() as u64);
    let until_ms = given.expires_ms().map_or(until_ms, |expires| expires.min(until_ms));
    let minted = vault.tickets.mint(Arc::new(given), now_ms, until_ms, limits.tickets_max);
    let ticket = minted.map_err(|Full| TOO_MANY)?;
    let mut body = b"{\"ticket\":".to_vec();
    push_string(&mut body, &ticket);
    body.extend_from_slice(format!(",\"expiresAt\":{until_ms}}}").as_bytes());
    Ok(Said::Well(Status::Created, body))
}

/// What a ticket gives that `holder` asks for.
fn given(holder: &Grant, asked: AskedTicket, now_ms: u64) -> Result<Grant, Problem> {
    let AskedTicket { subject, connect, subscribe, publish, connection_id, expires_in } = asked;
    let own_end = holder.expires_ms();
    let asked_end = expires_in.map(|span| now_ms.saturating_add(span.as_millis() as u64));
    let grant = holder.clone();
    if !holder.may_manage() {
        if subject.is_some() && subject.as_deref() != holder.subject() {
            return Err(OF_ANOTHER);
        }
        let rights = Rights {
            connect: connect.unwrap_or(true),
            subscribe: subscribe.unwrap_or_else(Globs::all),
            publish: publish.unwrap_or_else(Globs::all),
            manage: false,
            connection_id: connection_id.unwrap_or_else(Globs::all),
        };
        let end = [own_end, asked_end].into_iter().flatten().min();
        return Ok(grant.narrowed_by(rights).until(end));
    }
    // Whoever may manage gives what it likes, but that; what it has itself does not matter.
    let says =
        connect.is_some() || subscribe.is_some() || publish.is_some() || connection_id.is_some();
    let rest = || if says { Globs::default() } else { Globs::all() };
    let rights = Rights {
        connect: connect.unwrap_or(!says),
        subscribe: subscribe.unwrap_or_else(rest),
        publish: publish.unwrap_or_else(rest),
        manage: false,
        connection_id: connection_id.unwrap_or_else(Globs::all),
    };
    let grant = grant.with_rights(rights).of_subject(subject.as_deref()).of_token(None);
    Ok(grant.issued_at(Some(now_ms)).until(asked_end.or(own_end)))
}
