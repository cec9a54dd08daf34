//! Finding the end of a request's head while it arrives (RFC 9112 §2.1, §2.2, §3).
//!
//! Knows: bytes, line ends, the shape of a request line, the limits on both.
//! Must not know: header fields, bodies, connections, time.
//!
//! A head may arrive in any number of pieces; [`HeadScan`] remembers in 8 bytes how far it has
//! looked, so that a head sent byte by byte costs no more looks than one sent whole.

use super::{Fault, token};
use crate::limits::Limits;

/// RFC 9112 §2.2: a server ought to ignore at least one empty line before the request line. Old
/// clients send one after a body; two are tolerated, a stream of them is no request.
const BLANK_LINES_MAX: u8 = 2;

/// Twice the longest method name that is registered (`UPDATEREDIRECTREF`).
const METHOD_BYTES_MAX: usize = 34;

/// The first byte of a TLS ClientHello's record (RFC 8446 §5.1); no method begins with it.
const TLS_HANDSHAKE: u8 = 0x16;

/// Where in a request's head the bytes so far have led. Start one per request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeadScan {
    /// All bytes before this one were looked at.
    seen: u32,
    place: Place,
    /// The byte before `seen` was a CR.
    after_cr: bool,
    blank_lines: u8,
    /// Where the target begins: behind at most two empty lines and a short method.
    target_at: u8,
}

const _: () = assert!(size_of::<HeadScan>() <= 8, "an idle connection keeps one");
const _: () = assert!(2 * BLANK_LINES_MAX as usize + METHOD_BYTES_MAX < u8::MAX as usize);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Start,
    Method,
    Target,
    Version,
    LineStart,
    Line,
}

impl HeadScan {
    /// `bytes` is everything that came since the request began, each time more of it.
    /// `Ok(None)`: the head is not complete. `Ok(Some(length))`: the first `length` bytes are the
    /// head, its empty line included; more may follow.
    pub fn find(&mut self, bytes: &[u8], limits: &Limits) -> Result<Option<usize>, Fault> {
        let end = bytes.len().min(limits.head_bytes_max).min(u32::MAX as usize);
        let window = bytes.get(..end).unwrap_or(bytes);
        loop {
            self.skip_ordinary(window, limits);
            let Some(&byte) = window.get(self.seen as usize) else {
                break;
            };
            let ended = self.look(byte, limits)?;
            // It cannot wrap: that byte stands before `end`, which is a u32.
            self.seen = self.seen.wrapping_add(1);
            if ended {
                return Ok(Some(self.seen as usize));
            }
        }
        if bytes.len() > end { Err(Fault::HeadTooLarge) } else { Ok(None) }
    }

