//! A batch: what a core publishes to one room this turn, while it is being written.
//!
//! Knows: how a published message is first encoded.
//! Must not know: numbers (they come with the commit), logs, who reads.

use super::audience::{Audience, Format};
use super::chunk::{Api, Chunk, Entry};
use super::encoding::Others;
use super::name::{ConnectionId, RoomKey, Who};
use super::what::What;
use crate::bytes::Now;
use crate::json;
use crate::limits::CHUNK_BYTES_MAX;
use crate::sse::{self, Epoch};
use crate::ws::close::CloseCode;
use crate::ws::frame::{self, Opcode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

/// Who publishes: one registration of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The name.
    pub id: ConnectionId,
    /// Its hash.
    pub who: Who,
    /// Which registration of that name.
    pub session: u64,
}

impl Sender {
    /// Whoever publishes by the API has no name.
    pub const API: Sender = Sender { id: ConnectionId::Nobody, who: Who::NOBODY, session: 0 };
}

/// Which side ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// The client's close frame came first.
    Client,
    /// We closed it.
    Server,
    /// The connection was lost.
    Network,
    /// It was silent, or took nothing, for too long.
    Timeout,
}

impl EndedBy {
    /// As events call it.
    pub fn name(self) -> &'static str {
        match self {
            EndedBy::Client => "client",
            EndedBy::Server => "server",
            EndedBy::Network => "network",
            EndedBy::Timeout => "timeout",
        }
    }
}

/// How a registered connection ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseEvent {
    /// The close code, 1006 if there was no close frame.
    pub code: CloseCode,
    /// The reason that was given with it.
    pub reason: String,
    /// Which side ended it.
    pub by: EndedBy,
}

/// Events of one room that are not committed yet.
#[derive(Debug)]
pub struct Batch {
    chunk: Chunk,
    /// What every message event of this epoch begins with.
    head: [u8; sse::MESSAGE_HEAD_BYTES],
}

/// Where a batch ended at some moment, to be cut back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    bytes: usize,
    entries: usize,
    senders: usize,
}

impl Batch {
    /// An empty batch of `room`. Room for `expected` bytes is made at once.
    pub fn new(
        room: (RoomKey, Arc<str>),
        audience: Audience,
        epoch: Epoch,
        held: &Arc<AtomicUsize>,
        expected: usize,
    ) -> Batch {
        let made = if audience.has_frames() { Format::Frames } else { Format::Events };
        let (room, room_name) = room;
        let mut chunk = Chunk {
            first: 0,
            ordinal: 0,
            at: Now { monotonic: Duration::ZERO, unix_ms: 0 },
            room,
            room_name,
            audience,
            epoch,
            index: Vec::new(),
            senders: Vec::new(),
            made,
            bytes: Vec::with_capacity(expected.min(CHUNK_BYTES_MAX)),
            others: Others::default(),
            api: None,
            charged: AtomicUsize::new(0),
            held: Arc::clone(held),
        };
        chunk.index.reserve(expected.min(CHUNK_BYTES_MAX) / 160 + 1);
        Batch { chunk, head: sse::message_head(&epoch) }
    }

    /// Whether nothing was published.
    pub fn is_empty(&self) -> bool {
        self.chunk.index.is_empty()
    }

    /// Whom it is for.
    pub fn audience(&self) -> Audience {
        self.chunk.audience
    }

    /// Whether an event with a payload of `bytes` has to go into another batch.
    pub fn is_full_for(&self, bytes: usize) -> bool {
        const AROUND: usize = 64;
        !self.is_empty() && self.chunk.bytes.len() + bytes + AROUND > CHUNK_BYTES_MAX
    }

    /// Publishes a text message. For subscribers only, `payload` must be one JSON object: CR and
    /// LF, legal only between its tokens, become spaces, and it is one line of the same length.
    pub fn push_text(&mut self, sender: &Sender, payload: &[u8]) {
        let place = self.push_payload(sse::Kind::Message, payload);
        if self.chunk.made == Format::Events {
            blank_line_breaks(&mut self.chunk.bytes[place..place + payload.len()]);
        }
        self.push_entry(sender, place, payload.len(), What::Text);
    }

