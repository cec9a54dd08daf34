//! Where a stream is to begin, as people write it.
//!
//! Knows: the words for it, what an event's id may look like, and what a time does.
//! Must not know: how it is asked for.

use super::event;

const NO_PLACE: &str = "is neither earliest, now nor an event id; an id is what --json shows, \
                        such as 8o422su-00000000001";
const TIME: &str = "is a time, and events are found by their ids only: write earliest, now, or \
                    the id of the event to begin behind, which --json shows";

/// What is said to who means something else than `earliest`, `now` or an event's id.
pub(super) fn check(since: &str) -> Result<(), &'static str> {
    match since {
        "earliest" | "now" => Ok(()),
        _ if is_time(since) => Err(TIME),
        _ if is_id(since) => Ok(()),
        _ => Err(NO_PLACE),
    }
}

/// An id counts something. A word without a digit is one that somebody guessed.
fn is_id(since: &str) -> bool {
    since.bytes().any(|byte| byte.is_ascii_digit()) && event::is_id(since)
}

/// `5m`, `-1h30m`, `5 minutes ago`, `now-5m`, `12:00`, `2026-11-22T12:00:00Z`, `1795262467`.
fn is_time(since: &str) -> bool {
    let text = since.strip_prefix("now").unwrap_or(since).to_ascii_lowercase();
    let text = text.trim_start_matches(['-', '+', '~', ' ']).trim_end();
    text.starts_with(|first: char| first.is_ascii_digit())
        && (is_span(text.strip_suffix("ago").unwrap_or(text)) || is_clock(text) || is_date(text))
}

/// Numbers, each with a unit of time or nothing behind it.
fn is_span(text: &str) -> bool {
    const UNITS: [&str; 18] = [
        "", "ms", "s", "sec", "secs", "second", "seconds", "m", "min", "mins", "minute", "minutes",
        "h", "hour", "hours", "d", "day", "days",
    ];
    let mut units = text.split(|one: char| one.is_ascii_digit() || one == '.');
    units.all(|unit| UNITS.contains(&unit.trim()))
}

fn is_clock(text: &str) -> bool {
    let of_clock = |byte: u8| byte.is_ascii_digit() || b":.apm z".contains(&byte);
    text.contains(':') && text.bytes().all(of_clock)
}

/// Whatever follows the day.
fn is_date(text: &str) -> bool {
    let shape: String = text.chars().take(10).map(as_digit).collect();
    shape == "0000-00-00" && !text[10..].starts_with(|next: char| next.is_ascii_digit())
}

/// Any digit as 0.
fn as_digit(one: char) -> char {
    if one.is_ascii_digit() { '0' } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_begins_at_an_end_of_the_log_or_behind_an_event() {
        for since in ["earliest", "now", "8o422su-00000000001", "e-1", "5m-1", "1x", "nobody-1"] {
            assert_eq!(check(since), Ok(()), "{since}");
        }
    }

    #[test]
    fn who_writes_a_time_is_told_what_to_write() {
        for since in [
            "5m",
            "-5m",
            "1h30m",
            "1h 30m",
            "0.5h",
            "30s",
            "2d",
            "5min",
            "5 minutes",
            "now-5m",
            "5 minutes ago",
            "12:00",
            "12:00:01.5",
            "7:30pm",
            "2026-11-22",
            "2026-11-22T12:00:00Z",
            "2026-11-22 12:00",
            "1795262467",
            "1795262467031",
            "5M",
        ] {
            assert_eq!(check(since), Err(TIME), "{since}");
        }
    }

    #[test]
    fn anything_else_is_no_place() {
        for since in
            ["", "yesterday", "earlist", "a b 1", "5 apples", "ø1", "x12:00", &"1x".repeat(65)]
        {
            assert_eq!(check(since), Err(NO_PLACE), "{since}");
        }
    }
}
