//! Request bodies: cut anywhere, against a decoder that walks over the whole of one.
//!
//! Knows: the first byte says how the body is framed and how large it may be, two more its length,
//! three more how it is cut; the rest is the body and whatever follows it.
//! Must not know: heads.

use super::naive::head::is_token;
use super::pieces::{pieces, single_bytes};
use tidegate::http::{Decoder, Fault, Framing};
use tidegate::limits::Limits;

/// What is between the end of the digits and that of the line, in all chunks together.
const EXTENSION_BYTES_MAX: usize = 1024;

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    let [knobs, high, low, a, b, c, bytes @ ..] = data else { return };
    let length = match knobs & 3 {
        3 => u64::MAX - u64::from(*low),
        _ => u64::from(u16::from_be_bytes([*high, *low])),
    };
    let framing = match knobs & 1 {
        0 => Framing::Chunked,
        _ => Framing::Length(length),
    };
    let limits = match knobs & 4 {
        0 => Limits::default(),
        _ => Limits { body_bytes_max: 20, head_bytes_max: 12, ..Limits::default() },
    };
    let expected = naive(framing, bytes, &limits);
    for pieces in [vec![bytes], pieces(bytes, [*a, *b, *c]), single_bytes(bytes)] {
        assert_eq!(decode(framing, &pieces, &limits), expected);
    }
}

/// What became of a body: its data, and where it ended, if it did, or what was wrong.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    data: Vec<u8>,
    end: Option<Result<usize, Fault>>,
}

fn decode(framing: Framing, pieces: &[&[u8]], limits: &Limits) -> Outcome {
    let (mut decoder, mut outcome, mut used) = (Decoder::new(framing), Outcome::default(), 0);
    // A body that is announced too large is refused before any of it came.
    for piece in std::iter::once(&&b""[..]).chain(pieces) {
        let mut rest = *piece;
        loop {
            let step = match decoder.decode(rest, limits) {
                Ok(step) => step,
                Err(fault) => return Outcome { end: Some(Err(fault)), ..outcome },
            };
            assert_eq!(step.done, decoder.is_done());
            outcome.data.extend_from_slice(step.data);
            used += step.used;
            rest = &rest[step.used..];
            if step.done {
                return Outcome { end: Some(Ok(used)), ..outcome };
            }
            if rest.is_empty() {
                break;
            }
            assert!(step.used > 0, "it goes on");
        }
    }
    outcome
}

fn naive(framing: Framing, bytes: &[u8], limits: &Limits) -> Outcome {
    match framing {
        Framing::None => Outcome { data: Vec::new(), end: Some(Ok(0)) },
        Framing::Length(length) if length > limits.body_bytes_max as u64 => {
            Outcome { data: Vec::new(), end: Some(Err(Fault::BodyTooLarge)) }
        }
        Framing::Length(length) => {
            let length = length as usize;
            let data = bytes[..bytes.len().min(length)].to_vec();
            Outcome { data, end: (bytes.len() >= length).then_some(Ok(length)) }
        }
        Framing::Chunked => {
            let mut walk = Walk { bytes, at: 0, data: Vec::new(), extensions: 0, limits };
            let end = match walk.chunks() {
                Ok(()) => Some(Ok(walk.at)),
                Err(Stop::More) => None,
                Err(Stop::Wrong(fault)) => Some(Err(fault)),
            };
            Outcome { data: walk.data, end }
        }
    }
}

/// Why a walk over chunks went no further.
enum Stop {
    More,
    Wrong(Fault),
}

/// RFC 9112 §7.1 from top to bottom.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    data: Vec<u8>,
    extensions: usize,
    limits: &'a Limits,
}

impl Walk<'_> {
    fn peek(&self) -> Result<u8, Stop> {
        self.bytes.get(self.at).copied().ok_or(Stop::More)
    }

    fn expect(&mut self, byte: u8, fault: Fault) -> Result<(), Stop> {
        if self.peek()? != byte {
            return Err(Stop::Wrong(fault));
        }
        self.at += 1;
        Ok(())
    }

    fn chunks(&mut self) -> Result<(), Stop> {
        let mut total = 0u128;
        loop {
            let size = self.size()?;
            self.extension()?;
            self.expect(b'\n', Fault::BadChunk)?;
            total += size;
            if total > self.limits.body_bytes_max as u128 {
                return Err(Stop::Wrong(Fault::BodyTooLarge));
            }
            if size == 0 {
                return self.trailers();
            }
            for _ in 0..size {
                self.data.push(self.peek()?);
                self.at += 1;
            }
            self.expect(b'\r', Fault::BadChunk)?;
            self.expect(b'\n', Fault::BadChunk)?;
        }
    }

    /// One to sixteen digits.
    fn size(&mut self) -> Result<u128, Stop> {
        let (mut size, mut digits) = (0, 0);
        while let Some(digit) = char::from(self.peek()?).to_digit(16) {
            if digits == 16 {
                return Err(Stop::Wrong(Fault::BadChunk));
            }
            size = size * 16 + u128::from(digit);
            digits += 1;
            self.at += 1;
        }
        if digits == 0 { Err(Stop::Wrong(Fault::BadChunk)) } else { Ok(size) }
    }

    /// Up to and with the CR: nothing, or white space and what follows a semicolon.
    fn extension(&mut self) -> Result<(), Stop> {
        let start = self.at;
        loop {
            let byte = self.peek()?;
            let before = &self.bytes[start..self.at];
            let is_fine = match byte {
                b'\r' => before.is_empty() || before.contains(&b';'),
                b';' | b' ' | b'\t' => true,
                _ => before.contains(&b';') && !byte.is_ascii_control(),
            };
            if !is_fine {
                return Err(Stop::Wrong(Fault::BadChunk));
            }
            self.at += 1;
            if byte == b'\r' {
                return Ok(());
            }
            self.extensions += 1;
            if self.extensions > EXTENSION_BYTES_MAX {
                return Err(Stop::Wrong(Fault::ExtensionsTooLong));
            }
        }
    }

    /// Lines of `name: value`, then an empty one.
    fn trailers(&mut self) -> Result<(), Stop> {
        let mut bytes = 0;
        while self.peek()? != b'\r' {
            let start = self.at;
            loop {
                let byte = self.peek()?;
                let before = &self.bytes[start..self.at];
                let is_fine = match before.iter().position(|byte| *byte == b':') {
                    None => is_token(byte) || byte == b':' && !before.is_empty(),
                    Some(_) if before.ends_with(b"\r") => byte == b'\n',
                    Some(_) => !byte.is_ascii_control() || matches!(byte, b'\t' | b'\r'),
                };
                if !is_fine {
                    return Err(Stop::Wrong(Fault::BadTrailer));
                }
                bytes += 1;
                if bytes > self.limits.head_bytes_max {
                    return Err(Stop::Wrong(Fault::TrailersTooLarge));
                }
                self.at += 1;
                if byte == b'\n' {
                    break;
                }
            }
        }
        self.at += 1;
        self.expect(b'\n', Fault::BadTrailer)
    }
}
