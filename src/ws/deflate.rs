//! Messages made smaller and large again (RFC 7692 §7.2), each by itself.
//!
//! Knows: DEFLATE with a window of 32 KiB, the four bytes that every message leaves out.
//! Must not know: frames, what was agreed on with whom, sockets.
//!
//! Nothing is remembered from one message to the next (`no_context_takeover` both ways), so one
//! [`Deflater`] and one [`Inflater`] serve all connections of a core: an idle connection costs
//! nothing, where a context of its own would take some 400 KiB. Both are made when they are first
//! needed.

use super::Fault;
use super::utf8::Validator;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

/// What a sender cuts off the end of each message (RFC 7692 §7.2.1): an empty block, stored.
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];

/// The same, and an empty last block (RFC 1951 §3.2.6). Only behind a whole message does that end
/// the stream and yield nothing: behind a cut one, what is missing is taken out of here.
const TAIL_AND_END: [u8; 6] = [0x00, 0x00, 0xff, 0xff, 0x03, 0x00];

/// The window that we compress with: 2^15 bytes.
pub const WINDOW_BITS: u8 = 15;

/// The fastest. Of JSON of 1 KiB it leaves 29 % in 5 us; level 6 leaves little less in 11 us, and
/// of 64 KiB it takes ten times as long (`benches/micro`).
const LEVEL: Compression = Compression::fast();

/// How often a message may end a stream and begin another. Each costs a reset, worth some hundred
/// bytes of other input, and is two bytes long.
const STREAMS_MAX: usize = 64;

/// Above this, room for what comes out is not kept longer than it is needed.
const OUT_BYTES_KEPT: usize = 128 * 1024;

/// The first room for what comes out.
const OUT_BYTES_MIN: usize = 4096;

/// How many bytes a message of `bytes` may take compressed. What cannot be made smaller grows: by 5
/// bytes a stored block with zlib, which writes none of under 128 bytes at its smallest setting; a
/// sender that does worse has something else in mind.
pub fn deflated_bytes_max(bytes: usize) -> usize {
    bytes.saturating_add(bytes / 16).saturating_add(64)
}

/// How many bytes [`LEVEL`] makes of `bytes` at most: its code has up to 9 bits for each.
fn out_bytes_max(bytes: usize) -> usize {
    bytes.saturating_add(bytes / 8).saturating_add(64)
}

/// What a [`Deflater`] or an [`Inflater`] has done since it was last asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages.
    pub messages: u64,
    /// Their bytes compressed.
    pub deflated_bytes: u64,
    /// Their bytes in full.
    pub bytes: u64,
}

impl Tally {
    fn add(&mut self, deflated: usize, bytes: usize) {
        self.messages = self.messages.saturating_add(1);
        self.deflated_bytes = self.deflated_bytes.saturating_add(deflated as u64);
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }
}

/// Compresses what a core sends.
#[derive(Debug)]
pub struct Deflater {
    compress: Option<Box<Compress>>,
    /// What came out last.
    out: Vec<u8>,
    bytes_min: usize,
    /// What was made smaller.
    pub tally: Tally,
}

impl Deflater {
    /// Leaves messages of fewer than `bytes_min` bytes as they are.
    pub fn new(bytes_min: usize) -> Deflater {
        Deflater { compress: None, out: Vec::new(), bytes_min, tally: Tally::default() }
    }

    /// From now on leaves messages of fewer than `bytes_min` bytes as they are.
    pub fn set_bytes_min(&mut self, bytes_min: usize) {
        self.bytes_min = bytes_min;
    }

    /// `payload` compressed, for a peer whose window has 2^`window_bits` bytes. `None`: it is to be
    /// sent as it is, which is always allowed. It is short, or it does not become smaller, or parts
    /// of it might refer to others that are farther away than that window is wide.
    pub fn deflate(&mut self, payload: &[u8], window_bits: u8) -> Option<&[u8]> {
        let window = 1usize.checked_shl(window_bits.into())?;
        // The window slides: whoever has all of ours needs no more, however long the message.
        let reaches_too_far = window_bits < WINDOW_BITS && payload.len() > window;
        if payload.len() < self.bytes_min || reaches_too_far {
            return None;
        }
        // It is put back only when nothing is left in it: what could not leave it, for lack of room
        // or by a panic, zlib-rs 0.6 does not forget in a reset either, and spoils later messages.
        let mut compress =
            self.compress.take().unwrap_or_else(|| Box::new(Compress::new(LEVEL, false)));
        compress.reset();
        let room = out_bytes_max(payload.len());
        // A large message was the last; for smaller ones less will do.
        if self.out.capacity() > room.max(OUT_BYTES_KEPT) {
            self.out = Vec::new();
        }
        self.out.clear();
        self.out.reserve_exact(room);
        let status = compress.compress_vec(payload, &mut self.out, FlushCompress::Sync);
        let is_all = status.is_ok() && self.out.len() < self.out.capacity();
        if is_all {
            self.compress = Some(compress);
        }
        let is_smaller = is_all && self.out.len() < payload.len();
        let deflated = self.out.strip_suffix(&TAIL).filter(|_| is_smaller)?;
        self.tally.add(deflated.len(), payload.len());
        Some(deflated)
    }
}

