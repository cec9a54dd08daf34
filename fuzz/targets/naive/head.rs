//! Where the head of a request ends, line by line (RFC 9112 §2.1, §2.2, §3).
//!
//! Knows: lines, and the parts of the first one.
//! Must not know: what fields say.

use tidegate::http::Fault;
use tidegate::limits::Limits;

/// Empty lines before the request that are tolerated.
const BLANK_LINES_MAX: usize = 2;
/// The longest method name.
const METHOD_BYTES_MAX: usize = 34;

/// A byte that may stand in a method or the name of a field (RFC 9110 §5.6.2).
pub(crate) fn is_token(byte: u8) -> bool {
    byte.is_ascii_graphic() && !br#""(),/:;<=>?@[\]{}"#.contains(&byte)
}

/// What stands between two line ends, and how it ended.
struct Line<'a> {
    text: &'a [u8],
    end: Option<Result<(), Fault>>,
}

/// The line at the front of `bytes`. Only CR LF ends one; either alone is a fault, and a CR at the
/// very end tells nothing yet.
fn line(bytes: &[u8]) -> Line<'_> {
    let place = bytes.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
    let Some(place) = place else { return Line { text: bytes, end: None } };
    let end = match &bytes[place..] {
        [b'\r', b'\n', ..] => Some(Ok(())),
        [b'\r'] => None,
        _ => Some(Err(Fault::BadLineEnd)),
    };
    Line { text: &bytes[..place], end }
}

/// The length of the head at the front of `bytes`, or the first thing in it that is wrong.
pub(crate) fn head_length(bytes: &[u8], limits: &Limits) -> Result<Option<usize>, Fault> {
    let window = &bytes[..bytes.len().min(limits.head_bytes_max)];
    let (mut at, mut blank, mut has_request_line) = (0, 0, false);
    loop {
        let line = line(&window[at..]);
        if !has_request_line && !line.text.is_empty() {
            check_request_line(line.text, at == 0, limits)?;
        }
        let Some(end) = line.end else { break };
        end?;
        at += line.text.len() + 2;
        match (line.text.is_empty(), has_request_line) {
            (true, true) => return Ok(Some(at)),
            (true, false) if blank == BLANK_LINES_MAX => return Err(Fault::NotHttp),
            (true, false) => blank += 1,
            (false, true) => {}
            (false, false) if line.text.iter().filter(|byte| **byte == b' ').count() < 2 => {
                return Err(Fault::BadRequestLine);
            }
            (false, false) => has_request_line = true,
        }
    }
    if bytes.len() > window.len() { Err(Fault::HeadTooLarge) } else { Ok(None) }
}

/// What is wrong with a request line that may go on.
fn check_request_line(text: &[u8], is_first: bool, limits: &Limits) -> Result<(), Fault> {
    // RFC 8446 §5.1: how a TLS handshake begins.
    if is_first && text[0] == 0x16 {
        return Err(Fault::Tls);
    }
    let mut parts = text.splitn(3, |byte| *byte == b' ');
    let method = parts.next().unwrap_or_default();
    if method.is_empty() {
        return Err(Fault::NotHttp);
    }
    for (place, byte) in method.iter().enumerate() {
        if !is_token(*byte) {
            return Err(Fault::NotHttp);
        }
        if place == METHOD_BYTES_MAX {
            return Err(Fault::MethodTooLong);
        }
    }
    let target = parts.next().unwrap_or_default();
    if target.len() > limits.uri_bytes_max {
        return Err(Fault::UriTooLong);
    }
    Ok(())
}
