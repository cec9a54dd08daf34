//! What a client would like to be sent: `Accept` (RFC 9110 §12.5.1), as far as two stream formats
//! need it.
//!
//! Knows: media ranges and their quality.
//! Must not know: which types we have.

use super::token;

/// How much a type is wanted: the quality in thousandths, then how exactly the type was named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rank {
    quality: u16,
    exactness: Exactness,
}

impl Rank {
    pub(super) fn is_welcome(self) -> bool {
        self.quality > 0
    }

    pub(super) fn is_above(self, other: Rank) -> bool {
        self.is_welcome() && self > other
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exactness {
    Anything,
    Family,
    Exact,
}

/// The rank of `mime` under these elements of `Accept`. The most exact range that fits decides, so
/// `text/event-stream;q=0, */*` refuses event streams. Without any element everything is welcome.
pub(super) fn rank<'a>(ranges: impl Iterator<Item = &'a str>, mime: &str) -> Rank {
    let mut best: Option<Rank> = None;
    let mut any = false;
    for range in ranges {
        any = true;
        let mut parts = range.split(';').map(token::trim);
        let exactness = parts.next().and_then(|name| fit(name, mime));
        if let Some(exactness) = exactness {
            let rank = Rank { quality: quality(parts), exactness };
            if best.is_none_or(|best| best.exactness < exactness) {
                best = Some(rank);
            }
        }
    }
    let quality = if any { 0 } else { QUALITY_MAX };
    best.unwrap_or(Rank { quality, exactness: Exactness::Anything })
}

const QUALITY_MAX: u16 = 1000;

fn fit(range: &str, mime: &str) -> Option<Exactness> {
    if range == "*/*" {
        return Some(Exactness::Anything);
    }
    if range.eq_ignore_ascii_case(mime) {
        return Some(Exactness::Exact);
    }
    let (family, _) = mime.split_once('/')?;
    let (wanted, rest) = range.split_once('/')?;
    (rest == "*" && wanted.eq_ignore_ascii_case(family)).then_some(Exactness::Family)
}

/// The weight among a range's parameters, 1 where there is none or none that can be read.
fn quality<'a>(mut parameters: impl Iterator<Item = &'a str>) -> u16 {
    let weight = parameters.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
    weight.and_then(thousandths).unwrap_or(QUALITY_MAX)
}

/// RFC 9110 §12.4.2: `0`, `1`, or a fraction of at most three digits.
fn thousandths(text: &str) -> Option<u16> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    // `parse` alone would take a sign.
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let fraction = match fraction.len() {
        0 => 0,
        1 => fraction.parse::<u16>().ok()?.checked_mul(100)?,
        2 => fraction.parse::<u16>().ok()?.checked_mul(10)?,
        3 => fraction.parse().ok()?,
        _ => return None,
    };
    match whole {
        "0" => Some(fraction),
        "1" if fraction == 0 => Some(QUALITY_MAX),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SSE: &str = "text/event-stream";
    const LINES: &str = "application/x-ndjson";

    fn rank_of(accept: &str, mime: &str) -> Rank {
        rank(accept.split(',').map(token::trim).filter(|range| !range.is_empty()), mime)
    }

    #[test]
    fn qualities_are_thousandths() {
        let cases = [
            ("0", Some(0)),
            ("0.5", Some(500)),
            ("0.123", Some(123)),
            ("1", Some(1000)),
            ("1.000", Some(1000)),
            ("1.001", None),
            ("0.1234", None),
            ("", None),
            (".5", None),
            ("2", None),
            ("-0", None),
            ("0.+1", None),
            ("0.", Some(0)),
        ];
        for (text, expected) in cases {
            assert_eq!(thousandths(text), expected, "{text}");
        }
    }

    #[test]
    fn the_most_exact_range_decides() {
        for (accept, sse, lines) in [
            ("", 1000, 1000),
            ("*/*", 1000, 1000),
            ("text/event-stream", 1000, 0),
            ("Text/Event-Stream", 1000, 0),
            ("text/*", 1000, 0),
            ("text/html, application/xml;q=0.9", 0, 0),
            ("application/x-ndjson, */*;q=0.1", 100, 1000),
            ("*/*, text/event-stream;q=0", 0, 1000),
            ("text/event-stream;q=0, text/*", 0, 0),
            ("text/event-stream; charset=utf-8 ;Q=0.25", 250, 0),
            ("text/event-stream;q=many", 1000, 0),
            ("text", 0, 0),
            ("*", 0, 0),
        ] {
            assert_eq!(rank_of(accept, SSE).quality, sse, "{accept}");
            assert_eq!(rank_of(accept, LINES).quality, lines, "{accept}");
        }
    }

    #[test]
    fn at_equal_quality_the_one_that_is_named_is_preferred() {
        for (accept, prefers_lines) in [
            ("", false),
            ("*/*", false),
            ("application/x-ndjson", true),
            ("application/x-ndjson, */*", true),
            ("application/*, */*", true),
            ("application/x-ndjson, text/event-stream", false),
            ("application/x-ndjson;q=0.5, text/event-stream", false),
            ("application/x-ndjson;q=0", false),
        ] {
            assert_eq!(
                rank_of(accept, LINES).is_above(rank_of(accept, SSE)),
                prefers_lines,
                "{accept}"
            );
        }
    }
}
