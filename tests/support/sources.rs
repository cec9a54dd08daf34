//! What of the sources is compiled, and which functions in them `cargo test` runs.
//!
//! Knows: how modules lead to files, how a test is marked.
//! Must not know: which files and tests there should be.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// All files that some `mod` leads to, beginning at the `roots` of crates, these included.
pub(crate) fn reached_from(roots: &[PathBuf]) -> BTreeSet<PathBuf> {
    let mut reached = BTreeSet::new();
    // With each the folder that the files of its modules are in.
    let folder_of_root = |root: &PathBuf| (root.clone(), root.parent().unwrap().to_owned());
    let mut open: Vec<_> = roots.iter().map(folder_of_root).collect();
    while let Some((file, folder)) = open.pop() {
        let code = fs::read_to_string(&file).unwrap_or_else(|_| panic!("{}", file.display()));
        open.extend(modules(&code).flat_map(|(name, path)| match path {
            // Modules of a file that is named so are beside it.
            Some(path) => {
                let path = plain(&file.parent().unwrap().join(path));
                vec![(path.clone(), path.parent().unwrap().to_owned())]
            }
            None => {
                let inside = folder.join(name);
                vec![(inside.with_extension("rs"), inside.clone()), (inside.join("mod.rs"), inside)]
            }
        }));
        reached.insert(file);
        open.retain(|(file, _)| file.exists() && !reached.contains(file));
    }
    reached
}

/// Each `mod name;`, with what a `#[path]` says about its file.
fn modules(code: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let mut path = None;
    code.lines().filter_map(move |line| {
        let line = line.trim();
        if let Some(given) = line.strip_prefix("#[path = \"") {
            path = given.strip_suffix("\"]");
        }
        if is_mark(line) {
            return None;
        }
        let path = path.take();
        let name = without_visibility(line).strip_prefix("mod ")?.strip_suffix(';')?;
        Some((name, path))
    })
}

/// An attribute or a comment.
fn is_mark(line: &str) -> bool {
    line.starts_with("#[") || line.starts_with("//")
}

fn without_visibility(line: &str) -> &str {
    let rest = line.strip_prefix("pub(crate) ").or_else(|| line.strip_prefix("pub(super) "));
    rest.unwrap_or_else(|| line.strip_prefix("pub ").unwrap_or(line))
}

/// Without its `..`, so that each file has one name.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part.as_os_str() == ".." {
            true => drop(plain.pop()),
            false => plain.push(part),
        }
        plain
    })
}

/// The tests that `cargo test` runs.
pub(crate) struct Tests {
    root: PathBuf,
    reached: BTreeSet<PathBuf>,
}

impl Tests {
    /// Those of the package: beside its code, and in the targets of `tests`.
    pub(crate) fn of_the_package() -> Tests {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).to_owned();
        let mut roots = vec![root.join("src/lib.rs"), root.join("src/main.rs")];
        for entry in fs::read_dir(root.join("tests")).unwrap() {
            let path = entry.unwrap().path();
            let main = path.join("main.rs");
            if main.exists() {
                roots.push(main);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                roots.push(path);
            }
        }
        Tests { reached: reached_from(&roots), root }
    }

    /// What is wrong with a test that somebody relies on, written `file::name` without the `.rs`.
    pub(crate) fn fault(&self, test: &str) -> Option<String> {
        let (file, name) = test.rsplit_once("::").expect("file::name");
        let path = self.root.join(format!("{file}.rs"));
        let Ok(code) = fs::read_to_string(&path) else { return Some(format!("no {file}.rs")) };
        if !self.reached.contains(&path) {
            return Some(format!("no `mod` leads to {file}.rs"));
        }
        let fault = test_fault(&code, name)?;
        Some(format!("{test} {fault}"))
    }
}

/// Why `code` has no test `name` that runs, if it has none.
pub(crate) fn test_fault(code: &str, name: &str) -> Option<&'static str> {
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    let head = format!("fn {name}(");
    let mut found = "does not exist";
    for at in (0..lines.len()).filter(|at| lines[*at].starts_with(&head)) {
        let marks = lines[..at].iter().rev().take_while(|line| is_mark(line));
        let marks: Vec<&str> = marks.copied().filter(|line| line.starts_with("#[")).collect();
        // Inside of `proptest!` it says `#[test]` too.
        found = if !marks.contains(&"#[test]") {
            "is no #[test]"
        } else if marks.iter().any(|mark| mark.starts_with("#[ignore")) {
            "is ignored"
        } else if marks.iter().any(|mark| mark.starts_with("#[cfg")) {
            "is not always compiled"
        } else {
            return None;
        };
    }
    Some(found)
}
