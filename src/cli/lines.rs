//! Lines out of what is typed or piped in.
//!
//! Knows: bytes, ends of lines.
//! Must not know: whether it is a terminal, what becomes of a line.

use memchr::memchr;
use std::io::{self, Read};

/// Read at once.
const READ_BYTES: usize = 64 * 1024;

/// Input that is cut into lines as it comes; `read` is only called when there is something.
pub(super) struct Lines<R: Read> {
    pub(super) input: R,
    bytes: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Up to here no line ends.
    searched: usize,
    has_ended: bool,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Lines { input, bytes: Vec::new(), start: 0, searched: 0, has_ended: false }
    }

    /// Reads once. An error is an end, too.
    pub(super) fn fill(&mut self) -> io::Result<()> {
        self.bytes.drain(..self.start);
        self.searched -= self.start;
        self.start = 0;
        let filled = self.bytes.len();
        self.bytes.resize(filled + READ_BYTES, 0);
        let read = self.input.read(&mut self.bytes[filled..]);
        self.bytes.truncate(filled + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => self.has_ended = true,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.has_ended = true;
                return Err(error);
            }
        }
        Ok(())
    }

    /// The next line without its end; what stands behind the last end is a line, too.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        let (start, end) = match memchr(b'\n', &self.bytes[self.searched..]) {
            Some(at) => (self.start, self.searched + at),
            None if self.has_ended && self.start < self.bytes.len() => {
                (self.start, self.bytes.len())
            }
            None => {
                self.searched = self.bytes.len();
                return None;
            }
        };
        self.start = self.bytes.len().min(end + 1);
        self.searched = self.start;
        let line = &self.bytes[start..end];
        Some(line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// How much there is of a line whose end has not come.
    pub(super) fn open_bytes(&self) -> usize {
        self.bytes.len() - self.start
    }

    /// Nothing more will be read.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives its input in pieces that end at `cuts`.
    struct Pieces<'a>(Vec<&'a [u8]>);

    impl Read for Pieces<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() {
                return Ok(0);
            }
            let piece = self.0.remove(0);
            into[..piece.len()].copy_from_slice(piece);
            Ok(piece.len())
        }
    }

    fn read(pieces: Vec<&[u8]>) -> Vec<Vec<u8>> {
        // A piece of no bytes would be the end.
        let pieces = pieces.into_iter().filter(|piece| !piece.is_empty()).collect();
        let mut lines = Lines::new(Pieces(pieces));
        let mut found = Vec::new();
        while !lines.has_ended() {
            lines.fill().unwrap();
            while let Some(line) = lines.next() {
                found.push(line.to_vec());
            }
        }
        assert_eq!(lines.open_bytes(), 0);
        found
    }

    #[test]
    fn cutting_the_input_anywhere_changes_nothing() {
        let input = b"one\n\ntwo\r\nthree\rfour\n\r\nthe last";
        let expected = ["one", "", "two", "three\rfour", "", "the last"].map(str::as_bytes);
        for a in 0..=input.len() {
            for b in a..=input.len() {
                assert_eq!(read(vec![&input[..a], &input[a..b], &input[b..]]), expected);
            }
        }
    }

    #[test]
    fn an_end_of_line_at_the_end_begins_no_line() {
        assert_eq!(read(vec![b"one\n"]), [b"one"]);
        assert_eq!(read(vec![b"\n"]), [b""]);
        assert!(read(vec![]).is_empty());
    }
}
