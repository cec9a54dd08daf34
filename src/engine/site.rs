//! Pages on the HTTP side: what a configuration put there, or came with the server, as it stands.
//!
//! Knows: how a page is sent, and to whom it need not be.
//! Must not know: which page is where, what else is served.

use super::answer::Manner;
use super::conn::Conn;
use super::desk::Desk;
use crate::http::{Request, Status};
use crate::limits::OWNED_BYTES_MIN;
use crate::pages::Entry;
use std::sync::Arc;

/// Answers with a page as it stands, unless the client has it (RFC 9110 §13.1.2).
pub(super) fn answer(
    conn: &mut Conn,
    desk: &mut Desk,
    request: &Request<'_>,
    manner: &Manner,
    entry: &Entry,
) {
    let Entry { page, digest, headers } = entry;
    let tag = format!("\"{digest}\"");
    let is_there = |listed: &str| listed == "*" || listed.trim_start_matches("W/") == tag;
    let has_it = request.list("if-none-match").any(is_there);
    // Whoever keeps it asks whether it has changed, each time.
    let cache = [("Cache-Control", "no-cache"), ("ETag", tag.as_str())];
    if has_it {
        return manner.respond(conn, desk, Status::NotModified, |response, terms| {
            response.headers(&cache).empty(terms);
        });
    }
    let moves = page.bytes.len() >= OWNED_BYTES_MIN;
    manner.respond(conn, desk, Status::Ok, |response, terms| {
        let response = response.headers(&cache).header("X-Content-Type-Options", "nosniff");
        let response = response.headers(headers);
        if moves {
            response.announce(terms, &page.mime, page.bytes.len());
        } else {
            response.body(terms, &page.mime, &page.bytes);
        }
    });
    if moves && !manner.terms.head_only {
        conn.outbox.append_shared(Arc::clone(&page.bytes));
    }
}
