//! What somebody does wrong in the first hour, and what is said to that: `tests/rows/first-hour.txt`.
//!
//! Each line of that file that begins with `$` is done here, to the real binary, and what comes of
//! it must be what stands below the line. `REWRITE_ROWS=1 cargo test --test first_hour` writes the
//! file anew; whoever does that reads what has changed.

#[path = "../support/mod.rs"]
mod support;

mod doing;
mod table;

use doing::Doing;
use std::path::Path;
use std::{env, fs};
use table::{Line, rendered};

/// Fewer would not be a first hour.
const MISTAKES_MIN: usize = 40;

#[test]
fn each_mistake_of_the_first_hour_is_told_what_to_do_instead() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = root.join("tests/rows/first-hour.txt");
    let before = fs::read_to_string(&path).unwrap();
    let mut doing = Doing::default();
    let (mut after, mut mistakes) = (String::new(), 0);
    for line in Line::all(&before) {
        match line {
            Line::Title(title) => {
                mistakes += usize::from(!title.is_empty() && !title.starts_with('#'));
                after.push_str(&format!("{title}\n"));
            }
            Line::File { name, text } => {
                doing.write(name, &text);
                after.push_str(&format!("  {name}:\n"));
                after.extend(text.lines().map(|line| format!("    | {line}\n")));
            }
            Line::Command(command) => {
                after.push_str(&format!("  $ {command}\n{}", rendered(&doing.run(command))));
            }
        }
    }
    assert!(mistakes >= MISTAKES_MIN, "{mistakes} mistakes are too few");
    if env::var_os("REWRITE_ROWS").is_some_and(|value| !value.is_empty()) {
        return fs::write(&path, after).unwrap();
    }
    for (number, (is, was)) in after.lines().zip(before.lines()).enumerate() {
        assert_eq!(is, was, "line {} of tests/rows/first-hour.txt", number + 1);
    }
    assert_eq!(after, before, "something is missing at the end");
}
