//! Messages out of frames: one connection's input, in whatever pieces it comes.
//!
//! Knows: frames, fragments, compression, UTF-8, limits, ticks.
//! Must not know: what messages mean, rooms, sockets, clocks.
//!
//! A frame that is there in one piece is unmasked where it lies and borrowed. Anything else is put
//! together in a buffer of its own, which grows with what has really come, never with what a header
//! announces. A compressed message is inflated when all of it has come: until then it holds what
//! was sent, and no state of an inflater.

use super::Fault;
use super::close;
use super::deflate::{Inflater, deflated_bytes_max};
use super::event::{Event, Payload};
use super::farewell::Farewell;
use super::frame::{Header, Opcode, decode_header, decode_server_header};
use super::mask::unmask;
use super::utf8::{Validator, is_utf8};
use crate::bytes::{Pool, Tick};
use crate::limits::{Limits, OWNED_BYTES_MIN};

/// What of a WebSocket has come but is not a whole message.
#[derive(Debug, Default)]
pub struct Session {
    open: Option<Box<Open>>,
    /// Messages may be compressed.
    may_deflate: bool,
    /// It is the server that we hear, and we are the client.
    is_client: bool,
}

/// What the sessions of a core share.
#[derive(Debug)]
pub struct Tools<'a> {
    /// What a message may be.
    pub limits: &'a Limits,
    /// Buffers for messages that come in pieces.
    pub pool: &'a mut Pool,
    /// For messages that are compressed.
    pub inflater: &'a mut Inflater,
}

/// A message that has begun.
#[derive(Debug)]
struct Open {
    binary: bool,
    /// It is compressed.
    deflated: bool,
    /// The first `filled` bytes are the message so far, unmasked; the rest is room to read into.
    bytes: Vec<u8>,
    filled: usize,
    /// The frame whose payload is still coming.
    frame: Option<Frame>,
    /// Its last frame has ended.
    is_whole: bool,
    fragments: usize,
    since: Tick,
    utf8: Validator,
}

#[derive(Clone, Copy, Debug)]
struct Frame {
    fin: bool,
    mask: [u8; 4],
    /// How many bytes of its payload have come.
    come: usize,
    left: usize,
}

impl Session {
    /// For a new connection. `may_deflate`: that messages may be compressed was agreed on.
    pub fn new(may_deflate: bool) -> Session {
        Session { open: None, may_deflate, is_client: false }
    }

    /// For a new connection on which a server is heard. Nothing is compressed.
    pub fn of_client() -> Session {
        Session { open: None, may_deflate: false, is_client: true }
    }

    /// Takes the next event from the front of `rest`. `None`: all that can be used has been, and
    /// what is left in `rest` must come again with more behind it (less than a header and a control
    /// frame's payload).
    pub fn next<'a>(
        &mut self,
        rest: &mut &'a mut [u8],
        now: Tick,
        tools: &mut Tools<'_>,
    ) -> Result<Option<Event<'a>>, Fault> {
        loop {
            if let Some(open) = &mut self.open
                && open.frame.is_some()
            {
                open.take(rest)?;
                if open.frame.is_some() {
                    return Ok(None);
                }
                if open.is_whole {
                    return self.finish(tools);
                }
            }
            let header = match self.is_client {
                false => decode_header(rest, self.may_deflate)?,
                true => decode_server_header(rest, self.may_deflate)?,
            };
            let Some((header, length)) = header else { return Ok(None) };
            if header.opcode.is_control() {
                return control(rest, &header, length);
            }
            self.check(&header, tools.limits)?;
            let is_there = rest.len().saturating_sub(length) as u64 >= header.length;
            if self.open.is_none() && header.fin && is_there {
                return whole(rest, &header, length, tools).map(Some);
            }
            consume(rest, length);
            self.begin(&header, now, tools.pool);
        }
    }

    /// Where the rest of a large frame should be read to, to spare a copy. Whatever was read there
    /// is told to [`Session::filled`]. `None`: read anywhere and use [`Session::next`].
    pub fn room(&mut self) -> Option<&mut [u8]> {
        let open = self.open.as_mut()?;
        let left = open.frame.as_ref()?.left;
        if left < OWNED_BYTES_MIN {
            return None;
        }
        // What a header announces is only believed as far as the peer has shown that it sends.
        let believed = left.min(OWNED_BYTES_MIN.max(open.filled.saturating_mul(4)));
        open.bytes.resize(open.filled.saturating_add(believed), 0);
        open.bytes.get_mut(open.filled..)
    }

    /// `n` bytes were read into [`Session::room`].
    pub fn filled(
        &mut self,
        n: usize,
        tools: &mut Tools<'_>,
    ) -> Result<Option<Event<'static>>, Fault> {
        let Some(open) = &mut self.open else { return Ok(None) };
        let Some(frame) = &mut open.frame else { return Ok(None) };
        let end = open.filled.saturating_add(n);
        #[expect(clippy::indexing_slicing, reason = "`n` is ours: if it lies, all must end here")]
        let piece = &mut open.bytes[open.filled..end];
        frame.unmask(piece);
        if !open.binary && !open.deflated {
            open.utf8.push(piece).map_err(|_| Fault::BadUtf8)?;
        }
        open.filled = end;
        open.end_frame();
        if open.is_whole { self.finish(tools) } else { Ok(None) }
    }

    /// Since when a message has been under way.
    pub fn open_since(&self) -> Option<Tick> {
        self.open.as_ref().map(|open| open.since)
    }

    /// Nothing that comes counts any more.
    pub fn into_farewell(self) -> Farewell {
        let left = self.open.and_then(|open| open.frame).map_or(0, |frame| frame.left);
        Farewell::new(left, self.may_deflate)
    }

    fn check(&self, header: &Header, limits: &Limits) -> Result<(), Fault> {
        let (filled, fragments, deflated) = match (&self.open, header.opcode) {
            (None, Opcode::Continuation) => return Err(Fault::BareContinuation),
            (None, _) => (0, 0, header.rsv1),
            (Some(open), Opcode::Continuation) => (open.filled, open.fragments, open.deflated),
            (Some(_), _) => return Err(Fault::Interleaved),
        };
        let bytes_max = limits.message_bytes_max;
        let bytes_max = if deflated { deflated_bytes_max(bytes_max) } else { bytes_max };
        if header.length > bytes_max.saturating_sub(filled) as u64 {
            return Err(Fault::TooBig);
        }
        if fragments >= limits.fragments_max {
            return Err(Fault::TooManyFragments);
        }
        Ok(())
    }

    fn begin(&mut self, header: &Header, now: Tick, pool: &mut Pool) {
        let open = self.open.get_or_insert_with(|| {
            Box::new(Open {
                binary: header.opcode == Opcode::Binary,
                deflated: header.rsv1,
                bytes: pool.take(),
                filled: 0,
                frame: None,
                is_whole: false,
                fragments: 0,
                since: now,
                utf8: Validator::default(),
            })
        });
        open.fragments = open.fragments.saturating_add(1);
        let (fin, left) = (header.fin, header.payload_bytes());
        open.frame = Some(Frame { fin, mask: header.mask, come: 0, left });
    }

    fn finish(&mut self, tools: &mut Tools<'_>) -> Result<Option<Event<'static>>, Fault> {
        let Some(mut open) = self.open.take() else { return Ok(None) };
        if open.is_text() {
            open.utf8.finish().map_err(|_| Fault::BadUtf8)?;
        }
        open.bytes.truncate(open.filled);
        if open.deflated {
            let payload = inflate(&open.bytes, open.binary, tools)?;
            tools.pool.give(open.bytes);
            return Ok(Some(Event::Message { binary: open.binary, payload }));
        }
        let payload = Payload::Owned(open.bytes);
        Ok(Some(Event::Message { binary: open.binary, payload }))
    }
}

