//! What is published, through the hub's door into every format, and back by whoever reads it.
//!
//! Knows: pieces of the input end with 0xff. The first says for whom all is published and by whom;
//! each of the others is something published: `t` a text, `b` bytes, `c` a close, `j` or `l` somebody
//! who comes or goes, `n` a new sender.
//! Must not know: how chunks are laid out.

use super::naive::{inflate, json::object};
use super::whatwg::{Dispatched, Source, read};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tidegate::bytes::Now;
use tidegate::hub::{Audience, Batch, Chunk, CloseEvent, ConnectionId, EndedBy, Format, Hub};
use tidegate::hub::{Sender, Turn, What};
use tidegate::limits::Limits;
use tidegate::sse::{Epoch, HEARTBEAT, gap_event, position_block, retry_line};
use tidegate::ws::close::CloseCode;
use tidegate::ws::deflate::Deflater;

const ROOM: &str = "kitchen \"\u{1fad0}\\";
const NOW: Now = Now { monotonic: Duration::from_secs(3), unix_ms: 1_700_000_000_000 };

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    let mut pieces = data.split(|byte| *byte == 0xff);
    let Some([knobs, name @ ..]) = pieces.next() else { return };
    let audience = if knobs & 1 == 0 { Audience::SUBSCRIBERS } else { Audience::BROADCAST };
    let hub = Hub::new(1, &Limits::default(), [u64::from(*knobs), 1, 2], 0);
    let room = hub.enter(ROOM).expect("the first room");
    let room = (room.key, room.name);
    let mut batch = Batch::new(room, audience, *hub.epoch(), hub.held_bytes(), 100);
    let mut sender = sender(&hub, name, 1);
    let mut said = Vec::new();
    for piece in pieces {
        if let [b'n', name @ ..] = piece {
            sender = self::sender(&hub, name, sender.session + 1);
        } else if let Some(event) = publish(&mut batch, &sender, audience, piece) {
            said.push(event);
        }
    }
    if batch.is_empty() {
        return;
    }
    let mut turn = Turn::new(0);
    (turn.now, turn.everything) = (NOW, true);
    turn.chunks.push(batch.seal());
    hub.exchange(&mut turn);
    let chunk = &turn.inbox[0];
    assert_eq!(chunk.index().len(), said.len());
    let stream = is_read_as_it_was_said(chunk, &said, hub.epoch());
    what_is_between_events(&stream, chunk, u64::from(*knobs), hub.epoch());
    objects_say_it_all(chunk, &said, hub.epoch());
    if audience == Audience::BROADCAST {
        members_get_frames(chunk, &said);
    }
}

fn sender(hub: &Hub, name: &[u8], session: u64) -> Sender {
    let id = match str::from_utf8(name) {
        Ok(name) if tidegate::routes::is_connection_id(name, &Limits::default()) => {
            ConnectionId::Name(name.into())
        }
        _ => ConnectionId::from_random(name.iter().map(|byte| u128::from(*byte)).sum()),
    };
    Sender { who: hub.who_keys().who(&id.to_string()), id, session }
}

/// Something that was published.
struct Said {
    kind: &'static str,
    sender: Sender,
    /// As it came in.
    payload: Vec<u8>,
    data: Data,
}

/// The data of its event: byte for byte, or any JSON that means this.
enum Data {
    Exactly(String),
    Meaning(Value),
}

impl Data {
    fn is(&self, found: &str) {
        match self {
            Data::Exactly(text) => assert_eq!(found, text),
            Data::Meaning(value) => {
                assert_eq!(&serde_json::from_str::<Value>(found).expect(found), value);
            }
        }
    }
}

