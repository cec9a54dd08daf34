//! A chunk in a format other than its first: made once, on first need, outside the lock.
//!
//! Knows: what each format shows of an event.
//! Must not know: who reads it, logs.

use super::audience::{FORMATS, Format};
use super::batch::{Sender, push_base64, push_one_line, push_string, push_wrapped};
use super::chunk::{Chunk, Encoding, Entry};
use super::name::ConnectionId;
use super::what::What;
use crate::json;
use crate::sse::{self, ID_BYTES};
use crate::ws::deflate::{Deflater, WINDOW_BITS};
use crate::ws::frame::{self, Opcode};
use std::sync::OnceLock;

/// The formats with sealed ids: they stand next to each other.
const SEALED: usize = 3;
const FIRST_SEALED: usize = Format::SealedEvents as usize;

/// What a chunk has been made into, beside its first format.
#[derive(Debug, Default)]
pub(super) struct Others {
    opened: [OnceLock<Encoding>; FORMATS - SEALED],
    /// Only where somebody reads who may not read everything: others do not pay for it.
    sealed: OnceLock<Box<[OnceLock<Encoding>; SEALED]>>,
}

const _: () = assert!(size_of::<Others>() <= 300, "every chunk has it");

impl Others {
    /// Nothing but `format`.
    pub(super) fn only(format: Format, encoding: Encoding) -> Others {
        let others = Others::default();
        others.place(format).get_or_init(|| encoding);
        others
    }

    /// What `format` was made into, if it was.
    pub(super) fn get(&self, format: Format) -> Option<&Encoding> {
        if format.is_sealed() {
            return self.sealed.get()?[format as usize - FIRST_SEALED].get();
        }
        self.opened[place_opened(format)].get()
    }

    /// Where that is, or is to be.
    pub(super) fn place(&self, format: Format) -> &OnceLock<Encoding> {
        if format.is_sealed() {
            let sealed = self.sealed.get_or_init(Box::default);
            return &sealed[format as usize - FIRST_SEALED];
        }
        &self.opened[place_opened(format)]
    }
}

fn place_opened(format: Format) -> usize {
    let number = format as usize;
    if number < FIRST_SEALED { number } else { number - SEALED }
}

/// All events of `chunk` in `format`.
pub(super) fn encode(chunk: &Chunk, format: Format, deflater: &mut Deflater) -> Encoding {
    if format == Format::DeflatedFrames {
        return deflate(chunk, deflater);
    }
    let mut encoding = Encoding::default();
    let around = if format.opened() == Format::Events { 64 } else { 256 };
    encoding.bytes.reserve(chunk.bytes.len() + chunk.index.len() * around);
    encoding.ends.reserve_exact(chunk.index.len());
    for (place, entry) in chunk.index.iter().enumerate() {
        push(&mut encoding.bytes, chunk, format, (place, entry));
        encoding.ends.push(encoding.bytes.len() as u32);
    }
    encoding.bytes.shrink_to_fit();
    encoding
}

/// Frames, each compressed by itself: members share the bytes whatever they received before.
fn deflate(chunk: &Chunk, deflater: &mut Deflater) -> Encoding {
    debug_assert_eq!(chunk.made, Format::Frames, "members are the audience of frames only");
    let mut encoding = Encoding::default();
    encoding.ends.reserve_exact(chunk.index.len());
    let out = &mut encoding.bytes;
    for entry in &chunk.index {
        let opcode = if entry.what() == What::Binary { Opcode::Binary } else { Opcode::Text };
        let payload = &chunk.bytes[entry.payload()];
        match deflater.deflate(payload, WINDOW_BITS) {
            Some(deflated) => frame::push_deflated(out, opcode, deflated),
            None => {
                frame::push_header(out, opcode, payload.len());
                out.extend_from_slice(payload);
            }
        }
        encoding.ends.push(out.len() as u32);
    }
    encoding.bytes.shrink_to_fit();
    encoding
}

