//! DEFLATE, one bit after the other (RFC 1951), and what a message of it is (RFC 7692 §7.2.2).
//!
//! Knows: all of the input and all of the output.
//! Must not know: windows of limited size, tables that are fast.

use tidegate::ws::Fault;

/// What a sender cuts off a message, and an empty last block, so that a stream ends.
const TAIL_AND_END: [u8; 6] = [0, 0, 0xff, 0xff, 3, 0];

/// So many streams may follow each other in one message.
const STREAMS_MAX: usize = 64;

/// Far more than any limit here: a bomb need not be unpacked to the end.
const OUT_BYTES_MAX: usize = 1 << 20;

/// What came out of a message, all of it or up to where it went wrong.
#[derive(Debug, Default)]
pub(crate) struct Inflated {
    pub(crate) bytes: Vec<u8>,
    pub(crate) is_bad: bool,
    /// The farthest that it referred back.
    pub(crate) distance_max: usize,
}

impl Inflated {
    /// Everything that is wrong with it as a message of at most `bytes_max` bytes.
    pub(crate) fn faults(&self, text: bool, bytes_max: usize) -> Vec<Fault> {
        let bad_text = match str::from_utf8(&self.bytes) {
            Ok(_) => false,
            Err(error) => !self.is_bad || error.error_len().is_some(),
        };
        let faults = [
            (self.is_bad, Fault::BadDeflate),
            (self.bytes.len() > bytes_max, Fault::TooBig),
            (text && bad_text, Fault::BadUtf8),
        ];
        faults.into_iter().filter(|(is_so, _)| *is_so).map(|(_, fault)| fault).collect()
    }
}

pub(crate) fn message(deflated: &[u8]) -> Inflated {
    let mut inflated = Inflated::default();
    let mut rest = deflated;
    for _ in 0..STREAMS_MAX {
        if rest.is_empty() {
            return inflated;
        }
        let whole = [rest, &TAIL_AND_END].concat();
        let mut stream = Stream {
            bytes: &whole,
            bit: 0,
            own_bits: rest.len() * 8,
            start: inflated.bytes.len(),
            inflated: &mut inflated,
        };
        let Some(used) = stream.read() else { break };
        if used <= rest.len() {
            rest = &rest[used..];
        } else if used == whole.len() {
            return inflated;
        } else {
            break;
        }
    }
    inflated.is_bad |= !rest.is_empty();
    inflated
}

/// One stream: blocks, the last of them marked. `None` wherever it is wrong or not all there.
struct Stream<'a> {
    bytes: &'a [u8],
    bit: usize,
    /// What comes behind these is no part of the message.
    own_bits: usize,
    /// What is before this came out of other streams.
    start: usize,
    inflated: &'a mut Inflated,
}

/// How many codes there are of each length, and the symbols in the order of their codes.
struct Huffman {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Stream<'_> {
    /// How many bytes it takes.
    fn read(&mut self) -> Option<usize> {
        loop {
            let is_last = self.bits(1)? == 1;
            match self.bits(2)? {
                0 => self.stored()?,
                1 => self.symbols(&Huffman::fixed(), &Huffman::new(&[5; 30]))?,
                2 => {
                    let (literals, distances) = self.tables()?;
                    self.symbols(&literals, &distances)?;
                }
                _ => return None,
            }
            if is_last {
                return Some(self.bit.div_ceil(8));
            }
        }
    }

    /// The next bits, the first of them the lowest.
    fn bits(&mut self, count: usize) -> Option<usize> {
        let mut value = 0;
        for place in 0..count {
            let byte = *self.bytes.get(self.bit / 8)?;
            value |= usize::from(byte >> (self.bit % 8) & 1) << place;
            self.bit += 1;
        }
        Some(value)
    }

    /// What takes bits of the tail is no part of the message. It comes out all the same, and is
    /// perhaps found to be too much, or no text, before it is known that something was missing.
    fn put(&mut self, byte: u8) -> Option<()> {
        self.inflated.is_bad |= self.bit > self.own_bits;
        let fits = self.inflated.bytes.len() < OUT_BYTES_MAX;
        fits.then(|| self.inflated.bytes.push(byte))
    }

    fn stored(&mut self) -> Option<()> {
        self.bit = self.bit.div_ceil(8) * 8;
        let (length, check) = (self.bits(16)?, self.bits(16)?);
        if length != check ^ 0xffff {
            return None;
        }
        for _ in 0..length {
            let byte = self.bits(8)? as u8;
            self.put(byte)?;
        }
        Some(())
    }