impl Open {
    /// Its bytes are text as they come.
    fn is_text(&self) -> bool {
        !self.binary && !self.deflated
    }

    /// Moves what is there of the current frame's payload from `rest` to the message.
    fn take(&mut self, rest: &mut &mut [u8]) -> Result<(), Fault> {
        let Some(frame) = &mut self.frame else { return Ok(()) };
        let n = frame.left.min(rest.len());
        let piece = consume(rest, n);
        frame.unmask(piece);
        if self.is_text() {
            self.utf8.push(piece).map_err(|_| Fault::BadUtf8)?;
        }
        self.bytes.truncate(self.filled);
        self.bytes.extend_from_slice(piece);
        self.filled = self.filled.saturating_add(n);
        self.end_frame();
        Ok(())
    }

    fn end_frame(&mut self) {
        if let Some(frame) = self.frame.take_if(|frame| frame.left == 0) {
            self.is_whole = frame.fin;
        }
    }
}

impl Frame {
    /// Unmasks the next `piece` of the payload.
    fn unmask(&mut self, piece: &mut [u8]) {
        unmask(piece, self.mask, self.come);
        self.come = self.come.saturating_add(piece.len());
        self.left = self.left.saturating_sub(piece.len());
    }
}

pub(super) fn consume<'a>(rest: &mut &'a mut [u8], n: usize) -> &'a mut [u8] {
    rest.split_off_mut(..n).unwrap_or_default()
}

/// A message of one frame that is all there.
fn whole<'a>(
    rest: &mut &'a mut [u8],
    header: &Header,
    header_bytes: usize,
    tools: &mut Tools<'_>,
) -> Result<Event<'a>, Fault> {
    consume(rest, header_bytes);
    let payload = consume(rest, header.payload_bytes());
    unmask(payload, header.mask, 0);
    let binary = header.opcode == Opcode::Binary;
    if header.rsv1 {
        return Ok(Event::Message { binary, payload: inflate(payload, binary, tools)? });
    }
    // Nearly all text is ASCII, and that is told faster.
    if !binary && !payload.is_ascii() && !is_utf8(payload) {
        return Err(Fault::BadUtf8);
    }
    Ok(Event::Message { binary, payload: Payload::Borrowed(payload) })
}

fn inflate(
    deflated: &[u8],
    binary: bool,
    tools: &mut Tools<'_>,
) -> Result<Payload<'static>, Fault> {
    let mut bytes = tools.pool.take();
    let bytes_max = tools.limits.message_bytes_max;
    match tools.inflater.inflate(deflated, !binary, bytes_max, &mut bytes) {
        Ok(()) => Ok(Payload::Owned(bytes)),
        Err(fault) => {
            tools.pool.give(bytes);
            Err(fault)
        }
    }
}

/// A control frame, once all of it is there: it may stand between the fragments of a message.
fn control<'a>(
    rest: &mut &'a mut [u8],
    header: &Header,
    header_bytes: usize,
) -> Result<Option<Event<'a>>, Fault> {
    let length = header.payload_bytes();
    if rest.len() < header_bytes.saturating_add(length) {
        return Ok(None);
    }
    consume(rest, header_bytes);
    let payload = consume(rest, length);
    unmask(payload, header.mask, 0);
    Ok(Some(match header.opcode {
        Opcode::Ping => Event::Ping(payload),
        Opcode::Pong => Event::Pong,
        _ => match close::parse(payload)? {
            Some((code, reason)) => Event::Close { code: Some(code), reason },
            None => Event::Close { code: None, reason: "" },
        },
    }))
}

#[cfg(test)]
mod tests;