    /// Publishes a text message that is known to have neither CR nor LF.
    pub fn push_line(&mut self, sender: &Sender, payload: &[u8]) {
        debug_assert!(memchr::memchr2(b'\r', b'\n', payload).is_none(), "one line");
        let place = self.push_payload(sse::Kind::Message, payload);
        self.push_entry(sender, place, payload.len(), What::Text);
    }

    /// Publishes a binary message.
    pub fn push_binary(&mut self, sender: &Sender, payload: &[u8]) {
        if self.chunk.made == Format::Frames {
            let place = self.push_payload(sse::Kind::Binary, payload);
            return self.push_entry(sender, place, payload.len(), What::Binary);
        }
        let epoch = self.chunk.epoch;
        let mut end = 0;
        let place = sse::binary_event(&mut self.chunk.bytes, &epoch, 0, |out| {
            push_base64(out, &sender.id, payload);
            end = out.len();
        });
        self.push_entry(sender, place, end - place, What::Binary);
    }

    /// Publishes that `sender` has ended.
    pub fn push_close(&mut self, sender: &Sender, close: &CloseEvent) {
        debug_assert_eq!(self.chunk.made, Format::Events, "closes are for subscribers");
        let epoch = self.chunk.epoch;
        let mut end = 0;
        let place = sse::message_event(&mut self.chunk.bytes, &epoch, 0, |out| {
            push_close_object(out, sender, close);
            end = out.len();
        });
        self.push_entry(sender, place, end - place, What::Close);
    }

    /// Publishes that `sender` became a member of the room, or is none any more.
    pub fn push_presence(&mut self, sender: &Sender, what: What) {
        debug_assert_eq!(self.chunk.made, Format::Frames, "presence is for members");
        let key = if what == What::Join { "join" } else { "leave" };
        let mut object = format!("{{\"{key}\":").into_bytes();
        push_id_key(&mut object, &sender.id);
        object.extend_from_slice(format!(",\"session\":{}}}}}", sender.session).as_bytes());
        let place = self.push_payload(sse::Kind::Message, &object);
        self.push_entry(sender, place, object.len(), what);
    }

    fn push_payload(&mut self, kind: sse::Kind, payload: &[u8]) -> usize {
        let bytes = &mut self.chunk.bytes;
        if self.chunk.made == Format::Events {
            debug_assert_eq!(kind, sse::Kind::Message);
            // What `sse::message_event` writes, but for line breaks that the caller will blank.
            bytes.extend_from_slice(&self.head);
            let place = bytes.len();
            bytes.extend_from_slice(payload);
            bytes.extend_from_slice(b"\n\n");
            return place;
        }
        let opcode = if kind == sse::Kind::Binary { Opcode::Binary } else { Opcode::Text };
        frame::push_header(bytes, opcode, payload.len());
        let place = bytes.len();
        bytes.extend_from_slice(payload);
        place
    }

    fn push_entry(&mut self, sender: &Sender, place: usize, length: usize, what: What) {
        let entry = Entry::new(place, length, what, sender.who);
        // A run of one sender's is of messages or of none: its messages alone may be left out.
        let is_message = |entry: &Entry| entry.what().is_message() == what.is_message();
        let is_same = |(_, last): &(u32, Sender)| last.session == sender.session;
        let chunk = &self.chunk;
        let goes_on =
            chunk.senders.last().is_some_and(is_same) && chunk.index.last().is_some_and(is_message);
        if !goes_on {
            self.chunk.senders.push((self.chunk.index.len() as u32, sender.clone()));
        }
        self.chunk.index.push(entry);
    }

    /// Says what the API says of its one event.
    pub fn set_api(&mut self, api: Api) {
        self.chunk.api = Some(Box::new(api));
    }