fn publish(batch: &mut Batch, sender: &Sender, to: Audience, piece: &[u8]) -> Option<Said> {
    let (kind, payload) = piece.split_first()?;
    let id = sender.id.to_string();
    let (kind, data) = match kind {
        b'b' => {
            batch.push_binary(sender, payload);
            let value = json!({"connectionId": id, "base64": STANDARD.encode(payload)});
            ("binary", Data::Meaning(value))
        }
        b'c' if to == Audience::SUBSCRIBERS => ("close", push_close(batch, sender, payload)?),
        b'j' | b'l' if to != Audience::SUBSCRIBERS => return Some(come(batch, sender, *kind)),
        _ => {
            let text = str::from_utf8(payload).ok()?;
            let object = object(text);
            // What is relayed is an object; members may say anything to each other.
            if to == Audience::SUBSCRIBERS && object.is_err() {
                return None;
            }
            if to == Audience::SUBSCRIBERS && !text.contains(['\r', '\n']) {
                batch.push_line(sender, payload);
            } else {
                batch.push_text(sender, payload);
            }
            let speaks_for_itself = match object {
                Ok(Some((from, to))) => {
                    let named = serde_json::from_str::<String>(&text[from - 1..to + 1]);
                    named.is_ok_and(|named| named == id)
                }
                Ok(None) => true,
                Err(_) => false,
            };
            let data = if to == Audience::SUBSCRIBERS || speaks_for_itself {
                Data::Exactly(text.replace(['\r', '\n'], " "))
            } else {
                Data::Meaning(json!({"connectionId": id, "message": text}))
            };
            ("message", data)
        }
    };
    Some(Said { kind, sender: sender.clone(), payload: payload.to_vec(), data })
}

/// Somebody comes, or goes.
fn come(batch: &mut Batch, sender: &Sender, kind: u8) -> Said {
    let (what, kind) = if kind == b'j' { (What::Join, "join") } else { (What::Leave, "leave") };
    batch.push_presence(sender, what);
    let (id, session) = (json!(sender.id.to_string()), sender.session);
    let text = format!("{{\"{kind}\":{{\"connectionId\":{id},\"session\":{session}}}}}");
    let (payload, data) = (text.clone().into_bytes(), Data::Exactly(text));
    Said { kind, sender: sender.clone(), payload, data }
}

fn push_close(batch: &mut Batch, sender: &Sender, payload: &[u8]) -> Option<Data> {
    let (code, reason) = payload.split_first_chunk()?;
    let (code, reason) = (u16::from_be_bytes(*code), str::from_utf8(reason).ok()?);
    let (by, word) = [
        (EndedBy::Client, "client"),
        (EndedBy::Server, "server"),
        (EndedBy::Network, "network"),
        (EndedBy::Timeout, "timeout"),
    ][usize::from(code % 4)];
    let close = CloseEvent { code: CloseCode(code), reason: reason.to_owned(), by };
    batch.push_close(sender, &close);
    let (id, session) = (sender.id.to_string(), sender.session);
    Some(Data::Meaning(json!({"close": {
        "connectionId": id, "code": code, "reason": reason, "by": word, "session": session
    }})))
}

fn id(chunk: &Chunk, place: usize, epoch: &Epoch) -> String {
    let id = epoch.id(chunk.first() + place as u64);
    String::from_utf8(id.to_vec()).expect("ASCII")
}

/// The stream as an `EventSource` reads it: each event, with its name and id, and nothing else,
/// wherever the stream breaks off.
fn is_read_as_it_was_said(chunk: &Chunk, said: &[Said], epoch: &Epoch) -> Vec<u8> {
    let stream = chunk.encoded(Format::Events, &mut Deflater::new(0)).0.to_vec();
    let source = read(&stream);
    assert_eq!(source.events.len(), said.len());
    for (place, (event, said)) in source.events.iter().zip(said).enumerate() {
        let is_named = matches!(said.kind, "binary" | "join" | "leave");
        assert_eq!(event.kind, if is_named { said.kind } else { "message" });
        assert_eq!(event.last_event_id, id(chunk, place, epoch));
        said.data.is(&event.data);
        let span = chunk.span(Format::Events, place);
        assert_eq!(read(&stream[span]).events, std::slice::from_ref(event));
    }
    for cut in (0..stream.len()).step_by(stream.len() / 8 + 1) {
        let broken = read(&stream[..cut]);
        assert!(source.events.starts_with(&broken.events), "broken off at {cut}");
        let last = broken.events.last().map(|event| event.last_event_id.as_str());
        assert_eq!(broken.last_event_id, last.unwrap_or_default());
    }
    stream
}

