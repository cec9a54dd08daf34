//! What somebody may have meant to write.
//!
//! Knows: how far two words are from each other.
//! Must not know: what they mean.

/// The nearest of `names`, unless all are too far for a slip.
pub(in crate::config) fn nearest<'n>(
    given: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    // Nothing has so long a name, and to compare it would take as long.
    const LENGTH_MAX: usize = 64;
    if given.len() > LENGTH_MAX {
        return None;
    }
    let given = given.trim_start_matches('-').to_lowercase().replace('_', "-");
    let distance = |name: &&str| strsim::osa_distance(&given, name);
    let name = names.into_iter().min_by_key(distance)?;
    // One in three letters may be wrong; of short words two: swapped, or the other plural.
    (distance(&name) <= (name.len() / 3).max(2).min(name.len() - 1)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_understood() {
        let names = ["max-message", "max-body", "cores", "drain", "page", "echo"];
        let cases = [
            ("max-mesage", Some("max-message")),
            ("max_message", Some("max-message")),
            ("--max-message", Some("max-message")),
            ("Max-Message", Some("max-message")),
            ("messages", None),
            ("core", Some("cores")),
            ("croes", Some("cores")),
            ("pages", Some("page")),
            ("", None),
            ("x", None),
            ("wholly-different", None),
            (&"max-message".repeat(1_000_000), None),
        ];
        for (given, expected) in cases {
            assert_eq!(nearest(given, names), expected, "{given}");
        }
        assert_eq!(nearest("echo", []), None);
    }
}
