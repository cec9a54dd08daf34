//! A chunk: what one core published to one room in one turn, encoded once, shared by all who read
//! it.
//!
//! Knows: events' places in bytes, numbers.
//! Must not know: who reads it, logs, sockets.

use super::audience::{Audience, Class, Format};
use super::batch::Sender;
use super::encoding::{Others, encode};
use super::name::{RoomKey, Who};
use super::what::What;
use crate::bytes::Now;
use crate::sse::{Epoch, Sequence, sequence_digits, write_digits};
use crate::ws::deflate::Deflater;
use std::mem;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One event of a chunk: its payload's place in the first encoding, what it is, whose.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    place: u32,
    /// Length in the low bits, [`What`] in the high ones.
    length_and_what: u32,
    /// Whose event it is.
    pub who: Who,
}

const _: () = assert!(size_of::<Entry>() == 16);

const LENGTH_BITS: u32 = 28;
/// The longest payload.
pub const PAYLOAD_BYTES_MAX: usize = (1 << LENGTH_BITS) - 1;

impl Entry {
    /// An event whose payload is `length` bytes at `place`, both less than 2^28.
    pub(crate) fn new(place: usize, length: usize, what: What, who: Who) -> Entry {
        assert!(length <= PAYLOAD_BYTES_MAX && place <= u32::MAX as usize, "chunks are bounded");
        Entry {
            place: place as u32,
            length_and_what: length as u32 | (what as u32) << LENGTH_BITS,
            who,
        }
    }

    /// What it is.
    pub fn what(&self) -> What {
        match self.length_and_what >> LENGTH_BITS {
            0 => What::Text,
            1 => What::Binary,
            2 => What::Close,
            3 => What::Join,
            _ => What::Leave,
        }
    }

    /// Where its payload is in the first encoding.
    pub fn payload(&self) -> Range<usize> {
        let length = self.length_and_what as usize & PAYLOAD_BYTES_MAX;
        self.place as usize..self.place as usize + length
    }
}

/// All events of a chunk in one format.
#[derive(Debug, Default)]
pub struct Encoding {
    /// The events, one after the other.
    pub bytes: Vec<u8>,
    /// Where each event ends; the next begins there.
    pub ends: Vec<u32>,
}

/// What the API says of an event that it publishes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Api {
    /// What the [`Receipt`](super::Receipt) of the event will be known by.
    pub ticket: u64,
    /// Connections that do not get it.
    pub except: Box<[Who]>,
}

/// Events of one room, in order, immutable once committed.
#[derive(Debug)]
pub struct Chunk {
    pub(super) first: Sequence,
    pub(super) ordinal: u64,
    pub(super) at: Now,
    pub(super) room: RoomKey,
    pub(super) room_name: Arc<str>,
    pub(super) audience: Audience,
    pub(super) epoch: Epoch,
    pub(super) index: Vec<Entry>,
    /// From which entry on, who sent.
    pub(super) senders: Vec<(u32, Sender)>,
    pub(super) made: Format,
    pub(super) bytes: Vec<u8>,
    pub(super) others: Others,
    /// What the API said of it, if it published it.
    pub(super) api: Option<Box<Api>>,
    /// What of it stands on `held`.
    pub(super) charged: AtomicUsize,
    pub(super) held: Arc<AtomicUsize>,
}

/// What a chunk costs beside its bytes, and an event beside its own.
const CHUNK_BYTES: usize = 256;
const EVENT_BYTES: usize = 20;

impl Chunk {
    /// The number of its first event.
    pub fn first(&self) -> Sequence {
        self.first
    }

    /// The number of its last event.
    pub fn last(&self) -> Sequence {
        self.first + self.index.len() as u64 - 1
    }

    /// Which event of its room its first one is, from 0: of those that subscribers get.
    pub fn ordinal(&self) -> u64 {
        self.ordinal
    }

    /// The room's event that comes after its last one.
    pub fn next_ordinal(&self) -> u64 {
        let is_counted = self.audience.has(Class::Subscriber);
        self.ordinal + if is_counted { self.index.len() as u64 } else { 0 }
    }

    /// The time of the turn that committed it.
    pub fn at(&self) -> Now {
        self.at
    }

    /// The room it belongs to.
    pub fn room(&self) -> RoomKey {
        self.room
    }

    /// That room's name.
    pub fn room_name(&self) -> &str {
        &self.room_name
    }

    /// Whom it is for.
    pub fn audience(&self) -> Audience {
        self.audience
    }

    /// Its events.
    pub fn index(&self) -> &[Entry] {
        &self.index
    }

    /// The last message in it, if members get it.
    pub fn last_message(&self) -> Option<Sequence> {
        let is_theirs = self.is_for(Class::Member);
        let place = self.index.iter().rposition(|entry| entry.what().is_message());
        place.filter(|_| is_theirs).map(|place| self.first + place as u64)
    }

    /// Who sent its events: runs of entries, in order.
    pub fn senders(&self) -> &[(u32, Sender)] {
        &self.senders
    }

    /// Whether readers of `class` are its audience.
    pub fn is_for(&self, class: Class) -> bool {
        self.audience.has(class)
    }

    /// Connections that do not get it although they are of its audience.
    pub fn except(&self) -> &[Who] {
        self.api.as_ref().map_or(&[], |api| &api.except)
    }

    /// What its receipt is known by, if it gets one.
    pub fn ticket(&self) -> Option<u64> {
        self.api.as_ref().map(|api| api.ticket)
    }