    /// Moves on to the next byte that matters where most do not.
    fn skip_ordinary(&mut self, window: &[u8], limits: &Limits) {
        let rest = window.get(self.seen as usize..).unwrap_or_default();
        let found = match self.place {
            _ if self.after_cr => return,
            Place::Target => {
                // Not past its limit, which is for `look` to find.
                let room = limits.uri_bytes_max.saturating_sub(self.target_len());
                let rest = rest.get(..room).unwrap_or(rest);
                memchr::memchr3(b' ', b'\r', b'\n', rest).unwrap_or(rest.len())
            }
            Place::Version | Place::Line => {
                memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len())
            }
            Place::Start | Place::Method | Place::LineStart => return,
        };
        self.seen = self.seen.saturating_add(u32::try_from(found).unwrap_or(u32::MAX));
    }

    /// Takes one byte; `true`: it was the last of the head.
    fn look(&mut self, byte: u8, limits: &Limits) -> Result<bool, Fault> {
        match byte {
            b'\n' if self.after_cr => {
                self.after_cr = false;
                self.end_line()
            }
            // RFC 9112 §2.2 lets a recipient take a bare LF for a line end. Where one hop does and
            // another does not, requests are smuggled, so here none is taken.
            _ if self.after_cr || byte == b'\n' => Err(Fault::BadLineEnd),
            b'\r' => {
                self.after_cr = true;
                Ok(false)
            }
            _ => self.look_inside_line(byte, limits).map(|()| false),
        }
    }

    fn look_inside_line(&mut self, byte: u8, limits: &Limits) -> Result<(), Fault> {
        match self.place {
            Place::Start if byte == TLS_HANDSHAKE && self.seen == 0 => return Err(Fault::Tls),
            Place::Start if !token::is_token(byte) => return Err(Fault::NotHttp),
            Place::Start => self.place = Place::Method,
            Place::Method if byte == b' ' => {
                self.place = Place::Target;
                self.target_at = u8::try_from(self.seen).unwrap_or(u8::MAX).saturating_add(1);
            }
            Place::Method if !token::is_token(byte) => return Err(Fault::NotHttp),
            Place::Method if self.method_is_full() => return Err(Fault::MethodTooLong),
            Place::Method => {}
            Place::Target if byte == b' ' => self.place = Place::Version,
            Place::Target if self.target_len() >= limits.uri_bytes_max => {
                return Err(Fault::UriTooLong);
            }
            Place::Target | Place::Version | Place::Line => {}
            Place::LineStart => self.place = Place::Line,
        }
        Ok(())
    }

    fn method_is_full(&self) -> bool {
        let blank = usize::from(self.blank_lines) << 1;
        (self.seen as usize).saturating_sub(blank) >= METHOD_BYTES_MAX
    }

    fn target_len(&self) -> usize {
        (self.seen as usize).saturating_sub(usize::from(self.target_at))
    }

    fn end_line(&mut self) -> Result<bool, Fault> {
        match self.place {
            Place::Start if self.blank_lines == BLANK_LINES_MAX => Err(Fault::NotHttp),
            Place::Start => {
                self.blank_lines = self.blank_lines.saturating_add(1);
                Ok(false)
            }
            Place::Method | Place::Target => Err(Fault::BadRequestLine),
            Place::Version | Place::Line => {
                self.place = Place::LineStart;
                Ok(false)
            }
            Place::LineStart => Ok(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Found = Result<Option<usize>, Fault>;

    const SMALL: &[u8] = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

    fn find(bytes: &[u8]) -> Found {
        HeadScan::default().find(bytes, &Limits::default())
    }

    fn find_in_pieces(bytes: &[u8], limits: &Limits, cuts: &[usize]) -> Found {
        let mut scan = HeadScan::default();
        for &cut in cuts {
            if let Some(length) = scan.find(&bytes[..cut], limits)? {
                return Ok(Some(length));
            }
        }
        scan.find(bytes, limits)
    }

    #[test]
    fn heads_end_where_they_end() {
        let cases: &[(&[u8], Found)] = &[
            (b"", Ok(None)),
            (b"G", Ok(None)),
            (b"\r\n\r\nGET / HTTP/1.1\r\n\r\n", Ok(Some(22))),
            (b"GET / HTTP/1.1\r\n\r\n", Ok(Some(18))),
            (b"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", Ok(Some(18))),
            (b"GET / HTTP/1.1\r\nA: b\r\n\r", Ok(None)),
            (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Ok(Some(18))),
            (b"\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n", Err(Fault::NotHttp)),
            (b"\n", Err(Fault::BadLineEnd)),
            (b"\rG", Err(Fault::BadLineEnd)),
            (b"GET / HTTP/1.1\n", Err(Fault::BadLineEnd)),
            (b"GET / HTTP/1.1\r\nA: b\n", Err(Fault::BadLineEnd)),
            (b"GET / HTTP/1.1\r\nA: b\rc", Err(Fault::BadLineEnd)),
            (b"GET / HTTP/1.1\r\nA: b\r\r\n", Err(Fault::BadLineEnd)),
            (b"GET / HTTP/1.1\r\nA: b\n\r\n", Err(Fault::BadLineEnd)),
            (b"GET / HTTP/1.1\r\nA: b\r\n\n", Err(Fault::BadLineEnd)),
            (b"GET / HTTP/1.1\r\n\rX", Err(Fault::BadLineEnd)),
            (b"GET /\r\n", Err(Fault::BadRequestLine)),
            (b"GET\r\n", Err(Fault::BadRequestLine)),
            (b"\x16\x03\x01\x02\x00", Err(Fault::Tls)),
            (b"\x16", Err(Fault::Tls)),
            (b"\x00", Err(Fault::NotHttp)),
            (b"\x80\x2e\x01", Err(Fault::NotHttp)),
            (b" GET", Err(Fault::NotHttp)),
            (b"{\"connectionId\":1}", Err(Fault::NotHttp)),
            (b"GE\x00", Err(Fault::NotHttp)),
            (b"GET:/", Err(Fault::NotHttp)),
        ];
        for (bytes, expected) in cases {
            assert_eq!(find(bytes), *expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn the_head_limit_is_exact() {
        for (max, expected) in [
            (SMALL.len() - 1, Err(Fault::HeadTooLarge)),
            (SMALL.len(), Ok(Some(SMALL.len()))),
            (SMALL.len() + 1, Ok(Some(SMALL.len()))),
        ] {
            let limits = Limits { head_bytes_max: max, ..Limits::default() };
            assert_eq!(HeadScan::default().find(SMALL, &limits), expected);
        }
        let limits = Limits { head_bytes_max: 20, ..Limits::default() };
        assert_eq!(HeadScan::default().find(&SMALL[..20], &limits), Ok(None));
        assert_eq!(HeadScan::default().find(&SMALL[..21], &limits), Err(Fault::HeadTooLarge));
    }

    #[test]
    fn the_target_limit_is_exact_and_known_at_once() {
        let limits = Limits { uri_bytes_max: 4, ..Limits::default() };
        let find = |bytes: &[u8]| HeadScan::default().find(bytes, &limits);
        assert_eq!(find(b"\r\n\r\nGET /12 HTTP/1.1\r\n\r\n"), Ok(Some(24)));
        assert_eq!(find(b"\r\n\r\nGET /123 HTTP/1.1\r\n\r\n"), Ok(Some(25)));
        assert_eq!(find(b"\r\n\r\nGET /1234 HTTP/1.1\r\n\r\n"), Err(Fault::UriTooLong));
        assert_eq!(find(b"GET /123"), Ok(None));
        assert_eq!(find(b"GET /1234"), Err(Fault::UriTooLong));
    }

    #[test]
    fn the_method_limit_is_exact() {
        for lead in ["", "\r\n", "\r\n\r\n"] {
            let head =
                |n: usize| format!("{lead}{} / HTTP/1.1\r\n\r\n", "M".repeat(n)).into_bytes();
            assert!(matches!(find(&head(METHOD_BYTES_MAX - 1)), Ok(Some(_))));
            assert!(matches!(find(&head(METHOD_BYTES_MAX)), Ok(Some(_))));
            assert_eq!(find(&head(METHOD_BYTES_MAX + 1)), Err(Fault::MethodTooLong));
        }
    }

    #[test]
    fn cutting_the_head_anywhere_changes_nothing() {
        let limits = Limits { uri_bytes_max: 8, head_bytes_max: 50, ..Limits::default() };
        let heads: &[&[u8]] = &[
            b"\r\nGET /a HTTP/1.1\r\nHost: x\r\nB: c\r\n\r\nrest",
            b"GET /a HTTP/1.1\r\nHost: x\r\nB\n\r\n",
            b"GET /abcdefghijk HTTP/1.1\r\n\r\n",
            b"GET /a HTTP/1.1\r\nHost: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\n\r\n",
        ];
        for head in heads {
            let whole = find_in_pieces(head, &limits, &[]);
            for a in 0..head.len() {
                for b in a..head.len() {
                    assert_eq!(find_in_pieces(head, &limits, &[a, b]), whole);
                }
            }
        }
    }

    #[test]
    fn no_byte_is_looked_at_twice() {
        let mut head = b"GET / HTTP/1.1\r\n".to_vec();
        while head.len() < 16 * 1024 - 2 {
            head.extend_from_slice(b"A: bcdefghi\r\n");
        }
        head.truncate(16 * 1024 - 4);
        head.extend_from_slice(b"\r\n\r\n");
        let limits = Limits::default();
        let mut scan = HeadScan::default();
        for length in 1..head.len() {
            // All that is there has been looked at, and `seen` only grows: linear whatever the
            // pieces.
            assert_eq!(scan.find(&head[..length], &limits), Ok(None));
            assert_eq!(scan.seen as usize, length);
        }
        assert_eq!(scan.find(&head, &limits), Ok(Some(head.len())));
    }

    /// What `find` answers for a request line that is in order, by the simplest means.
    fn naive(bytes: &[u8]) -> Found {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|at| at + 4);
        let head = &bytes[..end.unwrap_or(bytes.len())];
        for (at, byte) in head.iter().enumerate() {
            let bare_lf = *byte == b'\n' && (at == 0 || head[at - 1] != b'\r');
            let bare_cr = *byte == b'\r' && at + 1 < head.len() && head[at + 1] != b'\n';
            if bare_lf || bare_cr {
                return Err(Fault::BadLineEnd);
            }
        }
        Ok(end)
    }

    proptest! {
        #[test]
        fn it_equals_its_naive_twin(tail in "[\r\n\r\nA: b]{0,24}", cut in 0usize..40) {
            let bytes = format!("GET / HTTP/1.1{tail}").into_bytes();
            let cut = cut.min(bytes.len());
            let found = find_in_pieces(&bytes, &Limits::default(), &[cut]);
            prop_assert_eq!(found, naive(&bytes));
        }

        #[test]
        fn any_bytes_cut_anywhere_give_one_answer(
            bytes in proptest::collection::vec(any::<u8>(), 0..64),
            mut cuts in proptest::collection::vec(0usize..64, 0..6),
        ) {
            cuts.iter_mut().for_each(|cut| *cut = (*cut).min(bytes.len()));
            cuts.sort_unstable();
            let limits = Limits { head_bytes_max: 40, uri_bytes_max: 10, ..Limits::default() };
            prop_assert_eq!(
                find_in_pieces(&bytes, &limits, &cuts),
                find_in_pieces(&bytes, &limits, &[])
            );
        }
    }
}
