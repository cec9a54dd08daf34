//! Sizes, counts and times, as people write them.
//!
//! Knows: unit suffixes.
//! Must not know: options, ranges.
//!
//! A quantity is a `u64`: bytes, a count, or milliseconds. What [`Unit::write`] writes,
//! [`Unit::parse`] reads.

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// Bytes; written with a binary unit, or with none.
    Bytes,
    /// Things; written without a unit.
    Things,
    /// Milliseconds; written with a unit, always.
    Time,
}

/// Why a text is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Not a number with a unit that we know.
    Malformed,
    /// `KB` and its like: 1000 or 1024? This is the unit to write, and the number before it.
    Ambiguous(&'static str, u64),
    /// A bare number where a unit is needed.
    NoUnit(u64),
    /// More than can be counted.
    TooLarge,
}

const SIZES: [(&str, u64); 4] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];
const TIMES: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

impl Unit {
    /// Reads `64KiB`, `128` or `25s`.
    pub(super) fn parse(self, text: &str) -> Result<u64, Fault> {
        let suffix = text.trim_start_matches(|byte: char| byte.is_ascii_digit());
        let digits = &text[..text.len() - suffix.len()];
        if digits.is_empty() {
            return Err(Fault::Malformed);
        }
        // Digits alone fail for one reason only: there are too many.
        let number: u64 = digits.parse().map_err(|_| Fault::TooLarge)?;
        let scale = self.scale(number, suffix.trim_start())?;
        number.checked_mul(scale).ok_or(Fault::TooLarge)
    }

    /// Writes a quantity in the largest unit that divides it.
    pub(super) fn write(self, value: u64) -> String {
        let (units, none) = match self {
            Unit::Bytes => (&SIZES, "0B"),
            Unit::Things => return value.to_string(),
            Unit::Time => (&TIMES, "0s"),
        };
        let fits = units.iter().find(|(_, scale)| value != 0 && value.is_multiple_of(*scale));
        fits.map_or(none.to_string(), |(name, scale)| format!("{}{name}", value / scale))
    }

    /// What `number` has to be multiplied with.
    fn scale(self, number: u64, suffix: &str) -> Result<u64, Fault> {
        match self {
            Unit::Bytes if suffix.is_empty() => Ok(1),
            Unit::Bytes => byte_scale(number, suffix),
            Unit::Things if suffix.is_empty() => Ok(1),
            Unit::Things => Err(Fault::Malformed),
            Unit::Time if suffix.is_empty() => Err(Fault::NoUnit(number)),
            Unit::Time => {
                let unit = TIMES.iter().find(|(name, _)| *name == suffix);
                unit.map(|(_, scale)| *scale).ok_or(Fault::Malformed)
            }
        }
    }
}

fn byte_scale(number: u64, suffix: &str) -> Result<u64, Fault> {
    if let Some((_, scale)) = SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(suffix)) {
        return Ok(*scale);
    }
    Err(match suffix.to_ascii_lowercase().as_str() {
        "k" | "kb" => Fault::Ambiguous("KiB", number),
        "m" | "mb" => Fault::Ambiguous("MiB", number),
        "g" | "gb" => Fault::Ambiguous("GiB", number),
        _ => Fault::Malformed,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sizes() {
        let cases = [
            ("0", Ok(0)),
            ("128", Ok(128)),
            ("128B", Ok(128)),
            ("64KiB", Ok(65_536)),
            ("64 KiB", Ok(65_536)),
            ("64kib", Ok(65_536)),
            ("1MiB", Ok(1 << 20)),
            ("3GiB", Ok(3 << 30)),
            ("64KB", Err(Fault::Ambiguous("KiB", 64))),
            ("64k", Err(Fault::Ambiguous("KiB", 64))),
            ("2M", Err(Fault::Ambiguous("MiB", 2))),
            ("1gb", Err(Fault::Ambiguous("GiB", 1))),
            ("", Err(Fault::Malformed)),
            ("KiB", Err(Fault::Malformed)),
            ("-1", Err(Fault::Malformed)),
            ("1.5MiB", Err(Fault::Malformed)),
            ("1TiB", Err(Fault::Malformed)),
            ("64KiB/s", Err(Fault::Malformed)),
            ("99999999999999999999", Err(Fault::TooLarge)),
            ("18446744073709551615KiB", Err(Fault::TooLarge)),
        ];
        for (text, expected) in cases {
            assert_eq!(Unit::Bytes.parse(text), expected, "{text}");
        }
    }

    #[test]
    fn times() {
        let cases = [
            ("500ms", Ok(500)),
            ("25s", Ok(25_000)),
            ("5m", Ok(300_000)),
            ("1h", Ok(3_600_000)),
            ("0s", Ok(0)),
            ("25", Err(Fault::NoUnit(25))),
            ("25S", Err(Fault::Malformed)),
            ("1d", Err(Fault::Malformed)),
            ("1m30s", Err(Fault::Malformed)),
            ("1.5s", Err(Fault::Malformed)),
            ("", Err(Fault::Malformed)),
            ("s", Err(Fault::Malformed)),
            ("99999999999999999h", Err(Fault::TooLarge)),
        ];
        for (text, expected) in cases {
            assert_eq!(Unit::Time.parse(text), expected, "{text}");
        }
    }

    #[test]
    fn counts() {
        let cases = [
            ("7", Ok(7)),
            ("007", Ok(7)),
            ("7s", Err(Fault::Malformed)),
            ("+7", Err(Fault::Malformed)),
            ("seven", Err(Fault::Malformed)),
            ("٧", Err(Fault::Malformed)),
        ];
        for (text, expected) in cases {
            assert_eq!(Unit::Things.parse(text), expected, "{text}");
        }
    }

    #[test]
    fn quantities_are_written_in_the_largest_unit_that_fits() {
        assert_eq!(Unit::Bytes.write(65_536), "64KiB");
        assert_eq!(Unit::Bytes.write(1 << 20), "1MiB");
        assert_eq!(Unit::Bytes.write(1000), "1000B");
        assert_eq!(Unit::Bytes.write(0), "0B");
        assert_eq!(Unit::Time.write(300_000), "5m");
        assert_eq!(Unit::Time.write(90_000), "90s");
        assert_eq!(Unit::Time.write(1500), "1500ms");
        assert_eq!(Unit::Time.write(0), "0s");
        assert_eq!(Unit::Things.write(100_000), "100000");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value: u64, shift in 0u32..64) {
            let value = value >> shift;
            for unit in [Unit::Bytes, Unit::Things, Unit::Time] {
                prop_assert_eq!(unit.parse(&unit.write(value)), Ok(value));
            }
        }

        #[test]
        fn no_text_panics(text: String) {
            for unit in [Unit::Bytes, Unit::Things, Unit::Time] {
                let _ = unit.parse(&text);
            }
        }
    }
}
