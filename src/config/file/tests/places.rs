//! Where in a file something stands.

use proptest::prelude::*;

use super::*;

/// Line and column as a person counts them.
fn counted(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.split('\n').count(), line.chars().count() + 1)
}

proptest! {
    #[test]
    fn places_are_as_a_person_counts_them(text in "[a\u{fc}\r\n]{0,40}") {
        let mut mistakes = Mistakes::default();
        let read = Text::new("", text.clone().into_bytes(), &mut mistakes).expect("UTF-8");
        for (at, _) in text.char_indices().chain([(text.len(), ' ')]) {
            prop_assert_eq!(read.place(at), counted(&text, at), "{:?} {}", text, at);
        }
    }
}