/// Positions, heartbeats and gaps around the events change none of them.
fn what_is_between_events(stream: &[u8], chunk: &Chunk, number: u64, epoch: &Epoch) {
    let mut all = Vec::new();
    retry_line(&mut all, Duration::from_millis(number * 100));
    position_block(&mut all, &epoch.id(number));
    assert_eq!(
        read(&all),
        Source {
            events: Vec::new(),
            last_event_id: String::from_utf8_lossy(&epoch.id(number)).into_owned(),
            retry: Some((number * 100).to_string()),
        }
    );
    let first = chunk.span(Format::Events, 0).end;
    all.extend_from_slice(HEARTBEAT);
    all.extend_from_slice(&stream[..first]);
    all.extend_from_slice(HEARTBEAT);
    all.extend_from_slice(&stream[first..]);
    let missed = number.is_multiple_of(2).then_some(number);
    gap_event(&mut all, &epoch.id(chunk.last() + number), missed);
    let mut events = read(&all).events;
    let gap = events.pop().expect("the gap");
    assert_eq!(events, read(stream).events);
    let last_event_id = String::from_utf8_lossy(&epoch.id(chunk.last() + number)).into_owned();
    let data = json!({ "missed": missed }).to_string();
    assert_eq!(gap, Dispatched { kind: "gap".to_owned(), data, last_event_id });
}

/// `format=full` and lines of JSON: the same objects, each with all that is known of the event.
fn objects_say_it_all(chunk: &Chunk, said: &[Said], epoch: &Epoch) {
    let events = read(chunk.encoded(Format::FullEvents, &mut Deflater::new(0)).0).events;
    let lines = chunk.encoded(Format::Lines, &mut Deflater::new(0)).0;
    let lines = str::from_utf8(lines).expect("UTF-8");
    assert!(lines.ends_with('\n') && !lines.contains('\r'));
    assert_eq!(lines.matches('\n').count(), said.len());
    assert_eq!(events.len(), said.len());
    for (place, ((event, line), said)) in events.iter().zip(lines.lines()).zip(said).enumerate() {
        assert_eq!(event.kind, "message");
        assert_eq!(event.last_event_id, id(chunk, place, epoch));
        assert_eq!(event.data, line);
        let members: BTreeMap<String, &RawValue> = serde_json::from_str(line).expect(line);
        let value = |key: &str| serde_json::from_str::<Value>(members[key].get()).expect(key);
        assert_eq!(members.len(), 7);
        assert_eq!(value("id"), id(chunk, place, epoch));
        assert_eq!(value("room"), ROOM);
        assert_eq!(value("connectionId"), said.sender.id.to_string());
        assert_eq!(value("session"), said.sender.session);
        assert_eq!(value("type"), said.kind);
        assert_eq!(value("at"), NOW.unix_ms);
        match &said.data {
            Data::Exactly(text) => {
                assert_eq!(members["data"].get(), text.trim_matches([' ', '\t']))
            }
            data @ Data::Meaning(_) => data.is(members["data"].get()),
        }
    }
}

/// Frames as they are, and compressed where that makes them smaller.
fn members_get_frames(chunk: &Arc<Chunk>, said: &[Said]) {
    for format in [Format::Frames, Format::DeflatedFrames] {
        let mut rest = chunk.encoded(format, &mut Deflater::new(16)).0;
        for said in said {
            let (first, payload, behind) = frame(rest);
            assert_eq!(first & 0xbf, if said.kind == "binary" { 0x82 } else { 0x81 });
            if first & 0x40 == 0 {
                assert_eq!(payload, said.payload);
            } else {
                assert_eq!(format, Format::DeflatedFrames);
                let read = inflate::message(payload);
                assert!(!read.is_bad && read.bytes == said.payload);
                assert!(payload.len() < said.payload.len());
            }
            rest = behind;
        }
        assert!(rest.is_empty());
    }
}

/// The first byte and the payload of the frame at the front, and what is behind it: RFC 6455 §5.2,
/// without a mask, as a server sends frames.
fn frame(bytes: &[u8]) -> (u8, &[u8], &[u8]) {
    let (digits, header) = match bytes[1] {
        126 => (&bytes[2..4], 4),
        127 => (&bytes[2..10], 10),
        _ => (&bytes[1..2], 2),
    };
    let length = digits.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    (bytes[0], &bytes[header..header + length], &bytes[header + length..])
}
