//! The envelope scan: against a recursive descent that gives the same fault at the same byte, and
//! against serde_json.
//!
//! Knows: all of the input is a text message.
//! Must not know: how the scan gets along without recursion.
//!
//! Where serde_json and the scan may differ by right:
//!
//! - depth: a `RawValue` is skipped without a limit; the scan has one ([`Fault::TooDeep`]).
//! - numbers: `1e999` is JSON (RFC 8259 §6). serde_json refuses it as an `f64`, but not in a
//!   `RawValue`, so here the two agree.
//! - half surrogate pairs: `"\ud800"` is JSON (§8.2). serde_json refuses it in a `String`, so keys
//!   are read as bytes here; in an id it is refused by both, by `unescape` rather than by the scan.
//! - keys: one that appears twice is fine for both, but for `connectionId` (a fault of its own);
//!   `close` is refused by the scan alone.
//! - control characters in keys: read as bytes they are not checked, so the whole text is read as a
//!   `RawValue` before.
//! - bytes that are not UTF-8: WebSocket text never has any, and the scan does not look.

use super::naive::json::object;
use super::naive::members::Members;
use serde_json::value::RawValue;
use tidegate::json::{Envelope, Fault, escape_into, scan, unescape};

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    let verdict = scan(data);
    let Ok(text) = str::from_utf8(data) else {
        return no_verdict(verdict, data);
    };
    let expected = object(text);
    let place = |envelope: Envelope| envelope.connection_id.map(|place| (place.start, place.end));
    assert_eq!(verdict.map(place), expected, "the verdict, or where the id stands");
    if let Ok(envelope) = verdict {
        // Inside strings neither can stand bare.
        assert_eq!(envelope.line_breaks, text.contains(['\r', '\n']));
    }
    agrees_with_serde(text, verdict);
    comes_back(text);
}

/// Nothing is promised but an answer whose place lies in the text.
fn no_verdict(verdict: Result<Envelope, Fault>, data: &[u8]) {
    if let Ok(Envelope { connection_id: Some(place), .. }) = verdict {
        let inside = place.of(data);
        let _ = unescape(inside);
    }
    let _ = unescape(data);
}

fn agrees_with_serde(text: &str, verdict: Result<Envelope, Fault>) {
    let members = serde_json::from_str::<&RawValue>(text);
    let members = members.and_then(|_| serde_json::from_str::<Members<'_>>(text));
    let envelope = match (verdict, &members) {
        (Err(Fault::NotJson { .. }), read) => return assert!(read.is_err(), "it is an object"),
        (Err(Fault::NotAnObject), read) => return assert!(read.is_err(), "it is an object"),
        // Whatever comes behind such a fault was not looked at.
        (Err(_), _) => return,
        (Ok(_), Err(error)) => panic!("{error}"),
        (Ok(envelope), Ok(_)) => envelope,
    };
    let members = members.expect("both read it").0;
    assert!(members.iter().all(|(key, _)| key != b"close"));
    let ids: Vec<&str> =
        members.iter().filter(|(key, _)| key == b"connectionId").map(|(_, value)| *value).collect();
    assert_eq!(ids.len(), usize::from(envelope.connection_id.is_some()));
    let Some((place, id)) = envelope.connection_id.zip(ids.first()) else { return };
    assert_eq!(format!("\"{}\"", &text[place.start..place.end]), *id);
    assert_eq!(place.escaped, id.contains('\\'));
    let read = serde_json::from_str::<String>(id).ok();
    let name = read.filter(|name| !name.contains(char::is_control));
    assert_eq!(unescape(place.of(text.as_bytes())).ok().as_deref(), name.as_deref());
}

/// Any text as the inside of a string, and back.
fn comes_back(text: &str) {
    let mut written = b"\"".to_vec();
    escape_into(&mut written, text);
    assert!(written.iter().all(|byte| *byte >= b' '), "it stays one line");
    let name = unescape(&written[1..]).ok();
    assert_eq!(name.as_deref(), (!text.contains(char::is_control)).then_some(text));
    written.push(b'"');
    assert_eq!(serde_json::from_slice::<String>(&written).expect("a string"), text);
}