fn push(out: &mut Vec<u8>, chunk: &Chunk, format: Format, (place, entry): (usize, &Entry)) {
    let sequence = chunk.first + place as u64;
    let Some(sender) = chunk.sender(place) else { return };
    let epoch = &chunk.epoch;
    let id = if format.is_sealed() { epoch.sealed_id(sequence) } else { epoch.id(sequence) };
    match format.opened() {
        Format::Events => push_event(out, chunk, entry, sender, id),
        Format::FullEvents => {
            let line = |out: &mut Vec<u8>| push_line(out, chunk, entry, sender, id);
            sse::event(out, sse::Kind::Message, id, line);
        }
        Format::Lines => {
            push_line(out, chunk, entry, sender, id);
            out.push(b'\n');
        }
        // Members are the audience only of what was made as frames.
        _ => debug_assert!(false, "frames are made first or never, and from them the deflated"),
    }
}

fn push_event(
    out: &mut Vec<u8>,
    chunk: &Chunk,
    entry: &Entry,
    sender: &Sender,
    id: [u8; ID_BYTES],
) {
    let kind = match entry.what() {
        What::Text | What::Close => sse::Kind::Message,
        What::Binary => sse::Kind::Binary,
        What::Join => sse::Kind::Join,
        What::Leave => sse::Kind::Leave,
    };
    sse::event(out, kind, id, |out| push_json(out, chunk, entry, sender));
}

/// `{"id","room","connectionId","session","type","at","data"}`.
fn push_line(out: &mut Vec<u8>, chunk: &Chunk, entry: &Entry, sender: &Sender, id: [u8; ID_BYTES]) {
    let what = match entry.what() {
        What::Text => "message",
        What::Binary => "binary",
        What::Close => "close",
        What::Join => "join",
        What::Leave => "leave",
    };
    out.extend_from_slice(b"{\"id\":\"");
    out.extend_from_slice(&id);
    out.extend_from_slice(b"\",\"room\":");
    push_string(out, &chunk.room_name);
    out.extend_from_slice(b",\"connectionId\":");
    let session = match &sender.id {
        ConnectionId::Nobody => {
            out.extend_from_slice(b"null");
            "null".to_owned()
        }
        ConnectionId::Uuid(_) | ConnectionId::Name(_) => {
            push_string(out, &sender.id.to_string());
            sender.session.to_string()
        }
    };
    let at = chunk.at.unix_ms;
    let middle = format!(",\"session\":{session},\"type\":\"{what}\",\"at\":{at},\"data\":");
    out.extend_from_slice(middle.as_bytes());
    push_json(out, chunk, entry, sender);
    out.push(b'}');
}

/// The payload as subscribers see it: a JSON object on one line.
fn push_json(out: &mut Vec<u8>, chunk: &Chunk, entry: &Entry, sender: &Sender) {
    let payload = &chunk.bytes[entry.payload()];
    match (chunk.made, entry.what()) {
        (Format::Events, _) | (_, What::Join | What::Leave) => out.extend_from_slice(payload),
        (_, What::Binary) => push_base64(out, &sender.id, payload),
        (_, _) if is_own_object(payload, &sender.id) => push_one_line(out, payload),
        // Text was checked to be UTF-8 when it came in.
        (_, _) => push_wrapped(out, &sender.id, &String::from_utf8_lossy(payload)),
    }
}

/// Whether `text` is a JSON object that subscribers may take for what it says: one that does not
/// speak in another connection's name, nor of a close as only we may. The API may speak in any
/// name: whoever calls it is not a client.
pub fn is_own_object(text: &[u8], id: &ConnectionId) -> bool {
    let Ok(envelope) = json::scan(text) else { return false };
    match envelope.connection_id {
        None => true,
        Some(_) if *id == ConnectionId::Nobody => true,
        Some(place) => json::unescape(place.of(text)).is_ok_and(|name| name == id.to_string()),
    }
}