    /// Whether `reader`, if it has a name, is one of those.
    pub fn leaves_out(&self, reader: Option<Who>) -> bool {
        reader.is_some_and(|who| self.except().contains(&who))
    }

    /// Whether it can be had in `format`: what members have no part in was never made as frames.
    pub(super) fn can_be(&self, format: Format) -> bool {
        !format.is_frames() || self.audience.has_frames()
    }

    /// The bytes of its first encoding, which others are made of.
    pub fn made_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// All of it in `format`, and how many bytes that newly made, to be charged.
    pub fn encoded(&self, format: Format, deflater: &mut Deflater) -> (&[u8], usize) {
        if format == self.made {
            return (&self.bytes, 0);
        }
        if let Some(encoding) = self.others.get(format) {
            return (&encoding.bytes, 0);
        }
        let mut new_bytes = 0;
        let encoding = self.others.place(format).get_or_init(|| {
            let encoding = encode(self, format, deflater);
            new_bytes = encoding.bytes.capacity() + encoding.ends.capacity() * size_of::<u32>();
            self.charge(new_bytes);
            encoding
        });
        (&encoding.bytes, new_bytes)
    }

    /// The chunk for one reader of history that wants `format`, and the work in bytes. If nobody
    /// has it in that format it is made for this reader alone: what is read back must not make the
    /// log larger, and other readers' history shorter.
    pub fn rendered(
        self: &Arc<Chunk>,
        format: Format,
        deflater: &mut Deflater,
    ) -> (Arc<Chunk>, usize) {
        let is_there = self.others.get(format).is_some();
        if is_there || format == self.made || format == Format::Frames {
            return (Arc::clone(self), 0);
        }
        let encoding = encode(self, format, deflater);
        let bytes = encoding.bytes.capacity() + encoding.ends.capacity() * size_of::<u32>();
        let rendering = Chunk {
            first: self.first,
            ordinal: self.ordinal,
            at: self.at,
            room: self.room,
            room_name: Arc::clone(&self.room_name),
            audience: self.audience,
            epoch: self.epoch,
            index: self.index.clone(),
            senders: self.senders.clone(),
            made: self.made,
            bytes: Vec::new(),
            others: Others::only(format, encoding),
            api: self.api.clone(),
            charged: AtomicUsize::new(0),
            held: Arc::clone(&self.held),
        };
        rendering.charge(rendering.cost() + bytes);
        (Arc::new(rendering), bytes.max(self.bytes.len()))
    }

    /// The bytes in `format`, which [`Chunk::encoded`] or [`Chunk::rendered`] has made before.
    pub fn bytes(&self, format: Format) -> &[u8] {
        if format == self.made {
            return &self.bytes;
        }
        let made = self.others.get(format);
        debug_assert!(made.is_some() || !self.can_be(format), "{format:?} is not made");
        made.map_or(&[], |made| &made.bytes)
    }

    /// Where entry `entry` lies in `format`.
    pub fn span(&self, format: Format, entry: usize) -> Range<usize> {
        let start = entry.checked_sub(1).map_or(0, |before| self.end(format, before));
        start..self.end(format, entry)
    }

    fn end(&self, format: Format, entry: usize) -> usize {
        if format != self.made {
            let made = self.others.get(format);
            debug_assert!(made.is_some() || !self.can_be(format), "{format:?} is not made");
            return made.map_or(0, |made| made.ends[entry] as usize);
        }
        let after = if format == Format::Frames { 0 } else { "\n\n".len() };
        self.index[entry].payload().end + after
    }

    /// The entry that byte `offset` of `format` belongs to, and where in that entry it is.
    pub fn entry_at(&self, format: Format, offset: usize) -> (usize, usize) {
        let (mut low, mut high) = (0, self.index.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.end(format, middle) <= offset { low = middle + 1 } else { high = middle }
        }
        let start = low.checked_sub(1).map_or(0, |before| self.end(format, before));
        (low, offset - start)
    }

    /// What it costs a log, other formats aside.
    pub(super) fn cost(&self) -> usize {
        CHUNK_BYTES + self.index.len() * EVENT_BYTES + self.bytes.capacity()
    }

    /// Puts `bytes` more on the account of what is held.
    pub(super) fn charge(&self, bytes: usize) {
        self.charged.fetch_add(bytes, Ordering::Relaxed);
        self.held.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Gives its events their numbers: `first` and up in the node's order, `ordinal` and up in the
    /// room's.
    pub(super) fn number(&mut self, first: Sequence, ordinal: u64, at: Now) {
        (self.first, self.ordinal, self.at) = (first, ordinal, at);
        if self.made != Format::Events {
            return;
        }
        for (entry, sequence) in self.index.iter().zip(first..) {
            if let Some(digits) = sequence_digits(&mut self.bytes, entry.payload().start) {
                write_digits(sequence, digits);
            }
        }
    }

    /// Who sent entry `entry`.
    pub(super) fn sender(&self, entry: usize) -> Option<&Sender> {
        let run = self.senders.partition_point(|(from, _)| *from as usize <= entry);
        Some(&self.senders.get(run.checked_sub(1)?)?.1)
    }

    /// Takes it off that account.
    pub(super) fn uncharge(&mut self) {
        self.held.fetch_sub(mem::take(self.charged.get_mut()), Ordering::Relaxed);
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.uncharge();
    }
}
