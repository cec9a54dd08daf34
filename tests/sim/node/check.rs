//! What has to be true of what clients are told.
//!
//! Knows: PROTOCOL.md's promises.
//! Must not know: how they are kept.

use super::client::{Client, Moment};
use super::reach;
use super::shadow::{self, Logged, Shadow, Shows};
use super::speaker::Speaker;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, VecDeque};
use tidegate::hub::{Class, Hub, Piece, Wanted, What};

/// The number in an id of this epoch.
pub(crate) fn number(id: &str, hub: &Hub) -> u64 {
    if let Some(at) = reach::sealed(id, hub) {
        return at;
    }
    let epoch = str::from_utf8(hub.epoch().as_bytes()).expect("letters");
    let digits = id.strip_prefix(epoch).and_then(|rest| rest.strip_prefix('-'));
    let digits = digits.unwrap_or_else(|| panic!("an id of this epoch: {id}"));
    assert_eq!(digits.len(), 11);
    u64::from_str_radix(digits, 32).expect("base 32")
}

/// The events after `position` and up to `last` that the logs still have.
pub(crate) fn alive(hub: &Hub, position: u64, last: u64) -> Vec<u64> {
    let mut pieces = VecDeque::new();
    let (next, upto) = (position + 1, last);
    let class = Class::Subscriber;
    let wanted = Wanted { rooms: None, class, whole: true, next, upto, seen: last, ordinal: None };
    hub.fetch(wanted, &mut pieces, usize::MAX);
    let chunks = pieces.iter().filter_map(|piece| match piece {
        Piece::Chunk(chunk) => Some(chunk.first().max(position + 1)..=chunk.last().min(last)),
        Piece::Gap { .. } => None,
    });
    chunks.flatten().collect()
}

/// Whether subscribers are shown what they should be.
pub(crate) fn is_shown(id: &str, shows: &Shows, data: &[u8]) {
    let value = || serde_json::from_slice::<Value>(data).expect("data is JSON");
    match shows {
        Shows::Line(line) => {
            let lossy = String::from_utf8_lossy(data);
            assert!(line == data, "{lossy} for {}", String::from_utf8_lossy(line));
        }
        Shows::Wrapped(text) => {
            let wrap = serde_json::json!({ "connectionId": id, "message": text });
            assert_eq!(value(), wrap);
        }
        Shows::Either(text) => {
            let line: Vec<u8> = shadow::on_one_line(text).into_bytes();
            if line.trim_ascii() == data.trim_ascii() {
                assert!(line.trim_ascii_start().starts_with(b"{"), "{text}");
            } else {
                is_shown(id, &Shows::Wrapped(text.clone()), data);
            }
        }
        Shows::ApiWrapped(text) => assert_eq!(value(), serde_json::json!({ "message": text })),
        Shows::ApiBase64(bytes) => {
            assert_eq!(value(), serde_json::json!({ "base64": STANDARD.encode(bytes) }));
        }
        Shows::Base64(bytes) => {
            let base64 =
                serde_json::json!({ "connectionId": id, "base64": STANDARD.encode(bytes) });
            assert_eq!(value(), base64);
        }
    }
}

/// Whether an event with all that is known about it says what is true.
pub(crate) fn is_full(id: &str, event: &Logged, data: &str) {
    let full: BTreeMap<String, Box<RawValue>> = serde_json::from_str(data).expect("an object");
    let is = |key: &str, value: Value| {
        let told: Value = serde_json::from_str(full[key].get()).expect("JSON");
        assert_eq!(told, value, "{key} of {data}");
    };
    let kind = match event.what {
        What::Text => "message",
        What::Binary => "binary",
        What::Close => "close",
        What::Join => "join",
        What::Leave => "leave",
    };
    assert_eq!(full.len(), 7, "{data}");
    is("id", id.into());
    is("room", event.room.as_str().into());
    let is_api = event.ticket.is_some();
    is("connectionId", if is_api { Value::Null } else { event.id.as_str().into() });
    is("session", if is_api { Value::Null } else { event.session.into() });
    is("type", kind.into());
    is("at", event.at_ms.into());
    // Spaces around a value belong to no value.
    let shows = match &event.shows {
        Shows::Line(line) => Shows::Line(line.trim_ascii().to_vec()),
        shows => shows.clone(),
    };
    is_shown(&event.id, &shows, full["data"].get().as_bytes());
}

