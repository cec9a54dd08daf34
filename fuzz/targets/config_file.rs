//! A configuration file: whatever is in it, it is understood or every mistake has its place in it.
//!
//! Knows: the input is the file's bytes; nothing else is on the disk.
//! Must not know: what the options are for.

use tidegate::config::{Loaded, Mistake};

const NAME: &str = "fuzz.toml";

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    match Loaded::from_bytes(NAME, data) {
        Ok(loaded) => is_printed(&loaded),
        Err(mistakes) => {
            assert!(mistakes.iter().next().is_some(), "refused, and nothing is wrong");
            mistakes.iter().for_each(|mistake| has_a_place(mistake, data));
        }
    }
}

/// What is printed is a file that means the same, and is printed as it is.
fn is_printed(loaded: &Loaded) {
    let printed = loaded.to_toml();
    let again = Loaded::from_bytes(NAME, printed.as_bytes());
    let again = again.unwrap_or_else(|mistakes| panic!("{mistakes}\n{printed}"));
    assert!(again.config == loaded.config, "{printed}\n{loaded:?}\n{again:?}");
    // Where a value is from is told behind it, and is now the file.
    let values = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| line.split("  # ").next().unwrap_or(line).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(values(&again.to_toml()), values(&printed));
}

/// One line, which names the place where the byte is that it is about.
fn has_a_place(mistake: &Mistake, data: &[u8]) {
    let told = mistake.to_string();
    assert!(!told.contains(['\n', '\r']), "{told:?}");
    let at = mistake.place().unwrap_or_else(|| panic!("it is nowhere: {told}"));
    let before = data.get(..at).unwrap_or_else(|| panic!("{at} is behind the end: {told}"));
    let before =
        str::from_utf8(before).unwrap_or_else(|_| panic!("{at} is in a character: {told}"));
    let line = before.split('\n').count();
    let column = before.split('\n').next_back().unwrap_or_default().chars().count() + 1;
    assert!(told.starts_with(&format!("{NAME}:{line}:{column}: ")), "not {line}:{column}: {told}");
}
