//! `[route]` where `[[route]]` was meant.
//!
//! Knows: which tables stand in a row, how a line that begins a table looks.
//! Must not know: what is in a table.
//!
//! One such line by itself is TOML like any other. Beside a second one, or beside a right one, it
//! is a key that is there twice, of which TOML blames the later, and that may be the right one.

use super::what::What;

/// The tables of `[[…]]`: their last key, and what stands in the brackets.
const ROWS: [(&str, &str, What); 5] = [
    ("route", "route", What::Route),
    ("reply", "route.reply", What::Reply),
    ("page", "page", What::Page),
    ("files", "files", What::Files),
    ("key", "key", What::Key),
];

/// Where tables of one name begin in single brackets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Singles {
    pub(super) key: &'static str,
    pub(super) what: What,
    /// Counted in bytes.
    pub(super) places: Vec<usize>,
}

/// All of them, by their last key.
pub(super) fn singles(text: &str) -> Vec<Singles> {
    let mut found = ROWS.map(|(key, _, what)| Singles { key, what, places: Vec::new() });
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let at = start + line.len() - line.trim_start().len();
        start += line.len();
        let code = line.split('#').next().unwrap_or_default().trim();
        let inside = code.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let row = inside.and_then(|it| ROWS.iter().position(|(_, header, _)| *header == it.trim()));
        if let Some(row) = row {
            found[row].places.push(at);
        }
    }
    found.into_iter().filter(|one| !one.places.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_brackets_are_told_from_double_ones() {
        let text =
            "[route]\n[[route]] # [route]\n  [ route ] # x\n[route.reply]\n# [route]\n[route";
        let expected = [
            Singles { key: "route", what: What::Route, places: vec![0, 30] },
            Singles { key: "reply", what: What::Reply, places: vec![44] },
        ];
        assert_eq!(singles(text), expected);
    }
}