/// Whether the server has a reason to close the client with `code`.
fn is_reason(client: &Client, speaker: &Speaker, code: u16, moment: &Moment<'_>) -> bool {
    let id = speaker.id.as_ref().filter(|_| speaker.is_named);
    match code {
        1012 => moment.is_draining,
        4401 => client.is_flipped,
        4409 => id.is_some_and(|id| moment.has_strangers || moment.claims[id] > 1),
        // Whether it may be told so is asked where it is.
        4408 => true,
        // A message that took too long.
        1008 if client.was_odd || speaker.roaming.is_some() => true,
        1008 if is_too_often_refused(client, speaker) => true,
        1009 if is_too_bold(client, speaker) => true,
        code => speaker.doom == Some(code),
    }
}

fn is_too_often_refused(client: &Client, speaker: &Speaker) -> bool {
    speaker.most_refusals >= client.bounds.least.refusals_max
}

/// Whether it has said something that was too long for a policy of its time.
fn is_too_bold(client: &Client, speaker: &Speaker) -> bool {
    speaker.boldest > client.bounds.least.message_bytes_max
}

/// Only who has lost something that was for the likes of it falls off.
fn fell_off(client: &Client, speaker: &Speaker, shadow: &Shadow, moment: &Moment<'_>) {
    let is_known = speaker.roaming.is_none();
    let position = speaker.position.or(client.begun_at).expect("it has come");
    // What it may have asked for is from before.
    let position = if is_known { position } else { 0 };
    let alive = alive(moment.hub, position, shadow.head());
    let mut theirs = shadow.after(position).filter(|(_, event)| speaker.is_of_audience(event));
    let is_lost = theirs.any(|(at, _)| alive.binary_search(&at).is_err());
    assert!(is_lost, "client {} fell off, but nothing is gone: {client:?}", client.number);
}

/// A client got a close frame.
pub(crate) fn close_frame(client: &Client, code: u16, shadow: &Shadow, moment: &Moment<'_>) {
    let number = client.number;
    let Some(speaker) = client.speaker() else { return };
    if code == 4408 {
        fell_off(client, speaker, shadow, moment);
    }
    if speaker.sent_close == Some(code) {
        assert!(speaker.answers.is_empty(), "client {number}: {:?} is due", speaker.answers);
        let published =
            speaker.published.max(usize::from(speaker.by_url && speaker.said.len() == 1));
        let refused = speaker.roaming.as_ref().map_or(0, |roaming| roaming.refused);
        if speaker.publishes() {
            assert_eq!(
                published + refused,
                speaker.said.len(),
                "client {number}: all that it said"
            );
        }
        return;
    }
    assert!(is_reason(client, speaker, code, moment), "client {number} closed {code}: {speaker:?}");
    if code == 1008 && !client.was_odd {
        assert!(is_too_often_refused(client, speaker), "client {number}: {speaker:?}");
    }
    let is_sure = code != 1008 && (code != 1009 || !is_too_bold(client, speaker));
    if speaker.doom == Some(code) && is_sure {
        assert!(speaker.answers.is_empty(), "client {number}: {:?} is due", speaker.answers);
    }
}

/// A registered client's close event was committed.
pub(crate) fn close_event(client: &Client, code: u16, by: &str, moment: &Moment<'_>) {
    let number = client.number;
    let speaker = client.speaker().expect("a speaker was registered");
    let is_plausible = match by {
        "client" => speaker.sent_close == Some(code),
        "network" => code == 1006 && client.is_gone(),
        "timeout" => matches!(code, 1006 | 4408) && client.could_time_out(moment),
        "server" => is_reason(client, speaker, code, moment),
        _ => false,
    };
    assert!(is_plausible, "client {number} closed by {by} with {code}: {client:?}");
}
