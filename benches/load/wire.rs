//! What comes back: events, WebSocket frames, or messages side by side, taken apart in place.
//!
//! Knows: the framing of Server-Sent Events and of RFC 6455, seen from a client.
//! Must not know: what a message says, sockets, time.

use memchr::{memchr, memmem};

/// How a connection's bytes are to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inbound {
    /// An event stream whose messages have `size` bytes.
    Events { size: usize },
    /// WebSocket frames.
    Frames,
    /// Messages of `size` bytes, one every `stride` bytes.
    Raw { size: usize, stride: usize },
}

/// One thing that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Item<'a> {
    /// A message of whatever length.
    Message(&'a [u8]),
    /// The event that tells of a closed WebSocket.
    Departure,
    /// The event that tells of loss; its data.
    Gap(&'a [u8]),
    /// A ping, to be answered.
    Ping(&'a [u8]),
    /// A close frame.
    Close(&'a [u8]),
    /// Nothing that counts: heartbeats, an event without data, pongs.
    Nothing,
}

/// What no server may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// RFC 6455 §5.1: a server never masks.
    Masked,
    /// A frame that is neither a whole text message nor a control frame; its first byte.
    UnexpectedFrame(u8),
    /// An event that is too long to be one of ours.
    EndlessEvent,
}

/// Longer than any event or frame of a round; the buffer for reading is at least twice that.
const ITEM_BYTES_MAX: usize = 200 * 1024;

/// `Ok(None)`: more is needed. `Ok(Some((item, used)))`: the first `used` bytes were the item.
#[inline]
pub(crate) fn decode(kind: Inbound, bytes: &[u8]) -> Result<Option<(Item<'_>, usize)>, Fault> {
    match kind {
        Inbound::Events { size } => match plain_event(bytes, size) {
            Some(found) => Ok(Some(found)),
            None => any_event(bytes),
        },
        Inbound::Frames => frame(bytes),
        Inbound::Raw { size, stride } => {
            Ok((bytes.len() >= stride).then(|| (Item::Message(&bytes[..size]), stride)))
        }
    }
}

/// `id: …\ndata: <size bytes>\n\n`, which is nearly all that comes.
#[inline]
fn plain_event(bytes: &[u8], size: usize) -> Option<(Item<'_>, usize)> {
    let rest = bytes.strip_prefix(b"id: ")?;
    let line = memchr(b'\n', rest)?;
    let data = rest[line..].strip_prefix(b"\ndata: ")?;
    let message = data.get(..size)?;
    let used = bytes.len() - data.len() + size + 2;
    (data.get(size..size + 2)? == b"\n\n").then_some((Item::Message(message), used))
}

/// Everything else that an event stream may hold.
#[cold]
fn any_event(bytes: &[u8]) -> Result<Option<(Item<'_>, usize)>, Fault> {
    if bytes.first().is_some_and(|&byte| byte == b':' || byte == b'\n') {
        // A comment is a line by itself: no blank line need follow it.
        return Ok(memchr(b'\n', bytes).map(|end| (Item::Nothing, end + 1)));
    }
    match memmem::find(bytes, b"\n\n") {
        Some(end) => Ok(Some((classify(&bytes[..end]), end + 2))),
        None if bytes.len() > ITEM_BYTES_MAX => Err(Fault::EndlessEvent),
        None => Ok(None),
    }
}

fn classify(event: &[u8]) -> Item<'_> {
    let lines = || event.split(|&byte| byte == b'\n');
    let field =
        |name: &[u8]| lines().find_map(|line| line.strip_prefix(name)).map(<[u8]>::trim_ascii);
    match (field(b"event:"), field(b"data:")) {
        (_, None) => Item::Nothing,
        (Some(b"gap"), Some(data)) => Item::Gap(data),
        (None, Some(data)) if data.starts_with(b"{\"close\":") => Item::Departure,
        (_, Some(data)) => Item::Message(data),
    }
}

/// RFC 6455 §5.2, without what a server must not send.
#[inline]
fn frame(bytes: &[u8]) -> Result<Option<(Item<'_>, usize)>, Fault> {
    let Some((&[first, second], rest)) = bytes.split_first_chunk() else {
        return Ok(None);
    };
    if second & 0x80 != 0 {
        return Err(Fault::Masked);
    }
    let (size, rest) = match second {
        126 => match rest.split_first_chunk() {
            Some((size, rest)) => (usize::from(u16::from_be_bytes(*size)), rest),
            None => return Ok(None),
        },
        127 => match rest.split_first_chunk() {
            Some((size, rest)) => (u64::from_be_bytes(*size) as usize, rest),
            None => return Ok(None),
        },
        short => (usize::from(short), rest),
    };
    if size > ITEM_BYTES_MAX {
        return Err(Fault::UnexpectedFrame(first));
    }
    let Some(payload) = rest.get(..size) else {
        return Ok(None);
    };
    let item = match first {
        0x81 => Item::Message(payload),
        0x88 => Item::Close(payload),
        0x89 => Item::Ping(payload),
        0x8A => Item::Nothing,
        _ => return Err(Fault::UnexpectedFrame(first)),
    };
    Ok(Some((item, bytes.len() - rest.len() + size)))
}
