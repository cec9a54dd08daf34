//! Request bodies: where they end, their data without the chunks around it (RFC 9112 §6, §7.1).
//!
//! Knows: lengths, chunks, trailers.
//! Must not know: heads, what a body means, where it is collected.

use super::{Fault, token};
use crate::limits::Limits;

/// RFC 9112 §7.1.1: a recipient ought to limit the chunk extensions of a whole body. Nobody sends
/// any.
const EXTENSION_BYTES_MAX: u16 = 1024;

/// The digits that a `u64` has; leading zeros count, as there is no use for more of them.
const SIZE_DIGITS_MAX: u8 = 16;

/// How the end of a request's body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is no body.
    None,
    /// So many bytes.
    Length(u64),
    /// Chunks, the last of them empty.
    Chunked,
}

impl Framing {
    /// Whether any byte follows the head.
    pub fn has_body(self) -> bool {
        !matches!(self, Framing::None | Framing::Length(0))
    }
}

/// What [`Decoder::decode`] made of its input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step<'a> {
    /// How many bytes of the input are done with.
    pub used: usize,
    /// The next part of the body, perhaps empty.
    pub data: &'a [u8],
    /// The body is complete. What follows `used` belongs to the next request.
    pub done: bool,
}

/// Takes a body apart that may arrive in any number of pieces. After a [`Fault`] it is of no more
/// use.
#[derive(Clone, Debug)]
pub struct Decoder {
    /// What is left of the length or of the chunk; or the chunk's size so far.
    left: u64,
    /// The sizes of all chunks so far.
    total: u64,
    trailer_bytes: u32,
    extension_bytes: u16,
    digits: u8,
    phase: Phase,
}

const _: () = assert!(size_of::<Decoder>() <= 32, "a connection keeps one");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Length,
    Size,
    Padding,
    Extension,
    SizeLf,
    Data,
    DataCr,
    DataLf,
    TrailerStart,
    TrailerName,
    TrailerValue,
    TrailerLf,
    LastLf,
    Done,
}

impl Decoder {
    /// A decoder for one body.
    pub fn new(framing: Framing) -> Decoder {
        let (left, phase) = match framing {
            Framing::None | Framing::Length(0) => (0, Phase::Done),
            Framing::Length(length) => (length, Phase::Length),
            Framing::Chunked => (0, Phase::Size),
        };
        Decoder { left, total: 0, trailer_bytes: 0, extension_bytes: 0, digits: 0, phase }
    }

