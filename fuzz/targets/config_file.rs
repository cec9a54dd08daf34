//! A configuration file: whatever is in it, it is understood or every mistake has its place in it.
//!
//! Knows: the input is the file's bytes; nothing else is on the disk, and secrets are in variables.
//! Must not know: what the options are for.

use tidegate::config::{Loaded, Mistake, Mistakes};

const NAME: &str = "fuzz.toml";

/// What every variable has of which the name ends so.
const SECRETS: [(&str, &str); 3] = [
    ("KEY", "c4n4ry-0123456789-0123456789-0123"),
    ("PASSWORD", "c4n4ry cörrect horse"),
    ("SHORT", "c4n4ry"),
];

/// In all of them.
const CANARY: &str = "c4n4ry";

fn load(bytes: &[u8]) -> Result<Loaded, Mistakes> {
    Loaded::from_bytes(NAME, bytes, |name| {
        // Two keys have not the same secret unless they name the same variable.
        let found = SECRETS.iter().find(|(end, _)| name.ends_with(end));
        found.map(|(_, secret)| format!("{secret}{name}").into())
    })
}

/// One target of the fuzzer.
pub fn run(data: &[u8]) {
    let may_tell = String::from_utf8_lossy(data).contains(CANARY);
    let keeps = |told: &str| assert!(may_tell || !told.contains(CANARY), "a secret: {told}");
    match load(data) {
        Ok(loaded) => {
            is_printed(&loaded);
            keeps(&loaded.to_toml());
            loaded.warnings.iter().for_each(|warning| keeps(warning));
        }
        Err(mistakes) => {
            assert!(mistakes.iter().next().is_some(), "refused, and nothing is wrong");
            keeps(&mistakes.to_string());
            mistakes.iter().for_each(|mistake| has_a_place(mistake, data));
        }
    }
}

/// What is printed is a file that means the same, and is printed as it is.
fn is_printed(loaded: &Loaded) {
    let printed = loaded.to_toml();
    let again = load(printed.as_bytes());
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
