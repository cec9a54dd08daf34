//! Answers in the shape of AWS API Gateway's management API, for clients that speak that.
//!
//! Knows: that shape, dates as text (RFC 3339).
//! Must not know: how anything is done.

use super::super::answer::Problem;
use super::done::{Done, Said};
use crate::http::Status;

const GONE: Problem =
    Problem::new(Status::Gone, "connection-gone", "No connection has this connectionId.");
const GONE_HEADERS: &[(&str, &str)] = &[("x-amzn-ErrorType", "GoneException")];

const MS_PER_DAY: u64 = 24 * 3600 * 1000;

pub(super) fn said(done: &Done) -> Said {
    match done {
        Done::Queued | Done::Published { .. } | Done::Ended(_) => {
            Said::Well(Status::Ok, Vec::new())
        }
        Done::Closed => Said::Well(Status::NoContent, Vec::new()),
        Done::Described(description) => {
            let (connected, active) = (date(description.connected_ms), date(description.seen_ms));
            let body = format!("{{\"connectedAt\":\"{connected}\",\"lastActiveAt\":\"{active}\"}}");
            Said::Well(Status::Ok, body.into_bytes())
        }
        Done::Failed(problem) => match problem.status {
            Status::NotFound | Status::Gone => Said::Problem(GONE, GONE_HEADERS),
            _ => Said::Problem(problem.clone(), &[]),
        },
    }
}

/// `2026-01-02T03:04:05.678Z`.
fn date(unix_ms: u64) -> String {
    let (days, ms) = (unix_ms / MS_PER_DAY, unix_ms % MS_PER_DAY);
    // Years that begin in March have their leap day at the end, so that months before it are
    // always as long: 153 days in each five of them. 719,468 days before 1970 one of the cycles of
    // 400 years began.
    let day = days + 719_468;
    let (cycle, of_cycle) = (day / 146_097, day % 146_097);
    let year = (of_cycle - of_cycle / 1460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let march = (5 * of_year + 2) / 153;
    let (day, month) = (of_year - (153 * march + 2) / 5 + 1, (march + 2) % 12 + 1);
    let year = cycle * 400 + year + u64::from(month <= 2);
    let (second, ms) = (ms / 1000, ms % 1000);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (unix_ms, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_767_323_045_678, "2026-01-02T03:04:05.678Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00.000Z"),
            (1_735_689_599_000, "2024-12-31T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (4_107_456_000_000, "2100-02-28T00:00:00.000Z"),
        ] {
            assert_eq!(date(unix_ms), text);
        }
    }

    /// Day by day through all of a cycle, as one counts without arithmetic.
    #[test]
    fn days_follow_each_other() {
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..146_097 {
            let expected = format!("{year:04}-{month:02}-{day:02}T00:00:00.000Z");
            assert_eq!(date(days * MS_PER_DAY), expected);
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            let last = match month {
                2 if is_leap => 29,
                2 => 28,
                4 | 6 | 9 | 11 => 30,
                _ => 31,
            };
            day += 1;
            if day > last {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
    }
}