    /// Goes on to the next data or the end of `bytes`, whichever is first. Call it again with the
    /// rest until nothing is left or the body is done. A body that is announced too large is
    /// refused at once, so call it with what is there, be it nothing, before asking the peer to go
    /// on.
    pub fn decode<'a>(&mut self, bytes: &'a [u8], limits: &Limits) -> Result<Step<'a>, Fault> {
        if self.phase == Phase::Length && self.left > limits.body_bytes_max as u64 {
            return Err(Fault::BodyTooLarge);
        }
        for (used, &byte) in bytes.iter().enumerate() {
            match self.phase {
                Phase::Done => return Ok(Step { used, data: &[], done: true }),
                Phase::Length | Phase::Data => return Ok(self.take(bytes, used)),
                Phase::Size | Phase::Padding | Phase::Extension | Phase::SizeLf => {
                    self.look_at_size(byte, limits)?;
                }
                Phase::DataCr => self.expect(byte, b'\r', Phase::DataLf)?,
                Phase::DataLf => self.expect(byte, b'\n', Phase::Size)?,
                Phase::TrailerStart
                | Phase::TrailerName
                | Phase::TrailerValue
                | Phase::TrailerLf => {
                    self.look_at_trailer(byte, limits)?;
                }
                Phase::LastLf if byte != b'\n' => return Err(Fault::BadTrailer),
                Phase::LastLf => self.phase = Phase::Done,
            }
        }
        Ok(Step { used: bytes.len(), data: &[], done: self.is_done() })
    }

    /// Whether the body is complete.
    pub fn is_done(&self) -> bool {
        self.phase == Phase::Done
    }

    /// The data at `start`: all of it that is there.
    fn take<'a>(&mut self, bytes: &'a [u8], start: usize) -> Step<'a> {
        let rest = bytes.get(start..).unwrap_or_default();
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let data = rest.get(..left).unwrap_or(rest);
        self.left = self.left.saturating_sub(data.len() as u64);
        if self.left == 0 {
            self.phase = if self.phase == Phase::Length { Phase::Done } else { Phase::DataCr };
        }
        Step { used: start.saturating_add(data.len()), data, done: self.is_done() }
    }

    fn expect(&mut self, byte: u8, expected: u8, next: Phase) -> Result<(), Fault> {
        if byte != expected {
            return Err(Fault::BadChunk);
        }
        self.phase = next;
        Ok(())
    }

    fn look_at_size(&mut self, byte: u8, limits: &Limits) -> Result<(), Fault> {
        match (self.phase, byte) {
            (Phase::SizeLf, b'\n') => return self.begin_chunk(limits),
            (Phase::SizeLf, _) => return Err(Fault::BadChunk),
            (Phase::Size, _) if byte.is_ascii_hexdigit() => return self.add_digit(byte),
            (Phase::Size, _) if self.digits == 0 => return Err(Fault::BadChunk),
            (Phase::Size | Phase::Extension, b'\r') => {
                self.phase = Phase::SizeLf;
                return Ok(());
            }
            (Phase::Size | Phase::Padding, b';') => self.phase = Phase::Extension,
            // RFC 9112 §7.1.1: white space may stand before the semicolon, but not without one.
            (Phase::Size | Phase::Padding, b' ' | b'\t') => self.phase = Phase::Padding,
            (Phase::Extension, _) if token::is_field_byte(byte) => {}
            _ => return Err(Fault::BadChunk),
        }
        self.extension_bytes = self.extension_bytes.saturating_add(1);
        if self.extension_bytes > EXTENSION_BYTES_MAX {
            return Err(Fault::ExtensionsTooLong);
        }
        Ok(())
    }

    fn add_digit(&mut self, byte: u8) -> Result<(), Fault> {
        let digit = (byte as char).to_digit(16).ok_or(Fault::BadChunk)?;
        if self.digits == SIZE_DIGITS_MAX {
            return Err(Fault::BadChunk);
        }
        self.digits = self.digits.saturating_add(1);
        self.left = self.left << 4 | u64::from(digit);
        Ok(())
    }

    fn begin_chunk(&mut self, limits: &Limits) -> Result<(), Fault> {
        self.digits = 0;
        self.total = self.total.saturating_add(self.left);
        if self.total > limits.body_bytes_max as u64 {
            return Err(Fault::BodyTooLarge);
        }
        self.phase = if self.left == 0 { Phase::TrailerStart } else { Phase::Data };
        Ok(())
    }

    /// RFC 9112 §7.1.2: trailers may be discarded, and are. Only their shape is checked, and their
    /// size.
    fn look_at_trailer(&mut self, byte: u8, limits: &Limits) -> Result<(), Fault> {
        self.phase = match (self.phase, byte) {
            (Phase::TrailerStart, b'\r') => {
                self.phase = Phase::LastLf;
                return Ok(());
            }
            (Phase::TrailerName, b':') => Phase::TrailerValue,
            (Phase::TrailerValue, b'\r') => Phase::TrailerLf,
            (Phase::TrailerLf, b'\n') => Phase::TrailerStart,
            (Phase::TrailerStart | Phase::TrailerName, _) if token::is_token(byte) => {
                Phase::TrailerName
            }
            (Phase::TrailerValue, _) if token::is_field_byte(byte) => Phase::TrailerValue,
            _ => return Err(Fault::BadTrailer),
        };
        self.trailer_bytes = self.trailer_bytes.saturating_add(1);
        if self.trailer_bytes as usize > limits.head_bytes_max {
            return Err(Fault::TrailersTooLarge);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    /// A body, its data, whether it is done, and what is left behind it.
    type Case = (&'static [u8], &'static [u8], bool, &'static [u8]);

    /// What became of a body: its data, whether it is done, and what of the input is left.
    type Outcome = Result<(Vec<u8>, bool, Vec<u8>), Fault>;

    fn run(framing: Framing, bytes: &[u8], cuts: &[usize], limits: &Limits) -> Outcome {
        let mut decoder = Decoder::new(framing);
        let (mut data, mut from) = (Vec::new(), 0);
        for &to in cuts.iter().chain(&[bytes.len()]) {
            loop {
                let step = decoder.decode(&bytes[from..to], limits)?;
                data.extend_from_slice(step.data);
                from += step.used;
                assert_eq!(step.done, decoder.is_done());
                if step.done || from == to {
                    break;
                }
                assert!(step.used > 0, "progress");
            }
        }
        Ok((data, decoder.is_done(), bytes[from..].to_vec()))
    }

    fn chunked(bytes: &[u8]) -> Outcome {
        run(Framing::Chunked, bytes, &[], &Limits::default())
    }

    #[test]
    fn lengths_are_counted() {
        let limits = Limits::default();
        for (framing, bytes, data, done, rest) in [
            (Framing::None, &b"GET"[..], &b""[..], true, &b"GET"[..]),
            (Framing::Length(0), b"GET", b"", true, b"GET"),
            (Framing::Length(3), b"abcGET", b"abc", true, b"GET"),
            (Framing::Length(3), b"abc", b"abc", true, b""),
            (Framing::Length(4), b"abc", b"abc", false, b""),
            (Framing::Length(1), b"", b"", false, b""),
        ] {
            let expected = Ok((data.to_vec(), done, rest.to_vec()));
            assert_eq!(run(framing, bytes, &[], &limits), expected, "{framing:?}");
        }
    }

    #[test]
    fn chunks_are_joined() {
        let cases: &[Case] = &[
            (b"0\r\n\r\n", b"", true, b""),
            (b"5\r\nhello\r\n0\r\n\r\nGET", b"hello", true, b"GET"),
            (b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"hello world", true, b""),
            (
                b"a\r\n0123456789\r\nB\r\n01234567890\r\n0\r\n\r\n",
                b"012345678901234567890",
                true,
                b"",
            ),
            (b"0000000000000001\r\nx\r\n0000\r\n\r\n", b"x", true, b""),
            (b"1;a=b;c=\"d;e\"\r\nx\r\n0;last\r\n\r\n", b"x", true, b""),
            (b"1 \t;a\r\nx\r\n0\r\n\r\n", b"x", true, b""),
            (b"1;\r\nx\r\n0\r\n\r\n", b"x", true, b""),
            (b"1\r\nx\r\n0\r\nA: b\r\nExpires:\r\n\r\nrest", b"x", true, b"rest"),
            (b"2\r\n\r\n\r\n0\r\n\r\n", b"\r\n", true, b""),
            (b"5\r\nhel", b"hel", false, b""),
            (b"5\r\nhello\r\n0\r\n\r", b"hello", false, b""),
            (b"5\r\nhello\r\n0\r\n", b"hello", false, b""),
        ];
        for (bytes, data, done, rest) in cases {
            let expected = Ok((data.to_vec(), *done, rest.to_vec()));
            assert_eq!(chunked(bytes), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn what_others_might_read_differently_is_refused() {
        let bad_chunks: &[&[u8]] = &[
            b"\r\n",
            b"\n",
            b" 1\r\n",
            b"+0\r\n",
            b"-0\r\n",
            b"0x0\r\n",
            b"0_2e\r\n",
            b"0X1\r\n",
            b"g\r\n",
            b"00000000000000000\r\n",
            b"11111111111111111\r\n",
            b"1.0\r\n",
            b"1,1\r\n",
            b"\"1\"\r\n",
            b"1 \r\n",
            b"1\t\r\n",
            b"1 1\r\n",
            b"1 a=b\r\n",
            b"1\n",
            b"1\r1",
            b"1\rx\r\n",
            b"1\0\r\n",
            b";a\r\n",
            b"1;a\n",
            b"1;a\rb\r\n",
            b"1;a\0\r\n",
            b"1;a\x7f\r\n",
            b"1;\x0b\r\n",
            b"1\r\nxy",
            b"1\r\nx\n",
            b"1\r\nx\r1",
            b"1\r\nx\r\r\n",
            b"1\r\nx0\r\n",
            b"1\r\nx\r\n\r\n",
            b"1\r\nx\r\n;\r\n",
            b"\xef\xbc\x91\r\n",
            b"1\xa0\r\n",
        ];
        for bytes in bad_chunks {
            assert_eq!(chunked(bytes), Err(Fault::BadChunk), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn trailers_that_are_no_fields_are_refused() {
        let bad_trailers: &[&[u8]] = &[
            b"0\r\n\n",
            b"0\r\n\rx",
            b"0\r\nA\r\n",
            b"0\r\nA : b\r\n",
            b"0\r\n A: b\r\n",
            b"0\r\n: b\r\n",
            b"0\r\nA: b\n",
            b"0\r\nA: b\rc",
            b"0\r\nA: b\r\n c\r\n",
            b"0\r\nA: \0\r\n",
            b"0\r\nA: b\r\n\n",
        ];
        for bytes in bad_trailers {
            assert_eq!(chunked(bytes), Err(Fault::BadTrailer), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn the_body_limit_is_exact_and_known_when_announced() {
        let limits = Limits { body_bytes_max: 16, ..Limits::default() };
        let too_large = Err(Fault::BodyTooLarge);
        for (length, fault) in [(15, None), (16, None), (17, Some(Fault::BodyTooLarge))] {
            let outcome = run(Framing::Length(length), b"", &[], &limits);
            assert_eq!(outcome.err(), fault, "{length}");
        }
        assert_eq!(run(Framing::Length(u64::MAX), b"", &[], &limits), too_large);
        let chunked = |bytes: &[u8]| run(Framing::Chunked, bytes, &[], &limits);
        for (size, is_refused) in [("f", false), ("10", false), ("11", true)] {
            let outcome = chunked(format!("{size}\r\n").as_bytes());
            assert_eq!(outcome == too_large, is_refused, "{size}");
        }
        assert_eq!(chunked(b"FFFFFFFFFFFFFFFF\r\n"), too_large);
        assert!(chunked(b"8\r\n01234567\r\n8\r\n01234567\r\n0\r\n\r\n").is_ok());
        assert_eq!(chunked(b"8\r\n01234567\r\n9\r\n"), too_large);
        // The sum must not wrap past the limit.
        assert_eq!(chunked(b"2\r\nab\r\nFFFFFFFFFFFFFFFF\r\n"), too_large);
    }

    #[test]
    fn extensions_and_trailers_are_limited_exactly() {
        let max = EXTENSION_BYTES_MAX as usize;
        // The two semicolons count as well.
        for (count, fault) in [(max, None), (max + 1, Some(Fault::ExtensionsTooLong))] {
            let (first, second) = ("a".repeat(600 - 1), "b".repeat(count - 600 - 1));
            let body = format!("1;{first}\r\nx\r\n0;{second}\r\n\r\n");
            assert_eq!(chunked(body.as_bytes()).err(), fault, "{count}");
        }
        let limits = Limits { head_bytes_max: 12, ..Limits::default() };
        for (lines, fault) in [
            ("A: b\r\nC:d\r\n", None),
            ("A: b\r\nC: d\r\n", None),
            ("A: b\r\nC: dd\r\n", Some(Fault::TrailersTooLarge)),
        ] {
            let body = format!("0\r\n{lines}\r\n");
            let outcome = run(Framing::Chunked, body.as_bytes(), &[], &limits);
            assert_eq!(outcome.err(), fault, "{lines}");
        }
    }

    #[test]
    fn cutting_the_body_anywhere_changes_nothing() {
        let limits = Limits { body_bytes_max: 12, ..Limits::default() };
        let bodies: &[(Framing, &[u8])] = &[
            (Framing::Chunked, b"5;a=b\r\nhello\r\n6 ;c\r\n world\r\n0\r\nA: b\r\n\r\nGET"),
            (Framing::Chunked, b"5\r\nhello\r\n8\r\n, world!\r\n0\r\n\r\n"),
            (Framing::Chunked, b"5\r\nhello\r\n3\r\nabcd\r\n"),
            (Framing::Length(11), b"hello worldGET"),
        ];
        for (framing, bytes) in bodies {
            let whole = run(*framing, bytes, &[], &limits);
            for a in 0..bytes.len() {
                for b in a..bytes.len() {
                    assert_eq!(run(*framing, bytes, &[a, b], &limits), whole, "{a} {b}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_chunks_come_back(
            chunks in vec(vec(any::<u8>(), 1..40), 0..6),
            mut cuts in vec(0usize..300, 0..8),
        ) {
            let mut body = Vec::new();
            for chunk in &chunks {
                body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
                body.extend_from_slice(chunk);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"0\r\n\r\n");
            cuts.iter_mut().for_each(|cut| *cut = (*cut).min(body.len()));
            cuts.sort_unstable();
            let outcome = run(Framing::Chunked, &body, &cuts, &Limits::default());
            prop_assert_eq!(outcome, Ok((chunks.concat(), true, Vec::new())));
        }

        #[test]
        fn any_bytes_cut_anywhere_give_one_outcome(
            body in "[0-3a;\r\n\r\n: x]{0,40}",
            mut cuts in vec(0usize..40, 0..6),
        ) {
            cuts.iter_mut().for_each(|cut| *cut = (*cut).min(body.len()));
            cuts.sort_unstable();
            let limits = Limits { body_bytes_max: 40, ..Limits::default() };
            let cut = run(Framing::Chunked, body.as_bytes(), &cuts, &limits);
            prop_assert_eq!(cut, run(Framing::Chunked, body.as_bytes(), &[], &limits));
        }
    }
}
