//! The `Date` header's value, formatted once a second (RFC 9110 §5.6.7).
//!
//! Knows: seconds since 1970 and how a date is written.
//! Must not know: the clock.

use std::time::{Duration, UNIX_EPOCH};

/// `Sun, 06 Nov 1994 08:49:37 GMT` has always this length.
pub const DATE_BYTES: usize = 29;

/// The last second of the year 9999: the format has four digits for the year.
const LAST_SECOND: u64 = 253_402_300_799;

/// A date as text, good for the second it was made for.
#[derive(Clone, Debug)]
pub struct HttpDate {
    second: u64,
    text: [u8; DATE_BYTES],
}

impl Default for HttpDate {
    fn default() -> Self {
        HttpDate { second: 0, text: *b"Thu, 01 Jan 1970 00:00:00 GMT" }
    }
}

impl HttpDate {
    /// The date of that second, formatted anew only when it is another than last time.
    pub fn of(&mut self, unix_seconds: u64) -> &[u8; DATE_BYTES] {
        if unix_seconds != self.second {
            self.second = unix_seconds;
            let since = Duration::from_secs(unix_seconds.min(LAST_SECOND));
            if let Some(moment) = UNIX_EPOCH.checked_add(since)
                && let Ok(text) = httpdate::fmt_http_date(moment).as_bytes().try_into()
            {
                self.text = text;
            }
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_imf_fixdates() {
        let cases: &[(u64, &[u8; DATE_BYTES])] = &[
            (0, b"Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, b"Sun, 06 Nov 1994 08:49:37 GMT"), // RFC 9110 §5.6.7
            (784_111_777, b"Sun, 06 Nov 1994 08:49:37 GMT"),
            (1_709_210_096, b"Thu, 29 Feb 2024 12:34:56 GMT"),
            (LAST_SECOND, b"Fri, 31 Dec 9999 23:59:59 GMT"),
            (LAST_SECOND + 1, b"Fri, 31 Dec 9999 23:59:59 GMT"),
            (u64::MAX, b"Fri, 31 Dec 9999 23:59:59 GMT"),
            (1, b"Thu, 01 Jan 1970 00:00:01 GMT"),
        ];
        let mut date = HttpDate::default();
        for (second, text) in cases {
            assert_eq!(date.of(*second), *text);
        }
    }
}
