//! What this turn's inbox means for the live cursors of this core.
//!
//! Knows: chunks, lists of cursors, formats.
//! Must not know: connections' states, sockets.
//!
//! The slices of a list are gathered once for all its cursors. Nobody who reads from here touches a
//! reference count.

use super::cursor::{Due, Making, Own, Reader, Reading, rest, wanted};
use crate::bytes::Slices;
use crate::hub::{Audience, Chunk, Class, Format, RoomKey, Who};
use std::sync::Arc;

/// More slices than this, if they are small, are joined to one: `writev` pays for each.
const JOIN_SLICES_MIN: usize = 8;
const JOIN_BYTES_MEAN: usize = 2 * 1024;

#[derive(Clone, Copy, Debug)]
struct Slice {
    chunk: u32,
    start: u32,
    end: u32,
}

/// What a group of cursors is owed.
#[derive(Debug)]
struct Gather {
    slices: std::ops::Range<usize>,
    format: Format,
    bytes: usize,
    /// All of it in one piece, as the number of a buffer.
    joined: Option<usize>,
}

/// One turn's inbox, and who is owed what of it.
#[derive(Debug)]
pub(super) struct Delivery {
    chunks: Vec<Arc<Chunk>>,
    /// Whom any of it is for.
    audience: Audience,
    /// Who does not get some of it, in order.
    except: Vec<Who>,
    slices: Vec<Slice>,
    gathers: Vec<Gather>,
    joined: Vec<Vec<u8>>,
    joined_used: usize,
}

/// Which chunks of the inbox are meant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of<'a> {
    /// All.
    All,
    /// Those of some rooms.
    Rooms(&'a [RoomKey]),
    /// These, by their numbers.
    Chunks(&'a [u32]),
}

/// Which events of the inbox are meant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice<'a> {
    pub(super) of: Of<'a>,
    /// Of these connections only; empty: of all.
    pub(super) whos: &'a [Who],
    /// Not of this one.
    pub(super) except: Option<Own>,
}

impl<'a> Choice<'a> {
    /// All events of some chunks.
    pub(super) fn all(of: Of<'a>) -> Choice<'a> {
        Choice { of, whos: &[], except: None }
    }
}

impl Default for Delivery {
    fn default() -> Delivery {
        Delivery {
            chunks: Vec::new(),
            audience: Audience::NOBODY,
            except: Vec::new(),
            slices: Vec::new(),
            gathers: Vec::new(),
            joined: Vec::new(),
            joined_used: 0,
        }
    }
}

impl Delivery {
    /// Takes this turn's `inbox`.
    pub(super) fn begin(&mut self, inbox: &mut Vec<Arc<Chunk>>) {
        debug_assert!(self.chunks.is_empty(), "the last turn is forgotten");
        std::mem::swap(&mut self.chunks, inbox);
        for chunk in &self.chunks {
            self.audience = self.audience | chunk.audience();
            self.except.extend_from_slice(chunk.except());
        }
        self.except.sort_unstable();
        self.except.dedup();
    }

    /// What is in the inbox, in commit order.
    pub(super) fn chunks(&self) -> &[Arc<Chunk>] {
        &self.chunks
    }

    /// Whether any of it is for readers of `class`.
    pub(super) fn is_for(&self, class: Class) -> bool {
        self.audience.has(class)
    }

    /// Whether `who` does not get something that others get.
    pub(super) fn leaves_out(&self, who: Who) -> bool {
        // Hardly ever is there anybody.
        !self.except.is_empty() && self.except.binary_search(&who).is_ok()
    }

    /// Forgets the last turn.
    pub(super) fn clear(&mut self) {
        self.chunks.clear();
        self.audience = Audience::NOBODY;
        self.except.clear();
        self.slices.clear();
        self.gathers.clear();
        self.joined_used = 0;
    }

    /// Gathers what `choice` takes of the inbox for `reader`. `None`: nothing.
    pub(super) fn gather(
        &mut self,
        reader: Reader,
        choice: Choice<'_>,
        making: &mut Making<'_>,
    ) -> Option<Due> {
        let (first, format) = (self.slices.len(), reader.taste.format);
        let mut bytes = 0;
        let count = match choice.of {
            Of::All | Of::Rooms(_) => self.chunks.len(),
            Of::Chunks(numbers) => numbers.len(),
        };
        for place in 0..count {
            let number = match choice.of {
                Of::All | Of::Rooms(_) => place,
                Of::Chunks(numbers) => numbers[place] as usize,
            };
            let chunk = &self.chunks[number];
            if matches!(choice.of, Of::Rooms(rooms) if !rooms.contains(&chunk.room())) {
                continue;
            }
            if !reader.may_have(chunk) {
                continue;
            }
            making.make(chunk, format);
            for range in wanted(chunk, reader.taste, rest(0), choice.whos, choice.except) {
                bytes += range.len();
                let (start, end) = (range.start as u32, range.end as u32);
                self.slices.push(Slice { chunk: number as u32, start, end });
            }
        }
        if bytes == 0 {
            return None;
        }
        let mut gather = Gather { slices: first..self.slices.len(), format, bytes, joined: None };
        if gather.slices.len() > JOIN_SLICES_MIN
            && bytes / gather.slices.len() < JOIN_BYTES_MEAN
            && choice.except.is_none()
            && reader.who.is_none()
        {
            self.join(&mut gather);
        }
        self.gathers.push(gather);
        Some(Due { gather: self.gathers.len() as u32 - 1, sent: 0 })
    }

    fn join(&mut self, gather: &mut Gather) {
        if self.joined_used == self.joined.len() {
            self.joined.push(Vec::new());
        }
        let mut buffer = std::mem::take(&mut self.joined[self.joined_used]);
        buffer.clear();
        for slice in &self.slices[gather.slices.clone()] {
            buffer.extend_from_slice(self.bytes_of(slice, gather.format));
        }
        self.joined[self.joined_used] = buffer;
        gather.joined = Some(self.joined_used);
        self.joined_used += 1;
    }

    fn bytes_of(&self, slice: &Slice, format: Format) -> &[u8] {
        let bytes = self.chunks[slice.chunk as usize].bytes(format);
        &bytes[slice.start as usize..slice.end as usize]
    }

    /// How many bytes `due` still has to get.
    pub(super) fn left(&self, due: Due) -> usize {
        self.gathers[due.gather as usize].bytes - due.sent as usize
    }

    /// Adds what `due` still has to get to `slices`, as far as there is room.
    pub(super) fn add<'a>(&'a self, due: Due, slices: &mut Slices<'a>) {
        let gather = &self.gathers[due.gather as usize];
        let mut skip = due.sent as usize;
        if let Some(joined) = gather.joined {
            slices.push(&self.joined[joined][skip..]);
            return;
        }
        for slice in &self.slices[gather.slices.clone()] {
            let bytes = self.bytes_of(slice, gather.format);
            let skipped = skip.min(bytes.len());
            skip -= skipped;
            if !slices.push(&bytes[skipped..]) {
                return;
            }
        }
    }

    /// The chunk and the byte of it that `due` has come to. `None` when it has had all.
    pub(super) fn position(&self, due: Due) -> Option<Reading> {
        let gather = &self.gathers[due.gather as usize];
        let mut sent = due.sent as usize;
        for slice in &self.slices[gather.slices.clone()] {
            let length = (slice.end - slice.start) as usize;
            if sent < length {
                let chunk = Arc::clone(&self.chunks[slice.chunk as usize]);
                return Some(Reading::Chunk(chunk, rest(slice.start as usize + sent)));
            }
            sent -= length;
        }
        None
    }
}