    /// §3.2.7.
    fn tables(&mut self) -> Option<(Huffman, Huffman)> {
        const ORDER: [usize; 19] =
            [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
        let (literals, distances) = (self.bits(5)? + 257, self.bits(5)? + 1);
        let count = self.bits(4)? + 4;
        if literals > 286 || distances > 30 {
            return None;
        }
        let mut lengths = [0; 19];
        for place in &ORDER[..count] {
            lengths[*place] = self.bits(3)?;
        }
        let of_lengths = Huffman::new(&lengths);
        if of_lengths.unused() != Some(0) {
            return None;
        }
        let mut lengths = Vec::new();
        while lengths.len() < literals + distances {
            let (length, times) = match self.symbol(&of_lengths)? {
                16 => (*lengths.last()?, 3 + self.bits(2)?),
                17 => (0, 3 + self.bits(3)?),
                18 => (0, 11 + self.bits(7)?),
                length => (length, 1),
            };
            lengths.extend(std::iter::repeat_n(length, times));
        }
        // Each block must have an end.
        if lengths.len() > literals + distances || lengths[256] == 0 {
            return None;
        }
        let (literals, distances) = lengths.split_at(literals);
        let tables = (Huffman::new(literals), Huffman::new(distances));
        (tables.0.is_usable() && tables.1.is_usable()).then_some(tables)
    }

    fn symbols(&mut self, literals: &Huffman, distances: &Huffman) -> Option<()> {
        loop {
            match self.symbol(literals)? {
                literal @ ..256 => self.put(literal as u8)?,
                256 => return Some(()),
                code => {
                    let length = self.length(code)?;
                    let distance = self.distance(distances)?;
                    self.repeat(length, distance)?;
                }
            }
        }
    }

    /// §3.2.5: in groups of four codes, each group with one more extra bit.
    fn length(&mut self, code: usize) -> Option<usize> {
        match code {
            257..=264 => Some(code - 254),
            265..=284 => {
                let extra = (code - 261) / 4;
                let base = 3 + ((4 + (code - 261) % 4) << extra);
                Some(base + self.bits(extra)?)
            }
            285 => Some(258),
            _ => None,
        }
    }

    /// In groups of two.
    fn distance(&mut self, distances: &Huffman) -> Option<usize> {
        match self.symbol(distances)? {
            code @ 0..=3 => Some(code + 1),
            code @ 4..=29 => {
                let extra = code / 2 - 1;
                Some(1 + ((2 + code % 2) << extra) + self.bits(extra)?)
            }
            _ => None,
        }
    }

    fn repeat(&mut self, length: usize, distance: usize) -> Option<()> {
        self.inflated.distance_max = self.inflated.distance_max.max(distance);
        for _ in 0..length {
            let from = self.inflated.bytes.len().checked_sub(distance)?;
            let byte = *self.inflated.bytes.get(from).filter(|_| from >= self.start)?;
            self.put(byte)?;
        }
        Some(())
    }

    /// The codes of one length follow each other, and begin with twice what follows the last of the
    /// length before.
    fn symbol(&mut self, huffman: &Huffman) -> Option<usize> {
        let (mut code, mut first, mut place) = (0, 0, 0);
        for count in &huffman.counts[1..] {
            code = code << 1 | self.bits(1)?;
            if code < first + count {
                return huffman.symbols.get(place + code - first).copied();
            }
            place += count;
            first = (first + count) << 1;
        }
        None
    }
}

impl Huffman {
    fn new(lengths: &[usize]) -> Huffman {
        let mut counts = [0; 16];
        let mut symbols = Vec::new();
        for length in 1..16 {
            let with_it = lengths.iter().enumerate().filter(|(_, one)| **one == length);
            let before = symbols.len();
            symbols.extend(with_it.map(|(symbol, _)| symbol));
            counts[length] = symbols.len() - before;
        }
        Huffman { counts, symbols }
    }

    /// §3.2.6.
    fn fixed() -> Huffman {
        let lengths: Vec<usize> = (0..288)
            .map(|symbol| match symbol {
                0..=143 => 8,
                144..=255 => 9,
                256..=279 => 7,
                _ => 8,
            })
            .collect();
        Huffman::new(&lengths)
    }

    /// How many codes of 15 bits are left, if there are not too many.
    fn unused(&self) -> Option<usize> {
        let used = self.counts.iter().enumerate().skip(1).map(|(length, n)| n << (15 - length));
        (1usize << 15).checked_sub(used.sum())
    }

    /// A set of codes must be complete; but one code alone may have one bit, and there may be none
    /// where none is used.
    fn is_usable(&self) -> bool {
        self.unused() == Some(0) || self.symbols.len() <= 1 && self.counts[1] == self.symbols.len()
    }
}
