//! What the server says by itself: greetings and canned replies.
//!
//! Knows: texts, JSON, how long a message may be.
//! Must not know: when any of it is said.

use super::entries::{Entries, Entry};
use super::fault::Fault;
use super::what::What;
use crate::config::mistakes::Mistakes;
use crate::config::units::Unit;
use crate::limits::Limits;
use crate::routes::{Keyword, Replies};

/// A text by itself, or in a table that says what it is.
pub(super) fn greeting(
    entry: Entry<'_>,
    limits: &Limits,
    mistakes: &mut Mistakes,
) -> Option<String> {
    if entry.is_table() {
        return said(&entry.table(What::Greeting, mistakes)?, limits, mistakes);
    }
    let text = entry.text(mistakes)?;
    fits(entry, text, limits, mistakes).then(|| text.to_owned())
}

/// The table of replies and what stands beside it.
pub(super) fn replies(
    ignore_case: Option<Entry<'_>>,
    table: Option<Entry<'_>>,
    otherwise: Option<Entry<'_>>,
    limits: &Limits,
    mistakes: &mut Mistakes,
) -> Replies {
    let ignore_case = ignore_case.and_then(|entry| entry.switch(mistakes)).unwrap_or_default();
    let mut replies = Replies { table: Vec::new(), otherwise: None, ignore_case };
    for entries in table.map(|entry| entry.tables(What::Reply, mistakes)).unwrap_or_default() {
        let contains = entries.need("contains", mistakes);
        let wanted = contains.and_then(|entry| {
            let text = entry.text(mistakes)?;
            if text.is_empty() {
                entry.complain(mistakes, Fault::MatchesAll);
            }
            Some(Keyword::from(text))
        });
        let answer = said(&entries, limits, mistakes);
        replies.table.extend(wanted.zip(answer));
    }
    let otherwise = otherwise.and_then(|entry| entry.table(What::Otherwise, mistakes));
    replies.otherwise = otherwise.and_then(|entries| said(&entries, limits, mistakes));
    replies
}

/// What the server says: `text` or `json`.
fn said(entries: &Entries<'_>, limits: &Limits, mistakes: &mut Mistakes) -> Option<String> {
    let (text, json) = (entries.find("text"), entries.find("json"));
    let entry = match (text, json) {
        (Some(entry), None) | (None, Some(entry)) => entry,
        (Some(_), Some(json)) => {
            json.complain(mistakes, Fault::BothSaid);
            return None;
        }
        (None, None) => {
            entries.complain(mistakes, Fault::NothingSaid);
            return None;
        }
    };
    let said = match json {
        Some(entry) => entry.text_like("JSON in quotes, like '{\"ok\":true}'", mistakes)?,
        None => entry.text(mistakes)?,
    };
    if json.is_some()
        && let Err(error) = serde_json::from_str::<serde_json::Value>(said)
    {
        entry.complain(mistakes, Fault::NotJson(error.to_string()));
        return None;
    }
    fits(entry, said, limits, mistakes).then(|| said.to_owned())
}

/// Whether it is no longer than what a client may say.
fn fits(entry: Entry<'_>, said: &str, limits: &Limits, mistakes: &mut Mistakes) -> bool {
    let most = limits.message_bytes_max;
    // A limit that could not be read is not the one that was meant.
    let is_known = !mistakes.concern("max-message") && !mistakes.concern("route.max-message");
    if said.len() > most && is_known {
        entry.complain(mistakes, Fault::LongMessage(Unit::Bytes.write(most as u64)));
    }
    said.len() <= most
}
