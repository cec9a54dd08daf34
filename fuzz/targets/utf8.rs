//! UTF-8 in pieces against the standard library, which sees all of it at once.
//!
//! Knows: the first two bytes say where the text is cut; the rest is the text.
//! Must not know: how the validator finds its answer.

use tidegate::ws::utf8::{Validator, is_utf8};

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    let [a, b, text @ ..] = data else { return };
    let verdict = str::from_utf8(text);
    assert_eq!(is_utf8(text), verdict.is_ok());
    assert_eq!(fails_after(text), naive_fails_after(text), "the byte that cannot stand there");
    let (a, b) = (usize::from(*a).min(text.len()), usize::from(*b).min(text.len()));
    let pieces = [&text[..a.min(b)], &text[a.min(b)..a.max(b)], &text[a.max(b)..]];
    let mut validator = Validator::default();
    let in_pieces = pieces.iter().try_for_each(|piece| validator.push(piece));
    let in_pieces = in_pieces.and_then(|()| validator.finish());
    assert_eq!(in_pieces.is_ok(), verdict.is_ok());
    fails_in_the_piece_that_proves_it(&pieces, naive_fails_after(text));
}

/// After how many bytes `text`, pushed byte by byte, fails.
fn fails_after(text: &[u8]) -> Option<usize> {
    let mut validator = Validator::default();
    let failing = |byte: &u8| validator.push(std::slice::from_ref(byte)).is_err();
    text.iter().position(failing).map(|place| place + 1)
}

/// The length of the shortest prefix that no further bytes could mend. `Utf8Error` says up to where
/// all is well; the bad byte is one of the four behind it.
fn naive_fails_after(text: &[u8]) -> Option<usize> {
    let error = str::from_utf8(text).err()?;
    let from = error.valid_up_to();
    (from + 1..=text.len().min(from + 4)).find(|end| {
        let verdict = str::from_utf8(&text[from..*end]);
        verdict.is_err_and(|error| error.error_len().is_some())
    })
}

fn fails_in_the_piece_that_proves_it(pieces: &[&[u8]], failing: Option<usize>) {
    let (mut validator, mut before) = (Validator::default(), 0);
    for piece in pieces {
        let should_fail = failing.is_some_and(|at| at <= before + piece.len());
        assert_eq!(validator.push(piece).is_err(), should_fail, "the piece at {before}");
        if should_fail {
            return;
        }
        before += piece.len();
    }
}
