//! What README shows of the examples is what stands in them.

use crate::foreign::root;
use crate::proxy::Kind;
use std::fs;

#[test]
fn readme_quotes_the_configurations_as_they_are() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    for kind in [Kind::Nginx, Kind::Caddy] {
        for block in blocks(&readme, kind.file()) {
            let example = kind.text();
            assert!(example.contains(&block), "{} is not this:\n{block}", kind.file());
        }
    }
}

#[test]
fn a_block_is_what_stands_in_the_fence_after_the_name() {
    let text = "a `some/file` is this:\n\n```nginx\none\n\ntwo\n```\n\nsome/file\nno block\n";
    assert_eq!(blocks(text, "some/file"), ["one\n\ntwo\n"]);
    assert!(blocks(text, "other/file").is_empty());
}

/// The fenced blocks that come right behind a line that names the file.
fn blocks(text: &str, file: &str) -> Vec<String> {
    let lines: Vec<_> = text.lines().collect();
    let named = (0..lines.len()).filter(|at| lines[*at].contains(file));
    named
        .filter_map(|at| {
            let mut behind = lines[at + 1..].iter().skip_while(|line| line.is_empty());
            behind.next().filter(|line| line.starts_with("```"))?;
            let block = behind.take_while(|line| **line != "```");
            Some(block.map(|line| format!("{line}\n")).collect())
        })
        .collect()
}
