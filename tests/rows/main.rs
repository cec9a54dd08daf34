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
use std::path::Path;
use support::sources::{Tests, test_fault};

/// One line of a table: `ROW  file::test, file::test  remark`, with two blanks between the columns.
struct Row<'a> {
    name: &'a str,
    /// Each as `file::test`.
    tests: Vec<&'a str>,
    remark: &'a str,
}

impl Row<'_> {
    fn parse(line: &str) -> Row<'_> {
        let mut columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty());
        let name = columns.next().expect("a row's name");
        let tests = columns.next().expect(line);
        let tests = match tests {
            "-" => Vec::new(),
            tests => tests.split(',').map(str::trim).collect(),
        };
        Row { name, tests, remark: columns.next().unwrap_or_default() }
    }
}

/// Rows `letter`01 to `last` stand in `table`, in order, each with tests that are run or the
/// reason why it has none.
fn check(table: &str, letter: char, last: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(root.join("tests/rows").join(table)).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let rows: Vec<Row<'_>> = lines.map(Row::parse).collect();
    let names: Vec<&str> = rows.iter().map(|row| row.name).collect();
    let wanted: Vec<String> = (1..=last).map(|number| format!("{letter}{number:02}")).collect();
    assert_eq!(names, wanted, "{table}");
    let known = Tests::of_the_package();
    for row in &rows {
        assert!(
            !row.tests.is_empty() || !row.remark.is_empty(),
            "{}: no test, no reason",
            row.name
        );
        for test in &row.tests {
            let fault = known.fault(test);
            assert!(fault.is_none(), "{}: {}", row.name, fault.unwrap_or_default());
        }
    }
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

#[test]
fn every_row_of_access_has_its_tests() {
    check("access.txt", 'A', 20);
}

#[test]
fn every_row_of_browsers_has_its_tests() {
    check("browsers.txt", 'B', 8);
}

#[test]
fn a_test_that_is_not_run_covers_no_row() {
    let cases = [
        ("#[test]\nfn one() {", None),
        ("    /// Why.\n    #[test]\n    // And how.\n    #[should_panic]\n    fn one() {", None),
        ("proptest! {\n    #[test]\n    fn one(word in \"[a-z]\") {", None),
        ("fn one() {\n}\n#[test]\nfn one() {", None),
        ("fn one() {", Some("is no #[test]")),
        ("#[test]\nfn other() {}\n\nfn one() {", Some("is no #[test]")),
        ("// #[test]\nfn one() {", Some("is no #[test]")),
        ("#[test]\n#[ignore]\nfn one() {", Some("is ignored")),
        ("#[ignore = \"slow\"]\n#[test]\nfn one() {", Some("is ignored")),
        ("#[test]\n#[cfg(loom)]\nfn one() {", Some("is not always compiled")),
        ("#[test]\nfn one_more() {", Some("does not exist")),
        ("// fn one() {", Some("does not exist")),
    ];
    for (code, fault) in cases {
        assert_eq!(test_fault(code, "one"), fault, "{code}");
    }
    let known = Tests::of_the_package();
    let of_this = "tests/rows/main::a_test_that_is_not_run_covers_no_row";
    assert_eq!(known.fault(of_this), None);
    // A file that is there, and in no target of tests.
    let fault = known.fault("benches/load/main::main");
    assert_eq!(fault.as_deref(), Some("no `mod` leads to benches/load/main.rs"));
    assert_eq!(known.fault("tests/rows/none::one").as_deref(), Some("no tests/rows/none.rs"));
}