/// Decompresses what a core receives.
#[derive(Debug, Default)]
pub struct Inflater {
    inflate: Option<Box<Decompress>>,
    /// What was decompressed.
    pub tally: Tally,
}

/// Where decompressed bytes go, and what they must be.
struct Sink<'a> {
    out: &'a mut Vec<u8>,
    bytes_max: usize,
    utf8: Option<Validator>,
}

impl Inflater {
    /// Appends all of a message to `out`, which is empty: `deflated` is its whole payload. Stops as
    /// soon as it has more than `bytes_max` bytes, or is `text` and not UTF-8.
    pub fn inflate(
        &mut self,
        deflated: &[u8],
        text: bool,
        bytes_max: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        debug_assert!(out.is_empty());
        let mut sink = Sink { out, bytes_max, utf8: text.then(Validator::default) };
        // Strictly this is no message, but what it means is plain (RFC 7692 §7.2.3.6 sends a 0x00).
        if !deflated.is_empty() {
            // As with the compressor: what a fault or a panic left half-way is not used again.
            let mut inflate =
                self.inflate.take().unwrap_or_else(|| Box::new(Decompress::new(false)));
            inflate.reset(false);
            run(&mut inflate, deflated, &mut sink)?;
            self.inflate = Some(inflate);
        }
        sink.finish()?;
        self.tally.add(deflated.len(), out.len());
        Ok(())
    }
}

fn run(inflate: &mut Decompress, deflated: &[u8], sink: &mut Sink<'_>) -> Result<(), Fault> {
    // A message may have several last blocks: "the next DEFLATE block follows the padded data if
    // any" (RFC 7692 §7.2.1). Whoever ends a stream begins another one, with an empty window.
    let mut rest = deflated;
    for _ in 0..STREAMS_MAX {
        match push(inflate, rest, sink)? {
            None => return end(inflate, sink),
            // It ended with a last block, and without the empty one that should be behind it.
            Some([]) => return Ok(()),
            Some(behind) => rest = behind,
        }
        inflate.reset(false);
    }
    // As many have ended as may; what is left must be one that the tail ends.
    match push(inflate, rest, sink)? {
        None => end(inflate, sink),
        Some(_) => Err(Fault::BadDeflate),
    }
}

/// Nothing of a message must be missing at its end.
fn end(inflate: &mut Decompress, sink: &mut Sink<'_>) -> Result<(), Fault> {
    let length = sink.out.len();
    match push(inflate, &TAIL_AND_END, sink)? {
        Some([]) if sink.out.len() == length => Ok(()),
        _ => Err(Fault::BadDeflate),
    }
}

/// Decompresses `bytes`, until their end (`None`), or until a stream ends in them: then what is
/// behind it.
fn push<'a>(
    inflate: &mut Decompress,
    bytes: &'a [u8],
    sink: &mut Sink<'_>,
) -> Result<Option<&'a [u8]>, Fault> {
    let mut rest = bytes;
    loop {
        sink.make_room();
        let (had, in_before) = (sink.out.len(), inflate.total_in());
        let status = inflate.decompress_vec(rest, sink.out, FlushDecompress::None);
        let status = status.map_err(|_| Fault::BadDeflate)?;
        let used = inflate.total_in().saturating_sub(in_before);
        let used = usize::try_from(used).unwrap_or(usize::MAX);
        rest = rest.get(used..).unwrap_or_default();
        sink.check(had)?;
        let is_full = sink.out.len() == sink.out.capacity();
        match status {
            Status::StreamEnd => return Ok(Some(rest)),
            // With room left, all that could come out has.
            Status::Ok | Status::BufError if rest.is_empty() && !is_full => return Ok(None),
            Status::Ok => {}
            Status::BufError if is_full => {}
            Status::BufError => return Err(Fault::BadDeflate),
        }
    }
}

impl Sink<'_> {
    /// Room for some more bytes, doubling, but hardly more than may come out.
    fn make_room(&mut self) {
        if self.out.len() == self.out.capacity() {
            let left = self.bytes_max.saturating_add(1).saturating_sub(self.out.len());
            self.out.reserve_exact(left.min(self.out.len().max(OUT_BYTES_MIN)).max(1));
        }
    }

    /// Looks at what came out behind the first `had` bytes.
    fn check(&mut self, had: usize) -> Result<(), Fault> {
        if self.out.len() > self.bytes_max {
            return Err(Fault::TooBig);
        }
        let new = self.out.get(had..).unwrap_or_default();
        match &mut self.utf8 {
            Some(utf8) => utf8.push(new).map_err(|_| Fault::BadUtf8),
            None => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<(), Fault> {
        match self.utf8.take() {
            Some(utf8) => utf8.finish().map_err(|_| Fault::BadUtf8),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