    /// Where the batch ends now.
    pub fn mark(&self) -> Mark {
        let chunk = &self.chunk;
        Mark { bytes: chunk.bytes.len(), entries: chunk.index.len(), senders: chunk.senders.len() }
    }

    /// Takes back everything that was published after `mark`.
    pub fn cut_back(&mut self, mark: Mark) {
        self.chunk.bytes.truncate(mark.bytes);
        self.chunk.index.truncate(mark.entries);
        self.chunk.senders.truncate(mark.senders);
    }

    /// A batch of a chunk that was sealed, but not submitted.
    pub fn reopen(mut chunk: Chunk) -> Batch {
        chunk.uncharge();
        let head = sse::message_head(&chunk.epoch);
        Batch { chunk, head }
    }

    /// Bytes of the events so far.
    pub fn bytes(&self) -> usize {
        self.chunk.bytes.len()
    }

    /// The chunk, ready to be submitted.
    pub fn seal(mut self) -> Arc<Chunk> {
        let chunk = &mut self.chunk;
        let slack = chunk.bytes.capacity() - chunk.bytes.len();
        if slack > chunk.bytes.len() / 4 + 256 {
            chunk.bytes.shrink_to_fit();
        }
        chunk.charge(chunk.cost());
        Arc::new(self.chunk)
    }
}

/// Turns CR and LF into spaces: same length, same JSON.
fn blank_line_breaks(json: &mut [u8]) {
    let mut from = 0;
    while let Some(at) = memchr::memchr2(b'\r', b'\n', &json[from..]) {
        json[from + at] = b' ';
        from += at + 1;
    }
}

/// `{"connectionId":…,"base64":…}`; from nobody without the first.
pub(super) fn push_base64(out: &mut Vec<u8>, id: &ConnectionId, payload: &[u8]) {
    push_id_before(out, id);
    out.extend_from_slice(b"\"base64\":\"");
    let start = out.len();
    out.resize(start + payload.len().div_ceil(3) * 4, 0);
    // The room is exactly what the encoding takes.
    let written = STANDARD.encode_slice(payload, &mut out[start..]).unwrap_or(0);
    out.truncate(start + written);
    out.extend_from_slice(b"\"}");
}

/// `{"connectionId":…,"message":…}`: any text as an object; from nobody without the first.
pub fn push_wrapped(out: &mut Vec<u8>, id: &ConnectionId, text: &str) {
    push_id_before(out, id);
    out.extend_from_slice(b"\"message\":\"");
    json::escape_into(out, text);
    out.extend_from_slice(b"\"}");
}

/// An object's JSON on one line.
pub(super) fn push_one_line(out: &mut Vec<u8>, object: &[u8]) {
    let start = out.len();
    out.extend_from_slice(object);
    blank_line_breaks(&mut out[start..]);
}

/// The beginning of an object that says who sent what follows, if anybody did.
fn push_id_before(out: &mut Vec<u8>, id: &ConnectionId) {
    match id {
        ConnectionId::Nobody => out.push(b'{'),
        ConnectionId::Uuid(_) | ConnectionId::Name(_) => {
            push_id_key(out, id);
            out.push(b',');
        }
    }
}

fn push_id_key(out: &mut Vec<u8>, id: &ConnectionId) {
    out.extend_from_slice(b"{\"connectionId\":");
    push_string(out, &id.to_string());
}

pub(super) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    json::escape_into(out, text);
    out.push(b'"');
}

fn push_close_object(out: &mut Vec<u8>, sender: &Sender, close: &CloseEvent) {
    let by = close.by.name();
    out.extend_from_slice(b"{\"close\":");
    push_id_key(out, &sender.id);
    out.extend_from_slice(format!(",\"code\":{},\"reason\":", close.code.0).as_bytes());
    push_string(out, &close.reason);
    let tail = format!(",\"by\":\"{by}\",\"session\":{}}}}}", sender.session);
    out.extend_from_slice(tail.as_bytes());
}
