//! What is known to break servers of this kind, row by row: each has a test, here or beside the code.
//!
//! The tables `*.txt` beside this file say which test covers which row; that they are whole, and
//! that the tests exist, is a test too.

#[path = "../support/mod.rs"]
mod support;

mod compression;
mod frames;
mod http;
mod sse;
mod turn;

use std::fs;
use std::path::{Path, PathBuf};

/// One line of a table: `ROW  file::test, file::test  remark`, with two blanks between the columns.
struct Row<'a> {
    name: &'a str,
    tests: Vec<(&'a str, &'a str)>,
    remark: &'a str,
}

impl Row<'_> {
    fn parse(line: &str) -> Row<'_> {
        let mut columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty());
        let name = columns.next().expect("a row's name");
        let tests = columns.next().expect(line);
        let tests = match tests {
            "-" => Vec::new(),
            tests => tests.split(',').map(|test| split_test(test.trim())).collect(),
        };
        Row { name, tests, remark: columns.next().unwrap_or_default() }
    }
}

fn split_test(test: &str) -> (&str, &str) {
    test.rsplit_once("::").unwrap_or_else(|| panic!("{test}: write file::test"))
}

/// Rows `letter`01 to `last` stand in `table`, in order, each with tests that exist or the
/// reason why it has none.
fn check(table: &str, letter: char, last: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("tests/rows").join(table)).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let rows: Vec<Row<'_>> = lines.map(Row::parse).collect();
    let names: Vec<&str> = rows.iter().map(|row| row.name).collect();
    let wanted: Vec<String> = (1..=last).map(|number| format!("{letter}{number:02}")).collect();
    assert_eq!(names, wanted, "{table}");
    for row in &rows {
        assert!(
            !row.tests.is_empty() || !row.remark.is_empty(),
            "{}: no test, no reason",
            row.name
        );
        for (file, test) in &row.tests {
            let path = root.join(file).with_extension("rs");
            let has = has_test(&path, test);
            assert!(has, "{}: there is no test {test} in {}", row.name, path.display());
        }
    }
}

fn has_test(path: &PathBuf, test: &str) -> bool {
    let Ok(code) = fs::read_to_string(path) else { return false };
    code.contains(&format!("fn {test}("))
}

#[test]
fn every_row_of_http_has_its_tests() {
    check("http.txt", 'H', 23);
}

#[test]
fn every_row_of_frames_has_its_tests() {
    check("frames.txt", 'W', 19);
}

#[test]
fn every_row_of_compression_has_its_tests() {
    check("compression.txt", 'Z', 8);
}

#[test]
fn every_row_of_event_streams_has_its_tests() {
    check("sse.txt", 'S', 10);
}

#[test]
fn every_row_of_the_loop_has_its_tests() {
    check("turn.txt", 'L', 18);
}
