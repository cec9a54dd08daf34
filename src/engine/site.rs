//! Pages on the HTTP side: what a configuration put there, as it stands.
//!
//! Knows: how a page is sent, and to whom it need not be.
//! Must not know: which page is where, what else is served.

use super::conn::Conn;
use super::desk::Desk;
use super::events::Page;
use super::http::Answered;
use crate::http::{Response, Status};
use crate::limits::OWNED_BYTES_MIN;
use crate::pages::Entry;
use std::sync::Arc;

impl Page<'_> {
    /// A page as it stands, unless the client has it (RFC 9110 §13.1.2).
    pub(super) fn entry(&self, conn: &mut Conn, desk: &mut Desk, entry: &Entry) -> Answered {
        let Entry { page, digest } = entry;
        let tag = format!("\"{digest}\"");
        let is_there = |listed: &str| listed == "*" || listed.trim_start_matches("W/") == tag;
        let has_it = self.request.list("if-none-match").any(is_there);
        // Whoever keeps it asks whether it has changed, each time.
        let cache = [("Cache-Control", "no-cache"), ("ETag", tag.as_str())];
        if has_it {
            let finish = |response: Response<'_>| response.headers(&cache).empty(self.terms);
            return self.respond(conn, desk, Status::NotModified, finish);
        }
        let moves = page.bytes.len() >= OWNED_BYTES_MIN;
        self.respond(conn, desk, Status::Ok, |response| {
            let response = response.headers(&cache).header("X-Content-Type-Options", "nosniff");
            if moves {
                response.announce(self.terms, &page.mime, page.bytes.len());
            } else {
                response.body(self.terms, &page.mime, &page.bytes);
            }
        });
        if moves && !self.terms.head_only {
            conn.outbox.append_shared(Arc::clone(&page.bytes));
        }
        Answered::Yes
    }
}
