//! The suite that was written from PROTOCOL.md alone, held against the real binary.

use std::path::Path;
use std::process::Command;

#[test]
fn the_server_keeps_what_the_contract_says() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut suite = Command::new("python3");
    suite.args(["-B", "-m", "conformance", "--tidegate", env!("CARGO_BIN_EXE_tidegate")]);
    let output =
        suite.current_dir(tests).output().expect("Python 3 is there: tests/run installs it");
    let said = String::from_utf8_lossy(&output.stdout);
    let unkept: Vec<&str> = said.lines().filter(|line| !line.starts_with("ok ")).collect();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}\n{errors}", unkept.join("\n"));
    // Who finds no tests has none that fail.
    let (passed, _) = unkept.last().and_then(|line| line.split_once(" passed, 0 failed")).unwrap();
    assert!(passed.parse::<usize>().unwrap() >= 500, "{passed}");
}
