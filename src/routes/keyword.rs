//! What a canned reply is looked for by.
//!
//! Knows: texts with and without case, how to be found in bytes.
//! Must not know: who says what, and when.

use memchr::memmem::Finder;

/// A text to be found in messages; what it takes to find it is made once.
#[derive(Clone, Debug)]
pub struct Keyword {
    /// As it was written.
    text: String,
    exact: Finder<'static>,
    folded: Finder<'static>,
}

impl Keyword {
    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it is in `message`, which may be any bytes.
    pub(super) fn is_in(&self, message: &[u8]) -> bool {
        self.exact.find(message).is_some()
    }

    /// Whether it is in what [`fold`] made of a message.
    pub(super) fn is_in_folded(&self, folded: &str) -> bool {
        self.folded.find(folded.as_bytes()).is_some()
    }
}

impl From<&str> for Keyword {
    fn from(text: &str) -> Keyword {
        let finder = |text: &str| Finder::new(text).into_owned();
        Keyword { text: text.to_owned(), exact: finder(text), folded: finder(&fold(text)) }
    }
}

/// The others follow from the text.
impl PartialEq for Keyword {
    fn eq(&self, other: &Keyword) -> bool {
        self.text == other.text
    }
}

impl Eq for Keyword {}

/// `text` without case. Letter by letter, so that a part of a text is a part of it here, too: a
/// sigma in lower case depends on what is behind it.
pub(super) fn fold(text: &str) -> String {
    let lower = text.chars().flat_map(char::to_lowercase);
    lower.map(|letter| if letter == 'ς' { 'σ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn it_is_shown_as_it_was_written() {
        let keyword = Keyword::from("HeLLo ß");
        assert_eq!(keyword.as_str(), "HeLLo ß");
        assert_eq!(keyword, keyword.clone());
        assert_ne!(keyword, Keyword::from("hello ß"), "not the same text to whoever reads it");
    }

    #[test]
    fn case_does_not_depend_on_what_stands_around() {
        for (wanted, message) in [
            ("ΟΔΟΣ", "η οδός και η οδος"),
            ("οδος", "ΟΔΟΣΗΜΟ"),
            ("ΣΑΣ", "σασα"),
            ("İ", "i\u{307}stanbul"),
            ("ẞ", "straße"),
        ] {
            assert!(Keyword::from(wanted).is_in_folded(&fold(message)), "{wanted} in {message}");
        }
    }

    proptest! {
        /// Against a search that takes each place in turn.
        #[test]
        fn whatever_is_a_part_is_found(before: String, wanted in ".{1,8}", behind: String) {
            let keyword = Keyword::from(wanted.as_str());
            let message = format!("{before}{wanted}{behind}");
            prop_assert!(keyword.is_in(message.as_bytes()));
            for cased in [message.clone(), format!("{before}{}{behind}", fold(&wanted))] {
                prop_assert!(keyword.is_in_folded(&fold(&cased)));
            }
            let others = format!("{before}{behind}");
            let is_there = (0..others.len()).any(|at| others.as_bytes()[at..].starts_with(wanted.as_bytes()));
            prop_assert_eq!(keyword.is_in(others.as_bytes()), is_there);
        }
    }
}
