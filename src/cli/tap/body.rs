//! Where a body ends (RFC 9112 §6.3), and what of it is no frame around it.
//!
//! Knows: lengths, chunks.
//! Must not know: what is in it.
//!
//! The server's own streams end with their connection; a proxy may put them into chunks.

use crate::cli::response::Head;

/// The line that begins a chunk is refused if it is longer, and so are all fields behind the last
/// chunk together.
const LINE_BYTES_MAX: usize = 8 * 1024;

/// What is still to come of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// All until the connection ends.
    Open,
    /// So many bytes.
    Left(u64),
    /// A chunk's length.
    Size,
    /// So many bytes of a chunk.
    Chunk(u64),
    /// The end of a chunk's last line.
    ChunkEnd,
    /// Fields behind the last chunk, which count for nothing; so many bytes of them may still come.
    Trailer(usize),
}

/// It is framed in a way that makes no sense.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadFraming;

impl Body {
    /// What follows `head`.
    pub(super) fn behind(head: &Head) -> Result<Body, BadFraming> {
        let mut codings = head.all("Transfer-Encoding").flat_map(|value| value.split(','));
        match (codings.next(), codings.next()) {
            (None, _) => {}
            (Some(coding), None) if coding.trim().eq_ignore_ascii_case("chunked") => {
                return Ok(Body::Size);
            }
            _ => return Err(BadFraming),
        }
        match head.all("Content-Length").next() {
            Some(length) => length.parse().map(Body::Left).map_err(|_| BadFraming),
            None => Ok(Body::Open),
        }
    }

    /// Nothing more belongs to it, whatever comes.
    pub(super) fn is_over(&self) -> bool {
        *self == Body::Left(0)
    }

    /// All of it has come but what does not count.
    pub(super) fn is_ending(&self) -> bool {
        matches!(self, Body::Trailer(_))
    }

    /// It is whole if the connection ends here.
    pub(super) fn may_end(&self) -> bool {
        matches!(self, Body::Open | Body::Left(0))
    }

    /// Appends what `input` has of it to `out`, and takes from `input` what is dealt with.
    pub(super) fn take(
        &mut self,
        input: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), BadFraming> {
        let mut rest = &input[..];
        while let Some(used) = self.step(rest, out)? {
            rest = &rest[used..];
        }
        let used = input.len() - rest.len();
        input.drain(..used);
        Ok(())
    }

    /// One part of it; how long that was. `None`: more bytes are needed, or it is over.
    fn step(&mut self, rest: &[u8], out: &mut Vec<u8>) -> Result<Option<usize>, BadFraming> {
        let more = if rest.len() > LINE_BYTES_MAX { Err(BadFraming) } else { Ok(None) };
        let (next, used) = match self {
            Body::Left(0) => return Ok(None),
            _ if rest.is_empty() => return Ok(None),
            Body::Open => (Body::Open, rest.len()),
            Body::Left(left) | Body::Chunk(left) => {
                let used = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                *left -= used as u64;
                out.extend_from_slice(&rest[..used]);
                if *self == Body::Chunk(0) {
                    *self = Body::ChunkEnd;
                }
                return Ok(Some(used));
            }
            Body::Size => match httparse::parse_chunk_size(rest).map_err(|_| BadFraming)? {
                httparse::Status::Complete((used, 0)) => (Body::Trailer(LINE_BYTES_MAX), used),
                httparse::Status::Complete((used, length)) => (Body::Chunk(length), used),
                httparse::Status::Partial => return more,
            },
            Body::ChunkEnd => match rest {
                [b'\r', b'\n', ..] => (Body::Size, 2),
                [b'\r'] => return Ok(None),
                _ => return Err(BadFraming),
            },
            Body::Trailer(left) => match memchr::memchr(b'\n', rest) {
                Some(at) if rest[..at].trim_ascii().is_empty() => (Body::Left(0), at + 1),
                Some(at) => (Body::Trailer(left.checked_sub(at).ok_or(BadFraming)?), at + 1),
                None if rest.len() > *left => return Err(BadFraming),
                None => return Ok(None),
            },
        };
        if next == Body::Open {
            out.extend_from_slice(rest);
        }
        *self = next;
        Ok(Some(used))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(fields: &str) -> Result<Body, BadFraming> {
        let head = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        Body::behind(&Head::parse(head.as_bytes()).unwrap().unwrap().0)
    }

    /// What is in it, and whether it is over.
    fn read(fields: &str, pieces: &[&[u8]]) -> Result<(String, bool), BadFraming> {
        let (mut body, mut input, mut out) = (body(fields)?, Vec::new(), Vec::new());
        for piece in pieces {
            input.extend_from_slice(piece);
            body.take(&mut input, &mut out)?;
        }
        Ok((String::from_utf8(out).unwrap(), body.is_over()))
    }

    #[test]
    fn cutting_the_input_anywhere_changes_nothing() {
        const CHUNKS: &[u8] =
            b"5\r\nhello\r\n1;x=y\r\n,\r\n00e\r\n you\r\nand you\n\r\n0\r\nA: b\r\n\r\n";
        for (fields, input) in [
            ("Transfer-Encoding: Chunked\r\n", CHUNKS),
            ("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", CHUNKS),
            ("Content-Length: 20\r\n", b"hello, you\r\nand you\nwhat follows is not its"),
        ] {
            for a in 0..=input.len() {
                for b in a..=input.len() {
                    let pieces = [&input[..a], &input[a..b], &input[b..]];
                    let expected = ("hello, you\r\nand you\n".to_owned(), true);
                    assert_eq!(read(fields, &pieces), Ok(expected), "{fields} {a} {b}");
                }
            }
        }
    }

    #[test]
    fn without_a_length_it_ends_with_the_connection() {
        assert_eq!(read("", &[b"a", b"", b"b"]), Ok(("ab".to_owned(), false)));
        assert!(body("").unwrap().may_end());
        assert!(body("Content-Length: 0\r\n").unwrap().may_end());
        assert!(!body("Content-Length: 1\r\n").unwrap().may_end());
        assert!(!body("Transfer-Encoding: chunked\r\n").unwrap().may_end());
    }

    #[test]
    fn what_makes_no_sense() {
        let long = "1;".to_owned() + &"x".repeat(LINE_BYTES_MAX);
        let field = "0\r\nA: ".to_owned() + &"x".repeat(LINE_BYTES_MAX);
        let fields = "0\r\n".to_owned() + &"A: b\r\n".repeat(LINE_BYTES_MAX / 5 + 2);
        for (fields, input) in [
            ("Transfer-Encoding: gzip, chunked\r\n", ""),
            ("Transfer-Encoding: gzip\r\n", ""),
            ("Content-Length: x\r\n", ""),
            ("Content-Length: -1\r\n", ""),
            ("Transfer-Encoding: chunked\r\n", "x\r\n"),
            ("Transfer-Encoding: chunked\r\n", "1\r\nab\r\n"),
            ("Transfer-Encoding: chunked\r\n", "11111111111111111\r\n"),
            ("Transfer-Encoding: chunked\r\n", &long),
            ("Transfer-Encoding: chunked\r\n", &field),
            ("Transfer-Encoding: chunked\r\n", &fields),
        ] {
            assert_eq!(read(fields, &[input.as_bytes()]), Err(BadFraming), "{fields}{input}");
        }
    }
}
